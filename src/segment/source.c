/*
 * source.c
 *		Where a segment table's purchases come from.
 *
 * A *source* is a table or view of orders, bound by schema-qualified name and
 * column names: it may be dropped and made anew under the same name. This file
 * is the seam between the source and everything that scores: it hands out SQL
 * that yields pairs of customer and purchase_summary. Names are quoted from the
 * catalogs, values are typed parameters; nothing a user wrote becomes SQL.
 *
 * Called as the owner of the segment table, whose rights decide. The source is
 * locked against changes of its definition until the transaction ends.
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "core/compat.h"
#include "core/moment.h"
#include "core/money.h"
#include "segment/schedule.h"
#include "segment/source.h"

#define DEFAULT_MONEY_SCALE 2

/* A column of the source as the catalog has it. */
typedef struct SourceColumn
{
	AttrNumber attnum;
	Oid type; /* of a domain: what it is based on */
	int32 typmod;
	Oid declared; /* as declared */
	int32 declared_typmod;
	Oid collation;
	char *sql;
} SourceColumn;

/*
 * Look a column up; the option is the argument of create_segment_table that
 * names it. The owner must be allowed to read it.
 */
static SourceColumn
FindColumn(Relation relation, const char *name, const char *option)
{
	AttrNumber attnum = get_attnum(RelationGetRelid(relation), name);
	Form_pg_attribute attribute;
	SourceColumn column;

	if (attnum <= 0)
		ereport(
			ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("column \"%s\" of source \"%s\" does not exist", name, RelationGetRelationName(relation)),
			 errhint("Name the column with the option \"%s\" of customer_scoring.create_segment_table or "
					 "alter_segment_table.",
					 option)));
	if (pg_class_aclcheck(RelationGetRelid(relation), GetUserId(), ACL_SELECT) != ACLCHECK_OK &&
		pg_attribute_aclcheck(RelationGetRelid(relation), attnum, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied for column \"%s\" of source \"%s\"", name,
							   RelationGetRelationName(relation)),
						errhint("GRANT SELECT ON %s TO %s.", CsQualifiedName(RelationGetRelid(relation)),
								quote_identifier(GetUserNameFromId(GetUserId(), false)))));
	attribute = TupleDescAttr(RelationGetDescr(relation), attnum - 1);
	column.attnum = attnum;
	column.declared = attribute->atttypid;
	column.declared_typmod = column.typmod = attribute->atttypmod;
	column.type = getBaseTypeAndTypmod(attribute->atttypid, &column.typmod);
	column.collation = attribute->attcollation;
	column.sql = psprintf("s.%s", quote_identifier(NameStr(attribute->attname)));
	return column;
}

/* The default equality of a type as OPERATOR(schema.name), whatever the search_path is. */
static char *
EqualityOperator(Oid type)
{
	TypeCacheEntry *entry = lookup_type_cache(type,
											  TYPECACHE_EQ_OPR | TYPECACHE_LT_OPR | TYPECACHE_HASH_PROC);
	HeapTuple tuple;
	Form_pg_operator form;
	char *result;

	if (!OidIsValid(entry->eq_opr) || !OidIsValid(entry->lt_opr) || !OidIsValid(entry->hash_proc))
		return NULL;
	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(entry->eq_opr));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator %u", entry->eq_opr);
	form = (Form_pg_operator) GETSTRUCT(tuple);
	result = psprintf("OPERATOR(%s.%s)", quote_identifier(get_namespace_name(form->oprnamespace)),
					  NameStr(form->oprname));
	ReleaseSysCache(tuple);
	return result;
}

/*
 * The time of an order as a timestamptz. A time without zone is read in that of
 * the table, which the session has while the source is read: see CsActAsOwner.
 */
static char *
TimeExpression(const SourceColumn *column, const char *name)
{
	switch (column->type)
	{
		case TIMESTAMPTZOID:
		case TIMESTAMPOID:
		case DATEOID:
			return psprintf("%s::pg_catalog.timestamptz", column->sql);
		default:
			ereport(
				ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" has type %s, which is not a time", name,
						format_type_be(column->declared)),
				 errhint(
					 "The time of an order is a timestamptz, timestamp or date. Make a view that converts "
					 "it, and use the view as source.")));
	}
	return NULL;
}

/*
 * The amount, with what tells that it is finite, and the decimals that the
 * column is declared with, or -1.
 */
static char *
AmountExpression(const SourceColumn *column, const char *name, char **finite, int *scale)
{
	*scale = -1;
	switch (column->type)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
			*scale = 0;
			*finite = psprintf("%s IS NOT NULL", column->sql);
			return column->sql;
		case NUMERICOID:
			if (column->typmod >= (int32) VARHDRSZ)
			{
				*scale = Max(CsNumericTypmodScale(column->typmod), 0);
				/* such a column can hold NaN, which sorts highest, but no infinity */
				*finite = psprintf("%s < 'Infinity'::pg_catalog.numeric", column->sql);
				return column->sql;
			}
			*finite = psprintf("%s < 'Infinity'::pg_catalog.numeric AND %s > '-Infinity'::pg_catalog.numeric",
							   column->sql, column->sql);
			return column->sql;
		case FLOAT4OID:
		case FLOAT8OID:
			*finite = psprintf("%s < 'Infinity'::pg_catalog.float8 AND %s > '-Infinity'::pg_catalog.float8",
							   column->sql, column->sql);
			return column->sql;
		default:
			ereport(
				ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" has type %s, which is not an amount", name,
						format_type_be(column->declared)),
				 errhint(
					 "An amount is a smallint, integer, bigint, numeric, real or double precision. Make a "
					 "view that converts it, and use the view as source.")));
	}
	return NULL;
}

/* Decimals of the money columns: those of the source, else as given, else two. */
static int
MoneyScale(const SegmentDefinition *definition, int declared)
{
	int scale = declared >= 0 ? declared : definition->money_scale;

	if (definition->money_scale != CS_SCALE_OF_SOURCE && definition->money_scale != scale)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("money_scale %d contradicts the %d decimals of column \"%s\"",
							   definition->money_scale, declared, definition->amount),
						errhint("Leave money_scale out, or make a view with another type of amount.")));
	if (scale == CS_SCALE_OF_SOURCE)
		scale = DEFAULT_MONEY_SCALE;
	if (scale < 0 || scale > CS_MONEY_DECIMALS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("money must have between 0 and %d decimals, not %d", CS_MONEY_DECIMALS, scale),
						errhint("Make a view with round(amount, %d), and use the view as source.",
								CS_MONEY_DECIMALS)));
	return scale;
}

static void
BadOnly(const char *problem)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("option \"only\" %s", problem),
					errhint("It is an object of columns and their allowed values, for example "
							"{\"status\": [\"paid\", \"shipped\"]}.")));
}

/* A JSON scalar as the text that an input function reads, or NULL for null. */
static char *
ScalarText(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			return NULL;
		case jbvString:
			return pnstrdup(value->val.string.val, value->val.string.len);
		case jbvNumeric:
			return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
		case jbvBool:
			return pstrdup(value->val.boolean ? "true" : "false");
		default:
			BadOnly("allows a value that is neither text, number, true, false nor null");
	}
	return NULL;
}

/* An allowed value as a value of its column's type; an error says which column it is not one of. */
static Datum
OnlyValue(const SourceColumn *column, const char *name, char *text, Oid input, Oid ioparam)
{
	MemoryContext context = CurrentMemoryContext;
	volatile Datum value = (Datum) 0;

	PG_TRY();
	{
		value = OidInputFunctionCall(input, text, ioparam, column->typmod);
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_DATA_EXCEPTION)
			PG_RE_THROW();
		FlushErrorState();
		ereport(ERROR,
				(errcode(error->sqlerrcode),
				 errmsg("option \"only\" allows \"%s\", which column \"%s\" of type %s cannot hold", text,
						name, format_type_with_typemod(column->declared, column->declared_typmod)),
				 errdetail_internal("%s", error->message),
				 errhint("Give values as they are written in a query.")));
	}
	PG_END_TRY();
	return value;
}

/*
 * The condition for one column of `only`: its allowed values become a typed
 * array parameter, read by the input function of the column's type.
 */
static void
AddOnlyColumn(SegmentSource *source, StringInfo filter, Relation relation, const char *name,
			  const JsonbContainer *values)
{
	SourceColumn column = FindColumn(relation, name, "only");
	Oid array_type = get_array_type(column.type);
	char *equals = EqualityOperator(column.type);
	int n = JsonContainerSize(values);
	Datum *elements = palloc(sizeof(Datum) * Max(n, 1));
	int nelements = 0;
	bool allows_null = false;
	Oid input;
	Oid ioparam;
	int16 length;
	bool byval;
	char align;
	int i;

	if (!OidIsValid(array_type) || equals == NULL)
		BadOnly(psprintf("names column \"%s\", whose type %s cannot be compared", name,
						 format_type_be(column.declared)));
	if (n == 0)
		BadOnly(psprintf("allows no value for column \"%s\"", name));
	getTypeInputInfo(column.type, &input, &ioparam);
	get_typlenbyvalalign(column.type, &length, &byval, &align);
	for (i = 0; i < n; i++)
	{
		char *text = ScalarText(getIthJsonbValueFromContainer(unconstify(JsonbContainer *, values), i));

		if (text == NULL)
			allows_null = true;
		else
			elements[nelements++] = OnlyValue(&column, name, text, input, ioparam);
	}

	source->types[source->nparams] = array_type;
	source->values[source->nparams] = PointerGetDatum(
		construct_array(elements, nelements, column.type, length, byval, align));
	source->nulls[source->nparams] = ' ';
	source->nparams++;
	appendStringInfo(filter, " AND (%s %s ANY ($%d)%s)", column.sql, equals, source->nparams,
					 allows_null ? psprintf(" OR %s IS NULL", column.sql) : "");
}

/* All conditions of `only`; parameters are appended to the source. */
static char *
OnlyFilter(SegmentSource *source, Jsonb *only, Relation relation)
{
	StringInfoData filter;
	JsonbIterator *iterator;
	JsonbValue key;
	JsonbValue value;
	JsonbIteratorToken token;

	initStringInfo(&filter);
	appendStringInfoString(&filter, "true");
	if (only == NULL)
		return filter.data;
	if (!JB_ROOT_IS_OBJECT(only))
		BadOnly("is not a JSON object");
	iterator = JsonbIteratorInit(&only->root);
	while ((token = JsonbIteratorNext(&iterator, &key, true)) != WJB_DONE)
	{
		char *name;

		if (token != WJB_KEY)
			continue;
		name = pnstrdup(key.val.string.val, key.val.string.len);
		(void) JsonbIteratorNext(&iterator, &value, true);
		if (value.type != jbvBinary || !JsonContainerIsArray(value.val.binary.data))
			BadOnly(psprintf("has no array for column \"%s\"", name));
		AddOnlyColumn(source, &filter, relation, name, value.val.binary.data);
	}
	return filter.data;
}

/* Find the relation by its name, lock it, and check that it can be a source. */
static Relation
OpenRelation(const SegmentDefinition *definition)
{
	RangeVar *name = makeRangeVar(definition->source_schema, definition->source_name, -1);
	Oid oid = RangeVarGetRelid(name, AccessShareLock, true);
	Relation relation;

	if (!OidIsValid(oid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("source %s does not exist",
						quote_qualified_identifier(definition->source_schema, definition->source_name)),
				 errhint("Create it again, or call customer_scoring.alter_segment_table with another one.")));
	if (oid == definition->table)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("segment table \"%s\" cannot be its own source", definition->source_name),
						errhint("Name the table or view of orders.")));
	relation = relation_open(oid, NoLock);
	switch (relation->rd_rel->relkind)
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
		case RELKIND_VIEW:
		case RELKIND_MATVIEW:
		case RELKIND_FOREIGN_TABLE:
			break;
		default:
			ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
							errmsg("\"%s\" cannot be a source", RelationGetRelationName(relation)),
							errdetail("It is neither a table nor a view."),
							errhint("Name the table or view that holds the orders.")));
	}
	if (relation->rd_rel->relpersistence == RELPERSISTENCE_TEMP)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("temporary table \"%s\" cannot be a source", RelationGetRelationName(relation)),
				 errdetail("No other session can read it, a worker neither."),
				 errhint("Use an ordinary or an unlogged table.")));
	return relation;
}

/*
 * Find a definition's source and work out the SQL to read it. An error when it
 * is not there, not readable or not of the right types: the caller decides
 * whether that refuses a definition or breaks a segment table.
 */
SegmentSource *
CsOpenSource(const SegmentDefinition *definition)
{
	SegmentSource *source = palloc0(sizeof(SegmentSource));
	int nonly = definition->only != NULL ? JB_ROOT_COUNT(definition->only) : 0;
	Relation relation = OpenRelation(definition);
	SourceColumn customer = FindColumn(relation, definition->customer, "customer");
	SourceColumn time = FindColumn(relation, definition->ordered_at, "ordered_at");
	SourceColumn amount = FindColumn(relation, definition->amount, "amount");
	char *from = CsQualifiedName(RelationGetRelid(relation));
	char *time_sql = TimeExpression(&time, definition->ordered_at);
	char *finite_sql;
	char *amount_sql;
	char *filter;
	int declared_scale;

	source->relation = RelationGetRelid(relation);
	source->columns[0] = customer.attnum;
	source->columns[1] = time.attnum;
	source->columns[2] = amount.attnum;
	source->customer_type = customer.declared;
	source->customer_typmod = customer.declared_typmod;
	source->customer_collation = customer.collation;
	source->customer_equals = EqualityOperator(customer.type);
	if (source->customer_equals == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" has type %s, which cannot tell customers apart", definition->customer,
						format_type_be(customer.declared)),
				 errdetail("A customer's type needs a default btree and a default hash operator class.")));
	amount_sql = AmountExpression(&amount, definition->amount, &finite_sql, &declared_scale);
	source->scale = MoneyScale(definition, declared_scale);

	source->nparams = SOURCE_RUN_PARAM;
	source->types = palloc(sizeof(Oid) * (source->nparams + nonly));
	source->values = palloc0(sizeof(Datum) * (source->nparams + nonly));
	source->nulls = palloc(source->nparams + nonly);
	source->types[0] = source->types[1] = TIMESTAMPTZOID;
	source->types[SOURCE_RUN_PARAM - 1] = INT8OID;
	source->nulls[0] = source->nulls[1] = ' ';
	source->nulls[SOURCE_RUN_PARAM - 1] = 'n';
	filter = OnlyFilter(source, definition->only, relation);

	/* a composite customer with a field that is null IS neither NULL nor NOT NULL, but it is DISTINCT FROM NULL */
	source->all_customers = psprintf(
		"SELECT %s AS customer, customer_scoring.purchase_summary(%s, %s) AS summary FROM %s s"
		" WHERE %s AND %s IS DISTINCT FROM NULL AND %s AND %s <= $1 AND %s > $2 GROUP BY %s",
		customer.sql, time_sql, amount_sql, from, filter, customer.sql, finite_sql, time_sql, time_sql,
		customer.sql);
	source->skipped = psprintf(
		"SELECT x.reason, pg_catalog.count(*) FROM (SELECT CASE WHEN %s IS NOT DISTINCT FROM NULL THEN %d "
		"WHEN %s IS NULL THEN "
		"%d"
		" WHEN %s IS NULL THEN %d WHEN NOT (%s) OR %s = '-infinity'::pg_catalog.timestamptz THEN %d"
		" WHEN %s > $1 THEN %d END AS reason FROM %s s WHERE %s AND (%s > $2 OR %s IS NULL"
		" OR %s = '-infinity'::pg_catalog.timestamptz)) x WHERE x.reason IS NOT NULL GROUP BY x.reason",
		customer.sql, SKIP_NO_CUSTOMER, time_sql, SKIP_NO_TIME, amount.sql, SKIP_NO_AMOUNT, finite_sql,
		time_sql, SKIP_NOT_FINITE, time_sql, SKIP_FUTURE, from, filter, time_sql, time_sql, time_sql);
	relation_close(relation, NoLock);
	return source;
}

/*
 * Set the moments of a reading: orders count from after the lookback, or from
 * the beginning, up to as_of.
 */
void
CsSourceMoments(SegmentSource *source, const SegmentDefinition *definition, TimestampTz as_of)
{
	TimestampTz earliest = DT_NOBEGIN;

	if (definition->lookback != NULL)
	{
		pg_tz *zone = CsZone(definition->time_zone);
		Datum clock = TimestampGetDatum(CsClockOf(as_of, zone));

		clock = DirectFunctionCall2(timestamp_mi_interval, clock, IntervalPGetDatum(definition->lookback));
		earliest = CsMomentOf(DatumGetTimestamp(clock), zone);
	}
	source->values[0] = TimestampTzGetDatum(as_of);
	source->values[1] = TimestampTzGetDatum(earliest);
}

/*
 * Row-level security anywhere below the source is an error unless it was asked
 * for: the segment table would show to its readers what the policies may hide
 * from them. Policies of the segment table itself are nothing to complain of,
 * so the statement looked at reads the source only; it locks what it reads, so
 * that the answer holds until the transaction ends.
 */
void
CsCheckSourcePolicies(const SegmentSource *source, const SegmentDefinition *definition)
{
	SPIPlanPtr plan = CsPrepareOnSource(source, source->all_customers);
	ListCell *cell;

	if (definition->row_security)
		return;
	foreach (cell, SPI_plan_get_plan_sources(plan))
	{
		CachedPlanSource *plan_source = (CachedPlanSource *) lfirst(cell);

		if (plan_source->dependsOnRLS)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("source \"%s\" has row-level security", definition->source_name),
					 errdetail("A segment table holds what its owner may read: its readers would see rows "
							   "that policies hide from them."),
					 errhint("To have that, use the option row_security => true, and guard the segment "
							 "table by policies of its own.")));
	}
}

/* Prepare a statement that has the parameters of the source. */
SPIPlanPtr
CsPrepareOnSource(const SegmentSource *source, const char *sql)
{
	SPIPlanPtr plan = SPI_prepare(sql, source->nparams, source->types);

	if (plan == NULL)
		elog(ERROR, "could not prepare a statement on the source: %s", SPI_result_code_string(SPI_result));
	return plan;
}
