/*
 * rule_set.c
 *		Rule sets in the memory of a session, and the checks of what is written to
 *		account_rule_set and account_rule.
 *
 * A rule set is read when a statement first needs it, under the latest snapshot,
 * and kept until the relation rule_signal tells that rules have changed, or a
 * table or schema was altered whose name its rules know. What changes while it is
 * read is not lost: such a rule set is not kept. A
 * statement uses the rule set that it began with; memory is given back when
 * nobody uses it any more.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "core/moment.h"
#include "core/owner.h"
#include "core/signal.h"
#include "rule/rule.h"
#include "segment/definition.h"

PG_FUNCTION_INFO_V1(cs_check_account_rule_set);
PG_FUNCTION_INFO_V1(cs_check_account_rule);

/* The columns of a relation, as they were found last. */
typedef struct Resolved
{
	Oid relation;
	bool current;
	CsColumn columns[FLEXIBLE_ARRAY_MEMBER];
} Resolved;

int CsRuleCacheSize = 8192;

static List *rule_sets = NIL; /* that may be current */
static bool overtaken = false; /* something has changed since loading one began */
static Oid rule_signal = InvalidOid;
static Oid account_signal = InvalidOid;

/* Called for each relcache entry that is invalidated; InvalidOid is all of them. */
static void
Invalidated(Datum argument, Oid relation)
{
	ListCell *cell;

	overtaken = true;
	foreach (cell, rule_sets)
	{
		CsRuleSet *set = lfirst(cell);
		ListCell *of;

		if (!OidIsValid(relation) || relation == rule_signal || list_member_oid(set->tables, relation))
			set->current = false;
		if (!OidIsValid(relation) || relation == account_signal || relation == set->segment_table)
			CsInvalidateAccounts(set);
		foreach (of, set->resolved)
			if (!OidIsValid(relation) || ((Resolved *) lfirst(of))->relation == relation)
				((Resolved *) lfirst(of))->current = false;
	}
}

/* Called when schemas have changed: tables are others by the names that rules and plans know. */
static void
SchemasChanged(Datum argument, int cache, uint32 hash)
{
	Invalidated(argument, InvalidOid);
}

/* Called once by each process. */
void
CsRuleInit(void)
{
	DefineCustomIntVariable(
		"customer_scoring.rule_cache_size",
		"Memory for key accounts, tiers and segments that rules ask for, per rule set and session.",
		"Customers who need more are looked up one by one.", &CsRuleCacheSize, 8192, 64, MAX_KILOBYTES,
		PGC_USERSET, GUC_UNIT_KB, NULL, NULL, NULL);
	CacheRegisterRelcacheCallback(Invalidated, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, SchemasChanged, (Datum) 0);
}

static char *
ResultText(int row, int column)
{
	return SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);
}

/* A copy of a jsonb in the current memory context; NULL for NULL. */
static Jsonb *
ResultJsonb(int row, int column)
{
	bool isnull;
	Datum value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull);

	return isnull ? NULL : DatumGetJsonbPCopy(value);
}

static Oid
ResultOid(int row, int column)
{
	bool isnull;
	Datum value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull);

	return isnull ? InvalidOid : DatumGetObjectId(value);
}

/* Actions by name, in the order of their bits. */
static const char *const ActionNames[] = {"reject", "warn", "set"};

static int
ReadAction(const CsRuleSet *set, const CsRule *rule, const char *name)
{
	int i;

	if (name == NULL)
		return rule->kind->actions & ACTION_SET ? ACTION_SET : ACTION_REJECT;
	for (i = 0; i < lengthof(ActionNames); i++)
		if (strcmp(ActionNames[i], name) == 0 && (rule->kind->actions & (1 << i)))
			return 1 << i;
	CsBadRule(set, rule, psprintf("a rule of kind %s cannot have the action \"%s\"", rule->kind->name, name),
			  "Actions are reject and warn; for priority_floor set and warn.");
	return 0;
}

static uint64
FilterReads(const CsFilter *filter)
{
	uint64 reads = 0;
	int i;

	for (i = 0; i < filter->ntests; i++)
		reads |= UINT64CONST(1) << filter->tests[i].field;
	return reads;
}

/* The field of a rule: that of its kind, or another that a parameter names; -1 when the target lacks an optional one. */
static int
RuleField(CsRuleSet *set, const CsRule *rule, const CsKindField *field)
{
	if (field->parameter != NULL && CsParameterOf(rule, field->parameter)->given)
		return CsUseField(set, CsParameterOf(rule, field->parameter)->text, field->type);
	if (field->optional && OidIsValid(set->target) &&
		getKeyJsonValueFromContainer(&set->columns->root, field->name, strlen(field->name), NULL) == NULL &&
		get_attnum(set->target, field->name) == InvalidAttrNumber)
		return -1;
	return CsUseField(set, field->name, field->type);
}

/* Read one rule, all of it. */
static void
BuildRule(CsRuleSet *set, CsRule *rule, const char *name, const char *kind, Jsonb *parameters,
		  Jsonb *applies_to, Jsonb *waived_for, const char *action, int priority)
{
	int i;

	rule->name = name;
	rule->kind = CsFindRuleKind(kind);
	if (rule->kind == NULL)
		CsBadRule(set, rule, psprintf("\"%s\" is no kind of rule", kind), CsKnownKinds());
	rule->priority = priority;
	rule->action = ReadAction(set, rule, action);
	CsReadParameters(set, rule, parameters);
	CsReadCondition(set, rule, "applies_to", applies_to, &rule->applies);
	CsReadCondition(set, rule, "waived_for", waived_for, &rule->waived);
	for (i = 0; i < KIND_FIELDS_MAX && rule->kind->fields[i].name != NULL; i++)
	{
		rule->fields[i] = RuleField(set, rule, &rule->kind->fields[i]);
		if (rule->fields[i] < 0)
			continue;
		rule->reads |= UINT64CONST(1) << rule->fields[i];
		if (strcmp(rule->kind->fields[i].name, "customer") == 0)
			set->customer = rule->fields[i];
	}
	for (i = 0; i < KIND_PARAMETERS_MAX; i++)
		rule->reads |= FilterReads(&rule->parameters[i].filter);
	rule->reads |= FilterReads(&rule->applies.filter) | FilterReads(&rule->waived.filter);
	if (rule->kind->total != NULL && !OidIsValid(set->target))
		CsBadRule(set, rule, "its kind adds up rows of a target, and the rule set has none",
				  "Name a table in account_rule_set.target.");
	if (rule->kind->prepare != NULL)
		rule->kind->prepare(set, rule);
	if (set->nattributes > 0)
	{
		set->customer = CsUseField(set, "customer", FIELD_TEXT);
		rule->reads |= UINT64CONST(1) << set->customer;
	}
}

/* Setters first, then by priority and name. */
static int
CompareRules(const void *a, const void *b)
{
	const CsRule *x = a;
	const CsRule *y = b;

	if ((x->action == ACTION_SET) != (y->action == ACTION_SET))
		return x->action == ACTION_SET ? -1 : 1;
	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* A rule set without rules, in the current memory context; its columns are checked. */
static CsRuleSet *
NewSet(const char *name, Oid target, Oid segment_table, const char *zone, Jsonb *columns)
{
	CsRuleSet *set = palloc0(sizeof(CsRuleSet));
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue value;

	set->name = name;
	set->target = target;
	set->tables = list_make1_oid(target);
	set->segment_table = segment_table;
	set->zone = CsFindZone(zone);
	set->columns = columns;
	set->customer = -1;
	if (set->zone == NULL)
		CsBadRule(set, NULL, psprintf("\"%s\" is no time zone", zone), "SELECT name FROM pg_timezone_names.");
	if (!JB_ROOT_IS_OBJECT(columns))
		CsBadRule(set, NULL, "columns are no JSON object",
				  "Give an object like {\"customer\": \"client_id\"}.");
	iterator = JsonbIteratorInit(&columns->root);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
		if (token == WJB_VALUE && value.type != jbvString)
			CsBadRule(set, NULL, "columns has a value that is no name of a column",
					  "Give an object like {\"customer\": \"client_id\"}.");
	return set;
}

/* Give a rule set the rules that SPI has found. */
static void
AddRules(CsRuleSet *set)
{
	int i;

	set->nrules = SPI_processed;
	set->rules = palloc0(sizeof(CsRule) * Max(set->nrules, 1));
	for (i = 0; i < set->nrules; i++)
		BuildRule(set, &set->rules[i], ResultText(i, 1), ResultText(i, 2), ResultJsonb(i, 3),
				  ResultJsonb(i, 4), ResultJsonb(i, 5), ResultText(i, 6), atoi(ResultText(i, 7)));
	qsort(set->rules, set->nrules, sizeof(CsRule), CompareRules);
}

#define SELECT_RULES                                                                        \
	"SELECT r.name, r.kind, r.parameters, r.applies_to, r.waived_for, r.action, r.priority" \
	" FROM customer_scoring.account_rule r WHERE r.rule_set = $1"

/* Run a query about a rule set under the latest snapshot; the number of rows. */
static uint64
AskLatest(const char *sql, const char *name)
{
	Oid types[1] = {TEXTOID};
	Datum values[1] = {CStringGetTextDatum(name)};
	uint64 n;

	PushActiveSnapshot(GetLatestSnapshot());
	n = CsOwnQuery(sql, 1, types, values, NULL);
	PopActiveSnapshot();
	return n;
}

/*
 * The tiers that the segment table of a rule set has by its option. While a
 * database is being restored they may not be known yet.
 */
static void
ReadTiers(CsRuleSet *set, MemoryContext memory)
{
	Oid types[1] = {OIDOID};
	Datum values[1] = {ObjectIdGetDatum(set->segment_table)};
	MemoryContext old;
	uint64 i;

	if (!OidIsValid(set->segment_table))
		return;
	PushActiveSnapshot(GetLatestSnapshot());
	(void) CsOwnQuery("SELECT t.tier FROM customer_scoring.segment_table_definition d"
					  " JOIN customer_scoring.tier_policy p ON p.name OPERATOR(pg_catalog.=) d.tiers"
					  " CROSS JOIN LATERAL customer_scoring.tiers(p.scheme) t"
					  " WHERE d.segment_table OPERATOR(pg_catalog.=) $1 ORDER BY t.tier_rank",
					  1, types, values, NULL);
	PopActiveSnapshot();
	old = MemoryContextSwitchTo(memory);
	for (i = 0; i < SPI_processed; i++)
		set->tiers = lappend(set->tiers, ResultText(i, 1));
	MemoryContextSwitchTo(old);
}

/*
 * The header of a rule set as it is now, in the current memory context; NULL if
 * there is none. SPI is connected.
 */
static CsRuleSet *
ReadHeader(const char *name, MemoryContext memory)
{
	MemoryContext old;
	CsRuleSet *set = NULL;

	if (AskLatest("SELECT s.target::pg_catalog.oid, s.segment_table::pg_catalog.oid, s.time_zone, s.columns"
				  " FROM customer_scoring.account_rule_set s WHERE s.name = $1",
				  name) == 0)
		return NULL;
	old = MemoryContextSwitchTo(memory);
	set = NewSet(pstrdup(name), ResultOid(0, 1), ResultOid(0, 2), ResultText(0, 3), ResultJsonb(0, 4));
	MemoryContextSwitchTo(old);
	ReadTiers(set, memory);
	return set;
}

/* Give a rule set's memory back when its last user is gone. */
static void
Release(void *argument)
{
	CsRuleSet *set = argument;
	int i;
	int j;

	if (--set->users > 0)
		return;
	for (i = 0; i < set->nrules; i++)
		for (j = 0; j < lengthof(set->rules[i].plans); j++)
			if (set->rules[i].plans[j] != NULL)
				SPI_freeplan(set->rules[i].plans[j]);
	CsForgetAccounts(set);
	MemoryContextDelete(set->memory);
}

/* Read a rule set anew, and keep it for the session. */
static CsRuleSet *
Load(const char *name)
{
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "customer_scoring rule set",
												 ALLOCSET_SMALL_SIZES);
	MemoryContext old;
	CsRuleSet *set;

	rule_signal = CsSignalRelation("rule_signal");
	account_signal = CsSignalRelation("account_signal");
	overtaken = false;
	SPI_connect();
	set = ReadHeader(name, memory);
	if (set == NULL)
		ereport(ERROR, (errcode(CS_BAD_RULE), errmsg("rule set \"%s\" does not exist", name),
						errhint("INSERT INTO customer_scoring.account_rule_set, or name another one.")));
	(void) AskLatest(SELECT_RULES " AND r.enabled", name);
	old = MemoryContextSwitchTo(memory);
	AddRules(set);
	MemoryContextSwitchTo(old);
	SPI_finish();
	set->memory = memory;
	MemoryContextSetParent(memory, CacheMemoryContext);
	old = MemoryContextSwitchTo(CacheMemoryContext);
	rule_sets = lappend(rule_sets, set);
	MemoryContextSwitchTo(old);
	set->users = 1;
	set->current = !overtaken;
	return set;
}

/* Keep a rule set as it is for as long as the given memory. */
void
CsKeepRuleSet(CsRuleSet *set, MemoryContext user)
{
	MemoryContextCallback *release = MemoryContextAlloc(user, sizeof(MemoryContextCallback));

	release->func = Release;
	release->arg = set;
	set->users++;
	MemoryContextRegisterResetCallback(user, release);
}

/*
 * The rule set of a name as it is now, for a statement that begins; it stays as
 * it is as long as the given memory. An error if there is none.
 */
CsRuleSet *
CsUseRuleSet(const char *name, MemoryContext user)
{
	CsRuleSet *set = NULL;
	ListCell *cell;

	AcceptInvalidationMessages();
	foreach (cell, rule_sets)
	{
		CsRuleSet *known = lfirst(cell);

		if (known->current && strcmp(known->name, name) == 0)
			set = known;
		else if (!known->current)
		{
			rule_sets = foreach_delete_current(rule_sets, cell);
			Release(known);
		}
	}
	if (set == NULL)
		set = Load(name);
	CsKeepRuleSet(set, user);
	CsReadyAccounts(set);
	return set;
}

/* The columns of a relation that fields are read from. */
const CsColumn *
CsColumnsFor(CsRuleSet *set, Relation relation)
{
	Resolved *resolved = NULL;
	ListCell *cell;

	foreach (cell, set->resolved)
		if (((Resolved *) lfirst(cell))->relation == RelationGetRelid(relation))
			resolved = lfirst(cell);
	if (resolved == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(set->memory);

		resolved = palloc0(offsetof(Resolved, columns) + sizeof(CsColumn) * set->nfields);
		resolved->relation = RelationGetRelid(relation);
		set->resolved = lappend(set->resolved, resolved);
		MemoryContextSwitchTo(old);
	}
	if (!resolved->current)
	{
		CsResolveColumns(set, relation, resolved->columns);
		resolved->current = true;
	}
	return resolved->columns;
}

/* Text of a column of the row that a trigger is about; NULL for NULL. */
static char *
NewText(TriggerData *trigger, HeapTuple row, const char *column)
{
	TupleDesc descriptor = RelationGetDescr(trigger->tg_relation);

	return SPI_getvalue(row, descriptor, SPI_fnumber(descriptor, column));
}

static Jsonb *
NewJsonb(TriggerData *trigger, HeapTuple row, const char *column)
{
	TupleDesc descriptor = RelationGetDescr(trigger->tg_relation);
	bool isnull;
	Datum value = SPI_getbinval(row, descriptor, SPI_fnumber(descriptor, column), &isnull);

	return isnull ? NULL : DatumGetJsonbP(value);
}

static Oid
NewOid(TriggerData *trigger, HeapTuple row, const char *column)
{
	TupleDesc descriptor = RelationGetDescr(trigger->tg_relation);
	bool isnull;
	Datum value = SPI_getbinval(row, descriptor, SPI_fnumber(descriptor, column), &isnull);

	return isnull ? InvalidOid : DatumGetObjectId(value);
}

/* The row a trigger on the rule tables is about. */
static HeapTuple
NewRow(FunctionCallInfo fcinfo)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ||
		!TRIGGER_FIRED_BEFORE(trigger->tg_event) || TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("this is the function of a trigger on the tables of rules"),
						errhint("The extension makes such triggers itself.")));
	return TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple;
}

/* Integers are one family of types, texts another. */
static Oid
TypeFamily(Oid relation, const char *column)
{
	Oid type = getBaseType(get_atttype(relation, get_attnum(relation, column)));

	if (type == INT2OID || type == INT4OID || type == INT8OID)
		return INT8OID;
	return type == VARCHAROID || type == BPCHAROID || type == NAMEOID ? TEXTOID : type;
}

/* The tables of a rule set are what they have to be, and its fields are columns of its target. */
static void
CheckTables(CsRuleSet *set)
{
	char kind = OidIsValid(set->target) ? get_rel_relkind(set->target) : RELKIND_RELATION;

	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE && kind != RELKIND_FOREIGN_TABLE)
		CsBadRule(set, NULL,
				  psprintf("\"%s\" is no table",
						   get_rel_name(set->target) ? get_rel_name(set->target) : "its target"),
				  "Name the table that rows are written to; views write to tables.");
	if (OidIsValid(set->segment_table) &&
		(get_rel_relkind(set->segment_table) != RELKIND_RELATION ||
		 get_attnum(set->segment_table, "customer_id") == InvalidAttrNumber))
		CsBadRule(set, NULL, "its segment_table is none", "Name one that create_segment_table has made.");
	if (OidIsValid(set->segment_table))
		CsCheckSegmentColumns(set);
	if (OidIsValid(set->target))
	{
		Relation target = table_open(set->target, AccessShareLock);
		CsColumn *columns = palloc0(sizeof(CsColumn) * RULE_FIELDS_MAX);

		CsResolveColumns(set, target, columns);
		table_close(target, AccessShareLock);
		if (set->customer >= 0 && OidIsValid(set->segment_table) &&
			TypeFamily(set->target, set->fields[set->customer].column) !=
				TypeFamily(set->segment_table, "customer_id"))
			CsBadRule(
				set, NULL,
				psprintf(
					"column \"%s\" of the target and customer_id of the segment table have different types",
					set->fields[set->customer].column),
				"Rules find a customer in the segment table by the same key.");
	}
}

/* Whoever writes a rule may read the tables it tells figures of. */
static void
CheckReadable(const CsRuleSet *set, const CsRule *rule)
{
	int i;

	for (i = 0; i < KIND_PARAMETERS_MAX; i++)
	{
		const CsLookup *lookup = rule->parameters[i].lookup;

		if (lookup == NULL)
			continue;
		if (check_enable_rls(lookup->table, InvalidOid, true) == RLS_ENABLED)
			CsBadRule(set, rule,
					  psprintf("row-level security hides rows of table \"%s\" from who writes it",
							   get_rel_name(lookup->table)),
					  "Let somebody write the rule who may read the whole table.");
		(void) LookupExplicitNamespace(get_namespace_name(get_rel_namespace(lookup->table)), false);
		if (pg_class_aclcheck(lookup->table, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
			aclcheck_error(ACLCHECK_NO_PRIV, get_relkind_objtype(get_rel_relkind(lookup->table)),
						   get_rel_name(lookup->table));
	}
}

/*
 * The parameters of a rule with the tables they name qualified: a rule means the
 * same table whatever search_path a session, or a restore, has.
 */
static Datum
Qualified(const CsRule *rule, Jsonb *parameters)
{
	Datum result = JsonbPGetDatum(parameters);
	int i;

	for (i = 0; i < KIND_PARAMETERS_MAX; i++)
		if (rule->parameters[i].lookup != NULL)
		{
			Datum path[2] = {CStringGetTextDatum(rule->kind->parameters[i].name),
							 CStringGetTextDatum("table")};
			char *table = CsJsonText(CsQualifiedName(rule->parameters[i].lookup->table));

			result = DirectFunctionCall4(
				jsonb_set, result,
				PointerGetDatum(construct_array(path, 2, TEXTOID, -1, false, TYPALIGN_INT)),
				DirectFunctionCall1(jsonb_in, CStringGetDatum(table)), BoolGetDatum(true));
		}
	return result;
}

/* The row of a rule with other parameters, in memory that outlives SPI. */
static HeapTuple
WithParameters(TriggerData *trigger, HeapTuple row, Datum parameters)
{
	TupleDesc descriptor = RelationGetDescr(trigger->tg_relation);
	int column = SPI_fnumber(descriptor, "parameters");

	return SPI_modifytuple(trigger->tg_relation, row, 1, &column, &parameters, NULL);
}

/* check_account_rule_set(): trigger that refuses a rule set which cannot work with the rules it has. */
Datum
cs_check_account_rule_set(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	HeapTuple row = NewRow(fcinfo);
	CsRuleSet *set;

	SPI_connect();
	if (NewText(trigger, row, "time_zone") != NULL && NewJsonb(trigger, row, "columns") != NULL)
	{
		set = NewSet(NewText(trigger, row, "name"), NewOid(trigger, row, "target"),
					 NewOid(trigger, row, "segment_table"), NewText(trigger, row, "time_zone"),
					 NewJsonb(trigger, row, "columns"));
		ReadTiers(set, CurrentMemoryContext);
		/* that of before an UPDATE; rules may be there before their set while a database is restored */
		(void) AskLatest(SELECT_RULES, NewText(trigger, trigger->tg_trigtuple, "name"));
		AddRules(set);
		CheckTables(set);
	}
	SPI_finish();
	return PointerGetDatum(row);
}

/* check_account_rule(): trigger that refuses a rule which cannot work, and qualifies tables. */
Datum
cs_check_account_rule(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	HeapTuple row = NewRow(fcinfo);
	char *set_name = NewText(trigger, row, "rule_set");
	char *priority = NewText(trigger, row, "priority");
	CsRule rule = {0};
	CsRuleSet *set;

	SPI_connect();
	/* what must not be NULL, constraints see to */
	set = set_name == NULL ? NULL : ReadHeader(set_name, CurrentMemoryContext);
	if (set == NULL && set_name != NULL)
		ereport(WARNING, (errcode(CS_BAD_RULE), errmsg("there is no rule set \"%s\" yet", set_name),
						  errdetail("Its rules are looked at when it is made."),
						  errhint("INSERT INTO customer_scoring.account_rule_set.")));
	if (set != NULL && NewText(trigger, row, "name") != NULL && NewText(trigger, row, "kind") != NULL &&
		NewJsonb(trigger, row, "parameters") != NULL && priority != NULL)
	{
		BuildRule(set, &rule, NewText(trigger, row, "name"), NewText(trigger, row, "kind"),
				  NewJsonb(trigger, row, "parameters"), NewJsonb(trigger, row, "applies_to"),
				  NewJsonb(trigger, row, "waived_for"), NewText(trigger, row, "action"), atoi(priority));
		CheckTables(set);
		CheckReadable(set, &rule);
		row = WithParameters(trigger, row, Qualified(&rule, NewJsonb(trigger, row, "parameters")));
	}
	SPI_finish();
	return PointerGetDatum(row);
}
