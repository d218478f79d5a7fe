/*
 * sentiment.c
 *		sentiment_summary: how many comments are positive, neutral and negative, and
 *		the sum of their sentiments.
 *
 * A *sentiment* is a number from -1 to 1; at or beyond 0.1 on either side it is
 * positive or negative, else neutral. Each is rounded to a millionth when it is
 * counted, and millionths are added up as whole numbers: the sum does not depend
 * on order or plan. The most comments a summary takes are those whose millionths
 * an int64 holds, so no sum can overflow on the way.
 *
 * The state of the aggregate is changed in place in the aggregate's memory.
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"
#include "utils/float.h"

#include "core/check.h"
#include "core/form.h"
#include "summary/sentiment.h"

static const char SummaryName[] = "sentiment_summary";

PG_FUNCTION_INFO_V1(cs_sentiment_summary_in);
PG_FUNCTION_INFO_V1(cs_sentiment_summary_out);
PG_FUNCTION_INFO_V1(cs_sentiment_summary_recv);
PG_FUNCTION_INFO_V1(cs_sentiment_summary_send);
PG_FUNCTION_INFO_V1(cs_sentiment_accum);
PG_FUNCTION_INFO_V1(cs_sentiment_combine);
PG_FUNCTION_INFO_V1(cs_sentiment_bucket);
PG_FUNCTION_INFO_V1(cs_sentiment_comments);
PG_FUNCTION_INFO_V1(cs_sentiment_average);
PG_FUNCTION_INFO_V1(cs_sentiment_positive);
PG_FUNCTION_INFO_V1(cs_sentiment_neutral);
PG_FUNCTION_INFO_V1(cs_sentiment_negative);

/* A sentiment given by a user. */
static void
CheckSentiment(double sentiment)
{
	if (!(sentiment >= -1 && sentiment <= 1))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("sentiment %s is not between -1 and 1", float8out_internal(sentiment)),
						errhint("Give what sentiment(comment) returns, or a number of the same scale.")));
}

/* Below, within and above what is neutral: -1, 0, 1. */
static int
Kind(double sentiment)
{
	return sentiment >= SENTIMENT_NEUTRAL ? 1 : sentiment <= -SENTIMENT_NEUTRAL ? -1 : 0;
}

/* How many comments there are; each count is within the limit, so their sum cannot overflow. */
static int64
Comments(const SentimentSummary *summary)
{
	return summary->negative + summary->neutral + summary->positive;
}

/*
 * What is wrong with the fields of a summary, or NULL: sums lie where that many
 * sentiments of each kind can bring them.
 */
static const char *
Fault(const SentimentSummary *summary)
{
	const int64 cut = (int64) (SENTIMENT_NEUTRAL * SENTIMENT_UNITS + 0.5);
	int64 most;
	int64 least;

	if (summary->negative > SENTIMENT_COMMENTS_MAX || summary->neutral > SENTIMENT_COMMENTS_MAX ||
		summary->positive > SENTIMENT_COMMENTS_MAX || Comments(summary) > SENTIMENT_COMMENTS_MAX)
		return "A summary has at most 9000000000000 comments.";
	most = summary->positive * SENTIMENT_UNITS + summary->neutral * cut - summary->negative * cut;
	least = summary->positive * cut - summary->neutral * cut - summary->negative * SENTIMENT_UNITS;
	if (summary->sum > most || summary->sum < least)
		return "No comments of these kinds have that sum.";
	return NULL;
}

/* Text form: {"v":1,"negative":…,"neutral":…,"positive":…,"sum":…}, the sum in millionths. */
Datum
cs_sentiment_summary_in(PG_FUNCTION_ARGS)
{
	SentimentSummary *summary = palloc0(sizeof(SentimentSummary));
	const char *fault;
	CsForm form;

	CsFormOpen(&form, SummaryName, PG_GETARG_CSTRING(0));
	summary->version = CsFormInt64(&form, "v", 0, PG_INT16_MAX);
	CsCheckVersion(SummaryName, summary->version, SENTIMENT_SUMMARY_VERSION);
	summary->negative = CsFormInt64(&form, "negative", 0, PG_INT64_MAX);
	summary->neutral = CsFormInt64(&form, "neutral", 0, PG_INT64_MAX);
	summary->positive = CsFormInt64(&form, "positive", 0, PG_INT64_MAX);
	summary->sum = CsFormInt64(&form, "sum", PG_INT64_MIN, PG_INT64_MAX);
	CsFormClose(&form);
	fault = Fault(summary);
	if (fault != NULL)
		CsBadText(SummaryName, fault);
	PG_RETURN_SENTIMENT_SUMMARY(summary);
}

/* An argument, refused when another version wrote it. */
static SentimentSummary *
GetSummary(FunctionCallInfo fcinfo, int n)
{
	SentimentSummary *summary = PG_GETARG_SENTIMENT_SUMMARY(n);

	CsCheckVersion(SummaryName, summary->version, SENTIMENT_SUMMARY_VERSION);
	return summary;
}

Datum
cs_sentiment_summary_out(PG_FUNCTION_ARGS)
{
	SentimentSummary *summary = GetSummary(fcinfo, 0);

	PG_RETURN_CSTRING(
		psprintf("{\"v\":" INT64_FORMAT ",\"negative\":" INT64_FORMAT ",\"neutral\":" INT64_FORMAT
				 ",\"positive\":" INT64_FORMAT ",\"sum\":" INT64_FORMAT "}",
				 summary->version, summary->negative, summary->neutral, summary->positive, summary->sum));
}

/* Binary form: the fields in their order, in network byte order. */
Datum
cs_sentiment_summary_recv(PG_FUNCTION_ARGS)
{
	StringInfo buf = (StringInfo) PG_GETARG_POINTER(0);
	SentimentSummary *summary = palloc0(sizeof(SentimentSummary));
	const char *fault;

	summary->version = pq_getmsgint(buf, 2);
	CsCheckVersion(SummaryName, summary->version, SENTIMENT_SUMMARY_VERSION);
	summary->negative = pq_getmsgint64(buf);
	summary->neutral = pq_getmsgint64(buf);
	summary->positive = pq_getmsgint64(buf);
	summary->sum = pq_getmsgint64(buf);
	if (summary->negative < 0 || summary->neutral < 0 || summary->positive < 0)
		CsBadBinary(SummaryName, "Counts cannot be negative.");
	fault = Fault(summary);
	if (fault != NULL)
		CsBadBinary(SummaryName, fault);
	PG_RETURN_SENTIMENT_SUMMARY(summary);
}

Datum
cs_sentiment_summary_send(PG_FUNCTION_ARGS)
{
	SentimentSummary *summary = GetSummary(fcinfo, 0);
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendint16(&buf, summary->version);
	pq_sendint64(&buf, summary->negative);
	pq_sendint64(&buf, summary->neutral);
	pq_sendint64(&buf, summary->positive);
	pq_sendint64(&buf, summary->sum);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/* The running state of an aggregate; a new one for the first row that counts. */
static SentimentSummary *
RunningSummary(FunctionCallInfo fcinfo)
{
	SentimentSummary *summary;

	if (!PG_ARGISNULL(0))
	{
		CsRequireAggregate(fcinfo);
		return PG_GETARG_SENTIMENT_SUMMARY(0);
	}
	summary = MemoryContextAllocZero(CsAggContext(fcinfo), sizeof(SentimentSummary));
	summary->version = SENTIMENT_SUMMARY_VERSION;
	return summary;
}

/* More comments than a summary takes, whatever their order. */
static void
CheckComments(int64 comments)
{
	if (comments > SENTIMENT_COMMENTS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("number of comments out of range"),
				 errdetail("A summary has at most " INT64_FORMAT " comments.", SENTIMENT_COMMENTS_MAX),
				 errhint("Summarise fewer comments in one group.")));
}

/* Transition of sentiment_summary(sentiment). NULL is no comment. */
Datum
cs_sentiment_accum(PG_FUNCTION_ARGS)
{
	SentimentSummary *summary;
	double sentiment;
	int kind;

	if (PG_ARGISNULL(1))
		return CsUnchangedState(fcinfo);
	sentiment = PG_GETARG_FLOAT8(1);
	CheckSentiment(sentiment);
	summary = RunningSummary(fcinfo);
	CheckComments(Comments(summary) + 1);
	kind = Kind(sentiment);
	if (kind > 0)
		summary->positive++;
	else if (kind < 0)
		summary->negative++;
	else
		summary->neutral++;
	summary->sum += (int64) rint(sentiment * SENTIMENT_UNITS);
	PG_RETURN_SENTIMENT_SUMMARY(summary);
}

/* Merge two summaries of different comments: combine function, and transition of rollup. NULL has none. */
Datum
cs_sentiment_combine(PG_FUNCTION_ARGS)
{
	SentimentSummary *summary;
	SentimentSummary *other;

	if (PG_ARGISNULL(1))
		return CsUnchangedState(fcinfo);
	other = GetSummary(fcinfo, 1);
	summary = RunningSummary(fcinfo);
	CheckComments(Comments(summary) + Comments(other));
	summary->negative += other->negative;
	summary->neutral += other->neutral;
	summary->positive += other->positive;
	summary->sum += other->sum;
	PG_RETURN_SENTIMENT_SUMMARY(summary);
}

/* sentiment_bucket(sentiment): positive, neutral or negative. */
Datum
cs_sentiment_bucket(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"negative", "neutral", "positive"};

	CheckSentiment(PG_GETARG_FLOAT8(0));
	PG_RETURN_TEXT_P(cstring_to_text(names[Kind(PG_GETARG_FLOAT8(0)) + 1]));
}

/* comments(summary): how many comments there are. */
Datum
cs_sentiment_comments(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(Comments(GetSummary(fcinfo, 0)));
}

/* average_sentiment(summary): mean sentiment, divided once; NULL without comments. */
Datum
cs_sentiment_average(PG_FUNCTION_ARGS)
{
	SentimentSummary *summary = GetSummary(fcinfo, 0);
	int64 comments = Comments(summary);

	if (comments == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8((double) summary->sum / comments / SENTIMENT_UNITS);
}

Datum
cs_sentiment_positive(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(GetSummary(fcinfo, 0)->positive);
}

Datum
cs_sentiment_neutral(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(GetSummary(fcinfo, 0)->neutral);
}

Datum
cs_sentiment_negative(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(GetSummary(fcinfo, 0)->negative);
}
