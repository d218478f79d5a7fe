/*
 * segment_rows.c
 *		An erased customer in segment tables, and what refreshes have left of him.
 *
 * The tables are locked as a refresh does, in the order of their oids, before
 * anything is erased, and until the transaction ends. Rows are deleted as the
 * table's owner, security-restricted; change logs, run reports and the model of
 * lifetime values, which is to be fitted anew, are internal.
 * SPI must be connected.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"

#include "core/compat.h"
#include "core/owner.h"
#include "privacy/erase.h"
#include "privacy/register.h"
#include "segment/capture.h"
#include "segment/clv.h"
#include "segment/definition.h"
#include "segment/source.h"

/* Whether a definition is in a list of them. */
static bool
IsAmong(const List *definitions, Oid table)
{
	ListCell *cell;

	foreach (cell, definitions)
		if (((const SegmentDefinition *) lfirst(cell))->table == table)
			return true;
	return false;
}

/*
 * All segment tables, locked, as a list of definitions, of which some may be
 * already. Whose they are does not matter: a tombstone takes the customer out of
 * each anyway, and nobody who may make a segment table must be able to have
 * erasures refused by making one.
 */
List *
CsLockSegmentTables(List *locked)
{
	List *tables = NIL;
	ListCell *cell;
	uint64 n = CsOwnSql(
		"SELECT d.segment_table::pg_catalog.oid FROM customer_scoring.segment_table_definition d"
		" JOIN pg_catalog.pg_class c ON c.oid = d.segment_table ORDER BY c.oid",
		0, NULL, NULL, NULL);
	uint64 i;

	for (i = 0; i < n; i++)
	{
		bool isnull;

		tables = lappend_oid(tables, DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[i],
																	SPI_tuptable->tupdesc, 1, &isnull)));
	}
	foreach (cell, tables)
	{
		Oid table = lfirst_oid(cell);

		if (IsAmong(locked, table))
			continue;
		LockRelationOid(table, ShareRowExclusiveLock);
		/* dropped meanwhile */
		if (get_rel_name(table) != NULL)
			locked = lappend(locked, CsReadDefinition(table));
	}
	return locked;
}

/* The customer as a value of a segment table's key; false if there is none. */
static bool
KeyOf(const CsErasure *erasure, Oid table, Oid *type, Datum *key)
{
	*type = get_atttype(table, get_attnum(table, "customer_id"));
	return CsPersonAs(*type, erasure->customer, key);
}

/* Run a statement about the customer on a segment table or its history, as the current role; the rows are in SPI_tuptable. */
static uint64
Run(const char *sql, Oid type, Datum key)
{
	Oid base = getBaseType(type);
	int result = SPI_execute_with_args(sql, 1, &base, &key, NULL, false, 0);

	if (result < 0)
		elog(ERROR, "statement of an erasure failed: %s", SPI_result_code_string(result));
	return SPI_processed;
}

/* Texts of the customer's key: those that are equal may be spelled in other ways. Ones that differ are added to a list. */
static void
FindSpelled(const CsErasure *erasure, const char *from, Oid type, Datum key, List **spelled)
{
	uint64 n = Run(
		psprintf("SELECT DISTINCT t.customer_id::pg_catalog.text COLLATE pg_catalog.\"C\" %s", from), type,
		key);
	uint64 i;

	for (i = 0; i < n; i++)
	{
		bool isnull;
		text *written = DatumGetTextPP(
			SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));

		if (!DatumGetBool(
				DirectFunctionCall2(byteaeq, PointerGetDatum(written), PointerGetDatum(erasure->customer))))
			*spelled = lappend(*spelled, written);
	}
}

/*
 * Delete a customer's rows of a segment table or its history, as the current
 * role, and see that a trigger keeps none.
 */
static uint64
DeleteRows(const CsErasure *erasure, const SegmentDefinition *definition, Oid relation, Oid type, Datum key,
		   List **spelled)
{
	char *name = CsQualifiedName(relation);
	char *from = psprintf("FROM ONLY %s t WHERE %s", name, CsPersonCondition("customer_id", type, 1));
	volatile uint64 rows = 0;

	CsRefuseHidden(relation, definition->owner);
	FindSpelled(erasure, from, type, key, spelled);
	CsOwnWrites(definition->table);
	PG_TRY();
	{
		rows = Run(psprintf("DELETE %s", from), type, key);
	}
	PG_FINALLY();
	{
		CsOwnWrites(InvalidOid);
	}
	PG_END_TRY();
	if (Run(psprintf("SELECT %s LIMIT 1", from), type, key) > 0)
		CsRefuseLeft(name);
	return rows;
}

/* Erase from one segment table and its history, as its owner. */
static void
EraseFrom(CsErasure *erasure, const SegmentDefinition *definition)
{
	Oid history = definition->history_table;
	uint64 rows = 0;
	uint64 moves = 0;
	List *spelled = NIL;
	ListCell *cell;
	CsIdentity saved;
	Oid type;
	Datum key;

	if (OidIsValid(history) && get_rel_name(history) == NULL)
		history = InvalidOid;
	CsActAsOwner(&saved, definition);
	if (KeyOf(erasure, definition->table, &type, &key))
	{
		rows = DeleteRows(erasure, definition, definition->table, type, key, &spelled);
		if (OidIsValid(history))
			moves = DeleteRows(erasure, definition, history, type, key, &spelled);
	}
	CsResume(&saved);
	if (rows > 0)
		CsClvForget(definition->table);
	foreach (cell, spelled)
		CsAddTombstone(lfirst(cell));
	CsEraseCount(erasure, CsQualifiedName(definition->table), rows, 0);
	if (OidIsValid(history))
		CsEraseCount(erasure, CsQualifiedName(history), moves, 0);
}

/* Erase from segment tables. */
void
CsEraseSegmentRows(CsErasure *erasure, const List *definitions)
{
	ListCell *cell;

	foreach (cell, definitions)
		EraseFrom(erasure, lfirst(cell));
}

/* What runs have reported may name the customer: such words go as a whole, as they may tell more of him. */
static uint64
EraseReports(const CsErasure *erasure)
{
	Oid types[1] = {TEXTOID};
	Datum values[1] = {PointerGetDatum(erasure->customer)};
	uint64 erased;

	erased = CsOwnSql(
		"UPDATE customer_scoring_internal.segment_run SET error_message = CASE WHEN error_message IS NOT NULL"
		" THEN 'The message named a customer who was erased' END, error_detail = NULL, error_hint = NULL,"
		" clv_report = NULL, key_account_report = NULL WHERE customer_scoring_internal.mentions("
		"pg_catalog.concat_ws(' ', error_message, error_detail, error_hint, clv_report, key_account_report), "
		"$1)",
		1, types, values, NULL);
	return erased + CsOwnSql("UPDATE customer_scoring_internal.segment_state SET"
							 " broken = 'The message named a customer who was erased'"
							 " WHERE customer_scoring_internal.mentions(broken, $1)",
							 1, types, values, NULL);
}

/* A data-quality report counts rows by customer, and gives one of them as an example. */
static uint64
EraseFromQuality(const CsErasure *erasure, Oid table)
{
	Oid types[2] = {TEXTOID, OIDOID};
	Datum values[2] = {PointerGetDatum(erasure->customer), ObjectIdGetDatum(table)};

	return CsOwnSql(
		"WITH gone AS (DELETE FROM customer_scoring_internal.segment_quality_customer c"
		" WHERE c.segment_table = $2 AND c.customer = $1 RETURNING c.source, c.problem, c.rows),"
		" named AS (SELECT r.source, r.problem, g.rows FROM customer_scoring_internal.segment_quality r"
		" LEFT JOIN gone g ON g.source = r.source AND g.problem = r.problem WHERE r.segment_table = $2"
		" AND (g.rows IS NOT NULL OR r.example = $1 OR customer_scoring_internal.mentions(r.detail, $1)))"
		" UPDATE customer_scoring_internal.segment_quality q SET rows = q.rows - coalesce(n.rows, 0),"
		" customers = q.customers - CASE WHEN n.rows IS NULL THEN 0 ELSE 1 END, example = nullif(q.example, "
		"$1),"
		" detail = CASE WHEN customer_scoring_internal.mentions(q.detail, $1)"
		" THEN 'The message named a customer who was erased' ELSE q.detail END FROM named n"
		" WHERE q.segment_table = $2 AND q.source = n.source AND q.problem = n.problem",
		2, types, values, NULL);
}

/*
 * Last, when all that triggers have captured is known: what refreshes have
 * reported, and what waits in change logs for the next one. Nobody need look at
 * the customer again: his rows are gone, and he has a tombstone.
 */
void
CsEraseTraces(CsErasure *erasure, const List *definitions)
{
	uint64 reports = EraseReports(erasure);
	uint64 counts = 0;
	ListCell *cell;

	CsEraseCount(erasure, "customer_scoring_internal.segment_run", 0, reports);
	foreach (cell, definitions)
	{
		const SegmentDefinition *definition = lfirst(cell);
		CsIdentity saved;
		Oid type;
		Datum key;
		bool found;

		CsActAsOwner(&saved, definition);
		found = KeyOf(erasure, definition->table, &type, &key);
		CsResume(&saved);
		if (found)
			CsForgetCaptured(definition->table, key);
		counts += EraseFromQuality(erasure, definition->table);
	}
	CsEraseCount(erasure, "customer_scoring_internal.segment_quality", 0, counts);
}
