/*
 * drift.c
 *		segment_table_drift: how far customers have moved away from frozen
 *		breaks.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "core/compat.h"
#include "core/owner.h"
#include "model/rfm_map.h"
#include "segment/definition.h"
#include "segment/option.h"

PG_FUNCTION_INFO_V1(cs_segment_table_drift);

/*
 * SQL: a row a figure and score. Each break is one of the model's own text form,
 * so that it reads as it does there.
 */
static char *
DriftSql(const SegmentDefinition *definition)
{
	int bins = CsGetRfmMap(definition->map)->bins;
	char *table = CsQualifiedName(definition->table);

	return psprintf(
		"WITH m AS MATERIALIZED (SELECT %s::customer_scoring.rfm_model AS frozen,"
		" customer_scoring.rfm_fit(t.last_order_at, t.orders, t.revenue, $1, %d) AS current FROM ONLY %s t),"
		" c AS MATERIALIZED (SELECT"
		" customer_scoring.rfm(m.frozen, t.last_order_at, t.orders, t.revenue, $1) AS frozen,"
		" customer_scoring.rfm(m.current, t.last_order_at, t.orders, t.revenue, $1) AS current"
		" FROM ONLY %s t, m WHERE t.orders > 0),"
		" n AS (SELECT x.figure, x.score, pg_catalog.count(*) FILTER (WHERE x.is_frozen) AS frozen,"
		" pg_catalog.count(*) FILTER (WHERE NOT x.is_frozen) AS current FROM c CROSS JOIN LATERAL (VALUES"
		" ('recency', (c.frozen).r, true), ('orders', (c.frozen).f, true), ('revenue', (c.frozen).m, true),"
		" ('recency', (c.current).r, false), ('orders', (c.current).f, false),"
		" ('revenue', (c.current).m, false)) x (figure, score, is_frozen) GROUP BY x.figure, x.score)"
		" SELECT f.figure, s.score::pg_catalog.int2,"
		/* the lowest score begins at no break, and JSON counts negative places from the end */
		" CASE WHEN s.score > 1 THEN m.frozen::pg_catalog.text::pg_catalog.jsonb -> f.figure ->>"
		" (s.score - 2) END,"
		" CASE WHEN s.score > 1 THEN m.current::pg_catalog.text::pg_catalog.jsonb -> f.figure ->>"
		" (s.score - 2) END,"
		" coalesce(n.frozen, 0), coalesce(n.current, 0),"
		" (coalesce(n.frozen, 0)::pg_catalog.numeric / a.customers)::pg_catalog.numeric(5, 4),"
		" (coalesce(n.current, 0)::pg_catalog.numeric / a.customers)::pg_catalog.numeric(5, 4)"
		" FROM m CROSS JOIN (VALUES (1, 'recency'), (2, 'orders'), (3, 'revenue')) f (place, figure)"
		" CROSS JOIN pg_catalog.generate_series(1, %d) s (score)"
		" CROSS JOIN (SELECT nullif(pg_catalog.count(*), 0) AS customers FROM c) a"
		" LEFT JOIN n ON n.figure = f.figure AND n.score = s.score ORDER BY f.place, s.score",
		quote_literal_cstr(definition->breaks), bins, table, table, bins);
}

/*
 * segment_table_drift(segment_table) → figure, score, frozen_break,
 * current_break, frozen_customers, current_customers, frozen_share,
 * current_share: customers with each score by the frozen breaks, and by those
 * that would be found now.
 */
Datum
cs_segment_table_drift(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	SegmentDefinition *definition;
	CsIdentity saved;
	Oid types[1] = {TIMESTAMPTZOID};
	Datum values[1];
	Oid table;
	uint64 i;
	int result;

	CsRequireArgument(fcinfo, 0, "segment_table");
	table = PG_GETARG_OID(0);
	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	CsLockSegmentTable(table, AccessShareLock);
	definition = CsReadDefinition(table);
	if (definition->breaks == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("segment table \"%s\" has no frozen breaks", get_rel_name(table)),
				 definition->frozen
					 ? errhint("Call customer_scoring.refresh_segment_table first.")
					 : errhint("Call customer_scoring.alter_segment_table with breaks => 'frozen', then "
							   "refresh.")));
	CsActAsOwner(&saved, definition);
	values[0] = TimestampTzGetDatum(definition->as_of);
	result = SPI_execute_with_args(DriftSql(definition), 1, types, values, NULL, true, 0);
	if (result < 0)
		elog(ERROR, "could not compare breaks: %s", SPI_result_code_string(result));
	for (i = 0; i < SPI_processed; i++)
		tuplestore_puttuple(rsinfo->setResult, SPI_tuptable->vals[i]);
	CsResume(&saved);
	SPI_finish();
	return (Datum) 0;
}
