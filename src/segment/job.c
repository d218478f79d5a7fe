/*
 * job.c
 *		One refresh by a worker, from finding it due to recording its outcome.
 *
 * Three transactions: the first records that the run starts, the second is the
 * refresh with its success, the third, if the second fails, records why. Two
 * session locks tell others what goes on, and vanish with the process: one on
 * the segment table's job, which a second worker does not wait for, and one on
 * the run, which segment_table_run looks at.
 */
#include "postgres.h"

#include "access/xact.h"
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
#include "segment/job.h"
#include "segment/run.h"

/* Class of our advisory locks; those of SQL functions are 1 and 2. */
#define JOB_LOCK 3

CsDueHook cs_due_hook = NULL;

static void
BeginStep(void)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	SPI_connect();
	PushActiveSnapshot(GetTransactionSnapshot());
}

static void
EndStep(void)
{
	PopActiveSnapshot();
	SPI_finish();
	CommitTransactionCommand();
}

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

	BeginStep();
	if (get_rel_name(table) != NULL && LockForSession("segment_state", table) && CsFindDueRun(table, &run_id))
	{
		CsCheckSegmentOwner(table);
		if (run_id == 0)
			run_id = CsAddRun(table, "scheduled");
		if (!LockForSession("segment_run", (uint32) run_id))
			elog(ERROR, "run " INT64_FORMAT " is locked by another process", run_id);
		CsStartRun(table, run_id);
	}
	EndStep();
	return run_id;
}

/*
 * Second transaction: the refresh. What can be told about the definition before
 * anything fails is left for recording the failure: the next moment of the
 * schedule, and whether it was the source that could not be opened.
 */
static void
DoJob(Oid table, int64 run_id, volatile TimestampTz *scheduled, volatile bool *broken)
{
	SegmentDefinition *definition;
	SegmentSource *source;
	RefreshResult result;

	BeginStep();
	CsLockSegmentTable(table, ShareRowExclusiveLock);
	definition = CsReadDefinition(table);
	*scheduled = CsScheduledAfter(definition, GetCurrentTimestamp());
	*broken = true;
	source = CsOpenRefresh(definition);
	*broken = false;
	result.reason = CsSourceChange(definition, source);
	CsRefresh(definition, source, DT_NOBEGIN, run_id, &result);
	CsFinishRun(run_id, definition, source, &result);
	EndStep();
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
	volatile int64 run_id = 0;
	volatile TimestampTz scheduled = DT_NOBEGIN;
	volatile bool broken = false;
	const char *volatile failure = NULL;

	PG_TRY();
	{
		run_id = StartJob(segment_table);
		if (run_id != 0)
			DoJob(segment_table, run_id, &scheduled, &broken);
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		AbortCurrentTransaction();
		if (run_id != 0)
		{
			BeginStep();
			CsFailRun(segment_table, run_id, error, scheduled, broken);
			EndStep();
		}
		failure = error->message;
	}
	PG_END_TRY();
	return failure;
}
