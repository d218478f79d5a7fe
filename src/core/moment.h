/*
 * moment.h
 *		Moments, days and time zones: see moment.c.
 */
#ifndef CUSTOMER_SCORING_MOMENT_H
#define CUSTOMER_SCORING_MOMENT_H

#include "core/compat.h"
#include "lib/stringinfo.h"
#include "pgtime.h"
#include "utils/timestamp.h"

extern void CsNotFinite(const char *what) CS_NORETURN;
extern void CsCheckNotAfter(TimestampTz ordered_at, TimestampTz as_of);
extern void CsMomentText(StringInfo out, TimestampTz moment);
extern pg_tz *CsFindZone(const char *name);
extern pg_tz *CsZone(const char *name);
extern pg_tz *CsZoneByText(const text *name);
extern Timestamp CsClockOf(TimestampTz moment, pg_tz *zone);
extern TimestampTz CsMomentOf(Timestamp clock, pg_tz *zone);
extern int CsDayInZone(TimestampTz moment, pg_tz *zone);
extern void CsLengthText(StringInfo out, uint64 length);
extern uint64 CsLengthFromText(const char *type_name, const char *text);

/* Quotient rounded down; the divisor is positive. */
static inline int64
CsFloorDiv(int64 value, int64 divisor)
{
	return value / divisor - (value % divisor < 0);
}

/* Refuse infinity. */
static inline void
CsCheckFinite(TimestampTz moment, const char *what)
{
	if (unlikely(TIMESTAMP_NOT_FINITE(moment)))
		CsNotFinite(what);
}

#endif /* CUSTOMER_SCORING_MOMENT_H */
