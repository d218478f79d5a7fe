/*
 * history.c
 *		What a refresh writes about itself for a segment table with history.
 *
 * Moves (a customer changes segment, comes in, or goes out) are written by the
 * statement that writes the segment table; the day's snapshot, what is too old
 * to keep, and the message to listeners follow in the same transaction. A table
 * that its owner has dropped is not written, see CsCheckHistory. Everything is
 * done as the owner of the segment table, which is locked; SPI must be
 * connected.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/async.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"

#include "core/compat.h"
#include "core/moment.h"
#include "segment/history.h"
#include "segment/schedule.h"

/* Whether there is a table to write to. */
static bool
IsKept(const SegmentDefinition *definition, Oid table)
{
	return definition->history && OidIsValid(table) && get_rel_name(table) != NULL;
}

/*
 * SQL: why row t of the segment table becomes row f. Time alone can only take
 * away, so a customer with something new did not move by time. Segments follow
 * from scores by the map, so one that changed under equal scores changed by the
 * map. `time_acted` is an SQL condition on t: its moment had come.
 */
char *
CsCauseSql(const char *time_acted, bool map_altered)
{
	return psprintf(
		"CASE WHEN t.address IS NULL THEN 'behaviour'"
		" WHEN %s AND coalesce(f.orders <= t.orders AND f.refunds <= t.refunds"
		" AND (f.last_order_at > t.last_order_at) IS NOT TRUE, true) THEN 'time'"
		" WHEN f.customer_id IS NOT DISTINCT FROM NULL THEN 'behaviour'"
		" WHEN (t.r, t.f, t.m) IS NOT DISTINCT FROM (f.r, f.f, f.m) THEN 'map'"
		" WHEN (t.first_order_at, t.previous_order_at, t.last_order_at, t.orders, t.refunds, t.revenue)"
		" IS DISTINCT FROM (f.first_order_at, f.previous_order_at, f.last_order_at, f.orders, f.refunds,"
		" f.revenue) THEN 'behaviour' ELSE '%s' END",
		time_acted, map_altered ? "map" : "breaks");
}

/*
 * SQL of the CTE `moved`, with a leading comma: a row for each customer of the
 * CTE `d` who moves. The first fill of a table is where its history starts, so
 * nobody moves then. The customer is written as in the segment table.
 */
char *
CsHistoryCte(const SegmentDefinition *definition, int as_of_param, int run_param)
{
	if (definition->as_of == DT_NOBEGIN || !IsKept(definition, definition->history_table))
		return ", moved AS (SELECT WHERE false)";
	return psprintf(", moved AS (INSERT INTO %s (customer_id, from_segment, to_segment, from_rank, to_rank,"
					" moved_at, cause, run_id)"
					" SELECT CASE WHEN d.address IS NULL THEN d.customer_id ELSE d.was_customer END,"
					" d.was_segment, d.segment, d.was_rank, d.segment_rank, $%d, d.cause, $%d"
					" FROM d WHERE d.was_segment IS DISTINCT FROM d.segment RETURNING 1)",
					CsQualifiedName(definition->history_table), as_of_param, run_param);
}

/* Run one statement with a moment and a run as $1 and $2. */
static void
Execute(const char *sql, TimestampTz moment, int64 run_id)
{
	Oid types[2] = {TIMESTAMPTZOID, INT8OID};
	Datum values[2] = {TimestampTzGetDatum(moment), Int64GetDatum(run_id)};
	int result = SPI_execute_with_args(sql, 2, types, values, NULL, false, 0);

	if (result < 0)
		elog(ERROR, "statement on history failed: %s: %s", SPI_result_code_string(result), sql);
}

/* SQL: the local day of $1. */
static char *
DayOf(const SegmentDefinition *definition)
{
	return psprintf("($1 AT TIME ZONE %s)::pg_catalog.date", quote_literal_cstr(definition->time_zone));
}

/*
 * The overview as it is now, for the day of as_of unless that day has one: the
 * server looks for one first, and reads the segment table only without.
 */
static void
KeepSnapshot(const SegmentDefinition *definition, TimestampTz as_of, int64 run_id)
{
	char *snapshot = CsQualifiedName(definition->snapshot_table);
	char *day = DayOf(definition);

	Execute(psprintf("INSERT INTO %s (day, segment, segment_rank, customers, orders, revenue, as_of, run_id)"
					 " SELECT %s, t.segment, pg_catalog.max(t.segment_rank), pg_catalog.count(*),"
					 " pg_catalog.sum(t.orders)::pg_catalog.int8, pg_catalog.sum(t.revenue), $1, $2"
					 " FROM ONLY %s t WHERE NOT EXISTS (SELECT FROM %s s WHERE s.day = %s)"
					 " GROUP BY t.segment ON CONFLICT DO NOTHING",
					 snapshot, day, CsQualifiedName(definition->table), snapshot, day),
			as_of, run_id);
}

/*
 * Delete what is older than keep_history, reckoned from as_of, but never from
 * the future: an as_of far ahead must not cost the history.
 */
static void
ForgetOld(const SegmentDefinition *definition, TimestampTz as_of, int64 run_id)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz oldest = CsMomentPlus(Min(as_of, now), definition->keep_history, -1, definition->time_zone);

	if (IsKept(definition, definition->history_table))
		Execute(psprintf("DELETE FROM %s WHERE moved_at < $1", CsQualifiedName(definition->history_table)),
				oldest, run_id);
	if (IsKept(definition, definition->snapshot_table))
		Execute(psprintf("DELETE FROM %s WHERE day < %s", CsQualifiedName(definition->snapshot_table),
						 DayOf(definition)),
				oldest, run_id);
}

/* Whether as_of is on another local day than that of the refresh before. */
static bool
IsNewDay(const SegmentDefinition *definition, const RefreshResult *result)
{
	pg_tz *zone = CsZone(definition->time_zone);

	return result->was_as_of == DT_NOBEGIN ||
		   CsDayInZone(result->was_as_of, zone) != CsDayInZone(result->as_of, zone);
}

/*
 * Tell listeners, when the transaction commits, that something changed: one
 * message a refresh. Names are the only parts of varying length, and short.
 */
static void
Notify(const SegmentDefinition *definition, int64 run_id, const RefreshResult *result)
{
	StringInfoData payload;

	initStringInfo(&payload);
	appendStringInfoString(&payload, "{\"segment_table\":");
	escape_json(&payload, CsQualifiedName(definition->table));
	appendStringInfo(&payload, ",\"run_id\":" INT64_FORMAT ",\"as_of\":\"", run_id);
	CsMomentText(&payload, result->as_of);
	appendStringInfo(&payload,
					 "\",\"inserted\":" INT64_FORMAT ",\"updated\":" INT64_FORMAT ",\"deleted\":" INT64_FORMAT
					 ",\"moved\":" INT64_FORMAT "}",
					 result->inserted, result->updated, result->deleted, result->moved);
	Async_Notify(HISTORY_CHANNEL, payload.data);
}

/*
 * After all rows of a refresh are written: what is kept once a day, and the
 * message. Nothing to do without history.
 */
void
CsKeepHistory(const SegmentDefinition *definition, int64 run_id, const RefreshResult *result)
{
	CsIdentity saved;

	if (!definition->history)
		return;
	CsActAsOwner(&saved, definition);
	if (IsKept(definition, definition->snapshot_table))
		KeepSnapshot(definition, result->as_of, run_id);
	if (definition->keep_history != NULL && IsNewDay(definition, result))
		ForgetOld(definition, result->as_of, run_id);
	CsResume(&saved);
	if (result->inserted + result->updated + result->deleted > 0)
		Notify(definition, run_id, result);
}
