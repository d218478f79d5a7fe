/*
 * verify.c
 *		verify_segment_table: every value of a segment table that is not what
 *		its source gives.
 *
 * The oracle is the full recompute at the moment the rows are about, compared
 * under one snapshot. Rows are fetched in portions into a tuplestore, so memory
 * does not grow with what is wrong.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

#include "core/compat.h"
#include "core/owner.h"
#include "segment/column.h"
#include "segment/option.h"
#include "segment/refresh.h"

PG_FUNCTION_INFO_V1(cs_verify_segment_table);

#define PORTION 1000

/*
 * SQL: customer, column_name, stored, expected, problem. A row that is missing
 * or superfluous counts once, under the name of the key. Only rows that differ
 * are taken apart into values, which costs several times what comparing does.
 */
static char *
VerifySql(const SegmentSource *source, const SegmentDefinition *definition)
{
	StringInfoData values;
	int i;

	initStringInfo(&values);
	for (i = 0; i < CsSegmentColumnCount; i++)
	{
		const char *name = CsSegmentColumns[i].name;

		appendStringInfo(
			&values,
			"%s('%s', t.%s::pg_catalog.text, f.%s::pg_catalog.text, 'wrong', t.%s IS DISTINCT FROM f.%s"
			" AND t.ctid IS NOT NULL AND f.customer_id IS DISTINCT FROM NULL)",
			i > 0 ? ", " : "", name, name, name, name, name);
	}
	appendStringInfoString(
		&values, ", ('customer_id', NULL, f.customer_id::pg_catalog.text, 'missing', t.ctid IS NULL)"
				 ", ('customer_id', t.customer_id::pg_catalog.text, NULL, 'superfluous', f.customer_id IS "
				 "NOT DISTINCT FROM NULL)");
	return psprintf(
		"SELECT coalesce(t.customer_id, f.customer_id)::pg_catalog.text, v.name, v.stored, v.expected,"
		" v.problem FROM (%s) f FULL JOIN ONLY %s t ON f.customer_id %s t.customer_id"
		" CROSS JOIN LATERAL (VALUES %s) v (name, stored, expected, problem, found) WHERE %s AND v.found",
		CsScoredSql(source, definition), CsQualifiedName(definition->table), source->customer_equals,
		values.data, CsRowDiffers());
}

/*
 * verify_segment_table(segment_table) → customer, column_name, stored,
 * expected, problem; no rows when the table is exact.
 */
Datum
cs_verify_segment_table(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Oid table;
	SegmentDefinition *definition;
	SegmentSource *source;
	CsIdentity saved;
	SPIPlanPtr plan;
	Portal portal;
	TimestampTz as_of;

	CsRequireArgument(fcinfo, 0, "segment_table");
	table = PG_GETARG_OID(0);
	InitMaterializedSRF(fcinfo, 0);

	SPI_connect();
	CsLockSegmentTable(table, AccessShareLock);
	definition = CsReadDefinition(table);
	source = CsOpenRefresh(definition);

	/* as_of, source and segment table must be seen by one snapshot: a refresh may commit at any time */
	PushActiveSnapshot(GetTransactionSnapshot());
	as_of = CsVisibleAsOf(table);
	if (as_of == DT_NOBEGIN)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("segment table \"%s\" has not been refreshed yet", get_rel_name(table)),
						errhint("Call customer_scoring.refresh_segment_table first.")));
	CsActAsOwner(&saved, definition);
	source->scale = CsStoredScale(table);
	CsSourceMoments(source, definition, as_of);
	plan = CsPrepareOnSource(source, VerifySql(source, definition));
	portal = SPI_cursor_open(NULL, plan, source->values, source->nulls, true);
	do
	{
		uint64 i;

		CHECK_FOR_INTERRUPTS();
		SPI_cursor_fetch(portal, true, PORTION);
		for (i = 0; i < SPI_processed; i++)
			tuplestore_puttuple(rsinfo->setResult, SPI_tuptable->vals[i]);
		SPI_freetuptable(SPI_tuptable);
	} while (SPI_processed > 0);
	SPI_cursor_close(portal);
	CsResume(&saved);
	PopActiveSnapshot();
	SPI_finish();
	return (Datum) 0;
}
