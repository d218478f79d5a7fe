/*
 * log_status.c
 *		How much waits in the change log of a segment table, for its status.
 *
 * The log of a table is customer_scoring_internal.change_log_<oid>, with the
 * columns key, everything, logged_at and due_at. It is read without snapshot and
 * by the heap API: whoever looks needs no rights on it, never conflicts with a
 * writer at SERIALIZABLE, waits for nobody, and lets go of it at once.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "core/compat.h"

PG_FUNCTION_INFO_V1(cs_change_log_count);

/* Keys that were seen, by the hash of their image. */
typedef struct SeenKey
{
	uint64 hash;
	char status;
} SeenKey;

#define SH_PREFIX seen
#define SH_ELEMENT_TYPE SeenKey
#define SH_KEY_TYPE uint64
#define SH_KEY hash
#define SH_HASH_KEY(table, key) ((uint32) (key))
#define SH_EQUAL(table, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DEFINE
#define SH_DECLARE
#include "lib/simplehash.h"

/* Names of the columns, in the order of LogColumn. */
static const char *const LogColumns[] = {"key", "everything", "logged_at", "due_at"};

typedef enum LogColumn
{
	LOG_STATUS_KEY,
	LOG_STATUS_EVERYTHING,
	LOG_STATUS_LOGGED_AT,
	LOG_STATUS_DUE_AT,
	LOG_STATUS_COLUMNS
} LogColumn;

typedef struct LogStatus
{
	seen_hash *seen;
	bool exists;
	TimestampTz oldest; /* DT_NOEND for none */
	bool everything; /* more has changed than keys tell */
	bool fresh; /* the log still has the row that every log begins with */
} LogStatus;

/* A table of the internal schema; InvalidOid when it is not there. */
static Oid
FindTable(const char *name)
{
	Oid namespace = get_namespace_oid("customer_scoring_internal", true);

	return OidIsValid(namespace) ? get_relname_relid(name, namespace) : InvalidOid;
}

/*
 * Open a table to be read now; NULL if that is not possible without waiting: it
 * is being emptied or dropped, or, being unlogged, is on a standby.
 */
static Relation
OpenNow(Oid oid)
{
	Relation relation;

	if (!OidIsValid(oid) || !ConditionalLockRelationOid(oid, AccessShareLock))
		return NULL;
	relation = try_relation_open(oid, NoLock);
	if (relation == NULL)
		UnlockRelationOid(oid, AccessShareLock);
	else if (relation->rd_rel->relkind != RELKIND_RELATION ||
			 (RecoveryInProgress() && !RelationIsPermanent(relation)))
	{
		relation_close(relation, AccessShareLock);
		relation = NULL;
	}
	return relation;
}

/* A hash of the bytes of a value: equal customers are rarely written differently. */
static uint64
ImageHash(Datum value, Form_pg_attribute attribute)
{
	struct varlena *varlena;

	if (attribute->attbyval)
		return hash_bytes_extended((unsigned char *) &value, sizeof(Datum), 0);
	if (attribute->attlen > 0)
		return hash_bytes_extended((unsigned char *) DatumGetPointer(value), attribute->attlen, 0);
	if (attribute->attlen == -2)
		return hash_bytes_extended((unsigned char *) DatumGetCString(value), strlen(DatumGetCString(value)),
								   0);
	varlena = PG_DETOAST_DATUM_PACKED(value);
	return hash_bytes_extended((unsigned char *) VARDATA_ANY(varlena), VARSIZE_ANY_EXHDR(varlena), 0);
}

/* Take one row of the log into account. A customer who will be due later does not wait yet. */
static void
CountRow(LogStatus *status, TupleTableSlot *slot, const AttrNumber *columns, TimestampTz now)
{
	bool nokey;
	bool notdue;
	bool isnull;
	Datum key = slot_getattr(slot, columns[LOG_STATUS_KEY], &nokey);
	bool everything = DatumGetBool(slot_getattr(slot, columns[LOG_STATUS_EVERYTHING], &isnull));
	TimestampTz at = DatumGetTimestampTz(slot_getattr(slot, columns[LOG_STATUS_LOGGED_AT], &isnull));
	TimestampTz due_at = DatumGetTimestampTz(slot_getattr(slot, columns[LOG_STATUS_DUE_AT], &notdue));
	bool found;

	if (nokey && !everything)
	{
		status->fresh = true;
		return;
	}
	if (!notdue && due_at > now)
		return;
	if (nokey)
		status->everything = true;
	else
		(void) seen_insert(
			status->seen,
			ImageHash(key, TupleDescAttr(slot->tts_tupleDescriptor, columns[LOG_STATUS_KEY] - 1)), &found);
	status->oldest = Min(status->oldest, notdue ? at : Max(at, due_at));
}

/* Read the log of a segment table. False if it cannot be read now. */
static bool
ReadLog(Oid segment_table, LogStatus *status)
{
	Oid oid = FindTable(psprintf("change_log_%u", segment_table));
	Relation log = OpenNow(oid);
	MemoryContext portion;
	TimestampTz now = GetCurrentTimestamp();
	AttrNumber columns[LOG_STATUS_COLUMNS];
	TableScanDesc scan;
	TupleTableSlot *slot;
	int i;

	status->exists = OidIsValid(oid);
	if (log == NULL)
		return false;
	for (i = 0; i < LOG_STATUS_COLUMNS; i++)
	{
		columns[i] = get_attnum(RelationGetRelid(log), LogColumns[i]);
		if (columns[i] == InvalidAttrNumber)
			elog(ERROR, "change log has no column \"%s\"", LogColumns[i]);
	}
	portion = AllocSetContextCreate(CurrentMemoryContext, "customer_scoring log status",
									ALLOCSET_DEFAULT_SIZES);
	scan = table_beginscan(log, SnapshotSelf, 0, NULL);
	slot = table_slot_create(log, NULL);
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		MemoryContext old = MemoryContextSwitchTo(portion);

		CHECK_FOR_INTERRUPTS();
		CountRow(status, slot, columns, now);
		MemoryContextSwitchTo(old);
		MemoryContextReset(portion);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	table_close(log, AccessShareLock);
	MemoryContextDelete(portion);
	return true;
}

/* Whether changes of the segment table have ceased to be logged, as there were too many. */
static bool
HasOverflowed(Oid segment_table)
{
	Relation marks = OpenNow(FindTable("change_log_overflow"));
	TableScanDesc scan;
	TupleTableSlot *slot;
	bool found = false;

	if (marks == NULL)
		return false;
	scan = table_beginscan(marks, SnapshotSelf, 0, NULL);
	slot = table_slot_create(marks, NULL);
	while (!found && table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool isnull;

		found = DatumGetObjectId(slot_getattr(slot, 1, &isnull)) == segment_table;
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	table_close(marks, AccessShareLock);
	return found;
}

/*
 * change_log_count(segment_table) → customers, oldest_at, gap: how many
 * customers wait, since when, and why that is not all. When the log cannot be read
 * now, all are NULL.
 */
Datum
cs_change_log_count(PG_FUNCTION_ARGS)
{
	Oid segment_table = PG_GETARG_OID(0);
	LogStatus status = {.seen = seen_create(CurrentMemoryContext, 64, NULL), .oldest = DT_NOEND};
	bool overflow = HasOverflowed(segment_table);
	bool read = ReadLog(segment_table, &status);
	TupleDesc desc;
	Datum values[3] = {0};
	bool nulls[3] = {true, true, true};
	const char *gap = NULL;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "change_log_count does not return a row type");
	if (!status.exists)
		gap = "changes of the source are not captured";
	else if (overflow || status.everything)
		gap = "more has changed than the change log tells apart";
	else if (read && !status.fresh)
		gap = "the change log was lost";
	if (gap != NULL)
	{
		values[2] = CStringGetTextDatum(gap);
		nulls[2] = false;
	}
	else if (read)
	{
		values[0] = Int64GetDatum((int64) status.seen->members);
		nulls[0] = false;
	}
	if (status.oldest != DT_NOEND)
	{
		values[1] = TimestampTzGetDatum(status.oldest);
		nulls[1] = false;
	}
	seen_destroy(status.seen);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}
