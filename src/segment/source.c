/*
 * source.c
 *		Where a segment table's purchases come from.
 *
 * A *source* is a table or view of orders, bound by schema-qualified name and
 * column names: it may be dropped and made anew under the same name. This file
 * is the seam between the source and everything that scores: it hands out SQL
 * that yields pairs of customer and purchase_summary, of all customers or of
 * those in a parameter. Names are quoted from the catalogs, values are typed
 * parameters; nothing a user wrote becomes SQL.
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
#include "executor/tstoreReceiver.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "core/compat.h"
#include "core/moment.h"
#include "core/money.h"
#include "segment/clv.h"
#include "segment/left_out.h"
#include "segment/other_source.h"
#include "segment/quality.h"
#include "segment/schedule.h"
#include "segment/source.h"
#include "segment/tier.h"

#define DEFAULT_MONEY_SCALE 2

/* Look a column up. The owner must be allowed to read it. */
SourceColumn
CsFindColumn(Relation relation, const char *name, const char *hint)
{
	AttrNumber attnum = get_attnum(RelationGetRelid(relation), name);
	Form_pg_attribute attribute;
	SourceColumn column;

	if (attnum <= 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
						errmsg("column \"%s\" of source \"%s\" does not exist", name,
							   RelationGetRelationName(relation)),
						errhint("%s", hint)));
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

/* A column is read: which one it is, and how, changes its values without a write when either does. */
void
CsReadColumn(SegmentSource *source, const SourceColumn *column)
{
	source->columns = psprintf("%s %d:%u:%d:%u", source->columns == NULL ? "" : source->columns,
							   column->attnum, column->declared, column->declared_typmod, column->collation);
}

/* A column that an argument of create_segment_table names. */
static SourceColumn
FindColumn(Relation relation, const char *name, const char *option)
{
	return CsFindColumn(
		relation, name,
		psprintf("Name the column with the option \"%s\" of customer_scoring.create_segment_table or "
				 "alter_segment_table.",
				 option));
}

/* The default equality of a type as OPERATOR(schema.name), whatever the search_path is. */
char *
CsEqualityOperator(Oid type)
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
 * A time in a source as a timestamptz. A time without zone is read in that of
 * the table, which the session has while the source is read: see CsActAsOwner.
 */
char *
CsTimeExpression(const SourceColumn *column, const char *name)
{
	switch (column->type)
	{
		case TIMESTAMPTZOID:
		case TIMESTAMPOID:
		case DATEOID:
			return psprintf("%s::pg_catalog.timestamptz", column->sql);
		default:
			ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
							errmsg("column \"%s\" has type %s, which is not a time", name,
								   format_type_be(column->declared)),
							errhint("A time is a timestamptz, timestamp or date. Make a view that converts "
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
	char *equals = CsEqualityOperator(column.type);
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

	CsReadColumn(source, &column);
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

/*
 * Find a relation by its name, lock it, and check that it can be a source. The
 * hint is for when it is not there.
 */
Relation
CsOpenSourceRelation(const char *schema, const char *name, Oid segment_table, const char *hint)
{
	RangeVar *range = makeRangeVar(pstrdup(schema), pstrdup(name), -1);
	Oid oid = RangeVarGetRelid(range, AccessShareLock, true);
	Relation relation;

	if (!OidIsValid(oid))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("source %s does not exist", quote_qualified_identifier(schema, name)),
						errhint("%s", hint)));
	if (oid == segment_table)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("segment table \"%s\" cannot be its own source", name),
						errhint("Name another table or view.")));
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
							errhint("Name the table or view that holds the rows.")));
	}
	if (relation->rd_rel->relpersistence == RELPERSISTENCE_TEMP)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("temporary table \"%s\" cannot be a source", RelationGetRelationName(relation)),
				 errdetail("No other session can read it, a worker neither."),
				 errhint("Use an ordinary or an unlogged table.")));
	return relation;
}

/* Changes of a relation concern those whom the column names. */
void
CsFollow(SegmentSource *source, Oid relation, AttrNumber customer)
{
	int i;

	for (i = 0; i < source->nfollowed; i++)
		if (source->followed[i].relation == relation && source->followed[i].customer == customer)
			return;
	source->followed = source->followed == NULL
						   ? palloc(sizeof(CsFollowed))
						   : repalloc(source->followed, sizeof(CsFollowed) * (source->nfollowed + 1));
	source->followed[source->nfollowed].relation = relation;
	source->followed[source->nfollowed].customer = customer;
	source->nfollowed++;
}

/* Give a source whose type of customers is known its parameters, all NULL, and room for some more. */
void
CsMakeParams(SegmentSource *source, int more)
{
	static const Oid types[SOURCE_PARAMS] = {TIMESTAMPTZOID, TIMESTAMPTZOID, INT8OID,
											 InvalidOid,	 INTERVALOID,	 InvalidOid,
											 TEXTARRAYOID,	 BYTEAOID,		 BYTEAARRAYOID};
	Oid array_type = get_array_type(source->key_type);

	source->nparams = SOURCE_PARAMS;
	source->types = palloc(sizeof(Oid) * (SOURCE_PARAMS + more));
	source->values = palloc0(sizeof(Datum) * (SOURCE_PARAMS + more));
	source->nulls = palloc(SOURCE_PARAMS + more);
	memset(source->nulls, 'n', SOURCE_PARAMS);
	memcpy(source->types, types, sizeof(types));
	source->types[PARAM_KEYS - 1] = source->types[PARAM_LEFT_OUT - 1] = OidIsValid(array_type) ? array_type
																							   : TEXTARRAYOID;
	source->keys = CsKeysParam(source, PARAM_KEYS);
}

/*
 * Find a definition's sources and work out the SQL to read it. An error when it
 * is not there, not readable or not of the right types: the caller decides
 * whether that refuses a definition or breaks a segment table.
 */
SegmentSource *
CsOpenSource(const SegmentDefinition *definition)
{
	SegmentSource *source = palloc0(sizeof(SegmentSource));
	int nonly = definition->only != NULL ? JB_ROOT_COUNT(definition->only) : 0;
	Relation relation = CsOpenSourceRelation(
		definition->source_schema, definition->source_name, definition->table,
		"Create it again, or call customer_scoring.alter_segment_table with another one.");
	SourceColumn customer = FindColumn(relation, definition->customer, "customer");
	SourceColumn time = FindColumn(relation, definition->ordered_at, "ordered_at");
	SourceColumn amount = FindColumn(relation, definition->amount, "amount");
	int declared_scale;

	source->relation = RelationGetRelid(relation);
	CsReadColumn(source, &customer);
	CsReadColumn(source, &time);
	CsReadColumn(source, &amount);
	CsFollow(source, source->relation, customer.attnum);
	source->customer_type = customer.declared;
	source->customer_typmod = customer.declared_typmod;
	source->customer_collation = customer.collation;
	source->customer_equals = CsEqualityOperator(customer.type);
	source->key_type = customer.type;
	if (source->customer_equals == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" has type %s, which cannot tell customers apart", definition->customer,
						format_type_be(customer.declared)),
				 errdetail("A customer's type needs a default btree and a default hash operator class.")));
	source->from = CsQualifiedName(RelationGetRelid(relation));
	source->customer = customer.sql;
	source->time = CsTimeExpression(&time, definition->ordered_at);
	source->amount = AmountExpression(&amount, definition->amount, &source->finite, &declared_scale);
	source->scale = MoneyScale(definition, declared_scale);
	if (definition->clv != NULL)
		source->clv_zone = quote_literal_cstr(definition->time_zone);
	source->tiers = definition->tiers != NULL;
	CsRequireTiers(definition);

	source->key_typmod = customer.typmod;
	CsMakeParams(source, nonly);
	if (definition->lookback != NULL)
		CsSetParam(source, PARAM_LOOKBACK, IntervalPGetDatum(definition->lookback));
	source->filter = OnlyFilter(source, definition->only, relation);
	CsReadQualityColumns(source, definition, relation);
	relation_close(relation, NoLock);
	CsOpenOthers(source, definition);
	CsFollowLeftOut(source);
	return source;
}

/* Give a parameter its value. */
void
CsSetParam(SegmentSource *source, int param, Datum value)
{
	source->values[param - 1] = value;
	source->nulls[param - 1] = ' ';
}

/* Customers as an array, for the parameter. */
Datum
CsKeyArray(const SegmentSource *source, Datum *keys, int nkeys)
{
	Oid type = source->key_type;
	int16 length;
	bool byval;
	char align;

	if (source->types[PARAM_KEYS - 1] == TEXTARRAYOID && type != TEXTOID)
	{
		Datum *texts = palloc(sizeof(Datum) * Max(nkeys, 1));
		Oid output;
		bool isvarlena;
		int i;

		getTypeOutputInfo(type, &output, &isvarlena);
		for (i = 0; i < nkeys; i++)
			texts[i] = CStringGetTextDatum(OidOutputFunctionCall(output, keys[i]));
		keys = texts;
		type = TEXTOID;
	}
	get_typlenbyvalalign(type, &length, &byval, &align);
	return PointerGetDatum(construct_array(keys, nkeys, type, length, byval, align));
}

/* SQL: the customers in a parameter of the type of $4, as what ANY takes. */
char *
CsKeysParam(const SegmentSource *source, int param)
{
	if (source->types[param - 1] == get_array_type(source->key_type))
		return psprintf("$%d", param);
	return psprintf("SELECT pg_catalog.unnest($%d)::%s", param,
					format_type_extended(source->key_type, source->key_typmod,
										 FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY));
}

/* SQL for the customers in the parameter, as rows with the column customer. */
char *
CsKeysSql(const SegmentSource *source)
{
	if (source->types[PARAM_KEYS - 1] == get_array_type(source->key_type))
		return psprintf("SELECT pg_catalog.unnest($%d) AS customer", PARAM_KEYS);
	return psprintf("SELECT x.customer FROM (%s) x (customer)", source->keys);
}

/* Condition on a customer in a source: one at all, and one of those in $4 if so wished. */
char *
CsCustomerCondition(const SegmentSource *source, const char *customer, bool keyed)
{
	/* a composite customer with a field that is null IS neither NULL nor NOT NULL, but it is DISTINCT FROM NULL */
	if (!keyed)
		return psprintf("%s IS DISTINCT FROM NULL", customer);
	return psprintf("%s %s ANY (%s)", customer, source->customer_equals, source->keys);
}

/*
 * SQL for customers by their orders: customer, summary of what counts, oldest (the first moment
 * of a row that counts, only looked for where rows leave a lookback) and upcoming
 * (the first moment of a row that will count), and what lifetime values and tiers are from.
 * Who has only rows to come has no summary; without future they are not looked for.
 */
char *
CsOrdersSql(const SegmentSource *source, bool keyed, bool future)
{
	char *past = future ? psprintf(" FILTER (WHERE %s <= $%d)", source->time, PARAM_AS_OF) : "";
	bool oldest = source->nulls[PARAM_LOOKBACK - 1] == ' ';

	return CsWithoutLeftOut(
		source, psprintf("SELECT %s AS customer, customer_scoring.purchase_summary(%s, %s)%s AS summary,"
						 " %s AS oldest, %s AS upcoming%s%s FROM %s s"
						 " WHERE %s AND %s AND %s AND %s %s AND %s > $%d GROUP BY %s",
						 source->customer, source->time, source->amount, past,
						 oldest ? psprintf("pg_catalog.min(%s)%s", source->time, past)
								: "NULL::pg_catalog.timestamptz",
						 future ? psprintf("pg_catalog.min(%s) FILTER (WHERE %s > $%d)", source->time,
										   source->time, PARAM_AS_OF)
								: "NULL::pg_catalog.timestamptz",
						 CsClvFigures(source, past), CsTierFigures(source, past), source->from,
						 source->filter, CsCustomerCondition(source, source->customer, keyed), source->finite,
						 source->time, future ? "< 'infinity'" : psprintf("<= $%d", PARAM_AS_OF),
						 source->time, PARAM_EARLIEST, source->customer));
}

/* SQL for whoever may have a row, all or those in $4, as spelled: customer, more than once. */
char *
CsEverybodySql(const SegmentSource *source, bool keyed)
{
	StringInfoData sql;
	int i;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT %s AS customer FROM %s s WHERE %s AND %s", source->customer, source->from,
					 source->filter, CsCustomerCondition(source, source->customer, keyed));
	for (i = 0; i < source->nothers; i++)
		if (source->others[i].definition->kind->makes_rows)
			appendStringInfo(&sql, " UNION ALL SELECT %s FROM %s s WHERE %s", source->others[i].customer,
							 source->others[i].from,
							 CsCustomerCondition(source, source->others[i].customer, keyed));
	return sql.data;
}

/* SQL for customers: the same, and the figures of other sources. */
char *
CsCustomersSql(const SegmentSource *source, bool keyed, bool future)
{
	return CsJoinOthers(source, CsOrdersSql(source, keyed, future), keyed, future);
}

/* SQL for customers who have nothing yet but will: customer, upcoming. */
char *
CsWaitingSql(const SegmentSource *source, bool keyed)
{
	return psprintf("SELECT w.customer, w.upcoming FROM (%s) w WHERE w.summary IS NULL",
					CsCustomersSql(source, keyed, true));
}

/* SQL for rows that are left out: a row a reason: reason, rows. */
char *
CsSkippedSql(const SegmentSource *source, bool keyed)
{
	return psprintf(
		"SELECT x.reason, pg_catalog.count(*) FROM (SELECT CASE WHEN %s IS NOT DISTINCT FROM NULL THEN %d "
		"WHEN %s IS NULL THEN "
		"%d"
		" WHEN %s IS NULL THEN %d WHEN NOT (%s) OR %s = '-infinity'::pg_catalog.timestamptz THEN %d"
		" WHEN %s > $%d THEN %d END AS reason FROM %s s WHERE %s AND %s AND (%s > $%d OR %s IS NULL"
		" OR %s = '-infinity'::pg_catalog.timestamptz)) x WHERE x.reason IS NOT NULL GROUP BY x.reason%s%s",
		source->customer, SKIP_NO_CUSTOMER, source->time, SKIP_NO_TIME, source->amount, SKIP_NO_AMOUNT,
		source->finite, source->time, SKIP_NOT_FINITE, source->time, PARAM_AS_OF, SKIP_FUTURE, source->from,
		source->filter, keyed ? CsCustomerCondition(source, source->customer, true) : "true", source->time,
		PARAM_EARLIEST, source->time, source->time, CsOthersSkippedSql(source, keyed),
		CsLeftOutRowsSql(source));
}

/*
 * The moment after which orders count. Days and months of a lookback are those
 * of the calendar in the table's zone.
 */
TimestampTz
CsEarliest(TimestampTz as_of, const Interval *lookback, const char *time_zone)
{
	pg_tz *zone = CsZone(time_zone);
	Datum clock = TimestampGetDatum(CsClockOf(as_of, zone));

	clock = DirectFunctionCall2(timestamp_mi_interval, clock, IntervalPGetDatum(lookback));
	return CsMomentOf(DatumGetTimestamp(clock), zone);
}

/*
 * Set the moments of a reading: orders count from after the lookback, or from
 * the beginning, up to as_of.
 */
void
CsSourceMoments(SegmentSource *source, const SegmentDefinition *definition, TimestampTz as_of)
{
	CsSetParam(source, PARAM_AS_OF, TimestampTzGetDatum(as_of));
	CsSetParam(source, PARAM_EARLIEST,
			   TimestampTzGetDatum(definition->lookback == NULL
									   ? DT_NOBEGIN
									   : CsEarliest(as_of, definition->lookback, definition->time_zone)));
}

/* Whether the statement that reads a source depends on row-level security, for whoever runs it. */
static void
CheckPolicies(SegmentSource *source, const SegmentDefinition *definition, const char *name, const char *sql)
{
	SPIPlanPtr plan = CsPrepareOnSource(source, sql);
	ListCell *cell;

	foreach (cell, SPI_plan_get_plan_sources(plan))
	{
		CachedPlanSource *plan_source = (CachedPlanSource *) lfirst(cell);

		if (!plan_source->dependsOnRLS)
			continue;
		source->uncaptured = "the source has row-level security";
		if (!definition->row_security)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("source \"%s\" has row-level security", name),
					 errdetail("A segment table holds what its owner may read: its readers would see rows "
							   "that policies hide from them."),
					 errhint("To have that, use the option row_security => true, and guard the segment "
							 "table by policies of its own.")));
	}
}

/*
 * Row-level security anywhere below a source is an error unless it was asked
 * for: the segment table would show to its readers what the policies may hide
 * from them. Policies of the segment table itself are nothing to complain of,
 * so the statements looked at read sources only; they lock what they read, so
 * that the answer holds until the transaction ends. Where policies are accepted,
 * what they let pass may change without a write that could be captured.
 */
void
CsCheckSourcePolicies(SegmentSource *source, const SegmentDefinition *definition)
{
	int i;

	CheckPolicies(source, definition, definition->source_name, CsOrdersSql(source, false, false));
	for (i = 0; i < source->nothers; i++)
		CheckPolicies(source, definition, source->others[i].definition->source_name,
					  CsOtherSql(source, &source->others[i], false, false));
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

/*
 * Read what a statement gives under a snapshot into a tuplestore, row by row;
 * its description is returned.
 */
TupleDesc
CsReadInto(Tuplestorestate *rows, Snapshot snapshot, const SegmentSource *source, const char *sql)
{
	SPIPlanPtr plan = CsPrepareOnSource(source, sql);
	CachedPlanSource *plan_source = linitial(SPI_plan_get_plan_sources(plan));
	SPIExecuteOptions options = {.params = makeParamList(source->nparams), .read_only = true};
	int result;
	int i;

	for (i = 0; i < source->nparams; i++)
	{
		ParamExternData *param = &options.params->params[i];

		param->value = source->values[i];
		param->isnull = source->nulls[i] == 'n';
		param->pflags = PARAM_FLAG_CONST;
		param->ptype = source->types[i];
	}
	options.dest = CreateTuplestoreDestReceiver();
	SetTuplestoreDestReceiverParams(options.dest, rows, CurrentMemoryContext, false, NULL, NULL);
	PushActiveSnapshot(snapshot);
	result = SPI_execute_plan_extended(plan, &options);
	PopActiveSnapshot();
	if (result < 0)
		elog(ERROR, "could not read a source: %s", SPI_result_code_string(result));
	return CreateTupleDescCopy(plan_source->resultDesc);
}
