/*
 * statement.c
 *		The SQL that a refresh and a verification run.
 *
 * Rows of the segment table as they are go by the alias t, as they should be by
 * f, those to be written by d. Either all customers are looked at, or those in
 * the parameter with keys. With breaks that move at each refresh, a refresh of
 * some customers also finds the new breaks, from the stored figures of the
 * others, and scores these anew; figures of theirs it need not look up.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "core/compat.h"
#include "model/rfm_map.h"
#include "segment/clv.h"
#include "segment/column.h"
#include "segment/history.h"
#include "segment/option.h"
#include "segment/other_source.h"
#include "segment/statement.h"
#include "segment/tier.h"

/* "a.c1, a.c2, …" over compared columns, of one role or of all (-1). */
static char *
ColumnList(const SegmentDefinition *definition, const char *alias, int role)
{
	int n;
	const SegmentColumn *const *columns = CsColumnsOf(definition, &n);
	StringInfoData list;
	int i;

	initStringInfo(&list);
	for (i = 0; i < n; i++)
		if (role < 0 || columns[i]->role == role)
			appendStringInfo(&list, "%s%s%s", list.len > 0 ? ", " : "", alias, columns[i]->name);
	return list.data;
}

static int
Bins(const SegmentDefinition *definition)
{
	return CsGetRfmMap(definition->map)->bins;
}

/* The map, or the breaks, as a typed literal. */
static char *
MapLiteral(const SegmentDefinition *definition)
{
	return psprintf("%s::customer_scoring.rfm_map", quote_literal_cstr(CsMapText(definition->map)));
}

static char *
BreaksLiteral(const SegmentDefinition *definition)
{
	return psprintf("%s::customer_scoring.rfm_model", quote_literal_cstr(definition->breaks));
}

/* SQL for a revenue that is known to fit its column: where not, the error names the customer. */
static char *
RevenueSql(const char *alias, int scale)
{
	return psprintf("customer_scoring.segment_revenue(%s.summary, %d, %s.customer::pg_catalog.text)", alias,
					scale, alias);
}

/* SQL for when time changes a row c; NULL where it cannot. */
static char *
DueSql(const SegmentDefinition *definition, const SegmentSource *source, const StatementScope *scope)
{
	if (definition->lookback == NULL && definition->breaks == NULL && !scope->future && !source->periods)
		return definition->tiers != NULL ? CS_TIER_CHANGES_AT : "NULL::pg_catalog.timestamptz";
	return psprintf("%scustomer_scoring.segment_due_at($%d, c.upcoming, c.oldest, $%d, %s,"
					" customer_scoring.last_order_at(c.summary), %s)%s",
					definition->tiers != NULL ? "least(" CS_TIER_CHANGES_AT ", " : "", PARAM_AS_OF,
					PARAM_LOOKBACK, quote_literal_cstr(definition->time_zone),
					definition->breaks == NULL ? "NULL" : BreaksLiteral(definition),
					definition->tiers != NULL ? ")" : "");
}

/* customer_id and all columns of c, by name. */
static char *
ColumnExpressions(const SegmentDefinition *definition, const SegmentSource *source,
				  const StatementScope *scope)
{
	char *map = MapLiteral(definition);
	char *due_at = DueSql(definition, source, scope);
	int n;
	const SegmentColumn *const *columns = CsColumnsOf(definition, &n);
	StringInfoData sql;
	int i;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "c.customer AS customer_id");
	for (i = 0; i < n; i++)
		appendStringInfo(&sql, ", %s AS %s", CsColumnExpression(columns[i], source->scale, map, due_at),
						 columns[i]->name);
	return sql.data;
}

/* Whether breaks are found by this very statement, from figures stored for others. */
static bool
FindsBreaks(const SegmentDefinition *definition, const StatementScope *scope)
{
	return scope->keyed && definition->breaks == NULL;
}

/*
 * SQL for customers with their columns as they should be: customer_id and the
 * columns of CsColumnsOf, by name. Where breaks are found on the way,
 * customers come from n and breaks from m.
 */
char *
CsScoredSql(const SegmentDefinition *definition, const SegmentSource *source, const StatementScope *scope)
{
	bool finds_breaks = FindsBreaks(definition, scope);
	char *summary = psprintf("CASE WHEN %s IS NOT NULL THEN p.summary END", RevenueSql("p", source->scale));
	char *customers;
	char *score;

	if (finds_breaks)
		score = psprintf("customer_scoring.rfm(m.model, %s, $%d)", summary, PARAM_AS_OF);
	else if (definition->breaks != NULL)
		score = psprintf("customer_scoring.rfm(%s, %s, $%d)", BreaksLiteral(definition), summary,
						 PARAM_AS_OF);
	else
		score = psprintf("customer_scoring.rfm(%s, %d) OVER ()", summary, Bins(definition));
	customers = psprintf("(SELECT p.customer, p.summary, p.oldest, p.upcoming%s, %s AS score"
						 " FROM %s p%s WHERE p.summary IS NOT NULL OFFSET 0)",
						 CsFigureNames(source, "p"), score,
						 finds_breaks ? "n"
									  : psprintf("(%s)", CsCustomersSql(source, scope->keyed, scope->future)),
						 finds_breaks ? ", m" : "");
	return psprintf("SELECT %s FROM %s c", ColumnExpressions(definition, source, scope),
					CsWithTiers(definition, CsWithClv(definition, source, customers)));
}

/* SQL for the rows of the segment table with their addresses: all, or those in $4. */
char *
CsStoredSql(const SegmentDefinition *definition, const SegmentSource *source, bool keyed)
{
	char *some = psprintf(" WHERE s.customer_id %s ANY (%s)", source->customer_equals, source->keys);

	return psprintf("SELECT s.ctid AS address, s.customer_id, %s FROM ONLY %s s%s",
					ColumnList(definition, "s.", -1), CsQualifiedName(definition->table), keyed ? some : "");
}

/*
 * SQL condition: row t of the segment table, or row f as it should be, is not
 * there, or they differ in a compared column. It is cheap, so it comes first
 * wherever the two are joined.
 */
char *
CsRowDiffers(const SegmentDefinition *definition)
{
	return psprintf(
		"(f.customer_id IS NOT DISTINCT FROM NULL OR t.address IS NULL OR (%s) IS DISTINCT FROM (%s))",
		ColumnList(definition, "t.", -1), ColumnList(definition, "f.", -1));
}

/* SQL for the breaks that the stored figures give. */
char *
CsStoredBreaksSql(const SegmentDefinition *definition)
{
	return psprintf("SELECT customer_scoring.rfm_fit(t.last_order_at, t.orders, t.revenue, $%d, %d)"
					"::pg_catalog.text FROM ONLY %s t",
					PARAM_AS_OF, Bins(definition), CsQualifiedName(definition->table));
}

/* SQL for the breaks that the source gives. */
char *
CsSourceBreaksSql(const SegmentDefinition *definition, const SegmentSource *source)
{
	return psprintf("SELECT customer_scoring.rfm_fit(p.summary, $%d, %d)::pg_catalog.text FROM (%s) p",
					PARAM_AS_OF, Bins(definition), CsCustomersSql(source, false, false));
}

/*
 * SQL for rows to be written where customers have changed: values, the address
 * of the stored row, whether it goes, what it was, and the cause. There is no
 * more than one row a key; the limit tells the planner, who would otherwise
 * expect so many that it reads the whole segment table to find them.
 */
static char *
ChangedSql(const SegmentDefinition *definition, const SegmentSource *source, const StatementScope *scope)
{
	return psprintf(
		"(SELECT f.*, t.address, f.customer_id IS NOT DISTINCT FROM NULL AS gone,"
		" t.customer_id AS was_customer, t.segment AS was_segment, t.segment_rank AS was_rank,"
		" %s AS cause"
		" FROM (%s) f FULL JOIN (%s) t ON f.customer_id %s t.customer_id WHERE %s%s)",
		CsCauseSql(psprintf("t.due_at <= $%d%s", PARAM_AS_OF,
							definition->tiers != NULL ? " AND (t.due_at = t.tier_until) IS NOT TRUE" : ""),
				   scope->map_changed),
		CsScoredSql(definition, source, scope), CsStoredSql(definition, source, scope->keyed),
		source->customer_equals, CsRowDiffers(definition),
		scope->keyed ? psprintf(" LIMIT %d", scope->nkeys) : "");
}

/* SQL condition: a row t of the segment table is not one of the customers in $4. */
static char *
OthersSql(const SegmentSource *source)
{
	return psprintf("NOT (t.customer_id %s ANY (%s))", source->customer_equals, source->keys);
}

/* SQL for rows of other customers whose scores are moved by breaks that have moved. */
static char *
MovedSql(const SegmentDefinition *definition, const SegmentSource *source)
{
	char *map = MapLiteral(definition);
	int n;
	const SegmentColumn *const *columns = CsColumnsOf(definition, &n);
	StringInfoData sql;
	int i;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT c.customer_id");
	for (i = 0; i < n; i++)
	{
		const SegmentColumn *column = columns[i];

		if (column->role == ROLE_SCORE)
			appendStringInfo(&sql, ", %s", CsColumnExpression(column, source->scale, map, NULL));
		else
			appendStringInfo(&sql, ", c.%s", column->name);
	}
	appendStringInfo(
		&sql,
		", c.address, false, c.customer_id, c.segment, c.segment_rank, 'breaks' FROM (SELECT t.*,"
		" customer_scoring.rfm(m.model, t.last_order_at, t.orders, t.revenue, $%d) AS score"
		" FROM (SELECT t.* FROM (%s) t WHERE customer_scoring.segment_moved((SELECT m.model FROM m),"
		" t.last_order_at, t.orders, t.revenue, $%d, t.r, t.f, t.m) OFFSET 0) t, m WHERE %s OFFSET 0) c",
		PARAM_AS_OF, CsStoredSql(definition, source, false), PARAM_AS_OF, OthersSql(source));
	return sql.data;
}

/* SQL for what comes before d: customers, and breaks, where they are found on the way. */
static char *
BreaksSql(const SegmentDefinition *definition, const SegmentSource *source, const StatementScope *scope)
{
	return psprintf(
		"n AS MATERIALIZED (%s),"
		" m AS MATERIALIZED (SELECT customer_scoring.rfm_fit(x.last_order_at, x.orders, x.revenue, $%d, %d)"
		" AS model FROM (SELECT t.last_order_at, t.orders, t.revenue FROM ONLY %s t WHERE %s UNION ALL"
		" SELECT customer_scoring.last_order_at(n.summary), customer_scoring.orders(n.summary), %s FROM n"
		" WHERE n.summary IS NOT NULL) x), ",
		CsCustomersSql(source, scope->keyed, scope->future), PARAM_AS_OF, Bins(definition),
		CsQualifiedName(definition->table), OthersSql(source), RevenueSql("n", source->scale));
}

/*
 * The one statement of a refresh, which returns the numbers of rows inserted,
 * updated, deleted and of moves, and the text of breaks that were found on the
 * way. A full join is a hash or merge join whatever the planner believes about
 * sizes; what it finds different is usually little, and is written through the
 * row's address, which the lock keeps valid; tables that a user lets inherit
 * from the segment table have such addresses too, and are left out.
 */
char *
CsRefreshSql(const SegmentDefinition *definition, const SegmentSource *source, const StatementScope *scope)
{
	char *target = CsQualifiedName(definition->table);
	bool finds_breaks = FindsBreaks(definition, scope);
	int n;
	const SegmentColumn *const *columns = CsColumnsOf(definition, &n);
	StringInfoData set;
	int i;

	initStringInfo(&set);
	for (i = 0; i < n; i++)
		appendStringInfo(&set, "%s = d.%s, ", columns[i]->name, columns[i]->name);

	return psprintf(
		"WITH %sd AS MATERIALIZED (%s%s),"
		" deleted AS (DELETE FROM ONLY %s t USING d WHERE d.gone AND t.ctid = d.address RETURNING 1),"
		" updated AS (UPDATE ONLY %s t SET %s computed_at = pg_catalog.clock_timestamp(), run_id = $%d"
		" FROM d WHERE NOT d.gone AND t.ctid = d.address RETURNING 1),"
		" inserted AS (INSERT INTO %s (customer_id, %s, computed_at, run_id)"
		" SELECT d.customer_id, %s, pg_catalog.clock_timestamp(), $%d FROM d WHERE d.address IS NULL "
		"RETURNING 1)%s"
		" SELECT (SELECT pg_catalog.count(*) FROM inserted), (SELECT pg_catalog.count(*) FROM updated),"
		" (SELECT pg_catalog.count(*) FROM deleted), (SELECT pg_catalog.count(*) FROM moved), %s",
		finds_breaks ? BreaksSql(definition, source, scope) : "", ChangedSql(definition, source, scope),
		finds_breaks ? psprintf(" UNION ALL %s", MovedSql(definition, source)) : "", target, target, set.data,
		PARAM_RUN, target, ColumnList(definition, "", -1), ColumnList(definition, "d.", -1), PARAM_RUN,
		CsHistoryCte(definition, PARAM_AS_OF, PARAM_RUN),
		finds_breaks ? "(SELECT m.model::pg_catalog.text FROM m)" : "NULL");
}
