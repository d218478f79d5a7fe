/*
 * by_hand.c
 *		What others are told of a refresh in the session of its caller.
 *
 * Such a refresh is one transaction, so nobody sees its record before it is
 * over, and it takes its record with it when it fails. While it lasts, a lock
 * tells table and run; it is in nobody's way, as nobody else takes it. A failure
 * is handed to the worker room, which can commit it in a process of its own.
 *
 * The refresh is a subtransaction for that reason only: once it is rolled back
 * no lock of it is held any more, and there is a clean state to work from.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/builtins.h"

#include "core/attempt.h"
#include "core/compat.h"
#include "segment/by_hand.h"
#include "segment/job.h"
#include "segment/run.h"
#include "segment/run_record.h"

/* Class of our advisory locks on table and run; see job.c for class 3. */
#define BY_HAND_LOCK 4

CsFailureHook cs_failure_hook = NULL;

/*
 * The segment table is locked: number the run, and show that it goes on. The
 * lock ends with the transaction, so that a run whose record is not committed
 * yet still counts as running.
 */
void
CsStartByHand(ManualRun *run)
{
	LOCKTAG tag;

	CsPurgeRuns(run->table);
	run->run_id = CsAddRun(run->table, "manual");
	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, run->table, (uint32) run->run_id, BY_HAND_LOCK);
	(void) LockAcquire(&tag, ExclusiveLock, false, true);
}

/* Hand a failure on; the error is the caller's to raise. */
static void
TellFailure(const ManualRun *run, const ErrorData *error)
{
	RunFailure failure = {.table = run->table,
						  .role = GetUserId(),
						  .run_id = run->run_id,
						  .started = run->started,
						  .finished = GetCurrentTimestamp(),
						  .pid = MyProcPid,
						  .message = error->message != NULL ? error->message : "",
						  .detail = error->detail,
						  .hint = error->hint};

	strlcpy(failure.code, unpack_sql_state(error->sqlerrcode), sizeof(failure.code));
	if (cs_failure_hook != NULL)
		cs_failure_hook(&failure);
}

/* What CsWatchByHand watches. */
typedef struct Watched
{
	void (*refresh)(ManualRun *run);
	ManualRun *run;
} Watched;

static void
DoRefresh(void *argument)
{
	Watched *watched = argument;

	watched->refresh(watched->run);
}

/*
 * Refresh for the owner of a segment table, or who acts as such; an error is
 * raised as it came, after it has been told. What is wrong with the call itself
 * is no run. SPI must be connected.
 */
void
CsWatchByHand(ManualRun *run, void (*refresh)(ManualRun *run))
{
	Watched watched = {.refresh = refresh, .run = run};
	ErrorData *error;

	CsCheckSegmentOwner(run->table);
	(void) CsReadDefinition(run->table);
	run->started = GetCurrentTimestamp();
	run->run_id = 0;
	error = CsAttempt(DoRefresh, &watched);
	if (error == NULL)
		return;
	TellFailure(run, error);
	ReThrowError(error);
}
