/*
 * spend.c
 *		The Gamma-Gamma model of what purchases are worth.
 *
 * Of a customer with x > 0 repeat periods of mean value m > 0, what depends on x
 * alone is worked out once for all rows of that x, as rows come sorted. Of y = x m
 * there remain ln(1 + v/y) and ln(1 + y/v). Derivatives are by the logarithms of
 * the parameters.
 */
#include <math.h>

#include "math/poll.h"
#include "math/rows.h"
#include "math/special.h"
#include "math/spend.h"

/* Logarithms of parameters, in the order of CsLikelihood. */
enum
{
	P,
	Q,
	V
};

#define BLOCK 1024

/* What depends on the frequency alone. */
typedef struct Shape
{
	int frequency;
	double s; /* p x */
	CsLikelihood part;
} Shape;

static void
SetShape(Shape *shape, const double *parameters, int frequency)
{
	double q = parameters[Q];
	double s = parameters[P] * frequency;
	double both = s * q * cs_trigamma(s + q);
	double by_s = s * cs_digamma_difference(s, q);
	double by_q = q * cs_digamma_difference(q, s);
	CsLikelihood *part = &shape->part;

	shape->frequency = frequency;
	shape->s = s;
	part->value = cs_lgamma_difference(fmax(s, q), fmin(s, q)) - cs_lgamma(fmin(s, q));
	part->gradient[P] = by_s;
	part->gradient[Q] = by_q;
	part->hessian[CS_AT(P, P)] = by_s - s * s * cs_trigamma_difference(s, q);
	part->hessian[CS_AT(Q, P)] = both;
	part->hessian[CS_AT(Q, Q)] = by_q - q * q * cs_trigamma_difference(q, s);
}

/* Add the likelihood of customers with the same figures. */
static inline void
AddSpend(CsLikelihood *sum, double w, const double *parameters, const Shape *shape, double mean)
{
	double v = parameters[V];
	double q = parameters[Q];
	double s = shape->s;
	double y = mean * shape->frequency;
	double by_y = s * log1p(v / y);
	double by_v = q * log1p(y / v);
	double left = v / (v + y);
	double rest = y / (v + y);

	sum->value += w * (shape->part.value - by_y - by_v - log(mean));
	sum->gradient[P] += w * (shape->part.gradient[P] - by_y);
	sum->gradient[Q] += w * (shape->part.gradient[Q] - by_v);
	sum->gradient[V] += w * (q * rest - s * left);
	sum->hessian[CS_AT(P, P)] += w * (shape->part.hessian[CS_AT(P, P)] - by_y);
	sum->hessian[CS_AT(Q, P)] += w * shape->part.hessian[CS_AT(Q, P)];
	sum->hessian[CS_AT(Q, Q)] += w * (shape->part.hessian[CS_AT(Q, Q)] - by_v);
	sum->hessian[CS_AT(V, P)] -= w * s * left;
	sum->hessian[CS_AT(V, Q)] += w * q * rest;
	sum->hessian[CS_AT(V, V)] -= w * (s + q) * left * rest;
}

/* The likelihood of a population: see CsLikelihoodFunction. */
static void
Likelihood(const void *data, const double *parameters, CsLikelihood *result)
{
	const CsPopulation *population = data;
	Shape shape = {.frequency = 0};
	size_t i = 0;

	while (i < population->n)
	{
		CsLikelihood sum = {0};
		int k;

		cs_math_poll();
		for (k = 0; k < BLOCK && i < population->n; k++, i += population->step)
		{
			CsFigures row;
			double w = cs_read_row(population, i, &row);

			if (row.frequency != shape.frequency)
				SetShape(&shape, parameters, row.frequency);
			AddSpend(&sum, w, parameters, &shape, row.first);
		}
		cs_add_likelihood(result, &sum);
	}
}

/* The logarithm of the density of one customer's mean value. */
double
cs_spend_log_likelihood(const double *p, int x, double m)
{
	CsFigures row = {.first = m, .frequency = x, .count = 1};
	CsPopulation population = {.format = CS_ROWS_PLAIN, .n = 1, .step = 1, .rows = &row};
	CsLikelihood result = {0};

	Likelihood(&population, p, &result);
	return result.value;
}

/*
 * Fit the model to customers with repeats of positive value, starting where the
 * mean of the population is right.
 */
void
cs_spend_fit(const CsPopulation *population, CsMaximum *maximum)
{
	double purchases = 0.0;
	double total = 0.0;
	double start[1][CS_MAX_PARAMETERS] = {{1.0, 2.0, 0.0}};
	size_t i;

	for (i = 0; i < population->n; i++)
	{
		CsFigures row;
		double w = cs_read_row(population, i, &row);

		if (i % CS_MATH_STRIDE == 0)
			cs_math_poll();
		purchases += w * row.frequency;
		total += w * row.frequency * row.first;
	}
	start[0][V] = total / purchases;
	cs_fit_rows(Likelihood, population, CS_SPEND_PARAMETERS, start, 1, maximum);
}

/*
 * The mean value of a purchase of a customer with x repeat periods of mean value
 * m, or of a new one with x = 0. Only for q > 1: otherwise the population has no
 * finite mean.
 */
double
cs_spend_expected(const double *p, int x, double m)
{
	double paid = x > 0 ? x * m : 0.0;

	return p[P] * (p[V] + paid) / (p[P] * x + p[Q] - 1.0);
}
