/*
 * check.h
 *		What the stand-alone tests share: one line "ok <name>" a check that
 *		holds, the process ends at the first that does not.
 */
#ifndef CUSTOMER_SCORING_TEST_CHECK_H
#define CUSTOMER_SCORING_TEST_CHECK_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static inline void
check(int holds, const char *name)
{
	if (!holds)
	{
		fprintf(stderr, "not ok %s\n", name);
		exit(1);
	}
	printf("ok %s\n", name);
	fflush(stdout);
}

/* A fixed stream of random numbers, the same on every machine. */
static inline uint64_t
next_random(void)
{
	static uint64_t state = 88172645463325252ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * 2685821657736338717ULL;
}

#endif /* CUSTOMER_SCORING_TEST_CHECK_H */
