/*
 * sentiment.h
 *		What is kept of the sentiments of comments: see sentiment.c.
 */
#ifndef CUSTOMER_SCORING_SUMMARY_SENTIMENT_H
#define CUSTOMER_SCORING_SUMMARY_SENTIMENT_H

#include "core/compat.h"

#define SENTIMENT_SUMMARY_VERSION 1
#define SENTIMENT_UNITS 1000000 /* a sentiment of 1 */
#define SENTIMENT_NEUTRAL 0.1 /* below it on both sides a comment is neutral */
#define SENTIMENT_COMMENTS_MAX INT64CONST(9000000000000) /* whose units an int64 can hold */

/* The stored value, of fixed length. */
typedef struct SentimentSummary
{
	int64 version;
	int64 negative;
	int64 neutral;
	int64 positive;
	int64 sum; /* in units, each sentiment rounded to one */
} SentimentSummary;

StaticAssertDecl(sizeof(SentimentSummary) == 40, "the type is declared with 40 bytes");

#define PG_GETARG_SENTIMENT_SUMMARY(n) ((SentimentSummary *) PG_GETARG_POINTER(n))
#define PG_RETURN_SENTIMENT_SUMMARY(x) return PointerGetDatum(x)

#endif /* CUSTOMER_SCORING_SUMMARY_SENTIMENT_H */
