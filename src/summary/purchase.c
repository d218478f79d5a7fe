/*
 * purchase.c
 *		purchase_summary: what is kept of one customer's purchases.
 *
 * An *order* is an amount above zero, a *refund* one below zero; an amount of
 * zero counts as neither. Refunds lower the revenue and touch nothing else. The
 * summary is 64 bytes of fixed length, so an aggregate changes it in place, and
 * it is mergeable: two summaries of disjoint rows give the summary of all rows.
 *
 * States live in the aggregate's memory context; accessors allocate nothing but
 * their results.
 */
#include "postgres.h"

#include "fmgr.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"

#include "core/check.h"
#include "core/compat.h"
#include "core/form.h"
#include "core/moment.h"
#include "summary/purchase.h"

static const char SummaryName[] = "purchase_summary";

PG_FUNCTION_INFO_V1(cs_purchase_summary_in);
PG_FUNCTION_INFO_V1(cs_purchase_summary_out);
PG_FUNCTION_INFO_V1(cs_purchase_summary_recv);
PG_FUNCTION_INFO_V1(cs_purchase_summary_send);
PG_FUNCTION_INFO_V1(cs_purchase_accum_int2);
PG_FUNCTION_INFO_V1(cs_purchase_accum_int4);
PG_FUNCTION_INFO_V1(cs_purchase_accum_int8);
PG_FUNCTION_INFO_V1(cs_purchase_accum_numeric);
PG_FUNCTION_INFO_V1(cs_purchase_accum_float4);
PG_FUNCTION_INFO_V1(cs_purchase_accum_float8);
PG_FUNCTION_INFO_V1(cs_purchase_combine);
PG_FUNCTION_INFO_V1(cs_first_order_at);
PG_FUNCTION_INFO_V1(cs_previous_order_at);
PG_FUNCTION_INFO_V1(cs_last_order_at);
PG_FUNCTION_INFO_V1(cs_orders);
PG_FUNCTION_INFO_V1(cs_refunds);
PG_FUNCTION_INFO_V1(cs_revenue);
PG_FUNCTION_INFO_V1(cs_average_order_value);
PG_FUNCTION_INFO_V1(cs_recency_days);
PG_FUNCTION_INFO_V1(cs_tenure_days);

/* The summary of no rows, which changes nothing it is merged with. */
static void
InitSummary(PurchaseSummary *summary)
{
	memset(summary, 0, sizeof(PurchaseSummary));
	summary->revenue.version = PURCHASE_SUMMARY_VERSION;
	summary->first = DT_NOEND;
	summary->previous = DT_NOBEGIN;
	summary->last = DT_NOBEGIN;
}

/* An argument, refused when another version wrote it. */
static inline PurchaseSummary *
GetSummary(FunctionCallInfo fcinfo, int n)
{
	PurchaseSummary *summary = PG_GETARG_PURCHASE_SUMMARY(n);

	CsCheckVersion(SummaryName, summary->revenue.version, PURCHASE_SUMMARY_VERSION);
	return summary;
}

/*
 * What contradicts itself in a summary that came from outside, or NULL: every
 * value accepted here is one that some rows would have produced.
 */
static const char *
Contradiction(const PurchaseSummary *summary)
{
	const CsMoney *revenue = &summary->revenue;
	int sign = CsMoneySign(revenue);
	bool has_first = summary->first != DT_NOEND;
	bool has_previous = summary->previous != DT_NOBEGIN;
	bool has_last = summary->last != DT_NOBEGIN;

	if (summary->orders < 0 || summary->refunds < 0)
		return "Counts cannot be negative.";
	if (has_first != (summary->orders > 0) || has_last != (summary->orders > 0) ||
		has_previous != (summary->orders > 1))
		return "There must be a first and a last moment if there is an order, and a previous one if there "
			   "are two.";
	if ((has_first && !IS_VALID_TIMESTAMP(summary->first)) ||
		(has_last && !IS_VALID_TIMESTAMP(summary->last)) ||
		(has_previous && !IS_VALID_TIMESTAMP(summary->previous)))
		return "A moment is out of range.";
	if (summary->first > summary->last && summary->orders > 0)
		return "The first order is after the last.";
	if (summary->orders == 1 && summary->first != summary->last)
		return "One order cannot have two moments.";
	if (has_previous && (summary->previous < summary->first || summary->previous > summary->last))
		return "The previous order is not between the first and the last.";
	if (summary->orders == 2 && summary->previous != summary->first)
		return "The previous of two orders must be the first.";
	if ((summary->refunds == 0 && summary->orders > 0 && sign <= 0) ||
		(summary->orders == 0 && summary->refunds > 0 && sign >= 0) ||
		(summary->orders == 0 && summary->refunds == 0 && sign != 0))
		return "The revenue contradicts the number of orders and refunds.";
	if (revenue->scale > CS_MONEY_MAX_SCALE)
		return "The scale is out of range.";
	if (revenue->carry == 0)
	{
		int128 step = 1;
		int i;

		for (i = revenue->scale; i < CS_MONEY_DECIMALS; i++)
			step *= 10;
		if (CsMoneyLow128(revenue) % step != 0)
			return "The revenue has more decimals than its scale.";
	}
	return NULL;
}

/*
 * Text form: {"v":1,"orders":3,"refunds":0,"revenue":59.97,"first":…,
 * "previous":…,"last":…}; moments that do not exist are left out. A total too
 * large for 128 bits, which cannot be read out but can be merged further, shows
 * the part that fits and a "carry".
 */
Datum
cs_purchase_summary_in(PG_FUNCTION_ARGS)
{
	PurchaseSummary *summary = palloc(sizeof(PurchaseSummary));
	CsForm form;
	int128 units;
	int scale;
	const char *fault;

	InitSummary(summary);
	CsFormOpen(&form, SummaryName, PG_GETARG_CSTRING(0));
	CsCheckVersion(SummaryName, CsFormInt64(&form, "v", 0, PG_INT16_MAX), PURCHASE_SUMMARY_VERSION);
	summary->orders = CsFormInt64(&form, "orders", 0, PG_INT64_MAX);
	summary->refunds = CsFormInt64(&form, "refunds", 0, PG_INT64_MAX);
	if (!CsUnitsFromNumeric(CsFormNumeric(&form, "revenue"), &units, &scale))
		CsBadText(SummaryName, "The revenue is out of range.");
	CsMoneySetLow128(&summary->revenue, units);
	summary->revenue.scale = scale;
	if (CsFormHas(&form, "carry"))
	{
		summary->revenue.carry = CsFormInt64(&form, "carry", PG_INT32_MIN, PG_INT32_MAX);
		summary->revenue.scale = CsFormInt64(&form, "scale", 0, CS_MONEY_MAX_SCALE);
	}
	CsFormMoment(&form, "first", &summary->first);
	CsFormMoment(&form, "previous", &summary->previous);
	CsFormMoment(&form, "last", &summary->last);
	CsFormClose(&form);

	fault = Contradiction(summary);
	if (fault != NULL)
		CsBadText(SummaryName, fault);
	PG_RETURN_PURCHASE_SUMMARY(summary);
}

Datum
cs_purchase_summary_out(PG_FUNCTION_ARGS)
{
	PurchaseSummary *summary = GetSummary(fcinfo, 0);
	const CsMoney *revenue = &summary->revenue;
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "{\"v\":%d,\"orders\":" INT64_FORMAT ",\"refunds\":" INT64_FORMAT ",\"revenue\":",
					 revenue->version, summary->orders, summary->refunds);
	if (revenue->carry == 0)
		CsUnitsText(&out, CsMoneyLow128(revenue), revenue->scale);
	else
	{
		CsUnitsText(&out, CsMoneyLow128(revenue), CS_MONEY_DECIMALS);
		appendStringInfo(&out, ",\"scale\":%d,\"carry\":%d", revenue->scale, revenue->carry);
	}
	if (summary->orders > 0)
	{
		appendStringInfoString(&out, ",\"first\":\"");
		CsMomentText(&out, summary->first);
		if (summary->orders > 1)
		{
			appendStringInfoString(&out, "\",\"previous\":\"");
			CsMomentText(&out, summary->previous);
		}
		appendStringInfoString(&out, "\",\"last\":\"");
		CsMomentText(&out, summary->last);
		appendStringInfoChar(&out, '"');
	}
	appendStringInfoChar(&out, '}');
	PG_RETURN_CSTRING(out.data);
}

/* Binary form: the fields in their order, in network byte order. */
Datum
cs_purchase_summary_recv(PG_FUNCTION_ARGS)
{
	StringInfo buf = (StringInfo) PG_GETARG_POINTER(0);
	PurchaseSummary *summary = palloc(sizeof(PurchaseSummary));
	const char *fault;

	summary->revenue.version = pq_getmsgint(buf, 2);
	CsCheckVersion(SummaryName, summary->revenue.version, PURCHASE_SUMMARY_VERSION);
	summary->revenue.scale = pq_getmsgint(buf, 2);
	summary->revenue.carry = pq_getmsgint(buf, 4);
	summary->revenue.high = pq_getmsgint64(buf);
	summary->revenue.low = pq_getmsgint64(buf);
	summary->first = pq_getmsgint64(buf);
	summary->previous = pq_getmsgint64(buf);
	summary->last = pq_getmsgint64(buf);
	summary->orders = pq_getmsgint64(buf);
	summary->refunds = pq_getmsgint64(buf);

	fault = Contradiction(summary);
	if (fault != NULL)
		CsBadBinary(SummaryName, fault);
	PG_RETURN_PURCHASE_SUMMARY(summary);
}

Datum
cs_purchase_summary_send(PG_FUNCTION_ARGS)
{
	PurchaseSummary *summary = GetSummary(fcinfo, 0);
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendint16(&buf, summary->revenue.version);
	pq_sendint16(&buf, summary->revenue.scale);
	pq_sendint32(&buf, summary->revenue.carry);
	pq_sendint64(&buf, summary->revenue.high);
	pq_sendint64(&buf, summary->revenue.low);
	pq_sendint64(&buf, summary->first);
	pq_sendint64(&buf, summary->previous);
	pq_sendint64(&buf, summary->last);
	pq_sendint64(&buf, summary->orders);
	pq_sendint64(&buf, summary->refunds);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/*
 * The running state of an aggregate; a new one if this is the first row that
 * counts. Only an aggregate may change its argument, hence the check per call.
 */
static inline PurchaseSummary *
RunningSummary(FunctionCallInfo fcinfo)
{
	PurchaseSummary *summary;

	if (!PG_ARGISNULL(0))
	{
		CsRequireAggregate(fcinfo);
		return GetSummary(fcinfo, 0);
	}
	summary = MemoryContextAlloc(CsAggContext(fcinfo), sizeof(PurchaseSummary));
	InitSummary(summary);
	return summary;
}

/* Take one row into a summary. */
static inline void
AddPurchase(PurchaseSummary *summary, TimestampTz ordered_at, const CsAmount *amount)
{
	CsCheckFinite(ordered_at, "ordered_at");
	CsMoneyAdd(&summary->revenue, amount);
	if (amount->units > 0)
	{
		summary->orders++;
		summary->first = Min(summary->first, ordered_at);
		if (ordered_at > summary->last)
		{
			summary->previous = summary->last;
			summary->last = ordered_at;
		}
		else
			summary->previous = Max(summary->previous, ordered_at);
	}
	else if (amount->units < 0)
		summary->refunds++;
}

/*
 * One transition function a type of amount: a row with a NULL counts as no row,
 * and a group without a row that counts has the summary NULL.
 */
#define DEFINE_PURCHASE_ACCUM(name, getarg, from)                \
	Datum name(PG_FUNCTION_ARGS)                                 \
	{                                                            \
		PurchaseSummary *summary;                                \
		CsAmount amount;                                         \
                                                                 \
		if (PG_ARGISNULL(1) || PG_ARGISNULL(2))                  \
		{                                                        \
			CsRequireAggregate(fcinfo);                          \
			if (PG_ARGISNULL(0))                                 \
				PG_RETURN_NULL();                                \
			PG_RETURN_DATUM(PG_GETARG_DATUM(0));                 \
		}                                                        \
		summary = RunningSummary(fcinfo);                        \
		from(getarg(2), &amount);                                \
		AddPurchase(summary, PG_GETARG_TIMESTAMPTZ(1), &amount); \
		PG_RETURN_PURCHASE_SUMMARY(summary);                     \
	}

#define GETARG_PACKED_NUMERIC(n) CsPackedNumeric(PG_GETARG_DATUM(n))

DEFINE_PURCHASE_ACCUM(cs_purchase_accum_int2, PG_GETARG_INT16, CsAmountFromInt64)
DEFINE_PURCHASE_ACCUM(cs_purchase_accum_int4, PG_GETARG_INT32, CsAmountFromInt64)
DEFINE_PURCHASE_ACCUM(cs_purchase_accum_int8, PG_GETARG_INT64, CsAmountFromInt64)
DEFINE_PURCHASE_ACCUM(cs_purchase_accum_numeric, GETARG_PACKED_NUMERIC, CsAmountFromNumeric)
DEFINE_PURCHASE_ACCUM(cs_purchase_accum_float4, PG_GETARG_FLOAT4, CsAmountFromFloat4)
DEFINE_PURCHASE_ACCUM(cs_purchase_accum_float8, PG_GETARG_FLOAT8, CsAmountFromFloat8)

/*
 * Merge two summaries of disjoint rows: combine function of purchase_summary
 * and transition function of rollup. NULL is the summary of no rows.
 */
Datum
cs_purchase_combine(PG_FUNCTION_ARGS)
{
	PurchaseSummary *summary;
	PurchaseSummary *other;
	TimestampTz second;

	if (PG_ARGISNULL(1))
	{
		CsRequireAggregate(fcinfo);
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	summary = RunningSummary(fcinfo);
	other = GetSummary(fcinfo, 1);

	CsMoneyMerge(&summary->revenue, &other->revenue);
	summary->orders = CsAddCounts(summary->orders, other->orders, "orders");
	summary->refunds = CsAddCounts(summary->refunds, other->refunds, "refunds");
	summary->first = Min(summary->first, other->first);
	/* the second latest of four: the lesser last, or either previous */
	second = Min(summary->last, other->last);
	second = Max(second, summary->previous);
	summary->previous = Max(second, other->previous);
	summary->last = Max(summary->last, other->last);
	PG_RETURN_PURCHASE_SUMMARY(summary);
}

/* Moment of the first order; NULL without an order. */
Datum
cs_first_order_at(PG_FUNCTION_ARGS)
{
	PurchaseSummary *summary = GetSummary(fcinfo, 0);

	if (summary->orders == 0)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(summary->first);
}

/* Moment of the last order but one; NULL with fewer than two orders. */
Datum
cs_previous_order_at(PG_FUNCTION_ARGS)
{
	PurchaseSummary *summary = GetSummary(fcinfo, 0);

	if (summary->orders < 2)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(summary->previous);
}

/* Moment of the last order; NULL without an order. */
Datum
cs_last_order_at(PG_FUNCTION_ARGS)
{
	PurchaseSummary *summary = GetSummary(fcinfo, 0);

	if (summary->orders == 0)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(summary->last);
}

Datum
cs_orders(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(GetSummary(fcinfo, 0)->orders);
}

Datum
cs_refunds(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(GetSummary(fcinfo, 0)->refunds);
}

/* The exact total net of refunds. */
Datum
cs_revenue(PG_FUNCTION_ARGS)
{
	PG_RETURN_NUMERIC(CsMoneyNumeric(&GetSummary(fcinfo, 0)->revenue));
}

/* Revenue divided by orders, as numeric division rounds; NULL without an order. */
Datum
cs_average_order_value(PG_FUNCTION_ARGS)
{
	PurchaseSummary *summary = GetSummary(fcinfo, 0);

	if (summary->orders == 0)
		PG_RETURN_NULL();
	return DirectFunctionCall2(numeric_div, NumericGetDatum(CsMoneyNumeric(&summary->revenue)),
							   NumericGetDatum(int64_to_numeric(summary->orders)));
}

/* Calendar days in a zone from a moment to as_of, none of the orders later. */
static Datum
DaysUntil(FunctionCallInfo fcinfo, PurchaseSummary *summary, TimestampTz moment)
{
	TimestampTz as_of = PG_GETARG_TIMESTAMPTZ(1);
	pg_tz *zone = CsZone(text_to_cstring(PG_GETARG_TEXT_PP(2)));

	CsCheckFinite(as_of, "as_of");
	if (summary->orders == 0)
		PG_RETURN_NULL();
	CsCheckNotAfter(summary->last, as_of);
	PG_RETURN_INT32(CsDayInZone(as_of, zone) - CsDayInZone(moment, zone));
}

/* Days since the last order; NULL without an order. */
Datum
cs_recency_days(PG_FUNCTION_ARGS)
{
	PurchaseSummary *summary = GetSummary(fcinfo, 0);

	return DaysUntil(fcinfo, summary, summary->last);
}

/* Days since the first order; NULL without an order. */
Datum
cs_tenure_days(PG_FUNCTION_ARGS)
{
	PurchaseSummary *summary = GetSummary(fcinfo, 0);

	return DaysUntil(fcinfo, summary, summary->first);
}
