/*
 * newton.h
 *		Maximum likelihood by damped Newton steps: see newton.c.
 */
#ifndef CUSTOMER_SCORING_NEWTON_H
#define CUSTOMER_SCORING_NEWTON_H

#include <stdbool.h>

#define CS_MAX_PARAMETERS 4

/* The lower triangle of a symmetric matrix by rows: [i][j], j <= i. */
#define CS_TRIANGLE(n) ((n) * ((n) + 1) / 2)
#define CS_AT(i, j) ((i) >= (j) ? (i) * ((i) + 1) / 2 + (j) : (j) * ((j) + 1) / 2 + (i))

/* A log-likelihood with its derivatives by the logarithms of the parameters. */
typedef struct CsLikelihood
{
	double value;
	double gradient[CS_MAX_PARAMETERS];
	double hessian[CS_TRIANGLE(CS_MAX_PARAMETERS)];
} CsLikelihood;

/* Works a likelihood out at given parameters, all above zero; the data are the caller's. */
typedef void (*CsLikelihoodFunction)(const void *data, const double *parameters, CsLikelihood *result);

/* A maximum. */
typedef struct CsMaximum
{
	double parameters[CS_MAX_PARAMETERS];
	double covariance[CS_TRIANGLE(CS_MAX_PARAMETERS)]; /* only if all parameters are identified */
	double value;
	int iterations; /* evaluations with derivatives */
	bool converged;
	bool identified[CS_MAX_PARAMETERS];
} CsMaximum;

extern void cs_add_likelihood(CsLikelihood *sum, const CsLikelihood *part);
extern void cs_maximise(CsLikelihoodFunction function, const void *data, int n, const double *scale,
						const double *start, double weight, CsMaximum *maximum);

#endif /* CUSTOMER_SCORING_NEWTON_H */
