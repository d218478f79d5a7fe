/*
 * field.c
 *		Values of the fields of a row that is being written, or of a record.
 *
 * A field is read as a number, a moment or a text, whatever type its column has:
 * numbers exactly, moments in the zone of the rule set, texts as a cast to text
 * leaves them, which queries compare, in ISO style and the rule set's zone: who
 * writes does not choose by settings what rules see. Values live as long as the
 * row or the current memory context.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/transam.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/bytea.h"
#include "utils/datum.h"
#include "utils/float.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "core/moment.h"
#include "core/owner.h"
#include "rule/rule.h"
#include "segment/source.h"

/* The column of the target that a field is. */
static const char *
MappedColumn(const CsRuleSet *set, const char *name)
{
	JsonbValue *value = getKeyJsonValueFromContainer(&set->columns->root, name, strlen(name), NULL);

	return value == NULL ? pstrdup(name) : pnstrdup(value->val.string.val, value->val.string.len);
}

/* A field of the rule set, which is made if there is none of the name and type. */
int
CsUseField(CsRuleSet *set, const char *name, CsFieldType type)
{
	int i;

	for (i = 0; i < set->nfields; i++)
		if (set->fields[i].type == type && strcmp(set->fields[i].name, name) == 0)
			return i;
	if (set->nfields == RULE_FIELDS_MAX)
		CsBadRule(set, NULL, psprintf("its rules read more than %d fields", RULE_FIELDS_MAX),
				  "Divide them among several rule sets, each with a trigger of its own.");
	set->fields[i] = (CsField){pstrdup(name), MappedColumn(set, name), type};
	set->nfields++;
	return i;
}

/*
 * Have values read and written as text in the same way in all sessions, until the
 * caller's level of settings ends.
 */
void
CsPinTexts(const CsRuleSet *set)
{
	if (session_timezone != set->zone)
		CsPinSetting("TimeZone", pg_get_timezone_name(set->zone));
	if (DateStyle != USE_ISO_DATES || DateOrder != DATEORDER_MDY)
		CsPinSetting("DateStyle", "ISO, MDY");
	if (IntervalStyle != INTSTYLE_POSTGRES)
		CsPinSetting("IntervalStyle", "postgres");
	if (extra_float_digits != 1)
		CsPinSetting("extra_float_digits", "1");
	if (bytea_output != BYTEA_OUTPUT_HEX)
		CsPinSetting("bytea_output", "hex");
}

/* Whether the texts of a type may depend on settings. */
static bool
IsStyled(Oid type)
{
	return type != INT2OID && type != NUMERICOID && type != UUIDOID && type != BOOLOID && type != NAMEOID &&
		   get_typtype(type) != TYPTYPE_ENUM;
}

/* The text of a value as the output function of its type gives it. */
static char *
OutputText(const CsSubject *subject, const CsColumn *column, Datum value)
{
	char *text;
	int settings;

	if (!column->styled)
		return OidOutputFunctionCall(column->output, value);
	settings = NewGUCNestLevel();
	CsPinTexts(subject->set);
	text = OidOutputFunctionCall(column->output, value);
	AtEOXact_GUC(false, settings);
	return text;
}

/* Whether values of a base type are numbers. */
bool
CsIsNumber(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID || type == NUMERICOID || type == FLOAT4OID ||
		   type == FLOAT8OID;
}

static bool
FitsType(CsFieldType wanted, Oid type)
{
	switch (wanted)
	{
		case FIELD_NUMBER:
			return CsIsNumber(type);
		case FIELD_MOMENT:
			return type == TIMESTAMPTZOID || type == TIMESTAMPOID || type == DATEOID;
		case FIELD_TEXT:
			return true;
	}
	return false;
}

/* The function that casts a type to text; InvalidOid where it is done without. */
static Oid
TextCast(Oid type)
{
	Oid cast;

	return find_coercion_pathway(TEXTOID, type, COERCION_EXPLICIT, &cast) == COERCION_PATH_FUNC ? cast
																								: InvalidOid;
}

/*
 * SQL for the text of a column, as CsTextOf has it. Casts that users have made for
 * types of theirs are not called: they would run as the owner of the table.
 */
char *
CsTextSql(const char *column, Oid type)
{
	if (TextCast(getBaseType(type)) < FirstNormalObjectId)
		return psprintf("s.%s::pg_catalog.text", column);
	return psprintf("CASE WHEN s.%s IS DISTINCT FROM NULL THEN pg_catalog.format('%%s', s.%s) END", column,
					column);
}

/*
 * Find the columns of all fields in a relation, which is the target or a child of
 * it. A column that is not there (any more), or that cannot be read as what it
 * is read as, is an error: a rule is never passed over in silence.
 */
void
CsResolveColumns(const CsRuleSet *set, Relation relation, CsColumn *columns)
{
	TupleDesc descriptor = RelationGetDescr(relation);
	int i;

	for (i = 0; i < set->nfields; i++)
	{
		const CsField *field = &set->fields[i];
		CsColumn *column = &columns[i];
		Form_pg_attribute attribute = NULL;
		Oid output;
		bool is_varlena;
		int j;

		for (j = 0; j < descriptor->natts; j++)
			if (!TupleDescAttr(descriptor, j)->attisdropped &&
				strcmp(NameStr(TupleDescAttr(descriptor, j)->attname), field->column) == 0)
				attribute = TupleDescAttr(descriptor, j);
		if (attribute == NULL)
			CsBadRule(set, NULL,
					  psprintf("field \"%s\" is column \"%s\", which table \"%s\" does not have", field->name,
							   field->column, RelationGetRelationName(relation)),
					  "Name the column in account_rule_set.columns: '{\"field\": \"column\"}'.");
		if (attribute->attgenerated)
			CsBadRule(
				set, NULL,
				psprintf("field \"%s\" is column \"%s\", which is generated", field->name, field->column),
				"Rules look at a row before generated columns are computed: use the columns these are from.");
		column->attnum = attribute->attnum;
		column->type = getBaseType(attribute->atttypid);
		if (!FitsType(field->type, column->type))
			CsBadRule(set, NULL,
					  psprintf("field \"%s\" is column \"%s\" of type %s, which is no %s", field->name,
							   field->column, format_type_be(attribute->atttypid),
							   field->type == FIELD_NUMBER ? "number" : "moment"),
					  NULL);
		column->cast = column->output = InvalidOid;
		if (field->type == FIELD_TEXT && column->type != TEXTOID && column->type != VARCHAROID &&
			column->type != BPCHAROID && column->type != INT4OID && column->type != INT8OID)
		{
			column->cast = TextCast(column->type);
			if (column->cast >= FirstNormalObjectId)
				column->cast = InvalidOid;
			getTypeOutputInfo(attribute->atttypid, &output, &is_varlena);
			column->output = output;
			column->styled = IsStyled(column->type);
		}
	}
}

/* The value of a field in a record, as a C string; NULL for null. */
static char *
RecordValue(const CsSubject *subject, int field)
{
	const char *column = subject->set->fields[field].column;
	JsonbValue *value = getKeyJsonValueFromContainer(&subject->record->root, column, strlen(column), NULL);

	if (value == NULL || value->type == jbvNull)
		return NULL;
	if (value->type == jbvString)
		return pnstrdup(value->val.string.val, value->val.string.len);
	if (value->type == jbvNumeric)
		return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
	if (value->type == jbvBool)
		return pstrdup(value->val.boolean ? "true" : "false");
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("record has an array or object for \"%s\"", column),
					errhint("Give each column a string, a number, true, false or null.")));
	return NULL;
}

/* A number; false for null. NaN is above all others, so it passes no ceiling. */
bool
CsNumberOf(CsSubject *subject, int field, Numeric *value)
{
	const CsColumn *column = &subject->columns[field];
	bool isnull;
	Datum datum;

	if (subject->record != NULL)
	{
		char *text = RecordValue(subject, field);

		if (text == NULL)
			return false;
		datum = DirectFunctionCall3(numeric_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid),
									Int32GetDatum(-1));
	}
	else
	{
		datum = slot_getattr(subject->slot, column->attnum, &isnull);
		if (isnull)
			return false;
		switch (column->type)
		{
			case INT2OID:
				datum = NumericGetDatum(int64_to_numeric(DatumGetInt16(datum)));
				break;
			case INT4OID:
				datum = NumericGetDatum(int64_to_numeric(DatumGetInt32(datum)));
				break;
			case INT8OID:
				datum = NumericGetDatum(int64_to_numeric(DatumGetInt64(datum)));
				break;
			case FLOAT4OID:
				datum = DirectFunctionCall1(float4_numeric, datum);
				break;
			case FLOAT8OID:
				datum = DirectFunctionCall1(float8_numeric, datum);
				break;
			default:
				break;
		}
	}
	*value = DatumGetNumeric(datum);
	return true;
}

/* Whether the target has a column with moments that name their zone; so has a record where there is no target. */
static bool
IsZoned(const CsRuleSet *set, int field)
{
	return !OidIsValid(set->target) ||
		   getBaseType(get_atttype(set->target, get_attnum(set->target, set->fields[field].column))) ==
			   TIMESTAMPTZOID;
}

/* A moment; false for null. */
bool
CsMomentFieldOf(CsSubject *subject, int field, TimestampTz *value)
{
	const CsColumn *column = &subject->columns[field];
	bool zoned;
	bool isnull;
	Datum datum;

	if (subject->record != NULL)
	{
		char *text = RecordValue(subject, field);

		if (text == NULL)
			return false;
		zoned = IsZoned(subject->set, field);
		datum = DirectFunctionCall3(zoned ? timestamptz_in : timestamp_in, CStringGetDatum(text),
									ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	}
	else
	{
		datum = slot_getattr(subject->slot, column->attnum, &isnull);
		if (isnull)
			return false;
		zoned = column->type == TIMESTAMPTZOID;
		if (column->type == DATEOID)
			datum = DirectFunctionCall1(date_timestamp, datum);
	}
	*value = DatumGetTimestampTz(datum);
	if (!zoned && !TIMESTAMP_NOT_FINITE(*value))
		*value = CsMomentOf((Timestamp) *value, subject->set->zone);
	return true;
}

/* A value as a function casts it to text. */
static char *
CastText(Oid cast, Datum value)
{
	return TextDatumGetCString(OidFunctionCall1(cast, value));
}

/* A text; false for null. */
bool
CsTextOf(CsSubject *subject, int field, CsText *value)
{
	const CsColumn *column = &subject->columns[field];
	bool isnull;
	Datum datum;
	char *text;

	if (subject->record != NULL)
		text = RecordValue(subject, field);
	else
	{
		datum = slot_getattr(subject->slot, column->attnum, &isnull);
		if (isnull)
			return false;
		if (OidIsValid(column->cast))
			text = CastText(column->cast, datum);
		else if (OidIsValid(column->output))
			text = OutputText(subject, column, datum);
		else if (column->type == INT4OID || column->type == INT8OID)
		{
			text = palloc(MAXINT8LEN + 1);
			value->data = text;
			value->length = column->type == INT4OID ? pg_ltoa(DatumGetInt32(datum), text)
													: pg_lltoa(DatumGetInt64(datum), text);
			return true;
		}
		else
		{
			struct varlena *packed = PG_DETOAST_DATUM_PACKED(datum);

			value->data = VARDATA_ANY(packed);
			value->length = VARSIZE_ANY_EXHDR(packed);
			/* as a cast to text leaves it */
			while (column->type == BPCHAROID && value->length > 0 && value->data[value->length - 1] == ' ')
				value->length--;
			return true;
		}
	}
	if (text == NULL)
		return false;
	*value = (CsText){text, strlen(text)};
	return true;
}

/* The column that a field of a rule is. */
const char *
CsFieldColumn(const CsRule *rule, const CsSubject *subject, int i)
{
	return subject->set->fields[rule->fields[i]].column;
}

/*
 * SQL for a comparison of a column with a parameter that is a text, by its type's
 * equality; NULL when it has none. Whole numbers are compared as the widest: a
 * text may be beyond the column's type, and is then nobody's.
 */
char *
CsEqualsText(Oid type, int param)
{
	Oid base = getBaseType(type);
	const char *equals;

	if (base == INT2OID || base == INT4OID || base == INT8OID)
		return psprintf("OPERATOR(pg_catalog.=) $%d::pg_catalog.int8", param);
	equals = CsEqualityOperator(type);
	return equals == NULL ? NULL
						  : psprintf("%s $%d::%s", equals, param,
									 format_type_extended(
										 base, -1, FORMAT_TYPE_FORCE_QUALIFY | FORMAT_TYPE_TYPEMOD_GIVEN));
}

/* A text that is ended by a zero. */
char *
CsCString(CsText text)
{
	return pnstrdup(text.data, text.length);
}

/* Whether an UPDATE gives a field another value; true where there was no row before. */
bool
CsHasChanged(const CsSubject *subject, int field)
{
	AttrNumber attnum = subject->columns[field].attnum;
	Form_pg_attribute attribute = TupleDescAttr(subject->slot->tts_tupleDescriptor, attnum - 1);
	bool isnull;
	bool was_null;
	Datum value = slot_getattr(subject->slot, attnum, &isnull);
	Datum was = slot_getattr(subject->old, attnum, &was_null);

	return isnull != was_null ||
		   (!isnull && !datum_image_eq(value, was, attribute->attbyval, attribute->attlen));
}

/* The subject as it was before an UPDATE; false where there was nothing. */
bool
CsBefore(CsSubject *subject, CsSubject *before)
{
	if (subject->old == NULL)
		return false;
	*before = *subject;
	before->slot = subject->old;
	before->asked = false;
	return true;
}

/* Whether a row has one of the values in each column of a filter. */
bool
CsMatches(CsSubject *subject, const CsFilter *filter)
{
	int i;

	for (i = 0; i < filter->ntests; i++)
	{
		const struct CsTest *test = &filter->tests[i];
		CsText value;
		int j;

		if (!CsTextOf(subject, test->field, &value))
			return false;
		for (j = 0; j < test->nvalues; j++)
			if (test->values[j].length == value.length &&
				memcmp(test->values[j].data, value.data, value.length) == 0)
				break;
		if (j == test->nvalues)
			return false;
	}
	return true;
}

/* A record is an object whose keys are columns of the target, or of fields where there is no target. */
void
CsCheckRecord(const CsRuleSet *set, Jsonb *record)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue key;

	if (!JB_ROOT_IS_OBJECT(record))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("record is no JSON object"),
						errhint("Give an object with the columns of the row: '{\"amount\": 120}'.")));
	iterator = JsonbIteratorInit(&record->root);
	while ((token = JsonbIteratorNext(&iterator, &key, true)) != WJB_DONE)
	{
		char *column;
		int i;

		if (token != WJB_KEY)
			continue;
		column = pnstrdup(key.val.string.val, key.val.string.len);
		if (OidIsValid(set->target) && get_attnum(set->target, column) > 0)
			continue;
		for (i = 0; i < set->nfields; i++)
			if (!OidIsValid(set->target) && strcmp(set->fields[i].column, column) == 0)
				break;
		if (OidIsValid(set->target) || i == set->nfields)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN), errmsg("record has an unknown key \"%s\"", column),
					 errhint("Its keys are the columns that rule set \"%s\" is about.", set->name)));
	}
}
