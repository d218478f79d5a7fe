/*
 * create.c
 *		create_segment_table, and what a definition must be to be accepted.
 *
 * Everything happens in the caller's transaction and with the caller's rights:
 * either the table is there, filled and scheduled, or nothing is.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/varlena.h"

#include "core/compat.h"
#include "core/moment.h"
#include "core/owner.h"
#include "segment/clv.h"
#include "segment/coverage.h"
#include "segment/history.h"
#include "segment/job.h"
#include "segment/mode.h"
#include "segment/option.h"
#include "segment/quality.h"
#include "segment/refresh.h"
#include "segment/run.h"
#include "segment/schedule.h"
#include "segment/tier.h"
#include "segment/view.h"

PG_FUNCTION_INFO_V1(cs_create_segment_table);

/* Arguments of create_segment_table. */
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
	ARG_WITH_DATA,
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

/* The relations to make, none of which may exist. */
typedef struct TargetNames
{
	char *schema;
	char *table;
	char *current_view;
	char *overview_view;
} TargetNames;

/*
 * Where the new table goes: as written if qualified, else into the first schema
 * of the caller's search_path.
 */
static TargetNames
ParseTarget(text *name)
{
	RangeVar *target = makeRangeVarFromNameList(textToQualifiedNameList(name));
	Oid namespace = RangeVarGetCreationNamespace(target);
	TargetNames names;

	if (isTempNamespace(namespace))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("a segment table cannot be temporary"),
						errhint("Name a schema in which you may create tables.")));
	if (strlen(target->relname) > SEGMENT_NAME_MAX)
		ereport(ERROR, (errcode(ERRCODE_NAME_TOO_LONG), errmsg("name \"%s\" is too long", target->relname),
						errhint("A segment table's name has at most %d bytes, so that its views' names fit.",
								SEGMENT_NAME_MAX)));
	names.schema = get_namespace_name(namespace);
	names.table = target->relname;
	names.current_view = psprintf("%s_current", target->relname);
	names.overview_view = psprintf("%s_overview", target->relname);
	CsCheckNameIsFree(names.schema, names.table);
	CsCheckNameIsFree(names.schema, names.current_view);
	CsCheckNameIsFree(names.schema, names.overview_view);
	return names;
}

/* The arguments as a definition; what the relations add is still missing. */
static SegmentDefinition *
DefinitionFromArguments(FunctionCallInfo fcinfo)
{
	SegmentDefinition *definition = palloc0(sizeof(SegmentDefinition));
	Oid orders;

	CsRequireArgument(fcinfo, ARG_SEGMENT_TABLE, "segment_table");
	CsRequireArgument(fcinfo, ARG_ORDERS, "orders");
	CsRequireArgument(fcinfo, ARG_CUSTOMER, "customer");
	CsRequireArgument(fcinfo, ARG_ORDERED_AT, "ordered_at");
	CsRequireArgument(fcinfo, ARG_AMOUNT, "amount");
	CsRequireArgument(fcinfo, ARG_TIME_ZONE, "time_zone");
	CsRequireArgument(fcinfo, ARG_WITH_DATA, "with_data");
	CsRequireArgument(fcinfo, ARG_SEGMENT_MAP, "segment_map");
	CsRequireArgument(fcinfo, ARG_ROW_SECURITY, "row_security");
	CsRequireArgument(fcinfo, ARG_BREAKS, "breaks");
	CsRequireArgument(fcinfo, ARG_HISTORY, "history");

	orders = PG_GETARG_OID(ARG_ORDERS);
	definition->owner = GetUserId();
	definition->money_scale = CS_SCALE_OF_SOURCE;
	definition->anchor = DT_NOBEGIN;
	definition->as_of = DT_NOBEGIN;
	CsSetSource(definition, orders);
	definition->customer = NameStr(*PG_GETARG_NAME(ARG_CUSTOMER));
	definition->ordered_at = NameStr(*PG_GETARG_NAME(ARG_ORDERED_AT));
	definition->amount = NameStr(*PG_GETARG_NAME(ARG_AMOUNT));
	if (!PG_ARGISNULL(ARG_ONLY))
		definition->only = PG_GETARG_JSONB_P(ARG_ONLY);
	if (!PG_ARGISNULL(ARG_LOOKBACK))
		definition->lookback = PG_GETARG_INTERVAL_P(ARG_LOOKBACK);
	if (!PG_ARGISNULL(ARG_REFRESH_EVERY))
		definition->refresh_every = PG_GETARG_INTERVAL_P(ARG_REFRESH_EVERY);
	if (!PG_ARGISNULL(ARG_NEXT_REFRESH_AT))
	{
		definition->anchor = PG_GETARG_TIMESTAMPTZ(ARG_NEXT_REFRESH_AT);
		CsRequireMoment(definition->anchor, "next_refresh_at",
						"Leave it out to count from the last refresh.");
	}
	definition->time_zone = text_to_cstring(PG_GETARG_TEXT_PP(ARG_TIME_ZONE));
	if (!PG_ARGISNULL(ARG_MONEY_SCALE))
		definition->money_scale = PG_GETARG_INT32(ARG_MONEY_SCALE);
	definition->map = PG_GETARG_DATUM(ARG_SEGMENT_MAP);
	definition->row_security = PG_GETARG_BOOL(ARG_ROW_SECURITY);
	definition->frozen = CsFreezes(PG_GETARG_TEXT_PP(ARG_BREAKS));
	definition->history = PG_GETARG_BOOL(ARG_HISTORY);
	if (!PG_ARGISNULL(ARG_KEEP_HISTORY))
	{
		definition->keep_history = PG_GETARG_INTERVAL_P(ARG_KEEP_HISTORY);
		CsCheckKeepHistory(definition);
	}
	if (!PG_ARGISNULL(ARG_CLV))
		definition->clv = CsParseClv(PG_GETARG_JSONB_P(ARG_CLV));
	definition->quality = CsParseQuality(PG_ARGISNULL(ARG_QUALITY) ? NULL : PG_GETARG_JSONB_P(ARG_QUALITY));
	definition->clv_state = CsNewClvState();
	if (!PG_ARGISNULL(ARG_TIERS))
		CsParseTiers(definition, PG_GETARG_TEXT_PP(ARG_TIERS));
	if (!PG_ARGISNULL(ARG_SUPPRESS_BELOW))
		definition->suppress_below = PG_GETARG_INT32(ARG_SUPPRESS_BELOW);
	return definition;
}

/*
 * create_segment_table(segment_table, orders, customer, ordered_at, amount,
 * "only", lookback, refresh_every, next_refresh_at, time_zone, money_scale,
 * with_data, segment_map, row_security, breaks, history, keep_history, clv,
 * tiers, suppress_below, quality) → regclass
 */
Datum
cs_create_segment_table(PG_FUNCTION_ARGS)
{
	SegmentDefinition *definition;
	SegmentSource *source;
	TargetNames names;
	RefreshResult result;
	CsIdentity saved;
	TimestampTz now = GetCurrentTimestamp();

	CsCheckCanRefresh("create_segment_table");
	SPI_connect();
	definition = DefinitionFromArguments(fcinfo);
	names = ParseTarget(PG_GETARG_TEXT_PP(ARG_SEGMENT_TABLE));
	CsCheckOptions(definition);

	CsForgetDropped();
	CsDetachDropped();

	/* the caller's own rights, under settings that a refresh has as well */
	CsActAsOwner(&saved, definition);
	source = CsOpenSource(definition);
	CsCheckSourcePolicies(source, definition);
	CsCheckQuality(definition);
	definition->table = CsCreateTable(definition, names.schema, names.table, source);
	definition->current_view = CsCreateCurrentView(definition, names.schema, names.current_view);
	definition->overview_view = CsCreateOverviewView(definition, names.schema, names.overview_view,
													 source->scale);
	if (definition->history)
		CsEnsureHistory(definition);
	CsResume(&saved);

	CsWriteDefinition(definition, true);
	CsClaimTiers(definition);
	CsTellUncaptured(definition->table, CsAttachCapture(definition, source));
	if (PG_GETARG_BOOL(ARG_WITH_DATA))
	{
		int64 run_id = CsAddRun(definition->table, "create");

		CsRefreshNow(definition, source, DT_NOBEGIN, run_id, true, &result);
		CsFinishRun(run_id, definition, source, &result);
	}
	else
		CsSetDue(definition, definition->refresh_every == NULL	? DT_NOBEGIN
							 : definition->anchor != DT_NOBEGIN ? CsScheduledAfter(definition, now)
																: now);
	if (definition->refresh_every != NULL && cs_due_hook != NULL)
		cs_due_hook(definition->table, definition->owner, false);
	SPI_finish();
	PG_RETURN_OID(definition->table);
}
