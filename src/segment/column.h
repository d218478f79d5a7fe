/*
 * column.h
 *		The columns of a segment table: see column.c.
 */
#ifndef CUSTOMER_SCORING_COLUMN_H
#define CUSTOMER_SCORING_COLUMN_H

#include "segment/definition.h"

/* How the type of a column is written; money types depend on the scale. */
typedef enum SegmentColumnType
{
	COLUMN_MOMENT,
	COLUMN_COUNT,
	COLUMN_MONEY,
	COLUMN_AVERAGE,
	COLUMN_MEAN,
	COLUMN_SHARE,
	COLUMN_EXPECTED,
	COLUMN_DATE,
	COLUMN_SMALL,
	COLUMN_FLAG,
	COLUMN_TEXT
} SegmentColumnType;

/* What a column is worked out from. */
typedef enum SegmentColumnRole
{
	ROLE_FACT, /* rows of sources */
	ROLE_SCORE, /* c.score and the map only */
	ROLE_DUE /* what time will do to the others */
} SegmentColumnRole;

/*
 * One column besides customer_id, computed_at and run_id. The expression is
 * over c.customer, c.summary, c.oldest, c.upcoming, c.score, the figures of other
 * sources, and what CsColumnExpression puts in.
 */
typedef struct SegmentColumn
{
	const char *name;
	SegmentColumnType type;
	bool not_null;
	SegmentColumnRole role;
	bool late; /* stands after computed_at and run_id */
	const char *expression;
	const char *comment;
} SegmentColumn;

extern const SegmentColumn *const *CsColumnsOf(const SegmentDefinition *definition, int *n);
extern char *CsColumnType(const SegmentColumn *column, int scale);
extern char *CsFillIn(const char *template, const char *const *names, char *const *values, int n);
extern char *CsColumnExpression(const SegmentColumn *column, int scale, char *map, char *due_at);

#endif /* CUSTOMER_SCORING_COLUMN_H */
