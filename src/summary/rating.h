/*
 * rating.h
 *		What is kept of the answers to one survey question: see rating.c.
 */
#ifndef CUSTOMER_SCORING_RATING_H
#define CUSTOMER_SCORING_RATING_H

#include "core/compat.h"
#include "fmgr.h"
#include "utils/numeric.h"

#define RATING_SUMMARY_VERSION 1
#define RATING_MAX_ANSWERS 101 /* 0 to 100 */

/*
 * The stored value, a varlena with plain storage. `top` counts the highest
 * answers that mean "satisfied", where an aggregate was told so; 0 says that
 * nobody said.
 */
typedef struct RatingSummary
{
	int32 header; /* of a varlena: never touch directly */
	uint16 version;
	uint16 top;
	int32 lowest;
	int32 highest;
	int64 counts[FLEXIBLE_ARRAY_MEMBER]; /* of the answers lowest, lowest + 1, … highest */
} RatingSummary;

StaticAssertDecl(offsetof(RatingSummary, counts) == 16, "RatingSummary has no padding");

#define PG_RETURN_RATING_SUMMARY(x) return PointerGetDatum(x)

extern RatingSummary *CsGetRatingSummary(FunctionCallInfo fcinfo, int n);
extern void CsCheckTopFrom(int top_from, int lowest, int highest);
extern int CsNumericAnswer(Numeric score, int lowest, int highest);
extern void CsAnswerOutsideScale(int64 score, int lowest, int highest) CS_NORETURN;

/* How many answers a scale has; at most RATING_MAX_ANSWERS in a valid summary. */
static inline int64
CsScaleAnswers(int64 lowest, int64 highest)
{
	return highest - lowest + 1;
}

/*
 * The position of an answer on its scale, error if it is none of them. One
 * unsigned comparison covers both ends, and cannot overflow.
 */
static inline int
CsIntegerAnswer(int64 score, int lowest, int highest)
{
	uint64 position = (uint64) score - (uint64) (int64) lowest;

	if (unlikely(position > (uint64) ((int64) highest - lowest)))
		CsAnswerOutsideScale(score, lowest, highest);
	return (int) position;
}

#endif /* CUSTOMER_SCORING_RATING_H */
