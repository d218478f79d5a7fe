/*
 * kind_contact.c
 *		Rules about contacts: consent.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "core/owner.h"
#include "rule/rule.h"

/* consent_required: purpose and channel are in the row, or the same for all of them. */
static void
PrepareConsentRequired(CsRuleSet *set, CsRule *rule)
{
	static const char *const names[] = {"purpose", "channel"};
	int i;

	for (i = 0; i < lengthof(names); i++)
		if (rule->fields[i + 1] < 0 && !CsParameterOf(rule, names[i])->given)
			CsBadRule(set, rule, psprintf("the target has no field \"%s\"", names[i]),
					  "Name its column in account_rule_set.columns, or give the parameter of that name.");
}

/* A text of the row, unless a parameter says the same for all rows. */
static char *
TextOrParameter(const CsRule *rule, CsSubject *subject, const char *name, int field)
{
	CsText text;

	if (CsParameterOf(rule, name)->given)
		return CsParameterOf(rule, name)->text;
	return CsTextOf(subject, rule->fields[field], &text) ? CsCString(text) : NULL;
}

/*
 * consent_required: who is contacted has agreed to it, as far as is known now: a
 * revocation counts from its commit, whatever snapshot the transaction has.
 */
static bool
BreaksConsentRequired(const CsRule *rule, CsSubject *subject, CsVerdict *verdict)
{
	Oid types[4] = {TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID};
	char *texts[3];
	Datum values[4];
	char nulls[4] = {' ', ' ', ' ', ' '};
	MemoryContext context = CurrentMemoryContext;
	CsText customer;
	char *refusal;
	int i;

	texts[0] = CsTextOf(subject, rule->fields[0], &customer) ? CsCString(customer) : NULL;
	texts[1] = TextOrParameter(rule, subject, "purpose", 1);
	texts[2] = TextOrParameter(rule, subject, "channel", 2);
	for (i = 0; i < lengthof(texts); i++)
		if (texts[i] != NULL)
			values[i] = CStringGetTextDatum(texts[i]);
		else
			nulls[i] = 'n';
	values[3] = TimestampTzGetDatum(GetCurrentTimestamp());
	SPI_connect();
	PushActiveSnapshot(GetLatestSnapshot());
	(void) CsOwnQuery("SELECT customer_scoring.contact_refusal($1, $2, $3, $4)", 4, types, values, nulls);
	PopActiveSnapshot();
	refusal = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	refusal = MemoryContextStrdup(context, refusal);
	SPI_finish();
	if (refusal[0] == '\0')
		return false;
	verdict->column = CsFieldColumn(rule, subject, 0);
	verdict->message = psprintf("customer %s may not be contacted for %s by %s: %s",
								texts[0] ? texts[0] : "null", texts[1] ? texts[1] : "null",
								texts[2] ? texts[2] : "null", refusal);
	if (strcmp(refusal, "do not contact") == 0)
		verdict->hint = "Leave the customer alone.";
	else if (strcmp(refusal, "not at this time") == 0)
		verdict->hint = "See customer_scoring.contact_preference for the hours that the customer wishes.";
	else
		verdict->hint = "Ask the customer, and write the answer down in customer_scoring.consent.";
	verdict->actual = CsJsonText(refusal);
	return true;
}

const CsRuleKind CsContactKinds[] = {
	{.name = "consent_required",
	 .code = CS_NO_CONSENT,
	 .actions = ACTION_REJECT | ACTION_WARN,
	 .fields = {FIELD("customer", TEXT), FIELD("purpose", TEXT, .optional = true),
				FIELD("channel", TEXT, .optional = true)},
	 .parameters = {TAKES("purpose", TEXT), TAKES("channel", TEXT)},
	 .prepare = PrepareConsentRequired,
	 .breaks = BreaksConsentRequired},
	{NULL}};
