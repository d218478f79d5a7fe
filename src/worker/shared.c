/*
 * shared.c
 *		The worker room's shared memory: what its processes tell each other.
 *
 * It exists only if the library is preloaded; every function but
 * CsSchedulerActive and CsMayTell expects that. All of it is guarded by one LWLock, held for a
 * few array scans at a time and never over anything that can fail or wait.
 *
 * Everything is bounded. Looks that do not fit turn into a visit of all
 * databases, jobs that do not fit are found again by a later look, and of too
 * many attempts the one that may be repeated soonest is forgotten. Nothing here
 * is the truth: that is in the tables, and a start with empty memory finds it.
 */
#include "postgres.h"

#include "common/pg_prng.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

#include "core/compat.h"
#include "worker/worker.h"

#define MAX_LOOKS 256
#define MAX_JOBS 256
#define MAX_JOBS_OF_DATABASE 32
#define MAX_ATTEMPTS 128
#define MAX_TOLD 64

#define TOLD_AGAIN CS_SECONDS(86400)
#define TOLD_PAUSE CS_SECONDS(600)
#define FIRST_DELAY 5.0
#define LONGEST_DELAY 300.0

static const char SharedName[] = "customer_scoring";

typedef struct Look
{
	Oid database;
	TimestampTz at;
} Look;

typedef struct Attempt
{
	CsJob job;
	int count;
	TimestampTz not_before;
} Attempt;

typedef struct Told
{
	CsNews news;
	Oid database;
	Oid object;
	TimestampTz at;
} Told;

typedef struct Shared
{
	pid_t launcher_pid; /* 0 while there is none */
	Latch *launcher_latch;
	bool active; /* the scheduler is on, as the launcher last saw it */
	uint32 generation;
	TimestampTz sweep_at; /* when looks that did not fit are wanted */
	int nlooks;
	int njobs;
	int nattempts;
	Look looks[MAX_LOOKS];
	CsJob jobs[MAX_JOBS]; /* first in, first out */
	Attempt attempts[MAX_ATTEMPTS];
	Told told[MAX_TOLD];
	CsSlot slots[CS_SLOTS];
} Shared;

static Shared *shared = NULL;
static LWLock *lock = NULL;
static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

PG_FUNCTION_INFO_V1(cs_scheduler_running);

static void
RequestShared(void)
{
	if (previous_request_hook)
		previous_request_hook();
	RequestAddinShmemSpace(MAXALIGN(sizeof(Shared)));
	RequestNamedLWLockTranche(SharedName, 1);
}

static void
StartShared(void)
{
	bool found;

	if (previous_startup_hook)
		previous_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared = ShmemInitStruct(SharedName, sizeof(Shared), &found);
	lock = &GetNamedLWLockTranche(SharedName)->lock;
	if (!found)
	{
		memset(shared, 0, sizeof(Shared));
		shared->sweep_at = DT_NOEND;
	}
	LWLockRelease(AddinShmemInitLock);
}

/* Ask for the memory; called while the library is preloaded. */
void
CsSharedInit(void)
{
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = RequestShared;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = StartShared;
}

/* The launcher need not be told what it does itself. Needs the lock. */
static void
WakeLauncher(void)
{
	if (shared->launcher_pid != 0 && shared->launcher_pid != MyProcPid)
		SetLatch(shared->launcher_latch);
}

/* The launcher is gone, on whatever way; `active` stays for it comes back. */
static void
LauncherLeaves(int code, Datum arg)
{
	LWLockAcquire(lock, LW_EXCLUSIVE);
	shared->launcher_pid = 0;
	shared->launcher_latch = NULL;
	LWLockRelease(lock);
}

/*
 * Make this process the launcher. False if there is one already.
 */
bool
CsLauncherEnter(void)
{
	bool first;

	LWLockAcquire(lock, LW_EXCLUSIVE);
	first = shared->launcher_pid == 0;
	if (first)
	{
		shared->launcher_pid = MyProcPid;
		shared->launcher_latch = MyLatch;
	}
	LWLockRelease(lock);
	if (first)
		on_shmem_exit(LauncherLeaves, (Datum) 0);
	return first;
}

/* Whether requests can be left to the launcher. */
void
CsSetActive(bool active)
{
	LWLockAcquire(lock, LW_EXCLUSIVE);
	shared->active = active;
	LWLockRelease(lock);
}

/*
 * Whether a launcher takes care of requests. It does so too while it restarts
 * after an accident: it then looks at all databases.
 */
bool
CsSchedulerActive(void)
{
	bool active;

	if (shared == NULL)
		return false;
	LWLockAcquire(lock, LW_SHARED);
	active = shared->active;
	LWLockRelease(lock);
	return active;
}

/*
 * scheduler_running() -> boolean: true while the launcher of this cluster is
 * alive and switched on.
 */
Datum
cs_scheduler_running(PG_FUNCTION_ARGS)
{
	bool running = false;

	if (shared != NULL)
	{
		LWLockAcquire(lock, LW_SHARED);
		running = shared->active && shared->launcher_pid != 0;
		LWLockRelease(lock);
	}
	PG_RETURN_BOOL(running);
}

/*
 * Whether something may be written to the server log: each kind of news once
 * in ten minutes, and about the same object once a day, so that a lasting fault
 * is mentioned and never floods. News about no object in particular return
 * every ten minutes. Records that it is told.
 */
bool
CsMayTell(CsNews news, Oid database, Oid object, TimestampTz now)
{
	Told *oldest;
	bool may = true;

	if (shared == NULL)
		return true;
	LWLockAcquire(lock, LW_EXCLUSIVE);
	oldest = &shared->told[0];
	for (int i = 0; i < MAX_TOLD && may; i++)
	{
		Told *told = &shared->told[i];
		bool same = told->database == database && told->object == object;

		if (told->at < oldest->at)
			oldest = told;
		/* a moment ahead of the clock was noted before the clock went back */
		if (told->news != news || told->at == 0 || told->at > now)
			continue;
		if (told->at > now - TOLD_PAUSE)
			may = false;
		else if (same && OidIsValid(database) && told->at > now - TOLD_AGAIN)
			may = false;
	}
	if (may)
		*oldest = (Told){.news = news, .database = database, .object = object, .at = now};
	LWLockRelease(lock);
	return may;
}

/*
 * Looks
 */

/* A probe is in the database or on its way. Needs the lock. */
static bool
Probing(Oid database)
{
	for (int i = 0; i < CS_SLOTS; i++)
	{
		CsSlot *slot = &shared->slots[i];

		if (slot->state != CS_SLOT_FREE && !OidIsValid(slot->job.segment_table) &&
			slot->job.database == database)
			return true;
	}
	return false;
}

bool
CsProbing(Oid database)
{
	bool probing;

	LWLockAcquire(lock, LW_SHARED);
	probing = Probing(database);
	LWLockRelease(lock);
	return probing;
}

/* One look a database, at the earliest moment asked for. Needs the lock. */
static void
AddLook(Oid database, TimestampTz at)
{
	if (at == DT_NOEND)
		return;
	for (int i = 0; i < shared->nlooks; i++)
	{
		if (shared->looks[i].database == database)
		{
			shared->looks[i].at = Min(shared->looks[i].at, at);
			return;
		}
	}
	if (shared->nlooks < MAX_LOOKS)
		shared->looks[shared->nlooks++] = (Look){.database = database, .at = at};
	else
		shared->sweep_at = Min(shared->sweep_at, at);
}

/* Have the launcher look at a database at that moment, or before. */
void
CsWantLook(Oid database, TimestampTz at)
{
	LWLockAcquire(lock, LW_EXCLUSIVE);
	AddLook(database, at);
	WakeLauncher();
	LWLockRelease(lock);
}

/* The look that comes first and can start, or NULL. Needs the lock. */
static Look *
FirstLook(void)
{
	Look *first = NULL;

	for (int i = 0; i < shared->nlooks; i++)
	{
		if ((first == NULL || shared->looks[i].at < first->at) && !Probing(shared->looks[i].database))
			first = &shared->looks[i];
	}
	return first;
}

/* Take out a look that is due. False if there is none. */
bool
CsTakeLook(TimestampTz now, Oid *database)
{
	Look *first;
	bool due;

	LWLockAcquire(lock, LW_EXCLUSIVE);
	first = FirstLook();
	due = first != NULL && first->at <= now;
	if (due)
	{
		*database = first->database;
		*first = shared->looks[--shared->nlooks];
	}
	LWLockRelease(lock);
	return due;
}

/* When the next look can start; DT_NOEND for none. */
TimestampTz
CsNextLook(void)
{
	Look *first;
	TimestampTz at;

	LWLockAcquire(lock, LW_SHARED);
	first = FirstLook();
	at = first != NULL ? first->at : DT_NOEND;
	LWLockRelease(lock);
	return at;
}

/* Whether looks that did not fit are due, which is then forgotten; else when. */
bool
CsSweepWanted(TimestampTz now, TimestampTz *next)
{
	bool wanted;

	LWLockAcquire(lock, LW_EXCLUSIVE);
	wanted = shared->sweep_at <= now;
	if (wanted)
		shared->sweep_at = DT_NOEND;
	*next = shared->sweep_at;
	LWLockRelease(lock);
	return wanted;
}

/*
 * Jobs
 */

/* Is the table waiting or being refreshed by a worker? Needs the lock. */
static bool
JobKnown(const CsJob *job)
{
	for (int i = 0; i < shared->njobs; i++)
	{
		if (shared->jobs[i].database == job->database && shared->jobs[i].segment_table == job->segment_table)
			return true;
	}
	for (int i = 0; i < CS_SLOTS; i++)
	{
		CsSlot *slot = &shared->slots[i];

		if (slot->state != CS_SLOT_FREE && slot->job.database == job->database &&
			slot->job.segment_table == job->segment_table)
			return true;
	}
	return false;
}

static int
JobsOf(Oid database)
{
	int n = 0;

	for (int i = 0; i < shared->njobs; i++)
		n += shared->jobs[i].database == database;
	return n;
}

/* Take the job that waits longest. False if none waits. */
bool
CsTakeJob(CsJob *job)
{
	bool found;

	LWLockAcquire(lock, LW_EXCLUSIVE);
	found = shared->njobs > 0;
	if (found)
	{
		*job = shared->jobs[0];
		shared->njobs--;
		memmove(&shared->jobs[0], &shared->jobs[1], shared->njobs * sizeof(CsJob));
	}
	LWLockRelease(lock);
	return found;
}

/* A job that could not be started stays the first. Full: a look finds it. */
void
CsPutJobBack(const CsJob *job)
{
	LWLockAcquire(lock, LW_EXCLUSIVE);
	if (shared->njobs < MAX_JOBS)
	{
		memmove(&shared->jobs[1], &shared->jobs[0], shared->njobs * sizeof(CsJob));
		shared->jobs[0] = *job;
		shared->njobs++;
	}
	else
		AddLook(job->database, GetCurrentTimestamp());
	LWLockRelease(lock);
}

/*
 * Attempts
 */

/* Needs the lock. */
static Attempt *
FindAttempt(Oid database, Oid segment_table)
{
	for (int i = 0; i < shared->nattempts; i++)
	{
		Attempt *attempt = &shared->attempts[i];

		if (attempt->job.database == database && attempt->job.segment_table == segment_table)
			return attempt;
	}
	return NULL;
}

/*
 * A job was started and is over. Should its due moment not have changed by
 * then, its worker could not record anything: it is tried again after 5 s, and
 * after twice as long each time up to 5 minutes, give or take a quarter, so that
 * many that failed together do not come back together.
 */
void
CsNoteAttempt(const CsJob *job, TimestampTz now)
{
	Attempt *attempt;
	double delay = FIRST_DELAY;

	LWLockAcquire(lock, LW_EXCLUSIVE);
	attempt = FindAttempt(job->database, job->segment_table);
	if (attempt == NULL)
	{
		if (shared->nattempts < MAX_ATTEMPTS)
			attempt = &shared->attempts[shared->nattempts++];
		else
		{
			attempt = &shared->attempts[0];
			for (int i = 1; i < MAX_ATTEMPTS; i++)
			{
				if (shared->attempts[i].not_before < attempt->not_before)
					attempt = &shared->attempts[i];
			}
		}
		attempt->count = 0;
	}
	else if (attempt->job.due != job->due)
		attempt->count = 0;
	attempt->job = *job;
	attempt->count++;
	for (int i = 1; i < attempt->count && delay < LONGEST_DELAY; i++)
		delay *= 2;
	delay = Min(delay, LONGEST_DELAY) * (0.75 + 0.5 * pg_prng_double(&pg_global_prng_state));
	attempt->not_before = now + (TimestampTz) (delay * USECS_PER_SEC);
	LWLockRelease(lock);
}

/* A success, or another reason to be due. */
void
CsForgetAttempt(Oid database, Oid segment_table)
{
	Attempt *attempt;

	LWLockAcquire(lock, LW_EXCLUSIVE);
	attempt = FindAttempt(database, segment_table);
	if (attempt != NULL)
		*attempt = shared->attempts[--shared->nattempts];
	LWLockRelease(lock);
}

/* When it may be tried again; DT_NOBEGIN if it was not tried. */
TimestampTz
CsAttemptHold(Oid database, Oid segment_table)
{
	Attempt *attempt;
	TimestampTz hold;

	LWLockAcquire(lock, LW_SHARED);
	attempt = FindAttempt(database, segment_table);
	hold = attempt != NULL ? attempt->not_before : DT_NOBEGIN;
	LWLockRelease(lock);
	return hold;
}

/* Forget attempts of a database that its look does not confirm. Needs the lock. */
static void
PruneAttempts(Oid database, const CsJob *due, int ndue)
{
	for (int i = shared->nattempts - 1; i >= 0; i--)
	{
		Attempt *attempt = &shared->attempts[i];
		bool confirmed = attempt->job.database != database;

		for (int j = 0; j < ndue && !confirmed; j++)
			confirmed = due[j].segment_table == attempt->job.segment_table && due[j].due == attempt->job.due;
		if (!confirmed)
			*attempt = shared->attempts[--shared->nattempts];
	}
}

/* Needs the lock. */
static void
SetReported(const CsOrder *order)
{
	if (order->slot >= 0 && shared->slots[order->slot].generation == order->generation)
		shared->slots[order->slot].reported = true;
}

/* A refresh worker got through: it is not known how, but it was not ended. */
void
CsReportDone(const CsOrder *order)
{
	if (order->slot < 0)
		return;
	LWLockAcquire(lock, LW_EXCLUSIVE);
	SetReported(order);
	LWLockRelease(lock);
}

/*
 * What a probe found: the tables that are due, earliest first, and when the
 * next one will be. Tables that wait for another attempt move that moment. Each
 * database gets only part of the queue; the rest is found by a later look.
 */
void
CsReportLook(const CsOrder *order, const CsJob *due, int ndue, TimestampTz next)
{
	TimestampTz now = GetCurrentTimestamp();
	bool left_out = false;
	int queued;

	LWLockAcquire(lock, LW_EXCLUSIVE);
	SetReported(order);
	PruneAttempts(order->database, due, ndue);
	queued = JobsOf(order->database);
	for (int i = 0; i < ndue; i++)
	{
		Attempt *attempt = FindAttempt(order->database, due[i].segment_table);

		if (JobKnown(&due[i]))
			continue;
		if (attempt != NULL && attempt->not_before > now)
			next = Min(next, attempt->not_before);
		else if (shared->njobs < MAX_JOBS && queued < MAX_JOBS_OF_DATABASE)
		{
			shared->jobs[shared->njobs++] = due[i];
			queued++;
		}
		else
			left_out = true;
	}
	/* the end of each of its jobs brings a look; without any, come back */
	if (left_out && queued == 0)
		next = Min(next, now + CS_SECONDS(30));
	AddLook(order->database, next);
	WakeLauncher();
	LWLockRelease(lock);
}

/*
 * Slots
 */

/*
 * Reserve a slot for a process about to be started. The generation tells its
 * order from an earlier one whose process came too late.
 */
int
CsTakeSlot(const CsJob *job, TimestampTz now, uint32 *generation)
{
	int found = -1;

	LWLockAcquire(lock, LW_EXCLUSIVE);
	for (int i = 0; i < CS_SLOTS && found < 0; i++)
	{
		CsSlot *slot = &shared->slots[i];

		if (slot->state != CS_SLOT_FREE)
			continue;
		found = i;
		slot->state = CS_SLOT_STARTING;
		slot->reported = false;
		slot->generation = ++shared->generation;
		slot->job = *job;
		slot->since = now;
		*generation = slot->generation;
	}
	LWLockRelease(lock);
	return found;
}

CsSlot
CsReadSlot(int slot)
{
	CsSlot copy;

	LWLockAcquire(lock, LW_SHARED);
	copy = shared->slots[slot];
	LWLockRelease(lock);
	return copy;
}

/* The process that was meant for the slot finds another generation, or none. */
void
CsFreeSlot(int slot)
{
	LWLockAcquire(lock, LW_EXCLUSIVE);
	shared->slots[slot].state = CS_SLOT_FREE;
	shared->slots[slot].generation = 0;
	LWLockRelease(lock);
}

/* Slots in use, by probes or by refresh workers. */
int
CsBusySlots(bool probes)
{
	int n = 0;

	LWLockAcquire(lock, LW_SHARED);
	for (int i = 0; i < CS_SLOTS; i++)
		n += shared->slots[i].state != CS_SLOT_FREE &&
			 OidIsValid(shared->slots[i].job.segment_table) != probes;
	LWLockRelease(lock);
	return n;
}

/*
 * A process reports how far it is. False if its slot is not its own any more:
 * it took too long, and has to leave without doing anything.
 */
bool
CsSlotAdvance(const CsOrder *order, CsSlotState state)
{
	CsSlot *slot = &shared->slots[order->slot];
	bool own;

	LWLockAcquire(lock, LW_EXCLUSIVE);
	own = slot->generation == order->generation;
	if (own)
	{
		slot->state = state;
		slot->since = GetCurrentTimestamp();
		if (state == CS_SLOT_ENDED)
			WakeLauncher();
	}
	LWLockRelease(lock);
	return own;
}
