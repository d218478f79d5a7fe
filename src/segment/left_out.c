/*
 * left_out.c
 *		Customers who are in no segment table, whatever their orders say: those
 *		who have opted out of profiling, and those who were erased.
 *
 * Before a source is read for a moment, those to leave out are found, as the
 * snapshot of the reading has them, and held with the source; all SQL on orders
 * and on sources that make rows leaves them out then. As a refresh, a
 * verification, breaks, models and tiers read their customers by that SQL, none
 * of them knows of who is left out. Where nobody is, the SQL is as if this did
 * not exist.
 *
 * Both tables name customers by text: opt-outs as it is, tombstones hashed.
 * Texts of whole numbers, uuids and texts are customers at once; customers of
 * other types, and those with a tombstone, are looked for among the customers
 * that are to be read.
 *
 * An opt-out that ends is like an order of the future: the change log keeps the
 * moment. Both tables are read as the extension's owner, sources as whoever
 * reads them. SPI must be connected; memory is SPI's.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "core/compat.h"
#include "core/owner.h"
#include "segment/change_log.h"
#include "segment/customer_text.h"
#include "segment/left_out.h"
#include "segment/refresh.h"
#include "segment/tombstone.h"
#include "segment/view.h"

PG_FUNCTION_INFO_V1(cs_segment_tombstone);

#define OPT_OUT_TABLE "profiling_opt_out"

/* Columns of profiling_opt_out. */
#define OPT_OUT_CUSTOMER 1

/* An opt-out that is in force. */
typedef struct OptOut
{
	text *customer;
	TimestampTz until; /* DT_NOEND for ever */
} OptOut;

/* Whether a relation tells who is left out: its triggers are there whoever follows it. */
bool
CsTellsLeftOut(Oid relation)
{
	return relation == CsRelationOid("customer_scoring", OPT_OUT_TABLE) ||
		   relation == CsRelationOid("customer_scoring", TOMBSTONE_TABLE);
}

/* Changes of both tables concern every segment table. A tombstone does not name its customer. */
void
CsFollowLeftOut(SegmentSource *source)
{
	CsFollow(source, CsRelationOid("customer_scoring", OPT_OUT_TABLE), OPT_OUT_CUSTOMER);
	CsFollow(source, CsRelationOid("customer_scoring", TOMBSTONE_TABLE), InvalidAttrNumber);
}

/* A column of a row that SPI holds. */
static Datum
Found(uint64 row, int column)
{
	bool isnull;

	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull);
}

/* Two texts by their bytes. */
static int
CompareTexts(const text *a, const text *b)
{
	int shorter = Min(VARSIZE_ANY_EXHDR(a), VARSIZE_ANY_EXHDR(b));
	int order = memcmp(VARDATA_ANY(a), VARDATA_ANY(b), shorter);

	return order != 0 ? order : (int) VARSIZE_ANY_EXHDR(a) - (int) VARSIZE_ANY_EXHDR(b);
}

static int
CompareOptOuts(const void *a, const void *b)
{
	return CompareTexts(((const OptOut *) a)->customer, ((const OptOut *) b)->customer);
}

/* Whether anybody may have to be left out at all. */
static bool
MayLeaveOut(void)
{
	(void) CsOwnQuery("SELECT EXISTS (SELECT FROM customer_scoring." OPT_OUT_TABLE
					  ") OR EXISTS (SELECT FROM customer_scoring." TOMBSTONE_TABLE ")",
					  0, NULL, NULL, NULL);
	return DatumGetBool(Found(0, 1));
}

/* Run SQL on the source as whoever reads it; the rows are in SPI_tuptable. */
static void
Read(const SegmentSource *source, Snapshot snapshot, const char *sql)
{
	int result = SPI_execute_snapshot(CsPrepareOnSource(source, sql), source->values, source->nulls, snapshot,
									  InvalidSnapshot, true, false, 0);

	if (result < 0)
		elog(ERROR, "could not look for customers to leave out: %s", SPI_result_code_string(result));
}

/* Values of a type that is passed by reference, as an array. */
static Datum
ArrayOf(Datum *values, uint64 count, Oid type)
{
	return PointerGetDatum(construct_array(values, count, type, -1, false, TYPALIGN_INT));
}

static Datum *
MakeDatums(uint64 count)
{
	return palloc_extended(Max(count, 1) * sizeof(Datum), MCXT_ALLOC_HUGE);
}

/* The opt-outs in force at the moment of a source, a row a customer, ordered by their bytes: all, or those of some texts. */
static OptOut *
ReadOptOuts(const SegmentSource *source, Datum *texts, uint64 ntexts, uint64 *count)
{
	Oid types[2] = {TIMESTAMPTZOID, TEXTARRAYOID};
	Datum values[2] = {source->values[PARAM_AS_OF - 1], (Datum) 0};
	OptOut *all;
	uint64 i;

	if (texts != NULL)
		values[1] = ArrayOf(texts, ntexts, TEXTOID);
	*count = CsOwnQuery(psprintf("SELECT o.customer, pg_catalog.max(coalesce(o.until, 'infinity'))"
								 " FROM customer_scoring." OPT_OUT_TABLE
								 " o WHERE (o.until IS NULL OR o.until > $1)%s GROUP BY o.customer",
								 texts != NULL ? " AND o.customer = ANY ($2)" : ""),
						texts != NULL ? 2 : 1, types, values, NULL);
	all = palloc_extended(Max(*count, 1) * sizeof(OptOut), MCXT_ALLOC_HUGE);
	for (i = 0; i < *count; i++)
	{
		all[i].customer = DatumGetTextPP(Found(i, 1));
		all[i].until = DatumGetTimestampTz(Found(i, 2));
	}
	qsort(all, *count, sizeof(OptOut), CompareOptOuts);
	return all;
}

/* Tombstones, all or those of some texts, as parameters of the source; whether there are any. */
static bool
ReadTombstones(SegmentSource *source, Datum *texts, uint64 ntexts)
{
	bytea *salt = CsTombstoneSalt();
	Oid types[1] = {BYTEAARRAYOID};
	Datum values[1];
	Datum *hashes = MakeDatums(ntexts);
	uint64 n;
	uint64 i;

	if (salt == NULL)
		return false;
	for (i = 0; texts != NULL && i < ntexts; i++)
		hashes[i] = PointerGetDatum(CsTombstoneHash(salt, DatumGetTextPP(texts[i])));
	values[0] = ArrayOf(hashes, ntexts, BYTEAOID);
	n = CsOwnQuery(psprintf("SELECT t.customer_hash FROM customer_scoring." TOMBSTONE_TABLE " t%s",
							texts != NULL ? " WHERE t.customer_hash = ANY ($1)" : ""),
				   texts != NULL ? 1 : 0, types, values, NULL);
	hashes = MakeDatums(n);
	for (i = 0; i < n; i++)
		hashes[i] = Found(i, 1);
	CsSetParam(source, PARAM_SALT, PointerGetDatum(salt));
	CsSetParam(source, PARAM_TOMBSTONES, ArrayOf(hashes, n, BYTEAOID));
	return n > 0;
}

/* Leave a customer out, until a moment. */
static void
LeaveOut(SegmentSource *source, Datum customer, TimestampTz until)
{
	source->left_out[source->nleft_out] = customer;
	source->returns_at[source->nleft_out++] = until;
}

/* Have room for so many more customers. */
static void
MakeRoom(SegmentSource *source, uint64 more)
{
	uint64 room = source->nleft_out + more;

	source->left_out = source->left_out == NULL ? palloc_extended(room * sizeof(Datum), MCXT_ALLOC_HUGE)
												: repalloc_huge(source->left_out, room * sizeof(Datum));
	source->returns_at = source->returns_at == NULL
							 ? palloc_extended(room * sizeof(TimestampTz), MCXT_ALLOC_HUGE)
							 : repalloc_huge(source->returns_at, room * sizeof(TimestampTz));
}

/* Whether customers that the type takes for equal have one text. */
static bool
HasOneText(const SegmentSource *source)
{
	return CsHasTexts(source->key_type) ||
		   (CsIsText(source->key_type) && get_collation_isdeterministic(source->customer_collation));
}

/* Leave out whom opt-outs name; false where the texts must be looked for. */
static bool
LeaveOutNamed(SegmentSource *source, const OptOut *all, uint64 count)
{
	uint64 i;

	if (!HasOneText(source))
		return false;
	MakeRoom(source, count);
	for (i = 0; i < count; i++)
	{
		Datum customer = PointerGetDatum(all[i].customer);

		if (CsIsText(source->key_type) || CsCustomerOfText(source->key_type, all[i].customer, &customer))
			LeaveOut(source, customer, all[i].until);
	}
	return true;
}

/* The texts of opt-outs as an array. */
static Datum
NamesOf(const OptOut *all, uint64 count)
{
	Datum *texts = MakeDatums(count);
	uint64 i;

	for (i = 0; i < count; i++)
		texts[i] = PointerGetDatum(all[i].customer);
	return ArrayOf(texts, count, TEXTOID);
}

/*
 * SQL for customers and their texts, each once. Where what the type takes for
 * equal may have several texts, there is a row for each: whoever is left out by
 * one of them is so by all.
 */
static char *
NamedSql(const SegmentSource *source, const char *customers)
{
	if (HasOneText(source))
		return psprintf("SELECT d.customer, d.customer::pg_catalog.text AS name"
						" FROM (SELECT DISTINCT d.customer FROM (%s) d) d",
						customers);
	return psprintf("SELECT DISTINCT d.customer, d.customer::pg_catalog.text COLLATE pg_catalog.\"C\" AS name"
					" FROM (%s) d",
					customers);
}

/*
 * Leave out those of the customers that SQL gives who are named by an opt-out,
 * and return with its end, or who have a tombstone, and never do.
 */
static void
LeaveOutFound(SegmentSource *source, Snapshot snapshot, const char *customers, const OptOut *all,
			  uint64 count)
{
	uint64 i;

	Read(source, snapshot,
		 psprintf(
			 "SELECT x.customer, x.name, coalesce(x.erased, false) FROM (SELECT c.customer, c.name,"
			 " customer_scoring.segment_tombstone(c.name, $%d) OPERATOR(pg_catalog.=) ANY ($%d) AS erased"
			 " FROM (%s OFFSET 0) c OFFSET 0) x WHERE x.erased OR x.name OPERATOR(pg_catalog.=) ANY ($%d)",
			 PARAM_SALT, PARAM_TOMBSTONES, NamedSql(source, customers), PARAM_NAMES));
	MakeRoom(source, SPI_processed);
	for (i = 0; i < SPI_processed; i++)
	{
		OptOut wanted = {.customer = DatumGetTextPP(Found(i, 2))};
		OptOut *named = bsearch(&wanted, all, count, sizeof(OptOut), CompareOptOuts);
		bool erased = DatumGetBool(Found(i, 3));

		LeaveOut(source, Found(i, 1), erased || named == NULL ? DT_NOEND : named->until);
	}
}

/* The texts of customers that SQL gives. */
static Datum *
TextsOf(const SegmentSource *source, Snapshot snapshot, const char *customers, uint64 *count)
{
	Datum *texts;
	uint64 i;

	Read(source, snapshot, psprintf("SELECT coalesce(n.name, '') FROM (%s) n", NamedSql(source, customers)));
	*count = SPI_processed;
	texts = MakeDatums(*count);
	for (i = 0; i < *count; i++)
		texts[i] = Found(i, 1);
	return texts;
}

/*
 * Find who of the customers that SQL gives is to be left out at the source's
 * moment, as the snapshot has it. Of few customers nobody else is found; else
 * whoever an opt-out names may be, customer or not. SQL gives customers as they
 * are spelled in the sources.
 */
void
CsFindLeftOut(SegmentSource *source, Snapshot snapshot, const char *customers, bool few)
{
	Datum *texts = NULL;
	uint64 ntexts = 0;
	OptOut *all = NULL;
	uint64 count = 0;
	bool erased = false;
	bool found;

	source->nleft_out = 0;
	source->nulls[PARAM_NAMES - 1] = 'n';
	PushActiveSnapshot(snapshot);
	found = MayLeaveOut();
	if (found)
	{
		if (few)
			texts = TextsOf(source, snapshot, customers, &ntexts);
		all = ReadOptOuts(source, texts, ntexts, &count);
		erased = ReadTombstones(source, texts, ntexts);
	}
	PopActiveSnapshot();
	if (!found)
		return;
	if (few || !LeaveOutNamed(source, all, count))
		CsSetParam(source, PARAM_NAMES, NamesOf(all, count));
	if (erased || (source->nulls[PARAM_NAMES - 1] == ' ' && count > 0))
		LeaveOutFound(source, snapshot, customers, all, count);
	if (source->nleft_out > 0)
		CsSetParam(source, PARAM_LEFT_OUT, CsKeyArray(source, source->left_out, source->nleft_out));
}

/* SQL for the customers in the parameter, as CsFindLeftOut wants them: without looking at sources, if that does. */
char *
CsFewSql(const SegmentSource *source)
{
	return HasOneText(source) ? CsKeysSql(source) : CsEverybodySql(source, true);
}

/* Condition: a customer is left out. There is somebody. */
static char *
IsLeftOut(const SegmentSource *source, const char *customer)
{
	return psprintf("%s %s ANY (%s)", customer, source->customer_equals, CsKeysParam(source, PARAM_LEFT_OUT));
}

/* What SQL gives, customer first, without those who are left out; each customer is looked at once. */
char *
CsWithoutLeftOut(const SegmentSource *source, char *sql)
{
	if (source->nleft_out == 0)
		return sql;
	return psprintf("SELECT y.* FROM (%s OFFSET 0) y WHERE NOT (%s)", sql, IsLeftOut(source, "y.customer"));
}

/* Condition to be appended to others on the rows of a source: their customer, who may be NULL, is not left out. */
char *
CsAndNotLeftOut(const SegmentSource *source, const char *customer)
{
	return source->nleft_out == 0 ? "" : psprintf(" AND (%s) IS NOT TRUE", IsLeftOut(source, customer));
}

/* Whether somebody who is left out still has a row in the segment table. */
bool
CsLeavesOutRow(const SegmentDefinition *definition, const SegmentSource *source, Snapshot snapshot)
{
	if (source->nleft_out == 0)
		return false;
	CsExecuteUnder(snapshot,
				   psprintf("SELECT FROM ONLY %s t WHERE %s LIMIT 1", CsQualifiedName(definition->table),
							IsLeftOut(source, "t.customer_id")),
				   source, definition->table);
	return SPI_processed > 0;
}

/* SQL for orders that would count but for their customer, to be appended to that for rows left out. */
char *
CsLeftOutRowsSql(const SegmentSource *source)
{
	if (source->nleft_out == 0)
		return "";
	return psprintf(" UNION ALL SELECT %d, pg_catalog.count(*) FROM %s s WHERE %s AND %s AND %s AND %s > $%d"
					" AND %s <= $%d",
					SKIP_LEFT_OUT, source->from, source->filter, IsLeftOut(source, source->customer),
					source->finite, source->time, PARAM_EARLIEST, source->time, PARAM_AS_OF);
}

/* Have the log tell when opt-outs end. */
void
CsLogReturns(const SegmentSource *source, Oid log)
{
	Relation relation;
	Datum *keys;
	TimestampTz *due_at;
	int n = 0;
	int i;

	if (source->nleft_out == 0 || !OidIsValid(log))
		return;
	keys = palloc_extended(source->nleft_out * sizeof(Datum), MCXT_ALLOC_HUGE);
	due_at = palloc_extended(source->nleft_out * sizeof(TimestampTz), MCXT_ALLOC_HUGE);
	for (i = 0; i < source->nleft_out; i++)
		if (source->returns_at[i] != DT_NOEND)
		{
			keys[n] = source->left_out[i];
			due_at[n++] = source->returns_at[i];
		}
	if (n == 0)
		return;
	relation = table_open(log, RowExclusiveLock);
	CsLogKeys(relation, keys, n, due_at);
	table_close(relation, NoLock);
}

/* After a refresh, as the owner: nothing of who is left out stays in the history. */
void
CsForgetLeftOut(const SegmentDefinition *definition, const SegmentSource *source, Snapshot snapshot)
{
	Oid history = definition->history_table;

	if (source->nleft_out == 0 || !OidIsValid(history) || get_rel_name(history) == NULL ||
		get_attnum(history, "customer_id") == InvalidAttrNumber)
		return;
	CsExecuteUnder(
		snapshot,
		psprintf("DELETE FROM %s h WHERE %s", CsQualifiedName(history), IsLeftOut(source, "h.customer_id")),
		source, definition->table);
}

/* segment_tombstone(customer, salt): what stands for the customer among the tombstones. */
Datum
cs_segment_tombstone(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(CsTombstoneHash(PG_GETARG_BYTEA_PP(1), PG_GETARG_TEXT_PP(0)));
}
