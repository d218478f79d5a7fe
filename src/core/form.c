/*
 * form.c
 *		Text forms of stored values.
 *
 * Every value of a type of this extension reads and writes as one JSON object,
 * so that people can look into it with the tools they have, and PostgreSQL's
 * own parser does the parsing. A form is strict: a key that is missing, unknown
 * or of the wrong type is an error that names it. Everything read is allocated
 * in the current memory context.
 */
#include "postgres.h"

#include <math.h>

#include "common/shortest_dec.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"

#include "core/check.h"
#include "core/compat.h"
#include "core/form.h"
#include "core/moment.h"

/* Parse the text, which must be one JSON object. */
void
CsFormOpen(CsForm *form, const char *type_name, const char *text)
{
	Jsonb *value = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));

	if (!JB_ROOT_IS_OBJECT(value))
		CsBadText(type_name, "The value must be a JSON object.");
	form->type_name = type_name;
	form->object = &value->root;
	form->read = 0;
}

static void
BadKey(CsForm *form, const char *key, const char *problem)
{
	CsBadText(form->type_name, psprintf("Key \"%s\" %s.", key, problem));
}

/* Whether the object has the key; reading it is still due. */
bool
CsFormHas(CsForm *form, const char *key)
{
	return getKeyJsonValueFromContainer(form->object, key, strlen(key), NULL) != NULL;
}

/* The value of a key, which must be there and of the type. */
static JsonbValue *
ReadKey(CsForm *form, const char *key, enum jbvType type, const char *expected)
{
	JsonbValue *value = getKeyJsonValueFromContainer(form->object, key, strlen(key), NULL);

	if (value == NULL)
		BadKey(form, key, "is missing");
	if (value->type != type)
		BadKey(form, key, expected);
	form->read++;
	return value;
}

/* An object within the object, to be read and closed by itself. */
void
CsFormInner(CsForm *form, const char *key, CsForm *inner)
{
	JsonbValue *value = ReadKey(form, key, jbvBinary, "must be an object");

	if (!JsonContainerIsObject(value->val.binary.data))
		BadKey(form, key, "must be an object");
	inner->type_name = form->type_name;
	inner->object = value->val.binary.data;
	inner->read = 0;
}

/* A numeric as a whole number within limits. */
static int64
WholeNumber(CsForm *form, const char *key, Numeric value, int64 lowest, int64 highest)
{
	Datum number = NumericGetDatum(value);
	Datum whole = DirectFunctionCall2(numeric_trunc, number, Int32GetDatum(0));
	Datum low = NumericGetDatum(int64_to_numeric(lowest));
	Datum high = NumericGetDatum(int64_to_numeric(highest));
	int64 result;

	if (!DatumGetBool(DirectFunctionCall2(numeric_eq, number, whole)) ||
		DatumGetBool(DirectFunctionCall2(numeric_lt, number, low)) ||
		DatumGetBool(DirectFunctionCall2(numeric_gt, number, high)))
		BadKey(
			form, key,
			psprintf("must be a whole number between " INT64_FORMAT " and " INT64_FORMAT, lowest, highest));
	result = DatumGetInt64(DirectFunctionCall1(numeric_int8, number));
	/* there may be millions of them */
	pfree(DatumGetPointer(whole));
	pfree(DatumGetPointer(low));
	pfree(DatumGetPointer(high));
	return result;
}

/* A whole number within limits. */
int64
CsFormInt64(CsForm *form, const char *key, int64 lowest, int64 highest)
{
	JsonbValue *value = ReadKey(form, key, jbvNumeric, "must be a number");

	return WholeNumber(form, key, value->val.numeric, lowest, highest);
}

/* A number; JSON has no NaN and no infinity. */
Numeric
CsFormNumeric(CsForm *form, const char *key)
{
	return ReadKey(form, key, jbvNumeric, "must be a number")->val.numeric;
}

/* A number as the double precision nearest to it, or an error when there is none. */
static double
NearestFloat8(CsForm *form, const char *key, Numeric number)
{
	/* by way of text, which is what rounds right */
	char *text = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(number)));
	double value = strtod(text, NULL);

	if (!isfinite(value))
		BadKey(form, key, "is too large");
	return value;
}

/* A number in double precision. */
double
CsFormFloat8(CsForm *form, const char *key)
{
	return NearestFloat8(form, key, CsFormNumeric(form, key));
}

/* A string, with a terminating zero. */
char *
CsFormString(CsForm *form, const char *key)
{
	JsonbValue *value = ReadKey(form, key, jbvString, "must be a string");

	return pnstrdup(value->val.string.val, value->val.string.len);
}

/*
 * A finite moment, which must be written exactly as CsMomentText writes it: any
 * other spelling could depend on the session's time zone, its DateStyle or its
 * clock.
 */
static TimestampTz
MomentFromText(CsForm *form, const char *key, const char *text)
{
	TimestampTz moment = DatumGetTimestampTz(DirectFunctionCall3(
		timestamptz_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	StringInfoData written;

	if (TIMESTAMP_NOT_FINITE(moment))
		BadKey(form, key, "must be a finite moment");
	initStringInfo(&written);
	CsMomentText(&written, moment);
	if (strcmp(written.data, text) != 0)
		BadKey(form, key, "must be a moment in UTC, written like 2024-12-31T23:59:59+00:00");
	pfree(written.data);
	return moment;
}

/* A finite moment; false when the key is not there, which means "none". */
bool
CsFormMoment(CsForm *form, const char *key, TimestampTz *moment)
{
	if (!CsFormHas(form, key))
		return false;
	*moment = MomentFromText(form, key, CsFormString(form, key));
	return true;
}

/* An array of strings; *n tells how many. */
char **
CsFormStringArray(CsForm *form, const char *key, int *n)
{
	JsonbValue *array = ReadKey(form, key, jbvBinary, "must be an array");
	JsonbContainer *container = array->val.binary.data;
	char **result;
	int i;

	if (!JsonContainerIsArray(container))
		BadKey(form, key, "must be an array");
	*n = JsonContainerSize(container);
	result = palloc(sizeof(char *) * Max(*n, 1));
	for (i = 0; i < *n; i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(container, i);

		if (element->type != jbvString)
			BadKey(form, key, "must hold strings only");
		result[i] = pnstrdup(element->val.string.val, element->val.string.len);
	}
	return result;
}

/* An array of finite moments; *n tells how many. */
TimestampTz *
CsFormMomentArray(CsForm *form, const char *key, int *n)
{
	char **texts = CsFormStringArray(form, key, n);
	TimestampTz *result = palloc(sizeof(TimestampTz) * Max(*n, 1));
	int i;

	for (i = 0; i < *n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		result[i] = MomentFromText(form, key, texts[i]);
	}
	return result;
}

/* An array of numbers; *n tells how many. */
Numeric *
CsFormNumericArray(CsForm *form, const char *key, int *n)
{
	JsonbValue *array = ReadKey(form, key, jbvBinary, "must be an array");
	JsonbContainer *container = array->val.binary.data;
	Numeric *result;
	int i;

	if (!JsonContainerIsArray(container))
		BadKey(form, key, "must be an array");
	*n = JsonContainerSize(container);
	result = palloc(sizeof(Numeric) * Max(*n, 1));
	for (i = 0; i < *n; i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(container, i);

		CHECK_FOR_INTERRUPTS();
		if (element->type != jbvNumeric)
			BadKey(form, key, "must hold numbers only");
		result[i] = element->val.numeric;
	}
	return result;
}

/* An array of numbers in double precision; *n tells how many. */
double *
CsFormFloat8Array(CsForm *form, const char *key, int *n)
{
	Numeric *numbers = CsFormNumericArray(form, key, n);
	double *result = palloc(sizeof(double) * Max(*n, 1));
	int i;

	for (i = 0; i < *n; i++)
		result[i] = NearestFloat8(form, key, numbers[i]);
	return result;
}

/* An array of whole numbers within limits. */
int64 *
CsFormInt64Array(CsForm *form, const char *key, int64 lowest, int64 highest, int *n)
{
	Numeric *numbers = CsFormNumericArray(form, key, n);
	int64 *result = palloc(sizeof(int64) * Max(*n, 1));
	int i;

	for (i = 0; i < *n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		result[i] = WholeNumber(form, key, numbers[i], lowest, highest);
	}
	return result;
}

/* All keys must have been read. */
void
CsFormClose(CsForm *form)
{
	if (JsonContainerSize(form->object) != form->read)
		CsBadText(form->type_name, "The object has a key that is not known.");
}

/* Append a finite number in the shortest form that reads back to the same bits. */
void
CsFloatText(StringInfo out, double value)
{
	char text[DOUBLE_SHORTEST_DECIMAL_LEN];

	double_to_shortest_decimal_buf(value, text);
	appendStringInfoString(out, text);
}
