/*
 * probe.c
 *		A short visit of a database: which segment tables are due?
 *
 * The process has all rights, because it serves every owner, and therefore runs
 * no code of users: no SQL, no functions, no operators, no name looked up along a
 * path. The extension's tables are found as its members, read by scan and with
 * columns identified by name and type, so that a look-alike, an older or a newer
 * layout is left alone. Their locks are taken only if free: CREATE, ALTER and
 * DROP EXTENSION never wait for it, nor it for them.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "core/compat.h"
#include "worker/worker.h"

/* A refresh that ended later than this from now says the clock was put back. */
#define CLOCK_TOLERANCE CS_SECONDS(60)

/* A segment table as its definition and its state tell. */
typedef struct Known
{
	Oid segment_table; /* hash key */
	bool scheduled;
	bool has_state;
	TimestampTz due;
	TimestampTz refreshed;
} Known;

/* What the visit has found so far. */
typedef struct Findings
{
	Oid database;
	TimestampTz now;
	TimestampTz next;
	int ndue;
	int size;
	CsJob *due;
} Findings;

/* Columns read from the two tables. */
enum
{
	DEFINITION_TABLE,
	DEFINITION_EVERY,
	STATE_TABLE,
	STATE_DUE,
	STATE_REFRESHED,
	COLUMNS
};

static const struct
{
	const char *name;
	Oid type;
} Columns[COLUMNS] = {[DEFINITION_TABLE] = {"segment_table", REGCLASSOID},
					  [DEFINITION_EVERY] = {"refresh_every", INTERVALOID},
					  [STATE_TABLE] = {"segment_table", REGCLASSOID},
					  [STATE_DUE] = {"due_at", TIMESTAMPTZOID},
					  [STATE_REFRESHED] = {"refreshed_at", TIMESTAMPTZOID}};

/*
 * The extension, if it is here, installed by a superuser, and of this library's
 * version; else InvalidOid. Only the last two reasons are worth mentioning.
 */
static Oid
FindExtension(const Findings *found)
{
	Oid extension = get_extension_oid("customer_scoring", true);
	Relation catalog;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	const char *fault = NULL;

	if (!OidIsValid(extension))
		return InvalidOid;
	catalog = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_extension_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(extension));
	scan = systable_beginscan(catalog, ExtensionOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (!HeapTupleIsValid(tuple))
		extension = InvalidOid;
	else
	{
		bool isnull;
		Datum version = heap_getattr(tuple, Anum_pg_extension_extversion, RelationGetDescr(catalog), &isnull);

		if (!superuser_arg(((Form_pg_extension) GETSTRUCT(tuple))->extowner))
			fault = "Its owner is not a superuser.";
		else if (isnull || strcmp(TextDatumGetCString(version), CS_EXTVERSION) != 0)
			fault = "Its version is not the one of the library: run ALTER EXTENSION customer_scoring UPDATE.";
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);

	if (fault == NULL)
		return extension;
	if (CsMayTell(CS_NEWS_EXTENSION, found->database, InvalidOid, found->now))
		ereport(LOG, (errmsg("extension customer_scoring in database \"%s\" is left alone by the scheduler",
							 get_database_name(found->database)),
					  errdetail("%s", fault)));
	return InvalidOid;
}

/* A table that is a member of the extension, by its name; else InvalidOid. */
static Oid
FindMember(Oid extension, const char *name)
{
	Relation catalog = table_open(DependRelationId, AccessShareLock);
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple tuple;
	Oid found = InvalidOid;

	ScanKeyInit(&key[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(ExtensionRelationId));
	ScanKeyInit(&key[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(extension));
	scan = systable_beginscan(catalog, DependReferenceIndexId, true, NULL, 2, key);
	while (!OidIsValid(found) && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tuple);
		HeapTuple relation;

		CHECK_FOR_INTERRUPTS();
		if (depend->classid != RelationRelationId || depend->deptype != DEPENDENCY_EXTENSION)
			continue;
		relation = SearchSysCache1(RELOID, ObjectIdGetDatum(depend->objid));
		if (!HeapTupleIsValid(relation))
			continue;
		if (((Form_pg_class) GETSTRUCT(relation))->relkind == RELKIND_RELATION &&
			strcmp(NameStr(((Form_pg_class) GETSTRUCT(relation))->relname), name) == 0)
			found = depend->objid;
		ReleaseSysCache(relation);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return found;
}

/* Open a table unless somebody is changing it, or it is gone: then NULL. */
static Relation
OpenIfFree(Oid relation)
{
	if (!ConditionalLockRelationOid(relation, AccessShareLock))
		return NULL;
	return try_relation_open(relation, NoLock);
}

/* The number of a column of that name and type, or 0. */
static AttrNumber
FindColumn(Relation relation, int column)
{
	TupleDesc desc = RelationGetDescr(relation);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (!attribute->attisdropped && strcmp(NameStr(attribute->attname), Columns[column].name) == 0)
			return attribute->atttypid == Columns[column].type ? attribute->attnum : 0;
	}
	return 0;
}

/* Find all columns from first to last. */
static bool
FindColumns(Relation relation, int first, int last, AttrNumber *number)
{
	for (int i = first; i <= last; i++)
	{
		number[i] = FindColumn(relation, i);
		if (number[i] == 0)
			return false;
	}
	return true;
}

/* All tables with a definition, and what is known of their refreshes. */
static HTAB *
ReadTables(Relation definition, Relation state, const AttrNumber *number)
{
	HASHCTL control = {.keysize = sizeof(Oid), .entrysize = sizeof(Known), .hcxt = CurrentMemoryContext};
	HTAB *tables = hash_create("segment tables", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	SysScanDesc scan;
	HeapTuple tuple;

	scan = systable_beginscan(definition, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		TupleDesc desc = RelationGetDescr(definition);
		bool isnull;
		Oid oid = DatumGetObjectId(heap_getattr(tuple, number[DEFINITION_TABLE], desc, &isnull));
		Known *known;

		CHECK_FOR_INTERRUPTS();
		if (isnull)
			continue;
		known = hash_search(tables, &oid, HASH_ENTER, NULL);
		(void) heap_getattr(tuple, number[DEFINITION_EVERY], desc, &isnull);
		known->scheduled = !isnull;
		known->has_state = false;
	}
	systable_endscan(scan);

	scan = systable_beginscan(state, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		TupleDesc desc = RelationGetDescr(state);
		bool isnull;
		Oid oid = DatumGetObjectId(heap_getattr(tuple, number[STATE_TABLE], desc, &isnull));
		Known *known;

		CHECK_FOR_INTERRUPTS();
		known = isnull ? NULL : hash_search(tables, &oid, HASH_FIND, NULL);
		if (known == NULL)
			continue;
		known->has_state = true;
		known->due = DatumGetTimestampTz(heap_getattr(tuple, number[STATE_DUE], desc, &isnull));
		if (isnull)
			known->due = DT_NOEND;
		known->refreshed = DatumGetTimestampTz(heap_getattr(tuple, number[STATE_REFRESHED], desc, &isnull));
		if (isnull)
			known->refreshed = DT_NOBEGIN;
	}
	systable_endscan(scan);
	return tables;
}

/* A table is due: report it if a worker could refresh it. */
static void
AddDue(Findings *found, Oid segment_table, TimestampTz due)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(segment_table));
	CsJob job = {.database = found->database, .segment_table = segment_table, .due = due};

	/* left behind in a definition: not the business of a worker */
	if (!HeapTupleIsValid(tuple))
		return;
	job.owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	if (!CsOwnerMayConnect(job.owner, found->database))
	{
		if (CsMayTell(CS_NEWS_OWNER, found->database, segment_table, found->now))
			ereport(LOG, (errmsg("segment table \"%s\" in database \"%s\" is not refreshed by schedule",
								 NameStr(((Form_pg_class) GETSTRUCT(tuple))->relname),
								 get_database_name(found->database)),
						  errdetail("Its owner may not connect to the database."),
						  errhint("Give the owner LOGIN, and CONNECT on the database.")));
		ReleaseSysCache(tuple);
		return;
	}
	ReleaseSysCache(tuple);
	if (found->ndue == found->size)
	{
		found->size = Max(32, found->size * 2);
		found->due = found->due == NULL ? palloc(found->size * sizeof(CsJob))
										: repalloc(found->due, found->size * sizeof(CsJob));
	}
	found->due[found->ndue++] = job;
}

/*
 * Whether a segment table has its key. A restore creates keys after rows: one
 * without is still being restored, and what a worker would read may be a source
 * without rows, what it would write would come a second time from the dump.
 */
static bool
HasKey(Oid segment_table)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(segment_table));
	bool result;

	if (!HeapTupleIsValid(tuple))
		return false;
	result = ((Form_pg_class) GETSTRUCT(tuple))->relhasindex;
	ReleaseSysCache(tuple);
	return result;
}

/*
 * When a worker has to see to the table: at its due moment; at once when a
 * schedule has lost its state by a restore that is over, or its clock.
 */
static void
Judge(Findings *found, const Known *known)
{
	if (!known->has_state)
	{
		if (known->scheduled && HasKey(known->segment_table))
			AddDue(found, known->segment_table, DT_NOBEGIN);
	}
	else if (known->due <= found->now ||
			 (known->due != DT_NOEND && known->refreshed > found->now + CLOCK_TOLERANCE))
		AddDue(found, known->segment_table, known->due);
	else
		found->next = Min(found->next, known->due);
}

static int
CompareJobs(const void *a, const void *b)
{
	const CsJob *x = a;
	const CsJob *y = b;

	if (x->due != y->due)
		return x->due < y->due ? -1 : 1;
	return x->segment_table < y->segment_table ? -1 : x->segment_table > y->segment_table;
}

/*
 * Look around. False if a table is being changed just now: come back later.
 */
static bool
Visit(Findings *found)
{
	Oid extension = FindExtension(found);
	Oid definition_oid;
	Oid state_oid;
	Relation definition = NULL;
	Relation state = NULL;
	AttrNumber number[COLUMNS];
	bool free;

	if (!OidIsValid(extension))
		return true;
	definition_oid = FindMember(extension, "segment_table_definition");
	state_oid = FindMember(extension, "segment_state");
	if (OidIsValid(definition_oid) && OidIsValid(state_oid))
	{
		definition = OpenIfFree(definition_oid);
		state = OpenIfFree(state_oid);
		free = definition != NULL && state != NULL;
	}
	else
		free = true;

	if (definition != NULL && state != NULL &&
		FindColumns(definition, DEFINITION_TABLE, DEFINITION_EVERY, number) &&
		FindColumns(state, STATE_TABLE, STATE_REFRESHED, number))
	{
		HASH_SEQ_STATUS each;
		Known *known;

		hash_seq_init(&each, ReadTables(definition, state, number));
		while ((known = hash_seq_search(&each)) != NULL)
			Judge(found, known);
		if (found->ndue > 1)
			qsort(found->due, found->ndue, sizeof(CsJob), CompareJobs);
	}
	else if (free && CsMayTell(CS_NEWS_EXTENSION, found->database, InvalidOid, found->now))
		ereport(LOG, (errmsg("extension customer_scoring in database \"%s\" is left alone by the scheduler",
							 get_database_name(found->database)),
					  errdetail("Its tables are not those of version %s.", CS_EXTVERSION)));

	/* locks go with the transaction, as does the memory */
	if (state != NULL)
		relation_close(state, NoLock);
	if (definition != NULL)
		relation_close(definition, NoLock);
	return free;
}

void
CsProbeMain(Datum arg)
{
	CsOrder order;
	Findings found = {.next = DT_NOEND};
	bool complete;

	CsAcceptOrder(&order);
	CsConnectOrder(&order);
	pgstat_report_activity(STATE_RUNNING, "looking for segment tables that are due");

	StartTransactionCommand();
	found.database = order.database;
	found.now = GetCurrentTimestamp();
	complete = Visit(&found);
	if (complete)
		CsReportLook(&order, found.due, found.ndue, found.next);
	CommitTransactionCommand();
	proc_exit(0);
}
