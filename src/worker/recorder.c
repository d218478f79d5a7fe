/*
 * recorder.c
 *		Recording that a refresh by hand has failed.
 *
 * Its transaction takes its record with it, so a short-lived process commits
 * one. It works without preloading, connects as the role that is connected here,
 * or as the one that refreshed, and runs no code of users. What to record
 * travels in a segment of dynamic shared memory, the *note*, which the failing
 * session holds until the process has ended, or for WAIT_LIMIT.
 *
 * All of it is an attempt: without a free slot, without memory, or when the
 * session is interrupted again, the error goes its way without a record.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "core/compat.h"
#include "segment/job.h"
#include "worker/worker.h"

#define WAIT_LIMIT CS_SECONDS(2)

/* Longest text that is recorded, in bytes. */
#define LONGEST_TEXT 8192

enum
{
	MESSAGE,
	DETAIL,
	HINT,
	TEXTS
};

/* The failure as it lies in shared memory, where there are no pointers. */
typedef struct Note
{
	RunFailure failure;
	bool present[TEXTS];
	char texts[TEXTS][LONGEST_TEXT + 1];
} Note;

static void
PutText(Note *note, int which, const char *text)
{
	int length;

	note->present[which] = text != NULL;
	if (text == NULL)
		return;
	length = strlen(text);
	length = pg_mbcliplen(text, length, Min(length, LONGEST_TEXT));
	memcpy(note->texts[which], text, length);
	note->texts[which][length] = '\0';
}

static const char *
GetText(const Note *note, int which)
{
	return note->present[which] ? note->texts[which] : NULL;
}

/* Wait until the process is done. One that has not even started by the limit is called off. */
static void
WaitForRecorder(BackgroundWorkerHandle *handle)
{
	static uint32 event = 0;
	TimestampTz limit = GetCurrentTimestamp() + WAIT_LIMIT;

	if (event == 0)
		event = CsWaitEvent("CustomerScoringRecorder");
	for (;;)
	{
		pid_t pid;
		BgwHandleStatus status = GetBackgroundWorkerPid(handle, &pid);
		TimestampTz now = GetCurrentTimestamp();

		if (status == BGWH_STOPPED || status == BGWH_POSTMASTER_DIED)
			return;
		if (now >= limit)
		{
			if (status == BGWH_NOT_YET_STARTED)
				TerminateBackgroundWorker(handle);
			return;
		}
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 TimestampDifferenceMilliseconds(now, limit), event);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

/* Write the note, start the process, wait for it. */
static void
StartRecorder(const RunFailure *failure, Oid role)
{
	CsOrder order = {.database = MyDatabaseId, .owner = role, .slot = -1};
	dsm_segment *segment = dsm_create(sizeof(Note), DSM_CREATE_NULL_IF_MAXSEGMENTS);
	BackgroundWorkerHandle *handle;
	Note *note;

	if (segment == NULL)
		return;
	note = dsm_segment_address(segment);
	note->failure = *failure;
	PutText(note, MESSAGE, failure->message);
	PutText(note, DETAIL, failure->detail);
	PutText(note, HINT, failure->hint);
	order.failure = dsm_segment_handle(segment);
	if (CsRegisterOrder(&order, MyProcPid, &handle))
		WaitForRecorder(handle);
	dsm_detach(segment);
}

/*
 * cs_failure_hook. The error being dealt with is raised again when this
 * returns, so what goes wrong here, a second interrupt included, need not be
 * raised, and is cleaned up after with the transaction.
 */
static void
RecordFailure(const RunFailure *failure)
{
	MemoryContext context = CurrentMemoryContext;

	if (!IsUnderPostmaster || IsBinaryUpgrade)
		return;
	PG_TRY();
	{
		if (CsOwnerMayConnect(GetSessionUserId(), MyDatabaseId))
			StartRecorder(failure, GetSessionUserId());
		else if (CsOwnerMayConnect(failure->role, MyDatabaseId))
			StartRecorder(failure, failure->role);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		FlushErrorState();
	}
	PG_END_TRY();
}

void
CsRecorderInit(void)
{
	cs_failure_hook = RecordFailure;
}

/* The process. It reads the note first, while the other session surely holds it. */
void
CsRecorderMain(Datum arg)
{
	CsOrder order;
	dsm_segment *segment;
	RunFailure failure;
	const Note *note;

	CsAcceptOrder(&order);
	segment = dsm_attach(order.failure);
	if (segment == NULL)
		proc_exit(0);
	note = dsm_segment_address(segment);
	failure = note->failure;
	failure.message = GetText(note, MESSAGE);
	failure.detail = GetText(note, DETAIL);
	failure.hint = GetText(note, HINT);

	CsConnectOrder(&order);
	CsRecordFailure(&failure);
	proc_exit(0);
}
