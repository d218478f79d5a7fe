/*
 * ask.c
 *		What the rules of a set say without a trigger: of a record, and of the rows
 *		that a table has.
 *
 * Whoever may insert into the target may ask about a record, whoever may read it
 * about its rows; for a set without a target, who may read the table of rule
 * sets. Rules are asked in the order of the trigger.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "core/check.h"
#include "segment/definition.h"
#include "rule/total.h"

PG_FUNCTION_INFO_V1(cs_check_account_rules);
PG_FUNCTION_INFO_V1(cs_explain_account_rules);
PG_FUNCTION_INFO_V1(cs_rule_violations);

/* An argument that must be given. */
static Datum
Required(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		CsNullParameter(name);
	return PG_GETARG_DATUM(n);
}

/* The rule set that a function is asked about, for as long as its call; the caller must have a right to the target. */
static CsRuleSet *
AskedSet(FunctionCallInfo fcinfo, AclMode right)
{
	CsRuleSet *set = CsUseRuleSet(text_to_cstring(DatumGetTextPP(Required(fcinfo, 0, "rule_set"))),
								  CurrentMemoryContext);
	Oid table = set->target;

	if (!OidIsValid(table))
	{
		table = get_relname_relid("account_rule_set", get_namespace_oid("customer_scoring", false));
		right = ACL_SELECT;
	}
	if (get_rel_name(table) == NULL)
		CsBadRule(set, NULL, "its target was dropped", "Name another one in account_rule_set.target.");
	if (pg_class_aclcheck(table, GetUserId(), right) != ACLCHECK_OK &&
		pg_attribute_aclcheck_all(table, GetUserId(), right, ACLMASK_ANY) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, get_rel_name(table));
	return set;
}

static void
AskAboutRecord(FunctionCallInfo fcinfo, CsSubject *subject)
{
	memset(subject, 0, sizeof(*subject));
	subject->set = AskedSet(fcinfo, ACL_INSERT);
	subject->record = DatumGetJsonbP(Required(fcinfo, 1, "record"));
	subject->now = GetCurrentStatementStartTimestamp();
	CsCheckRecord(subject->set, subject->record);
}

/* Whether a record breaks a rule. */
static bool
IsBroken(const CsRule *rule, CsSubject *subject, CsVerdict *verdict)
{
	CsNeed need;

	if (rule->kind->total == NULL)
		return rule->kind->breaks(rule, subject, verdict);
	return CsNeedsTotal(rule, subject, &need) && CsBreaksTotal(&need, false, verdict);
}

/* Keep others from the totals of a record until the transaction ends: all at once, as the trigger does. */
static void
GuardTotals(CsSubject *subject)
{
	CsNeed *needs = palloc(sizeof(CsNeed) * Max(subject->set->nrules, 1));
	int n = 0;
	int i;

	for (i = 0; i < subject->set->nrules; i++)
	{
		const CsRule *rule = &subject->set->rules[i];

		if (rule->kind->total != NULL && CsApplies(rule, subject) && CsWaivedBy(rule, subject) == NULL &&
			CsNeedsTotal(rule, subject, &needs[n]))
			n++;
	}
	qsort(needs, n, sizeof(CsNeed), CsCompareNeeds);
	if (n > 0)
		CsTakeGuards(needs, n);
}

/* check_account_rules(rule set, record): the error that the trigger would raise. */
Datum
cs_check_account_rules(PG_FUNCTION_ARGS)
{
	CsSubject subject;
	List *waived = NIL;
	int i;

	AskAboutRecord(fcinfo, &subject);
	GuardTotals(&subject);
	for (i = 0; i < subject.set->nrules; i++)
	{
		const CsRule *rule = &subject.set->rules[i];
		CsVerdict verdict = {0};

		if (rule->action == ACTION_SET || !CsApplies(rule, &subject))
			continue;
		if (CsWaivedBy(rule, &subject) != NULL)
			waived = lappend(waived, unconstify(char *, rule->name));
		else if (IsBroken(rule, &subject, &verdict))
			CsRefuse(subject.set, rule, &verdict,
					 CsDetail(subject.set, rule, CsCustomerOf(&subject), &verdict, waived));
	}
	PG_RETURN_VOID();
}

static Datum
JsonbOf(const char *json)
{
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json));
}

/* The action of a rule, in a word. */
static const char *
ActionName(int action)
{
	return action == ACTION_REJECT ? "reject" : action == ACTION_WARN ? "warn" : "set";
}

/* explain_account_rules(rule set, record): what each rule says, and nothing happens. */
Datum
cs_explain_account_rules(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	CsSubject subject;
	int i;

	InitMaterializedSRF(fcinfo, 0);
	AskAboutRecord(fcinfo, &subject);
	for (i = 0; i < subject.set->nrules; i++)
	{
		const CsRule *rule = &subject.set->rules[i];
		bool applies = CsApplies(rule, &subject);
		const char *waived_by = applies ? CsWaivedBy(rule, &subject) : NULL;
		CsVerdict verdict = {0};
		bool fires = applies && waived_by == NULL && IsBroken(rule, &subject, &verdict);
		Datum values[9];
		bool nulls[9] = {false};

		values[0] = CStringGetTextDatum(rule->name);
		values[1] = CStringGetTextDatum(rule->kind->name);
		values[2] = CStringGetTextDatum(ActionName(rule->action));
		values[3] = BoolGetDatum(applies);
		nulls[4] = waived_by == NULL;
		if (waived_by != NULL)
			values[4] = CStringGetTextDatum(waived_by);
		values[5] = BoolGetDatum(fires);
		nulls[6] = nulls[7] = nulls[8] = !fires;
		if (fires)
		{
			values[6] = CStringGetTextDatum(unpack_sql_state(rule->kind->code));
			values[7] = CStringGetTextDatum(verdict.message);
			values[8] = JsonbOf(CsDetail(subject.set, rule, CsCustomerOf(&subject), &verdict, NIL));
		}
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* A violation of a rule, as a row. */
static void
PutViolation(ReturnSetInfo *result, const CsRuleSet *set, const CsRule *rule, const char *customer,
			 const CsVerdict *verdict, Datum row)
{
	Datum values[7];
	bool nulls[7] = {false};

	values[0] = CStringGetTextDatum(rule->name);
	values[1] = CStringGetTextDatum(rule->kind->name);
	nulls[2] = customer == NULL;
	if (customer != NULL)
		values[2] = CStringGetTextDatum(customer);
	values[3] = CStringGetTextDatum(unpack_sql_state(rule->kind->code));
	values[4] = CStringGetTextDatum(verdict->message);
	values[5] = JsonbOf(CsDetail(set, rule, customer, verdict, NIL));
	values[6] = row;
	nulls[6] = row == (Datum) 0;
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* Totals that rows need, each looked at once. */
typedef struct Needs
{
	CsNeed *needs;
	int n;
	int size;
} Needs;

static void
AddNeed(Needs *needs, const CsNeed *need)
{
	if (needs->n == needs->size)
	{
		needs->size = Max(64, needs->size * 2);
		needs->needs = needs->needs == NULL ? palloc(sizeof(CsNeed) * needs->size)
											: repalloc_huge(needs->needs, sizeof(CsNeed) * needs->size);
	}
	needs->needs[needs->n++] = *need;
}

/* Ask all rules about a row that is stored; what lasts longer than it goes to memory. */
static void
AskAboutRow(ReturnSetInfo *result, CsSubject *subject, Needs *needs, MemoryContext memory)
{
	int i;

	for (i = 0; i < subject->set->nrules; i++)
	{
		const CsRule *rule = &subject->set->rules[i];
		CsVerdict verdict = {0};
		CsNeed need;

		if (!CsApplies(rule, subject) || CsWaivedBy(rule, subject) != NULL)
			continue;
		if (rule->kind->total != NULL)
		{
			MemoryContext old = MemoryContextSwitchTo(memory);

			if (CsNeedsTotal(rule, subject, &need))
				AddNeed(needs, &need);
			MemoryContextSwitchTo(old);
		}
		else if (rule->kind->breaks(rule, subject, &verdict))
			PutViolation(result, subject->set, rule, CsCustomerOf(subject), &verdict,
						 JsonbPGetDatum(subject->record));
	}
}

/* Look at each total once; memory is given back for each. */
static void
AskAboutTotals(ReturnSetInfo *result, Needs *needs, MemoryContext memory)
{
	int i;

	qsort(needs->needs, needs->n, sizeof(CsNeed), CsCompareNeeds);
	for (i = 0; i < needs->n; i++)
	{
		const CsNeed *need = &needs->needs[i];
		MemoryContext old = MemoryContextSwitchTo(memory);
		CsVerdict verdict = {0};

		CHECK_FOR_INTERRUPTS();
		if ((i == 0 || CsCompareNeeds(need, need - 1) != 0) && CsBreaksTotal(need, true, &verdict))
			PutViolation(result, need->set, need->rule, need->customer, &verdict, (Datum) 0);
		MemoryContextSwitchTo(old);
		MemoryContextReset(memory);
	}
}

/*
 * rule_violations(rule set): rows of the target, as the caller may read them,
 * and totals, that the rules would refuse now.
 */
Datum
cs_rule_violations(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext memory = CurrentMemoryContext;
	MemoryContext row_memory = AllocSetContextCreate(memory, "customer_scoring row", ALLOCSET_DEFAULT_SIZES);
	CsSubject subject = {0};
	Needs needs = {0};
	Portal portal;

	InitMaterializedSRF(fcinfo, 0);
	subject.set = AskedSet(fcinfo, ACL_SELECT);
	subject.now = GetCurrentStatementStartTimestamp();
	if (!OidIsValid(subject.set->target))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("rule set \"%s\" has no target", subject.set->name),
						errhint("Ask about records with explain_account_rules.")));
	SPI_connect();
	portal = SPI_cursor_open_with_args(
		NULL, psprintf("SELECT pg_catalog.to_jsonb(s) FROM %s s", CsQualifiedName(subject.set->target)), 0,
		NULL, NULL, NULL, true, CURSOR_OPT_NO_SCROLL);
	for (;;)
	{
		uint64 i;

		SPI_cursor_fetch(portal, true, 1000);
		if (SPI_processed == 0)
			break;
		for (i = 0; i < SPI_processed; i++)
		{
			MemoryContext old = MemoryContextSwitchTo(row_memory);
			bool isnull;

			CHECK_FOR_INTERRUPTS();
			subject.record = DatumGetJsonbP(
				SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));
			subject.asked = false;
			AskAboutRow(result, &subject, &needs, memory);
			MemoryContextSwitchTo(old);
			MemoryContextReset(row_memory);
		}
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	if (needs.n > 0)
		AskAboutTotals(result, &needs, row_memory);
	SPI_finish();
	return (Datum) 0;
}
