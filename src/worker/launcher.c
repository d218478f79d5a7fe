/*
 * launcher.c
 *		The one permanent process: starts probes and refresh workers.
 *
 * It is connected to no database, so it is never in the way of one, and reads
 * only pg_database and pg_authid. A *pass* sees to ended processes, starts what
 * can be started and computes when the next one is due; in between it waits on
 * its latch, which commits, ending processes and the postmaster set. A *sweep*
 * is a look at every database, for changes nobody announces (a restore, a
 * prepared transaction): at start, every probe_interval, and when the clock was
 * put back.
 *
 * Whatever is short is waited for. A pass that fails is repeated after a pause.
 * The process ends with a non-zero code only, so the postmaster starts it again;
 * a successor takes over what is in shared memory, and forgets nothing it needs.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/sinval.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "core/compat.h"
#include "worker/worker.h"

#define RESTART_SECONDS 10
#define SLOT_RETRY CS_SECONDS(10)
#define START_LIMIT CS_SECONDS(60)
#define PASS_PAUSE_FIRST CS_SECONDS(10)
#define PASS_PAUSE_LONGEST CS_SECONDS(300)
#define CLOCK_TOLERANCE CS_SECONDS(60)

bool cs_scheduler = true;
int cs_max_refresh_workers = 2;
int cs_probe_interval = 300;

/* What only the launcher needs to know. */
static BackgroundWorkerHandle *handles[CS_SLOTS];
static MemoryContext sweep_context;
static Oid *sweep; /* databases still to be looked at, the next one last */
static int sweep_left = 0;
static TimestampTz sweep_at = DT_NOBEGIN;
static TimestampTz retry_at = DT_NOBEGIN; /* no background worker slot was free: try again */
static TimestampTz short_since = DT_NOEND; /* since when there has been none */
static TimestampTz last_pass = 0;

/*
 * Settings, hooks and, while the server starts, shared memory and launcher.
 */
void
CsWorkerInit(void)
{
	BackgroundWorker worker;

	DefineCustomBoolVariable("customer_scoring.scheduler", "Refreshes segment tables by schedule.",
							 "Needs customer_scoring in shared_preload_libraries.", &cs_scheduler, true,
							 PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"customer_scoring.max_refresh_workers", "Most refreshes the scheduler runs at once in this cluster.",
		"They need slots of max_worker_processes, two of which are left to others.", &cs_max_refresh_workers,
		2, 1, CS_MAX_REFRESH_WORKERS, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("customer_scoring.probe_interval",
							"Time between looks at databases that announce nothing.",
							"Segment tables of a restored database are found within this time.",
							&cs_probe_interval, 300, 1, 86400, PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);

	CsNotifyInit();
	CsRecorderInit();
	if (!process_shared_preload_libraries_in_progress || IsBinaryUpgrade)
		return;
	CsSharedInit();

	memset(&worker, 0, sizeof(worker));
	strlcpy(worker.bgw_name, "customer_scoring launcher", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "customer_scoring launcher", BGW_MAXLEN);
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = RESTART_SECONDS;
	strlcpy(worker.bgw_library_name, "customer_scoring", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "CsLauncherMain", sizeof(worker.bgw_function_name));
	RegisterBackgroundWorker(&worker);
}

/* Refreshes at once: the setting, but two slots stay with others if there are. */
static int
RefreshLimit(void)
{
	return Max(1, Min(cs_max_refresh_workers, max_worker_processes - 2));
}

/* Databases workers may enter at all. */
static bool
Enterable(Form_pg_database database)
{
	return database->datallowconn && !database->datistemplate &&
		   database->datconnlimit != DATCONNLIMIT_INVALID_DB;
}

/*
 * Whether a process for this job would find its database and its owner: if
 * not, its start would only be a FATAL in the server log.
 */
static bool
Startable(const CsJob *job)
{
	HeapTuple tuple;
	bool startable = false;

	StartTransactionCommand();
	tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(job->database));
	if (HeapTupleIsValid(tuple))
	{
		startable = Enterable((Form_pg_database) GETSTRUCT(tuple));
		ReleaseSysCache(tuple);
	}
	if (startable && OidIsValid(job->owner))
	{
		tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(job->owner));
		startable = HeapTupleIsValid(tuple) &&
					(CS_BYPASS_LOGIN_CHECK != 0 || ((Form_pg_authid) GETSTRUCT(tuple))->rolcanlogin);
		if (HeapTupleIsValid(tuple))
			ReleaseSysCache(tuple);
	}
	CommitTransactionCommand();
	return startable;
}

/* Begin a sweep: list the databases that can be entered. */
static void
StartSweep(void)
{
	Relation catalog;
	SysScanDesc scan;
	HeapTuple tuple;
	int size = 64;

	sweep_left = 0;
	MemoryContextReset(sweep_context);
	sweep = MemoryContextAlloc(sweep_context, size * sizeof(Oid));

	StartTransactionCommand();
	catalog = table_open(DatabaseRelationId, AccessShareLock);
	scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_database database = (Form_pg_database) GETSTRUCT(tuple);

		CHECK_FOR_INTERRUPTS();
		if (!Enterable(database))
			continue;
		if (sweep_left == size)
		{
			size *= 2;
			sweep = repalloc(sweep, size * sizeof(Oid));
		}
		sweep[sweep_left++] = database->oid;
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	CommitTransactionCommand();
}

/*
 * Start the process for a job, or for a look if there is no table. False if
 * that has to wait for a free background worker slot, which is not an error.
 */
static bool
StartOrder(const CsJob *job, TimestampTz now)
{
	CsOrder order = {.database = job->database, .owner = job->owner};
	MemoryContext context;
	bool started;

	order.slot = CsTakeSlot(job, now, &order.generation);
	if (order.slot < 0)
		elog(ERROR, "more workers than slots");
	if (OidIsValid(job->segment_table))
		order.tables[order.ntables++] = job->segment_table;

	context = MemoryContextSwitchTo(TopMemoryContext);
	started = CsRegisterOrder(&order, MyProcPid, &handles[order.slot]);
	MemoryContextSwitchTo(context);
	if (started)
	{
		short_since = DT_NOEND;
		return true;
	}

	CsFreeSlot(order.slot);
	retry_at = now + SLOT_RETRY;
	short_since = Min(short_since, now);
	if (short_since + SLOT_RETRY <= now && CsMayTell(CS_NEWS_NO_SLOT, InvalidOid, InvalidOid, now))
		ereport(LOG, (errmsg("no background worker slot is free for refreshes of segment tables"),
					  errdetail("They wait."), errhint("Increase max_worker_processes.")));
	return false;
}

/* The process of a slot is over: draw the consequences. */
static void
Conclude(int slot, const CsSlot *state, TimestampTz now)
{
	const CsJob *job = &state->job;

	if (handles[slot] != NULL)
		pfree(handles[slot]);
	handles[slot] = NULL;
	CsFreeSlot(slot);
	retry_at = DT_NOBEGIN;

	if (state->reported && !OidIsValid(job->segment_table))
	{
		CsForgetAttempt(job->database, InvalidOid);
		return;
	}

	/*
	 * Whether a refresh was a success is told by the due moment the next look
	 * finds. A process that was ended may belong to a database that is being
	 * dropped: its look is not urgent.
	 */
	CsNoteAttempt(job, now);
	CsWantLook(job->database, state->reported ? now : CsAttemptHold(job->database, job->segment_table));
}

/*
 * See to slots whose process has ended, or does not get anywhere: a process
 * that is not at work a minute after its registration has its slot taken away,
 * and leaves when it notices.
 */
static void
ReapSlots(TimestampTz now, TimestampTz *wake)
{
	for (int i = 0; i < CS_SLOTS; i++)
	{
		CsSlot slot = CsReadSlot(i);
		bool limited = slot.state == CS_SLOT_STARTING || slot.state == CS_SLOT_CONNECTING ||
					   (slot.state == CS_SLOT_WORKING && !OidIsValid(slot.job.segment_table));
		bool over;
		pid_t pid;

		if (slot.state == CS_SLOT_FREE)
			continue;
		/* the postmaster frees the place a moment after the process has left, and says so */
		if (handles[i] != NULL)
			over = GetBackgroundWorkerPid(handles[i], &pid) == BGWH_STOPPED;
		else
			over = slot.state == CS_SLOT_ENDED;
		if (!over && limited && slot.since + START_LIMIT <= now)
		{
			if (handles[i] != NULL)
				TerminateBackgroundWorker(handles[i]);
			if (CsMayTell(CS_NEWS_STUCK, slot.job.database, slot.job.segment_table, now))
				ereport(LOG, (errmsg("a worker for database %u did not get to work within a minute",
									 slot.job.database),
							  errdetail("It is tried again later.")));
			over = true;
		}
		if (over)
			Conclude(i, &slot, now);
		else if (limited)
			*wake = Min(*wake, slot.since + START_LIMIT);
	}
}

/* Start refreshes that are due, as many as the limit allows. */
static void
StartJobs(TimestampTz now)
{
	CsJob job;

	while (retry_at <= now && CsBusySlots(false) < RefreshLimit() && CsTakeJob(&job))
	{
		CHECK_FOR_INTERRUPTS();
		if (!Startable(&job))
			continue;
		if (!StartOrder(&job, now))
		{
			CsPutJobBack(&job);
			break;
		}
	}
}

/* Start looks that are due: those asked for first, then the sweep. */
static void
StartLooks(TimestampTz now)
{
	CsJob job = {.due = DT_NOBEGIN};

	while (retry_at <= now && CsBusySlots(true) < CS_MAX_PROBES && CsTakeLook(now, &job.database))
	{
		CHECK_FOR_INTERRUPTS();
		if (Startable(&job) && !StartOrder(&job, now))
			CsWantLook(job.database, now);
	}
	while (retry_at <= now && CsBusySlots(true) < CS_MAX_PROBES && sweep_left > 0)
	{
		CHECK_FOR_INTERRUPTS();
		job.database = sweep[sweep_left - 1];
		if (!CsProbing(job.database) && CsAttemptHold(job.database, InvalidOid) <= now && Startable(&job) &&
			!StartOrder(&job, now))
			break;
		sweep_left--;
	}
}

/* One pass. Returns when the next one is due if nothing happens before. */
static TimestampTz
Pass(void)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz wake = DT_NOEND;
	TimestampTz overflow;

	if (now < last_pass - CLOCK_TOLERANCE)
	{
		/* every moment that was remembered may be too far ahead */
		sweep_at = now;
		retry_at = DT_NOBEGIN;
	}
	last_pass = now;

	ReapSlots(now, &wake);
	if (CsSweepWanted(now, &overflow) || sweep_at <= now)
	{
		StartSweep();
		sweep_at = now + CS_SECONDS(cs_probe_interval);
	}
	wake = Min(wake, Min(sweep_at, overflow));
	StartJobs(now);
	StartLooks(now);

	if (retry_at > now)
		wake = Min(wake, retry_at);
	else if (CsBusySlots(true) < CS_MAX_PROBES)
		wake = Min(wake, CsNextLook());
	return wake;
}

/*
 * A pass that survives its own failure: after a pause that grows up to five
 * minutes it is repeated, and the log mentions it every ten.
 */
static TimestampTz
PassSafely(MemoryContext context)
{
	static int64 pause = 0;
	volatile TimestampTz wake = DT_NOEND;

	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		wake = Pass();
		pause = 0;
	}
	PG_CATCH();
	{
		TimestampTz now = GetCurrentTimestamp();

		HOLD_INTERRUPTS();
		if (CsMayTell(CS_NEWS_PASS_FAILED, InvalidOid, InvalidOid, now))
			EmitErrorReport();
		AbortCurrentTransaction();
		LWLockReleaseAll();
		FlushErrorState();
		RESUME_INTERRUPTS();
		pause = pause == 0 ? PASS_PAUSE_FIRST : Min(pause * 2, PASS_PAUSE_LONGEST);
		wake = now + pause;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(TopMemoryContext);
	MemoryContextReset(context);
	return wake;
}

/* Wait for the latch, or for that moment. */
static void
Sleep(TimestampTz wake)
{
	static uint32 event = 0;
	int flags = WL_LATCH_SET | WL_EXIT_ON_PM_DEATH;
	long timeout = -1;

	if (event == 0)
		event = CsWaitEvent("CustomerScoringLauncher");
	if (wake != DT_NOEND)
	{
		TimestampTz now = GetCurrentTimestamp();

		/* rounded up, so that the moment has come when the wait is over */
		flags |= WL_TIMEOUT;
		timeout = TimestampDifferenceMilliseconds(now, Max(now, wake));
	}
	(void) WaitLatch(MyLatch, flags, timeout, event);
	ResetLatch(MyLatch);
}

/*
 * Nothing here runs for long: to cancel does nothing, and to terminate, which
 * is noticed between two passes, has the postmaster start another one. Without
 * a FATAL, as every shutdown of the server comes this way.
 */
void
CsLauncherMain(Datum arg)
{
	MemoryContext context;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGINT, PG_SIG_IGN);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	if (!CsLauncherEnter())
		ereport(FATAL,
				(errcode(ERRCODE_OBJECT_IN_USE), errmsg("another customer_scoring launcher is running")));

	context = AllocSetContextCreate(TopMemoryContext, "customer_scoring pass", ALLOCSET_DEFAULT_SIZES);
	sweep_context = AllocSetContextCreate(TopMemoryContext, "customer_scoring sweep", ALLOCSET_SMALL_SIZES);
	for (;;)
	{
		TimestampTz wake = DT_NOEND;

		CHECK_FOR_INTERRUPTS();
		ProcessCatchupInterrupt();
		if (ShutdownRequestPending)
			proc_exit(1);
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
			sweep_at = Min(sweep_at, GetCurrentTimestamp() + CS_SECONDS(cs_probe_interval));
		}
		CsSetActive(cs_scheduler);
		if (cs_scheduler)
			wake = PassSafely(context);
		else
			sweep_at = DT_NOBEGIN;
		Sleep(wake);
	}
}
