/*
 * job.c
 *		One refresh by a worker, from finding it due to recording its outcome.
 *
 * Several transactions: the first records that the run starts; the next finds out
 * whether everybody has to be recomputed, and has changes captured from then on;
 * then come one that recomputes everybody, under READ COMMITTED, or batches of
 * customers that have changed, under REPEATABLE READ and each at most a few
 * seconds long; the last of them records the success. If one fails, another
 * records why. Nothing is open while a refresh waits to try again.
 *
 * Two session locks tell others what goes on, and vanish with the process: one on
 * the segment table's job, which a second worker does not wait for, and one on
 * the run, which segment_table_run looks at.
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/pg_prng.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/regproc.h"
#include "utils/snapmgr.h"

#include "catalog/namespace.h"

#include "core/compat.h"
#include "core/step.h"
#include "segment/coverage.h"
#include "segment/history.h"
#include "segment/job.h"
#include "segment/mode.h"
#include "segment/run.h"
#include "segment/run_record.h"
#include "segment/view.h"

/* Class of our advisory locks; those of SQL functions are 1 and 2. */
#define JOB_LOCK 3

/* Customers of the first batch, and of the largest; a batch is to take about this long. */
#define FIRST_BATCH 10000
#define LARGEST_BATCH 100000
#define BATCH_TIME (4 * USECS_PER_SEC)

/* Runs that lose against other transactions are tried this many times. */
#define TRIES 5

CsDueHook cs_due_hook = NULL;
CsOwnerHook cs_owner_hook = NULL;

/* A refresh by a worker. */
typedef struct Job
{
	Oid table;
	int64 run_id; /* 0 when nothing is due */
	TimestampTz scheduled; /* next moment of the schedule, or DT_NOBEGIN */
	bool broken; /* the source could not be opened */
	bool attach; /* changes are captured, or may be from now on */
	int batch; /* customers of the next batch */
	int batches; /* committed */
	int tries;
	RefreshResult total; /* of the batches so far */
} Job;

/*
 * A session lock named by one of the extension's tables and a number. Of the
 * advisory kind, as only those outlive an aborted transaction and are released
 * when the process ends, but of a class that SQL functions cannot take.
 */
static bool
LockForSession(const char *table, uint32 number)
{
	Oid namespace = get_namespace_oid("customer_scoring_internal", false);
	LOCKTAG tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, get_relname_relid(table, namespace), number, JOB_LOCK);
	return LockAcquire(&tag, ExclusiveLock, true, true) != LOCKACQUIRE_NOT_AVAIL;
}

/* First transaction: the run to do, or 0 when there is nothing to do (any more). */
static int64
StartJob(Oid table)
{
	int64 run_id = 0;

	CsBeginStep();
	if (get_rel_name(table) != NULL && LockForSession("segment_state", table) && CsFindDueRun(table, &run_id))
	{
		CsCheckSegmentOwner(table);
		if (run_id == 0)
			run_id = CsAddRun(table, "scheduled");
		if (!LockForSession("segment_run", (uint32) run_id))
			elog(ERROR, "run " INT64_FORMAT " is locked by another process", run_id);
		CsStartRun(table, run_id);
	}
	CsEndStep();
	return run_id;
}

/* A transaction that has the segment table locked before it takes its first snapshot. */
static SegmentDefinition *
BeginLocked(Oid table, int isolation)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	XactIsoLevel = isolation;
	SPI_connect();
	CsLockSegmentTable(table, ShareRowExclusiveLock);
	PushActiveSnapshot(GetTransactionSnapshot());
	return CsReadDefinition(table);
}

/*
 * Leave triggers alone that a restore which is not over yet will make, and must
 * not find there. It may put in sources while the job runs, so each transaction
 * that may attach looks anew.
 */
static void
HoldBack(Job *job, const SegmentDefinition *definition, const SegmentSource *source,
		 const RefreshState *state)
{
	if (!state->refreshed && (!CsHasTriggers(definition, source) || CsSignalFires(job->table) == 0))
		job->attach = false;
}

/*
 * Whether everybody has to be recomputed, for a reason that the job may know
 * already. If so, the log is put in order, and it is remembered, so that a
 * refresh which fails is followed by another one of everybody.
 */
static bool
Prepare(Job *job, const char *reason)
{
	SegmentDefinition *definition = BeginLocked(job->table, XACT_READ_COMMITTED);
	SegmentSource *source;
	RefreshState *state;
	RefreshResult result;
	const char *why;

	job->scheduled = CsScheduledAfter(definition, GetCurrentTimestamp());
	job->broken = true;
	source = CsOpenRefresh(definition);
	job->broken = false;
	state = CsReadState(job->table);
	HoldBack(job, definition, source, state);
	why = CsPrepareRefresh(definition, source, DT_NOBEGIN, job->attach, state, &result);
	job->attach = result.captured;
	if (why == NULL)
		why = reason;
	if (why != NULL && result.captured)
	{
		CsHealLog(job->table, state);
		CsSaveSettling(job->table, state->settling, state->settle_before);
		if (state->refreshed)
			CsRequireFull(job->table, why, false);
	}
	CsEndStep();
	return why != NULL;
}

/* Recompute everybody. */
static void
RefreshAllCustomers(Job *job)
{
	SegmentDefinition *definition = BeginLocked(job->table, XACT_READ_COMMITTED);
	SegmentSource *source = CsOpenRefresh(definition);
	RefreshResult result;

	HoldBack(job, definition, source, CsReadState(job->table));
	CsRefreshNow(definition, source, DT_NOBEGIN, job->run_id, job->attach, &result);
	CsFinishRun(job->run_id, definition, source, &result);
	CsEndStep();
}

/*
 * One batch of customers who have changed. Returns why everybody has to be
 * recomputed instead; sets whether that was the last batch.
 */
static const char *
RefreshBatch(Job *job, bool *last)
{
	SegmentDefinition *definition = BeginLocked(job->table, XACT_REPEATABLE_READ);
	SegmentSource *source = CsOpenRefresh(definition);
	RefreshState *state = CsReadState(job->table);
	TimestampTz started = GetCurrentTimestamp();
	RefreshResult result;
	const char *why = CsPrepareRefresh(definition, source, DT_NOBEGIN, job->attach, state, &result);

	*last = true;
	if (why == NULL)
	{
		CsCheckHistory(definition);
		if (job->total.mode == NULL)
			job->total.was_as_of = definition->as_of;
		job->total.customers = state->customers;
		result = job->total;
		why = CsRefreshChanged(definition, source, DT_NOBEGIN, job->run_id, job->batch, &result);
	}
	if (why == NULL)
	{
		*last = result.left == 0;
		if (*last)
		{
			CsKeepHistory(definition, job->run_id, &result);
			CsFinishRun(job->run_id, definition, source, &result);
		}
		else
		{
			CsRecordProgress(job->run_id, definition, &result);
			CsNoteProgress(job->table, job->run_id, job->batches + 1, result.recomputed, result.left);
		}
		job->total = result;
		job->total.breaks = NULL;
		if (GetCurrentTimestamp() - started > BATCH_TIME)
			job->batch = Max(job->batch / 2, 1000);
		else if (GetCurrentTimestamp() - started < BATCH_TIME / 4)
			job->batch = Min(job->batch * 2, LARGEST_BATCH);
		CsEndStep();
		job->batches++;
		return NULL;
	}
	why = MemoryContextStrdup(TopMemoryContext, why);
	CsEndStep();
	return why;
}

/*
 * The refresh, from where it is known to be due. What can be told about the
 * definition before anything fails is left for recording the failure: the next
 * moment of the schedule, and whether it was a source that could not be opened.
 */
static void
DoJob(Job *job)
{
	const char *why = NULL;
	bool last = false;

	if (!Prepare(job, NULL))
	{
		while (!last && why == NULL)
			why = RefreshBatch(job, &last);
		if (why == NULL)
			return;
		(void) Prepare(job, why);
	}
	RefreshAllCustomers(job);
}

/* What to do about an error: true if the refresh is worth another try at once. */
static bool
TryAgain(Job *job, const ErrorData *error)
{
	switch (error->sqlerrcode)
	{
		case ERRCODE_T_R_SERIALIZATION_FAILURE:
		case ERRCODE_T_R_DEADLOCK_DETECTED:
			if (++job->tries >= TRIES)
				return false;
			pg_usleep(1000L * (long) (pg_prng_double(&pg_global_prng_state) * 100.0 * job->tries));
			return true;
		default:
			return false;
	}
}

/*
 * In a process that is connected as the owner of the table, outside a
 * transaction: do one refresh if it is due, and record its outcome. A refresh
 * that fails is recorded; its error message is returned, NULL for none. When not
 * even recording was possible the table is due as before, which the launcher
 * notices.
 */
const char *
CsRefreshJob(Oid segment_table)
{
	MemoryContext context = CurrentMemoryContext;
	Job *job = palloc0(sizeof(Job));
	ErrorData *volatile error = NULL;
	volatile bool again;

	job->table = segment_table;
	job->scheduled = DT_NOBEGIN;
	job->attach = true;
	job->batch = FIRST_BATCH;
	do
	{
		again = false;
		error = NULL;
		PG_TRY();
		{
			if (job->run_id == 0)
				job->run_id = StartJob(segment_table);
			if (job->run_id != 0)
				DoJob(job);
		}
		PG_CATCH();
		{
			MemoryContextSwitchTo(context);
			error = CopyErrorData();
			FlushErrorState();
			AbortCurrentTransaction();
			MemoryContextSwitchTo(context);
			again = TryAgain(job, error);
		}
		PG_END_TRY();
	} while (again);
	if (error != NULL && job->run_id != 0)
	{
		CsBeginStep();
		CsFailRun(segment_table, job->run_id, error, job->scheduled, job->broken);
		CsEndStep();
	}
	return error != NULL ? error->message : NULL;
}
