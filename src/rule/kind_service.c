/*
 * kind_service.c
 *		Rules about service: priority, goodwill, complaints.
 */
#include "postgres.h"

#include "catalog/pg_authid.h"
#include "miscadmin.h"
#include "utils/acl.h"

#include "rule/rule.h"

/* priority_floor: a priority is at least so urgent. */
static bool
BreaksPriorityFloor(const CsRule *rule, CsSubject *subject, CsVerdict *verdict)
{
	Numeric floor = CsParameterOf(rule, "floor")->number;
	int sign = strcmp(CsParameterOf(rule, "urgent")->text, "high") == 0 ? 1 : -1;
	Numeric priority;
	bool has = CsNumberOf(subject, rule->fields[0], &priority);

	if (has && sign * CsCompareNumbers(priority, floor) >= 0)
		return false;
	verdict->column = CsFieldColumn(rule, subject, 0);
	verdict->message = psprintf("%s %s is less urgent than %s", verdict->column,
								has ? CsShowNumber(priority) : "null", CsShowNumber(floor));
	verdict->actual = has ? CsJsonNumber(priority) : NULL;
	verdict->limit = CsJsonNumber(floor);
	verdict->value = NumericGetDatum(floor);
	return true;
}

/* goodwill_limit: roles exist. */
static void
PrepareGoodwillLimit(CsRuleSet *set, CsRule *rule)
{
	const CsParameter *roles = CsParameterOf(rule, "by_role");
	int i;

	for (i = 0; i < roles->count; i++)
		if (!OidIsValid(get_role_oid(roles->names[i], true)))
			CsBadRule(set, rule, psprintf("role \"%s\" does not exist", roles->names[i]),
					  "CREATE ROLE first, or take it out of by_role.");
}

/*
 * goodwill_limit: compensation is at most the highest limit among the roles that
 * the current user is, or is a member of; being superuser makes nobody a member.
 */
static bool
BreaksGoodwillLimit(const CsRule *rule, CsSubject *subject, CsVerdict *verdict)
{
	const CsParameter *roles = CsParameterOf(rule, "by_role");
	Numeric limit = CsParameterOf(rule, "limit")->number;
	Numeric amount;
	int i;

	if (!CsNumberOf(subject, rule->fields[0], &amount) || CsCompareNumbers(amount, limit) <= 0)
		return false;
	for (i = 0; i < roles->count; i++)
	{
		Oid role = get_role_oid(roles->names[i], true);

		if (OidIsValid(role) && is_member_of_role_nosuper(GetUserId(), role) &&
			CsCompareNumbers(roles->numbers[i], limit) > 0)
			limit = roles->numbers[i];
	}
	if (CsCompareNumbers(amount, limit) <= 0)
		return false;
	verdict->column = CsFieldColumn(rule, subject, 0);
	verdict->message = psprintf("%s %s is above the limit of %s for \"%s\"", verdict->column,
								CsShowNumber(amount), CsShowNumber(limit),
								GetUserNameFromId(GetUserId(), false));
	verdict->hint = "Let somebody with a higher limit decide.";
	verdict->actual = CsJsonNumber(amount);
	verdict->limit = CsJsonNumber(limit);
	return true;
}

/* owner_and_due: a complaint has an owner and a due date, and is not closed before the customer is told. */
static void
PrepareOwnerAndDue(CsRuleSet *set, CsRule *rule)
{
	if (CsParameterOf(rule, "closed")->given && (rule->fields[2] < 0 || rule->fields[3] < 0))
		CsBadRule(set, rule, "with \"closed\" the target needs the fields status and informed_at",
				  "Name their columns in account_rule_set.columns.");
}

static bool
BreaksOwnerAndDue(const CsRule *rule, CsSubject *subject, CsVerdict *verdict)
{
	const CsParameter *closed = CsParameterOf(rule, "closed");
	TimestampTz moment;
	CsText text;
	int i;

	if (!CsTextOf(subject, rule->fields[0], &text) || text.length == 0)
	{
		verdict->column = CsFieldColumn(rule, subject, 0);
		verdict->message = psprintf("the complaint has no %s", verdict->column);
		verdict->hint = "Somebody has to own a complaint.";
		return true;
	}
	if (!CsMomentFieldOf(subject, rule->fields[1], &moment))
	{
		verdict->column = CsFieldColumn(rule, subject, 1);
		verdict->message = psprintf("the complaint has no %s", verdict->column);
		verdict->hint = "Say when the customer will have an answer.";
		return true;
	}
	if (!closed->given || !CsTextOf(subject, rule->fields[2], &text) ||
		CsMomentFieldOf(subject, rule->fields[3], &moment))
		return false;
	for (i = 0; i < closed->count; i++)
		if (strlen(closed->names[i]) == text.length && memcmp(closed->names[i], text.data, text.length) == 0)
		{
			verdict->column = CsFieldColumn(rule, subject, 3);
			verdict->message = psprintf("the complaint is %s before the customer was told", closed->names[i]);
			verdict->hint = "Tell the customer, and write down when.";
			verdict->actual = CsJsonText(closed->names[i]);
			return true;
		}
	return false;
}

const CsRuleKind CsServiceKinds[] = {
	{.name = "priority_floor",
	 .code = CS_PROMISE,
	 .actions = ACTION_SET | ACTION_WARN,
	 .fields = {FIELD("priority", NUMBER, .parameter = "field")},
	 .parameters = {TAKES("floor", NUMBER, .required = true),
					TAKES("urgent", CHOICE, .standard = "high", .choices = "high low"),
					TAKES("field", FIELD)},
	 .breaks = BreaksPriorityFloor},
	{.name = "goodwill_limit",
	 .code = CS_GOODWILL,
	 .actions = ACTION_REJECT | ACTION_WARN,
	 .fields = {FIELD("compensation", NUMBER, .parameter = "field")},
	 .parameters = {TAKES("limit", NUMBER, .required = true), TAKES("by_role", BY_NAME),
					TAKES("field", FIELD)},
	 .prepare = PrepareGoodwillLimit,
	 .breaks = BreaksGoodwillLimit},
	{.name = "owner_and_due",
	 .code = CS_COMPLAINT,
	 .actions = ACTION_REJECT | ACTION_WARN,
	 .fields = {FIELD("owner", TEXT), FIELD("due_at", MOMENT), FIELD("status", TEXT, .optional = true),
				FIELD("informed_at", MOMENT, .optional = true)},
	 .parameters = {TAKES("closed", NAMES)},
	 .prepare = PrepareOwnerAndDue,
	 .breaks = BreaksOwnerAndDue},
	{NULL}};
