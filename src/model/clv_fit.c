/*
 * clv_fit.c
 *		The aggregates mbgnbd_fit, bgnbd_fit, pareto_nbd_fit and gamma_gamma_fit.
 *
 * The three of purchases gather the same state, so that PostgreSQL gathers it
 * once for all of them in a query; which model it is, is told by the final
 * function. A row that no model can use is left out and counted by reason in the
 * model: a summary that is NULL, a weight that is NULL, not finite or not above
 * zero, and for the model of spend a customer without a repeat or of no positive
 * mean value. What would contradict itself cannot be in a summary.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "fmgr.h"
#include "miscadmin.h"

#include "core/check.h"
#include "core/compat.h"
#include "model/clv_population.h"

#define HASHED_ROWS 65536

PG_FUNCTION_INFO_V1(cs_clv_fit_accum);
PG_FUNCTION_INFO_V1(cs_clv_fit_accum_weighted);
PG_FUNCTION_INFO_V1(cs_spend_fit_accum);
PG_FUNCTION_INFO_V1(cs_spend_fit_accum_weighted);
PG_FUNCTION_INFO_V1(cs_clv_fit_combine);
PG_FUNCTION_INFO_V1(cs_mbgnbd_fit_final);
PG_FUNCTION_INFO_V1(cs_bgnbd_fit_final);
PG_FUNCTION_INFO_V1(cs_pareto_nbd_fit_final);
PG_FUNCTION_INFO_V1(cs_gamma_gamma_fit_final);

/* The population so far, a new one for the first row. */
static inline ClvPopulation *
RunningPopulation(FunctionCallInfo fcinfo, bool spend)
{
	MemoryContext context;

	if (!PG_ARGISNULL(0) && VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(PG_GETARG_DATUM(0))))
	{
		CsRequireAggregate(fcinfo);
		return (ClvPopulation *) DatumGetEOHP(PG_GETARG_DATUM(0));
	}
	context = CsAggContext(fcinfo);
	return PG_ARGISNULL(0) ? CsClvNewPopulation(context, spend)
						   : CsClvOwnPopulation(PG_GETARG_DATUM(0), context);
}

/* The weight of a row: argument 2, where there is one; false if it has none to count by. */
static inline bool
RowWeight(FunctionCallInfo fcinfo, bool weighted, double *weight)
{
	*weight = 1.0;
	if (!weighted)
		return true;
	if (PG_ARGISNULL(2))
		return false;
	*weight = PG_GETARG_FLOAT8(2);
	return *weight >= CLV_LEAST_WEIGHT && *weight <= CLV_MOST_WEIGHT;
}

/* Take a row into the state of a model of purchases or of spend, or count why not. */
static inline Datum
Accumulate(FunctionCallInfo fcinfo, bool spend, bool weighted)
{
	ClvPopulation *population = RunningPopulation(fcinfo, spend);
	int64 *rejected = population->head.rejected;
	const ClvSummary *summary;
	CsFigures figures;
	double weight;

	if (PG_ARGISNULL(1))
		rejected[CLV_REJECT_NULL]++;
	else if (!RowWeight(fcinfo, weighted, &weight))
		rejected[CLV_REJECT_WEIGHT]++;
	else
	{
		summary = CsClvSummaryArg(PG_GETARG_DATUM(1));
		CsClvCheckSameUnit(population, summary->unit);
		figures.frequency = summary->frequency;
		figures.count = 1;
		figures.first = spend ? summary->monetary : summary->recency;
		figures.second = spend ? 0.0 : summary->age;
		if (spend && summary->frequency == 0)
			rejected[CLV_REJECT_NO_REPEAT]++;
		else if (spend && summary->monetary <= 0.0)
			rejected[CLV_REJECT_VALUE]++;
		else
			CsClvAdd(population, &figures, weight);
	}
	return EOHPGetRWDatum(&population->header);
}

Datum
cs_clv_fit_accum(PG_FUNCTION_ARGS)
{
	return Accumulate(fcinfo, false, false);
}

Datum
cs_clv_fit_accum_weighted(PG_FUNCTION_ARGS)
{
	return Accumulate(fcinfo, false, true);
}

Datum
cs_spend_fit_accum(PG_FUNCTION_ARGS)
{
	return Accumulate(fcinfo, true, false);
}

Datum
cs_spend_fit_accum_weighted(PG_FUNCTION_ARGS)
{
	return Accumulate(fcinfo, true, true);
}

/* Merge two states of disjoint rows; NULL is the state of no rows. */
Datum
cs_clv_fit_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = CsAggContext(fcinfo);
	ClvPopulation *population;

	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	if (PG_ARGISNULL(0))
		population = CsClvOwnPopulation(PG_GETARG_DATUM(1), context);
	else
	{
		population = CsClvOwnPopulation(PG_GETARG_DATUM(0), context);
		CsClvAppend(population, PG_GETARG_DATUM(1));
	}
	return EOHPGetRWDatum(&population->header);
}

/* A hash of the customers, the same however they came together. */
static uint64
Fingerprint(const ClvPopulation *population)
{
	const ClvPopulationHead *head = &population->head;
	Size row = cs_row_size((CsRowFormat) head->format);
	uint64 hash = hash_bytes_extended((const unsigned char *) &head->unit, sizeof(head->unit), head->n);
	int64 i;

	for (i = 0; i < head->n; i += HASHED_ROWS)
	{
		CHECK_FOR_INTERRUPTS();
		hash = hash_bytes_extended((const unsigned char *) population->rows + i * row,
								   Min(HASHED_ROWS, head->n - i) * row, hash);
	}
	return hash;
}

/* What there is to learn from. */
typedef struct Content
{
	double weight;
	double purchases;
	double longest; /* age */
	int fewest; /* repeat periods, */
	int most;
} Content;

static void
Look(const CsPopulation *rows, Content *content)
{
	CsFigures row;
	int64 i;

	memset(content, 0, sizeof(Content));
	for (i = 0; i < rows->n; i++)
	{
		double w = cs_read_row(rows, i, &row);

		if (i % HASHED_ROWS == 0)
			CHECK_FOR_INTERRUPTS();
		content->weight += w;
		content->purchases += w * row.frequency;
		content->longest = Max(content->longest, row.second);
		if (i == 0)
			content->fewest = row.frequency;
		content->most = row.frequency;
	}
}

/*
 * What to warn of. If all customers have the same number of repeats, p and q can
 * change places, so that nothing tells how much values vary between customers.
 */
static int
Warnings(ClvKind kind, const Content *content, const CsMaximum *maximum)
{
	const bool *identified = maximum->identified;
	int warnings = maximum->converged ? 0 : CLV_NOT_CONVERGED;

	if (kind == CLV_GAMMA_GAMMA)
	{
		if (!identified[0] || !identified[1] || !identified[2] || content->fewest == content->most)
			warnings |= CLV_SPEND_NOT_IDENTIFIED;
		if (maximum->parameters[1] <= 1.0)
			warnings |= CLV_INFINITE_MEAN_SPEND;
		return warnings;
	}
	if (content->purchases == 0.0)
		warnings |= CLV_NO_REPEAT_PURCHASES;
	if (!identified[0] || !identified[1])
		warnings |= CLV_RATE_NOT_IDENTIFIED;
	if (!identified[2] || !identified[3])
		warnings |= CLV_DROPOUT_NOT_IDENTIFIED;
	return warnings;
}

/* The model of the customers so far; NULL when there is nobody to learn from. */
static Datum
Fit(FunctionCallInfo fcinfo, ClvKind kind)
{
	const ClvKindInfo *info = CsClvKindInfo(kind);
	ClvPopulation *population;
	ClvModel *model;
	CsPopulation rows = {.kind = (CsBtydKind) kind, .step = 1};
	Content content;
	CsMaximum maximum;
	int i;

	(void) CsAggContext(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	/* collapsing leaves the value what it is, so it may be done to one that is to be read only */
	population = VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(PG_GETARG_DATUM(0)))
					 ? (ClvPopulation *) DatumGetEOHP(PG_GETARG_DATUM(0))
					 : CsClvOwnPopulation(PG_GETARG_DATUM(0), CurrentMemoryContext);
	if ((population->head.spend != 0) != (kind == CLV_GAMMA_GAMMA))
		CsMixedParameter("kind of model");
	CsClvCollapse(population);
	rows.n = population->head.n;
	rows.format = (CsRowFormat) population->head.format;
	rows.rows = population->rows;
	Look(&rows, &content);
	if (rows.n == 0 || (kind != CLV_GAMMA_GAMMA && content.longest == 0.0))
		PG_RETURN_NULL();
	if (rows.format == CS_ROWS_PACKED)
	{
		rows.longest = (int) content.longest;
		rows.times = palloc((rows.longest + 1) * sizeof(CsTime));
	}

	if (kind == CLV_GAMMA_GAMMA)
		cs_spend_fit(&rows, &maximum);
	else
		cs_btyd_fit(&rows, &maximum);

	model = palloc0(sizeof(ClvModel));
	model->version = CLV_MODEL_VERSION;
	model->kind = kind;
	model->warnings = Warnings(kind, &content, &maximum);
	model->iterations = maximum.iterations;
	model->unit = population->head.unit;
	model->customers = population->head.customers;
	memcpy(model->rejected, population->head.rejected, sizeof(model->rejected));
	model->fingerprint = Fingerprint(population);
	model->weight = content.weight;
	/* adding zero takes the sign off zero */
	model->log_likelihood = maximum.value + 0.0;
	for (i = 0; i < info->nparameters; i++)
		model->parameters[i] = maximum.parameters[i];
	if (CsClvHasErrors(model))
		for (i = 0; i < CS_TRIANGLE(info->nparameters); i++)
			model->covariance[i] = maximum.covariance[i] + 0.0;
	PG_RETURN_POINTER(model);
}

Datum
cs_mbgnbd_fit_final(PG_FUNCTION_ARGS)
{
	return Fit(fcinfo, CLV_MBGNBD);
}

Datum
cs_bgnbd_fit_final(PG_FUNCTION_ARGS)
{
	return Fit(fcinfo, CLV_BGNBD);
}

Datum
cs_pareto_nbd_fit_final(PG_FUNCTION_ARGS)
{
	return Fit(fcinfo, CLV_PARETO_NBD);
}

Datum
cs_gamma_gamma_fit_final(PG_FUNCTION_ARGS)
{
	return Fit(fcinfo, CLV_GAMMA_GAMMA);
}
