/*
 * spend.h
 *		The Gamma-Gamma model of what purchases are worth: see spend.c.
 */
#ifndef CUSTOMER_SCORING_SPEND_H
#define CUSTOMER_SCORING_SPEND_H

#include "math/btyd.h"

/* p, q and v: values are Gamma(p) at a rate that is Gamma(q, v) between customers. */
#define CS_SPEND_PARAMETERS 3

extern void cs_spend_fit(const CsPopulation *population, CsMaximum *maximum);
extern double cs_spend_log_likelihood(const double *p, int x, double m);
extern double cs_spend_expected(const double *p, int x, double m);

#endif /* CUSTOMER_SCORING_SPEND_H */
