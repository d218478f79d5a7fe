/*
 * verify.c
 *		verify_segment_table: every value of a segment table that is not what
 *		its source gives.
 *
 * The oracle is the full recompute at the moment the rows are about, compared
 * under one snapshot. Rows are fetched in portions into a tuplestore, so memory
 * does not grow with what is wrong.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

#include "core/compat.h"
#include "core/owner.h"
#include "segment/capture.h"
#include "segment/change_log.h"
#include "segment/clv.h"
#include "segment/column.h"
#include "segment/coverage.h"
#include "segment/left_out.h"
#include "segment/mode.h"
#include "segment/option.h"
#include "segment/refresh.h"
#include "segment/statement.h"
#include "segment/tier.h"

PG_FUNCTION_INFO_V1(cs_verify_segment_table);

#define PORTION 1000

/*
 * SQL: customer, column_name, stored, expected, problem. A row that is missing
 * or superfluous counts once, under the name of the key. Only rows that differ
 * are taken apart into values, which costs several times what comparing does.
 * A change that waits in the log is pending, and with it, as long as breaks move,
 * what it does to the scores of others; so is everything when the next refresh
 * will recompute everybody, as the first one after a restore does.
 */
static char *
VerifySql(const SegmentDefinition *definition, const SegmentSource *source, const ChangeList *changes)
{
	StatementScope scope = {.keyed = false, .future = true};
	bool all_scores = (changes->nkeys > 0 || changes->edited) && definition->breaks == NULL;
	char *pending = psprintf("coalesce(t.customer_id, f.customer_id) %s ANY (%s) OR t.due_at <= $%d",
							 source->customer_equals, source->keys, PARAM_AS_OF);
	RefreshState *state = CsReadState(definition->table);
	StringInfoData values;
	int n;
	const SegmentColumn *const *columns = CsColumnsOf(definition, &n);
	int i;

	if (changes->everything || !state->refreshed || state->full_reason != NULL ||
		CsTiersAltered(definition, state->tier_terms))
		pending = "true";
	initStringInfo(&values);
	for (i = 0; i < n; i++)
	{
		const char *name = columns[i]->name;

		appendStringInfo(
			&values,
			"%s('%s', t.%s::pg_catalog.text, f.%s::pg_catalog.text, '%s', t.%s IS DISTINCT FROM f.%s"
			" AND t.address IS NOT NULL AND f.customer_id IS DISTINCT FROM NULL)",
			i > 0 ? ", " : "", name, name, name,
			all_scores && columns[i]->role == ROLE_SCORE ? "pending" : "wrong", name, name);
	}
	appendStringInfoString(
		&values, ", ('customer_id', NULL, f.customer_id::pg_catalog.text, 'missing', t.address IS NULL)"
				 ", ('customer_id', t.customer_id::pg_catalog.text, NULL, 'superfluous', f.customer_id IS "
				 "NOT DISTINCT FROM NULL)");
	return psprintf(
		"SELECT coalesce(t.customer_id, f.customer_id)::pg_catalog.text, v.name, v.stored, v.expected,"
		" CASE WHEN %s THEN 'pending' ELSE v.problem END"
		" FROM (%s) f FULL JOIN (%s) t ON f.customer_id %s t.customer_id"
		" CROSS JOIN LATERAL (VALUES %s) v (name, stored, expected, problem, found) WHERE %s AND v.found",
		pending, CsScoredSql(definition, source, &scope), CsStoredSql(definition, source, false),
		source->customer_equals, values.data, CsRowDiffers(definition));
}

/* What waits in the log, as the active snapshot sees it; a standby has no log. */
static ChangeList *
Waiting(Oid table, TimestampTz as_of)
{
	Oid log = CsCapturedLog(table);
	ChangeList *changes;

	if (!OidIsValid(log) || RecoveryInProgress())
		return palloc0(sizeof(ChangeList));
	changes = CsReadChanges(log, GetActiveSnapshot(), as_of, PG_INT32_MAX);
	if (!changes->fresh || CsLogHasOverflowed(table, GetActiveSnapshot()))
		changes->everything = true;
	return changes;
}

/*
 * verify_segment_table(segment_table) → customer, column_name, stored,
 * expected, problem; no rows when the table is exact.
 */
Datum
cs_verify_segment_table(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Oid table;
	SegmentDefinition *definition;
	SegmentSource *source;
	CsIdentity saved;
	SPIPlanPtr plan;
	Portal portal;
	ChangeList *changes;
	TimestampTz as_of;

	CsRequireArgument(fcinfo, 0, "segment_table");
	table = PG_GETARG_OID(0);
	InitMaterializedSRF(fcinfo, 0);

	SPI_connect();
	CsLockSegmentTable(table, AccessShareLock);
	definition = CsReadDefinition(table);
	source = CsOpenRefresh(definition);

	CsFlushCapture();

	/*
	 * as_of, what lifetime values and tiers come from, source and segment table must be
	 * seen by one snapshot: a refresh may commit at any time
	 */
	PushActiveSnapshot(GetTransactionSnapshot());
	as_of = CsVisibleAsOf(table);
	if (as_of == DT_NOBEGIN)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("segment table \"%s\" has not been refreshed yet", get_rel_name(table)),
						errhint("Call customer_scoring.refresh_segment_table first.")));
	if (definition->clv != NULL)
		definition->clv_state = CsReadClvState(table, true);
	definition->tier_terms = CsReadTierTerms(definition, true);
	changes = Waiting(table, as_of);
	CsActAsOwner(&saved, definition);
	source->scale = CsStoredScale(table);
	CsSourceMoments(source, definition, as_of);
	CsSetParam(source, PARAM_KEYS, CsKeyArray(source, changes->keys, changes->nkeys));
	CsFindLeftOut(source, GetActiveSnapshot(), CsEverybodySql(source, false), false);
	plan = CsPrepareOnSource(source, VerifySql(definition, source, changes));
	portal = SPI_cursor_open(NULL, plan, source->values, source->nulls, true);
	do
	{
		uint64 i;

		CHECK_FOR_INTERRUPTS();
		SPI_cursor_fetch(portal, true, PORTION);
		for (i = 0; i < SPI_processed; i++)
			tuplestore_puttuple(rsinfo->setResult, SPI_tuptable->vals[i]);
		SPI_freetuptable(SPI_tuptable);
	} while (SPI_processed > 0);
	SPI_cursor_close(portal);
	CsResume(&saved);
	PopActiveSnapshot();
	SPI_finish();
	return (Datum) 0;
}
