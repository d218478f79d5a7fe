/*
 * schedule.h
 *		When a segment table is refreshed next: see schedule.c.
 */
#ifndef CUSTOMER_SCORING_SCHEDULE_H
#define CUSTOMER_SCORING_SCHEDULE_H

#include "utils/timestamp.h"

extern void CsCheckPositive(const Interval *length, const char *what, const char *hint);
extern TimestampTz CsMomentPlus(TimestampTz moment, const Interval *length, int times, const char *time_zone);
extern TimestampTz CsNextRefresh(TimestampTz anchor, const Interval *every, TimestampTz now,
								 const char *time_zone);
extern TimestampTz CsRetryAt(int failures, TimestampTz now);

#endif /* CUSTOMER_SCORING_SCHEDULE_H */
