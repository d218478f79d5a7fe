/*
 * clv_orders_form.c
 *		Text and binary form of the state that clv_summary and clv_holdout share.
 *
 * States travel between nodes in these forms, so both lose nothing and refuse
 * what no rows could have left behind. Entries are written in order of their
 * periods, without the room that is left.
 */
#include "postgres.h"

#include "fmgr.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"

#include "core/check.h"
#include "core/compat.h"
#include "core/form.h"
#include "core/moment.h"
#include "core/money.h"
#include "summary/clv_orders.h"

PG_FUNCTION_INFO_V1(cs_clv_orders_in);
PG_FUNCTION_INFO_V1(cs_clv_orders_out);
PG_FUNCTION_INFO_V1(cs_clv_orders_recv);
PG_FUNCTION_INFO_V1(cs_clv_orders_send);

/* A copy of an argument with its entries in order. */
static ClvOrders *
TidyCopy(Datum value)
{
	ClvOrders *orders = (ClvOrders *) DatumGetPointer(value);
	ClvOrders *copy;

	CsCheckVersion(CLV_ORDERS_NAME, orders->version, CLV_ORDERS_VERSION);
	copy = palloc(VARSIZE(orders));
	memcpy(copy, orders, VARSIZE(orders));
	CsClvTidy(copy);
	return copy;
}

/* The sum of an entry as one of all entries would be held. */
static CsMoney
SumOf(const ClvPeriod *entry)
{
	CsMoney sum = {0};

	sum.high = entry->high;
	sum.low = entry->low;
	sum.carry = entry->carry;
	return sum;
}

/* What is wrong with the parameters of a state that came from outside, or NULL. */
static const char *
ParameterFault(const ClvParameters *parameters, const char *zone)
{
	if (CsClvUnitFault(&parameters->unit) != NULL)
		return CsClvUnitFault(&parameters->unit);
	if (parameters->zone == NULL || strcmp(pg_get_timezone_name(parameters->zone), zone) != 0)
		return "The time zone is not known.";
	if (!IS_VALID_TIMESTAMP(parameters->as_of) || !IS_VALID_TIMESTAMP(parameters->calibration_end))
		return "A moment is out of range.";
	if (parameters->calibration_end > parameters->as_of)
		return "The end of calibration is later than the moment of the figures.";
	return NULL;
}

/* What is wrong with the entries, or NULL. */
static const char *
EntryFault(ClvOrders *orders)
{
	ClvPeriod *entries = CsClvPeriods(orders);
	int i;

	for (i = 0; i < orders->count; i++)
	{
		const ClvPeriod *entry = &entries[i];
		CsMoney sum = SumOf(entry);
		bool holdout = (entry->kind & CLV_HOLDOUT) != 0;

		CHECK_FOR_INTERRUPTS();
		if (entry->kind > (CLV_PURCHASE | CLV_HOLDOUT) ||
			(holdout && orders->calibration_end == orders->as_of))
			return "A kind of period is not known.";
		if (entry->period > (holdout ? orders->last : orders->last_calibration))
			return "A period is later than the moment of the figures.";
		if (!(entry->kind & CLV_PURCHASE) && CsMoneySign(&sum) >= 0)
			return "A period without a purchase must have an amount below zero.";
		if (i > 0 && (entry->period < entries[i - 1].period ||
					  (entry->period == entries[i - 1].period &&
					   (entry->kind & CLV_HOLDOUT) <= (entries[i - 1].kind & CLV_HOLDOUT))))
			return "The periods are not in order.";
	}
	return NULL;
}

/* Append units with as many decimals as they need. */
static void
AppendAmount(StringInfo out, int128 units)
{
	int128 rest = units;
	int scale = CS_MONEY_DECIMALS;

	while (scale > 0 && rest % 10 == 0)
	{
		rest /= 10;
		scale--;
	}
	CsUnitsText(out, units, scale);
}

/* Append an array of whole numbers, one of each entry. */
#define APPEND_ARRAY(out, key, orders, member)                                                  \
	do                                                                                          \
	{                                                                                           \
		int i_;                                                                                 \
                                                                                                \
		appendStringInfoString(out, ",\"" key "\":[");                                          \
		for (i_ = 0; i_ < (orders)->count; i_++)                                                \
			appendStringInfo(out, "%s%d", i_ == 0 ? "" : ",", CsClvPeriods(orders)[i_].member); \
		appendStringInfoChar(out, ']');                                                         \
	} while (0)

/*
 * Text form: {"v":1,"unit":"P1D","time_zone":"Asia/Jakarta","as_of":…,
 * "periods":[8766,8770],"kinds":[1,1],"amounts":[12.5,-3]}, with
 * "calibration_end" in a holdout, and "carries" when a sum is beyond 128 bits.
 */
Datum
cs_clv_orders_out(PG_FUNCTION_ARGS)
{
	ClvOrders *orders = TidyCopy(PG_GETARG_DATUM(0));
	ClvPeriod *entries = CsClvPeriods(orders);
	bool carries = false;
	StringInfoData out;
	int i;

	initStringInfo(&out);
	appendStringInfo(&out, "{\"v\":%d,\"unit\":\"", orders->version);
	if (orders->unit.month > 0)
		appendStringInfo(&out, "P%dM", orders->unit.month);
	else
		CsLengthText(&out, orders->unit.day * USECS_PER_DAY + orders->unit.time);
	appendStringInfoString(&out, "\",\"time_zone\":");
	escape_json(&out, orders->zone);
	if (orders->calibration_end != orders->as_of)
	{
		appendStringInfoString(&out, ",\"calibration_end\":\"");
		CsMomentText(&out, orders->calibration_end);
		appendStringInfoChar(&out, '"');
	}
	appendStringInfoString(&out, ",\"as_of\":\"");
	CsMomentText(&out, orders->as_of);
	appendStringInfoChar(&out, '"');
	APPEND_ARRAY(&out, "periods", orders, period);
	APPEND_ARRAY(&out, "kinds", orders, kind);
	appendStringInfoString(&out, ",\"amounts\":[");
	for (i = 0; i < orders->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (i > 0)
			appendStringInfoChar(&out, ',');
		AppendAmount(&out, ((int128) entries[i].high << 64) | entries[i].low);
		carries |= entries[i].carry != 0;
	}
	appendStringInfoChar(&out, ']');
	if (carries)
		APPEND_ARRAY(&out, "carries", orders, carry);
	appendStringInfoChar(&out, '}');
	PG_RETURN_CSTRING(out.data);
}

/* Read an array that must have as many elements as there are entries. */
static int64 *
ReadArray(CsForm *form, const char *key, int64 lowest, int64 highest, int count)
{
	int n;
	int64 *array = CsFormInt64Array(form, key, lowest, highest, &n);

	if (n != count)
		CsBadText(CLV_ORDERS_NAME, "The arrays have different lengths.");
	return array;
}

Datum
cs_clv_orders_in(PG_FUNCTION_ARGS)
{
	CsForm form;
	ClvParameters parameters = {0};
	ClvOrders *orders;
	ClvPeriod *entries;
	char *zone;
	const char *fault;
	int64 *periods;
	int64 *kinds;
	int64 *carries = NULL;
	Numeric *amounts;
	int count;
	int amount_count;
	int i;

	CsFormOpen(&form, CLV_ORDERS_NAME, PG_GETARG_CSTRING(0));
	CsCheckVersion(CLV_ORDERS_NAME, CsFormInt64(&form, "v", 0, PG_INT16_MAX), CLV_ORDERS_VERSION);
	parameters.unit = *DatumGetIntervalP(
		DirectFunctionCall3(interval_in, CStringGetDatum(CsFormString(&form, "unit")),
							ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	zone = CsFormString(&form, "time_zone");
	parameters.zone = CsFindZone(zone);
	if (!CsFormMoment(&form, "as_of", &parameters.as_of))
		CsBadText(CLV_ORDERS_NAME, "Key \"as_of\" is missing.");
	parameters.calibration_end = parameters.as_of;
	CsFormMoment(&form, "calibration_end", &parameters.calibration_end);
	periods = CsFormInt64Array(&form, "periods", PG_INT32_MIN, PG_INT32_MAX, &count);
	kinds = ReadArray(&form, "kinds", 0, PG_UINT16_MAX, count);
	amounts = CsFormNumericArray(&form, "amounts", &amount_count);
	if (CsFormHas(&form, "carries"))
		carries = ReadArray(&form, "carries", PG_INT16_MIN, PG_INT16_MAX, count);
	CsFormClose(&form);
	if (amount_count != count)
		CsBadText(CLV_ORDERS_NAME, "The arrays have different lengths.");
	fault = ParameterFault(&parameters, zone);
	if (fault != NULL)
		CsBadText(CLV_ORDERS_NAME, fault);

	orders = CsClvNewOrders(&parameters, Max(count, 1));
	entries = CsClvPeriods(orders);
	for (i = 0; i < count; i++)
	{
		int128 units;
		int scale;

		CHECK_FOR_INTERRUPTS();
		if (!CsUnitsFromNumeric(amounts[i], &units, &scale))
			CsBadText(CLV_ORDERS_NAME, "An amount is out of range.");
		entries[i].period = (int32) periods[i];
		entries[i].kind = (uint16) kinds[i];
		entries[i].carry = carries == NULL ? 0 : (int16) carries[i];
		entries[i].high = (int64) (units >> 64);
		entries[i].low = (uint64) units;
	}
	orders->count = count;
	fault = EntryFault(orders);
	if (fault != NULL)
		CsBadText(CLV_ORDERS_NAME, fault);
	PG_RETURN_POINTER(orders);
}

/* Binary form: version, unit, zone, the two moments, and the entries after their number. */
Datum
cs_clv_orders_recv(PG_FUNCTION_ARGS)
{
	StringInfo buf = (StringInfo) PG_GETARG_POINTER(0);
	ClvParameters parameters = {0};
	ClvOrders *orders;
	ClvPeriod *entries;
	const char *zone;
	const char *fault;
	uint32 count;
	int i;

	CsCheckVersion(CLV_ORDERS_NAME, pq_getmsgint(buf, 2), CLV_ORDERS_VERSION);
	parameters.unit.time = pq_getmsgint64(buf);
	parameters.unit.day = (int32) pq_getmsgint(buf, 4);
	parameters.unit.month = (int32) pq_getmsgint(buf, 4);
	zone = pq_getmsgstring(buf);
	parameters.zone = CsFindZone(zone);
	parameters.as_of = pq_getmsgint64(buf);
	parameters.calibration_end = pq_getmsgint64(buf);
	count = pq_getmsgint(buf, 4);
	fault = ParameterFault(&parameters, zone);
	if (fault == NULL && (int64) count * (int64) sizeof(ClvPeriod) != buf->len - buf->cursor)
		fault = "The number of periods is not that of its head.";
	if (fault != NULL)
		CsBadBinary(CLV_ORDERS_NAME, fault);

	orders = CsClvNewOrders(&parameters, Max((int) count, 1));
	entries = CsClvPeriods(orders);
	for (i = 0; i < (int) count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		entries[i].period = (int32) pq_getmsgint(buf, 4);
		entries[i].kind = (uint16) pq_getmsgint(buf, 2);
		entries[i].carry = (int16) pq_getmsgint(buf, 2);
		entries[i].high = pq_getmsgint64(buf);
		entries[i].low = (uint64) pq_getmsgint64(buf);
	}
	orders->count = (int) count;
	fault = EntryFault(orders);
	if (fault != NULL)
		CsBadBinary(CLV_ORDERS_NAME, fault);
	PG_RETURN_POINTER(orders);
}

Datum
cs_clv_orders_send(PG_FUNCTION_ARGS)
{
	ClvOrders *orders = TidyCopy(PG_GETARG_DATUM(0));
	ClvPeriod *entries = CsClvPeriods(orders);
	StringInfoData buf;
	int i;

	pq_begintypsend(&buf);
	pq_sendint16(&buf, orders->version);
	pq_sendint64(&buf, orders->unit.time);
	pq_sendint32(&buf, orders->unit.day);
	pq_sendint32(&buf, orders->unit.month);
	pq_sendstring(&buf, orders->zone);
	pq_sendint64(&buf, orders->as_of);
	pq_sendint64(&buf, orders->calibration_end);
	pq_sendint32(&buf, orders->count);
	for (i = 0; i < orders->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		pq_sendint32(&buf, entries[i].period);
		pq_sendint16(&buf, entries[i].kind);
		pq_sendint16(&buf, entries[i].carry);
		pq_sendint64(&buf, entries[i].high);
		pq_sendint64(&buf, entries[i].low);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}
