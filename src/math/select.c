/*
 * select.c
 *		Exact order statistics without sorting, and the scores they give.
 *
 * Words: a *key* is an unsigned 64-bit number that orders as the values do. A
 * *class* is a range of keys counted together: keys are counted by their
 * distance from the least one, in 64 classes for each power of two, so that a
 * long tail costs no more than an even spread. A *segment* is a set of keys
 * known to hold some of the wanted ranks.
 *
 * A segment is counted, and the keys of the classes that hold a wanted rank
 * are gathered as new, smaller segments. The range of a segment shrinks at
 * least 64-fold each time, so that eleven rounds are the most; ties end early.
 * The usual cost is two passes over the keys.
 *
 * Nothing is allocated: the caller lends the working space.
 */
#include "math/select.h"

#include "math/poll.h"

/* Classes for each power of two, as bits. */
#define CLASS_BITS 6

/* A segment of so few keys is sorted by insertion. */
#define FEW_KEYS 24

#define NOT_WANTED SIZE_MAX

typedef struct Segment
{
	const uint64_t *keys;
	size_t n;
	size_t skipped; /* keys of the whole that are less than any in here */
	int first_rank; /* the wanted ranks in here are first … last */
	int last_rank;
	int buffer; /* which half of the space to gather into */
} Segment;

/* The class of a distance; rises with it. */
static inline unsigned
ClassOf(uint64_t distance)
{
	unsigned power;

	if (distance < (1 << CLASS_BITS))
		return (unsigned) distance;
	power = 63 - (unsigned) __builtin_clzll(distance);
	return ((power - CLASS_BITS + 1) << CLASS_BITS) |
		   (unsigned) ((distance >> (power - CLASS_BITS)) & ((1 << CLASS_BITS) - 1));
}

static inline size_t
StrideEnd(size_t from, size_t n)
{
	return n - from > CS_MATH_STRIDE ? from + CS_MATH_STRIDE : n;
}

/* Least and greatest key of a segment. */
static void
FindRange(const uint64_t *keys, size_t n, uint64_t *least, uint64_t *greatest)
{
	uint64_t low = keys[0];
	uint64_t high = keys[0];
	size_t i = 0;

	while (i < n)
	{
		size_t end = StrideEnd(i, n);

		for (; i < end; i++)
		{
			low = keys[i] < low ? keys[i] : low;
			high = keys[i] > high ? keys[i] : high;
		}
		cs_math_poll();
	}
	*least = low;
	*greatest = high;
}

/* Answer the ranks of a segment of few keys: order a copy of them. */
static void
SelectAmongFew(const Segment *segment, const size_t *ranks, uint64_t *result)
{
	uint64_t sorted[FEW_KEYS] = {0};
	size_t i;
	int r;

	for (i = 0; i < segment->n; i++)
	{
		uint64_t key = segment->keys[i];
		size_t j = i;

		for (; j > 0 && sorted[j - 1] > key; j--)
			sorted[j] = sorted[j - 1];
		sorted[j] = key;
	}
	for (r = segment->first_rank; r <= segment->last_rank; r++)
		result[r] = sorted[ranks[r] - segment->skipped];
}

/* Count the keys of a segment by class, or by distance when there are few. */
static void
CountKeys(const Segment *segment, uint64_t least, int exact, size_t *counts)
{
	size_t i;

	for (i = 0; i < CS_SELECT_CLASSES; i++)
		counts[i] = 0;
	i = 0;
	while (i < segment->n)
	{
		size_t end = StrideEnd(i, segment->n);

		if (exact)
		{
			for (; i < end; i++)
				counts[segment->keys[i] - least]++;
		}
		else
		{
			for (; i < end; i++)
				counts[ClassOf(segment->keys[i] - least)]++;
		}
		cs_math_poll();
	}
}

/* Gather the keys of wanted classes, each at the place its class begins. */
static void
GatherKeys(const Segment *segment, uint64_t least, size_t *places, uint64_t *gathered)
{
	size_t i = 0;

	while (i < segment->n)
	{
		size_t end = StrideEnd(i, segment->n);

		for (; i < end; i++)
		{
			unsigned class = ClassOf(segment->keys[i] - least);

			if (places[class] != NOT_WANTED)
				gathered[places[class]++] = segment->keys[i];
		}
		cs_math_poll();
	}
}

/*
 * The keys at n_ranks ascending ranks, counted from 0, each below n; `space`
 * has CS_SELECT_SPACE(n) elements. The keys stay as they are.
 *
 * Segments gather from one half of the space into the other at the same
 * offset: what is overwritten there belonged to their own forerunners.
 */
void
cs_select(const uint64_t *keys, size_t n, const size_t *ranks, int n_ranks, uint64_t *space, uint64_t *result)
{
	Segment waiting[CS_SELECT_MAX_RANKS];
	size_t *counts = (size_t *) space;
	uint64_t *halves[2];
	int n_waiting = 0;

	if (n == 0 || n_ranks <= 0)
		return;
	halves[0] = space + CS_SELECT_CLASSES;
	halves[1] = halves[0] + n;
	waiting[n_waiting++] = (Segment){keys, n, 0, 0, n_ranks - 1, 0};

	while (n_waiting > 0)
	{
		Segment segment = waiting[--n_waiting];
		uint64_t *gathered;
		uint64_t least;
		uint64_t greatest;
		size_t below = segment.skipped;
		size_t place;
		unsigned class;
		int exact;
		int r;

		if (segment.n <= FEW_KEYS)
		{
			SelectAmongFew(&segment, ranks, result);
			continue;
		}
		FindRange(segment.keys, segment.n, &least, &greatest);
		exact = greatest - least < CS_SELECT_CLASSES;
		CountKeys(&segment, least, exact, counts);

		/* the whole keys are no part of the space, its halves begin at 0 */
		place = segment.keys == keys ? 0 : (size_t) (segment.keys - halves[1 - segment.buffer]);
		gathered = halves[segment.buffer];
		r = segment.first_rank;
		for (class = 0; class < CS_SELECT_CLASSES; class ++)
		{
			size_t in_class = counts[class];
			int first = r;

			counts[class] = NOT_WANTED;
			while (r <= segment.last_rank && ranks[r] < below + in_class)
			{
				if (exact)
					result[r] = least + class;
				r++;
			}
			if (r > first && !exact)
			{
				waiting[n_waiting++] = (Segment){gathered + place,	in_class, below, first, r - 1,
												 1 - segment.buffer};
				counts[class] = place;
				place += in_class;
			}
			below += in_class;
		}
		if (!exact)
			GatherKeys(&segment, least, counts, gathered);
	}
}

/*
 * Rank, counted from 0, of the k-th of bins - 1 breaks among n values: the
 * least value whose share of the values up to it is at least k / bins. Whole
 * numbers only: percentile_disc multiplies in floating point and is one rank
 * too high where k / bins rounds up, for example at 7/100 of 100 rows; for
 * five bins the two never differ.
 */
size_t
cs_break_rank(size_t n, int k, int bins)
{
	size_t whole = n / (size_t) bins * (size_t) k;
	size_t rest = n % (size_t) bins * (size_t) k;

	return whole + (rest + (size_t) bins - 1) / (size_t) bins - 1;
}

/* The bins - 1 breaks of n > 0 values; see cs_select for the space. */
void
cs_breaks(const uint64_t *keys, size_t n, int bins, uint64_t *space, uint64_t *breaks)
{
	size_t ranks[CS_SELECT_MAX_RANKS];
	int k;

	for (k = 1; k < bins; k++)
		ranks[k - 1] = cs_break_rank(n, k, bins);
	cs_select(keys, n, ranks, bins - 1, space, breaks);
}

/* The scores of n values, written `step` bytes apart. */
void
cs_scores(const uint64_t *keys, size_t n, const uint64_t *breaks, int n_breaks, uint8_t *scores, size_t step)
{
	size_t i = 0;

	while (i < n)
	{
		size_t end = StrideEnd(i, n);

		for (; i < end; i++)
			scores[i * step] = (uint8_t) cs_score(keys[i], breaks, n_breaks);
		cs_math_poll();
	}
}
