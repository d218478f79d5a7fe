/*
 * job.h
 *		What the worker room calls in the segment room, and what it is told.
 */
#ifndef CUSTOMER_SCORING_JOB_H
#define CUSTOMER_SCORING_JOB_H

/*
 * Called in the transaction that made a segment table due, with the table, its
 * owner, and whether somebody asked for a refresh; acts when and if the
 * transaction commits. Set by the worker room when the library is loaded.
 */
typedef void (*CsDueHook)(Oid segment_table, Oid owner, bool requested);
extern CsDueHook cs_due_hook;

extern const char *CsRefreshJob(Oid segment_table);

#endif /* CUSTOMER_SCORING_JOB_H */
