/*
 * rows.c
 *		Populations as rows: sorting packed ones, and fitting many.
 */
#include <string.h>

#include "math/btyd.h"
#include "math/poll.h"
#include "math/rows.h"

#define DIGIT_BITS 11
#define DIGITS (1 << DIGIT_BITS)

/* From so many rows on a fit begins with one in so many. */
#define MANY_ROWS 50000
#define SAMPLE_STEP 16

/*
 * Sort numbers, by digits from the lowest on; digits that are the same in all
 * are left out. space has room for as many numbers.
 */
void
cs_sort_packed(uint64_t *numbers, size_t n, uint64_t *space)
{
	uint64_t *from = numbers;
	uint64_t *to = space;
	uint64_t any = 0;
	uint64_t all = ~(uint64_t) 0;
	size_t i;
	int shift;

	for (i = 0; i < n; i++)
	{
		any |= numbers[i];
		all &= numbers[i];
	}
	for (shift = 0; shift < 64; shift += DIGIT_BITS)
	{
		size_t places[DIGITS] = {0};
		size_t place = 0;
		int digit;

		if (((any ^ all) >> shift & (DIGITS - 1)) == 0)
			continue;
		cs_math_poll();
		for (i = 0; i < n; i++)
			places[from[i] >> shift & (DIGITS - 1)]++;
		for (digit = 0; digit < DIGITS; digit++)
		{
			size_t count = places[digit];

			places[digit] = place;
			place += count;
		}
		for (i = 0; i < n; i++)
			to[places[from[i] >> shift & (DIGITS - 1)]++] = from[i];
		from = to;
		to = from == numbers ? space : numbers;
	}
	if (from != numbers)
		memcpy(numbers, from, n * sizeof(uint64_t));
}

/* The weight of the rows that are looked at. */
static double
Weight(const CsPopulation *population)
{
	double weight = 0.0;
	CsFigures row;
	size_t i;

	for (i = 0; i < population->n; i += population->step)
		weight += cs_read_row(population, i, &row);
	return weight;
}

/*
 * Fit a model to a population. Of many rows a part is fitted first, from which
 * few steps on all of them are left to go, unless that part leaves something
 * open. The answer is that of all rows.
 */
void
cs_fit_rows(CsLikelihoodFunction function, const CsPopulation *population, int n, const double *scale,
			CsMaximum *maximum)
{
	double start[CS_MAX_PARAMETERS];
	CsPopulation sample = *population;
	bool good = population->n >= MANY_ROWS;
	int i;

	memcpy(start, scale, n * sizeof(double));
	if (good)
	{
		sample.step = SAMPLE_STEP;
		cs_maximise(function, &sample, n, scale, start, Weight(&sample), maximum);
		good = maximum->converged;
		for (i = 0; i < n; i++)
			good &= maximum->identified[i];
		if (good)
			memcpy(start, maximum->parameters, n * sizeof(double));
	}
	cs_maximise(function, population, n, scale, start, Weight(population), maximum);
}
