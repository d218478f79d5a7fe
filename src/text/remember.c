/*
 * remember.c
 *		What a session remembers of a table of words.
 *
 * A table is read when it is first needed, by a scan under a snapshot taken at
 * that moment, and kept until its signal (see core/signal.c) tells of a change.
 * The scan is that of catalogs: it needs no right of the user, and works in
 * parallel plans. What is remembered is marked before it is read, so that what
 * changes meanwhile is not lost; an error leaves what was there before.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "core/compat.h"
#include "core/signal.h"
#include "text/remember.h"

static CsRemembered *all = NULL; /* that were ever asked for */

/* Called for each relcache entry that is invalidated; InvalidOid is all of them. */
static void
Invalidated(Datum argument, Oid relation)
{
	CsRemembered *what;

	for (what = all; what != NULL; what = what->next)
		if (!OidIsValid(relation) || relation == what->signal_id)
		{
			what->current = false;
			what->overtaken = true;
		}
}

/* Called once by each process. */
void
CsRememberInit(void)
{
	CacheRegisterRelcacheCallback(Invalidated, (Datum) 0);
}

/* Give each row of the table to its reader. */
static void
ReadRows(CsRemembered *what)
{
	Oid schema = get_namespace_oid("customer_scoring", true);
	Oid id = OidIsValid(schema) ? get_relname_relid(what->table, schema) : InvalidOid;
	Relation relation;
	SysScanDesc scan;
	HeapTuple tuple;

	if (!OidIsValid(id))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("table customer_scoring.%s does not exist", what->table),
						errhint("CREATE EXTENSION customer_scoring.")));
	relation = table_open(id, AccessShareLock);
	scan = systable_beginscan(relation, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		what->row(RelationGetDescr(relation), tuple);
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
}

static void
Load(CsRemembered *what)
{
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "customer_scoring words",
												 ALLOCSET_SMALL_SIZES);
	MemoryContext old;

	what->signal_id = CsSignalRelation(what->signal);
	what->overtaken = false;
	old = MemoryContextSwitchTo(memory);
	what->begin();
	ReadRows(what);
	what->end();
	MemoryContextSwitchTo(old);
	if (what->memory != NULL)
		MemoryContextDelete(what->memory);
	MemoryContextSetParent(memory, CacheMemoryContext);
	what->memory = memory;
	what->current = !what->overtaken;
}

/*
 * What is remembered is as the table is now; accept for what other sessions
 * have committed since the transaction last looked. It stays until the next
 * call.
 */
void
CsReadyRemembered(CsRemembered *what, bool accept)
{
	if (accept)
		AcceptInvalidationMessages();
	if (likely(what->current))
		return;
	if (!what->known)
	{
		what->known = true;
		what->next = all;
		all = what;
	}
	Load(what);
}

/* A column of a row, and where it is; the tables here have no NULL in it. */
static Datum
ColumnValue(TupleDesc descriptor, HeapTuple tuple, const char *column)
{
	int i;

	for (i = 0; i < descriptor->natts; i++)
		if (!TupleDescAttr(descriptor, i)->attisdropped &&
			namestrcmp(&TupleDescAttr(descriptor, i)->attname, column) == 0)
		{
			bool isnull;
			Datum value = heap_getattr(tuple, i + 1, descriptor, &isnull);

			if (!isnull)
				return value;
		}
	elog(ERROR, "no value of column \"%s\"", column);
	return (Datum) 0;
}

/* A text column of a row, in the current memory. */
char *
CsColumnText(TupleDesc descriptor, HeapTuple tuple, const char *column)
{
	return TextDatumGetCString(ColumnValue(descriptor, tuple, column));
}

/* A boolean column of a row. */
bool
CsColumnBool(TupleDesc descriptor, HeapTuple tuple, const char *column)
{
	return DatumGetBool(ColumnValue(descriptor, tuple, column));
}
