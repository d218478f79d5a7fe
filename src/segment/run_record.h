/*
 * run_record.h
 *		What is recorded of runs beside their outcome: see run_record.c.
 */
#ifndef CUSTOMER_SCORING_RUN_RECORD_H
#define CUSTOMER_SCORING_RUN_RECORD_H

/* Runs and models are kept this long; a table's last ones always. */
#define KEEP_RUNS "30 days"

extern void CsNoteProgress(Oid table, int64 run_id, int batches, int64 recomputed, int64 left);
extern void CsPurgeRuns(Oid table);

#endif /* CUSTOMER_SCORING_RUN_RECORD_H */
