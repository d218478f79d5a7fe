/*
 * moment.c
 *		Moments, days and time zones.
 *
 * A *moment* is a timestamptz. A *day* is a calendar day in a named time zone,
 * counted as a Julian day number. A *length* of time is a number of microseconds. Infinite moments are refused before any
 * arithmetic. Time zones are cached by the server for the session.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"

#include "core/check.h"
#include "core/compat.h"
#include "core/moment.h"

/* See CsCheckFinite. */
void
CsNotFinite(const char *what)
{
	ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("%s must be a finite moment", what),
					errhint("Leave such rows out, for example with WHERE isfinite(%s).", what)));
}

/* Refuse an order after the moment a figure is about. */
void
CsCheckNotAfter(TimestampTz ordered_at, TimestampTz as_of)
{
	if (unlikely(ordered_at > as_of))
	{
		StringInfoData detail;

		initStringInfo(&detail);
		appendStringInfoString(&detail, "The last order is of ");
		CsMomentText(&detail, ordered_at);
		appendStringInfoString(&detail, ", as_of is ");
		CsMomentText(&detail, as_of);
		appendStringInfoChar(&detail, '.');
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("there is an order after as_of"),
						errdetail_internal("%s", detail.data),
						errhint("Summarise only what had happened: FILTER (WHERE ordered_at <= as_of).")));
	}
}

/*
 * Append a finite moment as ISO 8601 in UTC, whatever the session's DateStyle
 * and TimeZone are; timestamptz input reads it back to the microsecond.
 */
void
CsMomentText(StringInfo out, TimestampTz moment)
{
	struct pg_tm tm;
	fsec_t fsec;
	char text[MAXDATELEN + 1];

	if (timestamp2tm((Timestamp) moment, NULL, &tm, &fsec, NULL, NULL) != 0)
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range")));
	tm.tm_isdst = 0; /* or the zone would be left out */
	EncodeDateTime(&tm, fsec, true, 0, NULL, USE_XSD_DATES, text);
	appendStringInfoString(out, text);
}

/*
 * A time zone by name, NULL when there is none. A bare offset is none: '+7'
 * means seven hours east to SET timezone, and west to everything else.
 */
pg_tz *
CsFindZone(const char *name)
{
	pg_tz *zone = strpbrk(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz<") != NULL
					  ? pg_tzset(name)
					  : NULL;

	return zone != NULL && pg_tz_acceptable(zone) ? zone : NULL;
}

/* The same, an error with a hint when there is none. */
pg_tz *
CsZone(const char *name)
{
	pg_tz *zone = CsFindZone(name);

	if (zone == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("time zone \"%s\" not recognized", name),
				 errhint("Use a name of pg_timezone_names, for example 'Asia/Jakarta'.")));
	return zone;
}

/*
 * What the clocks of a zone show at a moment, and the moment at which they show
 * it. The SQL functions for this take CET and its like for fixed offsets.
 */
Timestamp
CsClockOf(TimestampTz moment, pg_tz *zone)
{
	struct pg_tm tm;
	fsec_t fsec;
	int offset;
	Timestamp clock;

	if (TIMESTAMP_NOT_FINITE(moment))
		return moment;
	if (timestamp2tm(moment, &offset, &tm, &fsec, NULL, zone) != 0 ||
		tm2timestamp(&tm, fsec, NULL, &clock) != 0)
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range")));
	return clock;
}

TimestampTz
CsMomentOf(Timestamp clock, pg_tz *zone)
{
	struct pg_tm tm;
	fsec_t fsec;
	int offset;
	TimestampTz moment;

	if (TIMESTAMP_NOT_FINITE(clock))
		return clock;
	if (timestamp2tm(clock, NULL, &tm, &fsec, NULL, NULL) != 0)
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range")));
	offset = DetermineTimeZoneOffset(&tm, zone);
	if (tm2timestamp(&tm, fsec, &offset, &moment) != 0)
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range")));
	return moment;
}

/* The calendar day of a finite moment in a zone. */
int
CsDayInZone(TimestampTz moment, pg_tz *zone)
{
	struct pg_tm tm;
	fsec_t fsec;
	int offset;

	if (timestamp2tm(moment, &offset, &tm, &fsec, NULL, zone) != 0)
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range")));
	return date2j(tm.tm_year, tm.tm_mon, tm.tm_mday);
}

/* A length as ISO 8601 duration of days, hours, minutes and seconds: P30DT1H5M0.25S. */
void
CsLengthText(StringInfo out, uint64 length)
{
	uint64 days = length / USECS_PER_DAY;
	uint64 rest = length % USECS_PER_DAY;
	int hours = rest / USECS_PER_HOUR;
	int minutes = rest % USECS_PER_HOUR / USECS_PER_MINUTE;
	int seconds = rest % USECS_PER_MINUTE / USECS_PER_SEC;
	int fraction = rest % USECS_PER_SEC;

	appendStringInfoChar(out, 'P');
	if (days > 0)
		appendStringInfo(out, UINT64_FORMAT "D", days);
	if (days > 0 && rest == 0)
		return;
	appendStringInfoChar(out, 'T');
	if (hours > 0)
		appendStringInfo(out, "%dH", hours);
	if (minutes > 0)
		appendStringInfo(out, "%dM", minutes);
	if (fraction > 0)
	{
		appendStringInfo(out, "%d.%06d", seconds, fraction);
		while (out->data[out->len - 1] == '0')
			out->data[--out->len] = '\0';
		appendStringInfoChar(out, 'S');
	}
	else if (seconds > 0 || length == 0)
		appendStringInfo(out, "%dS", seconds);
}

/* Read a length in a value of a type, in any form of an interval that has no months. */
uint64
CsLengthFromText(const char *type_name, const char *text)
{
	Interval *interval = DatumGetIntervalP(DirectFunctionCall3(
		interval_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));

	if (interval->month != 0 || interval->day < 0 || interval->time < 0)
		CsBadText(type_name,
				  "A length must be given in days, hours, minutes and seconds, and not be negative.");
	return (uint64) interval->day * USECS_PER_DAY + (uint64) interval->time;
}
