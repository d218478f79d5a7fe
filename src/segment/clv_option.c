/*
 * clv_option.c
 *		The option clv of a segment table: what it must be, and the columns that
 *		come and go with it.
 *
 * The option is a JSON object, kept as it was given, so that what it leaves out
 * has the defaults of this version.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"

#include "core/compat.h"
#include "core/owner.h"
#include "segment/clv.h"
#include "segment/run.h"
#include "segment/schedule.h"
#include "segment/view.h"

#define CLV_HINT                                                                     \
	"It is true, false, or an object with some of the keys \"model\", \"horizon\", " \
	"\"discount\", \"margin\", \"score_every\" and \"fit_every\", for example {\"horizon\": \"1 year\"}."

static const char *const Keys[] = {"model", "horizon", "discount", "margin", "score_every", "fit_every"};
static const char *const Models[] = {"mbgnbd", "bgnbd", "pareto_nbd"};

/* Each is worked out by a refresh under the name of its column, see CsWithClv. */
const SegmentColumn CsClvColumns[] = {
	{"p_alive", COLUMN_SHARE, false, ROLE_FACT, true, "c.p_alive",
	 "Probability that the customer still buys, 0 to 1; NULL without a purchase or a model"},
	{"expected_purchases", COLUMN_EXPECTED, false, ROLE_FACT, true, "c.expected_purchases",
	 "Purchases expected within the horizon; NULL without a purchase or a model"},
	{"expected_spend", COLUMN_AVERAGE, false, ROLE_FACT, true, "c.expected_spend",
	 "Mean value expected of a purchase; NULL without a purchase or a spend model"},
	{"clv", COLUMN_MONEY, false, ROLE_FACT, true, "c.clv",
	 "Customer lifetime value: expected and discounted margin of purchases within the horizon, rounded; NULL "
	 "when unknown"},
	{"clv_band", COLUMN_SMALL, false, ROLE_FACT, true, "c.clv_band",
	 "Fifth of the customers by lifetime value, 1 to 5, higher is better; NULL without a lifetime value"},
	{"next_purchase_date", COLUMN_DATE, false, ROLE_FACT, true, "c.next_purchase_date",
	 "Day by which the next purchase has come with a probability of one half; NULL when it never does, or "
	 "without a model"},
	{"clv_model_id", COLUMN_COUNT, false, ROLE_FACT, true, "c.clv_model_id",
	 "Model behind these figures, see segment_table_model; NULL without one"},
	{"clv_as_of", COLUMN_MOMENT, false, ROLE_FACT, true, "c.clv_as_of",
	 "Moment these figures are about; NULL without them"},
};
const int CsClvColumnCount = lengthof(CsClvColumns);

static void
BadClv(const char *problem)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("option \"clv\" %s", problem),
					errhint(CLV_HINT)));
}

/* A value of a key that is not what it must be. */
static void
BadValue(const char *key, const JsonbValue *value, const char *wanted)
{
	Jsonb *bad = JsonbValueToJsonb(unconstify(JsonbValue *, value));

	BadClv(psprintf("has %s for \"%s\", which is not %s", JsonbToCString(NULL, &bad->root, VARSIZE(bad)), key,
					wanted));
}

/* The value of a key; NULL when it is not given. */
static JsonbValue *
Value(Jsonb *given, const char *key)
{
	return getKeyJsonValueFromContainer(&given->root, key, strlen(key), NULL);
}

/* A number as SQL: finite, and above the lowest or equal to it. */
static char *
NumberKey(Jsonb *given, const char *key, const char *otherwise, bool or_zero, const char *wanted)
{
	JsonbValue *value = Value(given, key);
	double number;

	if (value == NULL)
		return pstrdup(otherwise);
	if (value->type != jbvNumeric)
		BadValue(key, value, wanted);
	number = DatumGetFloat8(
		DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(value->val.numeric)));
	if (isinf(number) || number < 0 || (number == 0 && !or_zero))
		BadValue(key, value, wanted);
	return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
}

/* A length of time from its text; what is none is an error that names the key. */
static Interval *
LengthFromText(const char *key, const JsonbValue *value, char *text)
{
	MemoryContext context = CurrentMemoryContext;
	Interval *volatile length = NULL;

	PG_TRY();
	{
		length = DatumGetIntervalP(DirectFunctionCall3(interval_in, CStringGetDatum(text),
													   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_DATA_EXCEPTION)
			PG_RE_THROW();
		FlushErrorState();
		BadValue(key, value, "a length of time");
	}
	PG_END_TRY();
	return length;
}

/* A length of time, and its text. */
static Interval *
LengthKey(Jsonb *given, const char *key, char **text)
{
	JsonbValue *value = Value(given, key);
	Interval *length;

	if (value == NULL)
		return DatumGetIntervalP(DirectFunctionCall3(interval_in, CStringGetDatum(*text),
													 ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	if (value->type != jbvString)
		BadValue(key, value, "a length of time in quotes");
	*text = pnstrdup(value->val.string.val, value->val.string.len);
	length = LengthFromText(key, value, *text);
	CsCheckPositive(length, psprintf("\"%s\" of option \"clv\"", key), CLV_HINT);
	return length;
}

/* The kind of model. */
static char *
ModelKey(Jsonb *given)
{
	JsonbValue *value = Value(given, "model");
	int i;

	if (value == NULL)
		return pstrdup(Models[0]);
	for (i = 0; i < lengthof(Models); i++)
		if (value->type == jbvString && value->val.string.len == strlen(Models[i]) &&
			strncmp(value->val.string.val, Models[i], value->val.string.len) == 0)
			return pstrdup(Models[i]);
	BadValue("model", value, "mbgnbd, bgnbd or pareto_nbd");
	return NULL;
}

static void
CheckKeys(Jsonb *given)
{
	JsonbIterator *iterator = JsonbIteratorInit(&given->root);
	JsonbValue value;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		char *name;
		int i;

		if (token != WJB_KEY)
			continue;
		name = pnstrdup(value.val.string.val, value.val.string.len);
		for (i = 0; i < lengthof(Keys); i++)
			if (strcmp(Keys[i], name) == 0)
				break;
		if (i == lengthof(Keys))
			BadClv(psprintf("has an unknown key \"%s\"", name));
	}
}

/* The option from JSON: NULL when it is off, defaults for what is left out. */
ClvOption *
CsParseClv(Jsonb *given)
{
	ClvOption *option = palloc0(sizeof(ClvOption));
	char *score_every = "1 day";
	char *fit_every;
	JsonbValue scalar;

	if (JB_ROOT_IS_SCALAR(given) && JsonbExtractScalar(&given->root, &scalar) && scalar.type == jbvBool)
	{
		if (!scalar.val.boolean)
			return NULL;
		given = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum("{}")));
	}
	if (!JB_ROOT_IS_OBJECT(given))
		BadClv("is neither true, false nor a JSON object");
	CheckKeys(given);
	option->given = given;
	option->model = ModelKey(given);
	option->horizon = "365 days";
	(void) LengthKey(given, "horizon", &option->horizon);
	option->discount = NumberKey(given, "discount", "0.12", true, "a number of at least 0");
	option->margin = NumberKey(given, "margin", "1", false, "a number above 0");
	option->score_every = LengthKey(given, "score_every", &score_every);
	fit_every = score_every;
	option->fit_every = LengthKey(given, "fit_every", &fit_every);
	if (DatumGetBool(DirectFunctionCall2(interval_lt, IntervalPGetDatum(option->fit_every),
										 IntervalPGetDatum(option->score_every))))
		BadClv(psprintf("has \"%s\" for \"fit_every\", which is shorter than \"score_every\", \"%s\"",
						fit_every, score_every));
	return option;
}

/* The option was turned on or off in the definition of a table that is locked against everybody. */
void
CsTurnClv(SegmentDefinition *definition)
{
	CsTurnColumns(definition, CsClvColumns, CsClvColumnCount, definition->clv != NULL);
}

/*
 * The option was given anew: everybody is due. Once it is off nothing is left
 * but the models: who has copied rows may want to look them up.
 */
void
CsAlterClv(const SegmentDefinition *definition, const ClvOption *before)
{
	Oid types[1] = {REGCLASSOID};
	Datum values[1] = {ObjectIdGetDatum(definition->table)};

	if (definition->clv == NULL && before == NULL)
		return;
	CsOwnSql(definition->clv != NULL
				 ? "UPDATE customer_scoring_internal.segment_state SET clv_due_at = NULL"
				   " WHERE segment_table = $1"
				 : "UPDATE customer_scoring_internal.segment_state SET clv_as_of = NULL, clv_due_at = NULL,"
				   " clv_breaks = NULL, clv_model_id = NULL WHERE segment_table = $1",
			 1, types, values, NULL);
}
