/*
 * tier_ledger.h
 *		The rows of one customer that tiers are worked out from: see tier_ledger.c.
 */
#ifndef CUSTOMER_SCORING_TIER_LEDGER_H
#define CUSTOMER_SCORING_TIER_LEDGER_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/timestamp.h"

#define TIER_LEDGER_VERSION 1
#define TIER_LEDGER_NAME "tier_ledger"

/* One row: its moment, and its amount in units of 10^-12. */
typedef struct TierRow
{
	TimestampTz at;
	int64 high;
	uint64 low;
} TierRow;

StaticAssertDecl(sizeof(TierRow) == 24, "a TierRow has no padding");

/*
 * The stored value, and with room for more rows the state of the aggregate.
 * Rows of a value are in order of moment and amount, those of a state are not.
 */
typedef struct TierLedger
{
	int32 vl_len_;
	uint16 version;
	uint16 scale; /* most decimals with which an amount was written */
	int32 rows;
	int32 capacity;
	TierRow row[FLEXIBLE_ARRAY_MEMBER];
} TierLedger;

StaticAssertDecl(offsetof(TierLedger, row) == 16, "the head of a TierLedger has no padding");

static inline int128
CsTierRowUnits(const TierRow *row)
{
	return ((int128) row->high << 64) | row->low;
}

extern const TierLedger *CsGetTierLedger(Datum value);

#define PG_GETARG_TIER_LEDGER(n) CsGetTierLedger(PG_GETARG_DATUM(n))

#endif /* CUSTOMER_SCORING_TIER_LEDGER_H */
