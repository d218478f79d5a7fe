/*
 * column.c
 *		The columns of a segment table, in their order: the one list that
 *		creating, refreshing and verifying go by. Columns are only appended.
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "core/compat.h"
#include "segment/column.h"

/* In expressions %SCALE% stands for the decimals of money, %MAP% for the map as a typed literal. */
const SegmentColumn CsSegmentColumns[] = {
	{"first_order_at", COLUMN_MOMENT, false, "customer_scoring.first_order_at(c.summary)",
	 "Moment of the first order; NULL without an order"},
	{"previous_order_at", COLUMN_MOMENT, false, "customer_scoring.previous_order_at(c.summary)",
	 "Moment of the last order but one; NULL with fewer than two"},
	{"last_order_at", COLUMN_MOMENT, false, "customer_scoring.last_order_at(c.summary)",
	 "Moment of the last order; NULL without an order"},
	{"orders", COLUMN_COUNT, true, "customer_scoring.orders(c.summary)",
	 "Number of orders: amounts above zero"},
	{"refunds", COLUMN_COUNT, true, "customer_scoring.refunds(c.summary)",
	 "Number of refunds: amounts below zero"},
	{"revenue", COLUMN_MONEY, true,
	 "customer_scoring.segment_revenue(c.summary, %SCALE%, c.customer::pg_catalog.text)",
	 "Exact total of all amounts, refunds taken off; never rounded"},
	{"average_order_value", COLUMN_AVERAGE, false,
	 /* numeric division is exact to the decimals of what is divided: 19 more, the digits of a count, and rounding twice rounds once */
	 "pg_catalog.round(pg_catalog.round(customer_scoring.revenue(c.summary), %SCALE% + 21)"
	 " / nullif(customer_scoring.orders(c.summary), 0), %SCALE% + 2)",
	 "Revenue divided by orders, rounded to two digits more than money; NULL without an order"},
	{"r", COLUMN_SMALL, false, "(c.score).r", "Recency score, higher is more recent; NULL without an order"},
	{"f", COLUMN_SMALL, false, "(c.score).f",
	 "Frequency score, higher is more orders; NULL without an order"},
	{"m", COLUMN_SMALL, false, "(c.score).m",
	 "Monetary score, higher is more revenue; NULL without an order"},
	{"rfm_cell", COLUMN_TEXT, false, "customer_scoring.rfm_cell(c.score)",
	 "The three scores in one text, for example 543; NULL without an order"},
	{"segment", COLUMN_TEXT, true, "coalesce(customer_scoring.rfm_segment(c.score, %MAP%), 'prospect')",
	 "Segment by the table's map; prospect without an order"},
	{"segment_rank", COLUMN_SMALL, true,
	 "coalesce(customer_scoring.rfm_segment_rank(c.score, %MAP%), 0::pg_catalog.int2)",
	 "Rank of the segment for sorting, higher is better; 0 for prospect"},
};

const int CsSegmentColumnCount = lengthof(CsSegmentColumns);

/* The type of a column as SQL. An average has two more decimals, and as many digits before them. */
char *
CsColumnType(const SegmentColumn *column, int scale)
{
	switch (column->type)
	{
		case COLUMN_MOMENT:
			return "pg_catalog.timestamptz";
		case COLUMN_COUNT:
			return "pg_catalog.int8";
		case COLUMN_MONEY:
			return psprintf("pg_catalog.numeric(24, %d)", scale);
		case COLUMN_AVERAGE:
			return psprintf("pg_catalog.numeric(26, %d)", scale + 2);
		case COLUMN_SMALL:
			return "pg_catalog.int2";
		case COLUMN_TEXT:
			return "pg_catalog.text";
	}
	return NULL;
}

/* The expression of a column with scale and map put in. */
char *
CsColumnExpression(const SegmentColumn *column, int scale, const char *map)
{
	StringInfoData result;
	const char *rest = column->expression;

	initStringInfo(&result);
	while (*rest)
	{
		if (strncmp(rest, "%SCALE%", 7) == 0)
		{
			appendStringInfo(&result, "%d", scale);
			rest += 7;
		}
		else if (strncmp(rest, "%MAP%", 5) == 0)
		{
			appendStringInfoString(&result, map);
			rest += 5;
		}
		else
			appendStringInfoChar(&result, *rest++);
	}
	return result.data;
}
