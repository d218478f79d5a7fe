/*
 * run.h
 *		Records of refreshes and the state they leave: see run.c.
 */
#ifndef CUSTOMER_SCORING_RUN_H
#define CUSTOMER_SCORING_RUN_H

#include "segment/refresh.h"

extern void CsEnsureState(Oid table);
extern int64 CsAddRun(Oid table, const char *cause);
extern int64 CsRequestRun(Oid table);
extern bool CsFindDueRun(Oid table, int64 *requested_run_id);
extern void CsStartRun(Oid table, int64 run_id);
extern void CsFinishRun(int64 run_id, const SegmentDefinition *definition, const SegmentSource *source,
						const RefreshResult *result);
extern void CsFailRun(Oid table, int64 run_id, const ErrorData *error, TimestampTz scheduled, bool broken);
extern void CsRecordProgress(int64 run_id, const SegmentDefinition *definition, const RefreshResult *result);
extern void CsRequireFull(Oid table, const char *reason, bool map_changed);
extern void CsSaveSettling(Oid table, bool settling, FullTransactionId before);
extern void CsSetDue(const SegmentDefinition *definition, TimestampTz due_at);
extern TimestampTz CsScheduledAfter(const SegmentDefinition *definition, TimestampTz now);

#endif /* CUSTOMER_SCORING_RUN_H */
