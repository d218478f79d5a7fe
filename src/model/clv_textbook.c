/*
 * clv_textbook.c
 *		Customer lifetime value by the formulas of textbooks.
 *
 * All is numeric: sums and products are exact, and the one division there is has
 * at least 16 significant digits, as numeric division has. Nothing here knows
 * orders; the models in btyd*.c do.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "core/compat.h"

PG_FUNCTION_INFO_V1(cs_clv_historic);
PG_FUNCTION_INFO_V1(cs_clv_lifespan);
PG_FUNCTION_INFO_V1(cs_clv_simple);
PG_FUNCTION_INFO_V1(cs_clv_simple_due);

static Datum
Add(Datum a, Datum b)
{
	return DirectFunctionCall2(numeric_add, a, b);
}

static Datum
Subtract(Datum a, Datum b)
{
	return DirectFunctionCall2(numeric_sub, a, b);
}

static Datum
Multiply(Datum a, Datum b)
{
	return DirectFunctionCall2(numeric_mul, a, b);
}

static bool
Less(Datum a, Datum b)
{
	return DatumGetBool(DirectFunctionCall2(numeric_lt, a, b));
}

static Datum
Whole(int64 value)
{
	return NumericGetDatum(int64_to_numeric(value));
}

static char *
Shown(Datum value)
{
	return DatumGetCString(DirectFunctionCall1(numeric_out, value));
}

/* A numeric argument, which must be a number. */
static Datum
FiniteArgument(FunctionCallInfo fcinfo, int n, const char *name)
{
	Numeric value = PG_GETARG_NUMERIC(n);

	if (numeric_is_nan(value) || numeric_is_inf(value))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("%s must be finite, not %s", name, Shown(NumericGetDatum(value))),
						errhint("Leave such rows out, or give NULL where %s is not known.", name)));
	return NumericGetDatum(value);
}

/* The same, and not below zero. */
static Datum
PositiveArgument(FunctionCallInfo fcinfo, int n, const char *name, const char *hint)
{
	Datum value = FiniteArgument(fcinfo, n, name);

	if (Less(value, Whole(0)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be below 0, but is %s", name, Shown(value)), errhint("%s", hint)));
	return value;
}

/* clv_historic(revenue, margin, acquisition_cost, service_cost) */
Datum
cs_clv_historic(PG_FUNCTION_ARGS)
{
	Datum revenue = FiniteArgument(fcinfo, 0, "revenue");
	Datum margin = FiniteArgument(fcinfo, 1, "margin");
	Datum acquisition_cost = FiniteArgument(fcinfo, 2, "acquisition_cost");
	Datum service_cost = FiniteArgument(fcinfo, 3, "service_cost");

	return Subtract(Subtract(Multiply(revenue, margin), acquisition_cost), service_cost);
}

/* clv_lifespan(average_order_value, orders_per_period, lifetime, margin, acquisition_cost, service_cost) */
Datum
cs_clv_lifespan(PG_FUNCTION_ARGS)
{
	Datum value = FiniteArgument(fcinfo, 0, "average_order_value");
	Datum orders = PositiveArgument(fcinfo, 1, "orders_per_period",
									"It is a mean number of orders, such as 1.5 a month.");
	Datum lifetime = PositiveArgument(fcinfo, 2, "lifetime",
									  "It is a number of periods; with a churn rate c, 1 / c.");
	Datum margin = FiniteArgument(fcinfo, 3, "margin");
	Datum acquisition_cost = FiniteArgument(fcinfo, 4, "acquisition_cost");
	Datum service_cost = FiniteArgument(fcinfo, 5, "service_cost");

	return Subtract(Subtract(Multiply(Multiply(Multiply(value, orders), lifetime), margin), acquisition_cost),
					Multiply(service_cost, lifetime));
}

/*
 * What a margin in each period is worth: the first comes now and whole (due), or a
 * period from now from those who stay; each further one is
 * multiplied by retention / (1 + discount) once more.
 */
static Datum
Perpetuity(FunctionCallInfo fcinfo, bool due)
{
	Datum margin = FiniteArgument(fcinfo, 0, "margin");
	Datum retention = PositiveArgument(fcinfo, 1, "retention",
									   "It is the share of customers who stay for the next period: 0 to 1.");
	Datum discount = PositiveArgument(fcinfo, 2, "discount",
									  "It is a rate a period, such as 0.1 for ten percent.");
	Datum acquisition_cost = FiniteArgument(fcinfo, 3, "acquisition_cost");
	Datum grown = Add(Whole(1), discount);
	Datum lost = Subtract(grown, retention);

	if (Less(Whole(1), retention))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("retention must not be above 1, but is %s", Shown(retention)),
				 errhint("It is the share of customers who stay for the next period; 80 percent is 0.8.")));
	if (!Less(Whole(0), lost))
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("retention %s must be below 1 + discount, which is %s", Shown(retention), Shown(grown)),
			 errhint("Customers who never leave and are never discounted have no finite value: give a "
					 "discount above zero.")));
	return Subtract(DirectFunctionCall2(numeric_div, Multiply(margin, due ? grown : retention), lost),
					acquisition_cost);
}

/* clv_simple(margin, retention, discount, acquisition_cost): the first margin comes a period from now. */
Datum
cs_clv_simple(PG_FUNCTION_ARGS)
{
	return Perpetuity(fcinfo, false);
}

/* clv_simple_due(margin, retention, discount, acquisition_cost): the first margin comes now. */
Datum
cs_clv_simple_due(PG_FUNCTION_ARGS)
{
	return Perpetuity(fcinfo, true);
}
