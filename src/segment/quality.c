/*
 * quality.c
 *		The report of what is wrong with the rows of a segment table's sources.
 *
 * A refresh of everybody makes the report anew (segment_quality, a row a check)
 * and takes down the rows with problems by customer (segment_quality_customer),
 * of which there are few. A refresh of changed customers looks at their rows
 * only, and corrects report and customers by the difference: these checks are
 * *kept*. What cannot be told of single customers stays as of the last refresh
 * of everybody, and so does all else where a customer has several texts.
 *
 * Nothing here fails a refresh: an error is written into the report, whose
 * numbers stay what they were until everybody is looked at again. Called as the
 * owner of the segment table, which is locked; SPI must be connected.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/queryenvironment.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "core/attempt.h"
#include "core/compat.h"
#include "core/owner.h"
#include "segment/left_out.h"
#include "segment/option.h"
#include "segment/quality.h"
#include "segment/refresh.h"

PG_FUNCTION_INFO_V1(cs_data_quality);

/* Name of what was found, in statements that take it down. */
#define FOUND "quality_found"

/* What is to be kept up, and of which refresh. */
typedef struct Keeping
{
	const SegmentDefinition *definition;
	SegmentSource *source;
	Snapshot snapshot;
	bool told_apart; /* customers by their texts */
	TimestampTz as_of;
	int64 run_id;
} Keeping;

/* Whether different texts are different customers: elsewhere 1.0 and 1.00 are one. */
static bool
TextsTellApart(const SegmentSource *source)
{
	switch (source->key_type)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case UUIDOID:
		case DATEOID:
			return true;
		case TEXTOID:
		case VARCHAROID:
			return get_collation_isdeterministic(source->customer_collation);
		default:
			return false;
	}
}

/* A statement on the report of a segment table; $2 is the run, $3 as_of. */
static void
Execute(const Keeping *keeping, const char *sql, const char *currency)
{
	Oid types[5] = {OIDOID, INT8OID, TIMESTAMPTZOID, BOOLOID, TEXTOID};
	Datum values[5] = {ObjectIdGetDatum(keeping->definition->table), Int64GetDatum(keeping->run_id),
					   TimestampTzGetDatum(keeping->as_of), BoolGetDatum(keeping->told_apart), (Datum) 0};
	char nulls[5] = {' ', ' ', ' ', ' ', 'n'};

	if (currency != NULL)
	{
		values[4] = CStringGetTextDatum(currency);
		nulls[4] = ' ';
	}
	CsOwnSql(sql, 5, types, values, nulls);
}

/*
 * SQL: have the rows by customer say what was found; with keys, correct the
 * report by what that changes.
 */
static char *
TakeDownSql(bool keyed)
{
	return psprintf(
		"WITH d AS MATERIALIZED (SELECT coalesce(f.source, h.source) AS source,"
		" coalesce(f.problem, h.problem) AS problem, coalesce(f.customer, h.customer) AS customer,"
		" f.rows AS now, h.rows AS was FROM (SELECT q.source, q.problem, q.customer COLLATE \"C\" AS "
		"customer,"
		" q.rows FROM " FOUND " q WHERE q.customer IS NOT NULL AND q.problem IS NOT NULL) f"
		" FULL JOIN (SELECT * FROM customer_scoring_internal.segment_quality_customer c"
		" WHERE c.segment_table = $1%s) h ON f.source = h.source AND f.problem = h.problem"
		" AND f.customer = h.customer WHERE f.rows IS DISTINCT FROM h.rows),"
		" gone AS (DELETE FROM customer_scoring_internal.segment_quality_customer c USING d"
		" WHERE d.now IS NULL AND c.segment_table = $1 AND c.source = d.source AND c.problem = d.problem"
		" AND c.customer = d.customer),"
		" put AS (INSERT INTO customer_scoring_internal.segment_quality_customer"
		" (segment_table, source, problem, customer, rows)"
		" SELECT $1, d.source, d.problem, d.customer, d.now FROM d WHERE d.now IS NOT NULL"
		" ON CONFLICT (segment_table, source, problem, customer) DO UPDATE SET rows = excluded.rows)"
		" %s",
		keyed ? " AND c.customer = ANY (ARRAY(SELECT q.customer COLLATE \"C\" FROM " FOUND
				" q WHERE q.problem IS NULL))"
			  : "",
		keyed ? "UPDATE customer_scoring_internal.segment_quality r SET rows = r.rows + x.rows,"
				" customers = r.customers + x.customers FROM (SELECT d.source, d.problem,"
				" pg_catalog.sum(coalesce(d.now, 0) - coalesce(d.was, 0))::pg_catalog.int8 AS rows,"
				" pg_catalog.count(d.now) - pg_catalog.count(d.was) AS customers FROM d"
				" GROUP BY d.source, d.problem) x WHERE r.segment_table = $1 AND r.source = x.source"
				" AND r.problem = x.problem"
			  : "SELECT");
}

/* Read what a statement finds into a relation that the next statements can name. */
static void
Find(const Keeping *keeping, const char *sql, Tuplestorestate *found)
{
	EphemeralNamedRelation relation = palloc0(sizeof(EphemeralNamedRelationData));

	/* what the refresh has written is to be seen */
	PushCopiedSnapshot(keeping->snapshot);
	UpdateActiveSnapshotCommandId();
	relation->md.name = FOUND;
	relation->md.enrtype = ENR_NAMED_TUPLESTORE;
	relation->md.tupdesc = CsReadInto(found, GetActiveSnapshot(), keeping->source, sql);
	relation->md.enrtuples = tuplestore_tuple_count(found);
	relation->reldata = found;
	PopActiveSnapshot();
	if (SPI_register_relation(relation) != SPI_OK_REL_REGISTER)
		elog(ERROR, "could not register what is wrong with sources");
}

/* The currency that most orders have now; NULL for none. */
static char *
MainCurrency(const Keeping *keeping)
{
	char *sql = CsMainCurrencySql(keeping->definition, keeping->source);

	if (sql == NULL)
		return NULL;
	CsExecuteUnder(keeping->snapshot, sql, keeping->source, keeping->definition->table);
	return SPI_processed == 0 ? NULL : SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
}

/* Everybody was recomputed: make the report anew. */
static void
MakeReport(void *argument)
{
	const Keeping *keeping = argument;
	char *currency = MainCurrency(keeping);
	Tuplestorestate *found = tuplestore_begin_heap(false, false, work_mem);

	Find(keeping, CsQualitySql(keeping->definition, keeping->source, false, true, currency), found);
	Execute(keeping,
			keeping->told_apart
				? TakeDownSql(false)
				: "DELETE FROM customer_scoring_internal.segment_quality_customer WHERE segment_table = $1",
			NULL);
	Execute(keeping, "DELETE FROM customer_scoring_internal.segment_quality WHERE segment_table = $1", NULL);
	Execute(keeping,
			"INSERT INTO customer_scoring_internal.segment_quality (segment_table, source, problem, rows,"
			" customers, example, detail, kept, run_id, as_of) SELECT $1, q.source, q.problem,"
			" pg_catalog.sum(q.rows)::pg_catalog.int8,"
			" coalesce(pg_catalog.max(q.customers), 0) + pg_catalog.count(q.customer),"
			" coalesce(pg_catalog.min(q.customer COLLATE \"C\"), pg_catalog.min(q.example COLLATE \"C\")),"
			" CASE WHEN q.problem = '" QUALITY_OTHER_CURRENCY "' THEN $5 END,"
			" pg_catalog.bool_or(q.kept) AND $4, $2, $3 FROM " FOUND " q GROUP BY q.source, q.problem",
			currency);
	SPI_unregister_relation(FOUND);
	tuplestore_end(found);
}

/* Everybody was recomputed: look for customers who may be the same person, if it is said by what to tell. */
static void
ReportDuplicates(void *argument)
{
	const Keeping *keeping = argument;
	Tuplestorestate *found;
	char *sql = CsDuplicatesSql(keeping->definition, keeping->source);

	if (sql == NULL)
		return;
	found = tuplestore_begin_heap(false, false, work_mem);
	Find(keeping,
		 psprintf("SELECT q.* FROM (%s) q (source, problem, customer, rows, customers, example, kept)", sql),
		 found);
	Execute(keeping,
			"INSERT INTO customer_scoring_internal.segment_quality (segment_table, source, problem, rows,"
			" customers, example, kept, run_id, as_of) SELECT $1, q.source, q.problem, q.rows, q.customers,"
			" q.example, false, $2, $3 FROM " FOUND
			" q ON CONFLICT (segment_table, source, problem) DO UPDATE"
			" SET rows = excluded.rows, customers = excluded.customers, example = excluded.example,"
			" detail = NULL, run_id = excluded.run_id, as_of = excluded.as_of",
			NULL);
	SPI_unregister_relation(FOUND);
	tuplestore_end(found);
}

/* Some customers were recomputed: correct the report, if it can be. */
static void
CorrectReport(void *argument)
{
	const Keeping *keeping = argument;
	Tuplestorestate *found;
	char *currency;
	bool isnull;

	Execute(keeping,
			"SELECT pg_catalog.bool_or(r.kept) AND NOT pg_catalog.bool_or(r.problem = '" QUALITY_NOT_COUNTED
			"'), pg_catalog.min(r.detail) FILTER (WHERE r.problem = '" QUALITY_OTHER_CURRENCY
			"') FROM customer_scoring_internal.segment_quality r WHERE r.segment_table = $1 AND $4",
			NULL);
	if (!DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)) || isnull)
		return;
	currency = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2);
	if (keeping->source->nulls[PARAM_KEYS - 1] == ' ')
	{
		found = tuplestore_begin_heap(false, false, work_mem);
		Find(keeping,
			 psprintf("%s UNION ALL SELECT NULL, NULL, k.customer::pg_catalog.text, NULL, NULL, NULL, NULL"
					  " FROM (%s) k",
					  CsQualitySql(keeping->definition, keeping->source, true, true, currency),
					  CsKeysSql(keeping->source)),
			 found);
		Execute(keeping, TakeDownSql(true), NULL);
		SPI_unregister_relation(FOUND);
		tuplestore_end(found);
	}
	Execute(keeping,
			"UPDATE customer_scoring_internal.segment_quality r SET run_id = $2, as_of = $3,"
			" example = (SELECT c.customer FROM customer_scoring_internal.segment_quality_customer c"
			" WHERE c.segment_table = r.segment_table AND c.source = r.source AND c.problem = r.problem"
			" ORDER BY c.customer LIMIT 1) WHERE r.segment_table = $1 AND r.kept",
			NULL);
}

/*
 * Do a part of the report. A failure is told, by a row of the report and by a
 * warning, and the refresh goes on.
 */
static void
Try(void (*part)(void *), Keeping *keeping, const char *sql)
{
	ErrorData *error = CsAttempt(part, keeping);

	if (error == NULL)
		return;
	(void) SPI_unregister_relation(FOUND);
	if (CsMustEnd(error))
		ReThrowError(error);
	Execute(keeping, sql, error->message);
	ereport(WARNING, (errcode(error->sqlerrcode),
					  errmsg("what is wrong with the sources of segment table \"%s\" was not counted: %s",
							 get_rel_name(keeping->definition->table), error->message),
					  errhint("See customer_scoring.segment_table_quality; the option \"quality\" of "
							  "customer_scoring.alter_segment_table names the columns.")));
}

#define NOT_COUNTED_SQL(source, problem)                                                             \
	"INSERT INTO customer_scoring_internal.segment_quality (segment_table, source, problem, detail," \
	" kept, run_id, as_of) VALUES ($1, '" source "', '" problem "', $5, false, $2, $3)"              \
	" ON CONFLICT (segment_table, source, problem) DO UPDATE SET rows = NULL, customers = NULL,"     \
	" example = NULL, detail = excluded.detail, run_id = excluded.run_id, as_of = excluded.as_of"

/*
 * Have the report follow a refresh of all customers, or of those in the
 * parameter with keys, which is NULL when there are none.
 */
void
CsKeepQuality(const SegmentDefinition *definition, SegmentSource *source, Snapshot snapshot, bool keyed,
			  TimestampTz as_of, int64 run_id)
{
	Keeping keeping = {.definition = definition,
					   .source = source,
					   .snapshot = snapshot,
					   .told_apart = TextsTellApart(source),
					   .as_of = as_of,
					   .run_id = run_id};

	if (definition->quality->off)
		return;
	Try(keyed ? CorrectReport : MakeReport, &keeping, NOT_COUNTED_SQL("orders", QUALITY_NOT_COUNTED));
	if (!keyed)
		Try(ReportDuplicates, &keeping, NOT_COUNTED_SQL("customers", QUALITY_DUPLICATE_CUSTOMER));
}

/* Forget the report of a segment table. */
void
CsForgetQuality(Oid table)
{
	Oid types[1] = {OIDOID};
	Datum values[1] = {ObjectIdGetDatum(table)};

	CsOwnSql("WITH customers AS (DELETE FROM customer_scoring_internal.segment_quality_customer"
			 " WHERE segment_table = $1) DELETE FROM customer_scoring_internal.segment_quality"
			 " WHERE segment_table = $1",
			 1, types, values, NULL);
}

/*
 * data_quality(segment_table, as_of) → source, problem, rows, customers, example,
 * detail: the same report made on the spot, with nothing stored.
 */
Datum
cs_data_quality(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	SegmentDefinition *definition;
	Keeping keeping = {0};
	CsIdentity saved;
	char *currency;
	char *duplicates;
	uint64 i;

	CsRequireArgument(fcinfo, 0, "segment_table");
	CsRequireArgument(fcinfo, 1, "as_of");
	keeping.as_of = PG_GETARG_TIMESTAMPTZ(1);
	CsRequireMoment(keeping.as_of, "as_of", "Leave it out for now.");
	InitMaterializedSRF(fcinfo, 0);

	SPI_connect();
	CsLockSegmentTable(PG_GETARG_OID(0), AccessShareLock);
	definition = CsReadDefinition(PG_GETARG_OID(0));
	keeping.definition = definition;
	keeping.source = CsOpenRefresh(definition);
	keeping.snapshot = RegisterSnapshot(GetTransactionSnapshot());
	CsActAsOwner(&saved, definition);
	CsSourceMoments(keeping.source, definition, keeping.as_of);
	CsFindLeftOut(keeping.source, keeping.snapshot, CsEverybodySql(keeping.source, false), false);
	currency = MainCurrency(&keeping);
	duplicates = CsDuplicatesSql(definition, keeping.source);
	CsExecuteUnder(keeping.snapshot,
				   psprintf("SELECT q.source, q.problem, pg_catalog.sum(q.rows)::pg_catalog.int8,"
							" coalesce(pg_catalog.max(q.customers), 0) + pg_catalog.count(q.customer),"
							" coalesce(pg_catalog.min(q.customer COLLATE \"C\"),"
							" pg_catalog.min(q.example COLLATE \"C\")),"
							" CASE WHEN q.problem = '" QUALITY_OTHER_CURRENCY "' THEN %s END"
							" FROM (%s%s) q GROUP BY q.source, q.problem ORDER BY 1, 2",
							currency == NULL ? "NULL" : quote_literal_cstr(currency),
							CsQualitySql(definition, keeping.source, false, false, currency),
							duplicates == NULL ? "" : psprintf(" UNION ALL %s", duplicates)),
				   keeping.source, definition->table);
	for (i = 0; i < SPI_processed; i++)
		tuplestore_puttuple(rsinfo->setResult, SPI_tuptable->vals[i]);
	CsResume(&saved);
	UnregisterSnapshot(keeping.snapshot);
	SPI_finish();
	return (Datum) 0;
}
