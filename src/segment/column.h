/*
 * column.h
 *		The columns of a segment table: see column.c.
 */
#ifndef CUSTOMER_SCORING_COLUMN_H
#define CUSTOMER_SCORING_COLUMN_H

/* How the type of a column is written; money types depend on the scale. */
typedef enum SegmentColumnType
{
	COLUMN_MOMENT,
	COLUMN_COUNT,
	COLUMN_MONEY,
	COLUMN_AVERAGE,
	COLUMN_SMALL,
	COLUMN_TEXT
} SegmentColumnType;

/*
 * One column besides customer_id, computed_at and run_id. The expression is
 * over c.customer, c.summary, c.score and, by printf, nothing else but what
 * CsColumnExpression puts in.
 */
typedef struct SegmentColumn
{
	const char *name;
	SegmentColumnType type;
	bool not_null;
	const char *expression;
	const char *comment;
} SegmentColumn;

extern const SegmentColumn CsSegmentColumns[];
extern const int CsSegmentColumnCount;

extern char *CsColumnType(const SegmentColumn *column, int scale);
extern char *CsColumnExpression(const SegmentColumn *column, int scale, const char *map);

#endif /* CUSTOMER_SCORING_COLUMN_H */
