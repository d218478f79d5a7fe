/*
 * manage.c
 *		refresh_segment_table, request_segment_refresh, drop_segment_table.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "core/compat.h"
#include "core/moment.h"
#include "core/owner.h"
#include "segment/job.h"
#include "segment/option.h"
#include "segment/run.h"
#include "segment/view.h"

PG_FUNCTION_INFO_V1(cs_refresh_segment_table);
PG_FUNCTION_INFO_V1(cs_request_segment_refresh);
PG_FUNCTION_INFO_V1(cs_drop_segment_table);

/*
 * refresh_segment_table(segment_table, as_of) → run_id, mode, customers,
 * inserted, updated, deleted, skipped, duration: one refresh in the caller's
 * transaction. A refresh of the same table that goes on is waited for.
 */
Datum
cs_refresh_segment_table(PG_FUNCTION_ARGS)
{
	TupleDesc desc;
	Oid table;
	TimestampTz as_of = DT_NOBEGIN;
	TimestampTz started = GetCurrentTimestamp();
	SegmentDefinition *definition;
	SegmentSource *source;
	RefreshResult result;
	Datum values[8];
	bool nulls[8] = {false};
	int64 skipped = 0;
	int64 run_id;
	int i;

	CsRequireArgument(fcinfo, 0, "segment_table");
	CsCheckCanRefresh("refresh_segment_table");
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "refresh_segment_table does not return a row type");
	table = PG_GETARG_OID(0);
	if (!PG_ARGISNULL(1))
	{
		as_of = PG_GETARG_TIMESTAMPTZ(1);
		CsRequireMoment(as_of, "as_of", "Leave it out for now.");
	}

	SPI_connect();
	CsLockSegmentTable(table, ShareRowExclusiveLock);
	definition = CsReadDefinition(table);
	source = CsOpenRefresh(definition);
	result.reason = CsSourceChange(definition, source);
	run_id = CsAddRun(table, "manual");
	CsRefresh(definition, source, as_of, run_id, &result);
	CsFinishRun(run_id, definition, source, &result);
	if (definition->refresh_every != NULL && cs_due_hook != NULL)
		cs_due_hook(table, definition->owner, false);
	SPI_finish();

	for (i = 0; i < SKIP_REASONS; i++)
		skipped += result.skipped[i];
	values[0] = Int64GetDatum(run_id);
	values[1] = CStringGetTextDatum("full");
	values[2] = Int64GetDatum(result.customers);
	values[3] = Int64GetDatum(result.inserted);
	values[4] = Int64GetDatum(result.updated);
	values[5] = Int64GetDatum(result.deleted);
	values[6] = Int64GetDatum(skipped);
	values[7] = DirectFunctionCall2(timestamp_mi, TimestampTzGetDatum(GetCurrentTimestamp()),
									TimestampTzGetDatum(started));
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
	CsCheckSegmentOwner(table);
	SPI_connect();
	definition = CsReadDefinition(table);
	run_id = CsRequestRun(table);
	if (cs_due_hook != NULL)
		cs_due_hook(table, definition->owner, true);
	SPI_finish();
	PG_RETURN_INT64(run_id);
}

/* Lock a view of a segment table against readers, if its owner has it (still). */
static void
LockView(Oid view, Oid owner)
{
	if (get_rel_name(view) != NULL && CsOwnsRelation(view, owner))
		LockRelationOid(view, AccessExclusiveLock);
}

static void
DropView(Oid view)
{
	if (get_rel_name(view) != NULL)
		CsRunSql(psprintf("DROP VIEW %s", CsQualifiedName(view)));
}

/*
 * drop_segment_table(segment_table): the table, its views, and all that is kept
 * about it. What users built on top makes it fail. The views are locked first,
 * as their readers lock them before the table.
 */
Datum
cs_drop_segment_table(PG_FUNCTION_ARGS)
{
	Oid table;
	Oid types[1] = {REGCLASSOID};
	Datum values[1];
	SegmentDefinition *definition;
	CsIdentity saved;
	char *name;

	CsRequireArgument(fcinfo, 0, "segment_table");
	PreventCommandIfReadOnly("drop_segment_table");
	PreventCommandDuringRecovery("drop_segment_table");
	table = PG_GETARG_OID(0);
	CsCheckSegmentOwner(table);
	name = get_rel_name(table);
	SPI_connect();
	definition = CsReadDefinition(table);
	LockView(definition->current_view, definition->owner);
	LockView(definition->overview_view, definition->owner);
	CsCheckNotDropped(table, name);
	CsLockSegmentTable(table, AccessExclusiveLock);
	definition = CsReadDefinition(table);

	CsBecome(&saved, definition->owner);
	DropView(definition->current_view);
	DropView(definition->overview_view);
	CsRunSql(psprintf("DROP TABLE %s", CsQualifiedName(table)));
	CsResume(&saved);

	values[0] = ObjectIdGetDatum(table);
	CsOwnSql("DELETE FROM customer_scoring.segment_table_definition WHERE segment_table = $1", 1, types,
			 values, NULL);
	CsOwnSql("DELETE FROM customer_scoring_internal.segment_state WHERE segment_table = $1", 1, types, values,
			 NULL);
	CsOwnSql("DELETE FROM customer_scoring_internal.segment_run WHERE segment_table = $1", 1, types, values,
			 NULL);
	SPI_finish();
	PG_RETURN_VOID();
}
