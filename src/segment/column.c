/*
 * column.c
 *		The columns of a segment table, in their order: the one list that
 *		creating, refreshing and verifying go by. Columns are only appended: those
 *		of other sources as these are added, those of lifetime values and of tiers
 *		when the option is turned on.
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "core/compat.h"
#include "segment/clv.h"
#include "segment/column.h"
#include "segment/kind.h"
#include "segment/tier.h"

/*
 * In expressions %SCALE% stands for the decimals of money, %MAP% for the map as a
 * typed literal, %DUE_AT% for how that moment is worked out.
 */
static const SegmentColumn CoreColumns[] = {
	{"first_order_at", COLUMN_MOMENT, false, ROLE_FACT, false, "customer_scoring.first_order_at(c.summary)",
	 "Moment of the first order; NULL without an order"},
	{"previous_order_at", COLUMN_MOMENT, false, ROLE_FACT, false,
	 "customer_scoring.previous_order_at(c.summary)",
	 "Moment of the last order but one; NULL with fewer than two"},
	{"last_order_at", COLUMN_MOMENT, false, ROLE_FACT, false, "customer_scoring.last_order_at(c.summary)",
	 "Moment of the last order; NULL without an order"},
	{"orders", COLUMN_COUNT, true, ROLE_FACT, false, "customer_scoring.orders(c.summary)",
	 "Number of orders: amounts above zero"},
	{"refunds", COLUMN_COUNT, true, ROLE_FACT, false, "customer_scoring.refunds(c.summary)",
	 "Number of refunds: amounts below zero"},
	{"revenue", COLUMN_MONEY, true, ROLE_FACT, false,
	 "customer_scoring.segment_revenue(c.summary, %SCALE%, c.customer::pg_catalog.text)",
	 "Exact total of all amounts, refunds taken off; never rounded"},
	{"average_order_value", COLUMN_AVERAGE, false, ROLE_FACT, false,
	 /* numeric division is exact to the decimals of what is divided: 19 more, the digits of a count, and rounding twice rounds once */
	 "pg_catalog.round(pg_catalog.round(customer_scoring.revenue(c.summary), %SCALE% + 21)"
	 " / nullif(customer_scoring.orders(c.summary), 0), %SCALE% + 2)",
	 "Revenue divided by orders, rounded to two digits more than money; NULL without an order"},
	{"r", COLUMN_SMALL, false, ROLE_SCORE, false, "(c.score).r",
	 "Recency score, higher is more recent; NULL without an order"},
	{"f", COLUMN_SMALL, false, ROLE_SCORE, false, "(c.score).f",
	 "Frequency score, higher is more orders; NULL without an order"},
	{"m", COLUMN_SMALL, false, ROLE_SCORE, false, "(c.score).m",
	 "Monetary score, higher is more revenue; NULL without an order"},
	{"rfm_cell", COLUMN_TEXT, false, ROLE_SCORE, false, "customer_scoring.rfm_cell(c.score)",
	 "The three scores in one text, for example 543; NULL without an order"},
	{"segment", COLUMN_TEXT, true, ROLE_SCORE, false,
	 "coalesce(customer_scoring.rfm_segment(c.score, %MAP%), 'prospect')",
	 "Segment by the table's map; prospect without an order"},
	{"segment_rank", COLUMN_SMALL, true, ROLE_SCORE, false,
	 "coalesce(customer_scoring.rfm_segment_rank(c.score, %MAP%), 0::pg_catalog.int2)",
	 "Rank of the segment for sorting, higher is better; 0 for prospect"},
	{"due_at", COLUMN_MOMENT, false, ROLE_DUE, true, "%DUE_AT%",
	 "When time alone will change this row; NULL when only orders can"},
};

/* The columns of a segment table. */
const SegmentColumn *const *
CsColumnsOf(const SegmentDefinition *definition, int *n)
{
	int size = lengthof(CoreColumns) + CsClvColumnCount + CsTierColumnCount;
	const SegmentColumn **columns;
	ListCell *cell;
	int i;

	foreach (cell, definition->others)
		size += ((OtherDefinition *) lfirst(cell))->kind->ncolumns;
	columns = palloc(sizeof(SegmentColumn *) * size);
	*n = 0;
	for (i = 0; i < lengthof(CoreColumns); i++)
		columns[(*n)++] = &CoreColumns[i];
	foreach (cell, definition->others)
	{
		const SegmentKind *kind = ((OtherDefinition *) lfirst(cell))->kind;

		for (i = 0; i < kind->ncolumns; i++)
			columns[(*n)++] = &kind->columns[i];
	}
	for (i = 0; i < CsClvColumnCount && definition->clv != NULL; i++)
		columns[(*n)++] = &CsClvColumns[i];
	for (i = 0; i < CsTierColumnCount && definition->tiers != NULL; i++)
		columns[(*n)++] = &CsTierColumns[i];
	return columns;
}

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
		case COLUMN_MEAN:
			return "pg_catalog.numeric(6, 2)";
		case COLUMN_SHARE:
			return "pg_catalog.numeric(5, 4)";
		case COLUMN_EXPECTED:
			return "pg_catalog.numeric(14, 4)";
		case COLUMN_DATE:
			return "pg_catalog.date";
		case COLUMN_SMALL:
			return "pg_catalog.int2";
		case COLUMN_FLAG:
			return "pg_catalog.bool";
		case COLUMN_TEXT:
			return "pg_catalog.text";
	}
	return NULL;
}

/* A template with the values of its names put in. */
char *
CsFillIn(const char *template, const char *const *names, char *const *values, int n)
{
	StringInfoData result;
	const char *rest = template;

	initStringInfo(&result);
	while (*rest)
	{
		int i;

		for (i = 0; i < n; i++)
			if (strncmp(rest, names[i], strlen(names[i])) == 0)
				break;
		if (i == n)
			appendStringInfoChar(&result, *rest++);
		else
		{
			appendStringInfoString(&result, values[i]);
			rest += strlen(names[i]);
		}
	}
	return result.data;
}

/* The expression of a column with what it stands for put in. */
char *
CsColumnExpression(const SegmentColumn *column, int scale, char *map, char *due_at)
{
	static const char *const names[] = {"%SCALE%", "%MAP%", "%DUE_AT%"};
	char *const values[] = {psprintf("%d", scale), map, due_at};

	return CsFillIn(column->expression, names, values, lengthof(names));
}
