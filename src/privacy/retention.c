/*
 * retention.c
 *		Rows that are kept too long: apply_retention, and the same by a worker.
 *
 * An entry of the register with a retention deletes rows, or anonymises a column,
 * whose time is longer ago. That is done as the owner of the table, security-
 * restricted, for tables which the caller owns, or acts as the owner of. A worker
 * that has refreshed segment tables of a role goes on with the tables of just
 * that role, each once a day and in a transaction of its own; a table on which it
 * fails is named in the server log, and waits for the next day.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "core/compat.h"
#include "core/owner.h"
#include "core/step.h"
#include "privacy/audit.h"
#include "privacy/register.h"
#include "privacy/retention.h"
#include "segment/job.h"
#include "segment/option.h"

PG_FUNCTION_INFO_V1(cs_apply_retention);

/* What was done to a table. */
typedef struct Outcome
{
	uint64 deleted;
	uint64 anonymised;
} Outcome;

/* The role that owns a table; InvalidOid when it is gone. */
static Oid
OwnerOf(Oid relation)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Oid owner = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
		ReleaseSysCache(tuple);
	}
	return owner;
}

/* SQL: set an anonymised column to $2, where it is something else; as text, which every type has. */
static char *
AnonymiseSql(const CsRegistered *registered, const CsEntry *entry, bool isnull)
{
	const char *column = quote_identifier(entry->column);

	return psprintf("UPDATE %s t SET %s = $2 WHERE t.%s OPERATOR(pg_catalog.<) $1 AND %s", registered->name,
					column, quote_identifier(entry->time_column),
					isnull ? psprintf("t.%s IS NOT NULL", column)
						   : psprintf("(t.%s::pg_catalog.text OPERATOR(pg_catalog.=) $2::pg_catalog.text)"
									  " IS NOT TRUE",
									  column));
}

/* Apply one entry, as the current role, to what is older than a moment. */
static void
ApplyEntry(const CsRegistered *registered, const CsEntry *entry, TimestampTz oldest, Outcome *outcome)
{
	bool deletes = entry->fate == CS_DELETE;
	Oid types[2] = {TIMESTAMPTZOID, deletes ? InvalidOid : getBaseType(entry->type)};
	Datum values[2] = {TimestampTzGetDatum(oldest), (Datum) 0};
	char nulls[2] = {' ', ' '};
	bool isnull = false;
	char *sql;

	if (deletes)
		sql = psprintf("DELETE FROM %s t WHERE t.%s OPERATOR(pg_catalog.<) $1", registered->name,
					   quote_identifier(entry->time_column));
	else
	{
		values[1] = CsReplacement(registered, entry, &isnull);
		nulls[1] = isnull ? 'n' : ' ';
		sql = AnonymiseSql(registered, entry, isnull);
	}
	*(deletes ? &outcome->deleted : &outcome->anonymised) += CsChangeRegistered(
		registered, sql, deletes ? 1 : 2, types, values, nulls);
}

/* Whether a registered table has a retention. */
static bool
HasRetention(const CsRegistered *registered)
{
	ListCell *cell;

	foreach (cell, registered->entries)
		if (((CsEntry *) lfirst(cell))->retention != NULL)
			return true;
	return false;
}

/* Apply all entries of a registered table as its owner; deleting comes first. */
static Outcome
Apply(CsRegistered *registered, TimestampTz as_of)
{
	Oid owner = OwnerOf(registered->relation);
	Outcome outcome = {0, 0};
	CsIdentity saved;
	ListCell *cell;

	CsResolve(registered);
	CsBecome(&saved, owner);
	CsRefuseHidden(registered->relation, owner);
	foreach (cell, registered->entries)
	{
		const CsEntry *entry = lfirst(cell);

		if (entry->retention != NULL)
			ApplyEntry(
				registered, entry,
				DatumGetTimestampTz(DirectFunctionCall2(timestamptz_mi_interval, TimestampTzGetDatum(as_of),
														IntervalPGetDatum(entry->retention))),
				&outcome);
	}
	CsResume(&saved);
	if (outcome.deleted + outcome.anonymised > 0)
		CsAudit("retention", registered->name, NULL,
				psprintf("{\"deleted\": " UINT64_FORMAT ", \"anonymised\": " UINT64_FORMAT "}",
						 outcome.deleted, outcome.anonymised));
	return outcome;
}

/*
 * apply_retention(as_of) → relation, deleted, anonymised: a row for each table
 * that the caller owns and that has a retention.
 */
Datum
cs_apply_retention(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	TimestampTz as_of;
	ListCell *cell;

	CsRequireArgument(fcinfo, 0, "as_of");
	PreventCommandIfReadOnly("apply_retention");
	PreventCommandDuringRecovery("apply_retention");
	as_of = PG_GETARG_TIMESTAMPTZ(0);
	CsRequireMoment(as_of, "as_of", "Leave it out for now.");
	if (as_of > GetCurrentTimestamp())
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("as_of must not be in the future"),
						errdetail("Rows would go before their time."), errhint("Leave it out for now.")));
	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	foreach (cell, CsReadRegister())
	{
		CsRegistered *registered = lfirst(cell);
		Datum values[3];
		bool nulls[3] = {false};
		Outcome outcome;

		if (!HasRetention(registered) || !CsOwnsRelation(registered->relation, GetUserId()))
			continue;
		outcome = Apply(registered, as_of);
		values[0] = CStringGetTextDatum(registered->name);
		values[1] = Int64GetDatum(outcome.deleted);
		values[2] = Int64GetDatum(outcome.anonymised);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	SPI_finish();
	return (Datum) 0;
}

/*
 * The next table of this role whose day has come, and from now on it has not;
 * InvalidOid for none. A table that another worker has taken is left to it.
 */
static Oid
TakeNext(void)
{
	Oid types[1] = {OIDOID};
	Datum values[1] = {ObjectIdGetDatum(GetUserId())};
	Oid relation = InvalidOid;
	bool isnull;

	CsBeginStep();
	/* first, as whoever drops the extension locks the register before our table */
	CsOwnSql("LOCK TABLE customer_scoring.privacy_register IN ACCESS SHARE MODE", 0, NULL, NULL, NULL);
	CsOwnSql("DELETE FROM customer_scoring_internal.retention_run r WHERE NOT EXISTS (SELECT FROM "
			 "pg_catalog.pg_class c"
			 " WHERE c.oid = r.relation)",
			 0, NULL, NULL, NULL);
	if (CsOwnSql("INSERT INTO customer_scoring_internal.retention_run AS r (relation, applied_at)"
				 " SELECT p.relation, pg_catalog.clock_timestamp() FROM (SELECT DISTINCT relation"
				 " FROM customer_scoring.privacy_register WHERE retention IS NOT NULL) p"
				 " JOIN pg_catalog.pg_class c ON c.oid = p.relation AND c.relowner = $1"
				 " LEFT JOIN customer_scoring_internal.retention_run r ON r.relation = p.relation"
				 " WHERE (r.applied_at BETWEEN pg_catalog.clock_timestamp() - '1 day'::pg_catalog.interval"
				 " AND pg_catalog.clock_timestamp()) IS NOT TRUE ORDER BY p.relation LIMIT 1"
				 " ON CONFLICT (relation) DO UPDATE SET applied_at = excluded.applied_at"
				 " RETURNING relation::pg_catalog.oid",
				 1, types, values, NULL) > 0)
		relation = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	CsEndStep();
	return relation;
}

/* Apply what the register says of one table, if it is still of this role. */
static void
ApplyTo(Oid relation)
{
	ListCell *cell;

	CsBeginStep();
	foreach (cell, CsReadRegister())
	{
		CsRegistered *registered = lfirst(cell);

		if (registered->relation == relation && HasRetention(registered) && OwnerOf(relation) == GetUserId())
		{
			pgstat_report_activity(STATE_RUNNING, psprintf("applying the retention of %s", registered->name));
			(void) Apply(registered, GetCurrentTimestamp());
		}
	}
	CsEndStep();
}

/*
 * In a worker that has done its refreshes, outside a transaction: apply what is
 * due. An error is told and passed over.
 */
static void
ApplyAsOwner(void)
{
	MemoryContext context = CurrentMemoryContext;
	Oid relation;

	while (OidIsValid(relation = TakeNext()))
	{
		PG_TRY();
		{
			ApplyTo(relation);
		}
		PG_CATCH();
		{
			ErrorData *error;

			MemoryContextSwitchTo(context);
			error = CopyErrorData();
			FlushErrorState();
			AbortCurrentTransaction();
			MemoryContextSwitchTo(context);
			ereport(
				LOG,
				(errmsg("retention of table with OID %u could not be applied: %s", relation, error->message),
				 errhint("Call customer_scoring.apply_retention as its owner; workers try again in a day.")));
			FreeErrorData(error);
		}
		PG_END_TRY();
		CHECK_FOR_INTERRUPTS();
	}
}

void
CsPrivacyInit(void)
{
	cs_owner_hook = ApplyAsOwner;
}
