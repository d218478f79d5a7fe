/*
 * btyd.h
 *		Buy-till-you-die models: see btyd_fit.c and btyd_predict.c.
 */
#ifndef CUSTOMER_SCORING_BTYD_H
#define CUSTOMER_SCORING_BTYD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "math/newton.h"

/*
 * Parameters are r and alpha of how purchase rates vary between customers, then
 * a and b of how the chance to drop out at a purchase varies (MBG/NBD and
 * BG/NBD), or s and beta of how the rate of dropping out does (Pareto/NBD).
 */
typedef enum CsBtydKind
{
	CS_MBGNBD = 1,
	CS_BGNBD = 2,
	CS_PARETO_NBD = 3
} CsBtydKind;

#define CS_BTYD_PARAMETERS 4

/*
 * Customers with the same figures: repeat periods, with recency and age, or with
 * their mean value and 0. Rows of a population rise by the frequency.
 */
typedef struct CsFigures
{
	double first;
	double second;
	int32_t frequency;
	uint32_t count;
} CsFigures;

/* The same, each counting for so many. */
typedef struct CsWeightedFigures
{
	CsFigures figures;
	double weight;
} CsWeightedFigures;

/*
 * How rows are held. Whole numbers that are not too large are packed, from the
 * highest bits on: frequency, recency, age, count; so rows sort as numbers.
 */
typedef enum CsRowFormat
{
	CS_ROWS_PACKED,
	CS_ROWS_PLAIN,
	CS_ROWS_WEIGHTED
} CsRowFormat;

#define CS_PACKED_TIME_BITS 14
#define CS_PACKED_COUNT_BITS 16
#define CS_PACKED_FREQUENCY_BITS (64 - 2 * CS_PACKED_TIME_BITS - CS_PACKED_COUNT_BITS)
#define CS_PACKED_TIMES (1 << CS_PACKED_TIME_BITS)
#define CS_PACKED_COUNTS ((1 << CS_PACKED_COUNT_BITS) - 1)

/* What a fit needs of each whole time, worked out once for all rows. */
typedef struct CsTime
{
	double log_ratio; /* ln(1 + time/alpha) */
	double left; /* alpha / (alpha + time) */
} CsTime;

typedef struct CsPopulation
{
	CsBtydKind kind; /* of a model of purchases */
	CsRowFormat format;
	size_t n;
	size_t step; /* one row in so many is looked at */
	const void *rows;
	CsTime *times; /* room for whole times up to the longest, if rows are packed */
	int longest;
} CsPopulation;

static inline size_t
cs_row_size(CsRowFormat format)
{
	return format == CS_ROWS_PACKED	 ? sizeof(uint64_t)
		   : format == CS_ROWS_PLAIN ? sizeof(CsFigures)
									 : sizeof(CsWeightedFigures);
}

/* The figures of a row, and how many customers it counts for. */
static inline double
cs_read_row(const CsPopulation *population, size_t i, CsFigures *figures)
{
	if (population->format == CS_ROWS_PACKED)
	{
		uint64_t packed = ((const uint64_t *) population->rows)[i];

		figures->count = packed & CS_PACKED_COUNTS;
		figures->second = (int) (packed >> CS_PACKED_COUNT_BITS & (CS_PACKED_TIMES - 1));
		figures->first = (int) (packed >> (CS_PACKED_COUNT_BITS + CS_PACKED_TIME_BITS) &
								(CS_PACKED_TIMES - 1));
		figures->frequency = packed >> (64 - CS_PACKED_FREQUENCY_BITS);
		return figures->count;
	}
	if (population->format == CS_ROWS_PLAIN)
	{
		*figures = ((const CsFigures *) population->rows)[i];
		return figures->count;
	}
	*figures = ((const CsWeightedFigures *) population->rows)[i].figures;
	return figures->count * ((const CsWeightedFigures *) population->rows)[i].weight;
}

extern void cs_btyd_fit(const CsPopulation *population, CsMaximum *maximum);
extern double cs_btyd_log_likelihood(CsBtydKind kind, const double *p, int x, double tx, double T);

extern double cs_btyd_p_alive(CsBtydKind kind, const double *p, int x, double tx, double T);
extern double cs_btyd_alive_expected(CsBtydKind kind, const double *p, int x, double T, double t);
extern double cs_btyd_alive_discounted(CsBtydKind kind, const double *p, int x, double T, double t,
									   double delta);
extern double cs_btyd_expected(CsBtydKind kind, const double *p, int x, double tx, double T, double t);
extern double cs_btyd_discounted(CsBtydKind kind, const double *p, int x, double tx, double T, double t,
								 double delta);
extern double cs_btyd_probability(CsBtydKind kind, const double *p, int x, double tx, double T, double t);
extern double cs_btyd_wait(CsBtydKind kind, const double *p, int x, double tx, double T, double level);
extern double cs_btyd_dert(const double *p, int x, double tx, double T, double delta);
extern double cs_btyd_pmf(CsBtydKind kind, const double *p, double t, int n);

#endif /* CUSTOMER_SCORING_BTYD_H */
