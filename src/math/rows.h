/*
 * rows.h
 *		Populations as rows: see rows.c.
 */
#ifndef CUSTOMER_SCORING_ROWS_H
#define CUSTOMER_SCORING_ROWS_H

#include "math/btyd.h"

extern void cs_sort_packed(uint64_t *numbers, size_t n, uint64_t *space);
extern void cs_fit_rows(CsLikelihoodFunction function, const CsPopulation *population, int n,
						const double (*starts)[CS_MAX_PARAMETERS], int nstarts, CsMaximum *maximum);

#endif /* CUSTOMER_SCORING_ROWS_H */
