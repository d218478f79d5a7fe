/*
 * rows.c
 *		Populations as rows: sorting packed ones, and fitting all of them, from
 *		several starts and with a part of many rows first.
 */
#include <string.h>

#include "math/btyd.h"
#include "math/poll.h"
#include "math/rows.h"

#define DIGIT_BITS 11
#define DIGITS (1 << DIGIT_BITS)

/* From so many rows on a fit begins with one in so many. */
#define MANY_ROWS 20000
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

/* The highest maximum that is reached from one of the starts, and from which; the first gives the scale. */
static int
Highest(CsLikelihoodFunction function, const CsPopulation *population, int n,
		const double (*starts)[CS_MAX_PARAMETERS], int nstarts, CsMaximum *maximum)
{
	double weight = Weight(population);
	CsMaximum other;
	int best = 0;
	int i;

	cs_maximise(function, population, n, starts[0], starts[0], weight, maximum);
	for (i = 1; i < nstarts; i++)
	{
		cs_maximise(function, population, n, starts[0], starts[i], weight, &other);
		if (other.value > maximum->value)
		{
			*maximum = other;
			best = i;
		}
	}
	return best;
}

/*
 * Fit a model to a population, from starts of which each may lead to a maximum of
 * its own. Of many rows a part is fitted first, from which few steps on all of
 * them are left to go, unless that part leaves something open. The answer is that
 * of all rows.
 */
void
cs_fit_rows(CsLikelihoodFunction function, const CsPopulation *population, int n,
			const double (*starts)[CS_MAX_PARAMETERS], int nstarts, CsMaximum *maximum)
{
	CsPopulation sample = *population;
	const double *start;
	double found[CS_MAX_PARAMETERS];
	bool good;
	int i;

	if (population->n < MANY_ROWS)
	{
		(void) Highest(function, population, n, starts, nstarts, maximum);
		return;
	}
	sample.step = SAMPLE_STEP;
	start = starts[Highest(function, &sample, n, starts, nstarts, maximum)];
	good = maximum->converged;
	for (i = 0; i < n; i++)
		good &= maximum->identified[i];
	if (good)
		start = memcpy(found, maximum->parameters, sizeof(found));
	cs_maximise(function, population, n, starts[0], start, Weight(population), maximum);
}
