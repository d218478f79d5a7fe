/*
 * kind.c
 *		The kinds of sources that a segment table can have besides its orders.
 *
 * A kind is one entry of the table below: the settings its source is described
 * by, what is worked out of its rows, and the columns that gives. How sources
 * are read, captured, joined and verified is the same for every kind, see
 * other_source.c.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/numeric.h"

#include "core/compat.h"
#include "segment/kind.h"

/* A score that is one of its scale, or an error that names the customer. */
#define RATING                                                                     \
	"CASE WHEN %score% BETWEEN %lowest% AND %highest% AND %score% % 1 = 0"         \
	" THEN %score%::pg_catalog.int2 ELSE customer_scoring.segment_rating(%score%," \
	" %lowest%, %highest%, %CUSTOMER%::pg_catalog.text) END"

/* Of several scores at the last moment the lowest. */
#define LAST_RATING "(pg_catalog.array_agg(" RATING " ORDER BY %rated_at% DESC, %score%)%PAST%)[1]"

/* Of several periods now the latest is asked, of key accounts first one that no class made. */
#define SERVICE_LEVEL                                                                     \
	"(pg_catalog.array_agg(%service_level% ORDER BY coalesce(%origin% = 'class', false)," \
	" %valid_from% DESC, %service_level% COLLATE pg_catalog.\"C\")"                       \
	" FILTER (WHERE %HELD% AND %service_level% IS NOT NULL))[1]"
#define MANAGER                                                                                       \
	"(pg_catalog.array_agg(%manager% ORDER BY %valid_from% DESC, %manager% COLLATE pg_catalog.\"C\")" \
	" FILTER (WHERE %HELD% AND %manager% IS NOT NULL))[1]"

/* The scale of a score. */
static void
CheckScale(char **values)
{
	if (atoi(values[2]) >= atoi(values[3]))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("lowest score %s is not below the highest, %s", values[2], values[3]),
						errhint("Give the ends of the scale, for example {\"lowest\": 1, \"highest\": 5}.")));
}

static const KindSetting RatingSettings[] = {
	{"rated_at", SETTING_TIME, 0},
	{"score", SETTING_SCORE, 0},
	{"lowest", SETTING_NUMBER, 0},
	{"highest", SETTING_NUMBER, 10},
};

static const SegmentColumn RatingColumns[] = {
	{"ratings", COLUMN_COUNT, true, ROLE_FACT, true, "coalesce(c.ratings, 0)", "Number of ratings"},
	{"last_rating", COLUMN_SMALL, false, ROLE_FACT, true, "c.last_rating",
	 "Score of the last rating, the lowest of several at that moment; NULL without a rating"},
	{"last_rated_at", COLUMN_MOMENT, false, ROLE_FACT, true, "c.last_rated_at",
	 "Moment of the last rating; NULL without a rating"},
	{"average_rating", COLUMN_MEAN, false, ROLE_FACT, true, "c.average_rating",
	 "Average of all ratings, rounded to two digits; NULL without a rating"},
	{"nps_bucket", COLUMN_TEXT, false, ROLE_FACT, true, "c.nps_bucket",
	 "promoter, passive or detractor by the last rating; NULL without one, and on other scales than 0 to 10"},
};

static const KindSetting KeyAccountSettings[] = {
	{"valid_from", SETTING_FROM, 0},
	{"valid_until", SETTING_UNTIL, 0},
	{"service_level", SETTING_WORDS, 0},
	{"origin", SETTING_WORDS_IF_ANY, 0},
};

static const SegmentColumn KeyAccountColumns[] = {
	{"key_account", COLUMN_FLAG, true, ROLE_FACT, true, "coalesce(c.key_account, false)",
	 "Whether the customer is a key account"},
	{"service_level", COLUMN_TEXT, false, ROLE_FACT, true, "c.service_level",
	 "Service level of a key account; NULL for others"},
};

static const KindSetting ManagerSettings[] = {
	{"valid_from", SETTING_FROM, 0},
	{"valid_until", SETTING_UNTIL, 0},
	{"manager", SETTING_WORDS, 0},
};

static const SegmentColumn ManagerColumns[] = {
	{"account_manager", COLUMN_TEXT, false, ROLE_FACT, true, "c.account_manager",
	 "Who looks after the customer; NULL for nobody"},
};

static const SegmentKind Kinds[] = {
	{.name = "customers", .makes_rows = true},
	{.name = "ratings",
	 .nsettings = lengthof(RatingSettings),
	 .settings = RatingSettings,
	 .figures = "pg_catalog.count(*)%PAST% AS ratings, " LAST_RATING " AS last_rating,"
				" pg_catalog.max(%rated_at%)%PAST% AS last_rated_at,"
				" pg_catalog.round(pg_catalog.avg(" RATING ")%PAST%, 2)::pg_catalog.numeric(6, 2)"
				" AS average_rating,"
				" CASE WHEN %lowest% = 0 AND %highest% = 10 THEN customer_scoring.nps_bucket(" LAST_RATING
				") END AS nps_bucket",
	 .ncolumns = lengthof(RatingColumns),
	 .columns = RatingColumns,
	 .check = CheckScale},
	{.name = "key_accounts",
	 .by_text = true,
	 .nsettings = lengthof(KeyAccountSettings),
	 .settings = KeyAccountSettings,
	 .figures = "pg_catalog.bool_or(%HELD%) AS key_account, " SERVICE_LEVEL " AS service_level",
	 .ncolumns = lengthof(KeyAccountColumns),
	 .columns = KeyAccountColumns},
	{.name = "managers",
	 .by_text = true,
	 .nsettings = lengthof(ManagerSettings),
	 .settings = ManagerSettings,
	 .figures = MANAGER " AS account_manager",
	 .ncolumns = lengthof(ManagerColumns),
	 .columns = ManagerColumns},
};

/* A kind by its name. */
const SegmentKind *
CsFindKind(const char *name)
{
	StringInfoData known;
	int i;

	initStringInfo(&known);
	for (i = 0; i < lengthof(Kinds); i++)
	{
		if (strcmp(Kinds[i].name, name) == 0)
			return &Kinds[i];
		appendStringInfo(&known, "%s%s", i > 0 ? ", " : "", Kinds[i].name);
	}
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("\"%s\" is no kind of source", name),
					errhint("Kinds are: %s.", known.data)));
	return NULL;
}

static void
BadColumns(const SegmentKind *kind, const char *problem)
{
	StringInfoData known;
	int i;

	initStringInfo(&known);
	for (i = 0; i < kind->nsettings; i++)
		appendStringInfo(&known, "%s\"%s\"", i > 0 ? ", " : "", kind->settings[i].name);
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("argument \"columns\" %s", problem),
					kind->nsettings == 0
						? errhint("A source of kind \"%s\" has none: leave them out, or give {}.", kind->name)
						: errhint("For kind \"%s\" it is an object with some of the keys %s.", kind->name,
								  known.data)));
}

/* A whole number in JSON, as SQL. */
static char *
NumberValue(const SegmentKind *kind, const KindSetting *setting, const JsonbValue *value)
{
	bool bad = value->type != jbvNumeric;
	int number = 0;

	if (!bad)
	{
		Datum limit = DirectFunctionCall1(int4_numeric, Int32GetDatum(KIND_NUMBER_MAX));
		Datum given = NumericGetDatum(value->val.numeric);

		bad = DatumGetBool(DirectFunctionCall2(numeric_gt, DirectFunctionCall1(numeric_abs, given), limit));
		if (!bad)
		{
			number = DatumGetInt32(DirectFunctionCall1(numeric_int4, given));
			bad = !DatumGetBool(DirectFunctionCall2(
				numeric_eq, given, DirectFunctionCall1(int4_numeric, Int32GetDatum(number))));
		}
	}
	if (bad)
		BadColumns(kind, psprintf("has no whole number from %d to %d for \"%s\"", -KIND_NUMBER_MAX,
								  KIND_NUMBER_MAX, setting->name));
	return psprintf("%d", number);
}

/*
 * The settings of a source, in their order: names of columns, and numbers as
 * SQL. What the argument does not give has its default; a column that the source
 * may lack is NULL.
 */
char **
CsKindValues(const SegmentKind *kind, Jsonb *columns)
{
	char **values = palloc0(sizeof(char *) * KIND_SETTINGS_MAX);
	JsonbIterator *iterator;
	JsonbValue key;
	JsonbValue value;
	JsonbIteratorToken token;
	int i;

	Assert(kind->nsettings <= KIND_SETTINGS_MAX);
	if (!JB_ROOT_IS_OBJECT(columns))
		BadColumns(kind, "is not a JSON object");
	iterator = JsonbIteratorInit(&columns->root);
	while ((token = JsonbIteratorNext(&iterator, &key, true)) != WJB_DONE)
	{
		char *name;

		if (token != WJB_KEY)
			continue;
		name = pnstrdup(key.val.string.val, key.val.string.len);
		(void) JsonbIteratorNext(&iterator, &value, true);
		for (i = 0; i < kind->nsettings; i++)
			if (strcmp(kind->settings[i].name, name) == 0)
				break;
		if (i == kind->nsettings)
			BadColumns(kind, psprintf("has an unknown key \"%s\"", name));
		if (kind->settings[i].type == SETTING_NUMBER)
			values[i] = NumberValue(kind, &kind->settings[i], &value);
		else if (value.type != jbvString)
			BadColumns(kind, psprintf("has no name of a column for \"%s\"", name));
		else
			values[i] = pnstrdup(value.val.string.val, value.val.string.len);
	}
	for (i = 0; i < kind->nsettings; i++)
		if (values[i] == NULL && kind->settings[i].type != SETTING_WORDS_IF_ANY)
			values[i] = kind->settings[i].type == SETTING_NUMBER ? psprintf("%d", kind->settings[i].number)
																 : pstrdup(kind->settings[i].name);
	if (kind->check != NULL)
		kind->check(values);
	return values;
}
