/*
 * clv_predict.c
 *		What models say of one customer: the model comes first, then the summary.
 *
 * Everything is a function of its arguments; time runs on from the moment that
 * the summary is as of. Lengths of time are intervals, in which a month is
 * 365.25/12 days, and a discount is one a year, whatever the unit of the model.
 * What is costly and the same for many customers is remembered between the calls
 * of one query, in the memory of the call site; answers do not depend on it.
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/timestamp.h"

#include "core/compat.h"
#include "core/moment.h"
#include "model/clv_model.h"

#define USECS_PER_MODEL_YEAR (365.25 * USECS_PER_DAY)

/* The most repeat purchases that a chance is asked for. */
#define MOST_PURCHASES 1000000

PG_FUNCTION_INFO_V1(cs_p_alive);
PG_FUNCTION_INFO_V1(cs_expected_purchases);
PG_FUNCTION_INFO_V1(cs_expected_purchases_new);
PG_FUNCTION_INFO_V1(cs_purchase_probability);
PG_FUNCTION_INFO_V1(cs_purchase_probability_new);
PG_FUNCTION_INFO_V1(cs_next_purchase_date);
PG_FUNCTION_INFO_V1(cs_discounted_expected_purchases);
PG_FUNCTION_INFO_V1(cs_expected_spend);
PG_FUNCTION_INFO_V1(cs_expected_spend_new);
PG_FUNCTION_INFO_V1(cs_clv);

/* Arguments of most functions: a model, and a summary in its unit. */
static inline const ClvModel *
ModelArg(FunctionCallInfo fcinfo, int n)
{
	return CsClvModelArg(PG_GETARG_DATUM(n));
}

static inline const ClvSummary *
SummaryArg(FunctionCallInfo fcinfo, int n, const ClvModel *model)
{
	const ClvSummary *summary = CsClvSummaryArg(PG_GETARG_DATUM(n));

	CsClvCheckUnit(model, summary);
	return summary;
}

/* A length of time in units of a model. */
static inline double
HorizonArg(FunctionCallInfo fcinfo, int n, const ClvModel *model)
{
	return (double) CsClvLength(PG_GETARG_INTERVAL_P(n), "horizon") / (double) model->unit;
}

/* A rate of discount a year as what is lost in a unit of the model, compounded all the time. */
static double
DiscountArg(FunctionCallInfo fcinfo, int n, const ClvModel *model)
{
	double discount = PG_GETARG_FLOAT8(n);

	if (!(discount >= 0.0) || isinf(discount))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("annual_discount must be a finite number from 0 on, not %g", discount),
						errhint("It is a rate a year: 0.12 for 12 %% a year.")));
	return log1p(discount) * ((double) model->unit / USECS_PER_MODEL_YEAR);
}

/* A figure from 0 on; what double precision cannot hold is none. */
static inline Datum
Figure(FunctionCallInfo fcinfo, double value)
{
	if (unlikely(!isfinite(value)))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(Max(value, 0.0));
}

/* The same for a probability. */
static inline Datum
Probability(FunctionCallInfo fcinfo, double value)
{
	return Figure(fcinfo, value > 1.0 ? 1.0 : value);
}

/*
 * What customers who are alive will buy depends on frequency and age alone, so
 * that many have the same: what was worked out for one is remembered for the
 * others, as long as model, horizon and discount stay the same.
 */
typedef struct Remembered
{
	double age;
	double value;
	int32 frequency;
	bool known;
} Remembered;

typedef struct Memory
{
	int64 calls;
	int kind;
	double parameters[CS_BTYD_PARAMETERS];
	double horizon;
	double delta;
	Remembered *slots;
} Memory;

#define MEMORY_BITS 14
#define MEMORY_SLOTS (1 << MEMORY_BITS)
#define CALLS_BEFORE_MEMORY 100

/* The slot for a customer, or NULL while it does not pay to have one. */
static Remembered *
Slot(FunctionCallInfo fcinfo, const ClvModel *model, const ClvSummary *summary, double horizon, double delta)
{
	Memory *memory = fcinfo->flinfo->fn_extra;
	uint64 bits;

	if (memory == NULL)
		memory = fcinfo->flinfo->fn_extra = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(Memory));
	if (++memory->calls < CALLS_BEFORE_MEMORY)
		return NULL;
	if (memory->kind != model->kind || memory->horizon != horizon || memory->delta != delta ||
		memcmp(memory->parameters, model->parameters, sizeof(memory->parameters)) != 0)
	{
		if (memory->slots != NULL)
		{
			/* a model of each row is better off without */
			pfree(memory->slots);
			memory->slots = NULL;
			memory->calls = 0;
		}
		memory->kind = model->kind;
		memory->horizon = horizon;
		memory->delta = delta;
		memcpy(memory->parameters, model->parameters, sizeof(memory->parameters));
		return NULL;
	}
	if (memory->slots == NULL)
		memory->slots = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, MEMORY_SLOTS * sizeof(Remembered));
	memcpy(&bits, &summary->age, sizeof(bits));
	bits = (bits ^ (uint64) summary->frequency * UINT64CONST(0x100000001)) * UINT64CONST(0x9E3779B97F4A7C15);
	return &memory->slots[bits >> (64 - MEMORY_BITS)];
}

/* Purchases until a horizon, discounted unless delta is negative, of a customer who is alive. */
static double
AliveUntil(FunctionCallInfo fcinfo, const ClvModel *model, const ClvSummary *summary, double horizon,
		   double delta)
{
	Remembered *slot = Slot(fcinfo, model, summary, horizon, delta);
	CsBtydKind kind = (CsBtydKind) model->kind;
	double value;

	if (slot != NULL && slot->known && slot->frequency == summary->frequency && slot->age == summary->age)
		return slot->value;
	value = delta < 0.0
				? cs_btyd_alive_expected(kind, model->parameters, summary->frequency, summary->age, horizon)
				: cs_btyd_alive_discounted(kind, model->parameters, summary->frequency, summary->age, horizon,
										   delta);
	if (slot != NULL)
	{
		slot->known = true;
		slot->frequency = summary->frequency;
		slot->age = summary->age;
		slot->value = value;
	}
	return value;
}

/* See p_alive. */
static double
PAlive(const ClvModel *model, const ClvSummary *summary)
{
	return cs_btyd_p_alive((CsBtydKind) model->kind, model->parameters, summary->frequency, summary->recency,
						   summary->age);
}

/* p_alive(model, summary) */
Datum
cs_p_alive(PG_FUNCTION_ARGS)
{
	const ClvModel *model = ModelArg(fcinfo, 0);
	const ClvSummary *summary = SummaryArg(fcinfo, 1, model);

	return Probability(fcinfo, PAlive(model, summary));
}

/* expected_purchases(model, summary, horizon) */
Datum
cs_expected_purchases(PG_FUNCTION_ARGS)
{
	const ClvModel *model = ModelArg(fcinfo, 0);
	const ClvSummary *summary = SummaryArg(fcinfo, 1, model);

	return Figure(fcinfo, PAlive(model, summary) *
							  AliveUntil(fcinfo, model, summary, HorizonArg(fcinfo, 2, model), -1.0));
}

/* expected_purchases(model, horizon): of a new customer, after the first purchase. */
Datum
cs_expected_purchases_new(PG_FUNCTION_ARGS)
{
	const ClvModel *model = ModelArg(fcinfo, 0);

	return Figure(fcinfo, cs_btyd_expected((CsBtydKind) model->kind, model->parameters, 0, 0.0, 0.0,
										   HorizonArg(fcinfo, 1, model)));
}

/* purchase_probability(model, summary, horizon): of one purchase or more. */
Datum
cs_purchase_probability(PG_FUNCTION_ARGS)
{
	const ClvModel *model = ModelArg(fcinfo, 0);
	const ClvSummary *summary = SummaryArg(fcinfo, 1, model);

	return Probability(fcinfo,
					   cs_btyd_probability((CsBtydKind) model->kind, model->parameters, summary->frequency,
										   summary->recency, summary->age, HorizonArg(fcinfo, 2, model)));
}

/* purchase_probability(model, horizon, purchases): of just so many repeat purchases of a new customer. */
Datum
cs_purchase_probability_new(PG_FUNCTION_ARGS)
{
	const ClvModel *model = ModelArg(fcinfo, 0);
	int purchases = PG_GETARG_INT32(2);

	if (purchases < 0 || purchases > MOST_PURCHASES)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("purchases must be between 0 and %d, not %d", MOST_PURCHASES, purchases),
						errhint("It counts repeat purchases: 0 for a customer who buys once.")));
	PG_RETURN_FLOAT8(
		cs_btyd_pmf((CsBtydKind) model->kind, model->parameters, HorizonArg(fcinfo, 1, model), purchases));
}

/*
 * next_purchase_date(model, summary, as_of, level, time_zone): the day on which
 * the chance of a purchase after as_of reaches the level; NULL when it never
 * does, or after the last day that timestamps reach.
 */
Datum
cs_next_purchase_date(PG_FUNCTION_ARGS)
{
	const ClvModel *model = ModelArg(fcinfo, 0);
	const ClvSummary *summary = SummaryArg(fcinfo, 1, model);
	TimestampTz as_of = PG_GETARG_TIMESTAMPTZ(2);
	double level = PG_GETARG_FLOAT8(3);
	pg_tz *zone = CsZone(text_to_cstring(PG_GETARG_TEXT_PP(4)));
	double wait;
	TimestampTz next;

	CsCheckFinite(as_of, "as_of");
	if (!(level > 0.0 && level < 1.0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("level must be between 0 and 1, not %g", level),
						errhint("It is the chance of a purchase that the day stands for, for example 0.5.")));
	wait = cs_btyd_wait((CsBtydKind) model->kind, model->parameters, summary->frequency, summary->recency,
						summary->age, level);
	wait *= (double) model->unit;
	if (wait < 0.0 || !(wait < (double) END_TIMESTAMP - (double) as_of - USECS_PER_DAY))
		PG_RETURN_NULL();
	/* the wait alone may be more than a timestamp holds */
	next = (TimestampTz) ((int128) wait + as_of);
	PG_RETURN_DATEADT(CsDayInZone(next, zone) - POSTGRES_EPOCH_JDATE);
}

/* discounted_expected_purchases(model, summary, annual_discount): all to come, under Pareto/NBD. */
Datum
cs_discounted_expected_purchases(PG_FUNCTION_ARGS)
{
	const ClvModel *model = ModelArg(fcinfo, 0);
	const ClvSummary *summary = SummaryArg(fcinfo, 1, model);
	double delta = DiscountArg(fcinfo, 2, model);

	if (model->kind != CLV_PARETO_NBD)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("discounted_expected_purchases needs a model of kind pareto_nbd, not %s",
							   CsClvKindInfo(model->kind)->name),
						errhint("Use expected_purchases or clv with a horizon.")));
	if (delta <= 0.0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("annual_discount must be above 0 where the time to come has no end"),
						errhint("Use expected_purchases with a horizon for purchases without discount.")));
	return Figure(fcinfo,
				  cs_btyd_dert(model->parameters, summary->frequency, summary->recency, summary->age, delta));
}

/* The mean value of a purchase; false when the model has none, or the customer's mean so far is negative. */
static bool
MeanSpend(const ClvModel *spend, const ClvSummary *summary, double *mean)
{
	if ((spend->warnings & CLV_INFINITE_MEAN_SPEND) || summary->monetary < 0.0)
		return false;
	*mean = cs_spend_expected(spend->parameters, summary->frequency, summary->monetary);
	return true;
}

/* expected_spend(spend_model, summary) */
Datum
cs_expected_spend(PG_FUNCTION_ARGS)
{
	const ClvModel *spend = ModelArg(fcinfo, 0);
	double mean;

	if (!MeanSpend(spend, SummaryArg(fcinfo, 1, spend), &mean))
		PG_RETURN_NULL();
	return Figure(fcinfo, mean);
}

/* expected_spend(spend_model): of a new customer, the mean of the population. */
Datum
cs_expected_spend_new(PG_FUNCTION_ARGS)
{
	const ClvModel *spend = ModelArg(fcinfo, 0);

	if (spend->warnings & CLV_INFINITE_MEAN_SPEND)
		PG_RETURN_NULL();
	return Figure(fcinfo, cs_spend_expected(spend->parameters, 0, 0.0));
}

/*
 * clv(clv_model, spend_model, summary, horizon, annual_discount): the value of
 * purchases until the horizon, each discounted from when it is expected.
 */
Datum
cs_clv(PG_FUNCTION_ARGS)
{
	const ClvModel *model = ModelArg(fcinfo, 0);
	const ClvModel *spend = ModelArg(fcinfo, 1);
	const ClvSummary *summary = SummaryArg(fcinfo, 2, model);
	double horizon = HorizonArg(fcinfo, 3, model);
	double delta = DiscountArg(fcinfo, 4, model);
	double mean;

	CsClvCheckUnit(spend, summary);
	if (!MeanSpend(spend, summary, &mean))
		PG_RETURN_NULL();
	return Figure(fcinfo, mean * PAlive(model, summary) * AliveUntil(fcinfo, model, summary, horizon, delta));
}
