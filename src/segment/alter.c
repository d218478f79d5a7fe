/*
 * alter.c
 *		alter_segment_table: change options of a segment table.
 *
 * NULL leaves an option as it is. What an option can be without has a value
 * that says so: '{}' for "only", '0' for lookback, refresh_every and
 * keep_history, 'infinity' for next_refresh_at, 'false' for clv and
 * quality, '' for tiers. The rows follow at the next refresh.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

#include "core/compat.h"
#include "core/owner.h"
#include "model/rfm_map.h"
#include "model/rfm_model.h"
#include "segment/clv.h"
#include "segment/column.h"
#include "segment/coverage.h"
#include "segment/history.h"
#include "segment/job.h"
#include "segment/option.h"
#include "segment/quality.h"
#include "segment/refresh.h"
#include "segment/run.h"
#include "segment/tier.h"
#include "segment/view.h"

PG_FUNCTION_INFO_V1(cs_alter_segment_table);

/* Arguments of alter_segment_table. */
enum
{
	ARG_SEGMENT_TABLE,
	ARG_ORDERS,
	ARG_CUSTOMER,
	ARG_ORDERED_AT,
	ARG_AMOUNT,
	ARG_ONLY,
	ARG_LOOKBACK,
	ARG_REFRESH_EVERY,
	ARG_NEXT_REFRESH_AT,
	ARG_TIME_ZONE,
	ARG_MONEY_SCALE,
	ARG_SEGMENT_MAP,
	ARG_ROW_SECURITY,
	ARG_BREAKS,
	ARG_HISTORY,
	ARG_KEEP_HISTORY,
	ARG_CLV,
	ARG_TIERS,
	ARG_SUPPRESS_BELOW,
	ARG_QUALITY
};

static bool
IsZero(const Interval *length)
{
	return length->month == 0 && length->day == 0 && length->time == 0;
}

/* Frozen breaks of another number of bins than the map has are of no use any more. */
static void
ForgetMisfit(SegmentDefinition *definition)
{
	if (definition->breaks != NULL &&
		CsBinsOfBreaks(definition->breaks) != CsGetRfmMap(definition->map)->bins)
		definition->breaks = NULL;
}

/* Take the arguments that are given into the definition. */
static void
ApplyArguments(FunctionCallInfo fcinfo, SegmentDefinition *definition)
{
	if (!PG_ARGISNULL(ARG_ORDERS))
		CsSetSource(definition, PG_GETARG_OID(ARG_ORDERS));
	if (!PG_ARGISNULL(ARG_CUSTOMER))
		definition->customer = NameStr(*PG_GETARG_NAME(ARG_CUSTOMER));
	if (!PG_ARGISNULL(ARG_ORDERED_AT))
		definition->ordered_at = NameStr(*PG_GETARG_NAME(ARG_ORDERED_AT));
	if (!PG_ARGISNULL(ARG_AMOUNT))
		definition->amount = NameStr(*PG_GETARG_NAME(ARG_AMOUNT));
	if (!PG_ARGISNULL(ARG_ONLY))
	{
		definition->only = PG_GETARG_JSONB_P(ARG_ONLY);
		if (JB_ROOT_IS_OBJECT(definition->only) && JB_ROOT_COUNT(definition->only) == 0)
			definition->only = NULL;
	}
	if (!PG_ARGISNULL(ARG_LOOKBACK))
	{
		definition->lookback = PG_GETARG_INTERVAL_P(ARG_LOOKBACK);
		if (IsZero(definition->lookback))
			definition->lookback = NULL;
	}
	if (!PG_ARGISNULL(ARG_REFRESH_EVERY))
	{
		definition->refresh_every = PG_GETARG_INTERVAL_P(ARG_REFRESH_EVERY);
		if (IsZero(definition->refresh_every))
		{
			definition->refresh_every = NULL;
			definition->anchor = DT_NOBEGIN;
		}
	}
	if (!PG_ARGISNULL(ARG_NEXT_REFRESH_AT))
	{
		definition->anchor = PG_GETARG_TIMESTAMPTZ(ARG_NEXT_REFRESH_AT);
		if (TIMESTAMP_IS_NOEND(definition->anchor))
			definition->anchor = DT_NOBEGIN;
		else
			CsRequireMoment(definition->anchor, "next_refresh_at",
							"Use infinity to count from the last refresh again.");
	}
	if (!PG_ARGISNULL(ARG_TIME_ZONE))
		definition->time_zone = text_to_cstring(PG_GETARG_TEXT_PP(ARG_TIME_ZONE));
	if (!PG_ARGISNULL(ARG_MONEY_SCALE))
		definition->money_scale = PG_GETARG_INT32(ARG_MONEY_SCALE);
	if (!PG_ARGISNULL(ARG_SEGMENT_MAP))
		definition->map = PG_GETARG_DATUM(ARG_SEGMENT_MAP);
	if (!PG_ARGISNULL(ARG_ROW_SECURITY))
		definition->row_security = PG_GETARG_BOOL(ARG_ROW_SECURITY);
	if (!PG_ARGISNULL(ARG_BREAKS))
	{
		definition->frozen = CsFreezes(PG_GETARG_TEXT_PP(ARG_BREAKS));
		definition->breaks = NULL;
	}
	if (!PG_ARGISNULL(ARG_SEGMENT_MAP))
		ForgetMisfit(definition);
	if (!PG_ARGISNULL(ARG_HISTORY))
		definition->history = PG_GETARG_BOOL(ARG_HISTORY);
	if (!PG_ARGISNULL(ARG_KEEP_HISTORY))
	{
		definition->keep_history = PG_GETARG_INTERVAL_P(ARG_KEEP_HISTORY);
		if (IsZero(definition->keep_history))
			definition->keep_history = NULL;
		else
			CsCheckKeepHistory(definition);
	}
	if (!PG_ARGISNULL(ARG_CLV))
		definition->clv = CsParseClv(PG_GETARG_JSONB_P(ARG_CLV));
	if (!PG_ARGISNULL(ARG_TIERS))
		CsParseTiers(definition, PG_GETARG_TEXT_PP(ARG_TIERS));
	if (!PG_ARGISNULL(ARG_SUPPRESS_BELOW))
		definition->suppress_below = PG_GETARG_INT32(ARG_SUPPRESS_BELOW);
	if (!PG_ARGISNULL(ARG_QUALITY))
		definition->quality = CsParseQuality(PG_GETARG_JSONB_P(ARG_QUALITY));
}

/*
 * Fewer decimals must not round what is stored: one revenue that would lose
 * some is an error.
 */
static void
CheckScaleLosesNothing(const char *table, int scale)
{
	CsRunSql(psprintf("SELECT t.customer_id::pg_catalog.text FROM %s t"
					  " WHERE t.revenue <> pg_catalog.round(t.revenue, %d) LIMIT 1",
					  table, scale));
	if (SPI_processed > 0)
		ereport(
			ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("revenue of customer %s has more than %d decimals",
					SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1), scale),
			 errdetail("Money is never rounded to fit."),
			 errhint(
				 "Correct the amount and refresh first, or drop the segment table and create it again.")));
}

/*
 * Give the money columns another scale. A view's columns cannot change type, so
 * the two views are made anew where they are, with the rights they had; views
 * of users on top of them make this fail, which tells the user to take them
 * away first. A view that the user has dropped stays away.
 */
static void
ChangeScale(SegmentDefinition *definition, int scale)
{
	char *table = CsQualifiedName(definition->table);
	ViewsBefore before;
	int n;
	const SegmentColumn *const *columns = CsColumnsOf(definition, &n);
	int i;

	CheckScaleLosesNothing(table, scale);
	CsTakeViews(definition, &before);
	for (i = 0; i < n; i++)
		if (columns[i]->type == COLUMN_MONEY || columns[i]->type == COLUMN_AVERAGE)
			CsRunSql(psprintf("ALTER TABLE %s ALTER COLUMN %s TYPE %s", table, columns[i]->name,
							  CsColumnType(columns[i], scale)));
	CsWidenSnapshot(definition, scale);
	CsGiveBackViews(definition, &before, scale);
}

/*
 * Whether only schedule, history, lifetime values, tiers and what the overview
 * shows are altered: that works while the source is broken. Without any option
 * the source is looked at anew.
 */
static bool
LeavesSource(FunctionCallInfo fcinfo)
{
	int i;

	if (!PG_ARGISNULL(ARG_QUALITY))
		return false;
	for (i = ARG_ORDERS; i <= ARG_BREAKS; i++)
		if (i != ARG_REFRESH_EVERY && i != ARG_NEXT_REFRESH_AT && !PG_ARGISNULL(i))
			return false;
	return !PG_ARGISNULL(ARG_REFRESH_EVERY) || !PG_ARGISNULL(ARG_NEXT_REFRESH_AT) ||
		   !PG_ARGISNULL(ARG_HISTORY) || !PG_ARGISNULL(ARG_KEEP_HISTORY) || !PG_ARGISNULL(ARG_CLV) ||
		   !PG_ARGISNULL(ARG_TIERS) || !PG_ARGISNULL(ARG_SUPPRESS_BELOW);
}

/* Check that the source can be read as defined now, and have table and views follow. */
static void
ApplyToRelations(SegmentDefinition *definition, bool new_zone)
{
	int scale = CsOpenRefresh(definition)->scale;
	CsIdentity saved;

	CsActAsOwner(&saved, definition);
	if (scale != CsStoredScale(definition->table))
		ChangeScale(definition, scale);
	else if (new_zone && get_rel_name(definition->current_view) != NULL)
		(void) CsCreateCurrentView(definition,
								   get_namespace_name(get_rel_namespace(definition->current_view)),
								   get_rel_name(definition->current_view));
	if (new_zone)
		CsReplaceMigrationView(definition);
	CsResume(&saved);
}

/* History was asked for: make what is missing of it, as the owner. */
static void
MakeHistory(SegmentDefinition *definition)
{
	CsIdentity saved;

	CsActAsOwner(&saved, definition);
	CsEnsureHistory(definition);
	CsResume(&saved);
}

/*
 * alter_segment_table(segment_table, orders, customer, ordered_at, amount,
 * "only", lookback, refresh_every, next_refresh_at, time_zone, money_scale,
 * segment_map, row_security, breaks, history, keep_history, clv, tiers,
 * suppress_below, quality): the whole definition is checked as if it were new.
 */
Datum
cs_alter_segment_table(PG_FUNCTION_ARGS)
{
	Oid table;
	SegmentDefinition *definition;
	ClvOption *clv_before;
	bool had_tiers;
	TimestampTz due;

	CsRequireArgument(fcinfo, ARG_SEGMENT_TABLE, "segment_table");
	CsCheckCanRefresh("alter_segment_table");
	table = PG_GETARG_OID(ARG_SEGMENT_TABLE);
	SPI_connect();
	if (PG_ARGISNULL(ARG_CLV) && PG_ARGISNULL(ARG_TIERS) && PG_ARGISNULL(ARG_SUPPRESS_BELOW))
	{
		CsLockSegmentTable(table, ShareRowExclusiveLock);
		definition = CsReadDefinition(table);
	}
	else
		definition = CsLockWithViews(table);
	clv_before = definition->clv;
	had_tiers = definition->tiers != NULL;
	ApplyArguments(fcinfo, definition);
	CsCheckOptions(definition);
	if (!PG_ARGISNULL(ARG_ORDERS) || !PG_ARGISNULL(ARG_CUSTOMER))
		CsDetachCapture(table, true);
	if ((definition->clv == NULL) != (clv_before == NULL))
		CsTurnClv(definition);
	if ((definition->tiers != NULL) != had_tiers)
		CsTurnColumns(definition, CsTierColumns, CsTierColumnCount, definition->tiers != NULL);
	if (!PG_ARGISNULL(ARG_SUPPRESS_BELOW))
		CsReplaceOverview(definition);
	if (!LeavesSource(fcinfo))
		ApplyToRelations(definition, !PG_ARGISNULL(ARG_TIME_ZONE));
	if (!PG_ARGISNULL(ARG_QUALITY))
		CsCheckQuality(definition);
	if (definition->history && !PG_ARGISNULL(ARG_HISTORY))
		MakeHistory(definition);
	CsWriteDefinition(definition, false);
	if (definition->quality->off)
		CsForgetQuality(table);
	if (!PG_ARGISNULL(ARG_TIERS))
		CsClaimTiers(definition);
	if (!PG_ARGISNULL(ARG_CLV))
		CsAlterClv(definition, clv_before);
	if (!LeavesSource(fcinfo) || !PG_ARGISNULL(ARG_CLV) || !PG_ARGISNULL(ARG_TIERS))
		CsRequireFull(table, "the definition was altered", !PG_ARGISNULL(ARG_SEGMENT_MAP));
	due = definition->refresh_every == NULL ? DT_NOBEGIN : GetCurrentTimestamp();
	if (definition->refresh_every != NULL && !PG_ARGISNULL(ARG_NEXT_REFRESH_AT) &&
		definition->anchor != DT_NOBEGIN)
		due = CsScheduledAfter(definition, due);
	CsSetDue(definition, due);
	if (due != DT_NOBEGIN && cs_due_hook != NULL)
		cs_due_hook(table, definition->owner, false);
	SPI_finish();
	PG_RETURN_VOID();
}
