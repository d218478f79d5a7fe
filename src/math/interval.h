/*
 * interval.h
 *		Confidence intervals and two-sided tests: see interval.c.
 */
#ifndef CUSTOMER_SCORING_INTERVAL_H
#define CUSTOMER_SCORING_INTERVAL_H

extern double CsNormalDeviate(double confidence);
extern double CsTwoSidedP(double z);
extern void CsWilsonInterval(double successes, double trials, double deviate, double *lower, double *upper);

#endif /* CUSTOMER_SCORING_INTERVAL_H */
