/*
 * special.h
 *		Gamma and its kin, and quadrature: see special.c.
 */
#ifndef CUSTOMER_SCORING_SPECIAL_H
#define CUSTOMER_SCORING_SPECIAL_H

#include <math.h>

extern double cs_lgamma(double z);
extern double cs_digamma(double z);
extern double cs_trigamma(double z);
extern double cs_lgamma_difference(double z, double h);
extern double cs_digamma_difference(double z, double h);
extern double cs_trigamma_difference(double z, double h);

/* A node of a Gauss-Legendre rule on [-1, 1]; the other half has negative places. */
typedef struct CsNode
{
	double place;
	double weight;
	double log_weight;
} CsNode;

#define CS_NODES_SHORT 10
#define CS_NODES_LONG 20

extern const CsNode cs_nodes_short[CS_NODES_SHORT / 2];
extern const CsNode cs_nodes_long[CS_NODES_LONG / 2];

/* ln(1 + x), faster where 1 + x does not lose digits that matter. */
static inline double
cs_log1p(double x)
{
	return x > 0.01 ? log(1.0 + x) : log1p(x);
}

/* (e^(c y) - 1) / c, which is y at c = 0. */
extern double cs_expm1_over(double c, double y);

#endif /* CUSTOMER_SCORING_SPECIAL_H */
