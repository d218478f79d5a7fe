/*
 * other_source.c
 *		Sources of a segment table besides its orders.
 *
 * Like the orders they are bound by name and columns, read with the rights of
 * the segment table's owner, locked until the transaction ends, and captured by
 * their column with the customer. What the source of a kind gives is worked out
 * by customer and joined to the orders, all customers or those in the parameter
 * with keys, so that a refresh, a verification and the customers that time
 * changes go the same way whatever the sources are.
 *
 * Who has no orders, but is in a source whose kind makes rows, has the summary
 * of no purchases. Rows whose time is after as_of wait until they are due, as
 * orders do; a lookback is of orders only.
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "core/compat.h"
#include "segment/customer_text.h"
#include "segment/key_set.h"
#include "segment/left_out.h"
#include "segment/other_source.h"

/* The summary of a customer without purchases. */
#define NO_PURCHASES "'{\"v\":1,\"orders\":0,\"refunds\":0,\"revenue\":0}'::customer_scoring.purchase_summary"

/* A column that a key of the argument columns names, or the argument customer. */
static SourceColumn
OtherColumn(SegmentSource *source, Relation relation, const char *name, const char *argument)
{
	SourceColumn column = CsFindColumn(
		relation, name,
		psprintf("Name the column with %s of customer_scoring.add_segment_source, after "
				 "customer_scoring.drop_segment_source if the source was added before.",
				 argument));

	CsReadColumn(source, &column);
	return column;
}

/*
 * The customer of a row, to be compared with those of orders; of a kind that
 * goes by texts it may be a text that names one, which is told then. Where the
 * source makes rows, it must fit the column customer_id as it is: there it would
 * be cut or rounded into another customer.
 */
static char *
CustomerExpression(const SegmentSource *source, const SourceColumn *column, const OtherDefinition *other,
				   bool *by_text)
{
	bool same = CsSameKeys(column->declared, source->customer_type);
	bool collated = column->collation != source->customer_collation;
	int32 wanted = source->customer_typmod;
	bool fits;

	*by_text = other->kind->by_text && CsIsText(column->type) && CsHasTexts(source->key_type);
	if (*by_text)
		return psprintf("customer_scoring.segment_customer(%s, NULL::%s)", column->sql,
						format_type_extended(source->key_type, -1, FORMAT_TYPE_FORCE_QUALIFY));
	(void) getBaseTypeAndTypmod(source->customer_type, &wanted);
	fits = wanted == -1 || column->typmod == wanted ||
		   (source->key_type == VARCHAROID && column->type == VARCHAROID && column->typmod != -1 &&
			column->typmod < wanted);
	if (!same || (other->kind->makes_rows && !fits))
		ereport(
			ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("column \"%s\" of source \"%s\" is not of the type of the segment table's customer_id",
					other->customer, other->source_name),
			 errdetail("It is %s, customer_id is %s.",
					   format_type_with_typemod(column->declared, column->declared_typmod),
					   format_type_with_typemod(source->customer_type, source->customer_typmod)),
			 errhint("Give the column that type, or make a view that converts it the source.")));
	if (column->type == source->key_type && !collated)
		return column->sql;
	return psprintf(
		"(%s%s)%s", column->sql,
		column->type == source->key_type
			? ""
			: psprintf("::%s", format_type_extended(source->key_type, -1, FORMAT_TYPE_FORCE_QUALIFY)),
		collated ? psprintf(" COLLATE %s", CsCollationName(source->customer_collation)) : "");
}

/* A column with whole numbers. */
static void
CheckScore(const SourceColumn *column, const char *name)
{
	switch (column->type)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case NUMERICOID:
			break;
		default:
			ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
							errmsg("column \"%s\" has type %s, which is not a score", name,
								   format_type_be(column->declared)),
							errhint("A score is a smallint, integer, bigint or numeric. Make a view that "
									"converts it, and use the view as source.")));
	}
}

/* Find one source, and work out the SQL to read it. */
static void
OpenOther(SegmentSource *source, OtherSource *other, const OtherDefinition *definition, Oid segment_table)
{
	const SegmentKind *kind = definition->kind;
	char **settings = CsKindValues(kind, definition->columns);
	Relation relation = CsOpenSourceRelation(
		definition->source_schema, definition->source_name, segment_table,
		"Create it again, or call customer_scoring.drop_segment_source.");
	SourceColumn customer = OtherColumn(source, relation, definition->customer, "the argument \"customer\"");
	bool by_text;
	int i;

	other->definition = definition;
	other->from = CsQualifiedName(RelationGetRelid(relation));
	other->customer = CustomerExpression(source, &customer, definition, &by_text);
	other->customer_text = by_text ? customer.sql : NULL;
	other->time = other->score = other->from_moment = other->until_moment = NULL;
	for (i = 0; i < kind->nsettings; i++)
	{
		const KindSetting *setting = &kind->settings[i];
		SourceColumn column;

		other->names[i] = psprintf("%%%s%%", setting->name);
		other->values[i] = settings[i];
		if (setting->type == SETTING_NUMBER)
			continue;
		if (settings[i] == NULL && get_attnum(RelationGetRelid(relation), setting->name) <= 0)
		{
			other->values[i] = "NULL::pg_catalog.text";
			continue;
		}
		if (settings[i] == NULL)
			settings[i] = pstrdup(setting->name);
		column = OtherColumn(source, relation, settings[i],
							 psprintf("the key \"%s\" in the argument \"columns\"", setting->name));
		if (setting->type == SETTING_TIME)
			other->values[i] = other->time = CsTimeExpression(&column, settings[i]);
		else if (setting->type == SETTING_FROM)
			other->values[i] = other->from_moment = CsTimeExpression(&column, settings[i]);
		else if (setting->type == SETTING_UNTIL)
			other->values[i] = other->until_moment = CsTimeExpression(&column, settings[i]);
		else if (setting->type == SETTING_WORDS || setting->type == SETTING_WORDS_IF_ANY)
			other->values[i] = psprintf("%s::pg_catalog.text", column.sql);
		else
		{
			CheckScore(&column, settings[i]);
			other->values[i] = other->score = column.sql;
		}
	}
	other->names[i] = "%CUSTOMER%";
	other->values[i] = other->customer;
	other->nvalues = i + 1;
	if (other->until_moment != NULL)
	{
		other->names[other->nvalues] = "%HELD%";
		other->values[other->nvalues++] = psprintf("(%s <= $%d AND (%s IS NULL OR %s > $%d))",
												   other->from_moment, PARAM_AS_OF, other->until_moment,
												   other->until_moment, PARAM_AS_OF);
		source->periods = true;
	}
	CsFollow(source, RelationGetRelid(relation), customer.attnum);
	relation_close(relation, NoLock);
}

/* Find all sources of a definition besides the orders, which have been found. */
void
CsOpenOthers(SegmentSource *source, const SegmentDefinition *definition)
{
	ListCell *cell;

	source->others = palloc0(sizeof(OtherSource) * Max(list_length(definition->others), 1));
	foreach (cell, definition->others)
		OpenOther(source, &source->others[source->nothers++], lfirst(cell), definition->table);
}

/*
 * Condition on the customer of a row: one at all, or one of those in $4. Texts
 * are compared as they are, so that an index on them serves.
 */
char *
CsOtherCondition(const SegmentSource *source, const OtherSource *other, bool keyed)
{
	if (keyed && other->customer_text != NULL)
		return psprintf("%s OPERATOR(pg_catalog.=) ANY ($%d::pg_catalog.text[])", other->customer_text,
						PARAM_KEYS);
	return CsCustomerCondition(source, other->customer, keyed);
}

/*
 * SQL for customers by one source: customer, upcoming (the first moment of a row
 * that will count; not looked for without future), and the figures of its kind.
 */
char *
CsOtherSql(const SegmentSource *source, const OtherSource *other, bool keyed, bool future)
{
	const char *figures = other->definition->kind->figures;
	OtherSource filled = *other;
	char *upcoming = "NULL::pg_catalog.timestamptz";
	StringInfoData where;
	char *sql;

	filled.names[filled.nvalues] = "%PAST%";
	filled.values[filled.nvalues] = "";
	initStringInfo(&where);
	appendStringInfoString(&where, CsOtherCondition(source, other, keyed));
	if (other->score != NULL)
		appendStringInfo(&where, " AND %s IS NOT NULL", other->score);
	if (other->time != NULL)
		appendStringInfo(&where, " AND %s > '-infinity' AND %s %s", other->time, other->time,
						 future ? "< 'infinity'" : psprintf("<= $%d", PARAM_AS_OF));
	if (other->time != NULL && future)
	{
		filled.values[filled.nvalues] = psprintf(" FILTER (WHERE %s <= $%d)", other->time, PARAM_AS_OF);
		upcoming = psprintf("pg_catalog.min(%s) FILTER (WHERE %s > $%d)", other->time, other->time,
							PARAM_AS_OF);
	}
	if (other->until_moment != NULL)
		upcoming = psprintf("pg_catalog.min(CASE WHEN %s > $%d THEN %s"
							" WHEN %s > $%d AND %s < 'infinity' THEN %s END) FILTER (WHERE %s IS NOT NULL)",
							other->from_moment, PARAM_AS_OF, other->from_moment, other->until_moment,
							PARAM_AS_OF, other->until_moment, other->until_moment, other->from_moment);
	sql = psprintf("SELECT %s AS customer, %s AS upcoming%s%s FROM %s s WHERE %s GROUP BY %s",
				   other->customer, upcoming, figures != NULL ? ", " : "",
				   figures != NULL ? CsFillIn(figures, filled.names, filled.values, filled.nvalues + 1) : "",
				   other->from, where.data, other->customer);
	/* others tell more of customers who are there, or not */
	return other->definition->kind->makes_rows ? CsWithoutLeftOut(source, sql) : sql;
}

/*
 * The figures of all sources as in SELECT: ", a.f1, a.f2, …", or from their own
 * aliases; last those of orders, see CsClvFigures and CsTierFigures.
 */
char *
CsFigureNames(const SegmentSource *source, const char *alias)
{
	StringInfoData sql;
	int i;
	int j;

	initStringInfo(&sql);
	for (i = 0; i < source->nothers; i++)
		for (j = 0; j < source->others[i].definition->kind->ncolumns; j++)
			appendStringInfo(&sql, ", %s.%s", alias != NULL ? alias : psprintf("x%d", i),
							 source->others[i].definition->kind->columns[j].name);
	if (source->clv_zone != NULL)
		appendStringInfo(&sql, ", %s.clv_summary, %s.newest", alias != NULL ? alias : "x",
						 alias != NULL ? alias : "x");
	if (source->tiers)
		appendStringInfo(&sql, ", %s.tier_ledger", alias != NULL ? alias : "x");
	return sql.data;
}

/*
 * SQL for customers by their orders, with what other sources add: customers who
 * have a row without orders, moments to come, and figures. Sources that make rows
 * come first, as who the others tell of is known by then.
 */
char *
CsJoinOthers(const SegmentSource *source, char *orders, bool keyed, bool future)
{
	char *customer = "x.customer";
	StringInfoData made;
	StringInfoData upcoming;
	StringInfoData joins;
	int pass;
	int i;

	if (source->nothers == 0)
		return orders;
	initStringInfo(&made);
	initStringInfo(&upcoming);
	initStringInfo(&joins);
	for (pass = 0; pass < 2; pass++)
		for (i = 0; i < source->nothers; i++)
		{
			const OtherSource *other = &source->others[i];
			bool makes_rows = other->definition->kind->makes_rows;

			if (makes_rows != (pass == 0))
				continue;
			appendStringInfo(&joins, " %s JOIN (%s) x%d ON %s %s x%d.customer", makes_rows ? "FULL" : "LEFT",
							 CsOtherSql(source, other, keyed, future), i, customer, source->customer_equals,
							 i);
			appendStringInfo(&upcoming, ", x%d.upcoming", i);
			if (makes_rows)
			{
				appendStringInfo(&made, "%sx%d.customer IS DISTINCT FROM NULL", made.len > 0 ? " OR " : "",
								 i);
				customer = psprintf("coalesce(%s, x%d.customer)", customer, i);
			}
		}
	return psprintf("SELECT %s AS customer, %s AS summary, x.oldest, least(x.upcoming%s) AS upcoming%s"
					" FROM (%s) x%s",
					customer,
					made.len > 0
						? psprintf("coalesce(x.summary, CASE WHEN %s THEN " NO_PURCHASES " END)", made.data)
						: "x.summary",
					upcoming.data, CsFigureNames(source, NULL), orders, joins.data);
}

/* SQL for rows that are left out, to be appended to that for orders. */
char *
CsOthersSkippedSql(const SegmentSource *source, bool keyed)
{
	StringInfoData sql;
	int i;

	initStringInfo(&sql);
	for (i = 0; i < source->nothers; i++)
	{
		const OtherSource *other = &source->others[i];

		appendStringInfo(
			&sql,
			" UNION ALL SELECT x.reason, pg_catalog.count(*) FROM (SELECT CASE WHEN %s IS NOT DISTINCT FROM "
			"NULL THEN %d",
			other->customer, SKIP_NO_CUSTOMER);
		if (other->time != NULL)
			appendStringInfo(&sql, " WHEN %s IS NULL THEN %d", other->time, SKIP_NO_TIME);
		if (other->score != NULL)
			appendStringInfo(&sql, " WHEN %s IS NULL THEN %d", other->score, SKIP_NO_AMOUNT);
		if (other->time != NULL)
			appendStringInfo(&sql,
							 " WHEN %s = '-infinity'::pg_catalog.timestamptz THEN %d WHEN %s > $%d THEN %d",
							 other->time, SKIP_NOT_FINITE, other->time, PARAM_AS_OF, SKIP_FUTURE);
		appendStringInfo(&sql, " END AS reason FROM %s s%s) x WHERE x.reason IS NOT NULL GROUP BY x.reason",
						 other->from,
						 keyed ? psprintf(" WHERE %s", CsOtherCondition(source, other, true)) : "");
	}
	return sql.data;
}
