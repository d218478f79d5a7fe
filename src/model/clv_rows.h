/*
 * clv_rows.h
 *		Sorting rows of a population of one size, and making one of equal ones: a
 *		template, included by clv_population.c for each size.
 *
 * ROW is the type of a row, FIGURES(row) its figures, WEIGHT(row) its weight, and
 * NAME(word) gives functions their names. Names are undefined again here.
 */
static inline int
NAME(Compare)(const ROW *a, const ROW *b)
{
	const CsFigures *one = FIGURES(a);
	const CsFigures *other = FIGURES(b);

	if (one->frequency != other->frequency)
		return one->frequency < other->frequency ? -1 : 1;
	if (one->first != other->first)
		return one->first < other->first ? -1 : 1;
	if (one->second != other->second)
		return one->second < other->second ? -1 : 1;
	if (WEIGHT(a) != WEIGHT(b))
		return WEIGHT(a) < WEIGHT(b) ? -1 : 1;
	return 0;
}

#define ST_SORT NAME(Sort)
#define ST_ELEMENT_TYPE ROW
#define ST_COMPARE(a, b) NAME(Compare)(a, b)
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DECLARE
#define ST_DEFINE
#include "lib/sort_template.h"

/* Sort rows and merge equal ones, how many are left; a count that is full begins another row. */
static int64
NAME(Collapse)(ROW *rows, int64 n)
{
	int64 kept = 0;
	int64 i;

	NAME(Sort)(rows, n);
	for (i = 1; i < n; i++)
	{
		uint64 count = (uint64) FIGURES(&rows[kept])->count + FIGURES(&rows[i])->count;

		if (NAME(Compare)(&rows[kept], &rows[i]) != 0)
			rows[++kept] = rows[i];
		else if (count <= PG_UINT32_MAX)
			FIGURES(&rows[kept])->count = count;
		else
		{
			FIGURES(&rows[kept])->count = PG_UINT32_MAX;
			rows[++kept] = rows[i];
			FIGURES(&rows[kept])->count = count - PG_UINT32_MAX;
		}
	}
	return n == 0 ? 0 : kept + 1;
}

#undef ROW
#undef FIGURES
#undef WEIGHT
#undef NAME
