/*
 * own.c
 *		Persons in the extension's own tables: those that personal_table lists.
 *
 * Each room that keeps customers has a row there for each of its tables, and
 * nothing else to do. The ledger of points stays, but for the person. Statements
 * run with the rights of the extension's owner, but for tables with triggers of
 * users, where they run with the caller's; SPI must be connected.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "core/compat.h"
#include "core/erased.h"
#include "core/owner.h"
#include "privacy/audit.h"
#include "privacy/erase.h"
#include "privacy/own.h"

PG_FUNCTION_INFO_V1(cs_erasing);

static bool erasing = false;

/* erasing(): for triggers that let nobody else through. */
Datum
cs_erasing(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(erasing);
}

/*
 * The list, without tables that are not there. Rows that go come first: whoever
 * writes to the ledger holds one of those, and is waited for there.
 */
List *
CsReadOwnTables(void)
{
	List *all = NIL;
	uint64 n = CsOwnSql("SELECT p.relation, p.customer, p.on_erase, p.after, p.mentions, p.on_export,"
						" pg_catalog.to_regclass(p.relation)::pg_catalog.oid"
						" FROM customer_scoring_internal.personal_table p"
						" WHERE pg_catalog.to_regclass(p.relation) IS NOT NULL"
						" ORDER BY p.on_erase, p.relation COLLATE \"C\", p.customer",
						0, NULL, NULL, NULL);
	uint64 i;

	for (i = 0; i < n; i++)
	{
		HeapTuple tuple = SPI_tuptable->vals[i];
		TupleDesc desc = SPI_tuptable->tupdesc;
		CsOwnTable *table = palloc(sizeof(CsOwnTable));
		bool isnull;

		table->relation = SPI_getvalue(tuple, desc, 1);
		table->customer = SPI_getvalue(tuple, desc, 2);
		table->deletes = strcmp(SPI_getvalue(tuple, desc, 3), "delete") == 0;
		table->after = SPI_getvalue(tuple, desc, 4);
		table->mentions = SPI_getvalue(tuple, desc, 5);
		table->on_export = SPI_getvalue(tuple, desc, 6)[0] == 't';
		table->id = DatumGetObjectId(SPI_getbinval(tuple, desc, 7, &isnull));
		all = lappend(all, table);
	}
	return all;
}

/*
 * SQL: whether row t is one of the customer, $1. Where another column comes first
 * in the index, its different values are found one by one along the index.
 */
char *
CsOwnCondition(const CsOwnTable *table)
{
	const char *after = table->after != NULL ? quote_identifier(table->after) : NULL;
	char *condition = psprintf("t.%s OPERATOR(pg_catalog.=) $1", quote_identifier(table->customer));

	if (after == NULL)
		return condition;
	return psprintf(
		"t.%s OPERATOR(pg_catalog.=) ANY (ARRAY(WITH RECURSIVE w (v) AS ("
		"SELECT (SELECT pg_catalog.min(x.%s) FROM %s x) UNION ALL"
		" SELECT (SELECT pg_catalog.min(x.%s) FROM %s x WHERE x.%s OPERATOR(pg_catalog.>) w.v) FROM w"
		" WHERE w.v IS NOT NULL) SELECT w.v FROM w WHERE w.v IS NOT NULL)) AND %s",
		after, after, table->relation, after, table->relation, after, condition);
}

/*
 * Whether a table has triggers that are not the extension's, which the owner of
 * the database may make on some. From now on nobody can make one.
 */
static bool
HasForeignTriggers(const char *relation)
{
	Oid types[1] = {TEXTOID};
	Datum values[1] = {CStringGetTextDatum(relation)};

	CsOwnSql(psprintf("LOCK TABLE %s IN ROW EXCLUSIVE MODE", relation), 0, NULL, NULL, NULL);
	return CsOwnSql("SELECT FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid"
					" WHERE t.tgrelid = pg_catalog.to_regclass($1) AND NOT t.tgisinternal AND p.pronamespace "
					"NOT IN"
					" ('customer_scoring'::pg_catalog.regnamespace,"
					" 'customer_scoring_internal'::pg_catalog.regnamespace)",
					1, types, values, NULL) > 0;
}

/*
 * Run a statement on one of these tables with the rights of the extension's owner.
 * The ledger and account rules let it through, and one row of privacy_audit tells
 * all.
 */
static uint64
RunAsOwner(Oid relation, const char *sql, int nargs, Oid *types, Datum *values)
{
	Oid before = CsSetErasedTable(relation);
	volatile uint64 rows = 0;

	erasing = true;
	CsPauseAudit(true);
	PG_TRY();
	{
		rows = CsOwnSql(sql, nargs, types, values, NULL);
	}
	PG_FINALLY();
	{
		erasing = false;
		CsPauseAudit(false);
		(void) CsSetErasedTable(before);
	}
	PG_END_TRY();
	return rows;
}

/* Run a statement as the caller: code of others must not be reached with more rights than his. */
static uint64
RunAsCaller(const char *sql, int nargs, Oid *types, Datum *values)
{
	int result = SPI_execute_with_args(sql, nargs, types, values, NULL, false, 0);

	if (result < 0)
		elog(ERROR, "statement of an erasure failed: %s", SPI_result_code_string(result));
	return SPI_processed;
}

static uint64
EraseFrom(const CsErasure *erasure, const CsOwnTable *table)
{
	Oid types[2] = {TEXTOID, TEXTOID};
	Datum values[2] = {PointerGetDatum(erasure->customer), CsPseudonymAs(&erasure->pseudonym, TEXTOID)};
	StringInfoData sql;
	int nargs;

	initStringInfo(&sql);
	if (table->deletes)
		appendStringInfo(&sql, "DELETE FROM %s t", table->relation);
	else
	{
		appendStringInfo(&sql, "UPDATE %s t SET %s = $2", table->relation, quote_identifier(table->customer));
		if (table->mentions != NULL)
			appendStringInfo(&sql,
							 ", %s = CASE WHEN customer_scoring_internal.mentions(t.%s, $1)"
							 " THEN pg_catalog.gen_random_uuid()::pg_catalog.text ELSE t.%s END",
							 quote_identifier(table->mentions), quote_identifier(table->mentions),
							 quote_identifier(table->mentions));
	}
	appendStringInfo(&sql, " WHERE %s", CsOwnCondition(table));
	nargs = table->deletes ? 1 : 2;
	if (HasForeignTriggers(table->relation))
		return RunAsCaller(sql.data, nargs, types, values);
	return RunAsOwner(table->id, sql.data, nargs, types, values);
}

/* Erase from all of them. */
void
CsEraseOwn(CsErasure *erasure)
{
	ListCell *cell;

	foreach (cell, CsReadOwnTables())
	{
		const CsOwnTable *table = lfirst(cell);
		uint64 erased = EraseFrom(erasure, table);

		CsEraseCount(erasure, table->relation, table->deletes ? erased : 0, table->deletes ? 0 : erased);
	}
}
