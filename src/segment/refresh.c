/*
 * refresh.c
 *		Bringing a segment table up to date.
 *
 * A refresh recomputes customers, compares, and writes only the rows that
 * differ: those in the change log and those that are due (*incremental*), or all
 * (*full*). It holds a lock on the segment table that lets readers pass and keeps
 * every other writer out, taken before the snapshots. The log is cleared under
 * one snapshot, and sources are read and the table compared under one that is
 * not older: what is cleared is seen, and what is not seen yet stays in the log.
 * Under REPEATABLE READ both are that of the transaction.
 *
 * It runs as the owner of the segment table, security-restricted. SPI must be
 * connected; memory is SPI's.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/array.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

#include "core/compat.h"
#include "core/moment.h"
#include "core/money.h"
#include "core/owner.h"
#include "segment/capture.h"
#include "segment/change_log.h"
#include "segment/clv.h"
#include "segment/coverage.h"
#include "segment/history.h"
#include "segment/left_out.h"
#include "segment/quality.h"
#include "segment/refresh.h"
#include "segment/statement.h"
#include "segment/view.h"
#include "segment/tier.h"

/* Fewer changed customers than this are never too many for an incremental refresh. */
#define FEW_CUSTOMERS 10000

/* What the planner is told a page with changed rows costs, besides 1 for the next page of a scan. */
#define CACHED_PAGE_COST 1.1

/*
 * Pass an error on without the statement it came from, which is the
 * extension's, pages long, and tells its reader nothing.
 */
static void
RethrowWithoutStatement(MemoryContext context, const char *sql, const char *table)
{
	ErrorData *error;
	char *statement;
	char *found;

	MemoryContextSwitchTo(context);
	statement = psprintf("SQL statement \"%s\"", sql);
	error = CopyErrorData();
	FlushErrorState();
	if (error->internalquery != NULL && strcmp(error->internalquery, sql) == 0)
	{
		error->internalquery = NULL;
		error->internalpos = 0;
	}
	found = error->context != NULL ? strstr(error->context, statement) : NULL;
	if (found != NULL)
	{
		*found = '\0';
		error->context = psprintf("%srefresh of segment table \"%s\"%s", error->context, table,
								  found + strlen(statement));
	}
	ReThrowError(error);
}

/* Run a statement on source and segment table under the given snapshot; the rows are in SPI_tuptable. */
void
CsExecuteUnder(Snapshot snapshot, const char *sql, const SegmentSource *source, Oid table)
{
	MemoryContext context = CurrentMemoryContext;
	const char *name = get_rel_name(table);
	volatile int result = 0;

	CsOwnWrites(table);
	PG_TRY();
	{
		SPIPlanPtr plan = CsPrepareOnSource(source, sql);

		result = SPI_execute_snapshot(plan, source->values, source->nulls, snapshot, InvalidSnapshot, false,
									  true, 0);
	}
	PG_CATCH();
	{
		CsOwnWrites(InvalidOid);
		RethrowWithoutStatement(context, sql, name);
	}
	PG_END_TRY();
	CsOwnWrites(InvalidOid);
	if (result < 0)
		elog(ERROR, "statement of a refresh failed: %s", SPI_result_code_string(result));
}

static int64
ResultCount(int row, int column)
{
	bool isnull;

	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull));
}

/* Type and modifier of a column of a segment table that was locked. */
static void
StoredColumn(Oid table, const char *name, Oid *type, int32 *typmod, Oid *collation)
{
	AttrNumber attnum = get_attnum(table, name);

	if (attnum == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("segment table \"%s\" has no column \"%s\" any more", get_rel_name(table), name),
				 errhint("Give the column its name back, or drop the segment table and create it again.")));
	get_atttypetypmodcoll(table, attnum, type, typmod, collation);
}

/* Decimals that the money columns of a segment table have. */
int
CsStoredScale(Oid table)
{
	Oid type;
	int32 typmod;
	Oid collation;

	StoredColumn(table, "revenue", &type, &typmod, &collation);
	if (type != NUMERICOID || typmod < (int32) VARHDRSZ)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"revenue\" of segment table \"%s\" has lost its type", get_rel_name(table)),
				 errhint("Make it numeric(24, 2) again, with the decimals that the money has.")));
	return CsNumericTypmodScale(typmod);
}

/*
 * Find the source of a segment table that is locked, as its owner. An error
 * when it cannot be read as defined. Its scale may differ from the stored one:
 * whoever writes or compares rows goes by the latter.
 */
SegmentSource *
CsOpenRefresh(const SegmentDefinition *definition)
{
	CsIdentity saved;
	SegmentSource *source;
	Oid type;
	int32 typmod;
	Oid collation;

	CsActAsOwner(&saved, definition);
	if (check_enable_rls(definition->table, InvalidOid, true) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("row-level security hides rows of segment table \"%s\" from its owner",
						get_rel_name(definition->table)),
				 errhint("ALTER TABLE %s NO FORCE ROW LEVEL SECURITY.", CsQualifiedName(definition->table))));
	source = CsOpenSource(definition);
	CsCheckSourcePolicies(source, definition);
	StoredColumn(definition->table, "customer_id", &type, &typmod, &collation);
	if (type != source->customer_type || typmod != source->customer_typmod ||
		collation != source->customer_collation)
		ereport(
			ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg(
				 "column \"%s\" of source \"%s\" is no longer of the type of the segment table's customer_id",
				 definition->customer, definition->source_name),
			 type == source->customer_type && typmod == source->customer_typmod
				 ? errdetail("They have different collations.")
				 : errdetail("It is %s, customer_id is %s.",
							 format_type_with_typemod(source->customer_type, source->customer_typmod),
							 format_type_with_typemod(type, typmod)),
			 errhint("Drop the segment table and create it again.")));
	CsResume(&saved);
	return source;
}

/* A snapshot of now, or that of a transaction which has but one. */
static Snapshot
TakeSnapshot(void)
{
	return RegisterSnapshot(IsolationUsesXactSnapshot() ? GetTransactionSnapshot() : GetLatestSnapshot());
}

/* Whether a snapshot sees all others that began before a transaction number as ended. */
static bool
HaveEnded(FullTransactionId before, Snapshot snapshot)
{
	TransactionId end = XidFromFullTransactionId(before);
	TransactionId xid = snapshot->xmax;
	uint32 i;

	if (!FullTransactionIdIsValid(before))
		return false;
	for (i = 0; i < snapshot->xcnt; i++)
		if (!TransactionIdIsCurrentTransactionId(snapshot->xip[i]) &&
			TransactionIdPrecedes(snapshot->xip[i], end))
			return false;
	/* those from xmax on had not ended, and are not listed */
	while (TransactionIdPrecedes(xid, end))
	{
		if (!TransactionIdIsCurrentTransactionId(xid))
			return false;
		TransactionIdAdvance(xid);
	}
	return true;
}

/* Count the rows that are left out, by reason. */
static void
CountSkipped(const SegmentDefinition *definition, SegmentSource *source, Snapshot snapshot, bool keyed,
			 RefreshResult *result)
{
	int i;

	CsExecuteUnder(snapshot, CsSkippedSql(source, keyed), source, definition->table);
	for (i = 0; i < SPI_processed; i++)
	{
		bool isnull;
		int reason = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));

		result->skipped[reason] += ResultCount(i, 2);
	}
}

/* The text that a statement gives; NULL for none. */
static char *
ResultText(int column)
{
	return SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column);
}

/* Run the statement that writes, and take down what it did. */
static void
Write(const SegmentDefinition *definition, SegmentSource *source, Snapshot snapshot,
	  const StatementScope *scope, RefreshResult *result)
{
	char *breaks;

	CsExecuteUnder(snapshot, CsRefreshSql(definition, source, scope), source, definition->table);
	result->inserted += ResultCount(0, 1);
	result->updated += ResultCount(0, 2);
	result->deleted += ResultCount(0, 3);
	result->moved += ResultCount(0, 4);
	breaks = ResultText(5);
	if (breaks != NULL)
		result->breaks = breaks;
}

/*
 * Customers without a row who will have one: nothing but the log can keep the
 * moment. They are appended after their earlier rows were cleared.
 */
static void
LogWaiting(const SegmentDefinition *definition, SegmentSource *source, Snapshot snapshot, bool keyed, Oid log)
{
	Relation relation;
	Datum *keys;
	TimestampTz *due_at;
	uint64 n;
	uint64 i;

	CsExecuteUnder(snapshot, CsWaitingSql(source, keyed), source, definition->table);
	n = SPI_processed;
	if (n == 0 || !OidIsValid(log))
		return;
	keys = palloc_extended(n * sizeof(Datum), MCXT_ALLOC_HUGE);
	due_at = palloc_extended(n * sizeof(TimestampTz), MCXT_ALLOC_HUGE);
	for (i = 0; i < n; i++)
	{
		bool isnull;

		keys[i] = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull);
		due_at[i] = DatumGetTimestampTz(
			SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2, &isnull));
	}
	relation = table_open(log, RowExclusiveLock);
	CsLogKeys(relation, keys, n, due_at);
	table_close(relation, NoLock);
}

/* Set the parameters of a statement that are the same whoever it is about. */
static void
SetCommon(const SegmentDefinition *definition, SegmentSource *source, TimestampTz as_of, int64 run_id)
{
	source->scale = CsStoredScale(definition->table);
	CsSourceMoments(source, definition, as_of);
	CsSetParam(source, PARAM_RUN, Int64GetDatum(run_id));
}

/* Count the rows of the segment table, with those written so far. */
static void
CountCustomers(const SegmentDefinition *definition, SegmentSource *source, Snapshot snapshot,
			   RefreshResult *result)
{
	CsExecuteUnder(snapshot,
				   psprintf("SELECT pg_catalog.count(*) FROM ONLY %s", CsQualifiedName(definition->table)),
				   source, definition->table);
	result->customers = ResultCount(0, 1);
}

/*
 * Recompute everybody. as_of is DT_NOBEGIN for now, which is read after the
 * snapshot was taken: a row that the snapshot sees and that was written with
 * now() is not in the future then. Breaks that are to be frozen and are not yet
 * are found first, and lifetime values scored anew if that is due. The log, if
 * there is one, is cleared of what this covers.
 */
void
CsRefreshFull(SegmentDefinition *definition, SegmentSource *source, TimestampTz as_of, int64 run_id,
			  RefreshResult *result)
{
	Oid log = result->captured ? CsCapturedLog(definition->table) : InvalidOid;
	StatementScope scope = {.keyed = false, .map_changed = result->map_changed};
	CsIdentity saved;
	Snapshot snapshot;
	bool forget;

	result->mode = "full";
	if (OidIsValid(log))
	{
		Snapshot clearing = TakeSnapshot();

		CsClearChanges(log, CsReadWholeLog(log, clearing));
		UnregisterSnapshot(clearing);
	}

	CsActAsOwner(&saved, definition);
	CsEnsureSignal(definition->table, result->captured);
	snapshot = TakeSnapshot();
	result->settled = HaveEnded(result->settle_before, snapshot);
	result->as_of = as_of == DT_NOBEGIN ? GetCurrentTimestamp() : as_of;
	SetCommon(definition, source, result->as_of, run_id);
	CsFindLeftOut(source, snapshot, CsEverybodySql(source, false), false);
	CountSkipped(definition, source, snapshot, false, result);
	scope.future = result->skipped[SKIP_FUTURE] > 0;
	if (definition->frozen && definition->breaks == NULL)
	{
		CsExecuteUnder(snapshot, CsSourceBreaksSql(definition, source), source, definition->table);
		definition->breaks = ResultText(1);
		result->breaks = definition->breaks;
	}
	forget = CsClvMustForget(definition, source, snapshot);
	if (forget || CsClvIsDue(definition, result->as_of))
		CsScoreClv(definition, source, snapshot, run_id, forget, result);
	Write(definition, source, snapshot, &scope, result);
	CsKeepTierHistory(definition, source, snapshot, false, run_id);
	CsForgetLeftOut(definition, source, snapshot);
	if (scope.future)
		LogWaiting(definition, source, snapshot, false, log);
	CsLogReturns(source, log);
	if (definition->breaks == NULL)
	{
		CsExecuteUnder(snapshot, CsStoredBreaksSql(definition), source, definition->table);
		result->breaks = ResultText(1);
	}
	CountCustomers(definition, source, snapshot, result);
	CsKeepQuality(definition, source, snapshot, false, result->as_of, run_id);
	result->recomputed = result->customers;
	UnregisterSnapshot(snapshot);
	CsResume(&saved);
}

/* Whether the zone's clock changes near a moment, so that calendar arithmetic there is not steady. */
static bool
ClockChangesNear(TimestampTz moment, const char *time_zone)
{
	const int64 around = 25 * USECS_PER_HOUR;
	pg_tz *zone = CsZone(time_zone);
	int64 before = CsClockOf(moment - around, zone) - (moment - around);

	return CsClockOf(moment, zone) - moment != before ||
		   CsClockOf(moment + around, zone) - (moment + around) != before;
}

/* Whether rows may enter or leave a lookback, which goes by the clock, otherwise than one after the other. */
static bool
IsWindowUnsteady(const SegmentDefinition *definition, TimestampTz as_of)
{
	if (definition->lookback == NULL)
		return false;
	return ClockChangesNear(as_of, definition->time_zone) ||
		   ClockChangesNear(CsEarliest(as_of, definition->lookback, definition->time_zone),
							definition->time_zone);
}

/* Customers whose rows time has changed, up to limit, added to those of the log. */
static void
AddDue(const SegmentDefinition *definition, SegmentSource *source, Snapshot snapshot, int limit,
	   ChangeList *changes)
{
	uint64 i;

	CsExecuteUnder(snapshot,
				   psprintf("SELECT t.customer_id FROM ONLY %s t WHERE t.due_at <= $%d LIMIT %d",
							CsQualifiedName(definition->table), PARAM_AS_OF, limit),
				   source, definition->table);
	if (SPI_processed == 0)
		return;
	changes->keys = repalloc_huge(changes->keys, (changes->nkeys + SPI_processed) * sizeof(Datum));
	for (i = 0; i < SPI_processed; i++)
	{
		bool isnull;

		changes->keys[changes->nkeys++] = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1,
														&isnull);
	}
	if (SPI_processed == limit)
		changes->left++;
}

/*
 * Let the planner look changed customers up one by one where they are few: what
 * was written lately is in memory. By its default it would rather read a whole
 * table for one row in a hundred. Undone by CsResume.
 */
static void
ExpectCachedRows(void)
{
	if (random_page_cost > CACHED_PAGE_COST)
		CsPinSetting("random_page_cost", CppAsString2(CACHED_PAGE_COST));
}

/* Why what the log has is not enough; NULL if it is. */
static const char *
WhyNotChanged(const SegmentDefinition *definition, TimestampTz as_of, const ChangeList *changes,
			  bool overflowed, const RefreshResult *result)
{
	if (overflowed)
		return "more has changed than the log holds";
	if (!changes->fresh)
		return "the change log was lost";
	if (changes->everything)
		return "a source was truncated, or changed for too many customers at once";
	if (result->as_of <= definition->as_of)
		return as_of == DT_NOBEGIN ? "the clock was put back" : "as_of is not later than before";
	/* months differ in length: '1 month' before the 29th of March may be earlier than before the 28th */
	if (definition->lookback != NULL &&
		CsEarliest(result->as_of, definition->lookback, definition->time_zone) <
			CsEarliest(definition->as_of, definition->lookback, definition->time_zone))
		return "the lookback begins earlier than before";
	if (IsWindowUnsteady(definition, result->as_of))
		return "clocks change near an end of the lookback";
	if (changes->nkeys + changes->left > Max(FEW_CUSTOMERS, result->customers / 4))
		return "more than a quarter of the customers have changed";
	return NULL;
}

/*
 * Recompute customers that have changed or are due, at most limit of them; how
 * many rows of the log were left is told. NULL if it was done, else why
 * everybody has to be recomputed instead, with nothing done. The segment table
 * must have been captured since its last refresh.
 */
const char *
CsRefreshChanged(const SegmentDefinition *definition, SegmentSource *source, TimestampTz as_of, int64 run_id,
				 int limit, RefreshResult *result)
{
	Oid log = CsCapturedLog(definition->table);
	StatementScope scope = {.keyed = true, .future = true};
	ChangeList *changes;
	const char *reason;
	CsIdentity saved;
	Snapshot snapshot;
	bool some;

	snapshot = TakeSnapshot();
	result->as_of = as_of == DT_NOBEGIN ? GetCurrentTimestamp() : as_of;
	changes = CsReadChanges(log, snapshot, result->as_of, limit);
	reason = WhyNotChanged(definition, as_of, changes, CsLogHasOverflowed(definition->table, snapshot),
						   result);
	UnregisterSnapshot(snapshot);
	if (reason != NULL)
		return reason;

	CsActAsOwner(&saved, definition);
	ExpectCachedRows();
	snapshot = TakeSnapshot();
	SetCommon(definition, source, result->as_of, run_id);
	if (changes->nkeys < limit)
		AddDue(definition, source, snapshot, limit - changes->nkeys, changes);
	else
		changes->left++; /* nobody has looked for who is due */
	/* an erasure leaves no key, and yet moves breaks */
	some = changes->nkeys > 0 || changes->edited;
	if (some)
	{
		CsSetParam(source, PARAM_KEYS, CsKeyArray(source, changes->keys, changes->nkeys));
		CsFindLeftOut(source, snapshot, CsFewSql(source), true);
	}
	if (CsClvMustForget(definition, source, snapshot))
	{
		UnregisterSnapshot(snapshot);
		CsResume(&saved);
		return "customers that lifetime values were learned from have opted out";
	}
	CsClearChanges(log, changes);
	result->mode = "incremental";
	if (some)
	{
		int64 before = result->inserted - result->deleted;
		int64 written = result->inserted + result->updated + result->deleted;

		scope.nkeys = changes->nkeys;
		CountSkipped(definition, source, snapshot, true, result);
		Write(definition, source, snapshot, &scope, result);
		CsKeepTierHistory(definition, source, snapshot, true, run_id);
		CsForgetLeftOut(definition, source, snapshot);
		if (result->skipped[SKIP_FUTURE] > 0)
			LogWaiting(definition, source, snapshot, true, log);
		CsLogReturns(source, log);
		result->customers += result->inserted - result->deleted - before;
		/* a trigger may keep rows due as they are: there is no end of looking at them */
		if (changes->ntids == 0 && written == result->inserted + result->updated + result->deleted)
			changes->left = 0;
	}
	if (changes->edited)
		CountCustomers(definition, source, snapshot, result);
	CsKeepQuality(definition, source, snapshot, true, result->as_of, run_id);
	result->recomputed += changes->nkeys;
	result->left = changes->left;
	UnregisterSnapshot(snapshot);
	CsResume(&saved);
	return NULL;
}
