/*
 * clv_summary.h
 *		What buy-till-you-die models need of one customer: see clv_summary.c.
 */
#ifndef CUSTOMER_SCORING_CLV_SUMMARY_H
#define CUSTOMER_SCORING_CLV_SUMMARY_H

#include "core/check.h"
#include "datatype/timestamp.h"

#define CLV_SUMMARY_VERSION 1
#define CLV_SUMMARY_NAME "clv_summary"

/*
 * The stored value. Times are in units of `unit` microseconds, and may have
 * fractions when they were given; recency is the age at the last purchase.
 */
typedef struct ClvSummary
{
	uint16 version;
	uint16 has_monetary; /* 1 if there is a repeat period, 0 if not */
	int32 frequency; /* repeat periods with a purchase */
	int64 unit;
	double recency;
	double age;
	double monetary; /* mean of the repeat periods; 0 without one */
} ClvSummary;

StaticAssertDecl(sizeof(ClvSummary) == 40, "the type is declared with 40 bytes");

/* An argument of the type, refused when another version wrote it. */
static inline const ClvSummary *
CsClvSummaryArg(Datum value)
{
	const ClvSummary *summary = (const ClvSummary *) DatumGetPointer(value);

	CsCheckVersion(CLV_SUMMARY_NAME, summary->version, CLV_SUMMARY_VERSION);
	return summary;
}

extern int64 CsClvLength(const Interval *interval, const char *what);

#endif /* CUSTOMER_SCORING_CLV_SUMMARY_H */
