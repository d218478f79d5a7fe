/*
 * phone_region.c
 *		How phone numbers are dialled in a region: the table phone_region, as a
 *		session remembers it. A row of the user goes before a shipped one.
 */
#include "postgres.h"

#include "common/hashfn.h"

#include "core/compat.h"
#include "text/identity.h"
#include "text/remember.h"

static CsPhoneRegion **regions; /* while it is remembered */
static int nregions;
static int room;
static uint64 print;

static void
BeginRegions(void)
{
	room = 128;
	nregions = 0;
	regions = palloc(sizeof(CsPhoneRegion *) * room);
}

static CsPhoneRegion *
FindRegion(const char *region)
{
	int i;

	for (i = 0; i < nregions; i++)
		if (strcmp(regions[i]->region, region) == 0)
			return regions[i];
	return NULL;
}

static void
TakeRegion(TupleDesc descriptor, HeapTuple tuple)
{
	char *name = CsColumnText(descriptor, tuple, "region");
	CsPhoneRegion *region = FindRegion(name);

	if (region == NULL)
	{
		if (nregions == room)
			regions = repalloc(regions, sizeof(CsPhoneRegion *) * (room *= 2));
		region = regions[nregions++] = palloc0(sizeof(CsPhoneRegion));
	}
	else if (CsColumnBool(descriptor, tuple, "shipped"))
		return;
	region->region = name;
	region->calling_code = CsColumnText(descriptor, tuple, "calling_code");
	region->national_prefix = CsColumnText(descriptor, tuple, "national_prefix");
	region->international_prefix = CsColumnText(descriptor, tuple, "international_prefix");
}

/* A fingerprint of what was read, whatever its order. */
static void
EndRegions(void)
{
	int i;

	print = 0;
	for (i = 0; i < nregions; i++)
	{
		char *all = psprintf("%s %s %s %s", regions[i]->region, regions[i]->calling_code,
							 regions[i]->national_prefix, regions[i]->international_prefix);

		print += hash_bytes_extended((const unsigned char *) all, strlen(all), 0);
		pfree(all);
	}
}

static CsRemembered phone_regions = {.table = "phone_region",
									 .signal = "name_signal",
									 .begin = BeginRegions,
									 .row = TakeRegion,
									 .end = EndRegions};

/* A region as it is now; an error if there is none of this name. */
const CsPhoneRegion *
CsUsePhoneRegion(const char *name)
{
	CsPhoneRegion *region;

	CsReadyRemembered(&phone_regions, true);
	region = FindRegion(name);
	if (region == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" is no known region of phone numbers", name),
						errhint("Give two capital letters, such as ID; INSERT INTO "
								"customer_scoring.phone_region if it is not there.")));
	return region;
}

/*
 * The region that the digits of an international number begin with the calling
 * code of, the first by name of those that share one; NULL for none. A region
 * has been used just before.
 */
const CsPhoneRegion *
CsRegionOfNumber(const char *digits)
{
	const CsPhoneRegion *best = NULL;
	int best_length = 0;
	int i;

	for (i = 0; i < nregions; i++)
	{
		int length = strlen(regions[i]->calling_code);

		if (strncmp(digits, regions[i]->calling_code, length) == 0 &&
			(length > best_length || (length == best_length && strcmp(regions[i]->region, best->region) < 0)))
		{
			best = regions[i];
			best_length = length;
		}
	}
	return best;
}

/* A fingerprint of the regions that keys were last made with, read now if there are none. */
uint64
CsPhoneRegionsPrint(void)
{
	CsReadyRemembered(&phone_regions, false);
	return print;
}
