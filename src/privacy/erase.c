/*
 * erase.c
 *		erase_customer: a customer goes, or what tells who he is.
 *
 * In one transaction, in this order:
 *		segment tables are locked against refreshes, which are waited for;
 *		registered tables, with the rights of the caller;
 *		a tombstone; segment tables that others have made meanwhile are locked, too;
 *		the extension's own tables, with those of its owner (own.c);
 *		segment tables and their histories, with those of their owners, their
 *		change logs, and what runs have reported (segment_rows.c);
 *		one row of privacy_audit.
 * A refresh that waits reads its sources after this transaction, and the tombstone
 * with them, so nothing brings the customer back. Whatever cannot be erased is an
 * error that undoes the rest: rows hidden by row-level security, rows that a
 * trigger keeps.
 *
 * Rows are found by index wherever there is one. Rows that other transactions
 * write meanwhile are seen if they are committed before their table is looked at
 * for the last time.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/lsyscache.h"

#include "core/compat.h"
#include "core/owner.h"
#include "privacy/audit.h"
#include "privacy/erase.h"
#include "privacy/register.h"
#include "segment/option.h"

PG_FUNCTION_INFO_V1(cs_erase_customer);

/* A table is looked at this many times for rows that others commit meanwhile. */
#define LOOKS 3

/* What was done to a table. */
typedef struct Count
{
	const char *relation;
	uint64 deleted;
	uint64 anonymised;
} Count;

/* Add to what was done to a table, which may have several columns with customers. */
void
CsEraseCount(CsErasure *erasure, const char *relation, uint64 deleted, uint64 anonymised)
{
	ListCell *cell;
	Count *count;

	foreach (cell, erasure->counts)
	{
		count = lfirst(cell);
		if (strcmp(count->relation, relation) != 0)
			continue;
		count->deleted += deleted;
		count->anonymised += anonymised;
		return;
	}
	count = palloc(sizeof(Count));
	count->relation = relation;
	count->deleted = deleted;
	count->anonymised = anonymised;
	erasure->counts = lappend(erasure->counts, count);
}

/* Return what was done, and audit it: of tables that had rows. */
static void
TellCounts(const CsErasure *erasure, ReturnSetInfo *result)
{
	StringInfoData details;
	ListCell *cell;

	initStringInfo(&details);
	appendStringInfoChar(&details, '{');
	foreach (cell, erasure->counts)
	{
		const Count *count = lfirst(cell);
		Datum values[3] = {CStringGetTextDatum(count->relation), Int64GetDatum(count->deleted),
						   Int64GetDatum(count->anonymised)};
		bool nulls[3] = {false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		if (count->deleted + count->anonymised == 0)
			continue;
		appendStringInfoString(&details, details.len > 1 ? ", " : "");
		escape_json(&details, count->relation);
		appendStringInfo(&details, ": {\"deleted\": " UINT64_FORMAT ", \"anonymised\": " UINT64_FORMAT "}",
						 count->deleted, count->anonymised);
	}
	appendStringInfoChar(&details, '}');
	CsAudit("erase", NULL, erasure->customer, details.data);
}

/* A statement with its parameters, the first of which is the customer. */
typedef struct Statement
{
	StringInfoData sql;
	int nparams;
	Oid *types;
	Datum *values;
	char *nulls;
} Statement;

static void
AddParam(Statement *statement, Oid type, Datum value, bool isnull)
{
	statement->types[statement->nparams] = getBaseType(type);
	statement->values[statement->nparams] = value;
	statement->nulls[statement->nparams] = isnull ? 'n' : ' ';
	statement->nparams++;
}

/* Have an UPDATE set a column to what the register says, or to the pseudonym. */
static void
SetColumn(Statement *statement, const CsErasure *erasure, const CsRegistered *registered,
		  const CsEntry *entry)
{
	bool isnull = false;
	Datum value = entry->fate == CS_PSEUDONYMISE ? CsPseudonymAs(&erasure->pseudonym, entry->type)
												 : CsReplacement(registered, entry, &isnull);

	AddParam(statement, entry->type, value, isnull);
	appendStringInfo(&statement->sql, "%s%s = $%d", statement->nparams > 2 ? ", " : "",
					 quote_identifier(entry->column), statement->nparams);
}

/* Whether rows of a registered table go as a whole. */
static bool
DeletesRows(const CsRegistered *registered)
{
	ListCell *cell;

	foreach (cell, registered->entries)
		if (((CsEntry *) lfirst(cell))->fate == CS_DELETE)
			return true;
	return false;
}

/* The statement that erases a customer, who is given as a value of the customer column, from a registered table. */
static void
MakeStatement(Statement *statement, const CsErasure *erasure, const CsRegistered *registered, Datum customer)
{
	const CsEntry *substitute;
	int size = list_length(registered->entries) + 2;
	ListCell *cell;

	initStringInfo(&statement->sql);
	statement->nparams = 0;
	statement->types = palloc(size * sizeof(Oid));
	statement->values = palloc(size * sizeof(Datum));
	statement->nulls = palloc(size);
	AddParam(statement, registered->type, customer, false);
	if (DeletesRows(registered))
		appendStringInfo(&statement->sql, "DELETE FROM %s t", registered->name);
	else
	{
		appendStringInfo(&statement->sql, "UPDATE %s t SET ", registered->name);
		substitute = CsEntryOfCustomer(registered);
		SetColumn(statement, erasure, registered, substitute);
		foreach (cell, registered->entries)
		{
			const CsEntry *entry = lfirst(cell);

			if (entry->column != NULL && entry->fate != CS_KEEP &&
				strcmp(entry->column, registered->customer) != 0)
				SetColumn(statement, erasure, registered, entry);
		}
	}
	appendStringInfo(&statement->sql, " WHERE %s",
					 CsPersonCondition(registered->customer, registered->type, 1));
}

/* Rows of the customer are found again and again. */
void
CsRefuseLeft(const char *relation)
{
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("rows of the customer stay in table %s", relation),
					errdetail("A trigger or a rule keeps them, or the replacement is the customer himself."),
					errhint("Have the trigger let erase_customer through, or correct the table's rows in "
							"customer_scoring.privacy_register.")));
}

/*
 * Erase from a registered table, and see that nothing is left: a trigger may
 * have kept rows, and others may have added some.
 */
static void
EraseRegistered(CsErasure *erasure, const CsRegistered *registered)
{
	Statement statement;
	Datum customer;
	uint64 erased = 0;
	char *left;
	int look;

	CsRefuseHidden(registered->relation, GetUserId());
	if (!CsPersonAs(registered->type, erasure->customer, &customer))
	{
		CsEraseCount(erasure, registered->name, 0, 0);
		return;
	}
	MakeStatement(&statement, erasure, registered, customer);
	left = psprintf("SELECT FROM %s t WHERE %s LIMIT 1", registered->name,
					CsPersonCondition(registered->customer, registered->type, 1));
	for (look = 0; look < LOOKS; look++)
	{
		erased += CsChangeRegistered(registered, statement.sql.data, statement.nparams, statement.types,
									 statement.values, statement.nulls);
		if (CsChangeRegistered(registered, left, 1, statement.types, statement.values, NULL) == 0)
			break;
	}
	if (look == LOOKS)
		CsRefuseLeft(registered->name);
	if (DeletesRows(registered))
		CsEraseCount(erasure, registered->name, erased, 0);
	else
		CsEraseCount(erasure, registered->name, 0, erased);
}

/* Refuse where an erasure could miss rows, or cannot be. */
static void
CheckCanErase(void)
{
	PreventCommandIfReadOnly("erase_customer");
	PreventCommandDuringRecovery("erase_customer");
	if (XactIsoLevel != XACT_READ_COMMITTED)
		ereport(ERROR, (errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
						errmsg("erase_customer() cannot run in a transaction of isolation level %s",
							   XactIsoLevel == XACT_REPEATABLE_READ ? "REPEATABLE READ" : "SERIALIZABLE"),
						errdetail("Its snapshot would hide rows that others have committed since it began."),
						errhint("Call it in a READ COMMITTED transaction.")));
}

/* Give a customer a tombstone, which keeps him out of segment tables. */
void
CsAddTombstone(const text *customer)
{
	Oid types[1] = {TEXTOID};
	Datum values[1] = {PointerGetDatum(customer)};

	CsOwnSql("SELECT customer_scoring_internal.add_tombstone($1)", 1, types, values, NULL);
}

/*
 * erase_customer(customer) → relation, deleted, anonymised: a row for each table
 * that was looked at. An unknown customer, or one who was erased before, is
 * nothing special.
 */
Datum
cs_erase_customer(PG_FUNCTION_ARGS)
{
	CsErasure erasure;
	List *definitions;
	List *registered;
	ListCell *cell;
	int settings;

	CsRequireArgument(fcinfo, 0, "customer");
	CheckCanErase();
	InitMaterializedSRF(fcinfo, 0);
	erasure.customer = PG_GETARG_TEXT_PP(0);
	erasure.counts = NIL;
	CsMakePseudonym(&erasure.pseudonym);
	SPI_connect();
	definitions = CsLockSegmentTables(NIL);
	registered = CsReadRegister();
	settings = NewGUCNestLevel();
	CsPinSetting("enable_seqscan", "off");
	foreach (cell, registered)
		CsResolve(lfirst(cell));
	foreach (cell, registered)
		EraseRegistered(&erasure, lfirst(cell));
	/* nobody makes a segment table from now on; those who were at it are waited for */
	CsAddTombstone(erasure.customer);
	definitions = CsLockSegmentTables(definitions);
	CsEraseOwn(&erasure);
	CsEraseSegmentRows(&erasure, definitions);
	AtEOXact_GUC(false, settings);
	CsEraseTraces(&erasure, definitions);
	TellCounts(&erasure, (ReturnSetInfo *) fcinfo->resultinfo);
	SPI_finish();
	return (Datum) 0;
}
