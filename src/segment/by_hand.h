/*
 * by_hand.h
 *		Refreshes in the session of the caller: see by_hand.c.
 */
#ifndef CUSTOMER_SCORING_BY_HAND_H
#define CUSTOMER_SCORING_BY_HAND_H

#include "segment/refresh.h"

/* What is asked for, and what comes of it. */
typedef struct ManualRun
{
	Oid table;
	TimestampTz as_of; /* DT_NOBEGIN for now */
	TimestampTz started;
	int64 run_id; /* 0 until CsStartByHand */
	RefreshResult result;
} ManualRun;

extern void CsWatchByHand(ManualRun *run, void (*refresh)(ManualRun *run));
extern void CsStartByHand(ManualRun *run);

#endif /* CUSTOMER_SCORING_BY_HAND_H */
