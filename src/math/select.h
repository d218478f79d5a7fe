/*
 * select.h
 *		Exact order statistics and scores: see select.c.
 */
#ifndef CUSTOMER_SCORING_SELECT_H
#define CUSTOMER_SCORING_SELECT_H

#include <stddef.h>
#include <stdint.h>

/* How many order statistics one call gives at most. */
#define CS_SELECT_MAX_RANKS 128

/* Classes of the histogram; an array of so many counters needs 32 kB. */
#define CS_SELECT_CLASSES 4096

/* Elements of working space that cs_select needs for n keys. */
#define CS_SELECT_SPACE(n) (2 * (size_t) (n) + CS_SELECT_CLASSES)

extern void cs_select(const uint64_t *keys, size_t n, const size_t *ranks, int n_ranks, uint64_t *space,
					  uint64_t *result);
extern size_t cs_break_rank(size_t n, int k, int bins);
extern void cs_breaks(const uint64_t *keys, size_t n, int bins, uint64_t *space, uint64_t *breaks);
extern void cs_scores(const uint64_t *keys, size_t n, const uint64_t *breaks, int n_breaks, uint8_t *scores,
					  size_t step);

/* The score of one value: one more than the number of breaks below it. */
static inline int
cs_score(uint64_t key, const uint64_t *breaks, int n_breaks)
{
	int score = 1;
	int i;

	for (i = 0; i < n_breaks; i++)
		score += breaks[i] < key;
	return score;
}

#endif /* CUSTOMER_SCORING_SELECT_H */
