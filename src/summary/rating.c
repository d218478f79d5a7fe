/*
 * rating.c
 *		rating_summary: how often each answer of a survey question was given.
 *
 * A *scale* is a lowest and a highest whole number; an *answer* is a whole
 * number on it. Summaries of one scale can be merged, and every score read from
 * a merged summary is the score of all answers (an average of group scores is
 * not). rating_score.c reads the scores.
 *
 * The type has plain storage: a value is never compressed and always has a
 * header of four bytes, so an aggregate changes its state in place. States live
 * in the aggregate's memory context.
 */
#include "postgres.h"

#include "fmgr.h"
#include "libpq/pqformat.h"
#include "nodes/execnodes.h"
#include "utils/builtins.h"

#include "core/check.h"
#include "core/compat.h"
#include "core/form.h"
#include "core/money.h"
#include "summary/rating.h"

static const char SummaryName[] = "rating_summary";

PG_FUNCTION_INFO_V1(cs_rating_summary_in);
PG_FUNCTION_INFO_V1(cs_rating_summary_out);
PG_FUNCTION_INFO_V1(cs_rating_summary_recv);
PG_FUNCTION_INFO_V1(cs_rating_summary_send);
PG_FUNCTION_INFO_V1(cs_rating_combine);

/*
 * What is wrong with a scale and the number of its answers that count as
 * satisfied, or NULL.
 */
static const char *
ScaleFault(int64 lowest, int64 highest, int64 top)
{
	if (lowest >= highest)
		return "The lowest answer of a scale must be below the highest.";
	if (CsScaleAnswers(lowest, highest) > RATING_MAX_ANSWERS)
		return "A scale has at most 101 answers.";
	if (top < 0 || top > highest - lowest)
		return "The lowest satisfied answer must be above the lowest answer and not above the highest.";
	return NULL;
}

/* A scale that a query names. */
static void
CheckScale(int lowest, int highest)
{
	const char *fault = ScaleFault(lowest, highest, 0);

	if (fault != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid scale from %d to %d", lowest, highest), errdetail_internal("%s", fault)));
}

/* The lowest satisfied answer that a query names for a valid scale. */
void
CsCheckTopFrom(int top_from, int lowest, int highest)
{
	if (top_from <= lowest || top_from > highest)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("top_from must be between %d and %d, not %d", lowest + 1, highest, top_from),
						errhint("It is the lowest answer that counts as satisfied.")));
}

/* The summary of no answers on a scale that has been checked. */
static RatingSummary *
NewSummary(MemoryContext context, int lowest, int highest, int top)
{
	Size size = offsetof(RatingSummary, counts) + CsScaleAnswers(lowest, highest) * sizeof(int64);
	RatingSummary *summary = MemoryContextAllocZero(context, size);

	SET_VARSIZE(summary, size);
	summary->version = RATING_SUMMARY_VERSION;
	summary->lowest = lowest;
	summary->highest = highest;
	summary->top = (uint16) top;
	return summary;
}

/* An argument, refused when another version wrote it. */
RatingSummary *
CsGetRatingSummary(FunctionCallInfo fcinfo, int n)
{
	RatingSummary *summary = (RatingSummary *) PG_DETOAST_DATUM(PG_GETARG_DATUM(n));

	CsCheckVersion(SummaryName, summary->version, RATING_SUMMARY_VERSION);
	Assert(ScaleFault(summary->lowest, summary->highest, summary->top) == NULL);
	return summary;
}

/*
 * Text form: {"v":1,"lowest":0,"highest":10,"counts":[…]}, and "top_from", the
 * lowest satisfied answer, where an aggregate was told one.
 */
Datum
cs_rating_summary_in(PG_FUNCTION_ARGS)
{
	RatingSummary *summary;
	CsForm form;
	int64 lowest;
	int64 highest;
	int64 top = 0;
	int64 *counts;
	int n;
	const char *fault;

	CsFormOpen(&form, SummaryName, PG_GETARG_CSTRING(0));
	CsCheckVersion(SummaryName, CsFormInt64(&form, "v", 0, PG_INT16_MAX), RATING_SUMMARY_VERSION);
	lowest = CsFormInt64(&form, "lowest", PG_INT32_MIN, PG_INT32_MAX);
	highest = CsFormInt64(&form, "highest", PG_INT32_MIN, PG_INT32_MAX);
	fault = ScaleFault(lowest, highest, 0);
	if (fault != NULL)
		CsBadText(SummaryName, fault);
	if (CsFormHas(&form, "top_from"))
		top = CsScaleAnswers(CsFormInt64(&form, "top_from", lowest + 1, highest), highest);
	counts = CsFormInt64Array(&form, "counts", 0, PG_INT64_MAX, &n);
	CsFormClose(&form);
	if (n != CsScaleAnswers(lowest, highest))
		CsBadText(SummaryName, "There must be one count for each answer of the scale.");
	summary = NewSummary(CurrentMemoryContext, lowest, highest, top);
	memcpy(summary->counts, counts, n * sizeof(int64));
	PG_RETURN_RATING_SUMMARY(summary);
}

Datum
cs_rating_summary_out(PG_FUNCTION_ARGS)
{
	RatingSummary *summary = CsGetRatingSummary(fcinfo, 0);
	int n = CsScaleAnswers(summary->lowest, summary->highest);
	StringInfoData out;
	int i;

	initStringInfo(&out);
	appendStringInfo(&out, "{\"v\":%d,\"lowest\":%d,\"highest\":%d,", summary->version, summary->lowest,
					 summary->highest);
	if (summary->top > 0)
		appendStringInfo(&out, "\"top_from\":%d,", summary->highest - summary->top + 1);
	appendStringInfoString(&out, "\"counts\":");
	for (i = 0; i < n; i++)
		appendStringInfo(&out, "%c" INT64_FORMAT, i == 0 ? '[' : ',', summary->counts[i]);
	appendStringInfoString(&out, "]}");
	PG_RETURN_CSTRING(out.data);
}

/* Binary form: the fields in their order, in network byte order. */
Datum
cs_rating_summary_recv(PG_FUNCTION_ARGS)
{
	StringInfo buf = (StringInfo) PG_GETARG_POINTER(0);
	RatingSummary *summary;
	int top;
	int lowest;
	int highest;
	int n;
	int i;
	const char *fault;

	CsCheckVersion(SummaryName, pq_getmsgint(buf, 2), RATING_SUMMARY_VERSION);
	top = pq_getmsgint(buf, 2);
	lowest = (int32) pq_getmsgint(buf, 4);
	highest = (int32) pq_getmsgint(buf, 4);
	fault = ScaleFault(lowest, highest, top);
	if (fault != NULL)
		CsBadBinary(SummaryName, fault);

	summary = NewSummary(CurrentMemoryContext, lowest, highest, top);
	n = CsScaleAnswers(lowest, highest);
	for (i = 0; i < n; i++)
	{
		summary->counts[i] = pq_getmsgint64(buf);
		if (summary->counts[i] < 0)
			CsBadBinary(SummaryName, "Counts cannot be negative.");
	}
	PG_RETURN_RATING_SUMMARY(summary);
}

Datum
cs_rating_summary_send(PG_FUNCTION_ARGS)
{
	RatingSummary *summary = CsGetRatingSummary(fcinfo, 0);
	int n = CsScaleAnswers(summary->lowest, summary->highest);
	StringInfoData buf;
	int i;

	pq_begintypsend(&buf);
	pq_sendint16(&buf, summary->version);
	pq_sendint16(&buf, summary->top);
	pq_sendint32(&buf, summary->lowest);
	pq_sendint32(&buf, summary->highest);
	for (i = 0; i < n; i++)
		pq_sendint64(&buf, summary->counts[i]);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/* An answer that is not on its scale, shown as the user would write it. */
static void CS_NORETURN
OutsideScale(const char *score, int lowest, int highest)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("answer %s is outside the scale from %d to %d", score, lowest, highest),
			 errhint("Correct the answer, or leave it out with FILTER (WHERE score BETWEEN %d AND %d).",
					 lowest, highest)));
}

void
CsAnswerOutsideScale(int64 score, int lowest, int highest)
{
	OutsideScale(psprintf(INT64_FORMAT, score), lowest, highest);
}

/*
 * CsIntegerAnswer for a numeric, which must be whole: 7.0 is an answer, 7.5 is
 * none. The value may have a short header; unless it is a rarity (too long, or
 * no answer), it is read in place.
 */
int
CsNumericAnswer(Numeric score, int lowest, int highest)
{
	const int64 one = INT64CONST(1000000000000);
	int128 units;
	int scale;
	Datum value;
	char *shown;

	if (likely(CsUnitsFromNumeric(score, &units, &scale)) && units == (int64) units &&
		(int64) units % one == 0)
		return CsIntegerAnswer((int64) units / one, lowest, highest);

	score = DatumGetNumeric(NumericGetDatum(score));
	value = NumericGetDatum(score);
	shown = DatumGetCString(DirectFunctionCall1(numeric_out, value));
	if (numeric_is_nan(score) ||
		DatumGetBool(DirectFunctionCall2(numeric_ne, value,
										 DirectFunctionCall2(numeric_trunc, value, Int32GetDatum(0)))))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("answer %s is not a whole number", shown),
						errhint("Leave it out with FILTER, or round it in the query: round(score).")));
	if (DatumGetBool(DirectFunctionCall2(numeric_lt, value, NumericGetDatum(int64_to_numeric(lowest)))) ||
		DatumGetBool(DirectFunctionCall2(numeric_gt, value, NumericGetDatum(int64_to_numeric(highest)))))
		OutsideScale(shown, lowest, highest);
	return CsIntegerAnswer(DatumGetInt32(DirectFunctionCall1(numeric_int4, value)), lowest, highest);
}

/*
 * Two scales, or two cuts between satisfied and not, cannot be counted
 * together.
 */
static void
CheckSameScale(const RatingSummary *summary, int lowest, int highest, int64 top)
{
	if (summary->lowest != lowest || summary->highest != highest)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("answers of different scales cannot be mixed"),
						errdetail("One scale is %d to %d, the other %d to %d.", summary->lowest,
								  summary->highest, lowest, highest),
						errhint("Group by the scale, or leave one of them out.")));
	if (summary->top != top)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("answers with different values of top_from cannot be mixed"),
						errhint("Use one value of top_from for all rows of a group.")));
}

/*
 * The running state of an aggregate that has read answers on a scale; a new one
 * if this is the first row that counts, for which the caller has checked the
 * scale. Only the aggregate itself ever sees its state, so its version is not in
 * question.
 */
static RatingSummary *
RunningSummary(FunctionCallInfo fcinfo, int lowest, int highest, int64 top)
{
	RatingSummary *summary;

	if (PG_ARGISNULL(0))
		return NewSummary(CsAggContext(fcinfo), lowest, highest, (int) top);
	CsRequireAggregate(fcinfo);
	summary = (RatingSummary *) PG_GETARG_POINTER(0);
	CheckSameScale(summary, lowest, highest, top);
	return summary;
}

/* A parameter of an aggregate that must be given in every row that counts. */
static int
RequiredParameter(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", name),
						errhint("Give the scale of the question with every answer.")));
	return PG_GETARG_INT32(n);
}

/* The state of rating_summary(score, lowest, highest) for a row that counts. */
static RatingSummary *
RatingState(FunctionCallInfo fcinfo)
{
	int lowest = RequiredParameter(fcinfo, 2, "lowest");
	int highest = RequiredParameter(fcinfo, 3, "highest");

	if (PG_ARGISNULL(0))
		CheckScale(lowest, highest);
	return RunningSummary(fcinfo, lowest, highest, 0);
}

/* The state of csat(score, highest, top_from) for a row that counts. */
static RatingSummary *
CsatState(FunctionCallInfo fcinfo)
{
	int highest = RequiredParameter(fcinfo, 2, "highest");
	int top_from = RequiredParameter(fcinfo, 3, "top_from");

	if (PG_ARGISNULL(0))
	{
		CheckScale(1, highest);
		CsCheckTopFrom(top_from, 1, highest);
	}
	return RunningSummary(fcinfo, 1, highest, CsScaleAnswers(top_from, highest));
}

/*
 * The transition functions, one of each kind for a type of answer.
 *
 * rating_count and rating_uncount are strict and work on an initial state that
 * fixes the scale: nothing is left to do for a row but to find its count. (The
 * second takes a row out again when a window frame moves on.) The others get
 * the scale in the row; a row without an answer counts as no row, whatever its
 * scale.
 */
#define DEFINE_RATING_TRANSITIONS(type, getarg, position)                          \
	PG_FUNCTION_INFO_V1(cs_rating_count_##type);                                   \
	PG_FUNCTION_INFO_V1(cs_rating_uncount_##type);                                 \
	PG_FUNCTION_INFO_V1(cs_rating_accum_##type);                                   \
	PG_FUNCTION_INFO_V1(cs_csat_accum_##type);                                     \
                                                                                   \
	Datum cs_rating_count_##type(PG_FUNCTION_ARGS)                                 \
	{                                                                              \
		RatingSummary *summary = (RatingSummary *) PG_GETARG_POINTER(0);           \
                                                                                   \
		CsRequireAggregate(fcinfo);                                                \
		summary->counts[position(getarg(1), summary->lowest, summary->highest)]++; \
		PG_RETURN_RATING_SUMMARY(summary);                                         \
	}                                                                              \
                                                                                   \
	Datum cs_rating_uncount_##type(PG_FUNCTION_ARGS)                               \
	{                                                                              \
		RatingSummary *summary = (RatingSummary *) PG_GETARG_POINTER(0);           \
                                                                                   \
		CsRequireAggregate(fcinfo);                                                \
		summary->counts[position(getarg(1), summary->lowest, summary->highest)]--; \
		PG_RETURN_RATING_SUMMARY(summary);                                         \
	}                                                                              \
                                                                                   \
	Datum cs_rating_accum_##type(PG_FUNCTION_ARGS)                                 \
	{                                                                              \
		RatingSummary *summary;                                                    \
                                                                                   \
		if (PG_ARGISNULL(1))                                                       \
			return CsUnchangedState(fcinfo);                                       \
		summary = RatingState(fcinfo);                                             \
		summary->counts[position(getarg(1), summary->lowest, summary->highest)]++; \
		PG_RETURN_RATING_SUMMARY(summary);                                         \
	}                                                                              \
                                                                                   \
	Datum cs_csat_accum_##type(PG_FUNCTION_ARGS)                                   \
	{                                                                              \
		RatingSummary *summary;                                                    \
                                                                                   \
		if (PG_ARGISNULL(1))                                                       \
			return CsUnchangedState(fcinfo);                                       \
		summary = CsatState(fcinfo);                                               \
		summary->counts[position(getarg(1), summary->lowest, summary->highest)]++; \
		PG_RETURN_RATING_SUMMARY(summary);                                         \
	}

#define GETARG_PACKED_NUMERIC(n) CsPackedNumeric(PG_GETARG_DATUM(n))

DEFINE_RATING_TRANSITIONS(int2, PG_GETARG_INT16, CsIntegerAnswer)
DEFINE_RATING_TRANSITIONS(int4, PG_GETARG_INT32, CsIntegerAnswer)
DEFINE_RATING_TRANSITIONS(int8, PG_GETARG_INT64, CsIntegerAnswer)
DEFINE_RATING_TRANSITIONS(numeric, GETARG_PACKED_NUMERIC, CsNumericAnswer)

/*
 * Merge two summaries of disjoint answers: combine function of all aggregates
 * on answers and transition function of rollup. NULL is the summary of no
 * answers on any scale.
 */
Datum
cs_rating_combine(PG_FUNCTION_ARGS)
{
	RatingSummary *summary;
	RatingSummary *other;
	int n;
	int i;

	if (PG_ARGISNULL(1))
		return CsUnchangedState(fcinfo);
	other = CsGetRatingSummary(fcinfo, 1);
	summary = RunningSummary(fcinfo, other->lowest, other->highest, other->top);
	n = CsScaleAnswers(other->lowest, other->highest);
	for (i = 0; i < n; i++)
		summary->counts[i] = CsAddCounts(summary->counts[i], other->counts[i], "answers");
	PG_RETURN_RATING_SUMMARY(summary);
}
