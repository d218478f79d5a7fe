/*
 * enforce.c
 *		enforce_account_rules(): the trigger that has a table keep its rules.
 *
 * What a statement needs is found at its first row and kept in the trigger's
 * fn_extra, which PostgreSQL makes anew for each statement and relation: so a
 * change of rules is seen by the next statement. For each row waivers are looked
 * at first; rules that set something come before those that refuse. An UPDATE is
 * asked about only by rules that read a column which it changes. What takes a
 * person out of a row is never refused: no promise stands above that right.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/typcache.h"

#include "core/erased.h"
#include "rule/rule.h"
#include "rule/total.h"
#include "segment/capture.h"

PG_FUNCTION_INFO_V1(cs_enforce_account_rules);

/* What a statement needs for each row. */
typedef struct Statement
{
	CsRuleSet *set;
	const CsColumn *columns;
	TupleTableSlot *changed; /* holds a row that a rule has set something in */
	CsTotalBatch *batch; /* totals that are looked at when the statement ends; NULL for none yet */
} Statement;

/* Whether a relation is a table, or a child of it. */
static bool
IsWithin(Oid relation, Oid table)
{
	return relation == table || list_member_oid(CsAncestors(relation), table);
}

static void
CheckCalled(FunctionCallInfo fcinfo)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ||
		!TRIGGER_FIRED_BEFORE(trigger->tg_event) || TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("enforce_account_rules() must be fired BEFORE INSERT OR UPDATE FOR EACH ROW"),
						errhint("CREATE TRIGGER account_rules BEFORE INSERT OR UPDATE ON table FOR EACH ROW "
								"EXECUTE FUNCTION customer_scoring.enforce_account_rules('rule set').")));
	if (trigger->tg_trigger->tgnargs != 1)
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("enforce_account_rules() takes the name of a rule set"),
						errhint("EXECUTE FUNCTION customer_scoring.enforce_account_rules('rule set').")));
}

/* Find what the statement needs. */
static Statement *
Begin(FunctionCallInfo fcinfo)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	MemoryContext memory = fcinfo->flinfo->fn_mcxt;
	Statement *statement = MemoryContextAllocZero(memory, sizeof(Statement));

	statement->set = CsUseRuleSet(trigger->tg_trigger->tgargs[0], memory);
	if (!IsWithin(RelationGetRelid(trigger->tg_relation), statement->set->target))
		ereport(
			ERROR,
			(errcode(CS_BAD_RULE),
			 errmsg("rule set \"%s\" is not for table \"%s\"", statement->set->name,
					RelationGetRelationName(trigger->tg_relation)),
			 errhint("Make the table its target in account_rule_set, or give it a rule set of its own.")));
	statement->columns = CsColumnsFor(statement->set, trigger->tg_relation);
	fcinfo->flinfo->fn_extra = statement;
	return statement;
}

/* The fields that an UPDATE changes. */
static uint64
ChangedFields(const CsSubject *subject)
{
	uint64 changed = 0;
	int i;

	for (i = 0; i < subject->set->nfields; i++)
		if (CsHasChanged(subject, i))
			changed |= UINT64CONST(1) << i;
	return changed;
}

/* A number as a value of a column's base type. */
static Datum
NumberAs(Oid type, Datum number)
{
	switch (type)
	{
		case INT2OID:
			return DirectFunctionCall1(numeric_int2, number);
		case INT4OID:
			return DirectFunctionCall1(numeric_int4, number);
		case INT8OID:
			return DirectFunctionCall1(numeric_int8, number);
		case FLOAT4OID:
			return DirectFunctionCall1(numeric_float4, number);
		case FLOAT8OID:
			return DirectFunctionCall1(numeric_float8, number);
		default:
			return number;
	}
}

/* A number as an assignment would store it in a column: what the type does not allow is an error. */
static Datum
Assigned(Form_pg_attribute attribute, Datum number)
{
	int32 typmod = attribute->atttypmod;
	Oid base = getBaseTypeAndTypmod(attribute->atttypid, &typmod);
	Datum value = NumberAs(base, number);

	if (base == NUMERICOID)
		value = DirectFunctionCall2(numeric, value, Int32GetDatum(typmod));
	if (base != attribute->atttypid)
		domain_check(value, false, attribute->atttypid, NULL, NULL);
	return value;
}

/* Put into the row what a rule sets; the subject is the new row from then on. */
static HeapTuple
Set(Statement *statement, TriggerData *trigger, CsSubject *subject, HeapTuple row, const CsRule *rule,
	const CsVerdict *verdict, MemoryContext memory)
{
	const CsColumn *column = &statement->columns[rule->fields[0]];
	TupleDesc descriptor = RelationGetDescr(trigger->tg_relation);
	int attnum = column->attnum;
	Datum value = Assigned(TupleDescAttr(descriptor, attnum - 1), verdict->value);
	bool isnull = false;

	row = heap_modify_tuple_by_cols(row, descriptor, 1, &attnum, &value, &isnull);
	if (statement->changed == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(memory);

		statement->changed = MakeSingleTupleTableSlot(CreateTupleDescCopy(descriptor), &TTSOpsHeapTuple);
		MemoryContextSwitchTo(old);
	}
	ExecStoreHeapTuple(row, statement->changed, false);
	subject->slot = statement->changed;
	return row;
}

/* enforce_account_rules(rule set): trigger function. */
Datum
cs_enforce_account_rules(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	Statement *statement = fcinfo->flinfo->fn_extra;
	bool update;
	HeapTuple row;
	CsSubject subject;
	uint64 changed;
	List *waived = NIL;
	int i;

	if (statement == NULL)
	{
		CheckCalled(fcinfo);
		statement = Begin(fcinfo);
	}
	update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
	row = update ? trigger->tg_newtuple : trigger->tg_trigtuple;
	if (OidIsValid(CsErasedTable()) && IsWithin(RelationGetRelid(trigger->tg_relation), CsErasedTable()))
		return PointerGetDatum(row);
	subject.set = statement->set;
	subject.columns = statement->columns;
	subject.slot = update ? trigger->tg_newslot : trigger->tg_trigslot;
	subject.old = update ? trigger->tg_trigslot : NULL;
	subject.record = NULL;
	subject.asked = false;
	subject.now = GetCurrentStatementStartTimestamp();
	changed = update ? ChangedFields(&subject) : PG_UINT64_MAX;
	for (i = 0; i < statement->set->nrules; i++)
	{
		const CsRule *rule = &statement->set->rules[i];
		CsVerdict verdict = {0};

		if (!(rule->reads & changed) || !CsApplies(rule, &subject))
			continue;
		if (CsWaivedBy(rule, &subject) != NULL)
			waived = lappend(waived, unconstify(char *, rule->name));
		else if (rule->kind->total != NULL)
			CsAwaitTotal(&statement->batch, fcinfo->flinfo->fn_mcxt, rule, &subject);
		else if (rule->kind->breaks(rule, &subject, &verdict))
		{
			if (rule->action == ACTION_SET)
				row = Set(statement, trigger, &subject, row, rule, &verdict, fcinfo->flinfo->fn_mcxt);
			else
				CsRefuse(statement->set, rule, &verdict,
						 CsDetail(statement->set, rule, CsCustomerOf(&subject), &verdict, waived));
		}
	}
	return PointerGetDatum(row);
}
