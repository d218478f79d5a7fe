/*
 * capture.c
 *		Noticing which customers' rows change, while they change.
 *
 * capture_changes() is the trigger on sources of segment tables: for each row
 * that is written, and on TRUNCATE. It finds the segment tables that follow the
 * relation by the relation itself, never by argument, so one pair of triggers
 * serves them all, and a trigger that nobody follows does nothing.
 *
 * Keys are kept in memory until the transaction commits or is prepared, also
 * those of a subtransaction that was rolled back, and then appended to the log
 * of each segment table (change_log.c). The log is locked at the first key, so
 * that a writer waits for nobody while it commits; it conflicts only with who
 * drops the log, or empties a full one. Past LOG_KEYS_A_TRANSACTION keys are not
 * told apart any more.
 *
 * Who follows a relation is cached by session. Whoever attaches a follower has
 * the relation locked against writers, and invalidates its relcache entry.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_inherits.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "core/compat.h"
#include "segment/capture.h"
#include "segment/change_log.h"
#include "segment/customer_text.h"
#include "segment/key_set.h"

PG_FUNCTION_INFO_V1(cs_capture_changes);

/* A segment table that follows a relation. */
typedef struct Follower
{
	Oid segment_table;
	Oid log;
	AttrNumber key; /* column of the relation; 0 when it has none that fits */
	bool named; /* it has none, but writers may name its customers: see CsNameCustomer */
	Oid of_text; /* type of the customer that its texts name; 0 when it holds customers themselves */
	bool byval; /* of the customer's type */
	int16 length;
} Follower;

/* All of a relation. */
typedef struct Followers
{
	Oid relation; /* hash key */
	bool valid;
	int count;
	Follower *each;
} Followers;

/* A key that is not to be logged after all, unless the subtransaction that says so is rolled back. */
typedef struct Forgotten
{
	Datum key;
	SubTransactionId by;
} Forgotten;

/* What a transaction has changed for one segment table. */
typedef struct Changes
{
	Oid segment_table;
	Oid log;
	bool everything;
	bool edited; /* the segment table itself was written to */
	bool skipped; /* the log was full when it was looked at last */
	bool unlocked; /* the lock on the log may have gone with a subtransaction */
	CsKeySet *keys;
	List *forgotten; /* of Forgotten */
} Changes;

static HTAB *followers_cache = NULL;
static MemoryContext changes_context = NULL; /* NULL when nothing was changed */
static List *changes_list = NIL; /* of Changes */
static List *overflowed = NIL; /* oids of segment tables whose log was full */
static bool committing = false;
static Oid own_writes = InvalidOid; /* segment table that a refresh is writing to, */
static int own_depth; /* in triggers of this depth */
static const text *named_customer = NULL; /* whom rows are about that do not tell */

static int
TriggerDepth(void)
{
	return DatumGetInt32(DirectFunctionCall1(pg_trigger_depth, (Datum) 0));
}

/*
 * A refresh writes to its segment table, which need not be captured; InvalidOid:
 * no more. What triggers of users write there in the course of it is captured.
 */
void
CsOwnWrites(Oid segment_table)
{
	own_writes = segment_table;
	own_depth = TriggerDepth() + 1;
}

/* Rows written from now on are about a customer, where they have no column that names him; NULL: no more. */
void
CsNameCustomer(const text *customer)
{
	named_customer = customer;
}

/* A relation has changed, or all may have. */
static void
Invalidate(Datum arg, Oid relation)
{
	HASH_SEQ_STATUS each;
	Followers *followers;

	if (OidIsValid(relation))
	{
		followers = hash_search(followers_cache, &relation, HASH_FIND, NULL);
		if (followers != NULL)
			followers->valid = false;
		return;
	}
	hash_seq_init(&each, followers_cache);
	while ((followers = hash_seq_search(&each)) != NULL)
		followers->valid = false;
}

/* A relation and everything it is a partition or a child of. */
List *
CsAncestors(Oid relation)
{
	List *all = list_make1_oid(relation);
	Relation catalog = table_open(InheritsRelationId, AccessShareLock);
	int i;

	for (i = 0; i < list_length(all); i++)
	{
		ScanKeyData key;
		SysScanDesc scan;
		HeapTuple tuple;

		ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ,
					ObjectIdGetDatum(list_nth_oid(all, i)));
		scan = systable_beginscan(catalog, InheritsRelidSeqnoIndexId, true, NULL, 1, &key);
		while (HeapTupleIsValid(tuple = systable_getnext(scan)))
			all = list_append_unique_oid(all, ((Form_pg_inherits) GETSTRUCT(tuple))->inhparent);
		systable_endscan(scan);
	}
	table_close(catalog, AccessShareLock);
	return all;
}

/*
 * Find the column of a relation that holds the customer of one of its ancestors,
 * or names him, if a log takes it.
 */
static void
FindKey(Follower *follower, Oid relation, Oid source, AttrNumber customer)
{
	char *name = get_attname(source, customer, true);
	AttrNumber key = name == NULL ? InvalidAttrNumber : get_attnum(relation, name);
	Oid wanted = getBaseType(get_atttype(follower->log, LOG_KEY));
	Oid type = get_atttype(relation, key);

	follower->key = InvalidAttrNumber;
	follower->of_text = CsHasTexts(wanted) ? wanted : InvalidOid;
	follower->named = customer == InvalidAttrNumber && (CsIsText(wanted) || CsHasTexts(wanted));
	get_typlenbyval(wanted, &follower->length, &follower->byval);
	/* triggers do not see what is computed when it is read */
	if (key <= 0 || CsIsVirtual(get_attgenerated(relation, key)))
		return;
	if (CsSameKeys(type, wanted))
		follower->of_text = InvalidOid;
	else if (!CsIsText(type) || !CsHasTexts(wanted))
		return;
	follower->key = key;
}

/* Read who follows a relation. Marked valid first, so that a change meanwhile is not missed. */
static void
LoadFollowers(Followers *followers)
{
	Oid table = CsInternalTable(CAPTURE_TABLE);
	Follower *each = NULL;
	int count = 0;

	followers->valid = true;
	if (OidIsValid(table))
	{
		List *ancestors = CsAncestors(followers->relation);
		Relation captures = table_open(table, AccessShareLock);
		Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
		TableScanDesc scan = table_beginscan(captures, snapshot, 0, NULL);
		TupleTableSlot *slot = table_slot_create(captures, NULL);

		while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
		{
			Oid source;
			bool isnull;

			slot_getallattrs(slot);
			source = DatumGetObjectId(slot_getattr(slot, CAPTURE_SOURCE, &isnull));
			if (!list_member_oid(ancestors, source))
				continue;
			each = each == NULL ? palloc(sizeof(Follower)) : repalloc(each, (count + 1) * sizeof(Follower));
			each[count].segment_table = DatumGetObjectId(slot_getattr(slot, CAPTURE_SEGMENT_TABLE, &isnull));
			each[count].log = DatumGetObjectId(slot_getattr(slot, CAPTURE_LOG, &isnull));
			/* what was removed by DROP TABLE follows nothing */
			if (get_rel_name(each[count].segment_table) == NULL || get_rel_name(each[count].log) == NULL)
				continue;
			FindKey(&each[count++], followers->relation, source,
					DatumGetInt16(slot_getattr(slot, CAPTURE_CUSTOMER, &isnull)));
		}
		table_endscan(scan);
		ExecDropSingleTupleTableSlot(slot);
		UnregisterSnapshot(snapshot);
		table_close(captures, NoLock);
	}
	if (followers->each != NULL)
		pfree(followers->each);
	followers->each = NULL;
	followers->count = 0;
	if (count > 0)
	{
		followers->each = MemoryContextAlloc(CacheMemoryContext, count * sizeof(Follower));
		memcpy(followers->each, each, count * sizeof(Follower));
		followers->count = count;
	}
}

/* Load again, in memory that is given back; not valid if that fails. */
static void
ReloadFollowers(Followers *followers)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "customer_scoring followers",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	PG_TRY();
	{
		LoadFollowers(followers);
	}
	PG_CATCH();
	{
		followers->valid = false;
		PG_RE_THROW();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* Who follows a relation, as of now. */
static Followers *
FindFollowers(Oid relation)
{
	static Followers *last = NULL;
	Followers *followers = last;
	bool found;

	if (followers_cache == NULL)
	{
		HASHCTL control = {.keysize = sizeof(Oid), .entrysize = sizeof(Followers)};

		followers_cache = hash_create("customer_scoring followers", 16, &control, HASH_ELEM | HASH_BLOBS);
		CacheRegisterRelcacheCallback(Invalidate, (Datum) 0);
	}
	if (followers == NULL || followers->relation != relation)
	{
		followers = hash_search(followers_cache, &relation, HASH_ENTER, &found);
		if (!found)
		{
			followers->valid = false;
			followers->count = 0;
			followers->each = NULL;
		}
		last = followers;
	}
	if (!followers->valid)
		ReloadFollowers(followers);
	return followers;
}

/* Whether everything is to be recomputed anyway, as far as others can see by now. */
static bool
HasOverflowed(Oid segment_table)
{
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
	bool result = CsLogHasOverflowed(segment_table, snapshot);

	UnregisterSnapshot(snapshot);
	overflowed = list_delete_oid(overflowed, segment_table);
	if (result)
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		overflowed = lappend_oid(overflowed, segment_table);
		MemoryContextSwitchTo(old);
	}
	return result;
}

/* Append what a transaction has changed to one log. */
static void
FlushOne(Changes *changes)
{
	Relation log;

	if (changes->skipped && HasOverflowed(changes->segment_table))
		return;
	/* nobody else gets the log while something is noted that was not rolled back */
	if (changes->unlocked && !changes->skipped && !ConditionalLockRelationOid(changes->log, RowExclusiveLock))
		return;
	log = try_relation_open(changes->log, RowExclusiveLock);
	if (log == NULL)
		return;
	if (CsLogIsFull(log))
	{
		if (!HasOverflowed(changes->segment_table))
			CsMarkOverflow(changes->segment_table);
	}
	else if (changes->skipped || changes->everything)
		CsLogEverything(log);
	else if (changes->keys != NULL)
	{
		int nkeys;
		Datum *keys = CsKeySetKeys(changes->keys, &nkeys);
		ListCell *cell;

		foreach (cell, changes->forgotten)
			nkeys = CsKeySetWithout(changes->keys, keys, nkeys, ((Forgotten *) lfirst(cell))->key);
		CsLogKeys(log, keys, nkeys, NULL);
		if (changes->edited)
			CsLogEdited(log);
	}
	relation_close(log, NoLock);
}

static void
ForgetAll(void)
{
	changes_context = NULL;
	changes_list = NIL;
	committing = false;
	own_writes = InvalidOid;
}

/*
 * Append to the logs what this transaction has changed so far, for a refresh
 * within it. It is appended again at the end: the refresh may yet be rolled back
 * by itself.
 */
void
CsFlushCapture(void)
{
	MemoryContext old;
	ListCell *cell;

	if (changes_context == NULL)
		return;
	old = MemoryContextSwitchTo(changes_context);
	foreach (cell, changes_list)
		FlushOne(lfirst(cell));
	MemoryContextSwitchTo(old);
	CommandCounterIncrement();
}

/* Take a key from what is to be logged. */
static void
Forget(Changes *changes, Datum key)
{
	MemoryContext old = MemoryContextSwitchTo(changes_context);
	Forgotten *forgotten = palloc(sizeof(Forgotten));

	forgotten->key = CsKeySetCopy(changes->keys, key);
	forgotten->by = GetCurrentSubTransactionId();
	changes->forgotten = lappend(changes->forgotten, forgotten);
	MemoryContextSwitchTo(old);
}

/*
 * A customer was erased, and his row of a segment table, which is locked: his key
 * goes from what waits for the next refresh, and from what this transaction has
 * changed so far.
 */
void
CsForgetCaptured(Oid segment_table, Datum key)
{
	Oid log = CsInternalTable(psprintf("change_log_%u", segment_table));
	ListCell *cell;

	foreach (cell, changes_list)
	{
		Changes *changes = lfirst(cell);

		if (changes->segment_table == segment_table && changes->keys != NULL)
			Forget(changes, key);
	}
	if (OidIsValid(log))
		CsForgetKey(log, key);
}

/* Append before the transaction ends; memory goes with it in any case. */
static void
AtEndOfTransaction(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			CsFlushCapture();
			changes_list = NIL;
			committing = true;
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PREPARE:
		case XACT_EVENT_ABORT:
			ForgetAll();
			break;
		default:
			break;
	}
}

/* A subtransaction that is rolled back releases the locks it took, while what was noted is kept, and what was forgotten known again. */
static void
AtEndOfSubtransaction(SubXactEvent event, SubTransactionId id, SubTransactionId parent, void *arg)
{
	ListCell *cell;
	ListCell *key;

	if (event != SUBXACT_EVENT_ABORT_SUB && event != SUBXACT_EVENT_COMMIT_SUB)
		return;
	foreach (cell, changes_list)
	{
		Changes *changes = lfirst(cell);

		if (event == SUBXACT_EVENT_ABORT_SUB)
			changes->unlocked = true;
		foreach (key, changes->forgotten)
		{
			Forgotten *forgotten = lfirst(key);

			if (forgotten->by != id)
				continue;
			if (event == SUBXACT_EVENT_ABORT_SUB)
				changes->forgotten = foreach_delete_current(changes->forgotten, key);
			else
				forgotten->by = parent;
		}
	}
}

/*
 * Lock a log, unless it is known to be full. It may be gone by then, or be
 * dropped by this transaction: that is found out when it is to be written.
 */
static void
LockLog(Changes *changes)
{
	if (list_member_oid(overflowed, changes->segment_table) && HasOverflowed(changes->segment_table))
		changes->skipped = true;
	/* who empties a full log has it locked for as long as a refresh takes */
	else if (!ConditionalLockRelationOid(changes->log, RowExclusiveLock))
	{
		if (HasOverflowed(changes->segment_table))
			changes->skipped = true;
		else
			LockRelationOid(changes->log, RowExclusiveLock);
	}
	changes->unlocked = false;
}

/* What this transaction has changed for a follower so far. The log is locked if it is not yet. */
static Changes *
FindChanges(const Follower *follower)
{
	static bool registered = false;
	ListCell *cell;
	Changes *changes;
	MemoryContext old;

	foreach (cell, changes_list)
	{
		changes = lfirst(cell);
		if (changes->segment_table != follower->segment_table || changes->log != follower->log)
			continue;
		if (changes->unlocked && !changes->skipped)
			LockLog(changes);
		return changes;
	}
	if (!registered)
	{
		RegisterXactCallback(AtEndOfTransaction, NULL);
		RegisterSubXactCallback(AtEndOfSubtransaction, NULL);
		registered = true;
	}
	if (changes_context == NULL)
		changes_context = AllocSetContextCreate(TopTransactionContext, "customer_scoring changes",
												ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(changes_context);
	changes = palloc0(sizeof(Changes));
	changes->segment_table = follower->segment_table;
	changes->log = follower->log;
	MemoryContextSwitchTo(old);
	LockLog(changes);
	MemoryContextSwitchTo(changes_context);
	changes_list = lappend(changes_list, changes);
	MemoryContextSwitchTo(old);
	return changes;
}

static void
NoteEverything(Changes *changes)
{
	changes->everything = true;
	changes->keys = NULL;
}

/* A key that was forgotten has changed once more. */
static void
Remember(Changes *changes, Datum key)
{
	ListCell *cell;

	foreach (cell, changes->forgotten)
		if (CsKeySetSame(changes->keys, ((Forgotten *) lfirst(cell))->key, key))
			changes->forgotten = foreach_delete_current(changes->forgotten, cell);
}

/* Note the customer of a row. A row without customer is nobody's, and one with a text that names none. */
static void
NoteRow(const Follower *follower, Oid relation, TupleTableSlot *slot)
{
	Changes *changes = FindChanges(follower);
	Datum key = PointerGetDatum(named_customer);
	bool isnull = false;

	if (changes->everything || changes->skipped)
		return;
	if (follower->key != InvalidAttrNumber)
		key = slot_getattr(slot, follower->key, &isnull);
	else if (!follower->named || named_customer == NULL)
	{
		NoteEverything(changes);
		return;
	}
	if (isnull ||
		(OidIsValid(follower->of_text) && !CsCustomerOfText(follower->of_text, DatumGetTextPP(key), &key)))
		return;
	if (changes->keys == NULL)
		changes->keys = CsMakeKeySet(changes_context, follower->byval, follower->length);
	if (changes->forgotten != NIL)
		Remember(changes, key);
	if (relation == follower->segment_table)
		changes->edited = true;
	if (!CsKeySetAdd(changes->keys, key, LOG_KEYS_A_TRANSACTION))
		NoteEverything(changes);
}

/*
 * capture_changes(): trigger function. As an AFTER trigger its result is of no
 * account; should somebody use it before a row, the row passes unchanged.
 */
Datum
cs_capture_changes(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	Followers *followers;
	int i;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("capture_changes() is a trigger function"),
				 errhint("create_segment_table puts the trigger on its source; nobody has to call it.")));
	followers = FindFollowers(RelationGetRelid(trigger->tg_relation));
	for (i = 0; i < followers->count; i++)
	{
		Follower follower = followers->each[i];

		if (follower.segment_table == own_writes && RelationGetRelid(trigger->tg_relation) == own_writes &&
			TriggerDepth() == own_depth)
			continue;
		if (!TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
			NoteEverything(FindChanges(&follower));
		else
		{
			NoteRow(&follower, RelationGetRelid(trigger->tg_relation), trigger->tg_trigslot);
			if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
				NoteRow(&follower, RelationGetRelid(trigger->tg_relation), trigger->tg_newslot);
		}
	}
	if (committing)
	{
		CsFlushCapture();
		changes_list = NIL;
	}
	if (!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) || TRIGGER_FIRED_AFTER(trigger->tg_event))
		return PointerGetDatum(NULL);
	return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple
																	  : trigger->tg_trigtuple);
}
