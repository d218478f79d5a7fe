/*
 * moment.c
 *		Moments, days and time zones.
 *
 * A *moment* is a timestamptz. A *day* is a calendar day in a named time zone,
 * counted as a Julian day number. A *length* of time is a number of
 * microseconds. Infinite moments are refused before any arithmetic.
 *
 * Time zones are cached by the server for the session and never change in it, so
 * the two caches here, of names and of offsets, need no invalidation. Both are
 * static memory of fixed size.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"

#include "core/check.h"
#include "core/compat.h"
#include "core/moment.h"

#define KNOWN_ZONES 16

/* A zone and a name it has been asked for by. */
typedef struct KnownZone
{
	pg_tz *zone; /* NULL in an empty place */
	int length;
	char name[TZ_STRLEN_MAX];
} KnownZone;

static KnownZone known_zones[KNOWN_ZONES];

/* A bin is a stretch of 2^41 microseconds, or 25 days: 512 of them are 35 years. */
#define BIN_SHIFT 41
#define OFFSET_BINS 512
#define NO_OFFSET PG_INT32_MIN

/* Seconds from the start of Unix time to that of timestamps. */
#define UNIX_SECONDS ((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY)

/*
 * Seconds that a zone is ahead of UTC in one bin: `before` until a moment of
 * change, `after` from then on; NO_OFFSET in a bin with several changes.
 */
typedef struct OffsetBin
{
	pg_tz *zone; /* NULL in an empty place */
	int64 bin;
	TimestampTz change;
	int32 before;
	int32 after;
} OffsetBin;

static OffsetBin offset_bins[OFFSET_BINS];

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

/* CsZone for an argument of a function that is called for many rows. */
pg_tz *
CsZoneByText(const text *name)
{
	const char *data = VARDATA_ANY(name);
	int length = VARSIZE_ANY_EXHDR(name);
	KnownZone *known;
	pg_tz *zone;

	if (unlikely(length == 0 || length > TZ_STRLEN_MAX))
		return CsZone(text_to_cstring(name));
	known = &known_zones[(length + data[length - 1] + data[length / 2]) & (KNOWN_ZONES - 1)];
	if (likely(known->zone != NULL && known->length == length && memcmp(known->name, data, length) == 0))
		return known->zone;
	zone = CsZone(text_to_cstring(name));
	known->zone = zone;
	known->length = length;
	memcpy(known->name, data, length);
	return zone;
}

/* The second of Unix time that a moment lies in. */
static pg_time_t
UnixSecond(TimestampTz moment)
{
	return CsFloorDiv(moment, USECS_PER_SEC) + UNIX_SECONDS;
}

/* Seconds that a zone is ahead of UTC, by its rules. */
static int32
OffsetByRules(pg_time_t second, pg_tz *zone)
{
	struct pg_tm *tm = pg_localtime(&second, zone);

	if (tm == NULL)
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range")));
	return (int32) tm->tm_gmtoff;
}

/*
 * The next second at which the rules of a zone change, or one after all moments
 * if they never do. Only the time is used: for times before all rules the server
 * tells another offset here than it shows.
 */
static pg_time_t
NextChange(pg_time_t second, pg_tz *zone)
{
	long before;
	long after;
	int before_dst;
	int after_dst;
	pg_time_t change;
	int found = pg_next_dst_boundary(&second, &before, &before_dst, &change, &after, &after_dst, zone);

	if (found == 0)
	{
		/* the last rule in the file is taken for the end of all, though the cycle may go on */
		second++;
		found = pg_next_dst_boundary(&second, &before, &before_dst, &change, &after, &after_dst, zone);
	}
	return found == 0 ? PG_INT64_MAX : found < 0 ? second : change;
}

/* Read what holds in a bin from the rules of the zone. */
static void
FillBin(OffsetBin *entry, int64 bin, pg_tz *zone)
{
	TimestampTz first = bin * (INT64CONST(1) << BIN_SHIFT);
	pg_time_t end = UnixSecond(first + ((INT64CONST(1) << BIN_SHIFT) - 1));
	pg_time_t second = UnixSecond(first);
	pg_time_t change = NextChange(second, zone);

	entry->zone = NULL;
	entry->before = OffsetByRules(second, zone);
	entry->after = entry->before;
	entry->change = DT_NOEND;
	if (change <= end)
	{
		entry->change = (change - UNIX_SECONDS) * USECS_PER_SEC;
		entry->after = OffsetByRules(change, zone);
		if (NextChange(change, zone) <= end)
			entry->before = entry->after = NO_OFFSET;
	}
	entry->bin = bin;
	entry->zone = zone;
}

/* What the clocks of a zone show at a finite moment, which may be out of range. */
static inline Timestamp
ShownClock(TimestampTz moment, pg_tz *zone)
{
	int64 bin = moment >> BIN_SHIFT;
	OffsetBin *entry = &offset_bins[(bin + ((uintptr_t) zone >> 8)) & (OFFSET_BINS - 1)];
	int32 offset;

	if (unlikely(entry->zone != zone || entry->bin != bin))
		FillBin(entry, bin, zone);
	offset = moment < entry->change ? entry->before : entry->after;
	if (unlikely(offset == NO_OFFSET))
		offset = OffsetByRules(UnixSecond(moment), zone);
	return moment + offset * USECS_PER_SEC;
}

/*
 * What the clocks of a zone show at a moment, and the moment at which they show
 * it. The SQL functions for this take CET and its like for fixed offsets.
 */
Timestamp
CsClockOf(TimestampTz moment, pg_tz *zone)
{
	Timestamp clock;

	if (TIMESTAMP_NOT_FINITE(moment))
		return moment;
	clock = ShownClock(moment, zone);
	if (!IS_VALID_TIMESTAMP(clock))
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
	return (int) CsFloorDiv(ShownClock(moment, zone), USECS_PER_DAY) + POSTGRES_EPOCH_JDATE;
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
