/*
 * coverage.c
 *		Whether capture has seen every change of a source.
 *
 * A source is *captured* when it and all its partitions and children are plain
 * tables that carry both triggers, enabled always, and the segment table is
 * noted as their follower in segment_capture. A segment table follows itself,
 * too: what others write to it is put right by the next refresh. Triggers are
 * made with the rights of the segment table's owner, while the relations are
 * locked against writers: whoever wrote before has committed and is seen by the
 * snapshot of the refresh that follows, whoever writes after is captured.
 *
 * The *coverage* of a refresh is what capture hung by at that time: the
 * relations, their files, their triggers and who wrote those triggers' catalog
 * rows. As long as it is the same later, nothing can have escaped: disabling a
 * trigger, detaching a partition, rewriting or swapping a table changes it, even
 * when it was undone since. It is taken before the snapshot of a refresh that
 * stores it, and compared at any time.
 *
 * Locks are taken in the order segment table, source, log.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_func.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "core/compat.h"
#include "core/owner.h"
#include "segment/capture.h"
#include "segment/change_log.h"
#include "segment/coverage.h"
#include "segment/left_out.h"

#define ROW_TRIGGER "customer_scoring_capture"
#define TRUNCATE_TRIGGER "customer_scoring_truncate"
#define ROW_EVENTS (TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE)

/* What capture of one relation hangs by. No padding, as it is compared by bytes. */
typedef struct Cover
{
	Oid relation;
	Oid file;
	uint32 parents; /* who wrote what it is a child of */
	Oid row_trigger;
	TransactionId row_writer;
	Oid truncate_trigger;
	TransactionId truncate_writer;
} Cover;

/* capture_changes(), or InvalidOid where the extension is not (any more). */
static Oid
CaptureFunction(void)
{
	return LookupFuncName(list_make2(makeString("customer_scoring"), makeString("capture_changes")), 0, NULL,
						  true);
}

/*
 * All relations that are captured: the segment table, without tables that
 * inherit from it, and those whose rows are those of the sources.
 */
static List *
CapturedRelations(const SegmentDefinition *definition, const SegmentSource *source, LOCKMODE mode)
{
	List *all = list_make1_oid(definition->table);
	int i;

	for (i = 0; i < source->nfollowed; i++)
	{
		/* those that need no triggers to be made are shared with others who attach */
		if (mode == ShareRowExclusiveLock && CsTellsLeftOut(source->followed[i].relation))
			LockRelationOid(source->followed[i].relation, ShareLock);
		/* below, only what it finds is locked */
		else if (mode != NoLock)
			LockRelationOid(source->followed[i].relation, mode);
		all = list_concat_unique_oid(all,
									 CsTellsLeftOut(source->followed[i].relation)
										 ? list_make1_oid(source->followed[i].relation)
										 : find_all_inheritors(source->followed[i].relation, mode, NULL));
	}
	return all;
}

/* Type of the row trigger of a relation. Before rows it takes no memory, but may not see what they become. */
static int16
RowTriggerType(Oid relation, Oid segment_table)
{
	return TRIGGER_TYPE_ROW | ROW_EVENTS |
		   (relation == segment_table ? TRIGGER_TYPE_BEFORE : TRIGGER_TYPE_AFTER);
}

/* Whether a trigger sees all that it is there for. */
static bool
IsSound(Form_pg_trigger trigger, HeapTuple tuple, TupleDesc desc, int16 type)
{
	bool unconditional;

	(void) heap_getattr(tuple, Anum_pg_trigger_tgqual, desc, &unconditional);
	return trigger->tgtype == type && trigger->tgenabled == TRIGGER_FIRES_ALWAYS &&
		   trigger->tgattr.dim1 == 0 && !trigger->tgdeferrable && unconditional;
}

/*
 * Who wrote the catalog rows that make a relation a partition or child. Capture
 * goes by them: what was written to a child while it was none has escaped, and a
 * child keeps its triggers.
 */
static uint32
ParentsWriter(Oid relation)
{
	Relation catalog = table_open(InheritsRelationId, AccessShareLock);
	uint32 writers = 0;
	HeapTuple tuple;
	ScanKeyData key;
	SysScanDesc scan;

	ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relation));
	scan = systable_beginscan(catalog, InheritsRelidSeqnoIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		writers = hash_combine(writers, murmurhash32(HeapTupleHeaderGetRawXmin(tuple->t_data)));
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return writers;
}

/*
 * What capture of a relation hangs by. Triggers of ours that are not sound are
 * added to the list of unsound ones, if one is wanted.
 */
static Cover
ReadCover(Oid relation, Oid segment_table, Oid function, List **unsound)
{
	Cover cover = {.relation = relation, .parents = ParentsWriter(relation)};
	Relation catalog = table_open(TriggerRelationId, AccessShareLock);
	HeapTuple tuple;
	ScanKeyData key;
	SysScanDesc scan;

	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relation));
	scan = systable_beginscan(catalog, TriggerRelidNameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_trigger trigger = (Form_pg_trigger) GETSTRUCT(tuple);
		TransactionId writer = HeapTupleHeaderGetRawXmin(tuple->t_data);

		if (trigger->tgfoid != function)
			continue;
		/* of a segment table that is a source of another, too, there is but the one after rows */
		if (IsSound(trigger, tuple, RelationGetDescr(catalog), RowTriggerType(relation, segment_table)) ||
			IsSound(trigger, tuple, RelationGetDescr(catalog), RowTriggerType(relation, InvalidOid)))
		{
			cover.row_trigger = trigger->oid;
			cover.row_writer = writer;
		}
		else if (IsSound(trigger, tuple, RelationGetDescr(catalog), TRIGGER_TYPE_TRUNCATE))
		{
			cover.truncate_trigger = trigger->oid;
			cover.truncate_writer = writer;
		}
		else if (unsound != NULL)
			*unsound = lappend_oid(*unsound, trigger->oid);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);

	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	if (HeapTupleIsValid(tuple))
	{
		cover.file = ((Form_pg_class) GETSTRUCT(tuple))->relfilenode;
		ReleaseSysCache(tuple);
	}
	return cover;
}

/* The coverage as of now, the segment table's own file first. */
bytea *
CsCoverage(const SegmentDefinition *definition, const SegmentSource *source)
{
	List *relations = CapturedRelations(definition, source, NoLock);
	Size size = VARHDRSZ + sizeof(Cover) * list_length(relations);
	bytea *coverage = palloc(size);
	Cover *covers = (Cover *) VARDATA(coverage);
	Oid function = CaptureFunction();
	ListCell *cell;

	SET_VARSIZE(coverage, size);
	foreach (cell, relations)
		*covers++ = ReadCover(lfirst_oid(cell), definition->table, function, NULL);
	return coverage;
}

/* In which way the coverage has changed; NULL when it has not. */
const char *
CsCoverageChange(bytea *before, bytea *now)
{
	int n = VARSIZE_ANY_EXHDR(now) / sizeof(Cover);
	Cover *old = (Cover *) VARDATA_ANY(before);
	Cover *new = (Cover *) VARDATA_ANY(now);
	int i;

	if (VARSIZE_ANY_EXHDR(before) != VARSIZE_ANY_EXHDR(now))
		return "partitions or children of a source were added or removed";
	for (i = 0; i < n; i++)
	{
		if (old[i].relation != new[i].relation)
			return "partitions or children of a source are others than before";
		if (old[i].file != new[i].file)
			return i == 0 ? "the segment table was rewritten or truncated"
						  : psprintf("%s was rewritten or truncated", CsQualifiedName(new[i].relation));
		if (old[i].parents != new[i].parents)
			return psprintf("%s was no partition or child for a while", CsQualifiedName(new[i].relation));
		if (memcmp(&old[i], &new[i], sizeof(Cover)) != 0)
			return psprintf("capture of %s was interrupted", CsQualifiedName(new[i].relation));
	}
	return NULL;
}

/*
 * Why changes of a relation cannot be captured by the owner of a segment table;
 * NULL if they can.
 */
static const char *
WhyNotCapturable(Oid relation, Oid owner, bool missing)
{
	switch (get_rel_relkind(relation))
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
			break;
		case RELKIND_VIEW:
		case RELKIND_MATVIEW:
			return psprintf("%s is a view", CsQualifiedName(relation));
		default:
			return psprintf("%s is a foreign table", CsQualifiedName(relation));
	}
	if (get_rel_persistence(relation) == RELPERSISTENCE_TEMP)
		return psprintf("%s is temporary", CsQualifiedName(relation));
	if (missing && !CsTellsLeftOut(relation) &&
		pg_class_aclcheck(relation, owner, ACL_TRIGGER) != ACLCHECK_OK)
		return psprintf("the owner has no TRIGGER right on %s", CsQualifiedName(relation));
	return NULL;
}

/* Give a relation a trigger, with the rights of the current role. */
static void
MakeTrigger(Oid relation, const char *name, int16 type, Oid function)
{
	CreateTrigStmt *statement = makeNode(CreateTrigStmt);

	statement->trigname = pstrdup(name);
	statement->relation = makeRangeVar(get_namespace_name(get_rel_namespace(relation)),
									   get_rel_name(relation), -1);
	statement->funcname = list_make2(makeString("customer_scoring"), makeString("capture_changes"));
	/* a partition may have one already that is not the copy of its parent's */
	statement->replace = true;
	statement->row = (type & TRIGGER_TYPE_ROW) != 0;
	statement->timing = type & TRIGGER_TYPE_TIMING_MASK;
	statement->events = type & TRIGGER_TYPE_EVENT_MASK;
	(void) CreateTriggerFiringOn(statement, NULL, relation, InvalidOid, InvalidOid, InvalidOid, function,
								 InvalidOid, NULL, false, false, TRIGGER_FIRES_ALWAYS);
	CommandCounterIncrement();
}

/* Which relation a trigger is on, and which trigger it is a copy of; false if it is gone. */
static bool
FindTrigger(Oid trigger, Oid *relation, Oid *parent)
{
	Relation catalog = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	bool found;

	ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(trigger));
	scan = systable_beginscan(catalog, TriggerOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	found = HeapTupleIsValid(tuple);
	if (found)
	{
		*relation = ((Form_pg_trigger) GETSTRUCT(tuple))->tgrelid;
		*parent = ((Form_pg_trigger) GETSTRUCT(tuple))->tgparentid;
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return found;
}

/* Drop a trigger, by its oldest ancestor if it is the copy on a partition. */
static void
DropTrigger(Oid trigger)
{
	ObjectAddress address;
	Oid relation;
	Oid parent;

	do
	{
		if (!FindTrigger(trigger, &relation, &parent))
			return;
		if (OidIsValid(parent))
			trigger = parent;
	} while (OidIsValid(parent));
	ObjectAddressSet(address, TriggerRelationId, trigger);
	performDeletion(&address, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
	CommandCounterIncrement();
}

/*
 * Give all relations that lack them their triggers. They are locked against
 * writers. Tables of the extension have theirs from the beginning, but a restore
 * that was told to disable triggers leaves them otherwise.
 */
static void
MakeTriggers(List *relations, const SegmentDefinition *definition, Oid function)
{
	CsIdentity saved;
	ListCell *cell;

	foreach (cell, relations)
	{
		List *unsound = NIL;
		ListCell *trigger;

		(void) ReadCover(lfirst_oid(cell), definition->table, function, &unsound);
		foreach (trigger, unsound)
			DropTrigger(lfirst_oid(trigger));
	}
	foreach (cell, relations)
	{
		Cover cover = ReadCover(lfirst_oid(cell), definition->table, function, NULL);

		CsBecome(&saved, CsTellsLeftOut(cover.relation) ? CsExtensionOwner() : definition->owner);
		if (!OidIsValid(cover.row_trigger))
			MakeTrigger(cover.relation, ROW_TRIGGER, RowTriggerType(cover.relation, definition->table),
						function);
		if (!OidIsValid(cover.truncate_trigger))
			MakeTrigger(cover.relation, TRUNCATE_TRIGGER, TRIGGER_TYPE_TRUNCATE, function);
		CsResume(&saved);
	}
}

/* Whether a relation has a trigger of another function under a name of ours. */
static bool
IsNameTaken(Oid relation, const char *name, Oid function)
{
	Relation catalog = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple tuple;
	bool taken;

	ScanKeyInit(&key[0], Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relation));
	ScanKeyInit(&key[1], Anum_pg_trigger_tgname, BTEqualStrategyNumber, F_NAMEEQ, CStringGetDatum(name));
	scan = systable_beginscan(catalog, TriggerRelidNameIndexId, true, NULL, 2, key);
	tuple = systable_getnext(scan);
	taken = HeapTupleIsValid(tuple) && ((Form_pg_trigger) GETSTRUCT(tuple))->tgfoid != function;
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return taken;
}

/* Whether all relations have their triggers; else why they cannot have them, if so. */
static bool
HaveTriggers(List *relations, const SegmentDefinition *definition, Oid function, const char **why)
{
	bool all = true;
	ListCell *cell;

	foreach (cell, relations)
	{
		Cover cover = ReadCover(lfirst_oid(cell), definition->table, function, NULL);
		bool missing = !OidIsValid(cover.row_trigger) || !OidIsValid(cover.truncate_trigger);

		*why = WhyNotCapturable(cover.relation, definition->owner, missing);
		if (*why != NULL)
			return false;
		all = all && !missing;
	}
	if (all)
		return true;
	foreach (cell, relations)
		if (IsNameTaken(lfirst_oid(cell), ROW_TRIGGER, function) ||
			IsNameTaken(lfirst_oid(cell), TRUNCATE_TRIGGER, function))
		{
			*why = psprintf("%s has a trigger of its own under a name that capture needs",
							CsQualifiedName(lfirst_oid(cell)));
			break;
		}
	return false;
}

/* The log of a segment table that is captured; InvalidOid if there is none. */
Oid
CsCapturedLog(Oid segment_table)
{
	return CsInternalTable(psprintf("change_log_%u", segment_table));
}

/* Whether capture needs no trigger that is not there. */
bool
CsHasTriggers(const SegmentDefinition *definition, const SegmentSource *source)
{
	const char *why;

	return HaveTriggers(CapturedRelations(definition, source, NoLock), definition, CaptureFunction(), &why);
}

/* Whether exactly the sources are noted, with the columns and the log they have now. */
static bool
IsNoted(Oid segment_table, const SegmentSource *source, Oid log)
{
	Oid types[1] = {OIDOID};
	Datum values[1] = {ObjectIdGetDatum(segment_table)};
	int n;
	int i;

	if (!OidIsValid(log) || get_atttype(log, LOG_KEY) != source->customer_type)
		return false;
	n = CsOwnSql("SELECT source, customer, log FROM customer_scoring_internal." CAPTURE_TABLE
				 " WHERE segment_table = $1 AND source <> $1",
				 1, types, values, NULL);
	if (n != source->nfollowed)
		return false;
	for (i = 0; i < n; i++)
	{
		bool isnull;
		Oid relation = DatumGetObjectId(
			SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));
		AttrNumber customer = DatumGetInt16(
			SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2, &isnull));
		bool found = DatumGetObjectId(
						 SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 3, &isnull)) == log;
		int j;

		for (j = 0; found && j < source->nfollowed; j++)
			if (source->followed[j].relation == relation && source->followed[j].customer == customer)
				break;
		if (!found || j == source->nfollowed)
			return false;
	}
	return true;
}

/* Note the segment table as follower of its sources, and tell all sessions. */
static void
Note(Oid segment_table, const SegmentSource *source, List *relations)
{
	Oid types[4] = {OIDOID, OIDOID, INT2OID, OIDOID};
	Datum values[4] = {ObjectIdGetDatum(segment_table)};
	Oid log = CsCapturedLog(segment_table);
	ListCell *cell;
	int i;

	CsOwnSql("DELETE FROM customer_scoring_internal." CAPTURE_TABLE " WHERE segment_table = $1", 1, types,
			 values, NULL);
	if (OidIsValid(log) && get_atttype(log, LOG_KEY) != source->customer_type)
	{
		CsDropChangeLog(log, true);
		log = InvalidOid;
	}
	if (!OidIsValid(log))
		log = CsCreateChangeLog(segment_table, source->customer_type, source->customer_typmod);
	for (i = -1; i < source->nfollowed; i++)
	{
		values[1] = ObjectIdGetDatum(i < 0 ? segment_table : source->followed[i].relation);
		values[2] = Int16GetDatum(i < 0 ? get_attnum(segment_table, "customer_id")
										: source->followed[i].customer);
		values[3] = ObjectIdGetDatum(log);
		CsOwnSql("INSERT INTO customer_scoring_internal." CAPTURE_TABLE
				 " (segment_table, source, customer, log) VALUES ($1, $2, $3, $4)",
				 4, types, values, NULL);
	}
	foreach (cell, relations)
		CacheInvalidateRelcacheByRelid(lfirst_oid(cell));
	CommandCounterIncrement();
}

/* Relations that segment tables follow, by segment_capture. */
static List *
FollowedRelations(Oid only_for)
{
	Oid types[1] = {OIDOID};
	Datum values[1] = {ObjectIdGetDatum(only_for)};
	List *all = NIL;
	int n = CsOwnSql("SELECT source FROM customer_scoring_internal." CAPTURE_TABLE
					 " WHERE $1 = 0 OR segment_table = $1",
					 1, types, values, NULL);
	int i;

	for (i = 0; i < n; i++)
	{
		bool isnull;

		all = list_append_unique_oid(
			all, DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull)));
	}
	return all;
}

/* All relations that carry triggers of ours. */
static List *
TriggeredRelations(Oid function)
{
	Relation depend = table_open(DependRelationId, AccessShareLock);
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple tuple;
	List *triggers = NIL;
	List *relations = NIL;
	ListCell *cell;

	ScanKeyInit(&key[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(ProcedureRelationId));
	ScanKeyInit(&key[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(function));
	scan = systable_beginscan(depend, DependReferenceIndexId, true, NULL, 2, key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		if (((Form_pg_depend) GETSTRUCT(tuple))->classid == TriggerRelationId)
			triggers = lappend_oid(triggers, ((Form_pg_depend) GETSTRUCT(tuple))->objid);
	systable_endscan(scan);
	table_close(depend, AccessShareLock);

	foreach (cell, triggers)
	{
		Oid relation;
		Oid parent;

		if (FindTrigger(lfirst_oid(cell), &relation, &parent))
			relations = list_append_unique_oid(relations, relation);
	}
	return relations;
}

/* Whether a relation, or what it is part of, is in a list. */
static bool
BelongsTo(Oid relation, const List *list)
{
	ListCell *cell;

	foreach (cell, CsAncestors(relation))
		if (list_member_oid(list, lfirst_oid(cell)))
			return true;
	return false;
}

/*
 * Take our triggers from relations that no segment table follows any more, but
 * for one. Those listed are waited for, others are left for another time while
 * they are in use. Tables of the extension keep theirs.
 */
static void
Sweep(List *wait_for, Oid keep)
{
	Oid function = CaptureFunction();
	List *followed = FollowedRelations(InvalidOid);
	List *relations = TriggeredRelations(function);
	Oid own = get_namespace_oid("customer_scoring", false);
	ListCell *cell;

	foreach (cell, relations)
	{
		Oid relation = lfirst_oid(cell);
		List *unsound = NIL;
		ListCell *trigger;
		Cover cover;

		if (relation == keep || get_rel_namespace(relation) == own || BelongsTo(relation, followed))
			continue;
		if (BelongsTo(relation, wait_for))
			LockRelationOid(relation, AccessExclusiveLock);
		else if (!ConditionalLockRelationOid(relation, AccessExclusiveLock))
			continue;
		cover = ReadCover(relation, InvalidOid, function, &unsound);
		if (OidIsValid(cover.row_trigger))
			unsound = lappend_oid(unsound, cover.row_trigger);
		if (OidIsValid(cover.truncate_trigger))
			unsound = lappend_oid(unsound, cover.truncate_trigger);
		foreach (trigger, unsound)
			DropTrigger(lfirst_oid(trigger));
	}
}

/* Tell all sessions that a relation, and its partitions and children, have lost a follower. */
static void
TellUnfollowed(Oid relation)
{
	ListCell *cell;

	if (get_rel_name(relation) == NULL)
		return;
	foreach (cell, find_all_inheritors(relation, NoLock, NULL))
		CacheInvalidateRelcacheByRelid(lfirst_oid(cell));
}

/*
 * A segment table has lost a source. Should it read the relation for something
 * else as well, that is captured again before the refresh of everybody which has
 * to follow.
 */
void
CsStopFollowing(Oid segment_table, const char *schema, const char *name)
{
	Oid types[2] = {OIDOID, OIDOID};
	Datum values[2];
	Oid relation = RangeVarGetRelid(makeRangeVar(pstrdup(schema), pstrdup(name), -1), NoLock, true);

	if (!OidIsValid(relation))
		return;
	values[0] = ObjectIdGetDatum(segment_table);
	values[1] = ObjectIdGetDatum(relation);
	CsOwnSql("DELETE FROM customer_scoring_internal." CAPTURE_TABLE
			 " WHERE segment_table = $1 AND source = $2",
			 2, types, values, NULL);
	CommandCounterIncrement();
	Sweep(list_make1_oid(relation), segment_table);
	TellUnfollowed(relation);
}

/*
 * Stop capturing for a segment table: it follows nothing, its log goes, and so
 * do triggers that are of use to nobody else. Sources are waited for if asked.
 */
void
CsDetachCapture(Oid segment_table, bool wait)
{
	Oid types[1] = {OIDOID};
	Datum values[1] = {ObjectIdGetDatum(segment_table)};
	List *relations = FollowedRelations(segment_table);
	ListCell *cell;

	CsOwnSql("DELETE FROM customer_scoring_internal." CAPTURE_TABLE " WHERE segment_table = $1", 1, types,
			 values, NULL);
	CommandCounterIncrement();
	Sweep(wait ? relations : NIL, segment_table);
	foreach (cell, relations)
		TellUnfollowed(lfirst_oid(cell));
	CsDropChangeLog(CsCapturedLog(segment_table), wait);
	CsOwnSql("DELETE FROM customer_scoring_internal.change_log_overflow WHERE segment_table = $1", 1, types,
			 values, NULL);
}

/* Whether changes of the sources of a segment table are captured; if they cannot be, why. */
bool
CsIsCaptured(const SegmentDefinition *definition, const SegmentSource *source, const char **why)
{
	*why = source->uncaptured;
	return *why == NULL &&
		   HaveTriggers(CapturedRelations(definition, source, NoLock), definition, CaptureFunction(), why) &&
		   IsNoted(definition->table, source, CsCapturedLog(definition->table));
}

/*
 * See to it that changes of the sources of a segment table are captured. NULL
 * if they are, else why they cannot be. Where something has to be done, all
 * relations are locked against writers until the transaction ends; those at
 * work are waited for.
 */
const char *
CsAttachCapture(const SegmentDefinition *definition, const SegmentSource *source)
{
	Oid function = CaptureFunction();
	List *relations;
	const char *why;

	if (CsIsCaptured(definition, source, &why) || why != NULL)
		return why;

	relations = CapturedRelations(definition, source, ShareRowExclusiveLock);
	if (!HaveTriggers(relations, definition, function, &why) && why == NULL)
		MakeTriggers(relations, definition, function);
	if (why != NULL)
		return why;
	if (!IsNoted(definition->table, source, CsCapturedLog(definition->table)))
	{
		Note(definition->table, source, relations);
		Sweep(NIL, InvalidOid);
	}
	return NULL;
}

/* Tell whoever made it so that changes are not captured, if there is a reason. */
void
CsTellUncaptured(Oid segment_table, const char *why)
{
	if (why != NULL)
		ereport(NOTICE, (errmsg("each refresh of segment table \"%s\" will recompute all customers",
								get_rel_name(segment_table)),
						 errdetail("Changes cannot be captured: %s.", why)));
}

/* Stop capturing for segment tables that were removed by DROP TABLE or DROP SCHEMA. */
void
CsDetachDropped(void)
{
	int n = CsOwnSql(
		"SELECT s.segment_table FROM (SELECT pg_catalog.substr(c.relname, 12)::pg_catalog.oid AS "
		"segment_table"
		" FROM pg_catalog.pg_class c WHERE c.relnamespace ="
		" 'customer_scoring_internal'::pg_catalog.regnamespace AND c.relname ~ '^change_log_[0-9]+$') s"
		" WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class t WHERE t.oid = s.segment_table)",
		0, NULL, NULL, NULL);
	List *gone = NIL;
	ListCell *cell;
	int i;

	for (i = 0; i < n; i++)
	{
		bool isnull;

		gone = lappend_oid(
			gone, DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull)));
	}
	foreach (cell, gone)
		CsDetachCapture(lfirst_oid(cell), false);
}
