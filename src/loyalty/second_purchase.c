/*
 * second_purchase.c
 *		Who may have the discount on a second purchase.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "core/moment.h"

PG_FUNCTION_INFO_V1(cs_second_purchase_eligible);

/*
 * second_purchase_eligible(orders, first_order_at, as_of, within, time_zone):
 * whether there is exactly one order, and as_of is less than `within` after it
 * by the clock of the zone. No order, or no moment of one, is no: a segment
 * table has such customers. NULL for anything else gives NULL.
 */
Datum
cs_second_purchase_eligible(PG_FUNCTION_ARGS)
{
	TimestampTz first;
	TimestampTz as_of;
	pg_tz *zone;
	Timestamp end;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(2) || PG_ARGISNULL(3) || PG_ARGISNULL(4))
		PG_RETURN_NULL();
	as_of = PG_GETARG_TIMESTAMPTZ(2);
	zone = CsZoneByText(PG_GETARG_TEXT_PP(4));
	CsCheckFinite(as_of, "as_of");
	if (PG_ARGISNULL(1))
		PG_RETURN_BOOL(false);
	first = PG_GETARG_TIMESTAMPTZ(1);
	CsCheckFinite(first, "first_order_at");
	CsCheckNotAfter(first, as_of);
	end = DatumGetTimestamp(DirectFunctionCall2(
		timestamp_pl_interval, TimestampGetDatum(CsClockOf(first, zone)), PG_GETARG_DATUM(3)));
	PG_RETURN_BOOL(PG_GETARG_INT64(0) == 1 && as_of < CsMomentOf(end, zone));
}
