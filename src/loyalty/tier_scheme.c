/*
 * tier_scheme.c
 *		tier_scheme: names of tiers, and the values from which on they are reached.
 *
 * A scheme is written 'bronze 0, silver 500, gold 2000', lowest tier first. A
 * tier's *threshold* is the least value that reaches it, its *rank* is 1 for the
 * lowest tier; a value below the first threshold reaches no tier, rank 0.
 * Thresholds are exact, in the units of money.c. A name that is not a plain word
 * is written in double quotes, as SQL writes identifiers.
 *
 * Values are allocated in the current memory context; nothing outlives a call.
 */
#include "postgres.h"

#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "core/check.h"
#include "core/compat.h"
#include "core/money.h"
#include "loyalty/tier_scheme.h"

#define SPACES " \t\r\n\f\v"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
#define DIGITS "0123456789"

PG_FUNCTION_INFO_V1(cs_tier_scheme_in);
PG_FUNCTION_INFO_V1(cs_tier_scheme_out);
PG_FUNCTION_INFO_V1(cs_tier_scheme_recv);
PG_FUNCTION_INFO_V1(cs_tier_scheme_send);

/* A scheme being made, of text or of a binary value. */
typedef struct SchemeDraft
{
	int tiers;
	CsAmount threshold[TIER_MAX_TIERS];
	const char *name[TIER_MAX_TIERS];
} SchemeDraft;

/* A text being read, up to `at`. */
typedef struct SchemeReader
{
	const char *text;
	const char *at;
} SchemeReader;

/* ---- what a scheme may hold ---- */

/* What is wrong with a further tier, or NULL. */
static const char *
NameFault(const SchemeDraft *draft, const char *name)
{
	int i;

	if (draft->tiers == TIER_MAX_TIERS)
		return psprintf("A scheme has at most %d tiers", TIER_MAX_TIERS);
	if (*name == '\0')
		return "The name of a tier must not be empty";
	if (strlen(name) > TIER_MAX_NAME)
		return psprintf("The name of a tier has at most %d bytes", TIER_MAX_NAME);
	for (i = 0; i < draft->tiers; i++)
		if (strcmp(draft->name[i], name) == 0)
			return "Each tier has a name of its own";
	return NULL;
}

static const char *
ThresholdFault(const SchemeDraft *draft, int128 threshold)
{
	if (threshold >= CS_MONEY_LIMIT || threshold <= -CS_MONEY_LIMIT)
		return "A threshold must be below 10^20 in absolute value";
	if (draft->tiers > 0 && draft->threshold[draft->tiers - 1].units >= threshold)
		return "Thresholds must rise from tier to tier";
	return NULL;
}

static void
AddTier(SchemeDraft *draft, const char *name, const CsAmount *threshold)
{
	draft->name[draft->tiers] = name;
	draft->threshold[draft->tiers] = *threshold;
	draft->tiers++;
}

/* The stored value of a draft. */
static TierScheme *
MakeScheme(const SchemeDraft *draft)
{
	Size head = offsetof(TierScheme, tier) + draft->tiers * sizeof(TierEntry);
	Size size = head;
	TierScheme *scheme;
	char *names;
	uint32 offset = 0;
	int i;

	for (i = 0; i < draft->tiers; i++)
		size += strlen(draft->name[i]) + 1;
	scheme = palloc0(size);
	SET_VARSIZE(scheme, size);
	scheme->version = TIER_SCHEME_VERSION;
	scheme->tiers = draft->tiers;
	names = (char *) scheme + head;
	for (i = 0; i < draft->tiers; i++)
	{
		TierEntry *entry = &scheme->tier[i];

		entry->high = (int64) (draft->threshold[i].units >> 64);
		entry->low = (uint64) draft->threshold[i].units;
		entry->scale = draft->threshold[i].scale;
		entry->name = offset;
		entry->length = strlen(draft->name[i]);
		strcpy(names + offset, draft->name[i]);
		offset += entry->length + 1;
	}
	return scheme;
}

/* ---- text form ---- */

/*
 * A literal that cannot be read: the reason, and where. The text around is cut
 * between characters, whatever the encoding.
 */
static void
BadScheme(const SchemeReader *reader, const char *reason)
{
	int position = pg_mbstrlen_with_len(reader->text, reader->at - reader->text) + 1;
	int shown = pg_mbcliplen(reader->at, strlen(reader->at), 30);

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input for type %s", TIER_SCHEME_NAME),
			 *reader->at == '\0'
				 ? errdetail("%s: found the end of the text.", reason)
				 : errdetail("%s: found \"%.*s\" at character %d.", reason, shown, reader->at, position),
			 errhint("Write tiers with the value from which on they are reached, lowest first: 'bronze 0, "
					 "silver 500, gold 2000'.")));
}

static void
SkipSpaces(SchemeReader *reader)
{
	reader->at += strspn(reader->at, SPACES);
}

/* A name in double quotes, which are doubled within. */
static char *
ReadQuoted(SchemeReader *reader)
{
	const char *cursor = reader->at + 1;
	char *name = palloc(strlen(cursor) + 1);
	int length = 0;

	while (*cursor != '\0' && (*cursor != '"' || cursor[1] == '"'))
	{
		cursor += *cursor == '"';
		name[length++] = *cursor++;
	}
	name[length] = '\0';
	if (*cursor == '\0')
		BadScheme(reader, "A name that begins with a double quote ends with one");
	reader->at = cursor + 1;
	return name;
}

/* A name: a word that cannot be taken for a number, or anything in double quotes. */
static char *
ReadName(SchemeReader *reader)
{
	int length = strcspn(reader->at, SPACES ",\"");
	char *name;

	if (*reader->at == '"')
		return ReadQuoted(reader);
	if (length == 0 || strchr(DIGITS "+-.", *reader->at) != NULL)
		BadScheme(reader, "A tier starts with its name");
	name = pnstrdup(reader->at, length);
	reader->at += length;
	return name;
}

/* A threshold: digits, with a sign and a point at will. */
static void
ReadThreshold(SchemeReader *reader, CsAmount *threshold)
{
	int length = strcspn(reader->at, SPACES ",");
	const char *cursor = reader->at + (*reader->at == '-' || *reader->at == '+');
	int whole = strspn(cursor, DIGITS);
	int fraction = 0;
	Datum value;

	cursor += whole;
	if (*cursor == '.')
	{
		fraction = strspn(cursor + 1, DIGITS);
		cursor += fraction + 1;
	}
	if (whole + fraction == 0 || cursor != reader->at + length)
		BadScheme(reader, "The name of a tier is followed by a number");
	value = DirectFunctionCall3(numeric_in, CStringGetDatum(pnstrdup(reader->at, length)),
								ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	if (!CsUnitsFromNumeric(DatumGetNumeric(value), &threshold->units, &threshold->scale))
		BadScheme(reader,
				  psprintf("A threshold is below 10^20 and has at most %d decimals", CS_MONEY_DECIMALS));
}

/* One tier, up to a comma or the end. */
static void
ReadTier(SchemeReader *reader, SchemeDraft *draft)
{
	SchemeReader start;
	char *name;
	CsAmount threshold;
	const char *fault;

	SkipSpaces(reader);
	start = *reader;
	name = ReadName(reader);
	fault = NameFault(draft, name);
	if (fault != NULL)
		BadScheme(&start, fault);
	SkipSpaces(reader);
	start = *reader;
	ReadThreshold(reader, &threshold);
	fault = ThresholdFault(draft, threshold.units);
	if (fault != NULL)
		BadScheme(&start, fault);
	reader->at += strcspn(reader->at, SPACES ",");
	SkipSpaces(reader);
	AddTier(draft, name, &threshold);
}

/* A scheme from its text; an error that tells what is wrong and where. */
TierScheme *
CsTierSchemeFromText(const char *text)
{
	SchemeReader reader = {text, text};
	SchemeDraft *draft = palloc(sizeof(SchemeDraft));

	draft->tiers = 0;
	ReadTier(&reader, draft);
	while (*reader.at != '\0')
	{
		if (*reader.at != ',')
			BadScheme(&reader, "Tiers are parted by commas");
		reader.at++;
		ReadTier(&reader, draft);
	}
	return MakeScheme(draft);
}

/* Append a name, quoted unless it is a word that needs no quotes anywhere. */
static void
AppendName(StringInfo out, const char *name)
{
	if (strspn(name, LETTERS) > 0 && name[strspn(name, LETTERS DIGITS)] == '\0')
	{
		appendStringInfoString(out, name);
		return;
	}
	appendStringInfoChar(out, '"');
	for (; *name != '\0'; name++)
	{
		if (*name == '"')
			appendStringInfoChar(out, '"');
		appendStringInfoChar(out, *name);
	}
	appendStringInfoChar(out, '"');
}

/* Append the text of a scheme. */
void
CsTierSchemeText(StringInfo out, const TierScheme *scheme)
{
	int rank;

	for (rank = 1; rank <= scheme->tiers; rank++)
	{
		if (rank > 1)
			appendStringInfoString(out, ", ");
		AppendName(out, CsTierName(scheme, rank));
		appendStringInfoChar(out, ' ');
		CsUnitsText(out, CsTierThreshold(scheme, rank), scheme->tier[rank - 1].scale);
	}
}

Datum
cs_tier_scheme_in(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(CsTierSchemeFromText(PG_GETARG_CSTRING(0)));
}

Datum
cs_tier_scheme_out(PG_FUNCTION_ARGS)
{
	StringInfoData out;

	initStringInfo(&out);
	CsTierSchemeText(&out, PG_GETARG_TIER_SCHEME(0));
	PG_RETURN_CSTRING(out.data);
}

/* ---- binary form: version, number of tiers; a tier is its threshold in two halves, decimals and name ---- */

void
CsTierSchemeSend(StringInfo buf, const TierScheme *scheme)
{
	int i;

	pq_sendint16(buf, scheme->version);
	pq_sendint16(buf, scheme->tiers);
	for (i = 0; i < scheme->tiers; i++)
	{
		pq_sendint64(buf, scheme->tier[i].high);
		pq_sendint64(buf, scheme->tier[i].low);
		pq_sendint16(buf, scheme->tier[i].scale);
		pq_sendstring(buf, CsTierName(scheme, i + 1));
	}
}

TierScheme *
CsTierSchemeRecv(StringInfo buf)
{
	SchemeDraft *draft = palloc(sizeof(SchemeDraft));
	int tiers;

	CsCheckVersion(TIER_SCHEME_NAME, pq_getmsgint(buf, 2), TIER_SCHEME_VERSION);
	tiers = pq_getmsgint(buf, 2);
	if (tiers < 1 || tiers > TIER_MAX_TIERS)
		CsBadBinary(TIER_SCHEME_NAME, "The number of tiers is out of range.");
	draft->tiers = 0;
	while (draft->tiers < tiers)
	{
		int64 high = pq_getmsgint64(buf);
		uint64 low = (uint64) pq_getmsgint64(buf);
		CsAmount threshold = {.units = ((int128) high << 64) | low, .scale = pq_getmsgint(buf, 2)};
		char *name = pstrdup(pq_getmsgstring(buf));
		const char *fault = NameFault(draft, name);

		if (fault == NULL)
			fault = ThresholdFault(draft, threshold.units);
		if (fault == NULL && !CsUnitsFitScale(threshold.units, threshold.scale))
			fault = "A threshold has other decimals than it says";
		if (fault != NULL)
			CsBadBinary(TIER_SCHEME_NAME, psprintf("Tier %d: %s.", draft->tiers + 1, fault));
		AddTier(draft, name, &threshold);
	}
	return MakeScheme(draft);
}

Datum
cs_tier_scheme_recv(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(CsTierSchemeRecv((StringInfo) PG_GETARG_POINTER(0)));
}

Datum
cs_tier_scheme_send(PG_FUNCTION_ARGS)
{
	StringInfoData buf;

	pq_begintypsend(&buf);
	CsTierSchemeSend(&buf, PG_GETARG_TIER_SCHEME(0));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/* ---- for other C code ---- */

/* A scheme that was stored or handed over, refused when another version wrote it. */
const TierScheme *
CsGetTierScheme(Datum value)
{
	const TierScheme *scheme = (const TierScheme *) PG_DETOAST_DATUM(value);

	CsCheckVersion(TIER_SCHEME_NAME, scheme->version, TIER_SCHEME_VERSION);
	return scheme;
}

/* The rank of a tier by its name, 0 when the scheme has none of that name. */
int
CsTierRankOfName(const TierScheme *scheme, const char *name, int length)
{
	int rank;

	for (rank = scheme->tiers; rank > 0; rank--)
		if (scheme->tier[rank - 1].length == length && memcmp(CsTierName(scheme, rank), name, length) == 0)
			break;
	return rank;
}

/* A threshold as it was written. */
Numeric
CsTierThresholdNumeric(const TierScheme *scheme, int rank)
{
	return CsUnitsNumeric(CsTierThreshold(scheme, rank), scheme->tier[rank - 1].scale);
}
