/*
 * refresh.c
 *		Bringing a segment table up to date.
 *
 * A refresh recomputes all customers, compares, and writes only the rows that
 * differ. It holds a lock on the segment table that lets readers pass and keeps
 * every other writer out, taken before the one snapshot under which the source
 * is read and the table compared; so nothing can change between the two. It
 * runs as the owner of the segment table, security-restricted. SPI must be
 * connected; memory is SPI's.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

#include "core/compat.h"
#include "core/money.h"
#include "core/owner.h"
#include "model/rfm_map.h"
#include "segment/column.h"
#include "segment/option.h"
#include "segment/refresh.h"

/*
 * SQL for all customers with their columns as they should be: customer_id and
 * the columns of CsSegmentColumns, by name. A revenue that does not fit is
 * found before it is scored, where the customer can be named.
 */
char *
CsScoredSql(const SegmentSource *source, const SegmentDefinition *definition)
{
	char *map = psprintf("%s::customer_scoring.rfm_map", quote_literal_cstr(CsMapText(definition->map)));
	StringInfoData sql;
	int i;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT c.customer AS customer_id");
	for (i = 0; i < CsSegmentColumnCount; i++)
		appendStringInfo(&sql, ", %s AS %s", CsColumnExpression(&CsSegmentColumns[i], source->scale, map),
						 CsSegmentColumns[i].name);
	appendStringInfo(
		&sql,
		" FROM (SELECT p.customer, p.summary, customer_scoring.rfm(CASE WHEN"
		" customer_scoring.segment_revenue(p.summary, %d, p.customer::pg_catalog.text) IS NOT NULL"
		" THEN p.summary END, %d) OVER () AS score FROM (%s) p) c",
		source->scale, CsGetRfmMap(definition->map)->bins, source->all_customers);
	return sql.data;
}

/* "a.c1, a.c2, …" over all compared columns. */
static char *
ColumnList(const char *alias)
{
	StringInfoData list;
	int i;

	initStringInfo(&list);
	for (i = 0; i < CsSegmentColumnCount; i++)
		appendStringInfo(&list, "%s%s%s", i > 0 ? ", " : "", alias, CsSegmentColumns[i].name);
	return list.data;
}

/*
 * SQL condition: row t of the segment table, or row f as it should be, is not
 * there, or they differ in a compared column. It is cheap, so it comes first
 * wherever the two are joined.
 */
char *
CsRowDiffers(void)
{
	return psprintf(
		"(f.customer_id IS NOT DISTINCT FROM NULL OR t.ctid IS NULL OR (%s) IS DISTINCT FROM (%s))",
		ColumnList("t."), ColumnList("f."));
}

/*
 * The one statement of a refresh. A full join is a hash or merge join whatever
 * the planner believes about sizes; what it finds different is usually little,
 * and is written through the row's address, which the lock keeps valid; tables
 * that a user lets inherit from the segment table have such addresses too, and
 * are left out.
 */
static char *
RefreshSql(const SegmentSource *source, const SegmentDefinition *definition)
{
	char *target = CsQualifiedName(definition->table);
	StringInfoData set;
	int i;

	initStringInfo(&set);
	for (i = 0; i < CsSegmentColumnCount; i++)
		appendStringInfo(&set, "%s = d.%s, ", CsSegmentColumns[i].name, CsSegmentColumns[i].name);

	return psprintf(
		"WITH d AS MATERIALIZED ("
		"SELECT f.*, t.ctid AS address, f.customer_id IS NOT DISTINCT FROM NULL AS gone"
		" FROM (%s) f FULL JOIN ONLY %s t ON f.customer_id %s t.customer_id"
		" WHERE %s),"
		" deleted AS (DELETE FROM ONLY %s t USING d WHERE d.gone AND t.ctid = d.address RETURNING 1),"
		" updated AS (UPDATE ONLY %s t SET %s computed_at = pg_catalog.clock_timestamp(), run_id = $%d"
		" FROM d WHERE NOT d.gone AND t.ctid = d.address RETURNING 1),"
		" inserted AS (INSERT INTO %s (customer_id, %s, computed_at, run_id)"
		" SELECT d.customer_id, %s, pg_catalog.clock_timestamp(), $%d FROM d WHERE d.address IS NULL "
		"RETURNING 1)"
		" SELECT (SELECT pg_catalog.count(*) FROM inserted), (SELECT pg_catalog.count(*) FROM updated),"
		" (SELECT pg_catalog.count(*) FROM deleted)",
		CsScoredSql(source, definition), target, source->customer_equals, CsRowDiffers(), target, target,
		set.data, SOURCE_RUN_PARAM, target, ColumnList(""), ColumnList("d."), SOURCE_RUN_PARAM);
}

/*
 * Pass an error on without the statement it came from, which is the
 * extension's, pages long, and tells its reader nothing.
 */
static void
RethrowWithoutStatement(MemoryContext context, const char *sql, const char *table)
{
	ErrorData *error;
	char *statement = psprintf("SQL statement \"%s\"", sql);
	char *found;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	found = error->context != NULL ? strstr(error->context, statement) : NULL;
	if (found != NULL)
	{
		*found = '\0';
		error->context = psprintf("%srefresh of segment table \"%s\"%s", error->context, table,
								  found + strlen(statement));
	}
	ReThrowError(error);
}

/* Run a statement on source and segment table under the given snapshot; the rows are in SPI_tuptable. */
static void
ExecuteUnder(Snapshot snapshot, const char *sql, const SegmentSource *source, Oid table)
{
	MemoryContext context = CurrentMemoryContext;
	const char *name = get_rel_name(table);
	SPIPlanPtr plan = CsPrepareOnSource(source, sql);
	volatile int result = 0;

	PG_TRY();
	{
		result = SPI_execute_snapshot(plan, source->values, source->nulls, snapshot, InvalidSnapshot, false,
									  true, 0);
	}
	PG_CATCH();
	{
		RethrowWithoutStatement(context, sql, name);
	}
	PG_END_TRY();
	if (result < 0)
		elog(ERROR, "statement of a refresh failed: %s", SPI_result_code_string(result));
}

static int64
ResultCount(int row, int column)
{
	bool isnull;

	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull));
}

/* Type and modifier of a column of a segment table that was locked. */
static void
StoredColumn(Oid table, const char *name, Oid *type, int32 *typmod, Oid *collation)
{
	AttrNumber attnum = get_attnum(table, name);

	if (attnum == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("segment table \"%s\" has no column \"%s\" any more", get_rel_name(table), name),
				 errhint("Give the column its name back, or drop the segment table and create it again.")));
	get_atttypetypmodcoll(table, attnum, type, typmod, collation);
}

/* Decimals that the money columns of a segment table have. */
int
CsStoredScale(Oid table)
{
	Oid type;
	int32 typmod;
	Oid collation;

	StoredColumn(table, "revenue", &type, &typmod, &collation);
	if (type != NUMERICOID || typmod < (int32) VARHDRSZ)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"revenue\" of segment table \"%s\" has lost its type", get_rel_name(table)),
				 errhint("Make it numeric(24, 2) again, with the decimals that the money has.")));
	return CsNumericTypmodScale(typmod);
}

/*
 * Find the source of a segment table that is locked, as its owner. An error
 * when it cannot be read as defined. Its scale may differ from the stored one:
 * whoever writes or compares rows goes by the latter.
 */
SegmentSource *
CsOpenRefresh(const SegmentDefinition *definition)
{
	CsIdentity saved;
	SegmentSource *source;
	Oid type;
	int32 typmod;
	Oid collation;

	CsActAsOwner(&saved, definition);
	if (check_enable_rls(definition->table, InvalidOid, true) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("row-level security hides rows of segment table \"%s\" from its owner",
						get_rel_name(definition->table)),
				 errhint("ALTER TABLE %s NO FORCE ROW LEVEL SECURITY.", CsQualifiedName(definition->table))));
	source = CsOpenSource(definition);
	CsCheckSourcePolicies(source, definition);
	StoredColumn(definition->table, "customer_id", &type, &typmod, &collation);
	if (type != source->customer_type || typmod != source->customer_typmod ||
		collation != source->customer_collation)
		ereport(
			ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg(
				 "column \"%s\" of source \"%s\" is no longer of the type of the segment table's customer_id",
				 definition->customer, definition->source_name),
			 type == source->customer_type && typmod == source->customer_typmod
				 ? errdetail("They have different collations.")
				 : errdetail("It is %s, customer_id is %s.",
							 format_type_with_typemod(source->customer_type, source->customer_typmod),
							 format_type_with_typemod(type, typmod)),
			 errhint("Drop the segment table and create it again.")));
	CsResume(&saved);
	return source;
}

/*
 * Recompute, compare, write what differs. The table must be locked by the
 * caller, see CsLockSegmentTable. as_of is DT_NOBEGIN for now, which is read
 * after the snapshot was taken: a row that the snapshot sees and that was
 * written with now() is not in the future then.
 */
void
CsRefresh(const SegmentDefinition *definition, SegmentSource *source, TimestampTz as_of, int64 run_id,
		  RefreshResult *result)
{
	CsIdentity saved;
	Snapshot snapshot;
	int i;

	CsActAsOwner(&saved, definition);
	source->scale = CsStoredScale(definition->table);
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	result->as_of = as_of == DT_NOBEGIN ? GetCurrentTimestamp() : as_of;
	CsSourceMoments(source, definition, result->as_of);

	source->values[SOURCE_RUN_PARAM - 1] = Int64GetDatum(run_id);
	source->nulls[SOURCE_RUN_PARAM - 1] = ' ';

	ExecuteUnder(snapshot, RefreshSql(source, definition), source, definition->table);
	result->inserted = ResultCount(0, 1);
	result->updated = ResultCount(0, 2);
	result->deleted = ResultCount(0, 3);

	ExecuteUnder(snapshot, source->skipped, source, definition->table);
	memset(result->skipped, 0, sizeof(result->skipped));
	for (i = 0; i < SPI_processed; i++)
	{
		bool isnull;
		int reason = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));

		result->skipped[reason] = ResultCount(i, 2);
	}

	ExecuteUnder(snapshot,
				 psprintf("SELECT pg_catalog.count(*) FROM ONLY %s", CsQualifiedName(definition->table)),
				 source, definition->table);
	result->customers = ResultCount(0, 1);
	UnregisterSnapshot(snapshot);
	CsResume(&saved);
}
