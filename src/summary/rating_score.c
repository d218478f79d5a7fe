/*
 * rating_score.c
 *		Scores read from a rating_summary: NPS, CSAT, CES, and how sure they are.
 *
 * Words: a *promoter* answers 9 or 10 on a scale from 0 to 10, a *passive* 7 or
 * 8, a *detractor* 6 or less. *Satisfied* is who gives one of the highest
 * answers of a scale: the top two of 1 to 5 for CSAT, five and up of 1 to 7 for
 * CES. Scores are in points and percent, as the field prints them. Without
 * answers every score is NULL.
 *
 * Nothing here changes a summary, so these functions are the final functions of
 * the aggregates too, in running windows as well.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "core/check.h"
#include "core/compat.h"
#include "math/interval.h"
#include "summary/rating.h"

#define NPS_LOWEST 0
#define NPS_HIGHEST 10
#define NPS_PASSIVE 7
#define NPS_PROMOTER 9

#define CSAT_LOWEST 1
#define CSAT_HIGHEST 5
#define CSAT_TOP_FROM 4

#define CES_LOWEST 1
#define CES_HIGHEST 7
#define CES_TOP_FROM 5

PG_FUNCTION_INFO_V1(cs_responses);
PG_FUNCTION_INFO_V1(cs_average);
PG_FUNCTION_INFO_V1(cs_promoters);
PG_FUNCTION_INFO_V1(cs_passives);
PG_FUNCTION_INFO_V1(cs_detractors);
PG_FUNCTION_INFO_V1(cs_nps);
PG_FUNCTION_INFO_V1(cs_nps_margin);
PG_FUNCTION_INFO_V1(cs_nps_difference);
PG_FUNCTION_INFO_V1(cs_csat);
PG_FUNCTION_INFO_V1(cs_csat_top_from);
PG_FUNCTION_INFO_V1(cs_csat_interval);
PG_FUNCTION_INFO_V1(cs_csat_interval_top_from);
PG_FUNCTION_INFO_V1(cs_ces);
PG_FUNCTION_INFO_V1(cs_nps_bucket_int2);
PG_FUNCTION_INFO_V1(cs_nps_bucket_int4);
PG_FUNCTION_INFO_V1(cs_nps_bucket_int8);
PG_FUNCTION_INFO_V1(cs_nps_bucket_numeric);

/* The answers of an NPS question by group; kept as counts, which are exact. */
typedef struct NpsGroups
{
	int64 detractors;
	int64 passives;
	int64 promoters;
	int64 responses;
} NpsGroups;

/* How many answers lie between two answers of the scale, both included. */
static int64
CountBetween(const RatingSummary *summary, int from, int to)
{
	int last = to - summary->lowest;
	int64 n = 0;
	int i;

	for (i = from - summary->lowest; i <= last; i++)
		n = CsAddCounts(n, summary->counts[i], "answers");
	return n;
}

static int64
Responses(const RatingSummary *summary)
{
	return CountBetween(summary, summary->lowest, summary->highest);
}

/* A score is defined for one scale: another summary is refused. */
static void
CheckScoreScale(const RatingSummary *summary, const char *score, int lowest, int highest)
{
	if (summary->lowest != lowest || summary->highest != highest)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s is defined for answers from %d to %d, not from %d to %d", score, lowest,
							   highest, summary->lowest, summary->highest),
						errhint("Ask average(summary) or csat(summary, top_from) on other scales.")));
}

/* The deviate of a confidence given by the user. */
static double
Deviate(double confidence)
{
	CsCheckConfidence(confidence);
	return CsNormalDeviate(confidence);
}

/* A row of double precision columns in the order of the call's OUT arguments. */
static Datum
ResultRow(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	TupleDesc descriptor;

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls));
}

/* Number of answers. */
Datum
cs_responses(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(Responses(CsGetRatingSummary(fcinfo, 0)));
}

/*
 * The mean answer, divided once from an exact sum: the same for every plan.
 * NULL without answers.
 */
Datum
cs_average(PG_FUNCTION_ARGS)
{
	RatingSummary *summary = CsGetRatingSummary(fcinfo, 0);
	int64 n = Responses(summary);
	int128 sum = 0;
	int answers = CsScaleAnswers(summary->lowest, summary->highest);
	int i;

	if (n == 0)
		PG_RETURN_NULL();
	for (i = 0; i < answers; i++)
		sum += (int128) summary->counts[i] * ((int64) summary->lowest + i);
	PG_RETURN_FLOAT8((double) sum / (double) n);
}

/* The groups of an NPS question, from an argument on the scale 0 to 10. */
static NpsGroups
GetNpsGroups(FunctionCallInfo fcinfo, int argument)
{
	RatingSummary *summary = CsGetRatingSummary(fcinfo, argument);
	NpsGroups groups;

	CheckScoreScale(summary, "NPS", NPS_LOWEST, NPS_HIGHEST);
	groups.detractors = CountBetween(summary, NPS_LOWEST, NPS_PASSIVE - 1);
	groups.passives = CountBetween(summary, NPS_PASSIVE, NPS_PROMOTER - 1);
	groups.promoters = CountBetween(summary, NPS_PROMOTER, NPS_HIGHEST);
	groups.responses = Responses(summary);
	return groups;
}

Datum
cs_promoters(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(GetNpsGroups(fcinfo, 0).promoters);
}

Datum
cs_passives(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(GetNpsGroups(fcinfo, 0).passives);
}

Datum
cs_detractors(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(GetNpsGroups(fcinfo, 0).detractors);
}

/* Share of promoters minus share of detractors, in points. */
static double
Nps(const NpsGroups *groups)
{
	return 100.0 * (double) (groups->promoters - groups->detractors) / (double) groups->responses;
}

/*
 * Variance of the score in points squared: each answer is 1, 0 or -1, and the
 * score is 100 times their mean. Exactly zero when all answers are of one group.
 */
static double
NpsVariance(const NpsGroups *groups)
{
	double n = (double) groups->responses;
	double promoters = (double) groups->promoters / n;
	double detractors = (double) groups->detractors / n;
	double passives = (double) groups->passives / n;

	/* p + d - (p - d)^2, written without a difference of nearly equal terms */
	return 100.0 * 100.0 * (passives * (promoters + detractors) + 4.0 * promoters * detractors) / n;
}

/* Net promoter score, -100 to 100 points; NULL without answers. */
Datum
cs_nps(PG_FUNCTION_ARGS)
{
	NpsGroups groups = GetNpsGroups(fcinfo, 0);

	if (groups.responses == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(Nps(&groups));
}

/* What to add and take off for a confidence interval; NULL without answers. */
Datum
cs_nps_margin(PG_FUNCTION_ARGS)
{
	NpsGroups groups = GetNpsGroups(fcinfo, 0);
	double deviate = Deviate(PG_GETARG_FLOAT8(1));

	if (groups.responses == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(deviate * sqrt(NpsVariance(&groups)));
}

/*
 * First score minus second, in points, with the test of the hypothesis that
 * both populations score alike. The difference is NULL where a score is; z and
 * p are NULL as well where neither score has a variance, because then nothing
 * can be said about chance.
 */
Datum
cs_nps_difference(PG_FUNCTION_ARGS)
{
	NpsGroups first = GetNpsGroups(fcinfo, 0);
	NpsGroups second = GetNpsGroups(fcinfo, 1);
	Datum values[3] = {0};
	bool nulls[3] = {true, true, true};
	double difference;
	double variance;

	if (first.responses > 0 && second.responses > 0)
	{
		difference = Nps(&first) - Nps(&second);
		variance = NpsVariance(&first) + NpsVariance(&second);
		values[0] = Float8GetDatum(difference);
		nulls[0] = false;
		if (variance > 0.0)
		{
			double z = difference / sqrt(variance);

			values[1] = Float8GetDatum(z);
			values[2] = Float8GetDatum(CsTwoSidedP(z));
			nulls[1] = nulls[2] = false;
		}
	}
	return ResultRow(fcinfo, values, nulls);
}

/* Percent of answers from top_from up; NULL without answers. */
static Datum
SatisfiedPercent(FunctionCallInfo fcinfo, const RatingSummary *summary, int top_from)
{
	int64 n = Responses(summary);

	if (n == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(100.0 * (double) CountBetween(summary, top_from, summary->highest) / (double) n);
}

/*
 * The cut of a summary when the query names none: what its aggregate was told,
 * or the top two of 1 to 5. Other scales have no cut that people agree on.
 */
static int
UsualTopFrom(const RatingSummary *summary)
{
	if (summary->top > 0)
		return summary->highest - summary->top + 1;
	if (summary->lowest == CSAT_LOWEST && summary->highest == CSAT_HIGHEST)
		return CSAT_TOP_FROM;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("CSAT on a scale from %d to %d needs top_from", summary->lowest, summary->highest),
			 errdetail("Only on a scale from 1 to 5 it is standard which answers count as satisfied."),
			 errhint("Name the lowest satisfied answer: csat(summary, top_from), or csat(score, highest, "
					 "top_from) for the aggregate.")));
	return 0;
}

/* The cut named by the query, checked against the scale. */
static int
NamedTopFrom(FunctionCallInfo fcinfo, const RatingSummary *summary)
{
	int top_from = PG_GETARG_INT32(1);

	CsCheckTopFrom(top_from, summary->lowest, summary->highest);
	return top_from;
}

/* Customer satisfaction in percent; NULL without answers. */
Datum
cs_csat(PG_FUNCTION_ARGS)
{
	RatingSummary *summary = CsGetRatingSummary(fcinfo, 0);

	return SatisfiedPercent(fcinfo, summary, UsualTopFrom(summary));
}

Datum
cs_csat_top_from(PG_FUNCTION_ARGS)
{
	RatingSummary *summary = CsGetRatingSummary(fcinfo, 0);

	return SatisfiedPercent(fcinfo, summary, NamedTopFrom(fcinfo, summary));
}

/* Wilson's interval of the satisfied, in percent; both ends NULL without answers. */
static Datum
SatisfiedInterval(FunctionCallInfo fcinfo, const RatingSummary *summary, int top_from, double confidence)
{
	double deviate = Deviate(confidence);
	int64 n = Responses(summary);
	Datum values[2] = {0};
	bool nulls[2] = {true, true};
	double lower;
	double upper;

	if (n > 0)
	{
		CsWilsonInterval((double) CountBetween(summary, top_from, summary->highest), (double) n, deviate,
						 &lower, &upper);
		values[0] = Float8GetDatum(100.0 * lower);
		values[1] = Float8GetDatum(100.0 * upper);
		nulls[0] = nulls[1] = false;
	}
	return ResultRow(fcinfo, values, nulls);
}

Datum
cs_csat_interval(PG_FUNCTION_ARGS)
{
	RatingSummary *summary = CsGetRatingSummary(fcinfo, 0);

	return SatisfiedInterval(fcinfo, summary, UsualTopFrom(summary), PG_GETARG_FLOAT8(1));
}

Datum
cs_csat_interval_top_from(PG_FUNCTION_ARGS)
{
	RatingSummary *summary = CsGetRatingSummary(fcinfo, 0);

	return SatisfiedInterval(fcinfo, summary, NamedTopFrom(fcinfo, summary), PG_GETARG_FLOAT8(2));
}

/*
 * Customer effort score 2.0: percent who agree (5 to 7 of 7) that it was made
 * easy; NULL without answers.
 */
Datum
cs_ces(PG_FUNCTION_ARGS)
{
	RatingSummary *summary = CsGetRatingSummary(fcinfo, 0);

	CheckScoreScale(summary, "CES", CES_LOWEST, CES_HIGHEST);
	return SatisfiedPercent(fcinfo, summary, CES_TOP_FROM);
}

/* The group of one answer. */
static Datum
BucketName(int answer)
{
	const char *name = "detractor";

	if (answer >= NPS_PROMOTER)
		name = "promoter";
	else if (answer >= NPS_PASSIVE)
		name = "passive";
	PG_RETURN_TEXT_P(cstring_to_text(name));
}

Datum
cs_nps_bucket_int2(PG_FUNCTION_ARGS)
{
	return BucketName(CsIntegerAnswer(PG_GETARG_INT16(0), NPS_LOWEST, NPS_HIGHEST));
}

Datum
cs_nps_bucket_int4(PG_FUNCTION_ARGS)
{
	return BucketName(CsIntegerAnswer(PG_GETARG_INT32(0), NPS_LOWEST, NPS_HIGHEST));
}

Datum
cs_nps_bucket_int8(PG_FUNCTION_ARGS)
{
	return BucketName(CsIntegerAnswer(PG_GETARG_INT64(0), NPS_LOWEST, NPS_HIGHEST));
}

Datum
cs_nps_bucket_numeric(PG_FUNCTION_ARGS)
{
	return BucketName(CsNumericAnswer(PG_GETARG_NUMERIC(0), NPS_LOWEST, NPS_HIGHEST));
}
