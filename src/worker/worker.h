/*
 * worker.h
 *		The worker room: who refreshes segment tables unattended.
 *
 * Words:
 *	launcher	the one permanent process of a cluster; it is connected to no
 *				database and only decides which process starts when
 *	look		a short visit of a database by a *probe*, which reports the segment
 *				tables that are due, and when the next one will be
 *	job			one segment table that is due, with its owner
 *	order		what a probe or a refresh worker is told when it is started
 *	slot		the place a started process has in shared memory
 *	attempt		a job that was started: while its due moment stays the same, it is
 *				tried again at growing distances
 */
#ifndef CUSTOMER_SCORING_WORKER_H
#define CUSTOMER_SCORING_WORKER_H

#include "datatype/timestamp.h"
#include "postmaster/bgworker.h"
#include "storage/dsm.h"

#define CS_MAX_REFRESH_WORKERS 32
#define CS_MAX_PROBES 2
#define CS_SLOTS (CS_MAX_REFRESH_WORKERS + CS_MAX_PROBES)

#define CS_SECONDS(n) ((n) *USECS_PER_SEC)

/* A segment table that is due. Without table: a look at the database. */
typedef struct CsJob
{
	Oid database;
	Oid segment_table;
	Oid owner;
	TimestampTz due; /* the moment it became due: tells a new reason from an old one */
} CsJob;

/* Passed in bgw_extra. With a failure: for a recorder; else without tables: for a probe. */
#define CS_ORDER_TABLES 24
typedef struct CsOrder
{
	Oid database;
	Oid owner;
	int32 slot; /* -1 if started without the launcher */
	uint32 generation;
	dsm_handle failure; /* memory with what is to be recorded, or DSM_HANDLE_INVALID */
	int32 ntables;
	Oid tables[CS_ORDER_TABLES];
} CsOrder;

typedef enum CsSlotState
{
	CS_SLOT_FREE,
	CS_SLOT_STARTING, /* registered, no process yet */
	CS_SLOT_CONNECTING, /* a process, still waiting for its database */
	CS_SLOT_WORKING,
	CS_SLOT_ENDED /* left by its process, not yet seen by the launcher */
} CsSlotState;

typedef struct CsSlot
{
	CsSlotState state;
	bool reported; /* its process did what it was started for */
	uint32 generation;
	CsJob job;
	TimestampTz since;
} CsSlot;

/* What is worth a line in the server log, and not more than one in ten minutes. */
typedef enum CsNews
{
	CS_NEWS_NO_SLOT,
	CS_NEWS_STUCK,
	CS_NEWS_PASS_FAILED,
	CS_NEWS_EXTENSION,
	CS_NEWS_OWNER,
	CS_NEWS_FAILED
} CsNews;

/* launcher.c */
extern bool cs_scheduler;
extern int cs_max_refresh_workers;
extern int cs_probe_interval;
extern void CsWorkerInit(void);
extern PGDLLEXPORT void CsLauncherMain(Datum arg);

/* order.c */
extern bool CsRegisterOrder(const CsOrder *order, pid_t notify, BackgroundWorkerHandle **handle);
extern void CsAcceptOrder(CsOrder *order);
extern void CsConnectOrder(const CsOrder *order);
extern bool CsOwnerMayConnect(Oid owner, Oid database);

/* notify.c */
extern void CsNotifyInit(void);

/* probe.c */
extern PGDLLEXPORT void CsProbeMain(Datum arg);

/* recorder.c */
extern void CsRecorderInit(void);
extern PGDLLEXPORT void CsRecorderMain(Datum arg);

/* refresh_worker.c */
extern PGDLLEXPORT void CsRefreshWorkerMain(Datum arg);

/* shared.c */
extern void CsSharedInit(void);
extern bool CsLauncherEnter(void);
extern void CsSetActive(bool active);
extern bool CsSchedulerActive(void);
extern bool CsMayTell(CsNews news, Oid database, Oid object, TimestampTz now);

extern void CsWantLook(Oid database, TimestampTz at);
extern bool CsTakeLook(TimestampTz now, Oid *database);
extern TimestampTz CsNextLook(void);
extern bool CsSweepWanted(TimestampTz now, TimestampTz *next);
extern void CsReportLook(const CsOrder *order, const CsJob *due, int ndue, TimestampTz next);
extern void CsReportDone(const CsOrder *order);

extern bool CsTakeJob(CsJob *job);
extern void CsPutJobBack(const CsJob *job);

extern void CsNoteAttempt(const CsJob *job, TimestampTz now);
extern void CsForgetAttempt(Oid database, Oid segment_table);
extern TimestampTz CsAttemptHold(Oid database, Oid segment_table);

extern int CsTakeSlot(const CsJob *job, TimestampTz now, uint32 *generation);
extern CsSlot CsReadSlot(int slot);
extern void CsFreeSlot(int slot);
extern int CsBusySlots(bool probes);
extern bool CsProbing(Oid database);
extern bool CsSlotAdvance(const CsOrder *order, CsSlotState state);

#endif /* CUSTOMER_SCORING_WORKER_H */
