/*
 * duplicate.c
 *		Customers of a table who may be the same person.
 *
 * The table is read once, in the order of its customers, with the caller's
 * rights and row-level security, under the statement's snapshot. Of each row its
 * keys are kept as hashes with a seed of the call, and of each customer the text
 * of its key; link.c does the rest. Rows without a customer are left out; rows of
 * the same customer are taken together.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "common/pg_prng.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "core/compat.h"
#include "text/identity.h"
#include "text/link.h"

PG_FUNCTION_INFO_V1(cs_duplicate_customers);
PG_FUNCTION_INFO_V1(cs_duplicate_groups);

#define ROWS_AT_ONCE 1000

/* Arguments of both functions, in their order. */
enum
{
	ARGUMENT_SOURCE,
	ARGUMENT_CUSTOMER,
	ARGUMENT_KEYS, /* as many as there are keys */
	ARGUMENT_LOCALE = ARGUMENT_KEYS + CS_NKEYS,
	ARGUMENT_REGION,
	ARGUMENT_MIN_SCORE,
	ARGUMENT_MAX_SHARED,
};

/* A search, in the memory of the call. */
typedef struct Search
{
	CsLinker linker;
	char *columns[CS_NKEYS]; /* NULL for a key that is not looked at */
	char *locale;
	char *region;
	uint64 seed;
	char *texts; /* keys of customers, one after the other with a zero each */
	Size texts_length;
	Size texts_room;
	Size *places; /* of each customer's text */
	int32 places_room;
} Search;

/* The text of a customer's key. */
static char *
CustomerText(const Search *search, int32 customer)
{
	return search->texts + search->places[customer];
}

static void
AddCustomer(Search *search, const char *customer)
{
	Size length = strlen(customer) + 1;
	int32 n = search->linker.ncustomers;

	if (n == search->places_room)
	{
		search->places_room = n > PG_INT32_MAX / 2 ? PG_INT32_MAX : n * 2;
		search->places = repalloc_huge(search->places, sizeof(Size) * (Size) search->places_room);
	}
	if (search->texts_length + length > search->texts_room)
	{
		search->texts_room = Max(search->texts_room * 2, search->texts_length + length);
		search->texts = repalloc_huge(search->texts, search->texts_room);
	}
	search->places[n] = search->texts_length;
	memcpy(search->texts + search->texts_length, customer, length);
	search->texts_length += length;
}

/* A key of a row as a hash; 0 for none. */
static uint64
HashOfKey(const Search *search, int k, Datum value)
{
	text *input;
	text *key = NULL;
	uint64 hash;

	if (k == CS_KEY_BIRTH_DATE)
	{
		DateADT date = DatumGetDateADT(value);

		if (DATE_NOT_FINITE(date))
			return 0;
		hash = hash_bytes_extended((const unsigned char *) &date, sizeof(date), search->seed);
		return hash != 0 ? hash : 1;
	}
	input = DatumGetTextPP(value);
	if (k == CS_KEY_NAME)
		key = CsNameKey(VARDATA_ANY(input), VARSIZE_ANY_EXHDR(input), search->locale);
	else if (k == CS_KEY_EMAIL)
		key = CsEmailKey(VARDATA_ANY(input), VARSIZE_ANY_EXHDR(input), false);
	else if (k == CS_KEY_PHONE)
		key = CsPhoneKey(VARDATA_ANY(input), VARSIZE_ANY_EXHDR(input), search->region);
	if (key == NULL)
		return 0;
	hash = hash_bytes_extended((const unsigned char *) VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key),
							   search->seed + k);
	return hash != 0 ? hash : 1;
}

/* Take one row, in memory that is given back after it. */
static void
TakeRow(Search *search, HeapTuple tuple, TupleDesc descriptor)
{
	uint64 keys[CS_NKEYS] = {0};
	char *customer = SPI_getvalue(tuple, descriptor, 1);
	int32 n = search->linker.ncustomers;
	bool new_customer = n == 0 || strcmp(CustomerText(search, n - 1), customer) != 0;
	int column = 2;
	int k;

	for (k = 0; k < CS_NKEYS; k++)
		if (search->columns[k] != NULL)
		{
			bool isnull;
			Datum value = SPI_getbinval(tuple, descriptor, column++, &isnull);

			if (!isnull)
				keys[k] = HashOfKey(search, k, value);
		}
	if (new_customer)
		AddCustomer(search, customer);
	CsAddLinkRow(&search->linker, new_customer, keys);
}

/* A column of the source that an argument names, as SQL. */
static const char *
ColumnSql(Oid source, const char *column, const char *argument)
{
	if (get_attnum(source, column) == InvalidAttrNumber)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
						errmsg("column \"%s\" of source \"%s\" does not exist", column, get_rel_name(source)),
						errhint("Name another column with the argument %s.", argument)));
	return psprintf("s.%s", quote_identifier(column));
}

/* The query for the rows: customer, then the keys that are looked at. */
static char *
SourceSql(const Search *search, Oid source, const char *customer)
{
	const char *relation = get_rel_name(source);
	const char *column;
	StringInfoData sql;
	int k;

	if (relation == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation with number %u does not exist", source),
				 errhint("Give the name of a table or view.")));
	column = ColumnSql(source, customer, "customer");
	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT %s::pg_catalog.text", column);
	for (k = 0; k < CS_NKEYS; k++)
		if (search->columns[k] != NULL)
			appendStringInfo(&sql, ", %s::pg_catalog.%s",
							 ColumnSql(source, search->columns[k], CsKeyNames[k]),
							 k == CS_KEY_BIRTH_DATE ? "date" : "text");
	appendStringInfo(
		&sql, " FROM %s s WHERE %s IS NOT NULL ORDER BY %s, %s::pg_catalog.text COLLATE pg_catalog.\"C\"",
		quote_qualified_identifier(get_namespace_name(get_rel_namespace(source)), relation), column, column,
		column);
	return sql.data;
}

static void
ReadSource(Search *search, const char *sql)
{
	MemoryContext memory = AllocSetContextCreate(search->linker.memory, "customer_scoring rows",
												 ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;
	Portal portal;
	uint64 i;

	SPI_connect();
	portal = SPI_cursor_open_with_args(NULL, sql, 0, NULL, NULL, NULL, true, CURSOR_OPT_NO_SCROLL);
	do
	{
		SPI_cursor_fetch(portal, true, ROWS_AT_ONCE);
		for (i = 0; i < SPI_processed; i++)
		{
			CHECK_FOR_INTERRUPTS();
			old = MemoryContextSwitchTo(memory);
			TakeRow(search, SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
			MemoryContextSwitchTo(old);
			MemoryContextReset(memory);
		}
		SPI_freetuptable(SPI_tuptable);
	} while (i > 0);
	SPI_cursor_close(portal);
	SPI_finish();
	MemoryContextDelete(memory);
}

/* An argument that must not be NULL. */
static void
CheckGiven(FunctionCallInfo fcinfo, int argument, const char *name)
{
	if (PG_ARGISNULL(argument))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", name),
						errhint("Give it a value; leave out an argument that has a usual one.")));
}

/* What has not been linked although it agrees, so that nothing is lost unseen. */
static void
TellPassedOver(const CsLinker *linker)
{
	if (linker->passed_over > 0)
		ereport(
			NOTICE,
			(errmsg_plural("%lld value that more than %d customers share links none of them",
						   "%lld values that more than %d customers share link none of them",
						   linker->passed_over, (long long) linker->passed_over, linker->max_shared),
			 errdetail("At most %d customers share one.", linker->most_shared),
			 errhint(
				 "Customers who agree in more are linked. Give a higher max_shared to link these, too.")));
}

/* Do the search that the arguments ask for. */
static Search *
FindDuplicates(FunctionCallInfo fcinfo)
{
	static const char *const names[] = {"source", "customer", NULL,		NULL,		 NULL,
										NULL,	  NULL,		  "region", "min_score", "max_shared"};
	Search *search = palloc0(sizeof(Search));
	uint8 given = 0;
	double min_score;
	int32 max_shared;
	int i;

	for (i = 0; i < lengthof(names); i++)
		if (names[i] != NULL)
			CheckGiven(fcinfo, i, names[i]);
	for (i = 0; i < CS_NKEYS; i++)
		if (!PG_ARGISNULL(ARGUMENT_KEYS + i))
		{
			search->columns[i] = NameStr(*PG_GETARG_NAME(ARGUMENT_KEYS + i));
			given |= 1 << i;
		}
	min_score = PG_GETARG_FLOAT8(ARGUMENT_MIN_SCORE);
	max_shared = PG_GETARG_INT32(ARGUMENT_MAX_SHARED);
	if (!(min_score >= 0 && min_score <= 1))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("min_score must be from 0 to 1, not %g", min_score),
						errhint("Leave the argument out for 0.75, which takes two keys.")));
	if (max_shared < 2)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("max_shared must be at least 2, not %d", max_shared),
						errhint("Leave the argument out for 100.")));
	if (CsLinkScore(given) < min_score || given == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("agreement in all the columns named has a score of %g, less than min_score %g",
						CsLinkScore(given), min_score),
				 errhint("Name more columns (name, email, phone, birth_date), or give a lower min_score.")));
	search->locale = PG_ARGISNULL(ARGUMENT_LOCALE) ? NULL
												   : text_to_cstring(PG_GETARG_TEXT_PP(ARGUMENT_LOCALE));
	search->region = text_to_cstring(PG_GETARG_TEXT_PP(ARGUMENT_REGION));
	search->seed = pg_prng_uint64(&pg_global_prng_state);
	search->texts_room = 8192;
	search->texts = palloc(search->texts_room);
	search->places_room = 1024;
	search->places = palloc(sizeof(Size) * search->places_room);
	CsBeginLinker(&search->linker, given, min_score, max_shared);
	ReadSource(search, SourceSql(search, PG_GETARG_OID(ARGUMENT_SOURCE),
								 NameStr(*PG_GETARG_NAME(ARGUMENT_CUSTOMER))));
	CsFindLinks(&search->linker);
	TellPassedOver(&search->linker);
	return search;
}

/* Names of keys as an array. */
static Datum
KeyNames(uint8 keys)
{
	Datum names[CS_NKEYS];
	int n = 0;
	int k;

	for (k = 0; k < CS_NKEYS; k++)
		if (keys & (1 << k))
			names[n++] = CStringGetTextDatum(CsKeyNames[k]);
	return PointerGetDatum(construct_array(names, n, TEXTOID, -1, false, TYPALIGN_INT));
}

/* Put a row into the result, made in memory that is given back after it. */
static void
PutRow(ReturnSetInfo *result, Datum *values)
{
	static const bool nulls[6] = {false};

	tuplestore_putvalues(result->setResult, result->setDesc, values, (bool *) nulls);
	MemoryContextReset(CurrentMemoryContext);
	CHECK_FOR_INTERRUPTS();
}

/* duplicate_customers(…): links between customers, in the order of those who are kept. */
Datum
cs_duplicate_customers(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Search *search;
	MemoryContext old;
	int64 l;

	InitMaterializedSRF(fcinfo, 0);
	search = FindDuplicates(fcinfo);
	old = MemoryContextSwitchTo(
		AllocSetContextCreate(CurrentMemoryContext, "customer_scoring result", ALLOCSET_SMALL_SIZES));
	for (l = 0; l < search->linker.nlinks; l++)
	{
		const CsLink *link = &search->linker.links[l];
		Datum values[6];

		values[0] = CStringGetTextDatum(CustomerText(search, search->linker.kept[link->a]));
		values[1] = CStringGetTextDatum(CustomerText(search, link->a));
		values[2] = CStringGetTextDatum(CustomerText(search, link->b));
		values[3] = KeyNames(link->keys);
		values[4] = Float8GetDatum(CsLinkScore(link->keys));
		values[5] = Int64GetDatum(link->shared_by);
		PutRow(result, values);
	}
	MemoryContextSwitchTo(old);
	return (Datum) 0;
}

/* A customer and the one who is kept of its group. */
typedef struct Merge
{
	int32 kept;
	int32 customer;
} Merge;

static int
CompareMerges(const void *a, const void *b)
{
	const Merge *x = a;
	const Merge *y = b;

	if (x->kept != y->kept)
		return x->kept < y->kept ? -1 : 1;
	return x->customer < y->customer ? -1 : x->customer > y->customer;
}

/* duplicate_groups(…): who would be merged into whom. */
Datum
cs_duplicate_groups(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Search *search;
	Merge *merges;
	int32 *customers;
	int32 nmerges = 0;
	MemoryContext old;
	int32 i;

	InitMaterializedSRF(fcinfo, 0);
	search = FindDuplicates(fcinfo);
	merges = MemoryContextAllocHuge(CurrentMemoryContext,
									sizeof(Merge) * ((Size) search->linker.ncustomers + 1));
	customers = MemoryContextAllocExtended(CurrentMemoryContext,
										   sizeof(int32) * ((Size) search->linker.ncustomers + 1),
										   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (i = 0; i < search->linker.ncustomers; i++)
	{
		customers[search->linker.kept[i]]++;
		if (search->linker.kept[i] != i)
		{
			merges[nmerges].kept = search->linker.kept[i];
			merges[nmerges++].customer = i;
		}
	}
	qsort(merges, nmerges, sizeof(Merge), CompareMerges);
	old = MemoryContextSwitchTo(
		AllocSetContextCreate(CurrentMemoryContext, "customer_scoring result", ALLOCSET_SMALL_SIZES));
	for (i = 0; i < nmerges; i++)
	{
		Datum values[3];

		values[0] = CStringGetTextDatum(CustomerText(search, merges[i].kept));
		values[1] = CStringGetTextDatum(CustomerText(search, merges[i].customer));
		values[2] = Int64GetDatum(customers[merges[i].kept]);
		PutRow(result, values);
	}
	MemoryContextSwitchTo(old);
	return (Datum) 0;
}
