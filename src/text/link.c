/*
 * link.c
 *		Which customers share keys, at the cost of a few sorts.
 *
 * Customers are linked by a *set* of keys when they agree in all of it, the set
 * is evidence enough, and no more than a number of customers agree in it.
 * Evidence adds up as if keys agreed by chance independently of each other. All
 * customers of one value of a set are linked or none; so it is enough to link
 * each to the next one: who belongs together comes out the same as from all
 * pairs, and 10,000 customers of one value give 9,999 links.
 *
 * A value that more share than that number is passed over, and counted; those of
 * them who agree in more keys are linked by these.
 *
 * Keys are compared as hashes of 64 bits.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "core/compat.h"
#include "text/link.h"

const char *const CsKeyNames[CS_NKEYS] = {"name", "email", "phone", "birth_date"};

/* How far agreement in one key alone tells that two customers are one person. */
static const double Weights[CS_NKEYS] = {0.5, 0.7, 0.6, 0.5};

/* A row and its value of a set of keys. */
typedef struct Member
{
	uint64 value;
	int32 row;
} Member;

#define ST_SORT sort_members
#define ST_ELEMENT_TYPE Member
#define ST_COMPARE(a, b)                                           \
	((a)->value != (b)->value ? ((a)->value < (b)->value ? -1 : 1) \
	 : (a)->row < (b)->row	  ? -1                                 \
							  : (a)->row > (b)->row)
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

static int
CompareLinks(const CsLink *x, const CsLink *y, const int32 *kept)
{
	if (kept != NULL && kept[x->a] != kept[y->a])
		return kept[x->a] < kept[y->a] ? -1 : 1;
	if (x->a != y->a)
		return x->a < y->a ? -1 : 1;
	return x->b < y->b ? -1 : x->b > y->b;
}

#define ST_SORT sort_links
#define ST_ELEMENT_TYPE CsLink
#define ST_COMPARE_ARG_TYPE const int32
#define ST_COMPARE(a, b, kept) CompareLinks(a, b, kept)
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* How far agreement in these keys tells that two customers are one person, 0…1. */
double
CsLinkScore(uint8 keys)
{
	double doubt = 1.0;
	int k;

	for (k = 0; k < CS_NKEYS; k++)
		if (keys & (1 << k))
			doubt *= 1.0 - Weights[k];
	return 1.0 - doubt;
}

/* Begin in the current memory. */
void
CsBeginLinker(CsLinker *linker, uint8 given, double min_score, int32 max_shared)
{
	int k;

	memset(linker, 0, sizeof(CsLinker));
	linker->memory = CurrentMemoryContext;
	linker->given = given;
	linker->min_score = min_score;
	linker->max_shared = max_shared;
	linker->room = 1024;
	linker->customers = palloc(sizeof(int32) * linker->room);
	for (k = 0; k < CS_NKEYS; k++)
		if (given & (1 << k))
			linker->keys[k] = palloc(sizeof(uint64) * linker->room);
}

/* Add a row of a new customer, or another one of the last. */
void
CsAddLinkRow(CsLinker *linker, bool new_customer, const uint64 *keys)
{
	int k;

	if (linker->nrows == linker->room)
	{
		if (linker->room > PG_INT32_MAX / 2)
			ereport(
				ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("too many customers to compare at once"),
				 errhint(
					 "Compare a part of them: make a view with those of one city, and use it as source.")));
		linker->room *= 2;
		linker->customers = repalloc_huge(linker->customers, sizeof(int32) * (Size) linker->room);
		for (k = 0; k < CS_NKEYS; k++)
			if (linker->keys[k] != NULL)
				linker->keys[k] = repalloc_huge(linker->keys[k], sizeof(uint64) * (Size) linker->room);
	}
	if (new_customer)
		linker->ncustomers++;
	linker->customers[linker->nrows] = linker->ncustomers - 1;
	for (k = 0; k < CS_NKEYS; k++)
		if (linker->keys[k] != NULL)
			linker->keys[k][linker->nrows] = keys[k];
	linker->nrows++;
}

/* The value that a row has of a set of keys; false if it lacks one. */
static bool
RowValue(const CsLinker *linker, int32 row, uint8 set, uint64 *value)
{
	int k;

	*value = 0;
	for (k = 0; k < CS_NKEYS; k++)
		if (set & (1 << k))
		{
			if (linker->keys[k][row] == 0)
				return false;
			*value = hash_combine64(*value, linker->keys[k][row]);
		}
	return true;
}

/* Keys in which two rows agree. */
static uint8
Agreement(const CsLinker *linker, int32 x, int32 y)
{
	uint8 keys = 0;
	int k;

	for (k = 0; k < CS_NKEYS; k++)
		if (linker->keys[k] != NULL && linker->keys[k][x] != 0 && linker->keys[k][x] == linker->keys[k][y])
			keys |= 1 << k;
	return keys;
}

static void
AddLink(CsLinker *linker, int32 x, int32 y, int32 shared_by)
{
	CsLink *link;

	if (linker->nlinks == linker->links_room)
	{
		linker->links_room *= 2;
		linker->links = repalloc_huge(linker->links, sizeof(CsLink) * (Size) linker->links_room);
	}
	link = &linker->links[linker->nlinks++];
	link->a = linker->customers[x];
	link->b = linker->customers[y];
	link->shared_by = shared_by;
	link->keys = Agreement(linker, x, y);
}

/* Link the rows of one value, which are in order; or count it when too many share it. */
static void
LinkValue(CsLinker *linker, const Member *members, int32 n, bool count)
{
	int32 customers = 1;
	int32 i;

	for (i = 1; i < n; i++)
		customers += linker->customers[members[i].row] != linker->customers[members[i - 1].row];
	if (customers > linker->max_shared)
	{
		linker->passed_over += count;
		linker->most_shared = Max(linker->most_shared, customers);
		return;
	}
	for (i = 1; i < n; i++)
		if (linker->customers[members[i].row] != linker->customers[members[i - 1].row])
			AddLink(linker, members[i - 1].row, members[i].row, customers);
}

/* Link by one set of keys. */
static void
LinkBySet(CsLinker *linker, Member *members, uint8 set, bool count)
{
	int32 n = 0;
	int32 begin;
	int32 end;
	int32 row;

	for (row = 0; row < linker->nrows; row++)
	{
		if ((row & 0xFFFF) == 0)
			CHECK_FOR_INTERRUPTS();
		members[n].row = row;
		n += RowValue(linker, row, set, &members[n].value);
	}
	sort_members(members, n);
	for (begin = 0; begin < n; begin = end)
	{
		if ((begin & 0xFFF) == 0)
			CHECK_FOR_INTERRUPTS();
		for (end = begin + 1; end < n && members[end].value == members[begin].value; end++)
			;
		LinkValue(linker, members + begin, end - begin, count);
	}
}

/* Whether a set would be evidence enough without one of its keys. */
static bool
HasEnoughWithout(const CsLinker *linker, uint8 set)
{
	int k;

	for (k = 0; k < CS_NKEYS; k++)
		if ((set & (1 << k)) && set != (1 << k) && CsLinkScore(set & ~(1 << k)) >= linker->min_score)
			return true;
	return false;
}

/* One link for two customers who are linked in several ways. */
static void
MergeLinks(CsLinker *linker)
{
	int64 n = 0;
	int64 i;

	sort_links(linker->links, linker->nlinks, NULL);
	for (i = 0; i < linker->nlinks; i++)
	{
		CsLink *link = &linker->links[i];

		if (n > 0 && linker->links[n - 1].a == link->a && linker->links[n - 1].b == link->b)
		{
			linker->links[n - 1].keys |= link->keys;
			linker->links[n - 1].shared_by = Min(linker->links[n - 1].shared_by, link->shared_by);
		}
		else
			linker->links[n++] = *link;
	}
	linker->nlinks = n;
}

/* The first customer of those that are known to belong together. */
static int32
FindKept(int32 *kept, int32 customer)
{
	while (kept[customer] != customer)
		customer = kept[customer] = kept[kept[customer]];
	return customer;
}

/* Find out which customers belong together, by links or links of links. */
static void
FindGroups(CsLinker *linker)
{
	int32 i;
	int64 l;

	for (i = 0; i < linker->ncustomers; i++)
		linker->kept[i] = i;
	for (l = 0; l < linker->nlinks; l++)
	{
		int32 a = FindKept(linker->kept, linker->links[l].a);
		int32 b = FindKept(linker->kept, linker->links[l].b);

		linker->kept[Max(a, b)] = Min(a, b);
	}
	for (i = 0; i < linker->ncustomers; i++)
		linker->kept[i] = FindKept(linker->kept, i);
}

/* Find all links and groups; links are in the order of groups. */
void
CsFindLinks(CsLinker *linker)
{
	MemoryContext old = MemoryContextSwitchTo(linker->memory);
	Member *members = MemoryContextAllocHuge(linker->memory, sizeof(Member) * ((Size) linker->nrows + 1));
	uint8 set;

	linker->links_room = 1024;
	linker->links = palloc(sizeof(CsLink) * linker->links_room);
	for (set = 1; set < (1 << CS_NKEYS); set++)
		if ((set & ~linker->given) == 0 && CsLinkScore(set) >= linker->min_score)
			LinkBySet(linker, members, set, !HasEnoughWithout(linker, set));
	pfree(members);
	MergeLinks(linker);
	linker->kept = MemoryContextAllocHuge(linker->memory, sizeof(int32) * ((Size) linker->ncustomers + 1));
	FindGroups(linker);
	sort_links(linker->links, linker->nlinks, linker->kept);
	MemoryContextSwitchTo(old);
}
