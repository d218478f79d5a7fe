/*
 * manage.c
 *		refresh_segment_table, request_segment_refresh, drop_segment_table.
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
#include "utils/timestamp.h"

#include "core/compat.h"
#include "core/moment.h"
#include "core/owner.h"
#include "segment/by_hand.h"
#include "segment/coverage.h"
#include "segment/job.h"
#include "segment/mode.h"
#include "segment/option.h"
#include "segment/quality.h"
#include "segment/run.h"
#include "segment/view.h"

PG_FUNCTION_INFO_V1(cs_refresh_segment_table);
PG_FUNCTION_INFO_V1(cs_request_segment_refresh);
PG_FUNCTION_INFO_V1(cs_drop_segment_table);

/* The refresh of refresh_segment_table, see CsWatchByHand. */
static void
RefreshByHand(ManualRun *run)
{
	SegmentDefinition *definition;
	SegmentSource *source;

	CsLockSegmentTable(run->table, ShareRowExclusiveLock);
	definition = CsReadDefinition(run->table);
	CsStartByHand(run);
	source = CsOpenRefresh(definition);
	CsRefreshNow(definition, source, run->as_of, run->run_id, true, &run->result);
	CsFinishRun(run->run_id, definition, source, &run->result);
	if (definition->refresh_every != NULL && cs_due_hook != NULL)
		cs_due_hook(run->table, definition->owner, false);
}

/*
 * refresh_segment_table(segment_table, as_of) → run_id, mode, customers,
 * inserted, updated, deleted, skipped, duration: one refresh in the caller's
 * transaction. A refresh of the same table that goes on is waited for.
 */
Datum
cs_refresh_segment_table(PG_FUNCTION_ARGS)
{
	TupleDesc desc;
	ManualRun run = {.as_of = DT_NOBEGIN};
	Datum values[8];
	bool nulls[8] = {false};
	int64 skipped = 0;
	int i;

	CsRequireArgument(fcinfo, 0, "segment_table");
	CsCheckCanRefresh("refresh_segment_table");
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "refresh_segment_table does not return a row type");
	run.table = PG_GETARG_OID(0);
	if (!PG_ARGISNULL(1))
	{
		run.as_of = PG_GETARG_TIMESTAMPTZ(1);
		CsRequireMoment(run.as_of, "as_of", "Leave it out for now.");
	}

	SPI_connect();
	CsWatchByHand(&run, RefreshByHand);
	SPI_finish();

	for (i = 0; i < SKIP_REASONS; i++)
		skipped += run.result.skipped[i];
	values[0] = Int64GetDatum(run.run_id);
	values[1] = CStringGetTextDatum(run.result.mode);
	values[2] = Int64GetDatum(run.result.customers);
	values[3] = Int64GetDatum(run.result.inserted);
	values[4] = Int64GetDatum(run.result.updated);
	values[5] = Int64GetDatum(run.result.deleted);
	values[6] = Int64GetDatum(skipped);
	values[7] = DirectFunctionCall2(timestamp_mi, TimestampTzGetDatum(GetCurrentTimestamp()),
									TimestampTzGetDatum(run.started));
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

/*
 * request_segment_refresh(segment_table) → run_id: ask a worker. It starts when
 * the caller's transaction commits; a request that waits already is returned.
 */
Datum
cs_request_segment_refresh(PG_FUNCTION_ARGS)
{
	Oid table;
	int64 run_id;
	SegmentDefinition *definition;

	CsRequireArgument(fcinfo, 0, "segment_table");
	PreventCommandIfReadOnly("request_segment_refresh");
	PreventCommandDuringRecovery("request_segment_refresh");
	table = PG_GETARG_OID(0);
	CsLockSegmentTable(table, AccessShareLock);
	SPI_connect();
	definition = CsReadDefinition(table);
	run_id = CsRequestRun(table);
	if (cs_due_hook != NULL)
		cs_due_hook(table, definition->owner, true);
	SPI_finish();
	PG_RETURN_INT64(run_id);
}

/* Drop a relation of a segment table, unless its owner has done so. */
static void
DropRelation(const char *kind, Oid relation)
{
	if (OidIsValid(relation) && get_rel_name(relation) != NULL)
		CsRunSql(psprintf("DROP %s %s", kind, CsQualifiedName(relation)));
}

/*
 * drop_segment_table(segment_table): the table, its views, its history, and all
 * that is kept about it. What users built on top makes it fail.
 */
Datum
cs_drop_segment_table(PG_FUNCTION_ARGS)
{
	Oid table;
	Oid types[1] = {REGCLASSOID};
	Datum values[1];
	SegmentDefinition *definition;
	CsIdentity saved;

	CsRequireArgument(fcinfo, 0, "segment_table");
	PreventCommandIfReadOnly("drop_segment_table");
	PreventCommandDuringRecovery("drop_segment_table");
	table = PG_GETARG_OID(0);
	SPI_connect();
	definition = CsLockWithViews(table);

	CsDetachCapture(table, true);
	CsBecome(&saved, definition->owner);
	DropRelation("VIEW", definition->current_view);
	DropRelation("VIEW", definition->overview_view);
	DropRelation("VIEW", definition->migration_view);
	DropRelation("TABLE", definition->history_table);
	DropRelation("TABLE", definition->snapshot_table);
	CsRunSql(psprintf("DROP TABLE %s", CsQualifiedName(table)));
	CsResume(&saved);

	values[0] = ObjectIdGetDatum(table);
	CsOwnSql("DELETE FROM customer_scoring.segment_table_definition WHERE segment_table = $1", 1, types,
			 values, NULL);
	CsOwnSql("DELETE FROM customer_scoring.segment_source_definition WHERE segment_table = $1", 1, types,
			 values, NULL);
	CsOwnSql("DELETE FROM customer_scoring_internal.segment_state WHERE segment_table = $1", 1, types, values,
			 NULL);
	CsOwnSql("DELETE FROM customer_scoring_internal.segment_run WHERE segment_table = $1", 1, types, values,
			 NULL);
	CsOwnSql("UPDATE customer_scoring.tier_policy SET segment_table = NULL WHERE segment_table = $1", 1,
			 types, values, NULL);
	CsOwnSql("DELETE FROM customer_scoring.key_account_policy WHERE segment_table = $1", 1, types, values,
			 NULL);
	CsOwnSql("UPDATE customer_scoring.key_account SET segment_table = NULL WHERE segment_table = $1", 1,
			 types, values, NULL);
	CsOwnSql("DELETE FROM customer_scoring_internal.segment_model WHERE segment_table = $1", 1, types, values,
			 NULL);
	CsForgetQuality(table);
	CsForgetDropped();
	CsDetachDropped();
	SPI_finish();
	PG_RETURN_VOID();
}
