/*
 * tier_fold.h
 *		Who holds which tier, and until when: see tier_fold.c.
 */
#ifndef CUSTOMER_SCORING_TIER_FOLD_H
#define CUSTOMER_SCORING_TIER_FOLD_H

#include "loyalty/tier_ledger.h"
#include "loyalty/tier_terms.h"

/* Why a standing is as it is: what happened last. */
typedef enum TierReason
{
	TIER_REASON_NONE, /* nothing has happened yet */
	TIER_REASON_UPGRADE,
	TIER_REASON_RENEWED,
	TIER_REASON_GRACE,
	TIER_REASON_ONE_DOWN,
	TIER_REASON_REQUALIFY
} TierReason;

/* What a customer holds from a moment on. */
typedef struct TierHeld
{
	TimestampTz at; /* the moment */
	int rank; /* 0 for no tier */
	TimestampTz since; /* when the rank became what it is */
	TimestampTz until; /* when it is looked at again, or DT_NOEND */
	TierReason reason;
} TierHeld;

/* What is held at the end, and what that takes, in units of 10^-12. */
typedef struct TierOutcome
{
	TierHeld held;
	int128 basis; /* an order is a unit of 1 */
	TimestampTz changes_at; /* when time alone may change it next, or DT_NOEND */
} TierOutcome;

/* Told of each thing that happens, with the rank of before; several can happen at one moment. */
typedef void (*TierListener)(void *context, const TierHeld *held, int from_rank);

extern void CsTierFold(const TierTerms *terms, const TierLedger *ledger, TimestampTz as_of,
					   TierListener listener, void *context, TierOutcome *outcome);

#endif /* CUSTOMER_SCORING_TIER_FOLD_H */
