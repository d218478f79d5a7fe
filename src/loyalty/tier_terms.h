/*
 * tier_terms.h
 *		The terms on which tiers are held: see tier_terms.c.
 */
#ifndef CUSTOMER_SCORING_TIER_TERMS_H
#define CUSTOMER_SCORING_TIER_TERMS_H

#include "postgres.h"

#include "fmgr.h"
#include "pgtime.h"
#include "utils/timestamp.h"

#include "loyalty/tier_scheme.h"

#define TIER_TERMS_VERSION 1
#define TIER_TERMS_NAME "tier_terms"

/* What is counted. */
typedef enum TierBasis
{
	TIER_BASIS_SPEND,
	TIER_BASIS_ORDERS,
	TIER_BASIS_POINTS
} TierBasis;

/* The rows that count at a moment. */
typedef enum TierPeriod
{
	TIER_PERIOD_ROLLING,
	TIER_PERIOD_YEAR,
	TIER_PERIOD_QUARTER,
	TIER_PERIOD_LIFETIME
} TierPeriod;

/* What becomes of a tier that was not kept. */
typedef enum TierDowngrade
{
	TIER_DOWNGRADE_NONE,
	TIER_DOWNGRADE_ONE_DOWN,
	TIER_DOWNGRADE_REQUALIFY
} TierDowngrade;

/*
 * The stored value. After the name of the zone, with its zeros up to a multiple
 * of 8 bytes, comes a whole TierScheme.
 */
typedef struct TierTerms
{
	int32 vl_len_;
	uint16 version;
	uint8 basis;
	uint8 period;
	uint8 downgrade;
	uint8 has_hold; /* else to the end of the next calendar year */
	uint8 start_month; /* of a year or quarter, else 1 */
	uint8 unused;
	uint32 zone_size;
	Interval length; /* of a rolling period, else zero */
	Interval hold;
	Interval grace;
	char zone[FLEXIBLE_ARRAY_MEMBER];
} TierTerms;

StaticAssertDecl(offsetof(TierTerms, zone) == 64, "the head of a TierTerms has no padding");

static inline const TierScheme *
CsTermsScheme(const TierTerms *terms)
{
	return (const TierScheme *) (terms->zone + terms->zone_size);
}

extern const TierTerms *CsGetTierTerms(Datum value);
extern pg_tz *CsTermsZone(const TierTerms *terms);

#define PG_GETARG_TIER_TERMS(n) CsGetTierTerms(PG_GETARG_DATUM(n))

#endif /* CUSTOMER_SCORING_TIER_TERMS_H */
