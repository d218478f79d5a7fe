/*
 * job.h
 *		What the worker room calls in the segment room, and what it is told.
 */
#ifndef CUSTOMER_SCORING_JOB_H
#define CUSTOMER_SCORING_JOB_H

#include "datatype/timestamp.h"

/*
 * Called in the transaction that made a segment table due, with the table, its
 * owner, and whether somebody asked for a refresh; acts when and if the
 * transaction commits. Set by the worker room when the library is loaded.
 */
typedef void (*CsDueHook)(Oid segment_table, Oid owner, bool requested);
extern CsDueHook cs_due_hook;

extern const char *CsRefreshJob(Oid segment_table);

/*
 * What else is to be done with the rights of an owner of segment tables, called
 * in a worker after its refreshes, outside a transaction. Set by the privacy room
 * when the library is loaded.
 */
typedef void (*CsOwnerHook)(void);
extern CsOwnerHook cs_owner_hook;

/* A refresh by hand that has failed. */
typedef struct RunFailure
{
	Oid table;
	Oid role; /* who refreshed */
	int64 run_id; /* 0 when it failed before it had one */
	TimestampTz started;
	TimestampTz finished;
	int32 pid;
	char code[6]; /* SQLSTATE */
	const char *message;
	const char *detail; /* or NULL */
	const char *hint; /* or NULL */
} RunFailure;

/*
 * Called after such a refresh was rolled back, to have CsRecordFailure called in
 * another process. Waits for that shortly, and raises nothing. Set by the worker
 * room when the library is loaded.
 */
typedef void (*CsFailureHook)(const RunFailure *failure);
extern CsFailureHook cs_failure_hook;

extern void CsRecordFailure(const RunFailure *failure);

#endif /* CUSTOMER_SCORING_JOB_H */
