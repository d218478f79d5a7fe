/*
 * clv_orders.c
 *		Aggregates clv_summary and clv_holdout: orders become periods.
 *
 * Words: a *period* is a calendar day of a zone, a number of days or months, or
 * a part of a day; it has a number, which is what the clocks of the zone show
 * divided by the unit and rounded down. An *entry* is what one customer bought
 * in one period. A *purchase* is an amount of zero or more, a *refund* one below
 * zero. In a *holdout* the rows after calibration_end are kept apart from those
 * before.
 *
 * The state collects entries as rows come, several of one period where rows are
 * out of order. When it is full it is sorted and merged, and grows if that does
 * not make it half empty: a customer with a million orders on a thousand days
 * needs two thousand entries. Clocks that are set back could show an order after
 * as_of; such an order is of as_of's own period.
 *
 * A state is plain memory that an aggregate changes in place. Where it grows,
 * the new one is left in the memory of the row: the executor copies what is not
 * its own.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/memutils.h"

#include "core/check.h"
#include "core/compat.h"
#include "core/moment.h"
#include "core/money.h"
#include "summary/clv_orders.h"
#include "summary/clv_summary.h"

/* Bytes of a new state: with a name of usual length there is room for seven entries. */
#define CLV_ORDERS_START 256

#define HOLDOUT_COLUMNS 4

PG_FUNCTION_INFO_V1(cs_clv_accum_int2);
PG_FUNCTION_INFO_V1(cs_clv_accum_int4);
PG_FUNCTION_INFO_V1(cs_clv_accum_int8);
PG_FUNCTION_INFO_V1(cs_clv_accum_numeric);
PG_FUNCTION_INFO_V1(cs_clv_accum_float4);
PG_FUNCTION_INFO_V1(cs_clv_accum_float8);
PG_FUNCTION_INFO_V1(cs_clv_holdout_accum_int2);
PG_FUNCTION_INFO_V1(cs_clv_holdout_accum_int4);
PG_FUNCTION_INFO_V1(cs_clv_holdout_accum_int8);
PG_FUNCTION_INFO_V1(cs_clv_holdout_accum_numeric);
PG_FUNCTION_INFO_V1(cs_clv_holdout_accum_float4);
PG_FUNCTION_INFO_V1(cs_clv_holdout_accum_float8);
PG_FUNCTION_INFO_V1(cs_clv_combine);
PG_FUNCTION_INFO_V1(cs_clv_summary_final);
PG_FUNCTION_INFO_V1(cs_clv_holdout_final);

/* Entries sort by period, then what is before calibration_end. */
static inline int
ComparePeriods(const ClvPeriod *a, const ClvPeriod *b)
{
	if (a->period != b->period)
		return a->period < b->period ? -1 : 1;
	return (a->kind & CLV_HOLDOUT) - (b->kind & CLV_HOLDOUT);
}

#define ST_SORT SortPeriods
#define ST_ELEMENT_TYPE ClvPeriod
#define ST_COMPARE(a, b) ComparePeriods(a, b)
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

/* What is wrong with a unit, or NULL: periods must be what calendars and clocks can count. */
const char *
CsClvUnitFault(const Interval *unit)
{
	int parts = (unit->month != 0) + (unit->day != 0) + (unit->time != 0);

	if (parts != 1 || unit->month < 0 || unit->day < 0 || unit->time < 0 ||
		(unit->time != 0 && (unit->time >= USECS_PER_DAY || USECS_PER_DAY % unit->time != 0)))
		return "A unit is a number of months, a number of days, or a part of a day that divides it evenly.";
	return NULL;
}

/* A unit that a query names. */
static void
CheckUnit(const Interval *unit)
{
	const char *fault = CsClvUnitFault(unit);

	if (unlikely(fault != NULL))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("unit cannot be %s",
							   DatumGetCString(DirectFunctionCall1(interval_out, IntervalPGetDatum(unit)))),
						errdetail_internal("%s", fault),
						errhint("For example interval '1 day', '7 days', '1 month' or '1 hour'.")));
}

static inline bool
SameUnit(const Interval *a, const Interval *b)
{
	return a->time == b->time && a->day == b->day && a->month == b->month;
}

/*
 * The number of the period that a moment lies in. Weeks begin on Mondays, as
 * Julian day numbers do; months count from January, so that three are a quarter.
 */
static int32
PeriodOf(TimestampTz moment, pg_tz *zone, const Interval *unit)
{
	int64 period;

	if (unit->day > 0)
		period = CsFloorDiv(CsDayInZone(moment, zone), unit->day);
	else if (unit->time > 0)
		period = CsFloorDiv(CsClockOf(moment, zone), unit->time);
	else
	{
		int year;
		int month;
		int day;

		/* day -1 is of the same month as day 0, and not known to the calendar */
		j2date(Max(CsDayInZone(moment, zone), 0), &year, &month, &day);
		period = CsFloorDiv((int64) year * MONTHS_PER_YEAR + month - 1, unit->month);
	}
	if (unlikely(period != (int32) period))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("a moment is more than %d units away from the year 2000", PG_INT32_MAX),
						errhint("Use a larger unit.")));
	return (int32) period;
}

/* Zeroed memory for a state with a number of entries. */
static ClvOrders *
AllocateOrders(int zone_size, int64 capacity)
{
	int64 size = offsetof(ClvOrders, zone) + zone_size + capacity * (int64) sizeof(ClvPeriod);
	ClvOrders *orders;

	if (size > (int64) MaxAllocSize)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("a customer has purchases in too many periods"),
						errdetail("There is room for %d.",
								  (int) ((MaxAllocSize - offsetof(ClvOrders, zone)) / sizeof(ClvPeriod))),
						errhint("Use a larger unit, and group the rows by customer.")));
	orders = palloc0(size);
	SET_VARSIZE(orders, size);
	orders->version = CLV_ORDERS_VERSION;
	orders->zone_size = zone_size;
	orders->capacity = (int32) capacity;
	return orders;
}

/*
 * A new state without orders; capacity 0 stands for the usual start. The zone
 * goes by the name that the server has for it.
 */
ClvOrders *
CsClvNewOrders(const ClvParameters *parameters, int capacity)
{
	const char *zone = pg_get_timezone_name(parameters->zone);
	int zone_size = MAXALIGN(strlen(zone) + 1);
	ClvOrders *orders;

	if (capacity == 0)
		capacity = Max(
			(CLV_ORDERS_START - (int) offsetof(ClvOrders, zone) - zone_size) / (int) sizeof(ClvPeriod), 2);
	orders = AllocateOrders(zone_size, capacity);
	strcpy(orders->zone, zone);
	orders->unit = parameters->unit;
	orders->as_of = parameters->as_of;
	orders->calibration_end = parameters->calibration_end;
	orders->last = PeriodOf(parameters->as_of, parameters->zone, &parameters->unit);
	orders->last_calibration = PeriodOf(parameters->calibration_end, parameters->zone, &parameters->unit);
	return orders;
}

/* A copy of a full state with room for as many entries again. */
static ClvOrders *
GrownOrders(const ClvOrders *orders)
{
	int64 head = offsetof(ClvOrders, zone) + orders->zone_size;
	int64 capacity = (2 * (int64) VARSIZE(orders) - head) / (int64) sizeof(ClvPeriod);
	ClvOrders *grown = AllocateOrders(orders->zone_size, capacity);
	Size size = VARSIZE(grown);

	memcpy(grown, orders, VARSIZE(orders));
	SET_VARSIZE(grown, size);
	grown->capacity = (int32) capacity;
	return grown;
}

/* Add the sum of another entry of the same period. */
static inline void
AddToPeriod(ClvPeriod *entry, const ClvPeriod *other)
{
	int128 low = ((int128) entry->high << 64) | entry->low;
	int128 added = ((int128) other->high << 64) | other->low;
	int128 sum;

	entry->carry += other->carry;
	if (unlikely(__builtin_add_overflow(low, added, &sum)))
		entry->carry += added > 0 ? 1 : -1;
	entry->high = (int64) (sum >> 64);
	entry->low = (uint64) sum;
	entry->kind |= other->kind;
}

/* Sort the entries and merge those of one period. */
void
CsClvTidy(ClvOrders *orders)
{
	ClvPeriod *entries = CsClvPeriods(orders);
	int n = 0;
	int i;

	SortPeriods(entries, orders->count);
	for (i = 1; i < orders->count; i++)
	{
		if (ComparePeriods(&entries[n], &entries[i]) == 0)
			AddToPeriod(&entries[n], &entries[i]);
		else
			entries[++n] = entries[i];
	}
	orders->count = Min(n + 1, orders->count);
}

/* Take in an entry; the state may be another one afterwards. */
static inline ClvOrders *
AddPeriod(ClvOrders *orders, const ClvPeriod *entry)
{
	ClvPeriod *entries = CsClvPeriods(orders);

	if (orders->count > 0 && ComparePeriods(&entries[orders->count - 1], entry) == 0)
	{
		AddToPeriod(&entries[orders->count - 1], entry);
		return orders;
	}
	if (unlikely(orders->count == orders->capacity))
	{
		CsClvTidy(orders);
		if (orders->count > orders->capacity / 2)
			orders = GrownOrders(orders);
	}
	CsClvPeriods(orders)[orders->count++] = *entry;
	return orders;
}

/*
 * Read the arguments of a transition function from as_of or calibration_end on,
 * which must be sound in every row: [calibration_end,] as_of, time_zone [, unit].
 */
static inline void
GetParameters(FunctionCallInfo fcinfo, bool holdout, ClvParameters *parameters)
{
	int n = 3;

	parameters->calibration_end = DT_NOEND;
	if (holdout)
	{
		if (PG_ARGISNULL(n))
			CsNullParameter("calibration_end");
		parameters->calibration_end = PG_GETARG_TIMESTAMPTZ(n);
		CsCheckFinite(parameters->calibration_end, "calibration_end");
		n++;
	}
	if (PG_ARGISNULL(n))
		CsNullParameter("as_of");
	parameters->as_of = PG_GETARG_TIMESTAMPTZ(n);
	CsCheckFinite(parameters->as_of, "as_of");
	if (!holdout)
		parameters->calibration_end = parameters->as_of;
	else if (parameters->calibration_end > parameters->as_of)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("calibration_end must not be later than as_of"),
						errhint("calibration_end is where models stop learning, as_of the moment until which "
								"they are tested.")));
	n++;
	if (PG_ARGISNULL(n))
		CsNullParameter("time_zone");
	parameters->zone = CsZoneByText(PG_GETARG_TEXT_PP(n));
	n++;
	if (n == PG_NARGS())
		parameters->unit = (Interval){.day = 1};
	else
	{
		if (PG_ARGISNULL(n))
			CsNullParameter("unit");
		parameters->unit = *PG_GETARG_INTERVAL_P(n);
		CheckUnit(&parameters->unit);
	}
}

/* States and rows must be about the same question. */
static inline void
CheckSame(const ClvOrders *orders, TimestampTz as_of, TimestampTz calibration_end, const char *zone,
		  const Interval *unit)
{
	if (unlikely(orders->as_of != as_of))
		CsMixedParameter("as_of");
	if (unlikely(orders->calibration_end != calibration_end))
		CsMixedParameter("calibration_end");
	if (unlikely(strcmp(orders->zone, zone) != 0))
		CsMixedParameter("time_zone");
	if (unlikely(!SameUnit(&orders->unit, unit)))
		CsMixedParameter("unit");
}

/*
 * Whether a row counts: it has a time and an amount, and is not after as_of.
 * Its parameters are read in any case.
 */
static inline bool
RowCounts(FunctionCallInfo fcinfo, bool holdout, ClvParameters *parameters)
{
	CsRequireAggregate(fcinfo);
	GetParameters(fcinfo, holdout, parameters);
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return false;
	CsCheckFinite(PG_GETARG_TIMESTAMPTZ(1), "ordered_at");
	return PG_GETARG_TIMESTAMPTZ(1) <= parameters->as_of;
}

/* Take a row that counts into the state. */
static inline Datum
TakeOrder(FunctionCallInfo fcinfo, const ClvParameters *parameters, const CsAmount *amount)
{
	TimestampTz ordered_at = PG_GETARG_TIMESTAMPTZ(1);
	ClvOrders *orders;
	ClvPeriod entry;

	if (PG_ARGISNULL(0))
		orders = CsClvNewOrders(parameters, 0);
	else
	{
		orders = (ClvOrders *) PG_GETARG_POINTER(0);
		CheckSame(orders, parameters->as_of, parameters->calibration_end,
				  pg_get_timezone_name(parameters->zone), &parameters->unit);
	}
	entry.period = PeriodOf(ordered_at, parameters->zone, &parameters->unit);
	entry.kind = amount->units >= 0 ? CLV_PURCHASE : 0;
	entry.carry = 0;
	entry.high = (int64) (amount->units >> 64);
	entry.low = (uint64) amount->units;
	if (ordered_at > parameters->calibration_end)
	{
		entry.kind |= CLV_HOLDOUT;
		entry.period = Min(entry.period, orders->last);
	}
	else
		entry.period = Min(entry.period, orders->last_calibration);
	PG_RETURN_POINTER(AddPeriod(orders, &entry));
}

/* Two transition functions a type of amount. */
#define DEFINE_CLV_ACCUM(name, getarg, from, holdout)   \
	Datum name(PG_FUNCTION_ARGS)                        \
	{                                                   \
		ClvParameters parameters;                       \
		CsAmount amount;                                \
                                                        \
		if (!RowCounts(fcinfo, holdout, &parameters))   \
			return CsUnchangedState(fcinfo);            \
		from(getarg(2), &amount);                       \
		return TakeOrder(fcinfo, &parameters, &amount); \
	}

#define GETARG_PACKED_NUMERIC(n) CsPackedNumeric(PG_GETARG_DATUM(n))

DEFINE_CLV_ACCUM(cs_clv_accum_int2, PG_GETARG_INT16, CsAmountFromInt64, false)
DEFINE_CLV_ACCUM(cs_clv_accum_int4, PG_GETARG_INT32, CsAmountFromInt64, false)
DEFINE_CLV_ACCUM(cs_clv_accum_int8, PG_GETARG_INT64, CsAmountFromInt64, false)
DEFINE_CLV_ACCUM(cs_clv_accum_numeric, GETARG_PACKED_NUMERIC, CsAmountFromNumeric, false)
DEFINE_CLV_ACCUM(cs_clv_accum_float4, PG_GETARG_FLOAT4, CsAmountFromFloat4, false)
DEFINE_CLV_ACCUM(cs_clv_accum_float8, PG_GETARG_FLOAT8, CsAmountFromFloat8, false)
DEFINE_CLV_ACCUM(cs_clv_holdout_accum_int2, PG_GETARG_INT16, CsAmountFromInt64, true)
DEFINE_CLV_ACCUM(cs_clv_holdout_accum_int4, PG_GETARG_INT32, CsAmountFromInt64, true)
DEFINE_CLV_ACCUM(cs_clv_holdout_accum_int8, PG_GETARG_INT64, CsAmountFromInt64, true)
DEFINE_CLV_ACCUM(cs_clv_holdout_accum_numeric, GETARG_PACKED_NUMERIC, CsAmountFromNumeric, true)
DEFINE_CLV_ACCUM(cs_clv_holdout_accum_float4, PG_GETARG_FLOAT4, CsAmountFromFloat4, true)
DEFINE_CLV_ACCUM(cs_clv_holdout_accum_float8, PG_GETARG_FLOAT8, CsAmountFromFloat8, true)

/* An argument that is a state, refused when another version wrote it. */
static ClvOrders *
GetOrders(FunctionCallInfo fcinfo, int n)
{
	ClvOrders *orders = (ClvOrders *) PG_GETARG_POINTER(n);

	CsCheckVersion(CLV_ORDERS_NAME, orders->version, CLV_ORDERS_VERSION);
	return orders;
}

/* Merge two states of disjoint rows. NULL is the state of no rows. */
Datum
cs_clv_combine(PG_FUNCTION_ARGS)
{
	ClvOrders *orders;
	ClvOrders *other;
	int i;

	CsRequireAggregate(fcinfo);
	if (PG_ARGISNULL(1))
		return CsUnchangedState(fcinfo);
	other = GetOrders(fcinfo, 1);
	if (PG_ARGISNULL(0))
		PG_RETURN_POINTER(other);
	orders = GetOrders(fcinfo, 0);
	CheckSame(orders, other->as_of, other->calibration_end, other->zone, &other->unit);
	for (i = 0; i < other->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		orders = AddPeriod(orders, &CsClvPeriods(other)[i]);
	}
	PG_RETURN_POINTER(orders);
}

/* Add an entry to a sum. */
static void
AddToSum(CsMoney *sum, const ClvPeriod *entry)
{
	CsMoneyAddUnits(sum, ((int128) entry->high << 64) | entry->low);
	sum->carry += entry->carry;
}

/*
 * A sum divided by a number, rounded once: the quotient has 56 bits or more, and
 * its last bit stands for all that are cut off.
 */
static double
MeanOf(const CsMoney *sum, int64 n)
{
	int128 units = CsMoneyUnits(sum);
	uint128 rest = units < 0 ? -(uint128) units : (uint128) units;
	uint128 divisor = (uint128) n * UINT64CONST(1000000000000);
	uint128 quotient;
	double mean;
	int shift;

	if (rest == 0)
		return 0;
	shift = (rest >> 64) != 0 ? 63 - pg_leftmost_one_pos64((uint64) (rest >> 64))
							  : 127 - pg_leftmost_one_pos64((uint64) rest);
	rest <<= shift;
	quotient = rest / divisor;
	if (rest % divisor != 0)
		quotient |= 1;
	mean = ldexp((double) quotient, -shift);
	return units < 0 ? -mean : mean;
}

/*
 * The summary of the rows up to calibration_end, or NULL without a purchase.
 * The entries are put in order, which does not change what the state means.
 */
static ClvSummary *
Summarise(ClvOrders *orders)
{
	ClvPeriod *entries = CsClvPeriods(orders);
	CsMoney repeats = {0};
	ClvSummary *summary;
	int64 first = 0;
	int64 last = 0;
	int64 purchases = 0;
	int i;

	CsClvTidy(orders);
	for (i = 0; i < orders->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (entries[i].kind & CLV_HOLDOUT)
			continue;
		if (purchases > 0)
			AddToSum(&repeats, &entries[i]);
		if (entries[i].kind & CLV_PURCHASE)
		{
			if (purchases == 0)
				first = entries[i].period;
			last = entries[i].period;
			purchases++;
		}
	}
	if (purchases == 0)
		return NULL;
	summary = palloc0(sizeof(ClvSummary));
	summary->version = CLV_SUMMARY_VERSION;
	summary->unit = CsClvLength(&orders->unit, "unit");
	summary->frequency = (int32) (purchases - 1);
	summary->recency = (double) (last - first);
	summary->age = (double) (orders->last_calibration - first);
	if (purchases > 1)
	{
		summary->has_monetary = 1;
		summary->monetary = MeanOf(&repeats, purchases - 1);
	}
	return summary;
}

/* NULL without a purchase. */
Datum
cs_clv_summary_final(PG_FUNCTION_ARGS)
{
	ClvSummary *summary;

	CsRequireAggregate(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	summary = Summarise(GetOrders(fcinfo, 0));
	if (summary == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(summary);
}

/* A row of clv_holdout, which must have the columns it was created with: a user could have altered the type. */
static Datum
HoldoutRow(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	static const Oid types[HOLDOUT_COLUMNS] = {InvalidOid, INT8OID, FLOAT8OID, FLOAT8OID};
	TupleDesc desc;
	bool good;
	int i;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "clv_holdout does not return a row type");
	good = desc->natts == HOLDOUT_COLUMNS && TupleDescAttr(desc, 0)->attlen == sizeof(ClvSummary);
	for (i = 1; good && i < HOLDOUT_COLUMNS; i++)
		good = TupleDescAttr(desc, i)->atttypid == types[i];
	if (!good)
		ereport(
			ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH), errmsg("type customer_scoring.clv_holdout has been altered"),
			 errhint("It must have the columns calibration clv_summary, purchases bigint, monetary double "
					 "precision and length double precision.")));
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

/* NULL without a purchase up to calibration_end. */
Datum
cs_clv_holdout_final(PG_FUNCTION_ARGS)
{
	ClvOrders *orders;
	ClvPeriod *entries;
	ClvSummary *calibration;
	CsMoney sum = {0};
	int64 purchases = 0;
	Datum values[HOLDOUT_COLUMNS] = {0};
	bool nulls[HOLDOUT_COLUMNS] = {false};
	int i;

	CsRequireAggregate(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	orders = GetOrders(fcinfo, 0);
	calibration = Summarise(orders);
	if (calibration == NULL)
		PG_RETURN_NULL();
	entries = CsClvPeriods(orders);
	for (i = 0; i < orders->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!(entries[i].kind & CLV_HOLDOUT))
			continue;
		AddToSum(&sum, &entries[i]);
		purchases += (entries[i].kind & CLV_PURCHASE) != 0;
	}
	values[0] = PointerGetDatum(calibration);
	values[1] = Int64GetDatum(purchases);
	nulls[2] = purchases == 0;
	if (purchases > 0)
		values[2] = Float8GetDatum(MeanOf(&sum, purchases));
	values[3] = Float8GetDatum((double) Max((int64) orders->last - orders->last_calibration, 0));
	return HoldoutRow(fcinfo, values, nulls);
}
