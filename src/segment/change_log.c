/*
 * change_log.c
 *		The log of customers whose rows have changed since they were computed.
 *
 * One table a segment table, customer_scoring_internal.change_log_<oid>. It is
 * unlogged: writers of the source pay for no WAL, replicas and publications see
 * nothing of it. Whether it has lost rows to a crash is told by one row without
 * key, which every new log gets. A row is one of
 *		key                     this customer has changed
 *		key, due_at             this customer, who has no row yet, will by then
 *		no key, everything      more has changed than keys can tell
 *		no key, not everything  the log has kept its rows
 *		the same with due_at    somebody else has written to the segment table
 *
 * Writers only append, holding ROW EXCLUSIVE on the log until they end. Rows are
 * deleted by a refresh, which has the segment table locked, so that no two meet.
 * A log that has grown to LOG_BLOCKS takes no more: the writer who finds it full
 * leaves a mark in change_log_overflow, and from then on nothing needs logging,
 * because everything is to be recomputed anyway.
 *
 * All of it goes by the heap API: it asks for no rights, fires nothing, and
 * works while a transaction commits.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "common/hashfn.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/freespace.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "core/compat.h"
#include "core/owner.h"
#include "segment/change_log.h"
#include "segment/key_set.h"

#define OVERFLOW_TABLE "change_log_overflow"

/* Rows that are inserted in one go. */
#define PORTION 200

/* One of the extension's private tables; InvalidOid when the extension is gone. */
Oid
CsInternalTable(const char *name)
{
	Oid namespace = get_namespace_oid("customer_scoring_internal", true);

	return OidIsValid(namespace) ? get_relname_relid(name, namespace) : InvalidOid;
}

/*
 * Make the log of a segment table, for customers of the given type. It belongs
 * to the extension: not dumped, dropped with it. Where tables are made is the
 * database's choice, as a setting of the caller would be obeyed with the rights of
 * the extension's owner. What it is vacuumed by is its own traffic, however large
 * it once was.
 */
Oid
CsCreateChangeLog(Oid segment_table, Oid type, int32 typmod)
{
	char *name = psprintf("change_log_%u", segment_table);
	ObjectAddress log;
	ObjectAddress extension;
	int settings = NewGUCNestLevel();

	CsPinSetting("default_tablespace", "");
	CsOwnSql(
		psprintf("CREATE UNLOGGED TABLE customer_scoring_internal.%s (key %s,"
				 " everything pg_catalog.bool NOT NULL, logged_at pg_catalog.timestamptz NOT NULL,"
				 " due_at pg_catalog.timestamptz) USING heap WITH (autovacuum_vacuum_threshold = 1000,"
				 " autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_insert_threshold = -1,"
				 " autovacuum_vacuum_cost_delay = 0)",
				 name,
				 format_type_extended(type, typmod, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY)),
		0, NULL, NULL, NULL);
	AtEOXact_GUC(false, settings);
	ObjectAddressSet(log, RelationRelationId, CsInternalTable(name));
	ObjectAddressSet(extension, ExtensionRelationId, get_extension_oid("customer_scoring", false));
	recordDependencyOn(&log, &extension, DEPENDENCY_EXTENSION);
	CsMarkFresh(log.objectId);
	return log.objectId;
}

/*
 * Drop a log, if it is there. Writers who hold it are waited for, or else it is
 * left for another time.
 */
void
CsDropChangeLog(Oid log, bool wait)
{
	ObjectAddress address;

	if (!OidIsValid(log) || get_rel_name(log) == NULL)
		return;
	if (wait)
		LockRelationOid(log, AccessExclusiveLock);
	else if (!ConditionalLockRelationOid(log, AccessExclusiveLock))
		return;
	if (get_rel_name(log) == NULL)
		return;
	deleteDependencyRecordsForClass(RelationRelationId, log, ExtensionRelationId, DEPENDENCY_EXTENSION);
	CommandCounterIncrement();
	ObjectAddressSet(address, RelationRelationId, log);
	performDeletion(&address, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
	CommandCounterIncrement();
}

/* Append one row. */
static void
AppendRow(Relation log, Datum *values, bool *nulls)
{
	HeapTuple tuple = heap_form_tuple(RelationGetDescr(log), values, nulls);

	simple_heap_insert(log, tuple);
	heap_freetuple(tuple);
}

/* Put the row of a key into an array of columns; due_at is NULL for one that has changed already. */
static void
SetKey(Datum *values, bool *nulls, Datum key, Datum now, const TimestampTz *due_at)
{
	values[LOG_KEY - 1] = key;
	values[LOG_EVERYTHING - 1] = BoolGetDatum(false);
	values[LOG_LOGGED_AT - 1] = now;
	values[LOG_DUE_AT - 1] = due_at ? TimestampTzGetDatum(*due_at) : (Datum) 0;
	memset(nulls, false, sizeof(bool) * LOG_COLUMNS);
	nulls[LOG_DUE_AT - 1] = due_at == NULL;
}

/*
 * Append many keys, in portions. The slots share a descriptor of their own: that
 * of the relation would be counted, for each slot, among what the transaction
 * holds, which costs more than writing the row.
 */
static void
AppendKeys(Relation log, const Datum *keys, int nkeys, Datum now, const TimestampTz *due_at)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "customer_scoring change log",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext portion;
	MemoryContext old = MemoryContextSwitchTo(context);
	TupleDesc desc = CreateTupleDescCopy(RelationGetDescr(log));
	int nslots = Min(nkeys, PORTION);
	TupleTableSlot **slots = palloc(sizeof(TupleTableSlot *) * nslots);
	int done = 0;
	int i;

	for (i = 0; i < nslots; i++)
		slots[i] = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	portion = AllocSetContextCreate(context, "customer_scoring portion", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(portion);
	while (done < nkeys)
	{
		int n = Min(nkeys - done, nslots);

		CHECK_FOR_INTERRUPTS();
		for (i = 0; i < n; i++)
		{
			ExecClearTuple(slots[i]);
			SetKey(slots[i]->tts_values, slots[i]->tts_isnull, keys[done + i], now,
				   due_at ? &due_at[done + i] : NULL);
			ExecStoreVirtualTuple(slots[i]);
		}
		heap_multi_insert(log, slots, n, GetCurrentCommandId(true), 0, NULL);
		MemoryContextReset(portion);
		done += n;
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* Append keys; due_at is NULL for customers that have changed already. */
void
CsLogKeys(Relation log, const Datum *keys, int nkeys, const TimestampTz *due_at)
{
	Datum now = TimestampTzGetDatum(GetCurrentTimestamp());
	Datum values[LOG_COLUMNS];
	bool nulls[LOG_COLUMNS];

	if (nkeys == 1)
	{
		SetKey(values, nulls, keys[0], now, due_at);
		AppendRow(log, values, nulls);
	}
	else if (nkeys > 1)
		AppendKeys(log, keys, nkeys, now, due_at);
}

/* Append a row without key; with due_at if it is about the segment table. */
static void
AppendWithoutKey(Relation log, bool everything, bool edited)
{
	Datum values[LOG_COLUMNS] = {0};
	bool nulls[LOG_COLUMNS] = {true, false, false, !edited};

	values[LOG_EVERYTHING - 1] = BoolGetDatum(everything);
	values[LOG_LOGGED_AT - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[LOG_DUE_AT - 1] = TimestampTzGetDatum(DT_NOBEGIN);
	AppendRow(log, values, nulls);
}

/* More has changed than keys can tell. */
void
CsLogEverything(Relation log)
{
	AppendWithoutKey(log, true, false);
}

/* The segment table has rows that no refresh has counted. */
void
CsLogEdited(Relation log)
{
	AppendWithoutKey(log, false, true);
}

/* From here on the log will be known to have lost nothing. */
void
CsMarkFresh(Oid log)
{
	Relation relation = table_open(log, RowExclusiveLock);

	AppendWithoutKey(relation, false, false);
	table_close(relation, NoLock);
}

/* Whether a log has grown to its limit, and has no room left on its pages. */
bool
CsLogIsFull(Relation log)
{
	BlockNumber target = RelationGetTargetBlock(log);

	/* where this session wrote last needs no call of the system */
	if (target != InvalidBlockNumber && target < LOG_BLOCKS)
		return false;
	return RelationGetNumberOfBlocks(log) >= LOG_BLOCKS &&
		   GetPageWithFreeSpace(log, BLCKSZ / 16) == InvalidBlockNumber;
}

/* Whether the changes of a segment table have ceased to be logged. */
bool
CsLogHasOverflowed(Oid segment_table, Snapshot snapshot)
{
	Oid table = CsInternalTable(OVERFLOW_TABLE);
	bool found = false;
	Relation marks;
	TableScanDesc scan;
	TupleTableSlot *slot;

	/* a writer may have dropped the extension */
	if (!OidIsValid(table))
		return false;
	marks = table_open(table, AccessShareLock);
	scan = table_beginscan(marks, snapshot, 0, NULL);
	slot = table_slot_create(marks, NULL);
	while (!found && table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool isnull;

		found = DatumGetObjectId(slot_getattr(slot, 1, &isnull)) == segment_table;
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	table_close(marks, NoLock);
	return found;
}

/* Cease to log the changes of a segment table. */
void
CsMarkOverflow(Oid segment_table)
{
	Relation marks = table_open(CsInternalTable(OVERFLOW_TABLE), RowExclusiveLock);
	Datum values[1] = {ObjectIdGetDatum(segment_table)};
	bool nulls[1] = {false};

	simple_heap_insert(marks, heap_form_tuple(RelationGetDescr(marks), values, nulls));
	table_close(marks, NoLock);
}

/*
 * Begin to log again after an overflow: empty the log and take the marks away.
 * False if somebody still holds the log, so that it cannot be done now. Writers
 * that skip it do so until this transaction commits: what they write has to be
 * waited for, see coverage.c.
 */
bool
CsResetChangeLog(Oid segment_table, Oid log)
{
	Oid types[1] = {OIDOID};
	Datum values[1] = {ObjectIdGetDatum(segment_table)};

	if (!ConditionalLockRelationOid(log, AccessExclusiveLock))
		return false;
	CsOwnSql(psprintf("TRUNCATE customer_scoring_internal.%s", quote_identifier(get_rel_name(log))), 0, NULL,
			 NULL, NULL);
	CsOwnSql("DELETE FROM customer_scoring_internal." OVERFLOW_TABLE " WHERE segment_table = $1", 1, types,
			 values, NULL);
	CsMarkFresh(log);
	return true;
}

/* What is put together while the log is read. */
typedef struct Reading
{
	ChangeList *list;
	CsKeySet *set;
	int limit;
	int size;
} Reading;

static void
TakeRow(Reading *reading, ItemPointer tid)
{
	ChangeList *list = reading->list;

	if (list->ntids == reading->size)
	{
		reading->size = Max(1024, reading->size * 2);
		list->tids = list->tids == NULL ? palloc(reading->size * sizeof(ItemPointerData))
										: repalloc_huge(list->tids, reading->size * sizeof(ItemPointerData));
	}
	list->tids[list->ntids++] = *tid;
}

/*
 * Read the rows that a snapshot sees: up to limit different keys that have
 * changed or are due, and which rows to clear for them. With a limit of none,
 * every row that has a say is taken, due or not.
 */
static ChangeList *
ReadLog(Oid log, Snapshot snapshot, TimestampTz as_of, int limit)
{
	Relation relation = table_open(log, RowExclusiveLock);
	Form_pg_attribute key = TupleDescAttr(RelationGetDescr(relation), LOG_KEY - 1);
	TableScanDesc scan = table_beginscan(relation, snapshot, 0, NULL);
	TupleTableSlot *slot = table_slot_create(relation, NULL);
	Reading reading = {.list = palloc0(sizeof(ChangeList)), .limit = limit};
	ChangeList *list = reading.list;

	reading.set = CsMakeKeySet(CurrentMemoryContext, key->attbyval, key->attlen);
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool nokey;
		bool notdue;
		bool isnull;
		Datum value = slot_getattr(slot, LOG_KEY, &nokey);
		TimestampTz due_at = DatumGetTimestampTz(slot_getattr(slot, LOG_DUE_AT, &notdue));
		bool everything = DatumGetBool(slot_getattr(slot, LOG_EVERYTHING, &isnull));

		CHECK_FOR_INTERRUPTS();
		if (nokey && !everything && notdue)
		{
			list->fresh = true;
			continue;
		}
		if (limit > 0 && !notdue && due_at > as_of)
			continue;
		if (nokey && everything)
			list->everything = true;
		else if (nokey)
			list->edited = true;
		else if (limit > 0 && !CsKeySetAdd(reading.set, value, limit))
		{
			list->left++;
			continue;
		}
		TakeRow(&reading, &slot->tts_tid);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	table_close(relation, NoLock);
	list->keys = CsKeySetKeys(reading.set, &list->nkeys);
	return list;
}

/* The next keys to recompute, at most limit. */
ChangeList *
CsReadChanges(Oid log, Snapshot snapshot, TimestampTz as_of, int limit)
{
	return ReadLog(log, snapshot, as_of, limit);
}

/* All rows, to be cleared by a refresh that recomputes everybody. */
ChangeList *
CsReadWholeLog(Oid log, Snapshot snapshot)
{
	return ReadLog(log, snapshot, DT_NOEND, 0);
}

/* Delete the rows of a list; nobody else deletes any while the segment table is locked. */
void
CsClearChanges(Oid log, const ChangeList *changes)
{
	Relation relation = table_open(log, RowExclusiveLock);
	int i;

	for (i = 0; i < changes->ntids; i++)
	{
		CHECK_FOR_INTERRUPTS();
		simple_heap_delete(relation, &changes->tids[i]);
	}
	table_close(relation, NoLock);
}

/*
 * Delete all rows of a key, seen by now, and tell that the segment table was
 * written to; the segment table must be locked. Forms of a key with other bytes
 * that its type takes for equal stay until the next refresh.
 */
void
CsForgetKey(Oid log, Datum key)
{
	Relation relation = table_open(log, RowExclusiveLock);
	Form_pg_attribute column = TupleDescAttr(RelationGetDescr(relation), LOG_KEY - 1);
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
	TableScanDesc scan = table_beginscan(relation, snapshot, 0, NULL);
	TupleTableSlot *slot = table_slot_create(relation, NULL);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool isnull;
		Datum logged = slot_getattr(slot, LOG_KEY, &isnull);

		CHECK_FOR_INTERRUPTS();
		if (!isnull && datum_image_eq(logged, key, column->attbyval, column->attlen))
			simple_heap_delete(relation, &slot->tts_tid);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	UnregisterSnapshot(snapshot);
	CsLogEdited(relation);
	table_close(relation, NoLock);
}
