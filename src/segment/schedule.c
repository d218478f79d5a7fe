/*
 * schedule.c
 *		When a segment table is refreshed next, and after a failure.
 *
 * Times of the schedule are local: "every day from 02:00" stays at 02:00 of the
 * table's time zone when clocks change. Nothing is allocated but by the
 * server's interval arithmetic.
 */
#include "postgres.h"

#include "common/pg_prng.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"

#include "core/compat.h"
#include "core/moment.h"
#include "segment/schedule.h"

PG_FUNCTION_INFO_V1(cs_local_time);

/* Microseconds of an interval, a month counted as 30 days: for estimates. */
static int64
RoughMicroseconds(const Interval *length)
{
	return length->time + (length->day + (int64) length->month * DAYS_PER_MONTH) * USECS_PER_DAY;
}

/* A length of time must be positive and no longer than the calendar. */
void
CsCheckPositive(const Interval *length, const char *what, const char *hint)
{
	if (length->month < 0 || length->month > 12000 || length->day < 0 || length->day > 365250 ||
		length->time < 0 || length->time > 365250 * USECS_PER_DAY ||
		RoughMicroseconds(length) < USECS_PER_SEC || RoughMicroseconds(length) > 365250 * USECS_PER_DAY)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be between one second and a thousand years, not %s", what,
							   DatumGetCString(DirectFunctionCall1(interval_out, IntervalPGetDatum(length)))),
						errhint("%s", hint)));
}

/*
 * A moment plus an interval some times over: months and days in the calendar of
 * a zone, hours and less as they pass, also in the night in which clocks change.
 * Months are multiplied before they are added: a month from January 31, twice,
 * is March 31.
 */
TimestampTz
CsMomentPlus(TimestampTz moment, const Interval *length, int times, const char *time_zone)
{
	Interval calendar = {.month = length->month * times, .day = length->day * times};
	pg_tz *zone = CsZone(time_zone);
	Datum clock;

	if (calendar.month != 0 || calendar.day != 0)
	{
		clock = DirectFunctionCall2(timestamp_pl_interval, TimestampGetDatum(CsClockOf(moment, zone)),
									IntervalPGetDatum(&calendar));
		moment = CsMomentOf(DatumGetTimestamp(clock), zone);
	}
	return moment + length->time * times;
}

/*
 * The first moment after now among anchor, anchor + every, anchor + 2 every, …
 * Missed moments are not made up for.
 */
TimestampTz
CsNextRefresh(TimestampTz anchor, const Interval *every, TimestampTz now, const char *time_zone)
{
	double estimate;
	int times;
	TimestampTz next;

	if (anchor > now)
		return anchor;
	estimate = (double) (now - anchor) / (double) RoughMicroseconds(every);
	if (estimate > PG_INT32_MAX / 2)
		return CsMomentPlus(now, every, 1, time_zone);
	times = (int) estimate;
	while (times > 0 && CsMomentPlus(anchor, every, times, time_zone) > now)
		times--;
	do
		next = CsMomentPlus(anchor, every, ++times, time_zone);
	while (next <= now);
	return next;
}

/*
 * When to try again after this many runs without success: from 10 seconds
 * doubling to 5 minutes, moved by up to a tenth so that tables which failed
 * together do not all come back together.
 */
TimestampTz
CsRetryAt(int failures, TimestampTz now)
{
	int64 wait = INT64CONST(10) * USECS_PER_SEC;

	while (--failures > 0 && wait < INT64CONST(300) * USECS_PER_SEC)
		wait *= 2;
	wait = Min(wait, INT64CONST(300) * USECS_PER_SEC);
	wait -= (int64) (pg_prng_double(&pg_global_prng_state) * (double) (wait / 10));
	return now + wait;
}

/*
 * local_time(moment, time_zone) → text: what clocks of the zone show, to the
 * second and with the name of the zone, in a form that timestamptz reads. NULL
 * for a zone that the server does not know any more: one table's must not hide
 * the status of the others.
 */
Datum
cs_local_time(PG_FUNCTION_ARGS)
{
	TimestampTz moment = PG_GETARG_TIMESTAMPTZ(0);
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	pg_tz *zone = CsFindZone(name);
	struct pg_tm tm;
	fsec_t fsec;
	int offset;
	char clock[MAXDATELEN + 1];

	if (zone == NULL || TIMESTAMP_NOT_FINITE(moment) ||
		timestamp2tm(moment, &offset, &tm, &fsec, NULL, zone) != 0)
		PG_RETURN_NULL();
	EncodeDateTime(&tm, 0, false, 0, NULL, USE_ISO_DATES, clock);
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("%s %s", clock, name)));
}
