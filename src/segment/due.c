/*
 * due.c
 *		When time alone changes a customer's row: the column due_at.
 *
 * Three things change without a write: an order of the future becomes due, the
 * oldest row leaves the lookback, and against frozen breaks a customer who stays
 * away loses a point of recency. Where calendars make the second inexact, it is
 * told too early rather than too late: looking at a row once more is harmless.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "core/compat.h"
#include "core/moment.h"
#include "model/rfm_model.h"
#include "segment/option.h"
#include "segment/schedule.h"
#include "segment/source.h"

PG_FUNCTION_INFO_V1(cs_segment_due_at);

/*
 * When a row has left the lookback: not later than that, and at most a few days
 * earlier. Months differ in length: at the end of one a row may be out in the
 * evening and in again the next morning, so the evenings before are looked at.
 */
static TimestampTz
LeavesAt(TimestampTz oldest, const Interval *lookback, const char *time_zone)
{
	TimestampTz moment = CsMomentPlus(oldest, lookback, 1, time_zone);
	pg_tz *zone = CsZone(time_zone);
	Timestamp day;
	int i;

	while (CsEarliest(moment - 1, lookback, time_zone) >= oldest)
		moment -= USECS_PER_DAY;
	if (lookback->month == 0)
		return moment;
	day = CsClockOf(moment, zone);
	day -= (day % USECS_PER_DAY + USECS_PER_DAY) % USECS_PER_DAY;
	for (i = 0; i < 3; i++)
	{
		TimestampTz evening = CsMomentOf(day - i * USECS_PER_DAY, zone) - 1;

		if (CsEarliest(evening, lookback, time_zone) >= oldest)
			moment = evening - USECS_PER_DAY;
	}
	return moment;
}

/* When the recency score of a customer falls next; DT_NOEND when it is the lowest. */
static TimestampTz
FallsAt(TimestampTz last, const RfmModel *breaks, TimestampTz as_of)
{
	uint64 age = (uint64) as_of - (uint64) last;
	uint64 next = PG_UINT64_MAX;
	int k;

	for (k = 0; k < breaks->bins - 1; k++)
		if (CsRfmModelAges(breaks)[k] > age)
			next = Min(next, CsRfmModelAges(breaks)[k]);
	return next >= (uint64) END_TIMESTAMP - (uint64) last ? DT_NOEND : (TimestampTz) ((uint64) last + next);
}

/*
 * segment_due_at(as_of, upcoming, oldest, lookback, time_zone, last_order_at,
 * breaks): the first moment after as_of at which a row has to be looked at
 * again, NULL for none. upcoming is the customer's first order after as_of,
 * oldest the first row that counts; all but as_of and time_zone may be NULL.
 */
Datum
cs_segment_due_at(PG_FUNCTION_ARGS)
{
	TimestampTz as_of;
	TimestampTz due = DT_NOEND;

	CsRequireArgument(fcinfo, 0, "as_of");
	CsRequireArgument(fcinfo, 4, "time_zone");
	as_of = PG_GETARG_TIMESTAMPTZ(0);
	CsRequireMoment(as_of, "as_of", "Give the moment that the row is about.");
	if (!PG_ARGISNULL(1))
		due = PG_GETARG_TIMESTAMPTZ(1);
	if (!PG_ARGISNULL(2) && !PG_ARGISNULL(3) && !TIMESTAMP_NOT_FINITE(PG_GETARG_TIMESTAMPTZ(2)))
		due = Min(due, LeavesAt(PG_GETARG_TIMESTAMPTZ(2), PG_GETARG_INTERVAL_P(3),
								text_to_cstring(PG_GETARG_TEXT_PP(4))));
	if (!PG_ARGISNULL(5) && !PG_ARGISNULL(6) && !TIMESTAMP_NOT_FINITE(PG_GETARG_TIMESTAMPTZ(5)))
		due = Min(due, FallsAt(PG_GETARG_TIMESTAMPTZ(5), CsRfmModelArg(PG_GETARG_DATUM(6)), as_of));
	if (TIMESTAMP_IS_NOEND(due))
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(Max(due, as_of + 1));
}
