/*
 * run_record.c
 *		What is recorded of runs (segment_run) beside their outcome: how far they
 *		are, that one by hand has failed; and when records are forgotten.
 *
 * See run.c for the outcome of a run that records itself.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "pgstat.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "core/compat.h"
#include "core/owner.h"
#include "segment/definition.h"
#include "segment/job.h"
#include "segment/run_record.h"

/*
 * In a worker, before a batch that is not the last is committed: how far the
 * run is then. The record tells after the commit, pg_stat_activity at once. SPI
 * must be connected.
 */
void
CsNoteProgress(Oid table, int64 run_id, int batches, int64 recomputed, int64 left)
{
	Oid types[4] = {REGCLASSOID, INT8OID, INT4OID, INT8OID};
	Datum values[4] = {ObjectIdGetDatum(table), Int64GetDatum(run_id), Int32GetDatum(batches),
					   Int64GetDatum(left)};

	CsOwnSql("UPDATE customer_scoring_internal.segment_run SET batches = $3, changes_left = $4"
			 " WHERE run_id = $2 AND segment_table = $1",
			 4, types, values, NULL);
	pgstat_report_activity(STATE_RUNNING, psprintf("refreshing segment table %s, batch %d: " INT64_FORMAT
												   " customers recomputed, " INT64_FORMAT " changes left",
												   CsQualifiedName(table), batches, recomputed, left));
}

/*
 * Forget old runs of a table. They are numbered as they come, so it suffices to
 * look at the lowest numbers, up to the first that is young; one that a wrong
 * clock put into the future is not. What another transaction forgets is left to
 * it. At READ COMMITTED only. SPI must be connected.
 */
void
CsPurgeRuns(Oid table)
{
	Oid types[1] = {REGCLASSOID};
	Datum values[1] = {ObjectIdGetDatum(table)};

	CsOwnSql("DELETE FROM customer_scoring_internal.segment_run WHERE run_id IN ("
			 "SELECT r.run_id FROM customer_scoring_internal.segment_run r WHERE r.segment_table = $1"
			 " AND r.run_id < coalesce((SELECT y.run_id FROM customer_scoring_internal.segment_run y"
			 " WHERE y.segment_table = $1 AND coalesce(y.finished_at, y.started_at, y.requested_at)"
			 " BETWEEN pg_catalog.clock_timestamp() - '" KEEP_RUNS "'::pg_catalog.interval"
			 " AND pg_catalog.clock_timestamp() + '1 day'::pg_catalog.interval ORDER BY y.run_id LIMIT 1),"
			 " (SELECT pg_catalog.max(l.run_id) FROM customer_scoring_internal.segment_run l"
			 " WHERE l.segment_table = $1))"
			 " AND NOT EXISTS (SELECT FROM customer_scoring_internal.segment_state s"
			 " WHERE s.segment_table = $1 AND r.run_id IN (s.requested_run_id, s.last_run_id))"
			 " FOR UPDATE OF r SKIP LOCKED)",
			 1, types, values, NULL);
}

/*
 * In a process of its own, outside a transaction: record a run by hand that has
 * failed and was rolled back. Nothing is recorded for a role that may not manage
 * the table (any more), nor for a table that is none of ours (any more).
 */
void
CsRecordFailure(const RunFailure *failure)
{
	Oid types[9] = {REGCLASSOID, INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID, INT4OID,
					TEXTOID,	 TEXTOID, TEXTOID,		  TEXTOID};
	Datum values[9];
	char nulls[9] = {' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' '};

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	SPI_connect();
	PushActiveSnapshot(GetTransactionSnapshot());
	if (get_rel_name(failure->table) != NULL && CsOwnsRelation(failure->table, failure->role))
	{
		values[0] = ObjectIdGetDatum(failure->table);
		values[1] = Int64GetDatum(failure->run_id);
		values[2] = TimestampTzGetDatum(failure->started);
		values[3] = TimestampTzGetDatum(failure->finished);
		values[4] = Int32GetDatum(failure->pid);
		values[5] = CStringGetTextDatum(failure->code);
		values[6] = CStringGetTextDatum(failure->message);
		values[7] = failure->detail ? CStringGetTextDatum(failure->detail) : (nulls[7] = 'n', (Datum) 0);
		values[8] = failure->hint ? CStringGetTextDatum(failure->hint) : (nulls[8] = 'n', (Datum) 0);
		CsOwnSql("INSERT INTO customer_scoring_internal.segment_run (run_id, segment_table, cause,"
				 " started_at, finished_at, pid, error_code, error_message, error_detail, error_hint)"
				 " OVERRIDING SYSTEM VALUE SELECT coalesce(nullif($2, 0),"
				 " pg_catalog.nextval('customer_scoring_internal.segment_run_run_id_seq')),"
				 " d.segment_table, 'manual', $3, $4, $5, $6, $7, $8, $9"
				 " FROM customer_scoring.segment_table_definition d WHERE d.segment_table = $1"
				 " ON CONFLICT DO NOTHING",
				 9, types, values, nulls);
		CsPurgeRuns(failure->table);
	}
	PopActiveSnapshot();
	SPI_finish();
	CommitTransactionCommand();
}
