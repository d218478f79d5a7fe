/*
 * btyd_fit.c
 *		The likelihood of many customers, and the parameters that make it largest.
 *
 * Of a customer's likelihood, the quotients of Gamma functions depend on the
 * frequency alone: rows come sorted by it, so these are sums that run on from
 * row to row. The rest is a mixture of few or many terms, one for each time the
 * customer may have dropped out at, all positive, whose first and second
 * derivatives are known: those of the mixture are means of these, and their
 * covariance. All derivatives are by logarithms of the parameters. Terms are
 * written as ln(1 + T/alpha) rather than as differences of logarithms, so that
 * limits, such as rates that hardly vary, keep their digits.
 *
 * Sums go by blocks, so that rounding does not grow with the number of rows; as
 * rows are sorted, they are the same bits however rows were gathered.
 */
#include <math.h>
#include <string.h>

#include "math/btyd.h"
#include "math/pareto.h"
#include "math/poll.h"
#include "math/rows.h"
#include "math/special.h"

/* Logarithms of parameters, in the order of CsLikelihood. */
enum
{
	R,
	ALPHA,
	A,
	B,
	S = A,
	BETA = B
};

#define BLOCK 1024

/* Up to so many factors of a quotient are multiplied out. */
#define FEW_FACTORS 64

/* Sums over j below the frequency, of ln(p + j) and its first two derivatives by p. */
typedef struct Rising
{
	double p;
	double logs;
	double inverse;
	double squares;
} Rising;

static void
Rise(Rising *rising, int from, int to)
{
	double z = rising->p + from;

	if (to - from > FEW_FACTORS)
	{
		rising->logs += cs_lgamma_difference(z, to - from);
		rising->inverse += cs_digamma_difference(z, to - from);
		rising->squares += cs_trigamma_difference(z, to - from);
		return;
	}
	for (; from < to; from++, z++)
	{
		double inverse = 1.0 / z;

		rising->logs += log(z);
		rising->inverse += inverse;
		rising->squares += inverse * inverse;
	}
}

/* The same of ln((b + j) / (a + b + j)), of which the logarithm alone needs care when a is small. */
typedef struct Remaining
{
	Rising upper;
	Rising lower;
	double logs;
} Remaining;

static void
Remain(Remaining *remaining, double a, int from, int to)
{
	double z = remaining->upper.p + from;

	if (to - from > FEW_FACTORS)
		remaining->logs += cs_lgamma_difference(z, to - from) - cs_lgamma_difference(a + z, to - from);
	else
	{
		int j;

		for (j = from; j < to; j++)
			remaining->logs -= log1p(a / (remaining->upper.p + j));
	}
	Rise(&remaining->upper, from, to);
	Rise(&remaining->lower, from, to);
}

/* Add what the quotient of Gamma functions of r gives. */
static inline void
AddRising(CsLikelihood *sum, double w, double r, const Rising *rising)
{
	double first = r * rising->inverse;

	sum->value += w * rising->logs;
	sum->gradient[R] += w * first;
	sum->hessian[CS_AT(R, R)] += w * (first - r * r * rising->squares);
}

/* Add what the quotient of Beta functions gives. */
static inline void
AddRemaining(CsLikelihood *sum, double w, double a, double b, const Remaining *remaining)
{
	double more = remaining->upper.inverse - remaining->lower.inverse;

	sum->value += w * remaining->logs;
	sum->gradient[A] -= w * a * remaining->lower.inverse;
	sum->gradient[B] += w * b * more;
	sum->hessian[CS_AT(A, A)] += w * (a * a * remaining->lower.squares - a * remaining->lower.inverse);
	sum->hessian[CS_AT(B, A)] += w * a * b * remaining->lower.squares;
	sum->hessian[CS_AT(B, B)] += w *
								 (b * more - b * b * (remaining->upper.squares - remaining->lower.squares));
}

/*
 * Add -shape ln(1 + t/scale) - extra ln(scale), of a Gamma distribution with
 * that scale, shape and what adds to the shape; passed is t/(scale + t).
 */
static inline void
AddWaiting(CsLikelihood *sum, double w, int shape_at, int scale_at, double shape, double extra,
		   double log_scale, double log_ratio, double passed)
{
	double total = shape + extra;

	sum->value -= w * (total * log_ratio + extra * log_scale);
	sum->gradient[shape_at] -= w * shape * log_ratio;
	sum->gradient[scale_at] += w * (total * passed - extra);
	sum->hessian[CS_AT(shape_at, shape_at)] -= w * shape * log_ratio;
	sum->hessian[CS_AT(shape_at, scale_at)] += w * shape * passed;
	sum->hessian[CS_AT(scale_at, scale_at)] -= w * total * passed * (1.0 - passed);
}

/* Parameters, and what follows from them for all customers. */
typedef struct Given
{
	CsBtydKind kind;
	const double *p;
	double log_alpha;
	double log_third;
	double log_fourth;
	const CsTime *times; /* of whole times up to the longest age, or NULL */
} Given;

/* Add the likelihood of customers with the same figures, under BG/NBD or MBG/NBD; log_c is ln(b + x). */
static inline void
AddGeometric(CsLikelihood *sum, double w, const Given *given, const CsFigures *row, double c, double log_c)
{
	double r = given->p[R];
	double alpha = given->p[ALPHA];
	int x = row->frequency;
	double n = r + x;
	double tx = row->first;
	double T = row->second;
	double log_T;
	double left_T;
	double left_t;
	double v;
	double dv;
	double d;
	double e;
	double s;
	double variance;
	double d_r;
	double d_alpha;
	double d_b;

	if (given->times != NULL)
	{
		const CsTime *at_T = &given->times[(int) T];
		const CsTime *at_t = &given->times[(int) tx];

		log_T = at_T->log_ratio;
		left_T = at_T->left;
		left_t = at_t->left;
		v = log_T - at_t->log_ratio;
	}
	else
	{
		log_T = cs_log1p(T / alpha);
		left_T = alpha / (alpha + T);
		left_t = alpha / (alpha + tx);
		v = cs_log1p((T - tx) / (alpha + tx));
	}
	AddWaiting(sum, w, R, ALPHA, r, x, given->log_alpha, log_T, T * left_T / alpha);
	if (given->kind == CS_BGNBD && x == 0)
		return;

	/* the chance to have dropped out at the last purchase, against that to be alive */
	dv = -left_T * ((T - tx) * left_t / alpha);
	d = given->log_third - log_c + n * v;
	e = exp(-fabs(d));
	s = (d > 0 ? 1.0 : e) / (1.0 + e);
	variance = s * (d > 0 ? e / (1.0 + e) : 1.0 - s);
	d_r = r * v;
	d_alpha = n * dv;
	d_b = -given->p[B] / c;

	sum->value += w * (fmax(d, 0.0) + cs_log1p(e));
	s *= w;
	variance *= w;
	sum->gradient[R] += s * d_r;
	sum->gradient[ALPHA] += s * d_alpha;
	sum->gradient[A] += s;
	sum->gradient[B] += s * d_b;
	sum->hessian[CS_AT(R, R)] += s * d_r + variance * d_r * d_r;
	sum->hessian[CS_AT(ALPHA, R)] += s * r * dv + variance * d_alpha * d_r;
	/* left_T (1 - left_T) - left_t (1 - left_t) */
	sum->hessian[CS_AT(ALPHA, ALPHA)] += s * d_alpha * (1.0 - left_T - left_t) + variance * d_alpha * d_alpha;
	sum->hessian[CS_AT(A, R)] += variance * d_r;
	sum->hessian[CS_AT(A, ALPHA)] += variance * d_alpha;
	sum->hessian[CS_AT(A, A)] += variance;
	sum->hessian[CS_AT(B, R)] += variance * d_b * d_r;
	sum->hessian[CS_AT(B, ALPHA)] += variance * d_b * d_alpha;
	sum->hessian[CS_AT(B, A)] += variance * d_b;
	sum->hessian[CS_AT(B, B)] += s * d_b * (1.0 + d_b) + variance * d_b * d_b;
}

/* What is common to the terms of one customer under Pareto/NBD. */
typedef struct Terms
{
	double n;
	double s;
	double left_alpha; /* alpha / (alpha + t_x) */
	double left_beta;
	CsLikelihood mean; /* of derivatives, weighted by terms, which value sums up */
} Terms;

/*
 * Add a term of weight e^log_weight: the customer dropped out at u, or has not
 * until T. by_alpha is ln((alpha+u)/(alpha+t_x)), left_alpha is alpha/(alpha+u).
 */
static inline void
AddTerm(Terms *terms, double weight, double by_alpha, double by_beta, double left_alpha, double left_beta,
		double r, bool dropped)
{
	CsLikelihood *mean = &terms->mean;
	double d_alpha = left_alpha - terms->left_alpha;
	double d_beta = left_beta - terms->left_beta;
	double dd_alpha = left_alpha * (1.0 - left_alpha) - terms->left_alpha * (1.0 - terms->left_alpha);
	double dd_beta = left_beta * (1.0 - left_beta) - terms->left_beta * (1.0 - terms->left_beta);
	double first[CS_BTYD_PARAMETERS];
	int i;
	int j;

	first[R] = -r * by_alpha;
	first[ALPHA] = -terms->n * d_alpha;
	first[S] = dropped - terms->s * by_beta;
	first[BETA] = -terms->s * d_beta - (dropped ? left_beta : 0.0);
	mean->value += weight;
	for (i = 0; i < CS_BTYD_PARAMETERS; i++)
	{
		mean->gradient[i] += weight * first[i];
		for (j = 0; j <= i; j++)
			mean->hessian[CS_AT(i, j)] += weight * first[i] * first[j];
	}
	mean->hessian[CS_AT(R, R)] -= weight * r * by_alpha;
	mean->hessian[CS_AT(ALPHA, R)] -= weight * r * d_alpha;
	mean->hessian[CS_AT(ALPHA, ALPHA)] -= weight * terms->n * dd_alpha;
	mean->hessian[CS_AT(S, S)] -= weight * terms->s * by_beta;
	mean->hessian[CS_AT(BETA, S)] -= weight * terms->s * d_beta;
	mean->hessian[CS_AT(BETA, BETA)] -= weight * (terms->s * dd_beta +
												  (dropped ? left_beta * (1.0 - left_beta) : 0.0));
}

/* Add the likelihood of customers with the same figures, under Pareto/NBD. */
static void
AddPareto(CsLikelihood *sum, double w, const Given *given, const CsFigures *row)
{
	const double *p = given->p;
	double alpha = p[ALPHA];
	double beta = p[BETA];
	double tx = row->first;
	double T = row->second;
	Terms terms = {.n = p[R] + row->frequency,
				   .s = p[S],
				   .left_alpha = alpha / (alpha + tx),
				   .left_beta = beta / (beta + tx)};
	CsParetoNode nodes[CS_PARETO_NODES];
	double log_weights[CS_PARETO_NODES];
	double by_alpha = log1p((T - tx) / (alpha + tx));
	double by_beta = log1p((T - tx) / (beta + tx));
	double alive = -terms.n * by_alpha - terms.s * by_beta;
	double largest = alive;
	double scale;
	int count = T > tx ? cs_pareto_nodes(alpha, beta, tx, T, terms.n, terms.s + 1, 0.0, nodes) : 0;
	int i;
	int j;

	AddWaiting(sum, w, R, ALPHA, p[R], row->frequency, given->log_alpha, log1p(tx / alpha),
			   tx / (alpha + tx));
	AddWaiting(sum, w, S, BETA, p[S], 0.0, given->log_fourth, log1p(tx / beta), tx / (beta + tx));
	for (i = 0; i < count; i++)
	{
		log_weights[i] = given->log_third - terms.n * nodes[i].by_alpha - terms.s * nodes[i].by_beta +
						 nodes[i].log_weight;
		largest = fmax(largest, log_weights[i]);
	}
	AddTerm(&terms, exp(alive - largest), by_alpha, by_beta, alpha / (alpha + T), beta / (beta + T), p[R],
			false);
	for (i = 0; i < count; i++)
		AddTerm(&terms, exp(log_weights[i] - largest), nodes[i].by_alpha, nodes[i].by_beta,
				alpha / (alpha + nodes[i].u), beta / (beta + nodes[i].u), p[R], true);

	scale = 1.0 / terms.mean.value;
	sum->value += w * (largest + log(terms.mean.value));
	for (i = 0; i < CS_BTYD_PARAMETERS; i++)
	{
		double mean = terms.mean.gradient[i] * scale;

		sum->gradient[i] += w * mean;
		for (j = 0; j <= i; j++)
			sum->hessian[CS_AT(i, j)] += w * (terms.mean.hessian[CS_AT(i, j)] * scale -
											  mean * terms.mean.gradient[j] * scale);
	}
}

/* Look up the logarithm of b + x or of b + x - 1 only when x is another. */
typedef struct Last
{
	double c;
	double log_c;
} Last;

static inline void
SetLast(Last *last, const Given *given, int frequency)
{
	last->c = given->p[B] + (frequency - (given->kind == CS_BGNBD));
	last->log_c = log(last->c);
}

/* What a fit needs of each whole time up to the longest age. */
static void
SetTimes(const CsPopulation *population, double alpha)
{
	int i;

	for (i = 0; i <= population->longest; i++)
	{
		population->times[i].log_ratio = cs_log1p(i / alpha);
		population->times[i].left = alpha / (alpha + i);
	}
}

/* The likelihood of a population: see CsLikelihoodFunction. */
static void
Likelihood(const void *data, const double *p, CsLikelihood *result)
{
	const CsPopulation *population = data;
	Given given = {.kind = population->kind,
				   .p = p,
				   .log_alpha = log(p[ALPHA]),
				   .log_third = log(p[A]),
				   .log_fourth = log(p[B])};
	Rising rising = {.p = p[R]};
	Remaining remaining = {.upper.p = p[B], .lower.p = p[A] + p[B]};
	Last last;
	int frequency = 0;
	int remained = 0;
	size_t i = 0;

	if (given.kind != CS_PARETO_NBD && population->format == CS_ROWS_PACKED)
	{
		SetTimes(population, p[ALPHA]);
		given.times = population->times;
	}
	SetLast(&last, &given, 0);
	while (i < population->n)
	{
		CsLikelihood sum = {0};
		int k;

		cs_math_poll();
		for (k = 0; k < BLOCK && i < population->n; k++, i += population->step)
		{
			CsFigures row;
			double w = cs_read_row(population, i, &row);

			if (row.frequency > frequency)
			{
				Rise(&rising, frequency, row.frequency);
				frequency = row.frequency;
				SetLast(&last, &given, frequency);
			}
			AddRising(&sum, w, p[R], &rising);
			if (given.kind == CS_PARETO_NBD)
			{
				AddPareto(&sum, w, &given, &row);
				continue;
			}
			if (frequency + (given.kind == CS_MBGNBD) > remained)
			{
				Remain(&remaining, p[A], remained, frequency + (given.kind == CS_MBGNBD));
				remained = frequency + (given.kind == CS_MBGNBD);
			}
			AddRemaining(&sum, w, p[A], p[B], &remaining);
			AddGeometric(&sum, w, &given, &row, last.c, last.log_c);
		}
		cs_add_likelihood(result, &sum);
	}
}

/* The logarithm of the likelihood of one customer. */
double
cs_btyd_log_likelihood(CsBtydKind kind, const double *p, int x, double tx, double T)
{
	CsFigures row = {.first = tx, .second = T, .frequency = x, .count = 1};
	CsPopulation population = {.kind = kind, .format = CS_ROWS_PLAIN, .n = 1, .step = 1, .rows = &row};
	CsLikelihood result = {0};

	Likelihood(&population, p, &result);
	return result.value;
}

/*
 * Fit a model. It starts where a population of that mean rate would be if half
 * of it had dropped out, and where all buy much alike and most leave at once:
 * few customers, or short times, may have a maximum near either. There must be
 * a customer with an age.
 */
void
cs_btyd_fit(const CsPopulation *population, CsMaximum *maximum)
{
	double weight = 0.0;
	double purchases = 0.0;
	double age = 0.0;
	double starts[2][CS_MAX_PARAMETERS] = {{0.5, 0.0, 1.0, 2.0}, {20.0, 0.0, 0.05, 0.05}};
	size_t i;

	for (i = 0; i < population->n; i++)
	{
		CsFigures row;
		double w = cs_read_row(population, i, &row);

		if (i % CS_MATH_STRIDE == 0)
			cs_math_poll();
		weight += w;
		purchases += w * row.frequency;
		age += w * row.second;
	}
	starts[0][ALPHA] = starts[0][R] * age / fmax(2 * purchases, 0.1 * weight);
	starts[1][ALPHA] = starts[1][R] * age / fmax(purchases, 0.05 * weight);
	if (population->kind == CS_PARETO_NBD)
	{
		starts[0][S] = 1.0;
		starts[0][BETA] = age / weight;
		starts[1][BETA] *= age / weight;
	}
	cs_fit_rows(Likelihood, population, CS_BTYD_PARAMETERS, starts, 2, maximum);
}
