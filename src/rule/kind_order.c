/*
 * kind_order.c
 *		Rules about one order: its size, its discount, what was promised.
 *
 * Each function tells whether the subject breaks the rule, and if so how.
 */
#include "postgres.h"

#include "rule/rule.h"

/* Whether a rule with on_null 'reject' is broken as its field has no value. */
static bool
BreaksByNull(const CsRule *rule, const CsSubject *subject, const char *limit, CsVerdict *verdict)
{
	if (strcmp(CsParameterOf(rule, "on_null")->text, "skip") == 0)
		return false;
	verdict->column = CsFieldColumn(rule, subject, 0);
	verdict->message = psprintf("%s has no value, where one is needed", verdict->column);
	verdict->hint = "Give a value, or let the rule skip rows without one: \"on_null\": \"skip\".";
	verdict->limit = pstrdup(limit);
	return true;
}

/* min_order: an amount is at least a minimum. */
static bool
BreaksMinOrder(const CsRule *rule, CsSubject *subject, CsVerdict *verdict)
{
	Numeric minimum = CsParameterOf(rule, "minimum")->number;
	Numeric amount;

	if (!CsNumberOf(subject, rule->fields[0], &amount) || numeric_is_nan(amount))
		return BreaksByNull(rule, subject, CsJsonNumber(minimum), verdict);
	if (CsCompareNumbers(amount, minimum) >= 0)
		return false;
	verdict->column = CsFieldColumn(rule, subject, 0);
	verdict->message = psprintf("%s %s is below the minimum order of %s", verdict->column,
								CsShowNumber(amount), CsShowNumber(minimum));
	verdict->hint = "Order more, or waive the rule for this customer.";
	verdict->actual = CsJsonNumber(amount);
	verdict->limit = CsJsonNumber(minimum);
	return true;
}

/* manager_required: a key account has an account manager, or with `all` every customer. */
static void
PrepareManagerRequired(CsRuleSet *set, CsRule *rule)
{
	rule->by_name = palloc(sizeof(uint64) * 2);
	rule->by_name[0] = CsUseAttribute(set, ATTRIBUTE_KEY_ACCOUNT, "");
	rule->by_name[1] = CsUseAttribute(set, ATTRIBUTE_MANAGED, "");
}

static bool
BreaksManagerRequired(const CsRule *rule, CsSubject *subject, CsVerdict *verdict)
{
	uint64 mask = CsMaskOf(subject);
	CsText customer;

	if ((mask & rule->by_name[1]) || (!(mask & rule->by_name[0]) && !CsParameterOf(rule, "all")->flag) ||
		!CsTextOf(subject, rule->fields[0], &customer))
		return false;
	verdict->column = CsFieldColumn(rule, subject, 0);
	verdict->message = psprintf("customer %s has no account manager", CsCString(customer));
	verdict->hint = "INSERT INTO customer_scoring.account_manager (customer, manager) first.";
	return true;
}

/* discount_ceiling: a discount is at most the highest ceiling that the customer has. */
static void
PrepareDiscountCeiling(CsRuleSet *set, CsRule *rule)
{
	const CsParameter *tiers = CsParameterOf(rule, "by_tier");
	int i;

	rule->by_name = palloc(sizeof(uint64) * (tiers->count + 1));
	for (i = 0; i < tiers->count; i++)
		rule->by_name[i] = CsUseAttribute(set, ATTRIBUTE_TIER, tiers->names[i]);
	if (CsParameterOf(rule, "key_accounts")->given)
		rule->by_name[i] = CsUseAttribute(set, ATTRIBUTE_KEY_ACCOUNT, "");
}

static bool
BreaksDiscountCeiling(const CsRule *rule, CsSubject *subject, CsVerdict *verdict)
{
	const CsParameter *tiers = CsParameterOf(rule, "by_tier");
	const CsParameter *key_accounts = CsParameterOf(rule, "key_accounts");
	Numeric ceiling = CsParameterOf(rule, "ceiling")->number;
	Numeric discount;
	int i;

	/* most discounts are below the ceiling for all */
	if (!CsNumberOf(subject, rule->fields[0], &discount) || CsCompareNumbers(discount, ceiling) <= 0)
		return false;
	for (i = 0; i < tiers->count; i++)
		if ((CsMaskOf(subject) & rule->by_name[i]) && CsCompareNumbers(tiers->numbers[i], ceiling) > 0)
			ceiling = tiers->numbers[i];
	if (key_accounts->given && (CsMaskOf(subject) & rule->by_name[i]) &&
		CsCompareNumbers(key_accounts->number, ceiling) > 0)
		ceiling = key_accounts->number;
	if (CsCompareNumbers(discount, ceiling) <= 0)
		return false;
	verdict->column = CsFieldColumn(rule, subject, 0);
	verdict->message = psprintf("%s %s is above the ceiling of %s", verdict->column, CsShowNumber(discount),
								CsShowNumber(ceiling));
	verdict->hint = "Give less, or a higher ceiling to the customer's tier.";
	verdict->actual = CsJsonNumber(discount);
	verdict->limit = CsJsonNumber(ceiling);
	return true;
}

/*
 * promise_lead_time: what is promised is not sooner than can be kept; once
 * promised, it is only put off, and with a reason where the rule asks for one.
 */
static bool
BreaksPromiseLeadTime(const CsRule *rule, CsSubject *subject, CsVerdict *verdict)
{
	const CsParameter *reason = CsParameterOf(rule, "reason");
	TimestampTz promised;
	TimestampTz ordered;
	TimestampTz before;
	TimestampTz earliest;
	CsSubject was;
	CsText given;

	if (!CsMomentFieldOf(subject, rule->fields[0], &promised))
		return false;
	verdict->column = CsFieldColumn(rule, subject, 0);
	verdict->actual = CsJsonMoment(promised);
	if (CsBefore(subject, &was) && CsMomentFieldOf(&was, rule->fields[0], &before) && before != promised)
	{
		verdict->limit = CsJsonMoment(before);
		if (promised < before)
		{
			verdict->message = psprintf("%s %s is before %s, which was promised", verdict->column,
										CsShowMoment(promised), CsShowMoment(before));
			verdict->hint = "A promise can be put off, not brought forward: it may not be kept then.";
			return true;
		}
		if (reason->given && (!CsTextOf(subject, rule->fields[2], &given) || given.length == 0))
		{
			verdict->message = psprintf("%s is put off without a reason", verdict->column);
			verdict->hint = "Give the reason in the same statement.";
			return true;
		}
	}
	if (!CsMomentFieldOf(subject, rule->fields[1], &ordered))
		return false;
	earliest = CsLater(subject->set, ordered, CsParameterOf(rule, "lead_time")->interval);
	if (promised >= earliest)
		return false;
	verdict->message = psprintf("%s %s is sooner than %s after %s", verdict->column, CsShowMoment(promised),
								CsParameterOf(rule, "lead_time")->text, CsFieldColumn(rule, subject, 1));
	verdict->hint = "Promise what can be kept.";
	verdict->limit = CsJsonMoment(earliest);
	return true;
}

/* offer_window: an offer is used while it lasts. */
static void
PrepareOfferWindow(CsRuleSet *set, CsRule *rule)
{
	const CsParameter *opens = CsParameterOf(rule, "opens_at");
	const CsParameter *closes = CsParameterOf(rule, "closes_at");

	if (!opens->given && !closes->given)
		CsBadRule(set, rule, "neither opens_at nor closes_at is given", NULL);
	if (opens->given && closes->given && closes->moment <= opens->moment)
		CsBadRule(set, rule, "closes_at is not after opens_at", NULL);
}

static bool
BreaksOfferWindow(const CsRule *rule, CsSubject *subject, CsVerdict *verdict)
{
	const CsParameter *opens = CsParameterOf(rule, "opens_at");
	const CsParameter *closes = CsParameterOf(rule, "closes_at");
	TimestampTz moment;

	if (!CsMomentFieldOf(subject, rule->fields[0], &moment))
		return BreaksByNull(rule, subject, "null", verdict);
	verdict->column = CsFieldColumn(rule, subject, 0);
	verdict->actual = CsJsonMoment(moment);
	if (opens->given && moment < opens->moment)
	{
		verdict->message = psprintf("%s %s is before the offer opens at %s", verdict->column,
									CsShowMoment(moment), CsShowMoment(opens->moment));
		verdict->limit = CsJsonMoment(opens->moment);
	}
	else if (closes->given && moment >= closes->moment)
	{
		verdict->message = psprintf("%s %s is after the offer has closed at %s", verdict->column,
									CsShowMoment(moment), CsShowMoment(closes->moment));
		verdict->limit = CsJsonMoment(closes->moment);
	}
	else
		return false;
	verdict->hint = "Use the offer while it lasts.";
	return true;
}

/* no_future_time: nothing has happened in the future. */
static bool
BreaksNoFutureTime(const CsRule *rule, CsSubject *subject, CsVerdict *verdict)
{
	TimestampTz moment;
	TimestampTz latest;

	if (!CsMomentFieldOf(subject, rule->fields[0], &moment))
		return false;
	latest = CsLater(subject->set, GetCurrentTimestamp(), CsParameterOf(rule, "tolerance")->interval);
	if (moment <= latest)
		return false;
	verdict->column = CsFieldColumn(rule, subject, 0);
	verdict->message = psprintf("%s %s is in the future", verdict->column, CsShowMoment(moment));
	verdict->hint = "Look at the clock of who writes, or at the time zone.";
	verdict->actual = CsJsonMoment(moment);
	verdict->limit = CsJsonMoment(latest);
	return true;
}

#define ON_NULL TAKES("on_null", CHOICE, .standard = "reject", .choices = "reject skip")
#define REJECT_OR_WARN ACTION_REJECT | ACTION_WARN

const CsRuleKind CsOrderKinds[] = {
	{.name = "min_order",
	 .code = CS_MINIMUM_ORDER,
	 .actions = REJECT_OR_WARN,
	 .fields = {FIELD("amount", NUMBER, .parameter = "field")},
	 .parameters = {TAKES("minimum", NUMBER, .required = true), TAKES("field", FIELD), ON_NULL},
	 .breaks = BreaksMinOrder},
	{.name = "manager_required",
	 .code = CS_NO_MANAGER,
	 .actions = REJECT_OR_WARN,
	 .fields = {FIELD("customer", TEXT)},
	 .parameters = {TAKES("all", FLAG)},
	 .prepare = PrepareManagerRequired,
	 .breaks = BreaksManagerRequired},
	{.name = "discount_ceiling",
	 .code = CS_DISCOUNT_CEILING,
	 .actions = REJECT_OR_WARN,
	 .fields = {FIELD("discount", NUMBER, .parameter = "field")},
	 .parameters = {TAKES("ceiling", NUMBER, .required = true), TAKES("by_tier", BY_NAME),
					TAKES("key_accounts", NUMBER), TAKES("field", FIELD)},
	 .prepare = PrepareDiscountCeiling,
	 .breaks = BreaksDiscountCeiling},
	{.name = "promise_lead_time",
	 .code = CS_PROMISE,
	 .actions = REJECT_OR_WARN,
	 .fields = {FIELD("promised_at", MOMENT, .parameter = "field"),
				FIELD("ordered_at", MOMENT, .parameter = "from"),
				FIELD("reason", TEXT, .parameter = "reason", .optional = true)},
	 .parameters = {TAKES("lead_time", INTERVAL, .required = true), TAKES("field", FIELD),
					TAKES("from", FIELD), TAKES("reason", FIELD)},
	 .breaks = BreaksPromiseLeadTime},
	{.name = "offer_window",
	 .code = CS_OFFER,
	 .actions = REJECT_OR_WARN,
	 .fields = {FIELD("ordered_at", MOMENT, .parameter = "field")},
	 .parameters = {TAKES("opens_at", MOMENT), TAKES("closes_at", MOMENT), TAKES("field", FIELD), ON_NULL},
	 .prepare = PrepareOfferWindow,
	 .breaks = BreaksOfferWindow},
	{.name = "no_future_time",
	 .code = CS_DATA_QUALITY,
	 .actions = REJECT_OR_WARN,
	 .fields = {FIELD("ordered_at", MOMENT, .parameter = "field")},
	 .parameters = {TAKES("tolerance", INTERVAL, .standard = "0"), TAKES("field", FIELD)},
	 .breaks = BreaksNoFutureTime},
	{NULL}};
