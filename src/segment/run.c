/*
 * run.c
 *		Records of refreshes (segment_run) and the state they leave
 *		(segment_state).
 *
 * Nothing here says that a run is going on: that is told by a lock which the
 * process holds (job.c) and which no crash can leave behind. Counting a run as
 * failed when it starts, and taking that back when it succeeds, makes a refresh
 * that takes the server down back off like any other failure. SPI must be
 * connected. State rows are written after the segment table is locked.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "core/compat.h"
#include "core/owner.h"
#include "model/rfm_model.h"
#include "segment/key_account.h"
#include "segment/run.h"
#include "segment/run_record.h"
#include "segment/schedule.h"

/* A request that keeps failing without a schedule is given up after this many runs. */
#define REQUEST_TRIES 5

static int64
ReturnedInt64(void)
{
	bool isnull;

	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
}

/* Make sure the state row exists: a restored database has none. */
void
CsEnsureState(Oid table)
{
	Oid types[1] = {REGCLASSOID};
	Datum values[1] = {ObjectIdGetDatum(table)};

	CsOwnSql("INSERT INTO customer_scoring_internal.segment_state (segment_table) VALUES ($1)"
			 " ON CONFLICT (segment_table) DO NOTHING",
			 1, types, values, NULL);
}

/* A new run; its number. */
int64
CsAddRun(Oid table, const char *cause)
{
	Oid types[2] = {REGCLASSOID, TEXTOID};
	Datum values[2] = {ObjectIdGetDatum(table), CStringGetTextDatum(cause)};

	CsOwnSql("INSERT INTO customer_scoring_internal.segment_run (segment_table, cause, requested_at, "
			 "started_at, pid)"
			 " VALUES ($1, $2, CASE WHEN $2 = 'requested' THEN pg_catalog.clock_timestamp() END,"
			 " CASE WHEN $2 <> 'requested' THEN pg_catalog.clock_timestamp() END,"
			 " CASE WHEN $2 <> 'requested' THEN pg_catalog.pg_backend_pid() END) RETURNING run_id",
			 2, types, values, NULL);
	return ReturnedInt64();
}

/* Ask for a run: the one that waits already, or a new one. */
int64
CsRequestRun(Oid table)
{
	Oid types[2] = {REGCLASSOID, INT8OID};
	Datum values[2] = {ObjectIdGetDatum(table), (Datum) 0};

	CsEnsureState(table);
	if (CsOwnSql("SELECT requested_run_id FROM customer_scoring_internal.segment_state"
				 " WHERE segment_table = $1 AND requested_run_id IS NOT NULL FOR UPDATE",
				 1, types, values, NULL) == 1)
		return ReturnedInt64();
	values[1] = Int64GetDatum(CsAddRun(table, "requested"));
	CsOwnSql("UPDATE customer_scoring_internal.segment_state SET requested_run_id = $2,"
			 " due_at = pg_catalog.clock_timestamp() WHERE segment_table = $1",
			 2, types, values, NULL);
	return DatumGetInt64(values[1]);
}

/*
 * Whether a worker has to refresh the table now; and the run that was asked
 * for, or 0. The state is locked until the transaction ends; a state that
 * somebody else has locked is being dealt with, and looked at again later.
 */
bool
CsFindDueRun(Oid table, int64 *requested_run_id)
{
	Oid types[1] = {REGCLASSOID};
	Datum values[1] = {ObjectIdGetDatum(table)};
	bool isnull;

	*requested_run_id = 0;
	if (CsOwnSql("SELECT d.refresh_every IS NOT NULL FROM customer_scoring.segment_table_definition d"
				 " WHERE d.segment_table = $1",
				 1, types, values, NULL) == 0)
		return false;
	if (DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)) &&
		CsOwnSql("SELECT FROM customer_scoring_internal.segment_state WHERE segment_table = $1", 1, types,
				 values, NULL) == 0)
	{
		CsEnsureState(table);
		return true;
	}
	if (CsOwnSql("SELECT coalesce(requested_run_id, 0) FROM customer_scoring_internal.segment_state"
				 " WHERE segment_table = $1 AND (due_at <= pg_catalog.clock_timestamp()"
				 " OR refreshed_at > pg_catalog.clock_timestamp() + '1 minute'::pg_catalog.interval) FOR "
				 "UPDATE SKIP LOCKED",
				 1, types, values, NULL) == 0)
		return false;
	*requested_run_id = ReturnedInt64();
	return true;
}

/*
 * A worker starts a run: whatever happens to it now, the next try waits. The
 * definition may be unreadable then, so only the table is needed.
 */
void
CsStartRun(Oid table, int64 run_id)
{
	Oid types[3] = {REGCLASSOID, INT8OID, TIMESTAMPTZOID};
	Datum values[3] = {ObjectIdGetDatum(table), Int64GetDatum(run_id), (Datum) 0};

	CsOwnSql("UPDATE customer_scoring_internal.segment_run SET started_at = pg_catalog.clock_timestamp(),"
			 " pid = pg_catalog.pg_backend_pid() WHERE run_id = $2 AND segment_table = $1",
			 2, types, values, NULL);
	CsOwnSql("UPDATE customer_scoring_internal.segment_state SET failures = failures + 1,"
			 " requested_run_id = nullif(requested_run_id, $2), last_run_id = $2"
			 " WHERE segment_table = $1 RETURNING failures::pg_catalog.int8",
			 2, types, values, NULL);
	values[2] = TimestampTzGetDatum(CsRetryAt((int) ReturnedInt64(), GetCurrentTimestamp()));
	CsOwnSql("UPDATE customer_scoring_internal.segment_state SET due_at = $3 WHERE segment_table = $1", 3,
			 types, values, NULL);
	CsPurgeRuns(table);
}

/* When the schedule has the next refresh after a moment; DT_NOBEGIN for never. */
TimestampTz
CsScheduledAfter(const SegmentDefinition *definition, TimestampTz now)
{
	if (definition->refresh_every == NULL)
		return DT_NOBEGIN;
	if (definition->anchor != DT_NOBEGIN)
		return CsNextRefresh(definition->anchor, definition->refresh_every, now, definition->time_zone);
	return CsMomentPlus(now, definition->refresh_every, 1, definition->time_zone);
}

/*
 * A definition is new or altered: set when a worker has to look at the table,
 * DT_NOBEGIN for never, and forget earlier failures. A request stays due.
 */
void
CsSetDue(const SegmentDefinition *definition, TimestampTz due_at)
{
	Oid types[2] = {REGCLASSOID, TIMESTAMPTZOID};
	Datum values[2] = {ObjectIdGetDatum(definition->table), TimestampTzGetDatum(due_at)};
	char nulls[2] = {' ', due_at == DT_NOBEGIN ? 'n' : ' '};

	CsEnsureState(definition->table);
	CsOwnSql("UPDATE customer_scoring_internal.segment_state SET due_at ="
			 " CASE WHEN requested_run_id IS NULL THEN $2 ELSE pg_catalog.clock_timestamp() END,"
			 " failures = 0, broken = NULL WHERE segment_table = $1",
			 2, types, values, nulls);
}

/*
 * Remember that everybody has to be recomputed: a definition was altered, or a
 * refresh of changed customers found that they are not all.
 */
void
CsRequireFull(Oid table, const char *reason, bool map_changed)
{
	Oid types[3] = {REGCLASSOID, TEXTOID, BOOLOID};
	Datum values[3] = {ObjectIdGetDatum(table), CStringGetTextDatum(reason), BoolGetDatum(map_changed)};

	CsEnsureState(table);
	CsOwnSql("UPDATE customer_scoring_internal.segment_state SET full_reason = $2,"
			 " map_changed = map_changed OR $3 WHERE segment_table = $1",
			 3, types, values, NULL);
}

/* Remember what a log that was put in order has to wait for. */
void
CsSaveSettling(Oid table, bool settling, FullTransactionId before)
{
	Oid types[3] = {REGCLASSOID, BOOLOID, XID8OID};
	Datum values[3] = {ObjectIdGetDatum(table), BoolGetDatum(settling), FullTransactionIdGetDatum(before)};
	char nulls[3] = {' ', ' ', FullTransactionIdIsValid(before) ? ' ' : 'n'};

	CsEnsureState(table);
	CsOwnSql("UPDATE customer_scoring_internal.segment_state SET settling = $2, settle_before = $3"
			 " WHERE segment_table = $1",
			 3, types, values, nulls);
}

/* Breaks that the table is scored with from now on, unless they are those of before. */
static void
RecordBreaks(int64 run_id, const SegmentDefinition *definition, const RefreshResult *result)
{
	Oid types[5] = {REGCLASSOID, TEXTOID, INT8OID, BOOLOID, TIMESTAMPTZOID};
	Datum values[5] = {ObjectIdGetDatum(definition->table), CStringGetTextDatum(result->breaks),
					   Int64GetDatum(run_id), BoolGetDatum(definition->frozen),
					   TimestampTzGetDatum(result->as_of)};
	bool isnull;

	if (definition->frozen)
		CsOwnSql("UPDATE customer_scoring.segment_table_definition SET frozen_breaks ="
				 " $2::customer_scoring.rfm_model WHERE segment_table = $1",
				 5, types, values, NULL);
	else if (CsOwnSql(
				 "SELECT model FROM customer_scoring_internal.segment_model"
				 " WHERE segment_table = $1 AND kind = 'rfm' AND NOT frozen ORDER BY model_id DESC LIMIT 1",
				 1, types, values, NULL) > 0 &&
			 CsSameBreaks(
				 TextDatumGetCString(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)),
				 result->breaks))
		return;
	CsOwnSql("DELETE FROM customer_scoring_internal.segment_model WHERE segment_table = $1"
			 " AND kind = 'rfm' AND as_of < least($5, pg_catalog.clock_timestamp()) - '" KEEP_RUNS
			 "'::pg_catalog.interval",
			 5, types, values, NULL);
	CsOwnSql("INSERT INTO customer_scoring_internal.segment_model (segment_table, kind, model, run_id,"
			 " frozen, as_of) VALUES ($1, 'rfm', $2, $3, $4, $5)",
			 5, types, values, NULL);
}

/*
 * Record how far a refresh has come, in the transaction that has come so far:
 * what is written is about as_of, but for customers still in the log.
 */
void
CsRecordProgress(int64 run_id, const SegmentDefinition *definition, const RefreshResult *result)
{
	Oid types[17] = {INT8OID, TEXTOID, TEXTOID, TIMESTAMPTZOID, INT8OID, INT8OID,
					 INT8OID, INT8OID, INT8OID, INT8OID,		INT8OID, INT8OID,
					 INT8OID, INT8OID, INT8OID, REGCLASSOID,	TEXTOID};
	Datum values[17];
	char nulls[17];
	int n = 0;
	int i;

	memset(nulls, ' ', sizeof(nulls));
	values[n++] = Int64GetDatum(run_id);
	values[n++] = CStringGetTextDatum(result->mode);
	nulls[n] = result->reason == NULL ? 'n' : ' ';
	values[n++] = result->reason == NULL ? (Datum) 0 : CStringGetTextDatum(result->reason);
	values[n++] = TimestampTzGetDatum(result->as_of);
	values[n++] = Int64GetDatum(result->customers);
	values[n++] = Int64GetDatum(result->recomputed);
	values[n++] = Int64GetDatum(result->inserted);
	values[n++] = Int64GetDatum(result->updated);
	values[n++] = Int64GetDatum(result->deleted);
	for (i = 0; i < SKIP_REASONS; i++)
		values[n++] = Int64GetDatum(result->skipped[i]);
	values[n++] = ObjectIdGetDatum(definition->table);
	nulls[n] = result->clv_report == NULL ? 'n' : ' ';
	values[n++] = result->clv_report == NULL ? (Datum) 0 : CStringGetTextDatum(result->clv_report);
	CsOwnSql("UPDATE customer_scoring_internal.segment_run SET mode = $2, reason = $3, as_of = $4,"
			 " customers = $5, recomputed = $6, inserted = $7, updated = $8, deleted = $9,"
			 " skipped_no_customer = $10, skipped_no_time = $11, skipped_no_amount = $12,"
			 " skipped_not_finite = $13, skipped_future = $14, skipped_opted_out = $15, clv_report = $17"
			 " WHERE run_id = $1 AND segment_table = $16",
			 n, types, values, nulls);
	CsOwnSql("UPDATE customer_scoring.segment_table_definition SET as_of = $4 WHERE segment_table = $16", n,
			 types, values, nulls);
	CsOwnSql("UPDATE customer_scoring_internal.segment_state SET customers = $5 WHERE segment_table = $16", n,
			 types, values, nulls);
	if (result->breaks != NULL)
		RecordBreaks(run_id, definition, result);
}

/* Record a success, in the transaction of the refresh or of its last batch. */
void
CsFinishRun(int64 run_id, const SegmentDefinition *definition, const SegmentSource *source,
			const RefreshResult *result)
{
	bool full = strcmp(result->mode, "full") == 0;
	Oid types[11] = {REGCLASSOID, REGCLASSOID, TEXTOID, TIMESTAMPTZOID, INT8OID, BYTEAOID,
					 TEXTOID,	  TEXTOID,	   BOOLOID, XID8OID,		TEXTOID};
	Datum values[11];
	char nulls[11];
	TimestampTz next = CsScheduledAfter(definition, GetCurrentTimestamp());

	CsEnsureState(definition->table);
	CsRecordProgress(run_id, definition, result);
	memset(nulls, ' ', sizeof(nulls));
	values[0] = ObjectIdGetDatum(definition->table);
	values[1] = ObjectIdGetDatum(source->relation);
	values[2] = CStringGetTextDatum(source->columns);
	values[3] = TimestampTzGetDatum(next);
	nulls[3] = next == DT_NOBEGIN ? 'n' : ' ';
	values[4] = Int64GetDatum(run_id);
	values[5] = PointerGetDatum(result->coverage);
	nulls[5] = result->coverage == NULL ? 'n' : ' ';
	values[6] = CStringGetTextDatum(CS_EXTVERSION);
	values[7] = CStringGetTextDatum("transactions that were open are waited for");
	nulls[7] = result->settling ? ' ' : 'n';
	values[8] = BoolGetDatum(result->settling);
	values[9] = FullTransactionIdGetDatum(result->settle_before);
	nulls[9] = result->settling && FullTransactionIdIsValid(result->settle_before) ? ' ' : 'n';
	nulls[10] = definition->tier_terms == NULL ? 'n' : ' ';
	values[10] = definition->tier_terms == NULL ? (Datum) 0 : CStringGetTextDatum(definition->tier_terms);
	CsOwnSql("UPDATE customer_scoring_internal.segment_run SET finished_at = pg_catalog.clock_timestamp()"
			 " WHERE run_id = $5 AND segment_table = $1",
			 10, types, values, nulls);
	CsOwnSql("UPDATE customer_scoring_internal.segment_state SET"
			 " due_at = CASE WHEN requested_run_id <> $5 THEN pg_catalog.clock_timestamp() ELSE $4 END,"
			 " refreshed_at = pg_catalog.clock_timestamp(), last_run_id = $5, failures = 0, broken = NULL"
			 " WHERE segment_table = $1",
			 10, types, values, nulls);
	if (full)
		CsOwnSql("UPDATE customer_scoring_internal.segment_state SET source = $2, source_columns = $3,"
				 " coverage = $6, extension_version = $7, full_reason = $8, map_changed = false,"
				 " settling = $9, settle_before = $10, tier_terms = $11::customer_scoring.tier_terms"
				 " WHERE segment_table = $1",
				 11, types, values, nulls);
	CsAssessKeyAccounts(definition, result->as_of, run_id);
}

/*
 * Record a failure, in a transaction of its own. A broken source waits for its schedule, everything else is
 * tried again with growing pauses.
 */
void
CsFailRun(Oid table, int64 run_id, const ErrorData *error, TimestampTz scheduled, bool broken)
{
	Oid types[8] = {REGCLASSOID, INT8OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, BOOLOID};
	Datum values[8];
	char nulls[8] = {' ', ' ', ' ', ' ', ' ', ' ', ' ', ' '};

	values[0] = ObjectIdGetDatum(table);
	values[1] = Int64GetDatum(run_id);
	values[2] = CStringGetTextDatum(unpack_sql_state(error->sqlerrcode));
	values[3] = CStringGetTextDatum(error->message ? error->message : "");
	values[4] = error->detail ? CStringGetTextDatum(error->detail) : (nulls[4] = 'n', (Datum) 0);
	values[5] = error->hint ? CStringGetTextDatum(error->hint) : (nulls[5] = 'n', (Datum) 0);
	values[6] = TimestampTzGetDatum(scheduled);
	nulls[6] = scheduled == DT_NOBEGIN ? 'n' : ' ';
	values[7] = BoolGetDatum(broken);
	CsOwnSql("UPDATE customer_scoring_internal.segment_run SET finished_at = pg_catalog.clock_timestamp(),"
			 " error_code = $3, error_message = $4, error_detail = $5, error_hint = $6"
			 " WHERE run_id = $2 AND segment_table = $1",
			 8, types, values, nulls);
	CsOwnSql("UPDATE customer_scoring_internal.segment_state SET broken = CASE WHEN $8 THEN $4 END,"
			 " due_at = CASE WHEN $8 OR ($7 IS NULL AND failures >= " CppAsString2(
				 REQUEST_TRIES) ")"
								" THEN $7 ELSE due_at END WHERE segment_table = $1",
			 8, types, values, nulls);
}
