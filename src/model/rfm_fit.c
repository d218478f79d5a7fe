/*
 * rfm_fit.c
 *		The aggregate rfm_fit: the breaks of a population as an rfm_model.
 *
 * Who is part of the population, and where the breaks lie, is as for the window
 * function: see rfm_window.c. as_of and bins are the same for all rows; they
 * live in the state, and merging states compares them.
 */
#include "postgres.h"

#include "fmgr.h"

#include "core/check.h"
#include "core/compat.h"
#include "core/moment.h"
#include "model/rfm_model.h"
#include "model/rfm_population.h"

#define DEFAULT_BINS 5

PG_FUNCTION_INFO_V1(cs_rfm_fit_summary);
PG_FUNCTION_INFO_V1(cs_rfm_fit_int2);
PG_FUNCTION_INFO_V1(cs_rfm_fit_int4);
PG_FUNCTION_INFO_V1(cs_rfm_fit_int8);
PG_FUNCTION_INFO_V1(cs_rfm_fit_numeric);
PG_FUNCTION_INFO_V1(cs_rfm_fit_float8);
PG_FUNCTION_INFO_V1(cs_rfm_fit_combine);
PG_FUNCTION_INFO_V1(cs_rfm_fit_final);

/* States and rows must be about the same question. */
static void
CheckSame(const RfmPopulation *population, TimestampTz as_of, int bins)
{
	if (population->as_of != as_of)
		CsMixedParameter("as_of");
	if (population->bins != bins)
		CsMixedParameter("bins");
}

/*
 * Take one customer into the state, or none: a row that is no part of the
 * population leaves the state as it is, but its parameters must be sound. The
 * argument as_of is given by number; bins follows it or is left out.
 */
static Datum
TakeCustomer(FunctionCallInfo fcinfo, const RfmCustomer *customer, int as_of_argument)
{
	MemoryContext context = CsAggContext(fcinfo);
	RfmPopulation *population;
	TimestampTz as_of;
	int bins = DEFAULT_BINS;

	if (PG_ARGISNULL(as_of_argument))
		CsNullParameter("as_of");
	as_of = PG_GETARG_TIMESTAMPTZ(as_of_argument);
	CsCheckFinite(as_of, "as_of");
	if (PG_NARGS() > as_of_argument + 1)
	{
		if (PG_ARGISNULL(as_of_argument + 1))
			CsNullParameter("bins");
		bins = PG_GETARG_INT32(as_of_argument + 1);
		CsCheckBins(bins);
	}
	if (customer == NULL)
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	if (PG_ARGISNULL(0))
		population = CsRfmNewPopulation(context, as_of, bins, customer->kind);
	else
		population = CsRfmOwnPopulation(PG_GETARG_DATUM(0), context);
	CheckSame(population, as_of, bins);
	CsRfmCheckCustomer(customer);
	CsCheckNotAfter(customer->last, as_of);
	CsRfmAdd(&population->customers, customer);
	return EOHPGetRWDatum(&population->header);
}

/* rfm_fit(purchase_summary, as_of [, bins]) */
Datum
cs_rfm_fit_summary(PG_FUNCTION_ARGS)
{
	RfmCustomer customer;
	bool part = !PG_ARGISNULL(1) && CsRfmFromSummary(&customer, PG_GETARG_PURCHASE_SUMMARY(1));

	return TakeCustomer(fcinfo, part ? &customer : NULL, 2);
}

/* rfm_fit(last_order_at, orders, revenue, as_of [, bins]), one for each type. */
static Datum
TakeColumns(FunctionCallInfo fcinfo, CsRfmSetRevenue set_revenue)
{
	RfmCustomer customer;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
		return TakeCustomer(fcinfo, NULL, 4);
	customer.last = PG_GETARG_TIMESTAMPTZ(1);
	customer.orders = PG_GETARG_INT64(2);
	set_revenue(&customer, PG_GETARG_DATUM(3));
	return TakeCustomer(fcinfo, &customer, 4);
}

Datum
cs_rfm_fit_int2(PG_FUNCTION_ARGS)
{
	return TakeColumns(fcinfo, CsRfmRevenueInt2);
}

Datum
cs_rfm_fit_int4(PG_FUNCTION_ARGS)
{
	return TakeColumns(fcinfo, CsRfmRevenueInt4);
}

Datum
cs_rfm_fit_int8(PG_FUNCTION_ARGS)
{
	return TakeColumns(fcinfo, CsRfmRevenueInt8);
}

Datum
cs_rfm_fit_numeric(PG_FUNCTION_ARGS)
{
	return TakeColumns(fcinfo, CsRfmRevenueNumeric);
}

Datum
cs_rfm_fit_float8(PG_FUNCTION_ARGS)
{
	return TakeColumns(fcinfo, CsRfmRevenueFloat8);
}

/* Merge two states of disjoint rows; NULL is the state of no customers. */
Datum
cs_rfm_fit_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = CsAggContext(fcinfo);
	RfmPopulation *population;
	RfmPopulation view;
	const RfmPopulation *other;

	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	other = CsRfmReadPopulation(PG_GETARG_DATUM(1), &view);
	if (PG_ARGISNULL(0))
		population = CsRfmNewPopulation(context, other->as_of, other->bins, other->customers.kind);
	else
		population = CsRfmOwnPopulation(PG_GETARG_DATUM(0), context);
	CheckSame(population, other->as_of, other->bins);
	CsRfmAppend(&population->customers, &other->customers);
	return EOHPGetRWDatum(&population->header);
}

/* The model of the customers so far; NULL without any. */
Datum
cs_rfm_fit_final(PG_FUNCTION_ARGS)
{
	RfmPopulation view;
	const RfmPopulation *population;
	RfmBreaks breaks;

	(void) CsAggContext(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	population = CsRfmReadPopulation(PG_GETARG_DATUM(0), &view);
	CsRfmBreaks(&population->customers, population->bins, &breaks);
	PG_RETURN_POINTER(CsRfmMakeModel(&breaks, population->as_of));
}
