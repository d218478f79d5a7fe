/*
 * kind_total.c
 *		Rules about totals: credit limits, budgets, caps on contacts and promises,
 *		offers that are redeemed once.
 *
 * A kind says what it adds up (CsTotalKind): amounts or rows, of the rows of the
 * target that share its groups, within some calendar days if it has a moment. A
 * row is looked at only if it adds to the total: refunds, and updates that make
 * it less, always pass. Tables are read as their owners, with plain columns,
 * values as parameters.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/syscache.h"

#include "core/moment.h"
#include "core/owner.h"
#include "rule/total.h"
#include "segment/definition.h"
#include "segment/source.h"

/* Parameters of the query for a total; those of filters follow. */
enum
{
	PARAM_FROM = TOTAL_GROUPS_MAX + 1,
	PARAM_UNTIL,
	PARAM_ZONE,
	TOTAL_PARAMS = PARAM_ZONE
};

#define PARAMS_MAX 32

/* A query that is being built, with its parameters. */
typedef struct TotalQuery
{
	const CsRuleSet *set;
	const CsRule *rule;
	Oid table;
	StringInfoData sql;
	int nparams;
	Oid types[PARAMS_MAX];
	Datum values[PARAMS_MAX];
	char nulls[PARAMS_MAX];
} TotalQuery;

static void
InitQuery(TotalQuery *query, const CsNeed *need, Oid table)
{
	memset(query, 0, sizeof(*query));
	query->set = need->set;
	query->rule = need->rule;
	query->table = table;
	initStringInfo(&query->sql);
	memset(query->nulls, ' ', sizeof(query->nulls));
}

static int
AddParam(TotalQuery *query, Oid type, Datum value, bool isnull)
{
	if (query->nparams == PARAMS_MAX)
		CsBadRule(query->set, query->rule, "it names too many columns", NULL);
	query->types[query->nparams] = type;
	query->values[query->nparams] = value;
	query->nulls[query->nparams] = isnull ? 'n' : ' ';
	return ++query->nparams;
}

static Oid
ColumnType(const TotalQuery *query, const char *column)
{
	AttrNumber attnum = get_attnum(query->table, column);

	if (get_rel_name(query->table) == NULL)
		CsBadRule(query->set, query->rule, "a table it looks at was dropped", "Name another one.");
	if (attnum == InvalidAttrNumber)
		CsBadRule(query->set, query->rule,
				  psprintf("table \"%s\" has no column \"%s\" any more", get_rel_name(query->table), column),
				  "Name the column it has now.");
	return get_atttype(query->table, attnum);
}

/* Add a condition that a column is what a text says, which may be null. */
static void
AddEquals(TotalQuery *query, const char *column, const char *text, bool nullable)
{
	int param = AddParam(query, TEXTOID, text == NULL ? (Datum) 0 : CStringGetTextDatum(text), text == NULL);
	char *equals = CsEqualsText(ColumnType(query, column), param);

	if (equals == NULL)
		CsBadRule(query->set, query->rule, psprintf("column \"%s\" cannot be compared", column), NULL);
	appendStringInfo(&query->sql, " AND (s.%s %s%s)", quote_identifier(column), equals,
					 nullable ? psprintf(" OR s.%s IS NULL AND $%d IS NULL", quote_identifier(column), param)
							  : "");
}

/* Add a condition that a column has (not) one of some values. */
static void
AddFilter(TotalQuery *query, const char *column, Datum values, bool except)
{
	int param = AddParam(query, TEXTARRAYOID, values, false);

	appendStringInfo(&query->sql, " AND %s(%s OPERATOR(pg_catalog.=) ANY ($%d))%s", except ? "(NOT " : "",
					 CsTextSql(quote_identifier(column), ColumnType(query, column)), param,
					 except ? psprintf(" OR s.%s IS NULL)", quote_identifier(column)) : "");
}

/* The values of a test as text[]. */
static Datum
TestValues(const struct CsTest *test)
{
	Datum *texts = palloc(sizeof(Datum) * test->nvalues);
	int i;

	for (i = 0; i < test->nvalues; i++)
		texts[i] = PointerGetDatum(cstring_to_text_with_len(test->values[i].data, test->values[i].length));
	return PointerGetDatum(construct_array(texts, test->nvalues, TEXTOID, -1, false, TYPALIGN_INT));
}

/*
 * Run a query as the owner of its table, with what this transaction has written
 * and others have committed; the number it gives, or NULL. The plan is kept.
 */
static Numeric
Ask(TotalQuery *query, SPIPlanPtr *plan)
{
	MemoryContext context = CurrentMemoryContext;
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(query->table));
	CsIdentity saved;
	Oid owner;
	bool isnull;
	Datum value;
	Numeric result = NULL;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", query->table);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	if (check_enable_rls(query->table, owner, true) == RLS_ENABLED)
		CsBadRule(query->set, query->rule,
				  psprintf("row-level security hides rows of table \"%s\" from its owner",
						   get_rel_name(query->table)),
				  "ALTER TABLE … NO FORCE ROW LEVEL SECURITY, or give the owner BYPASSRLS.");
	SPI_connect();
	CsBecome(&saved, owner);
	CsPinTexts(query->set);
	if (*plan == NULL)
	{
		SPIPlanPtr fresh = SPI_prepare(query->sql.data, query->nparams, query->types);

		if (fresh == NULL || SPI_keepplan(fresh) != 0)
			elog(ERROR, "a total could not be prepared: %s", query->sql.data);
		*plan = fresh;
	}
	if (SPI_execute_snapshot(*plan, query->values, query->nulls, InvalidSnapshot, InvalidSnapshot, false,
							 true, 0) != SPI_OK_SELECT)
		elog(ERROR, "a total could not be read");
	value = SPI_processed > 0 ? SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)
							  : (Datum) 0;
	if (SPI_processed > 0 && !isnull)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		result = DatumGetNumericCopy(value);
		MemoryContextSwitchTo(old);
	}
	CsResume(&saved);
	SPI_finish();
	return result;
}

/* What a table that a parameter names has for a group: an aggregate over its rows. */
static Numeric
AskLookup(const CsNeed *need, const CsLookup *lookup, const char *aggregate, int plan)
{
	TotalQuery query;
	int i;

	InitQuery(&query, need, lookup->table);
	(void) ColumnType(&query, lookup->value);
	appendStringInfo(&query.sql, "SELECT pg_catalog.%s(s.%s::pg_catalog.numeric) FROM %s s WHERE true",
					 aggregate, quote_identifier(lookup->value), CsQualifiedName(lookup->table));
	AddEquals(&query, lookup->key, need->groups[0], false);
	for (i = 0; i < lookup->nfilters; i++)
		AddFilter(&query, lookup->filter_columns[i], lookup->filter_values[i], false);
	return Ask(&query, (SPIPlanPtr *) &need->rule->plans[plan]);
}

/* SQL for a moment of a row, whatever type it has. */
static char *
MomentSql(const TotalQuery *query, const char *column)
{
	if (getBaseType(ColumnType(query, column)) == TIMESTAMPTZOID)
		return psprintf("s.%s", quote_identifier(column));
	return psprintf("pg_catalog.timezone($%d, s.%s::pg_catalog.timestamp)", PARAM_ZONE,
					quote_identifier(column));
}

/* The total of the stored rows of a group. */
static Numeric
AskTotal(const CsNeed *need)
{
	const CsRule *rule = need->rule;
	const CsTotalKind *kind = rule->kind->total;
	const CsField *fields = need->set->fields;
	const CsFilter *filters[2] = {kind->only ? &CsParameterOf(rule, kind->only)->filter : NULL,
								  kind->except ? &CsParameterOf(rule, kind->except)->filter : NULL};
	TotalQuery query;
	TotalQuery where;
	int i;
	int j;

	InitQuery(&query, need, need->set->target);
	InitQuery(&where, need, need->set->target);
	where.nparams = 0;
	for (i = 0; i < kind->ngroups; i++)
		if (rule->fields[i] >= 0)
			AddEquals(&where, fields[rule->fields[i]].column, need->groups[i], i > 0);
	while (where.nparams < TOTAL_GROUPS_MAX)
		(void) AddParam(&where, TEXTOID, (Datum) 0, true);
	(void) AddParam(&where, TIMESTAMPTZOID, TimestampTzGetDatum(need->from), false);
	(void) AddParam(&where, TIMESTAMPTZOID, TimestampTzGetDatum(need->until), false);
	(void) AddParam(&where, TEXTOID, CStringGetTextDatum(pg_get_timezone_name(need->set->zone)), false);
	if (kind->moment >= 0)
	{
		char *moment = MomentSql(&where, fields[rule->fields[kind->moment]].column);

		appendStringInfo(&where.sql, " AND %s OPERATOR(pg_catalog.>=) $%d AND %s OPERATOR(pg_catalog.<) $%d",
						 moment, PARAM_FROM, moment, PARAM_UNTIL);
	}
	for (i = 0; i < 2; i++)
		for (j = 0; filters[i] != NULL && j < filters[i]->ntests; j++)
			AddFilter(&where, fields[filters[i]->tests[j].field].column, TestValues(&filters[i]->tests[j]),
					  i == 1);
	if (kind->amount >= 0)
		appendStringInfo(&query.sql, "SELECT pg_catalog.sum(s.%s::pg_catalog.numeric)",
						 quote_identifier(fields[rule->fields[kind->amount]].column));
	else
		appendStringInfoString(&query.sql, "SELECT pg_catalog.count(*)::pg_catalog.numeric");
	appendStringInfo(&query.sql, " FROM %s s WHERE true%s", CsQualifiedName(need->set->target),
					 where.sql.data);
	where.sql = query.sql;
	return Ask(&where, (SPIPlanPtr *) &rule->plans[0]);
}

static Numeric
Add(Numeric a, Numeric b)
{
	if (a == NULL || b == NULL)
		return a == NULL ? b : a;
	return DatumGetNumeric(DirectFunctionCall2(numeric_add, NumericGetDatum(a), NumericGetDatum(b)));
}

/* The first moment of a day that is counted from 2000; beyond the calendar there is no end. */
static TimestampTz
BeginOfDay(int64 day, pg_tz *zone)
{
	if (day <= -POSTGRES_EPOCH_JDATE)
		return DT_NOBEGIN;
	if (day >= TIMESTAMP_END_JULIAN - POSTGRES_EPOCH_JDATE)
		return DT_NOEND;
	return CsMomentOf((Timestamp) day * USECS_PER_DAY, zone);
}

/* What a row adds to the total, and to which: false if it is none of those that count. */
static bool
Contribution(const CsRule *rule, CsSubject *subject, CsNeed *need)
{
	const CsTotalKind *kind = rule->kind->total;
	pg_tz *zone = subject->set->zone;
	TimestampTz moment;
	CsText text;
	int i;

	if ((kind->only && !CsMatches(subject, &CsParameterOf(rule, kind->only)->filter)) ||
		(kind->except && CsParameterOf(rule, kind->except)->given &&
		 CsMatches(subject, &CsParameterOf(rule, kind->except)->filter)))
		return false;
	if (kind->amount < 0)
		need->amount = int64_to_numeric(1);
	else if (!CsNumberOf(subject, rule->fields[kind->amount], &need->amount))
		return false;
	for (i = 0; i < kind->ngroups; i++)
	{
		need->groups[i] = rule->fields[i] >= 0 && CsTextOf(subject, rule->fields[i], &text) ? CsCString(text)
																							: NULL;
		/* nobody's total has no limit, and what is no offer is not redeemed */
		if (rule->fields[i] >= 0 && need->groups[i] == NULL && (i == 0 || !rule->kind->fields[i].optional))
			return false;
	}
	if (kind->moment >= 0)
	{
		int days = kind->days != NULL ? CsParameterOf(rule, kind->days)->count : 1;
		int day;

		if (!CsMomentFieldOf(subject, rule->fields[kind->moment], &moment) || TIMESTAMP_NOT_FINITE(moment))
			return false;
		for (i = kind->moment + 1; i < KIND_FIELDS_MAX && rule->kind->fields[i].name != NULL; i++)
			if (rule->fields[i] >= 0 && CsTextOf(subject, rule->fields[i], &text) &&
				CsFindZone(CsCString(text)) != NULL)
				zone = CsFindZone(CsCString(text));
		day = CsDayInZone(moment, zone) - POSTGRES_EPOCH_JDATE;
		need->from = BeginOfDay((int64) day - days + 1, zone);
		need->until = BeginOfDay((int64) day + 1, zone);
	}
	return true;
}

/* Whether two needs are of the same total. */
static bool
IsSameTotal(const CsNeed *a, const CsNeed *b)
{
	int i;

	for (i = 0; i < TOTAL_GROUPS_MAX; i++)
		if ((a->groups[i] == NULL) != (b->groups[i] == NULL) ||
			(a->groups[i] != NULL && strcmp(a->groups[i], b->groups[i]) != 0))
			return false;
	return a->from == b->from;
}

/*
 * Whether a row makes it necessary to look at a total, and which one: when it
 * adds something, an updated row more than it did before; one that was waived
 * before has not been asked about.
 */
bool
CsNeedsTotal(const CsRule *rule, CsSubject *subject, CsNeed *need)
{
	Numeric before = int64_to_numeric(0);
	CsNeed was = {0};
	CsSubject old;

	memset(need, 0, sizeof(*need));
	need->set = subject->set;
	need->rule = rule;
	if (!Contribution(rule, subject, need))
		return false;
	need->place = CsPlaceOf(need);
	need->customer = CsCustomerOf(subject);
	if (CsBefore(subject, &old) && CsApplies(rule, &old) && CsWaivedBy(rule, &old) == NULL &&
		Contribution(rule, &old, &was) && IsSameTotal(need, &was))
		before = was.amount;
	return CsCompareNumbers(need->amount, before) > 0;
}

/* The limit of a group; NULL for none, when there is no row with one and the rule allows that. */
static Numeric
LimitOf(const CsNeed *need)
{
	const CsTotalKind *kind = need->rule->kind->total;
	const CsParameter *limit;
	Numeric found;

	if (kind->limit == NULL)
		return int64_to_numeric(1);
	limit = CsParameterOf(need->rule, kind->limit);
	if (limit->number != NULL)
		return limit->number;
	if (limit->count > 0)
		return int64_to_numeric(limit->count);
	found = AskLookup(need, CsParameterOf(need->rule, "limit_from")->lookup, "min", 1);
	if (found != NULL && numeric_is_nan(found))
		return int64_to_numeric(0);
	if (found == NULL && strcmp(CsParameterOf(need->rule, "without")->text, "reject") == 0)
		return int64_to_numeric(0);
	return found;
}

/* Whether a total breaks its rule: that of what is stored, with the row itself unless it is among it. */
bool
CsBreaksTotal(const CsNeed *need, bool stored, CsVerdict *verdict)
{
	const CsRule *rule = need->rule;
	const CsTotalKind *kind = rule->kind->total;
	Numeric limit = LimitOf(need);
	Numeric total;

	if (limit == NULL)
		return false;
	total = Add(AskTotal(need), stored ? NULL : need->amount);
	if (rule->kind->code == CS_CREDIT_LIMIT && CsParameterOf(rule, "receivables_from")->given)
		total = Add(total, AskLookup(need, CsParameterOf(rule, "receivables_from")->lookup, "sum", 2));
	if (total == NULL || CsCompareNumbers(total, limit) <= 0)
		return false;
	verdict->message = psprintf(
		"%s%s%s would be %s, above the limit of %s", kind->noun, need->groups[0] != NULL ? " of " : "",
		need->groups[0] != NULL ? need->groups[0] : "", CsShowNumber(total), CsShowNumber(limit));
	verdict->hint = kind->hint;
	verdict->actual = CsJsonNumber(total);
	verdict->limit = CsJsonNumber(limit);
	verdict->column = need->set
						  ->fields[rule->fields[kind->amount >= 0	? kind->amount
												: kind->moment >= 0 ? kind->moment
																	: kind->ngroups - 1]]
						  .column;
	return true;
}

/* Exactly one of limit and limit_from is given. */
static void
PrepareLimit(CsRuleSet *set, CsRule *rule)
{
	if (CsParameterOf(rule, "limit")->given == CsParameterOf(rule, "limit_from")->given)
		CsBadRule(set, rule, "either limit or limit_from has to be given", NULL);
	if (CsParameterOf(rule, "limit_from")->given && rule->fields[0] < 0)
		CsBadRule(set, rule, "limit_from needs a column that says whose limit it is", NULL);
}

static const CsTotalKind Credit = {.ngroups = 1,
								   .amount = 1,
								   .moment = -1,
								   .only = "open",
								   .limit = "limit",
								   .noun = "credit",
								   .hint = "Collect what is due first, or raise the limit."};
static const CsTotalKind Contacts = {.ngroups = 2,
									 .amount = -1,
									 .moment = 2,
									 .except = "exempt",
									 .limit = "most",
									 .days = "days",
									 .noun = "the number of contacts",
									 .hint = "Wait until earlier contacts are longer ago."};
static const CsTotalKind Redemptions = {.ngroups = 2,
										.amount = -1,
										.moment = -1,
										.only = "only",
										.noun = "the number of redemptions",
										.hint = "The offer has been redeemed."};
static const CsTotalKind Budget = {.ngroups = 1,
								   .amount = 1,
								   .moment = -1,
								   .only = "only",
								   .limit = "limit",
								   .noun = "the use of the budget",
								   .hint = "Raise the budget, or give less."};
static const CsTotalKind Promises = {.ngroups = 0,
									 .amount = -1,
									 .moment = 0,
									 .only = "only",
									 .limit = "capacity",
									 .noun = "the number of promises for the day",
									 .hint = "Promise another day."};

#define REJECT_OR_WARN ACTION_REJECT | ACTION_WARN
#define LIMIT                                                                 \
	TAKES("limit", NUMBER), TAKES("limit_from", LOOKUP, .choices = "column"), \
		TAKES("without", CHOICE, .standard = "reject", .choices = "reject allow"), TAKES("field", FIELD)

const CsRuleKind CsTotalKinds[] = {
	{.name = "credit_limit",
	 .code = CS_CREDIT_LIMIT,
	 .actions = REJECT_OR_WARN,
	 .fields = {FIELD("customer", TEXT), FIELD("amount", NUMBER, .parameter = "field")},
	 .parameters = {LIMIT, TAKES("receivables_from", LOOKUP, .choices = "amount"), TAKES("open", FILTER)},
	 .prepare = PrepareLimit,
	 .total = &Credit},
	{.name = "contact_cap",
	 .code = CS_CONTACT_CAP,
	 .actions = REJECT_OR_WARN,
	 .fields = {FIELD("customer", TEXT), FIELD("channel", TEXT, .optional = true),
				FIELD("contacted_at", MOMENT, .parameter = "field"),
				FIELD("time_zone", TEXT, .optional = true)},
	 .parameters = {TAKES("most", COUNT, .standard = "3"), TAKES("days", COUNT, .standard = "7"),
					TAKES("exempt", FILTER), TAKES("field", FIELD)},
	 .total = &Contacts},
	{.name = "redeem_once",
	 .code = CS_OFFER,
	 .actions = REJECT_OR_WARN,
	 .fields = {FIELD("customer", TEXT), FIELD("offer", TEXT, .parameter = "field")},
	 .parameters = {TAKES("only", FILTER), TAKES("field", FIELD)},
	 .total = &Redemptions},
	{.name = "budget_cap",
	 .code = CS_BUDGET,
	 .actions = REJECT_OR_WARN,
	 .fields = {FIELD("budget", TEXT, .optional = true), FIELD("amount", NUMBER, .parameter = "field")},
	 .parameters = {LIMIT, TAKES("only", FILTER)},
	 .prepare = PrepareLimit,
	 .total = &Budget},
	{.name = "promise_capacity",
	 .code = CS_PROMISE,
	 .actions = REJECT_OR_WARN,
	 .fields = {FIELD("promised_at", MOMENT, .parameter = "field")},
	 .parameters = {TAKES("capacity", COUNT, .required = true), TAKES("only", FILTER), TAKES("field", FIELD)},
	 .total = &Promises},
	{NULL}};
