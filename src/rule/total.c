/*
 * total.c
 *		Rules about totals: when they are looked at, and what keeps two sessions
 *		from passing a limit together.
 *
 * While a statement writes rows, it only notes which totals they *need*. When it
 * has written all, these are looked at: first the *guards* of all of them are
 * updated, in one order, then the totals are read, with what others have
 * committed meanwhile. A guard is a row of rule_guard; its update makes another
 * session wait until the end of the transaction, and one whose snapshot is older
 * fail with 40001. As guards are taken in order, statements that write the same
 * customers in opposite order do not deadlock. Groups share guards by hash: to
 * share one costs a wait, never a wrong answer.
 *
 * The end of a statement is noticed by a trigger of our own: at its first need a
 * row is inserted into rule_check without ending that query's triggers, as
 * foreign keys do it, so that the AFTER trigger on rule_check belongs to the
 * statement that is under way and fires when it ends.
 *
 * The needs of a statement on one relation are a *batch*, which lives in the
 * memory of the subtransaction, so a rollback forgets it; otherwise it goes when
 * it was looked at. It keeps its rule set: statements of foreign keys are over
 * before that.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/typcache.h"

#include "core/owner.h"
#include "rule/total.h"
#include "segment/customer_text.h"

PG_FUNCTION_INFO_V1(cs_check_totals);

/* Guards that groups share. */
#define GUARDS 65536

struct CsTotalBatch
{
	dlist_node node; /* of batches */
	int64 id;
	MemoryContext query; /* that of the statement: tells its batches */
	MemoryContext memory;
	int nneeds;
	int size;
	CsNeed *needs;
	uint32 mask; /* of places */
	uint32 *places; /* numbers of needs from 1 on, by hash; 0 is free */
};

static dlist_head batches = DLIST_STATIC_INIT(batches);
static int64 last_id = 0;

/* Forget a batch, whose memory goes away. */
static void
Unlink(void *argument)
{
	dlist_delete(&((CsTotalBatch *) argument)->node);
}

/* Run a statement on the extension's own tables by a plan that is kept. */
static void
RunKept(SPIPlanPtr *plan, const char *sql, int nargs, Oid *types, Datum *values, bool fire_triggers)
{
	CsIdentity saved;

	SPI_connect();
	CsBecome(&saved, CsExtensionOwner());
	if (*plan == NULL)
	{
		SPIPlanPtr fresh = SPI_prepare(sql, nargs, types);

		if (fresh == NULL || SPI_keepplan(fresh) != 0)
			elog(ERROR, "a statement on guards could not be prepared");
		*plan = fresh;
	}
	if (SPI_execute_snapshot(*plan, values, NULL, InvalidSnapshot, InvalidSnapshot, false, fire_triggers, 0) <
		0)
		elog(ERROR, "a statement on guards failed");
	CsResume(&saved);
	SPI_finish();
}

/* Begin the batch of a statement, and see to it that it is looked at when the statement ends. */
static CsTotalBatch *
NewBatch(MemoryContext query, CsRuleSet *set)
{
	static SPIPlanPtr plan = NULL;
	MemoryContext memory = AllocSetContextCreate(CurTransactionContext, "customer_scoring totals",
												 ALLOCSET_SMALL_SIZES);
	CsTotalBatch *batch = MemoryContextAllocZero(memory, sizeof(CsTotalBatch));
	MemoryContextCallback *unlink = MemoryContextAlloc(memory, sizeof(MemoryContextCallback));
	Oid types[1] = {INT8OID};
	Datum values[1];

	batch->id = ++last_id;
	batch->query = query;
	batch->memory = memory;
	batch->size = 16;
	batch->needs = MemoryContextAlloc(memory, sizeof(CsNeed) * batch->size);
	batch->mask = 2 * batch->size - 1;
	batch->places = MemoryContextAllocZero(memory, sizeof(uint32) * (batch->mask + 1));
	dlist_push_tail(&batches, &batch->node);
	unlink->func = Unlink;
	unlink->arg = batch;
	MemoryContextRegisterResetCallback(memory, unlink);
	CsKeepRuleSet(set, memory);
	values[0] = Int64GetDatum(batch->id);
	RunKept(&plan, "INSERT INTO customer_scoring_internal.rule_check (batch) VALUES ($1)", 1, types, values,
			false);
	return batch;
}

/* Whether values of a type are equal only if their texts are. */
static bool
HasOneText(Oid type, Oid collation)
{
	return CsHasTexts(type) ||
		   ((CsIsText(type) || type == BPCHAROID) && get_collation_isdeterministic(collation));
}

/* Hash of what a group has in common: the same for all texts that are equal in its type, as 1.0 and 1.00. */
static uint32
HashOfGroup(const CsNeed *need, int i)
{
	const char *column = need->set->fields[need->rule->fields[i]].column;
	const char *text = need->groups[i];
	Oid type;
	int32 typmod;
	Oid collation;
	TypeCacheEntry *entry;
	Oid input;
	Oid ioparam;

	get_atttypetypmodcoll(need->set->target, get_attnum(need->set->target, column), &type, &typmod,
						  &collation);
	type = getBaseType(type);
	if (HasOneText(type, collation))
		return hash_bytes((const unsigned char *) text, strlen(text));
	entry = lookup_type_cache(type, TYPECACHE_HASH_PROC_FINFO);
	/* which is refused when the total is read */
	if (!OidIsValid(entry->hash_proc))
		return 0;
	getTypeInputInfo(type, &input, &ioparam);
	return DatumGetUInt32(FunctionCall1Coll(&entry->hash_proc_finfo, collation,
											OidInputFunctionCall(input, pstrdup(text), ioparam, -1)));
}

/* The guard of a group, whatever the rule is called that looks at it. */
int
CsPlaceOf(const CsNeed *need)
{
	const char *kind = need->rule->kind->name;
	uint32 hash = hash_combine(hash_bytes((const unsigned char *) kind, strlen(kind)),
							   murmurhash32(need->set->target));
	int i;

	for (i = 0; i < TOTAL_GROUPS_MAX; i++)
		if (need->groups[i] != NULL)
			hash = hash_combine(hash, HashOfGroup(need, i));
	return hash % GUARDS;
}

static int
CompareTexts(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return (a != NULL) - (b != NULL);
	return strcmp(a, b);
}

/* Order of guards; then needs of the same total are next to each other. */
int
CsCompareNeeds(const void *a, const void *b)
{
	const CsNeed *x = a;
	const CsNeed *y = b;
	int i;
	int result = 0;

	if (x->place != y->place)
		return x->place < y->place ? -1 : 1;
	if (x->rule != y->rule)
		return x->rule < y->rule ? -1 : 1;
	for (i = 0; i < TOTAL_GROUPS_MAX && result == 0; i++)
		result = CompareTexts(x->groups[i], y->groups[i]);
	if (result == 0 && x->from != y->from)
		result = x->from < y->from ? -1 : 1;
	return result;
}

/* The place of a need, or the free one where it would be. */
static uint32 *
FindPlace(const CsTotalBatch *batch, const CsNeed *need)
{
	uint32 i = hash_combine(need->place, (uint32) need->from) & batch->mask;

	while (batch->places[i] != 0 && CsCompareNeeds(&batch->needs[batch->places[i] - 1], need) != 0)
		i = (i + 1) & batch->mask;
	return &batch->places[i];
}

/* Make room for twice as many needs. */
static void
GrowBatch(CsTotalBatch *batch)
{
	int i;

	batch->size *= 2;
	batch->needs = repalloc_huge(batch->needs, sizeof(CsNeed) * batch->size);
	batch->mask = 2 * batch->size - 1;
	pfree(batch->places);
	batch->places = MemoryContextAllocExtended(batch->memory, sizeof(uint32) * ((Size) batch->mask + 1),
											   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (i = 0; i < batch->nneeds; i++)
		*FindPlace(batch, &batch->needs[i]) = i + 1;
}

/* Note a total that a row needs, unless it is noted already, until its statement ends. */
void
CsAwaitTotal(CsTotalBatch **batch, MemoryContext query, const CsRule *rule, CsSubject *subject)
{
	CsNeed need;
	uint32 *place;
	int i;

	if (!CsNeedsTotal(rule, subject, &need))
		return;
	if (*batch == NULL)
		*batch = NewBatch(query, subject->set);
	place = FindPlace(*batch, &need);
	if (*place != 0)
		return;
	if ((*batch)->nneeds == (*batch)->size)
	{
		GrowBatch(*batch);
		place = FindPlace(*batch, &need);
	}
	for (i = 0; i < TOTAL_GROUPS_MAX; i++)
		if (need.groups[i] != NULL)
			need.groups[i] = MemoryContextStrdup((*batch)->memory, need.groups[i]);
	if (need.customer != NULL)
		need.customer = MemoryContextStrdup((*batch)->memory, need.customer);
	(*batch)->needs[(*batch)->nneeds++] = need;
	*place = (*batch)->nneeds;
}

/*
 * Keep others from adding to totals until this transaction ends: those of needs,
 * whose guards are taken in the order of the needs.
 */
void
CsTakeGuards(const CsNeed *needs, int n)
{
	static SPIPlanPtr plan = NULL;
	Datum *places = palloc_extended(sizeof(Datum) * n, MCXT_ALLOC_HUGE);
	Oid types[1] = {INT4ARRAYOID};
	Datum values[1];
	int different = 0;
	int i;

	for (i = 0; i < n; i++)
		if (i == 0 || needs[i].place != needs[i - 1].place)
			places[different++] = Int32GetDatum(needs[i].place);
	values[0] = PointerGetDatum(
		construct_array(places, different, INT4OID, sizeof(int32), true, TYPALIGN_INT));
	RunKept(&plan,
			"INSERT INTO customer_scoring_internal.rule_guard AS g (place, uses)"
			" SELECT p, 1 FROM pg_catalog.unnest($1) WITH ORDINALITY u (p, n) ORDER BY n"
			" ON CONFLICT (place) DO UPDATE SET uses = g.uses OPERATOR(pg_catalog.+) 1",
			1, types, values, true);
	pfree(places);
}

/* Look at needs that are in order: take all guards, then read each total once. */
static void
LookAt(CsNeed *needs, int n)
{
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "customer_scoring total",
												 ALLOCSET_DEFAULT_SIZES);
	int i;

	if (n > 0)
		CsTakeGuards(needs, n);
	for (i = 0; i < n; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(memory);
		CsVerdict verdict = {0};

		CHECK_FOR_INTERRUPTS();
		if ((i == 0 || CsCompareNeeds(&needs[i], &needs[i - 1]) != 0) &&
			CsBreaksTotal(&needs[i], true, &verdict))
			CsRefuse(needs[i].set, needs[i].rule, &verdict,
					 CsDetail(needs[i].set, needs[i].rule, needs[i].customer, &verdict, NIL));
		MemoryContextSwitchTo(old);
		MemoryContextReset(memory);
	}
	MemoryContextDelete(memory);
}

/* check_totals(): trigger on rule_check, at the end of a statement that has noted needs. */
Datum
cs_check_totals(PG_FUNCTION_ARGS)
{
	static SPIPlanPtr plan = NULL;
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	MemoryContext query = NULL;
	bool isnull;
	int64 id;
	CsNeed *needs;
	int n = 0;
	dlist_mutable_iter iter;
	Oid types[1] = {TIDOID};
	Datum values[1];

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ||
		!TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("this is the function of a trigger on rule_check"),
						errhint("The extension makes that trigger itself.")));
	id = DatumGetInt64(slot_getattr(trigger->tg_trigslot, 1, &isnull));
	values[0] = PointerGetDatum(&trigger->tg_trigtuple->t_self);
	RunKept(&plan,
			"DELETE FROM customer_scoring_internal.rule_check c WHERE c.ctid OPERATOR(pg_catalog.=) $1", 1,
			types, values, true);

	/* all that the statement needs, whatever partition it has written to */
	dlist_foreach_modify(iter, &batches)
	{
		CsTotalBatch *batch = dlist_container(CsTotalBatch, node, iter.cur);

		if (batch->id == id)
			query = batch->query;
	}
	if (query == NULL)
		return PointerGetDatum(NULL);
	dlist_foreach_modify(iter, &batches)
	{
		CsTotalBatch *batch = dlist_container(CsTotalBatch, node, iter.cur);

		if (batch->query == query)
			n += batch->nneeds;
	}
	needs = palloc_extended(sizeof(CsNeed) * Max(n, 1), MCXT_ALLOC_HUGE);
	n = 0;
	dlist_foreach_modify(iter, &batches)
	{
		CsTotalBatch *batch = dlist_container(CsTotalBatch, node, iter.cur);

		if (batch->query == query)
		{
			memcpy(needs + n, batch->needs, sizeof(CsNeed) * batch->nneeds);
			n += batch->nneeds;
		}
	}
	qsort(needs, n, sizeof(CsNeed), CsCompareNeeds);
	LookAt(needs, n);
	dlist_foreach_modify(iter, &batches)
	{
		CsTotalBatch *batch = dlist_container(CsTotalBatch, node, iter.cur);

		if (batch->query == query)
			MemoryContextDelete(batch->memory);
	}
	return PointerGetDatum(NULL);
}
