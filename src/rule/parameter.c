/*
 * parameter.c
 *		Reading what was written for a rule: parameters, applies_to, waived_for.
 *
 * All of it is read when a rule is written, so that one which cannot work is
 * refused there, and again when a session loads the rule. Everything is
 * allocated in the current memory context.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/varlena.h"

#include "rule/rule.h"

/* Refuse a rule. */
void
CsBadRule(const CsRuleSet *set, const CsRule *rule, const char *problem, const char *hint)
{
	ereport(ERROR,
			(errcode(CS_BAD_RULE),
			 rule == NULL ? errmsg("rule set \"%s\": %s", set->name, problem)
						  : errmsg("rule \"%s\" of rule set \"%s\": %s", rule->name, set->name, problem),
			 hint != NULL ? errhint("%s", hint) : 0));
}

/* The parameters that a kind takes, for a hint. */
static char *
KnownParameters(const CsRuleKind *kind)
{
	StringInfoData known;
	int i;

	initStringInfo(&known);
	appendStringInfo(&known, "Parameters of %s:", kind->name);
	for (i = 0; i < KIND_PARAMETERS_MAX && kind->parameters[i].name != NULL; i++)
		appendStringInfo(&known, "%s %s%s", i > 0 ? "," : "", kind->parameters[i].name,
						 kind->parameters[i].required ? " (required)" : "");
	if (i == 0)
		appendStringInfoString(&known, " none");
	appendStringInfoChar(&known, '.');
	return known.data;
}

static void
BadParameter(const CsRuleSet *set, const CsRule *rule, const char *name, const char *problem)
{
	CsBadRule(set, rule, psprintf("parameter \"%s\" %s", name, problem), KnownParameters(rule->kind));
}

/* What a parameter was given for a rule; it is one of the kind's. */
const CsParameter *
CsParameterOf(const CsRule *rule, const char *name)
{
	int i;

	for (i = 0; i < KIND_PARAMETERS_MAX && rule->kind->parameters[i].name != NULL; i++)
		if (strcmp(rule->kind->parameters[i].name, name) == 0)
			return &rule->parameters[i];
	elog(ERROR, "kind %s has no parameter %s", rule->kind->name, name);
	return NULL;
}

/* A string or number as a C string; NULL for anything else. */
static char *
Scalar(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvString:
			return pnstrdup(value->val.string.val, value->val.string.len);
		case jbvNumeric:
			return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
		case jbvBool:
			return pstrdup(value->val.boolean ? "true" : "false");
		default:
			return NULL;
	}
}

/* A number that is finite and not negative, in JSON or as text; NULL when it is not. */
static Numeric
NotNegative(const JsonbValue *value)
{
	Numeric number;
	char *digits;

	if (value->type != jbvNumeric)
		return NULL;
	digits = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
	number = DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(digits),
												 ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	return numeric_is_nan(number) || digits[0] == '-' ? NULL : number;
}

/* The elements of an array of scalars, as C strings; NULL when it is something else or empty. */
static char **
Names(const JsonbValue *value, int *n)
{
	JsonbIterator *iterator;
	JsonbValue element;
	JsonbIteratorToken token;
	char **names;

	*n = 0;
	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data) ||
		JsonContainerSize(value->val.binary.data) == 0)
		return NULL;
	names = palloc(sizeof(char *) * JsonContainerSize(value->val.binary.data));
	iterator = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&iterator, &element, true)) != WJB_DONE)
		if (token == WJB_ELEM)
		{
			names[*n] = Scalar(&element);
			if (names[(*n)++] == NULL)
				return NULL;
		}
	return names;
}

static bool
IsObject(const JsonbValue *value)
{
	return value->type == jbvBinary && JsonContainerIsObject(value->val.binary.data);
}

/* Go through the keys of an object: false after the last. */
static bool
NextPair(JsonbIterator **iterator, char **key, JsonbValue *value)
{
	JsonbIteratorToken token;
	JsonbValue name;

	while ((token = JsonbIteratorNext(iterator, &name, true)) != WJB_DONE)
		if (token == WJB_KEY)
		{
			*key = pnstrdup(name.val.string.val, name.val.string.len);
			(void) JsonbIteratorNext(iterator, value, true);
			return true;
		}
	return false;
}

/* An object: column of the row to the values of which it has to have one. */
void
CsReadFilter(CsRuleSet *set, const CsRule *rule, const char *which, JsonbValue *given, CsFilter *filter)
{
	JsonbIterator *iterator;
	JsonbValue value;
	char *column;

	if (!IsObject(given))
		CsBadRule(set, rule, psprintf("\"%s\" is no object of columns", which),
				  "Give an object like {\"status\": [\"paid\", \"shipped\"]}.");
	filter->tests = palloc(sizeof(*filter->tests) * JsonContainerSize(given->val.binary.data));
	iterator = JsonbIteratorInit(given->val.binary.data);
	while (NextPair(&iterator, &column, &value))
	{
		struct CsTest *test = &filter->tests[filter->ntests++];
		char **names = Names(&value, &test->nvalues);
		int i;

		if (names == NULL)
			CsBadRule(set, rule, psprintf("\"%s\" has no list of values for column \"%s\"", which, column),
					  "Give an object like {\"status\": [\"paid\", \"shipped\"]}.");
		test->field = CsUseField(set, column, FIELD_TEXT);
		test->values = palloc(sizeof(CsText) * test->nvalues);
		for (i = 0; i < test->nvalues; i++)
			test->values[i] = (CsText){names[i], strlen(names[i])};
	}
}

/* A column of a table that a parameter names; it has to be there. */
static const char *
LookupColumn(const CsRuleSet *set, const CsRule *rule, const char *parameter, Oid table, const char *key,
			 const char *column)
{
	if (column == NULL)
		BadParameter(set, rule, parameter, psprintf("lacks the key \"%s\"", key));
	if (get_attnum(table, column) <= 0)
		BadParameter(
			set, rule, parameter,
			psprintf("names column \"%s\", which table \"%s\" does not have", column, get_rel_name(table)));
	return column;
}

/* The filter of a table that is looked up in: columns to arrays of texts. */
static void
ReadLookupFilter(const CsRuleSet *set, const CsRule *rule, const char *parameter, const JsonbValue *given,
				 CsLookup *lookup)
{
	JsonbIterator *iterator;
	JsonbValue value;
	char *column;

	if (!IsObject(given))
		BadParameter(set, rule, parameter, "has no object of columns for \"only\"");
	lookup->filter_columns = palloc(sizeof(char *) * JsonContainerSize(given->val.binary.data));
	lookup->filter_values = palloc(sizeof(Datum) * JsonContainerSize(given->val.binary.data));
	iterator = JsonbIteratorInit(given->val.binary.data);
	while (NextPair(&iterator, &column, &value))
	{
		int n;
		char **names = Names(&value, &n);
		Datum *texts;
		int i;

		if (names == NULL)
			BadParameter(set, rule, parameter,
						 psprintf("has no list of values for column \"%s\" of \"only\"", column));
		texts = palloc(sizeof(Datum) * n);
		for (i = 0; i < n; i++)
			texts[i] = CStringGetTextDatum(names[i]);
		lookup->filter_columns[lookup->nfilters] = LookupColumn(set, rule, parameter, lookup->table, "only",
																column);
		lookup->filter_values[lookup->nfilters++] = PointerGetDatum(
			construct_array(texts, n, TEXTOID, -1, false, TYPALIGN_INT));
	}
}

/*
 * The table of a name, whoever asks: who writes a row needs no right to what
 * rules read, not even to its schema. InvalidOid if there is none.
 */
static Oid
FindTable(const char *name)
{
	char *schema;
	char *table;
	Oid namespace;

	DeconstructQualifiedName(textToQualifiedNameList(cstring_to_text(name)), &schema, &table);
	if (schema == NULL)
		return RelnameGetRelid(table);
	namespace = get_namespace_oid(schema, true);
	return OidIsValid(namespace) ? get_relname_relid(table, namespace) : InvalidOid;
}

/*
 * A table with its columns. Whoever writes the rule must be allowed to read it,
 * as a refusal tells figures of it. It may have been dropped since; then rules
 * refuse rows until they are mended.
 */
static CsLookup *
ReadLookup(CsRuleSet *set, const CsRule *rule, const CsKindParameter *parameter, const JsonbValue *given)
{
	CsLookup *lookup = palloc0(sizeof(CsLookup));
	JsonbValue only = {.type = jbvNull};
	JsonbIterator *iterator;
	JsonbValue value;
	char *key;
	char *table = NULL;
	char *customer = NULL;
	char *figure = NULL;

	if (!IsObject(given))
		BadParameter(set, rule, parameter->name, "is no object that names a table");
	iterator = JsonbIteratorInit(given->val.binary.data);
	while (NextPair(&iterator, &key, &value))
	{
		if (strcmp(key, "table") == 0)
			table = Scalar(&value);
		else if (strcmp(key, "customer") == 0 || strcmp(key, "budget") == 0)
			customer = Scalar(&value);
		else if (strcmp(key, parameter->choices) == 0)
			figure = Scalar(&value);
		else if (strcmp(key, "only") == 0)
			only = value;
		else
			BadParameter(set, rule, parameter->name, psprintf("has an unknown key \"%s\"", key));
	}
	if (table == NULL)
		BadParameter(set, rule, parameter->name, "lacks the key \"table\"");
	lookup->table = FindTable(table);
	if (!OidIsValid(lookup->table))
		BadParameter(set, rule, parameter->name, psprintf("names table \"%s\", which does not exist", table));
	set->tables = lappend_oid(set->tables, lookup->table);
	lookup->key = LookupColumn(set, rule, parameter->name, lookup->table, "customer", customer);
	lookup->value = LookupColumn(set, rule, parameter->name, lookup->table, parameter->choices, figure);
	if (!CsIsNumber(getBaseType(get_atttype(lookup->table, get_attnum(lookup->table, lookup->value)))))
		BadParameter(set, rule, parameter->name, psprintf("names column \"%s\", which is no number", figure));
	if (only.type != jbvNull)
		ReadLookupFilter(set, rule, parameter->name, &only, lookup);
	return lookup;
}

/* Read one value. */
static void
ReadParameter(CsRuleSet *set, const CsRule *rule, const CsKindParameter *parameter, JsonbValue *given,
			  CsParameter *result)
{
	JsonbIterator *iterator;
	JsonbValue value;
	char *name;
	int settings;

	result->given = true;
	result->text = Scalar(given);
	switch (parameter->type)
	{
		case PARAMETER_NUMBER:
			result->number = NotNegative(given);
			if (result->number == NULL)
				BadParameter(set, rule, parameter->name, "is no number from 0 on");
			break;
		case PARAMETER_COUNT:
			if (given->type == jbvNumeric && strlen(result->text) < 10 &&
				strspn(result->text, "0123456789") == strlen(result->text))
				result->count = pg_strtoint32(result->text);
			if (result->count < 1)
				BadParameter(set, rule, parameter->name, "is no whole number from 1 on");
			break;
		case PARAMETER_INTERVAL:
			if (given->type != jbvString)
				BadParameter(set, rule, parameter->name, "is no interval");
			result->interval = DatumGetIntervalP(DirectFunctionCall3(
				interval_in, CStringGetDatum(result->text), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
			if (result->interval->month < 0 || result->interval->day < 0 || result->interval->time < 0)
				BadParameter(set, rule, parameter->name, "is a negative interval");
			break;
		case PARAMETER_MOMENT:
			if (given->type != jbvString)
				BadParameter(set, rule, parameter->name, "is no moment");
			settings = NewGUCNestLevel();
			CsPinTexts(set);
			result->moment = DatumGetTimestampTz(
				DirectFunctionCall3(timestamptz_in, CStringGetDatum(result->text),
									ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
			AtEOXact_GUC(false, settings);
			break;
		case PARAMETER_TEXT:
		case PARAMETER_FIELD:
			if (result->text == NULL)
				BadParameter(set, rule, parameter->name, "is no text");
			break;
		case PARAMETER_FLAG:
			if (given->type != jbvBool)
				BadParameter(set, rule, parameter->name, "is not true or false");
			result->flag = given->val.boolean;
			break;
		case PARAMETER_CHOICE:
			if (result->text == NULL || strpbrk(result->text, " ") != NULL || result->text[0] == '\0' ||
				strstr(psprintf(" %s ", parameter->choices), psprintf(" %s ", result->text)) == NULL)
				BadParameter(set, rule, parameter->name, psprintf("is none of: %s", parameter->choices));
			break;
		case PARAMETER_BY_NAME:
			if (!IsObject(given))
				BadParameter(set, rule, parameter->name, "is no object of numbers");
			result->names = palloc(sizeof(char *) * JsonContainerSize(given->val.binary.data));
			result->numbers = palloc(sizeof(Numeric) * JsonContainerSize(given->val.binary.data));
			iterator = JsonbIteratorInit(given->val.binary.data);
			while (NextPair(&iterator, &name, &value))
			{
				result->names[result->count] = name;
				result->numbers[result->count] = NotNegative(&value);
				if (result->numbers[result->count++] == NULL)
					BadParameter(set, rule, parameter->name,
								 psprintf("has no number from 0 on for \"%s\"", name));
			}
			break;
		case PARAMETER_NAMES:
			result->names = Names(given, &result->count);
			if (result->names == NULL)
				BadParameter(set, rule, parameter->name, "is no list of texts");
			break;
		case PARAMETER_FILTER:
			CsReadFilter(set, rule, parameter->name, given, &result->filter);
			break;
		case PARAMETER_LOOKUP:
			result->lookup = ReadLookup(set, rule, parameter, given);
			break;
	}
}

/* Read all parameters of a rule: none unknown, none missing. */
void
CsReadParameters(CsRuleSet *set, CsRule *rule, Jsonb *given)
{
	const CsKindParameter *known = rule->kind->parameters;
	JsonbIterator *iterator;
	JsonbValue value;
	char *name;
	int i;

	if (!JB_ROOT_IS_OBJECT(given))
		CsBadRule(set, rule, "parameters are no JSON object", KnownParameters(rule->kind));
	iterator = JsonbIteratorInit(&given->root);
	while (NextPair(&iterator, &name, &value))
	{
		for (i = 0; i < KIND_PARAMETERS_MAX && known[i].name != NULL; i++)
			if (strcmp(known[i].name, name) == 0)
				break;
		if (i == KIND_PARAMETERS_MAX || known[i].name == NULL)
			CsBadRule(set, rule, psprintf("unknown parameter \"%s\"", name), KnownParameters(rule->kind));
		ReadParameter(set, rule, &known[i], &value, &rule->parameters[i]);
	}
	for (i = 0; i < KIND_PARAMETERS_MAX && known[i].name != NULL; i++)
	{
		if (rule->parameters[i].given)
			continue;
		if (known[i].required)
			CsBadRule(set, rule, psprintf("parameter \"%s\" is missing", known[i].name),
					  KnownParameters(rule->kind));
		if (known[i].standard != NULL)
		{
			JsonbValue standard = {.type = jbvString};

			standard.val.string.val = unconstify(char *, known[i].standard);
			standard.val.string.len = strlen(known[i].standard);
			if (known[i].type == PARAMETER_COUNT || known[i].type == PARAMETER_NUMBER)
			{
				standard.type = jbvNumeric;
				standard.val.numeric = DatumGetNumeric(
					DirectFunctionCall3(numeric_in, CStringGetDatum(known[i].standard),
										ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
			}
			ReadParameter(set, rule, &known[i], &standard, &rule->parameters[i]);
		}
	}
}

/* The attributes of a list of tiers or segments. */
static uint64
ReadAttributes(CsRuleSet *set, const CsRule *rule, const char *which, const char *key,
			   const JsonbValue *given, CsAttributeType type)
{
	int n;
	char **names = Names(given, &n);
	uint64 mask = 0;
	int i;

	if (names == NULL)
		CsBadRule(set, rule, psprintf("%s has no list of texts for \"%s\"", which, key), NULL);
	for (i = 0; i < n; i++)
		mask |= CsUseAttribute(set, type, names[i]);
	return mask;
}

/* The attributes of a tier and all better ones. */
static uint64
ReadTierFrom(CsRuleSet *set, const CsRule *rule, const char *which, const JsonbValue *given)
{
	char *name = given->type == jbvString ? Scalar(given) : NULL;
	uint64 mask = 0;
	ListCell *cell;

	if (name == NULL)
		CsBadRule(set, rule, psprintf("%s has no name for \"tier_from\"", which), NULL);
	/* where tiers are not known, as while a database is being restored, this one alone */
	mask = CsUseAttribute(set, ATTRIBUTE_TIER, name);
	foreach (cell, set->tiers)
		if (strcmp(lfirst(cell), name) == 0)
			for (; cell != NULL; cell = lnext(set->tiers, cell))
				mask |= CsUseAttribute(set, ATTRIBUTE_TIER, lfirst(cell));
	return mask;
}

/* Read applies_to or waived_for; NULL for none. */
void
CsReadCondition(CsRuleSet *set, const CsRule *rule, const char *which, Jsonb *given, CsCondition *condition)
{
	static const char *const hint =
		"Keys are key_accounts, tiers, tier_from, segments and fields: {\"key_accounts\": true, "
		"\"tiers\": [\"gold\"], \"fields\": {\"status\": [\"paid\"]}}.";
	JsonbIterator *iterator;
	JsonbValue value;
	char *key;

	if (given == NULL)
		return;
	if (!JB_ROOT_IS_OBJECT(given))
		CsBadRule(set, rule, psprintf("%s is no JSON object", which), hint);
	iterator = JsonbIteratorInit(&given->root);
	while (NextPair(&iterator, &key, &value))
	{
		condition->given = true;
		if (strcmp(key, "key_accounts") == 0)
		{
			if (value.type != jbvBool || !value.val.boolean)
				CsBadRule(set, rule, psprintf("\"key_accounts\" of %s is not true", which), hint);
			condition->key_account = CsUseAttribute(set, ATTRIBUTE_KEY_ACCOUNT, "");
		}
		else if (strcmp(key, "tiers") == 0)
			condition->tiers |= ReadAttributes(set, rule, which, key, &value, ATTRIBUTE_TIER);
		else if (strcmp(key, "tier_from") == 0)
			condition->tiers |= ReadTierFrom(set, rule, which, &value);
		else if (strcmp(key, "segments") == 0)
			condition->segments = ReadAttributes(set, rule, which, key, &value, ATTRIBUTE_SEGMENT);
		else if (strcmp(key, "fields") == 0)
			CsReadFilter(set, rule, which, &value, &condition->filter);
		else
			CsBadRule(set, rule, psprintf("%s has an unknown key \"%s\"", which, key), hint);
	}
}
