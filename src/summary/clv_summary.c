/*
 * clv_summary.c
 *		clv_summary: what buy-till-you-die models need of one customer.
 *
 * Words: a *period* is one unit of time, usually a day. *frequency* is the
 * number of periods with a purchase after the first such period, *recency* the
 * time from the first to the last of them, *age* the time from the first to the
 * moment the figures are about, all in units; *monetary* is the mean value of
 * the periods that frequency counts. clv_orders.c makes summaries of orders;
 * here they are made of figures that somebody has.
 *
 * What cannot be is said once, by Fault, for the constructor, for input and for
 * those who count bad rows. Nothing here allocates but results.
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"

#include "core/check.h"
#include "core/compat.h"
#include "core/form.h"
#include "core/moment.h"
#include "summary/clv_summary.h"

/* A month is 365.25 / 12 days. */
#define USECS_PER_MONTH INT64CONST(2629800000000)

PG_FUNCTION_INFO_V1(cs_clv_summary_in);
PG_FUNCTION_INFO_V1(cs_clv_summary_out);
PG_FUNCTION_INFO_V1(cs_clv_summary_recv);
PG_FUNCTION_INFO_V1(cs_clv_summary_send);
PG_FUNCTION_INFO_V1(cs_clv_summary_make);
PG_FUNCTION_INFO_V1(cs_check_clv_summary);
PG_FUNCTION_INFO_V1(cs_clv_frequency);
PG_FUNCTION_INFO_V1(cs_clv_recency);
PG_FUNCTION_INFO_V1(cs_clv_age);
PG_FUNCTION_INFO_V1(cs_clv_monetary);
PG_FUNCTION_INFO_V1(cs_clv_unit);
PG_FUNCTION_INFO_V1(cs_segment_clv_summary);

/* Figures of a customer as they come from outside. */
typedef struct ClvFigures
{
	int64 frequency;
	double recency;
	double age;
	double monetary;
	bool has_monetary;
} ClvFigures;

/* Why figures are refused; the reason begins with the figure's name. */
typedef struct ClvFault
{
	int code;
	const char *reason;
	const char *hint;
} ClvFault;

static const char RecencyHint[] =
	"recency is the time from the first to the last purchase, not the time since the last, and age the time "
	"from the first purchase to the moment of the figures; for days since the last order see recency_days.";
static const char FrequencyHint[] = "frequency is the number of repeat periods with a purchase, the first "
									"not counted: 0 for who bought once.";
/* Times and values that models can be fitted to; a mean of exact money is always one. */
#define LEAST_TIME 1e-15
#define MOST_TIME 1e15
#define LEAST_MONETARY 1e-24
#define MOST_MONETARY 1e20

static const char FiniteHint[] = "Leave such rows out: FILTER (WHERE check_clv_summary(...) IS NULL).";

static bool
IsExtreme(double value, double least, double most)
{
	return value != 0 && (fabs(value) < least || fabs(value) > most);
}

/* What is wrong with figures, or NULL. */
static const ClvFault *
Fault(const ClvFigures *figures)
{
	static const ClvFault frequency_negative = {ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, "frequency is negative",
												FrequencyHint};
	static const ClvFault frequency_large = {ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
											 "frequency is greater than 2147483647", FrequencyHint};
	static const ClvFault recency_infinite = {ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, "recency is not finite",
											  FiniteHint};
	static const ClvFault age_infinite = {ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, "age is not finite",
										  FiniteHint};
	static const ClvFault monetary_infinite = {ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, "monetary is not finite",
											   FiniteHint};
	static const ClvFault recency_negative = {ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, "recency is negative",
											  RecencyHint};
	static const ClvFault age_negative = {ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, "age is negative", RecencyHint};
	static const ClvFault recency_large = {ERRCODE_INVALID_PARAMETER_VALUE, "recency is greater than age",
										   RecencyHint};
	static const ClvFault recency_without = {ERRCODE_INVALID_PARAMETER_VALUE,
											 "recency is not zero although frequency is", RecencyHint};
	static const ClvFault recency_zero = {ERRCODE_INVALID_PARAMETER_VALUE,
										  "recency is zero although frequency is not", FrequencyHint};
	static const ClvFault monetary_without = {
		ERRCODE_INVALID_PARAMETER_VALUE, "monetary is given although frequency is zero",
		"monetary is the mean value of repeat periods, without the first: NULL for who bought once."};
	static const ClvFault monetary_missing = {
		ERRCODE_INVALID_PARAMETER_VALUE, "monetary is missing although frequency is not zero",
		"monetary is the mean value of repeat periods; give any number where only purchases are modelled."};

	static const ClvFault time_extreme = {ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
										  "recency or age is neither zero nor between 1e-15 and 1e15",
										  "Give another unit."};
	static const ClvFault monetary_extreme = {ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
											  "monetary is neither zero nor between 1e-24 and 1e20",
											  "Count money in another unit."};

	if (figures->frequency < 0)
		return &frequency_negative;
	if (figures->frequency > PG_INT32_MAX)
		return &frequency_large;
	if (!isfinite(figures->recency))
		return &recency_infinite;
	if (!isfinite(figures->age))
		return &age_infinite;
	if (figures->has_monetary && !isfinite(figures->monetary))
		return &monetary_infinite;
	if (figures->recency < 0)
		return &recency_negative;
	if (figures->age < 0)
		return &age_negative;
	if (figures->recency > figures->age)
		return &recency_large;
	if (figures->frequency == 0 && figures->recency > 0)
		return &recency_without;
	if (figures->frequency > 0 && figures->recency == 0)
		return &recency_zero;
	if (figures->frequency == 0 && figures->has_monetary)
		return &monetary_without;
	if (figures->frequency > 0 && !figures->has_monetary)
		return &monetary_missing;
	if (IsExtreme(figures->recency, LEAST_TIME, MOST_TIME) || IsExtreme(figures->age, LEAST_TIME, MOST_TIME))
		return &time_extreme;
	if (figures->has_monetary && IsExtreme(figures->monetary, LEAST_MONETARY, MOST_MONETARY))
		return &monetary_extreme;
	return NULL;
}

/* The same number; zero has one sign. */
static double
PlainZero(double value)
{
	return value == 0 ? 0 : value;
}

/* A new summary of figures without a fault. */
static ClvSummary *
MakeSummary(const ClvFigures *figures, int64 unit)
{
	ClvSummary *summary = palloc0(sizeof(ClvSummary));

	summary->version = CLV_SUMMARY_VERSION;
	summary->has_monetary = figures->has_monetary ? 1 : 0;
	summary->frequency = (int32) figures->frequency;
	summary->unit = unit;
	summary->recency = PlainZero(figures->recency);
	summary->age = PlainZero(figures->age);
	if (figures->has_monetary)
		summary->monetary = PlainZero(figures->monetary);
	return summary;
}

/*
 * Text form: {"v":1,"unit":"P1D","frequency":2,"recency":30.43,"age":38.86,
 * "monetary":22.35}; monetary is left out when there is none.
 */
Datum
cs_clv_summary_in(PG_FUNCTION_ARGS)
{
	CsForm form;
	ClvFigures figures = {0};
	const ClvFault *fault;
	uint64 unit;

	CsFormOpen(&form, CLV_SUMMARY_NAME, PG_GETARG_CSTRING(0));
	CsCheckVersion(CLV_SUMMARY_NAME, CsFormInt64(&form, "v", 0, PG_INT16_MAX), CLV_SUMMARY_VERSION);
	unit = CsLengthFromText(CLV_SUMMARY_NAME, CsFormString(&form, "unit"));
	if (unit == 0 || unit > PG_INT64_MAX)
		CsBadText(CLV_SUMMARY_NAME, "The unit must be a length of time above zero.");
	figures.frequency = CsFormInt64(&form, "frequency", PG_INT64_MIN, PG_INT64_MAX);
	figures.recency = CsFormFloat8(&form, "recency");
	figures.age = CsFormFloat8(&form, "age");
	figures.has_monetary = CsFormHas(&form, "monetary");
	if (figures.has_monetary)
		figures.monetary = CsFormFloat8(&form, "monetary");
	CsFormClose(&form);

	fault = Fault(&figures);
	if (fault != NULL)
		CsBadText(CLV_SUMMARY_NAME, psprintf("The %s.", fault->reason));
	PG_RETURN_POINTER(MakeSummary(&figures, (int64) unit));
}

Datum
cs_clv_summary_out(PG_FUNCTION_ARGS)
{
	const ClvSummary *summary = CsClvSummaryArg(PG_GETARG_DATUM(0));
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "{\"v\":%d,\"unit\":\"", summary->version);
	CsLengthText(&out, summary->unit);
	appendStringInfo(&out, "\",\"frequency\":%d,\"recency\":", summary->frequency);
	CsFloatText(&out, summary->recency);
	appendStringInfoString(&out, ",\"age\":");
	CsFloatText(&out, summary->age);
	if (summary->has_monetary)
	{
		appendStringInfoString(&out, ",\"monetary\":");
		CsFloatText(&out, summary->monetary);
	}
	appendStringInfoChar(&out, '}');
	PG_RETURN_CSTRING(out.data);
}

/*
 * Binary form: version, unit, frequency, recency, age, whether there is a
 * monetary, and the monetary if so.
 */
Datum
cs_clv_summary_recv(PG_FUNCTION_ARGS)
{
	StringInfo buf = (StringInfo) PG_GETARG_POINTER(0);
	ClvFigures figures = {0};
	const ClvFault *fault;
	int64 unit;
	int flag;

	CsCheckVersion(CLV_SUMMARY_NAME, pq_getmsgint(buf, 2), CLV_SUMMARY_VERSION);
	unit = pq_getmsgint64(buf);
	figures.frequency = (int32) pq_getmsgint(buf, 4);
	figures.recency = pq_getmsgfloat8(buf);
	figures.age = pq_getmsgfloat8(buf);
	flag = pq_getmsgbyte(buf);
	figures.has_monetary = flag == 1;
	if (figures.has_monetary)
		figures.monetary = pq_getmsgfloat8(buf);

	if (unit <= 0)
		CsBadBinary(CLV_SUMMARY_NAME, "The unit must be a length of time above zero.");
	if (flag > 1)
		CsBadBinary(CLV_SUMMARY_NAME, "There must be one monetary or none.");
	fault = Fault(&figures);
	if (fault != NULL)
		CsBadBinary(CLV_SUMMARY_NAME, psprintf("The %s.", fault->reason));
	PG_RETURN_POINTER(MakeSummary(&figures, unit));
}

Datum
cs_clv_summary_send(PG_FUNCTION_ARGS)
{
	const ClvSummary *summary = CsClvSummaryArg(PG_GETARG_DATUM(0));
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendint16(&buf, summary->version);
	pq_sendint64(&buf, summary->unit);
	pq_sendint32(&buf, summary->frequency);
	pq_sendfloat8(&buf, summary->recency);
	pq_sendfloat8(&buf, summary->age);
	pq_sendbyte(&buf, summary->has_monetary);
	if (summary->has_monetary)
		pq_sendfloat8(&buf, summary->monetary);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/*
 * The arguments frequency, recency, age and monetary, of which only the last
 * may be NULL. Other packages write a monetary of 0 where there is none.
 */
static ClvFigures
GetFigures(FunctionCallInfo fcinfo)
{
	ClvFigures figures = {0};

	figures.frequency = PG_GETARG_INT64(0);
	figures.recency = PG_GETARG_FLOAT8(1);
	figures.age = PG_GETARG_FLOAT8(2);
	if (!PG_ARGISNULL(3))
	{
		figures.monetary = PG_GETARG_FLOAT8(3);
		figures.has_monetary = figures.frequency != 0 || figures.monetary != 0;
	}
	return figures;
}

/* Refuse figures with a fault, naming them all. */
static void
FigureError(const ClvFault *fault, const ClvFigures *figures)
{
	StringInfoData detail;

	initStringInfo(&detail);
	appendStringInfo(&detail, "frequency is " INT64_FORMAT ", recency ", figures->frequency);
	CsFloatText(&detail, figures->recency);
	appendStringInfoString(&detail, ", age ");
	CsFloatText(&detail, figures->age);
	appendStringInfoString(&detail, ", monetary ");
	if (figures->has_monetary)
		CsFloatText(&detail, figures->monetary);
	else
		appendStringInfoString(&detail, "none");
	appendStringInfoChar(&detail, '.');
	ereport(ERROR, (errcode(fault->code), errmsg("no customer has these figures: %s", fault->reason),
					errdetail_internal("%s", detail.data), errhint("%s", fault->hint)));
}

/*
 * clv_summary(frequency, recency, age, monetary, unit): NULL when frequency,
 * recency, age or unit is.
 */
Datum
cs_clv_summary_make(PG_FUNCTION_ARGS)
{
	ClvFigures figures;
	const ClvFault *fault;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(4))
		PG_RETURN_NULL();
	figures = GetFigures(fcinfo);
	fault = Fault(&figures);
	if (fault != NULL)
		FigureError(fault, &figures);
	PG_RETURN_POINTER(MakeSummary(&figures, CsClvLength(PG_GETARG_INTERVAL_P(4), "unit")));
}

/* Why the constructor makes no summary of these figures; NULL when it does. */
Datum
cs_check_clv_summary(PG_FUNCTION_ARGS)
{
	static const char *const missing[] = {"frequency is null", "recency is null", "age is null"};
	ClvFigures figures;
	const ClvFault *fault;
	int i;

	for (i = 0; i < lengthof(missing); i++)
	{
		if (PG_ARGISNULL(i))
			PG_RETURN_TEXT_P(cstring_to_text(missing[i]));
	}
	figures = GetFigures(fcinfo);
	fault = Fault(&figures);
	if (fault == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(fault->reason));
}

Datum
cs_clv_frequency(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(CsClvSummaryArg(PG_GETARG_DATUM(0))->frequency);
}

Datum
cs_clv_recency(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(CsClvSummaryArg(PG_GETARG_DATUM(0))->recency);
}

Datum
cs_clv_age(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(CsClvSummaryArg(PG_GETARG_DATUM(0))->age);
}

/* Mean value of the repeat periods; NULL without one. */
Datum
cs_clv_monetary(PG_FUNCTION_ARGS)
{
	const ClvSummary *summary = CsClvSummaryArg(PG_GETARG_DATUM(0));

	if (!summary->has_monetary)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(summary->monetary);
}

/* The unit as days and a time of less than a day. */
Datum
cs_clv_unit(PG_FUNCTION_ARGS)
{
	int64 unit = CsClvSummaryArg(PG_GETARG_DATUM(0))->unit;
	Interval *interval = palloc0(sizeof(Interval));

	interval->day = (int32) (unit / USECS_PER_DAY);
	interval->time = unit % USECS_PER_DAY;
	PG_RETURN_INTERVAL_P(interval);
}

/*
 * Microseconds of an interval, a month being 365.25 / 12 days; an error naming
 * the parameter unless it is above zero and fits 64 bits.
 */
int64
CsClvLength(const Interval *interval, const char *what)
{
	int128 length = (int128) interval->month * USECS_PER_MONTH + (int128) interval->day * USECS_PER_DAY +
					interval->time;

	if (length <= 0 || length > PG_INT64_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be above zero and below 292000 years, not %s", what,
						DatumGetCString(DirectFunctionCall1(interval_out, IntervalPGetDatum(interval)))),
				 errhint("Give %s as a length of time, for example interval '30 days'.", what)));
	return (int64) length;
}

/*
 * A summary in days that was made as of one moment, with its age made that as
 * of an earlier one: the segment tables keep purchases up to as_of and ask
 * models that were fitted before it.
 */
Datum
cs_segment_clv_summary(PG_FUNCTION_ARGS)
{
	const ClvSummary *summary = CsClvSummaryArg(PG_GETARG_DATUM(0));
	TimestampTz as_of = PG_GETARG_TIMESTAMPTZ(1);
	TimestampTz clv_as_of = PG_GETARG_TIMESTAMPTZ(2);
	pg_tz *zone = CsZoneByText(PG_GETARG_TEXT_PP(3));
	ClvSummary *earlier = palloc(sizeof(ClvSummary));

	CsCheckFinite(as_of, "as_of");
	CsCheckFinite(clv_as_of, "clv_as_of");
	if (clv_as_of > as_of)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("clv_as_of must not be later than as_of"),
				 errhint("The age of a summary can be made less, not more: summarise again.")));
	if (summary->unit != USECS_PER_DAY)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("the unit of the summary must be 1 day"),
				 errhint("Leave out the unit where the summary is made.")));
	*earlier = *summary;
	earlier->age -= Max(CsDayInZone(as_of, zone) - CsDayInZone(clv_as_of, zone), 0);
	if (earlier->recency > earlier->age)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("there is a purchase after clv_as_of"),
				 errhint("Leave it out of the summary: FILTER (WHERE ordered_at <= clv_as_of).")));
	PG_RETURN_POINTER(earlier);
}
