/*
 * figure.c
 *		Figures as people read them, and as JSON.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/datetime.h"
#include "utils/json.h"

#include "core/moment.h"
#include "rule/rule.h"

/* Below, at or above zero, as the first number is below, equal to or above the second; NaN is above all. */
int
CsCompareNumbers(Numeric a, Numeric b)
{
	return DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(a), NumericGetDatum(b)));
}

/* A number as it was written. */
char *
CsShowNumber(Numeric value)
{
	return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value)));
}

/* A moment in the zone and style of the session. */
char *
CsShowMoment(TimestampTz moment)
{
	return DatumGetCString(DirectFunctionCall1(timestamptz_out, TimestampTzGetDatum(moment)));
}

/* A text as JSON. */
char *
CsJsonText(const char *value)
{
	StringInfoData json;

	initStringInfo(&json);
	escape_json(&json, value);
	return json.data;
}

/* JSON has no numbers that are infinite. */
char *
CsJsonNumber(Numeric value)
{
	return numeric_is_nan(value) || numeric_is_inf(value) ? CsJsonText(CsShowNumber(value))
														  : CsShowNumber(value);
}

/* A moment as JSON, in ISO 8601. */
char *
CsJsonMoment(TimestampTz moment)
{
	char text[MAXDATELEN + 1];

	return CsJsonText(JsonEncodeDateTime(text, TimestampTzGetDatum(moment), TIMESTAMPTZOID, NULL));
}

/* A moment so much later, by the clock of the rule set's zone. */
TimestampTz
CsLater(const CsRuleSet *set, TimestampTz moment, const Interval *length)
{
	Datum clock;

	if (TIMESTAMP_NOT_FINITE(moment))
		return moment;
	clock = DirectFunctionCall2(timestamp_pl_interval, TimestampGetDatum(CsClockOf(moment, set->zone)),
								IntervalPGetDatum(length));
	return length->month == 0 && length->day == 0 ? moment + length->time
												  : CsMomentOf(DatumGetTimestamp(clock), set->zone);
}
