/*
 * mode.c
 *		Whether a refresh recomputes all customers or some.
 *
 * Some suffice when every change since the last refresh is in the change log.
 * Whenever that is in doubt all are recomputed, and the run says why.
 *
 * A log that was lost in a crash, or had overflowed, leaves a doubt that outlives
 * one such refresh: transactions that are open may have written what is not in
 * the log. The table is *settling* until a refresh of everybody has a snapshot
 * in which all of them have ended.
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/xid8.h"

#include "core/attempt.h"
#include "core/compat.h"
#include "core/owner.h"
#include "segment/capture.h"
#include "segment/change_log.h"
#include "segment/clv.h"
#include "segment/coverage.h"
#include "segment/history.h"
#include "segment/mode.h"
#include "segment/tier.h"

static const char *const InUse = "a source is in use, so that its changes could not be captured";

static Datum
StateColumn(int n, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, n, isnull);
}

static char *
StateText(int n)
{
	bool isnull;
	Datum value = StateColumn(n, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

/* What is known of the last refresh; after a restore, nothing. */
RefreshState *
CsReadState(Oid table)
{
	Oid types[1] = {REGCLASSOID};
	Datum values[1] = {ObjectIdGetDatum(table)};
	RefreshState *state = palloc0(sizeof(RefreshState));
	Datum value;
	bool isnull;

	if (CsOwnSql("SELECT refreshed_at, source, source_columns, coverage, extension_version, full_reason,"
				 " map_changed, settling, settle_before, customers, tier_terms::pg_catalog.text"
				 " FROM customer_scoring_internal.segment_state WHERE segment_table = $1",
				 1, types, values, NULL) == 0)
		return state;
	(void) StateColumn(1, &isnull);
	state->refreshed = !isnull;
	state->source = DatumGetObjectId(StateColumn(2, &isnull));
	state->columns = StateText(3);
	value = StateColumn(4, &isnull);
	if (!isnull)
		state->coverage = DatumGetByteaPCopy(value);
	state->version = StateText(5);
	state->full_reason = StateText(6);
	state->map_changed = DatumGetBool(StateColumn(7, &isnull));
	state->settling = DatumGetBool(StateColumn(8, &isnull));
	value = StateColumn(9, &isnull);
	if (!isnull)
		state->settle_before = DatumGetFullTransactionId(value);
	state->customers = DatumGetInt64(StateColumn(10, &isnull));
	(void) StateColumn(11, &isnull);
	state->tier_terms = isnull ? NULL : StateText(11);
	return state;
}

/* Why everybody must be recomputed, by what is known before the log is read; NULL if there is no reason. */
static const char *
WhyFull(const SegmentDefinition *definition, const SegmentSource *source, TimestampTz as_of,
		const RefreshState *state, bytea *coverage)
{
	if (!state->refreshed)
		return "first refresh";
	if (state->source != source->relation)
		return "the source is another relation than before";
	if (state->full_reason != NULL)
		return state->full_reason;
	if (state->columns == NULL || strcmp(state->columns, source->columns) != 0)
		return "columns of a source are others than before";
	if (state->version == NULL || strcmp(state->version, CS_EXTVERSION) != 0)
		return "the extension was upgraded";
	if (state->coverage == NULL)
		return "changes were not captured before";
	if (definition->frozen && definition->breaks == NULL)
		return "breaks are to be frozen";
	if (CsClvIsDue(definition, as_of == DT_NOBEGIN ? GetCurrentTimestamp() : as_of))
		return "customer lifetime values are due";
	if (CsTiersAltered(definition, state->tier_terms))
		return "the tier policy was altered";
	return CsCoverageChange(state->coverage, coverage);
}

/*
 * Put the log into a state from which it can be relied on, once everybody has
 * been recomputed and the transactions told in state have ended.
 */
void
CsHealLog(Oid table, RefreshState *state)
{
	Oid log = CsCapturedLog(table);
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
	bool overflowed = CsLogHasOverflowed(table, snapshot);
	bool fresh = CsReadChanges(log, snapshot, DT_NOBEGIN, 1)->fresh;

	UnregisterSnapshot(snapshot);
	if (overflowed)
	{
		(void) CsResetChangeLog(table, log);
		state->settling = true;
		state->settle_before = InvalidFullTransactionId;
		return;
	}
	if (!fresh)
	{
		CsMarkFresh(log);
		state->settling = true;
		state->settle_before = InvalidFullTransactionId;
	}
	if (state->settling && !FullTransactionIdIsValid(state->settle_before))
		state->settle_before = ReadNextFullTransactionId();
}

/* What AttachIfFree tries. */
typedef struct Attaching
{
	const SegmentDefinition *definition;
	const SegmentSource *source;
	const char *why; /* changes are not captured, or NULL */
} Attaching;

static void
Attach(void *argument)
{
	Attaching *attaching = argument;
	int settings = NewGUCNestLevel();

	CsWaitBriefly();
	/* whoever waits already will look for a deadlock after the whole of it */
	(void) set_config_option("deadlock_timeout", psprintf("%d", Max(DeadlockTimeout / 50, 1)), PGC_SUSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	attaching->why = CsAttachCapture(attaching->definition, attaching->source);
	AtEOXact_GUC(false, settings);
}

/*
 * Have changes captured, without waiting long for whoever uses the sources:
 * others would wait behind, and a prepared transaction may last for days. Who
 * waits for us in turn must not be the one who gives way, so we do so before a
 * deadlock is looked for. NULL if changes are captured, else why not; attached
 * tells whether they were not until now.
 */
static const char *
AttachIfFree(const SegmentDefinition *definition, const SegmentSource *source, bool *attached)
{
	Attaching attaching = {.definition = definition, .source = source};
	const char *reason;
	ErrorData *error;

	if (CsIsCaptured(definition, source, &reason) || reason != NULL)
		return reason;
	error = CsAttempt(Attach, &attaching);
	if (error != NULL && error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE &&
		error->sqlerrcode != ERRCODE_T_R_DEADLOCK_DETECTED)
		ReThrowError(error);
	if (error != NULL)
		return InUse;
	*attached = attaching.why == NULL;
	return attaching.why;
}

/*
 * Have changes captured, if they are not and may be, and find out whether all
 * customers have to be recomputed at a moment, DT_NOBEGIN for now: NULL if not.
 * What is to be remembered about it goes into state and result. This comes before
 * the snapshots of the refresh.
 */
const char *
CsPrepareRefresh(const SegmentDefinition *definition, const SegmentSource *source, TimestampTz as_of,
				 bool attach, RefreshState *state, RefreshResult *result)
{
	bool attached = false;
	const char *why;

	if (attach)
		why = AttachIfFree(definition, source, &attached);
	else if (!CsIsCaptured(definition, source, &why) && why == NULL)
		why = InUse;

	memset(result, 0, sizeof(RefreshResult));
	result->captured = why == NULL;
	result->coverage = result->captured ? CsCoverage(definition, source) : NULL;
	result->customers = state->customers;
	result->was_as_of = definition->as_of;
	result->map_changed = state->map_changed;
	if (why == NULL || !state->refreshed)
	{
		const char *reason = WhyFull(definition, source, as_of, state, result->coverage);

		if (reason == NULL && attached)
			return "changes were not captured before";
		return reason != NULL ? reason : why;
	}
	return why;
}

/*
 * Refresh in one transaction, of READ COMMITTED. The segment table must be
 * locked by the caller, see CsLockSegmentTable.
 */
void
CsRefreshNow(SegmentDefinition *definition, SegmentSource *source, TimestampTz as_of, int64 run_id,
			 bool attach, RefreshResult *result)
{
	RefreshState *state = CsReadState(definition->table);

	CsFlushCapture();
	CsCheckHistory(definition);
	result->reason = CsPrepareRefresh(definition, source, as_of, attach, state, result);
	if (result->reason == NULL)
		result->reason = CsRefreshChanged(definition, source, as_of, run_id, PG_INT32_MAX, result);
	if (result->reason == NULL)
	{
		CsKeepHistory(definition, run_id, result);
		return;
	}
	if (result->captured)
		CsHealLog(definition->table, state);
	result->settle_before = state->settle_before;
	CsRefreshFull(definition, source, as_of, run_id, result);
	CsKeepHistory(definition, run_id, result);
	result->settling = state->settling && !result->settled;
}
