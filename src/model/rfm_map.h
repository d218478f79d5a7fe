/*
 * rfm_map.h
 *		A map from RFM cells to named segments, see rfm_map.c.
 *
 * To look a segment up: CsGetRfmMap, CsRequireRfmMap once, then
 * CsRfmMapSegment, CsRfmSegmentName and CsRfmSegmentRank for each customer.
 */
#ifndef CUSTOMER_SCORING_RFM_MAP_H
#define CUSTOMER_SCORING_RFM_MAP_H

#include "fmgr.h"

#include "model/rfm_score.h"

#define RFM_MAP_VERSION 1
#define RFM_MAP_MAX_RULES 1000
#define RFM_MAP_MAX_NAME 63

/* What a cell holds in the table of CsRfmMapCells when it is no segment. */
#define RFM_CELL_GAP 0xFFFF
#define RFM_CELL_OVERLAP 0xFFFE

/* The axes of a rule; FM is (f + m + 1) div 2. */
typedef enum RfmAxis
{
	RFM_AXIS_R,
	RFM_AXIS_F,
	RFM_AXIS_M,
	RFM_AXIS_FM
} RfmAxis;

#define RFM_AXES 4

typedef struct RfmRange
{
	uint8 low;
	uint8 high;
} RfmRange;

/* The cells inside all four ranges belong to the segment. */
typedef struct RfmMapRule
{
	uint16 segment;
	RfmRange axis[RFM_AXES];
} RfmMapRule;

/*
 * The stored value. After the rules come an offset a segment into the names,
 * and the names, each closed by a zero byte. Segments are numbered from 0, in
 * the order of their first rule, best first.
 */
typedef struct RfmMap
{
	int32 vl_len_; /* varlena header */
	uint16 version;
	uint8 bins;
	bool complete; /* every cell has exactly one segment */
	uint16 rules;
	uint16 segments;
	RfmMapRule rule[FLEXIBLE_ARRAY_MEMBER];
} RfmMap;

StaticAssertDecl(sizeof(RfmMapRule) == 10, "an RfmMapRule must have no padding");
StaticAssertDecl(offsetof(RfmMap, rule) == 12, "the head of an RfmMap must have no padding");

/* Half up, so that only a customer with the lowest f and m is in the lowest fm. */
static inline int
CsRfmFm(int f, int m)
{
	return (f + m + 1) / 2;
}

static inline bool
CsRfmInRange(RfmRange range, int score)
{
	return score >= range.low && score <= range.high;
}

/* Inline, as a look-up asks it of several rules for each customer. */
static inline bool
CsRfmRuleMatches(const RfmMapRule *rule, int r, int f, int m)
{
	return CsRfmInRange(rule->axis[RFM_AXIS_R], r) && CsRfmInRange(rule->axis[RFM_AXIS_F], f) &&
		   CsRfmInRange(rule->axis[RFM_AXIS_M], m) && CsRfmInRange(rule->axis[RFM_AXIS_FM], CsRfmFm(f, m));
}

extern PGDLLEXPORT Datum cs_rfm_map_out(PG_FUNCTION_ARGS);
extern const RfmMap *CsGetRfmMap(Datum value);
extern void CsRequireRfmMap(const RfmMap *map);
extern void CsRequireRfmMapBins(const RfmMap *map, int bins);
extern int CsRfmMapSegment(const RfmMap *map, int r, int f, int m);
extern const char *CsRfmSegmentName(const RfmMap *map, int segment);
extern uint16 *CsRfmMapCells(const RfmMap *map);

/* Segments rise with goodness: the last one has rank 1. */
static inline int
CsRfmSegmentRank(const RfmMap *map, int segment)
{
	return map->segments - segment;
}

#define PG_GETARG_RFM_MAP(n) CsGetRfmMap(PG_GETARG_DATUM(n))

#endif /* CUSTOMER_SCORING_RFM_MAP_H */
