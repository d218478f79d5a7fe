/*
 * test_select.c
 *		cs_select and the breaks against a full sort.
 */
#include "math/select.h"

#include <math.h>
#include <string.h>

#include "math/poll.h"

#include "check.h"

static uint64_t polls;

void
cs_math_poll(void)
{
	polls++;
}

static int
compare_keys(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *) a;
	uint64_t right = *(const uint64_t *) b;

	return (left > right) - (left < right);
}

/* One random key of a kind of distribution. */
static uint64_t
make_key(int kind)
{
	double normal;
	int i;

	switch (kind)
	{
		case 0: /* all 64 bits */
			return next_random();
		case 1: /* heavy ties */
			return next_random() % 7;
		case 2: /* orders: mostly one */
			return next_random() % 10 < 6 ? 1 : 1 + next_random() % 50;
		case 3: /* a long tail */
			for (normal = -6, i = 0; i < 12; i++)
				normal += (double) (next_random() >> 11) / 9007199254740992.0;
			return (uint64_t) exp(10 + 3 * normal) ^ (UINT64_C(1) << 63);
		case 4: /* the extremes and hardly anything between */
			return next_random() % 3 ? (next_random() % 2 ? 0 : UINT64_MAX)
									 : next_random() >> (next_random() % 64);
		case 5: /* two close clusters far apart */
			return (next_random() % 2 ? UINT64_C(1) << 62 : 12345) + next_random() % 100000;
		case 6: /* powers of two and their neighbours */
			return (UINT64_C(1) << (next_random() % 64)) + next_random() % 3 - 1;
		default: /* all equal */
			return 4711;
	}
}

/* Whether random ranks, all ranks of small sets, and breaks agree with a sort. */
static int
agrees_with_sort(int kind, size_t n)
{
	uint64_t *keys = malloc(n * sizeof(uint64_t) + 1);
	uint64_t *copy = malloc(n * sizeof(uint64_t) + 1);
	uint64_t *sorted = malloc(n * sizeof(uint64_t) + 1);
	uint64_t *space = malloc(CS_SELECT_SPACE(n) * sizeof(uint64_t));
	uint64_t result[CS_SELECT_MAX_RANKS];
	size_t ranks[CS_SELECT_MAX_RANKS];
	int holds = 1;
	int n_ranks = n < CS_SELECT_MAX_RANKS ? (int) n : CS_SELECT_MAX_RANKS;
	int bins;
	int i;
	size_t j;

	for (j = 0; j < n; j++)
		sorted[j] = copy[j] = keys[j] = make_key(kind);
	qsort(sorted, n, sizeof(uint64_t), compare_keys);
	for (i = 0; i < n_ranks; i++)
		ranks[i] = n_ranks == (int) n ? (size_t) i : n / (size_t) n_ranks * (size_t) i + next_random() % 2;
	cs_select(keys, n, ranks, n_ranks, space, result);
	for (i = 0; i < n_ranks; i++)
		holds &= result[i] == sorted[ranks[i]];
	for (bins = 2; bins <= 100 && n > 0; bins += bins < 7 ? 1 : 31)
	{
		cs_breaks(keys, n, bins, space, result);
		for (i = 1; i < bins; i++)
		{
			/* the least value with a share of at least i / bins up to it */
			for (j = result[i - 1] == sorted[0] ? 0 : cs_break_rank(n, i, bins); j < n; j++)
				if ((j + 1) * (size_t) bins >= (size_t) i * n)
					break;
			holds &= result[i - 1] == sorted[j];
		}
	}
	holds &= memcmp(keys, copy, n * sizeof(uint64_t)) == 0;
	free(keys);
	free(copy);
	free(sorted);
	free(space);
	return holds;
}

static void
test_sizes(void)
{
	static const size_t sizes[] = {0, 1, 2, 3, 5, 6, 24, 25, 26, 100, 127, 128, 129, 4096, 70001, 200000};
	char name[64];
	size_t s;
	int kind;

	for (s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
	{
		for (kind = 0; kind < 8; kind++)
		{
			snprintf(name, sizeof(name), "select n=%zu kind=%d", sizes[s], kind);
			check(agrees_with_sort(kind, sizes[s]), name);
		}
	}
}

/* rank = ceil(k n / bins) - 1, and where floating point says otherwise. */
static void
test_ranks(void)
{
	size_t n;
	int exact = 1;
	int same_as_float = 1;
	int k;

	for (n = 1; n <= 1000000; n++)
	{
		for (k = 1; k < 5; k++)
		{
			size_t rank = cs_break_rank(n, k, 5);

			exact &= (rank + 1) * 5 >= n * (size_t) k && rank * 5 < n * (size_t) k;
			same_as_float &= (size_t) ceil((double) k / 5 * (double) n) == rank + 1;
		}
	}
	check(exact, "rank is the least with a share of k/5");
	check(same_as_float, "rank of five bins as in floating point up to 1000000");
	check(cs_break_rank(100, 7, 100) == 6 && ceil(0.07 * 100) == 8,
		  "rank of 7/100 of 100 is exact, in floating point not");
	check(cs_break_rank(SIZE_MAX / 2, 99, 100) < SIZE_MAX / 2, "rank of a large number does not overflow");
}

/* Values of domain: ties together, one value scores 1, many tie in the lowest. */
static void
test_scores(void)
{
	uint64_t keys[1000];
	uint64_t space[CS_SELECT_SPACE(1000)];
	uint64_t breaks[4];
	uint8_t scores[3000];
	int count[6] = {0};
	int i;

	keys[0] = 42;
	cs_breaks(keys, 1, 5, space, breaks);
	check(cs_score(42, breaks, 4) == 1, "one value scores 1");

	for (i = 0; i < 1000; i++)
		keys[i] = i < 620 ? 1 : (uint64_t) i;
	cs_breaks(keys, 1000, 5, space, breaks);
	cs_scores(keys, 1000, breaks, 4, scores + 1, 3);
	for (i = 0; i < 1000; i++)
		count[scores[3 * i + 1]]++;
	check(count[1] == 620 && count[2] == 0 && count[3] == 0 && count[4] == 180 + 0 && count[5] == 200,
		  "620 of 1000 tied");
}

static void
test_polling(void)
{
	size_t n = 1000000;
	uint64_t *keys = calloc(n, sizeof(uint64_t));
	uint64_t *space = malloc(CS_SELECT_SPACE(n) * sizeof(uint64_t));
	uint64_t breaks[4];

	polls = 0;
	cs_breaks(keys, n, 5, space, breaks);
	check(polls >= n / CS_MATH_STRIDE, "long loops poll");
	free(keys);
	free(space);
}

int
main(void)
{
	test_sizes();
	test_ranks();
	test_scores();
	test_polling();
	return 0;
}
