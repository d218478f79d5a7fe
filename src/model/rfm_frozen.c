/*
 * rfm_frozen.c
 *		rfm(rfm_model, …): one customer's scores against frozen breaks.
 *
 * Needs no population, so it works in a trigger and in a trickle of single
 * rows. Ages are compared: at the model's own as_of the scores are those of the
 * window function, and afterwards a customer who stays away sinks while the
 * breaks stand still. as_of may also lie before the model's: the model is a
 * yardstick and no claim about a time.
 */
#include "postgres.h"

#include "fmgr.h"

#include "core/check.h"
#include "core/compat.h"
#include "core/moment.h"
#include "model/rfm_model.h"
#include "model/rfm_row.h"

PG_FUNCTION_INFO_V1(cs_rfm_frozen_summary);
PG_FUNCTION_INFO_V1(cs_rfm_frozen_int2);
PG_FUNCTION_INFO_V1(cs_rfm_frozen_int4);
PG_FUNCTION_INFO_V1(cs_rfm_frozen_int8);
PG_FUNCTION_INFO_V1(cs_rfm_frozen_numeric);
PG_FUNCTION_INFO_V1(cs_rfm_frozen_float8);

/* A customer's three scores by a model, as of a moment. */
void
CsRfmFrozenScores(const RfmModel *model, const RfmCustomer *customer, TimestampTz as_of, int *r, int *f,
				  int *m)
{
	const uint64 *ages = CsRfmModelAges(model);
	const int64 *orders = CsRfmModelOrders(model);
	uint64 age;
	int k;

	CsRfmCheckKind(model->kind, customer->kind);
	CsRfmCheckCustomer(customer);
	CsCheckFinite(as_of, "as_of");
	CsCheckNotAfter(customer->last, as_of);
	age = (uint64) as_of - (uint64) customer->last;
	*r = *f = *m = 1;
	for (k = 0; k < model->bins - 1; k++)
	{
		*r += ages[k] > age;
		*f += orders[k] < customer->orders;
		*m += CsRfmModelRevenue(model, k) < customer->revenue;
	}
}

/* The scores of a customer by the model that is argument 0. */
static Datum
FrozenScore(FunctionCallInfo fcinfo, const RfmCustomer *customer, TimestampTz as_of)
{
	const RfmModel *model = CsRfmModelArg(PG_GETARG_DATUM(0));
	const RfmScoreForm *form = CsRfmScoreForm(fcinfo);
	int r;
	int f;
	int m;

	CsRfmFrozenScores(model, customer, as_of, &r, &f, &m);
	return CsRfmScoreDatum(form, r, f, m, model->bins);
}

/* rfm(rfm_model, purchase_summary, as_of); NULL without an order. */
Datum
cs_rfm_frozen_summary(PG_FUNCTION_ARGS)
{
	RfmCustomer customer;

	if (!CsRfmFromSummary(&customer, PG_GETARG_PURCHASE_SUMMARY(1)))
		PG_RETURN_NULL();
	return FrozenScore(fcinfo, &customer, PG_GETARG_TIMESTAMPTZ(2));
}

/* rfm(rfm_model, last_order_at, orders, revenue, as_of), one for each type. */
static Datum
FrozenColumns(FunctionCallInfo fcinfo, CsRfmSetRevenue set_revenue)
{
	RfmCustomer customer;

	customer.last = PG_GETARG_TIMESTAMPTZ(1);
	customer.orders = PG_GETARG_INT64(2);
	set_revenue(&customer, PG_GETARG_DATUM(3));
	return FrozenScore(fcinfo, &customer, PG_GETARG_TIMESTAMPTZ(4));
}

Datum
cs_rfm_frozen_int2(PG_FUNCTION_ARGS)
{
	return FrozenColumns(fcinfo, CsRfmRevenueInt2);
}

Datum
cs_rfm_frozen_int4(PG_FUNCTION_ARGS)
{
	return FrozenColumns(fcinfo, CsRfmRevenueInt4);
}

Datum
cs_rfm_frozen_int8(PG_FUNCTION_ARGS)
{
	return FrozenColumns(fcinfo, CsRfmRevenueInt8);
}

Datum
cs_rfm_frozen_numeric(PG_FUNCTION_ARGS)
{
	return FrozenColumns(fcinfo, CsRfmRevenueNumeric);
}

Datum
cs_rfm_frozen_float8(PG_FUNCTION_ARGS)
{
	return FrozenColumns(fcinfo, CsRfmRevenueFloat8);
}
