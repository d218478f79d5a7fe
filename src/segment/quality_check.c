/*
 * quality_check.c
 *		The SQL that looks for what is wrong with the rows of sources.
 *
 * A *check* is a problem of a source. The statement yields rows of three kinds,
 * all with the columns source, problem, customer, rows, customers, example, kept:
 * how many rows of a customer have a problem; what only a look at all rows can
 * tell (customer is NULL, customers and example are given, not kept); and, when
 * all customers are looked at, a row of zeros for each check that was made. Rows
 * count by `only`, and whatever the lookback is: what is wrong does not age.
 *
 * Customers who are in no segment table are not looked at. A row without customer
 * is counted as such, and in no other check: nobody knows of a change of it whose
 * counts to correct.
 */
#include "postgres.h"

#include "access/relation.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "core/compat.h"
#include "segment/left_out.h"
#include "segment/other_source.h"
#include "segment/quality.h"

/* The most that is wrong with a row of one source. */
#define PROBLEMS_MAX 8

/* A source, and what a row s of it may have wrong. */
typedef struct CheckedSource
{
	const char *name;
	const char *from;
	const char *customer;
	char *where; /* rows that are looked at */
	int n;
	const char *problems[PROBLEMS_MAX];
	char *conditions[PROBLEMS_MAX];
} CheckedSource;

/* The statement so far. */
typedef struct Checks
{
	bool keyed; /* the customers in the parameter, not all */
	StringInfoData sql;
	StringInfoData zeros; /* a row for each check */
} Checks;

/* Begin the next part of the statement. */
static StringInfo
NextPart(Checks *checks)
{
	if (checks->sql.len > 0)
		appendStringInfoString(&checks->sql, " UNION ALL ");
	return &checks->sql;
}

/* A check is made: it has a row in the report even when nothing is found. */
static void
AddZero(Checks *checks, const char *source, const char *problem, bool kept)
{
	appendStringInfo(&checks->zeros,
					 "%s('%s', '%s', NULL::pg_catalog.text, 0::pg_catalog.int8,"
					 " 0::pg_catalog.int8, NULL::pg_catalog.text, %s)",
					 checks->zeros.len > 0 ? ", " : "", source, problem, kept ? "true" : "false");
}

static void
AddProblem(CheckedSource *checked, const char *problem, char *condition)
{
	checked->problems[checked->n] = problem;
	checked->conditions[checked->n++] = condition;
}

/* What is wrong with single rows of a source, all of it in one reading. */
static void
CheckRows(Checks *checks, const CheckedSource *checked)
{
	StringInfo sql = NextPart(checks);
	StringInfoData counts;
	StringInfoData values;
	StringInfoData any;
	int i;

	initStringInfo(&counts);
	initStringInfo(&values);
	initStringInfo(&any);
	appendStringInfo(&any, "%s IS NOT DISTINCT FROM NULL", checked->customer);
	appendStringInfoString(&counts, "pg_catalog.count(*) AS nobody");
	appendStringInfoString(
		&values, "('no_customer', CASE WHEN c.customer IS NOT DISTINCT FROM NULL THEN c.nobody END)");
	for (i = 0; i < checked->n; i++)
	{
		appendStringInfo(&counts, ", pg_catalog.count(*) FILTER (WHERE %s) AS n%d", checked->conditions[i],
						 i);
		appendStringInfo(&values, ", ('%s', CASE WHEN c.customer IS DISTINCT FROM NULL THEN c.n%d END)",
						 checked->problems[i], i);
		appendStringInfo(&any, " OR %s", checked->conditions[i]);
		AddZero(checks, checked->name, checked->problems[i], true);
	}
	AddZero(checks, checked->name, "no_customer", false);
	appendStringInfo(sql,
					 "SELECT '%s' AS source, v.problem, c.customer::pg_catalog.text AS customer, v.n AS rows,"
					 " NULL::pg_catalog.int8 AS customers, NULL::pg_catalog.text AS example,"
					 " v.problem <> 'no_customer' AS kept"
					 " FROM (SELECT %s AS customer, %s FROM %s s WHERE %s AND (%s) GROUP BY %s) c"
					 " CROSS JOIN LATERAL (VALUES %s) v (problem, n) WHERE v.n > 0",
					 checked->name, checked->customer, counts.data, checked->from, checked->where, any.data,
					 checked->customer, values.data);
}

/* Rows of customers whom the customers' own source does not have. */
static void
CheckOrphans(Checks *checks, const SegmentSource *source, const CheckedSource *checked,
			 const OtherSource *customers)
{
	StringInfo sql = NextPart(checks);

	appendStringInfo(
		sql,
		"SELECT '%s', 'orphan', o.customer::pg_catalog.text, pg_catalog.count(*), NULL, NULL, true"
		" FROM (SELECT %s AS customer FROM %s s WHERE %s AND %s IS DISTINCT FROM NULL) o"
		" WHERE NOT EXISTS (SELECT FROM (SELECT %s AS customer FROM %s s WHERE %s) k"
		" WHERE k.customer %s o.customer) GROUP BY o.customer",
		checked->name, checked->customer, checked->from, checked->where, checked->customer,
		customers->customer, customers->from, CsOtherCondition(source, customers, checks->keyed),
		source->customer_equals);
	AddZero(checks, checked->name, "orphan", true);
}

/* Customers who are in their own source more than once. */
static void
CheckRepeated(Checks *checks, const SegmentSource *source, const OtherSource *customers)
{
	StringInfo sql = NextPart(checks);

	appendStringInfo(sql,
					 "SELECT 'customers', 'repeated_customer', k.customer::pg_catalog.text,"
					 " pg_catalog.count(*) - 1, NULL, NULL, true FROM (SELECT %s AS customer FROM %s s"
					 " WHERE %s%s) k GROUP BY k.customer HAVING pg_catalog.count(*) > 1",
					 customers->customer, customers->from, CsOtherCondition(source, customers, checks->keyed),
					 CsAndNotLeftOut(source, customers->customer));
	AddZero(checks, "customers", "repeated_customer", true);
}

/*
 * The same order several times: of one customer, and of several, which takes a
 * look at all. Few orders are there twice, and only these are grouped by
 * customer.
 */
static void
CheckOrderIds(Checks *checks, const CheckedSource *orders, const SourceColumn *order_id)
{
	char *rows = psprintf("(SELECT %s AS customer, %s AS id FROM %s s WHERE %s AND %s IS DISTINCT FROM NULL"
						  " AND %s IS NOT NULL)",
						  orders->customer, order_id->sql, orders->from, orders->where, orders->customer,
						  order_id->sql);
	char *twice = psprintf("(SELECT d.id FROM %s d GROUP BY d.id HAVING pg_catalog.count(*) > 1)", rows);
	StringInfo sql = NextPart(checks);

	appendStringInfo(sql,
					 "(WITH g AS MATERIALIZED (SELECT o.customer::pg_catalog.text AS customer,"
					 " pg_catalog.count(*) AS n, pg_catalog.count(*) OVER (PARTITION BY o.id) AS of FROM %s o"
					 " WHERE o.id %s ANY %s GROUP BY o.customer, o.id)"
					 " SELECT 'orders', 'duplicate_order', g.customer,"
					 " pg_catalog.sum(g.n - 1)::pg_catalog.int8, NULL::pg_catalog.int8,"
					 " NULL::pg_catalog.text, true FROM g WHERE g.n > 1 GROUP BY g.customer",
					 rows, CsEqualityOperator(order_id->type), twice);
	AddZero(checks, "orders", "duplicate_order", true);
	if (!checks->keyed)
		appendStringInfoString(
			sql, " UNION ALL SELECT 'orders', 'shared_order', NULL,"
				 " coalesce(pg_catalog.sum(g.n), 0)::pg_catalog.int8, pg_catalog.count(DISTINCT g.customer),"
				 " pg_catalog.min(g.customer COLLATE \"C\"), false FROM g WHERE g.of > 1");
	appendStringInfoChar(sql, ')');
}

/* Customers whose refunds are more than their orders: by their rows, or by what these will be. */
static void
CheckRevenue(Checks *checks, const SegmentDefinition *definition, const SegmentSource *source, bool stored)
{
	StringInfo sql = NextPart(checks);

	appendStringInfoString(sql, "SELECT 'segment_table', 'negative_revenue', t.customer::pg_catalog.text,"
								" 1::pg_catalog.int8, NULL, NULL, true FROM ");
	if (stored)
		appendStringInfo(sql, "(SELECT s.customer_id AS customer, s.revenue FROM ONLY %s s WHERE %s) t",
						 CsQualifiedName(definition->table),
						 CsCustomerCondition(source, "s.customer_id", checks->keyed));
	else
		appendStringInfo(sql,
						 "(SELECT p.customer, customer_scoring.revenue(p.summary) AS revenue FROM (%s) p) t",
						 CsCustomersSql(source, checks->keyed, false));
	appendStringInfoString(sql, " WHERE t.revenue < 0");
	AddZero(checks, "segment_table", "negative_revenue", true);
}

/* A column of the orders that the option names. */
static SourceColumn
NamedColumn(const SegmentSource *source, const char *name)
{
	Relation relation = relation_open(source->relation, NoLock);
	SourceColumn column = CsFindColumn(relation, name, "Name another column with the option \"quality\".");

	relation_close(relation, NoLock);
	return column;
}

/* The orders, and what is wrong with single rows of them. */
static void
CheckOrders(Checks *checks, const SegmentDefinition *definition, const SegmentSource *source,
			const char *currency, const OtherSource *customers)
{
	const QualityOption *option = definition->quality;
	CheckedSource orders = {.name = "orders", .from = source->from, .customer = source->customer};
	SourceColumn order_id = {0};

	orders.where = psprintf(
		"%s%s%s", source->filter,
		checks->keyed ? psprintf(" AND %s", CsCustomerCondition(source, source->customer, true)) : "",
		CsAndNotLeftOut(source, source->customer));
	AddProblem(&orders, "no_time", psprintf("%s IS NULL", source->time));
	AddProblem(&orders, "no_amount", psprintf("%s IS NULL", source->amount));
	AddProblem(&orders, "not_finite",
			   psprintf("(NOT (%s) AND %s IS NOT NULL OR %s = '-infinity'::pg_catalog.timestamptz)",
						source->finite, source->amount, source->time));
	AddProblem(&orders, "future", psprintf("%s > $%d", source->time, PARAM_AS_OF));
	if (option->currency != NULL)
	{
		char *column = psprintf("%s::pg_catalog.text", NamedColumn(source, option->currency).sql);

		AddProblem(&orders, "no_currency", psprintf("%s IS NULL", column));
		AddProblem(&orders, QUALITY_OTHER_CURRENCY,
				   currency == NULL
					   ? "false"
					   : psprintf("%s COLLATE \"C\" <> %s", column, quote_literal_cstr(currency)));
	}
	if (option->order_id != NULL)
	{
		order_id = NamedColumn(source, option->order_id);
		AddProblem(&orders, "no_order_id", psprintf("%s IS NULL", order_id.sql));
	}
	CheckRows(checks, &orders);
	if (option->order_id != NULL)
		CheckOrderIds(checks, &orders, &order_id);
	if (customers != NULL)
		CheckOrphans(checks, source, &orders, customers);
}

/* A source besides the orders, and what is wrong with single rows of it. */
static void
CheckOther(Checks *checks, const SegmentSource *source, const OtherSource *other,
		   const OtherSource *customers)
{
	CheckedSource checked = {
		.name = other->definition->kind->name, .from = other->from, .customer = other->customer};

	checked.where = psprintf("%s%s", checks->keyed ? CsOtherCondition(source, other, true) : "true",
							 CsAndNotLeftOut(source, other->customer));
	if (other->from_moment != NULL)
		AddProblem(&checked, "no_time", psprintf("%s IS NULL", other->from_moment));
	if (other->time != NULL)
	{
		AddProblem(&checked, "no_time", psprintf("%s IS NULL", other->time));
		AddProblem(&checked, "not_finite", psprintf("%s = '-infinity'::pg_catalog.timestamptz", other->time));
		AddProblem(&checked, "future", psprintf("%s > $%d", other->time, PARAM_AS_OF));
	}
	if (other->score != NULL)
		AddProblem(&checked, "no_score", psprintf("%s IS NULL", other->score));
	CheckRows(checks, &checked);
	if (other == customers)
		CheckRepeated(checks, source, customers);
	else if (customers != NULL)
		CheckOrphans(checks, source, &checked, customers);
}

/* SQL for the currency that most orders have, of several the first; NULL without the option. */
char *
CsMainCurrencySql(const SegmentDefinition *definition, const SegmentSource *source)
{
	if (definition->quality->currency == NULL)
		return NULL;
	return psprintf("SELECT x.currency FROM (SELECT %s::pg_catalog.text COLLATE \"C\" AS currency FROM %s s"
					" WHERE %s) x WHERE x.currency IS NOT NULL GROUP BY x.currency"
					" ORDER BY pg_catalog.count(*) DESC, x.currency LIMIT 1",
					NamedColumn(source, definition->quality->currency).sql, source->from, source->filter);
}

/* The source of customers; NULL when there is none. */
static const OtherSource *
Customers(const SegmentSource *source)
{
	int i;

	for (i = 0; i < source->nothers; i++)
		if (strcmp(source->others[i].definition->kind->name, "customers") == 0)
			return &source->others[i];
	return NULL;
}

/*
 * SQL for customers who may be the same person, as one row of the third kind;
 * NULL when nothing says by what to tell.
 */
char *
CsDuplicatesSql(const SegmentDefinition *definition, const SegmentSource *source)
{
	const QualityOption *option = definition->quality;
	const OtherSource *customers = Customers(source);
	StringInfoData arguments;
	int i;

	initStringInfo(&arguments);
	for (i = 0; i < lengthof(CsPersonKeys); i++)
		if (option->person[i] != NULL)
			appendStringInfo(&arguments, ", %s => %s", CsPersonKeys[i],
							 quote_literal_cstr(option->person[i]));
	if (customers == NULL || arguments.len == 0)
		return NULL;
	if (option->region != NULL)
		appendStringInfo(&arguments, ", region => %s", quote_literal_cstr(option->region));
	return psprintf("SELECT 'customers', '" QUALITY_DUPLICATE_CUSTOMER "', NULL, pg_catalog.count(*),"
					" pg_catalog.count(*) + pg_catalog.count(DISTINCT g.keep),"
					" pg_catalog.min(g.keep COLLATE \"C\"), false"
					" FROM customer_scoring.duplicate_groups(%s::pg_catalog.regclass, %s%s) g",
					quote_literal_cstr(customers->from), quote_literal_cstr(customers->definition->customer),
					arguments.data);
}

/*
 * SQL for what is wrong, of all customers or of those in the parameter with
 * keys; revenues come from the segment table as it is stored, or else from the
 * sources. Currencies are compared with the one given, NULL when nobody has any.
 */
char *
CsQualitySql(const SegmentDefinition *definition, const SegmentSource *source, bool keyed, bool stored,
			 const char *currency)
{
	Checks checks = {.keyed = keyed};
	const OtherSource *customers = Customers(source);
	int i;

	initStringInfo(&checks.sql);
	initStringInfo(&checks.zeros);
	CheckOrders(&checks, definition, source, currency, customers);
	CheckRevenue(&checks, definition, source, stored);
	for (i = 0; i < source->nothers; i++)
		CheckOther(&checks, source, &source->others[i], customers);
	if (!keyed)
		appendStringInfo(NextPart(&checks), "VALUES %s", checks.zeros.data);
	return checks.sql.data;
}
