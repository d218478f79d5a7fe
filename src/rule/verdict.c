/*
 * verdict.c
 *		Whether a rule is about a row, and what is told when the row breaks it.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/lsyscache.h"

#include "rule/rule.h"

/* Whether a rule is about the subject: all that applies_to asks for is so. */
bool
CsApplies(const CsRule *rule, CsSubject *subject)
{
	const CsCondition *condition = &rule->applies;

	if (!condition->given)
		return true;
	/* what is cheap comes first */
	return CsMatches(subject, &condition->filter) &&
		   (condition->key_account == 0 || (CsMaskOf(subject) & condition->key_account)) &&
		   (condition->tiers == 0 || (CsMaskOf(subject) & condition->tiers)) &&
		   (condition->segments == 0 || (CsMaskOf(subject) & condition->segments));
}

/* Why a rule is waived for the subject, in a word: something that waived_for names is so. NULL when it is not. */
const char *
CsWaivedBy(const CsRule *rule, CsSubject *subject)
{
	const CsCondition *condition = &rule->waived;

	if (!condition->given)
		return NULL;
	if (condition->filter.ntests > 0 && CsMatches(subject, &condition->filter))
		return "fields";
	if (CsMaskOf(subject) & condition->key_account)
		return "key_accounts";
	if (CsMaskOf(subject) & condition->tiers)
		return "tiers";
	if (CsMaskOf(subject) & condition->segments)
		return "segments";
	return NULL;
}

/* The customer of a subject; NULL when it has none. */
char *
CsCustomerOf(CsSubject *subject)
{
	CsText customer;

	if (subject->set->customer < 0 || !CsTextOf(subject, subject->set->customer, &customer))
		return NULL;
	return CsCString(customer);
}

/* The detail of a refusal: a line of JSON. The customer may be NULL. */
char *
CsDetail(const CsRuleSet *set, const CsRule *rule, const char *customer, const CsVerdict *verdict,
		 const List *waived)
{
	StringInfoData json;
	ListCell *cell;

	initStringInfo(&json);
	appendStringInfo(&json, "{\"rule_set\": %s, \"rule\": %s, \"kind\": %s", CsJsonText(set->name),
					 CsJsonText(rule->name), CsJsonText(rule->kind->name));
	if (customer != NULL)
		appendStringInfo(&json, ", \"customer\": %s", CsJsonText(customer));
	appendStringInfo(&json, ", \"actual\": %s, \"limit\": %s", verdict->actual ? verdict->actual : "null",
					 verdict->limit ? verdict->limit : "null");
	if (waived != NIL)
	{
		appendStringInfoString(&json, ", \"waived\": [");
		foreach (cell, waived)
			appendStringInfo(&json, "%s%s", cell == list_head(waived) ? "" : ", ", CsJsonText(lfirst(cell)));
		appendStringInfoChar(&json, ']');
	}
	appendStringInfoChar(&json, '}');
	return json.data;
}

/* Tell that a rule is broken: an error, or a warning. */
void
CsRefuse(const CsRuleSet *set, const CsRule *rule, const CsVerdict *verdict, const char *detail)
{
	ereport(rule->action == ACTION_REJECT ? ERROR : WARNING,
			(errcode(rule->kind->code), errmsg("%s (rule \"%s\")", verdict->message, rule->name),
			 errdetail_internal("%s", detail), verdict->hint != NULL ? errhint("%s", verdict->hint) : 0,
			 OidIsValid(set->target)
				 ? err_generic_string(PG_DIAG_SCHEMA_NAME, get_namespace_name(get_rel_namespace(set->target)))
				 : 0,
			 OidIsValid(set->target) ? err_generic_string(PG_DIAG_TABLE_NAME, get_rel_name(set->target)) : 0,
			 verdict->column != NULL ? err_generic_string(PG_DIAG_COLUMN_NAME, verdict->column) : 0,
			 err_generic_string(PG_DIAG_CONSTRAINT_NAME, rule->name)));
}
