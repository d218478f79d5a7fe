/*
 * tier_scheme.h
 *		Names of tiers and what they take: see tier_scheme.c.
 */
#ifndef CUSTOMER_SCORING_TIER_SCHEME_H
#define CUSTOMER_SCORING_TIER_SCHEME_H

#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/numeric.h"

#define TIER_SCHEME_VERSION 1
#define TIER_SCHEME_NAME "tier_scheme"
#define TIER_MAX_TIERS 100
#define TIER_MAX_NAME 63

/* One tier: the least value that reaches it, in units of 10^-12, and where its name is. */
typedef struct TierEntry
{
	int64 high;
	uint64 low;
	uint32 name; /* from the first name */
	uint16 length;
	uint16 scale; /* decimals with which the value was written */
} TierEntry;

/* The stored value: tiers in rising order, then their names, each closed by a zero byte. */
typedef struct TierScheme
{
	int32 vl_len_;
	uint16 version;
	uint16 tiers;
	TierEntry tier[FLEXIBLE_ARRAY_MEMBER];
} TierScheme;

StaticAssertDecl(sizeof(TierEntry) == 24, "a TierEntry has no padding");
StaticAssertDecl(offsetof(TierScheme, tier) == 8, "the head of a TierScheme has no padding");

/* Tiers go by their rank: 1 for the lowest. */
static inline int128
CsTierThreshold(const TierScheme *scheme, int rank)
{
	return ((int128) scheme->tier[rank - 1].high << 64) | scheme->tier[rank - 1].low;
}

static inline const char *
CsTierName(const TierScheme *scheme, int rank)
{
	return (const char *) (scheme->tier + scheme->tiers) + scheme->tier[rank - 1].name;
}

/* The rank that a value reaches, 0 for none. */
static inline int
CsTierRank(const TierScheme *scheme, int128 value)
{
	int rank = scheme->tiers;

	while (rank > 0 && CsTierThreshold(scheme, rank) > value)
		rank--;
	return rank;
}

extern const TierScheme *CsGetTierScheme(Datum value);
extern TierScheme *CsTierSchemeFromText(const char *text);
extern void CsTierSchemeText(StringInfo out, const TierScheme *scheme);
extern void CsTierSchemeSend(StringInfo buf, const TierScheme *scheme);
extern TierScheme *CsTierSchemeRecv(StringInfo buf);
extern int CsTierRankOfName(const TierScheme *scheme, const char *name, int length);
extern Numeric CsTierThresholdNumeric(const TierScheme *scheme, int rank);

#define PG_GETARG_TIER_SCHEME(n) CsGetTierScheme(PG_GETARG_DATUM(n))

#endif /* CUSTOMER_SCORING_TIER_SCHEME_H */
