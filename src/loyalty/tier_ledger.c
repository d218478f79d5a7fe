/*
 * tier_ledger.c
 *		tier_ledger: the rows of one customer, by moment; aggregates tier_ledger
 *		and rollup.
 *
 * A tier depends on when each amount came, so nothing shorter than all of them
 * will do. A row without a moment or without an amount is skipped. The state
 * collects rows as they come, in memory that doubles; the final function puts
 * them in order, by moment and then by amount, so that the value is the same
 * whatever the order of rows was.
 *
 * A state is plain memory that an aggregate changes in place. Where it grows,
 * the new one is left in the memory of the row: the executor copies what is not
 * its own.
 */
#include "postgres.h"

#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "core/check.h"
#include "core/compat.h"
#include "core/form.h"
#include "core/moment.h"
#include "core/money.h"
#include "loyalty/tier_ledger.h"

PG_FUNCTION_INFO_V1(cs_tier_ledger_in);
PG_FUNCTION_INFO_V1(cs_tier_ledger_out);
PG_FUNCTION_INFO_V1(cs_tier_ledger_recv);
PG_FUNCTION_INFO_V1(cs_tier_ledger_send);
PG_FUNCTION_INFO_V1(cs_tier_accum_int2);
PG_FUNCTION_INFO_V1(cs_tier_accum_int4);
PG_FUNCTION_INFO_V1(cs_tier_accum_int8);
PG_FUNCTION_INFO_V1(cs_tier_accum_numeric);
PG_FUNCTION_INFO_V1(cs_tier_accum_float4);
PG_FUNCTION_INFO_V1(cs_tier_accum_float8);
PG_FUNCTION_INFO_V1(cs_tier_ledger_combine);
PG_FUNCTION_INFO_V1(cs_tier_ledger_final);

/* Bytes of a new state: room for four rows in a chunk of memory that is used up. */
#define TIER_LEDGER_START 128

static inline int
CompareRows(const TierRow *a, const TierRow *b)
{
	int128 units_a = CsTierRowUnits(a);
	int128 units_b = CsTierRowUnits(b);

	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	return (units_a > units_b) - (units_a < units_b);
}

#define ST_SORT SortRows
#define ST_ELEMENT_TYPE TierRow
#define ST_COMPARE(a, b) CompareRows(a, b)
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

static bool
RowsInOrder(const TierLedger *ledger)
{
	int i;

	for (i = 1; i < ledger->rows; i++)
		if (CompareRows(&ledger->row[i - 1], &ledger->row[i]) > 0)
			return false;
	return true;
}

/* A value or state, already read, refused when another version wrote it. */
const TierLedger *
CsGetTierLedger(Datum value)
{
	const TierLedger *ledger = (const TierLedger *) PG_DETOAST_DATUM(value);

	CsCheckVersion(TIER_LEDGER_NAME, ledger->version, TIER_LEDGER_VERSION);
	return ledger;
}

/* Memory for a ledger of a size, without rows. */
static TierLedger *
NewLedger(int64 size)
{
	TierLedger *ledger;

	if (size > (int64) MaxAllocSize)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("a tier_ledger has too many rows"),
						errdetail("There is room for %d.", (int) (MaxAllocSize / sizeof(TierRow))),
						errhint("Group the rows by customer.")));
	ledger = palloc(size);
	SET_VARSIZE(ledger, size);
	ledger->version = TIER_LEDGER_VERSION;
	ledger->scale = 0;
	ledger->rows = 0;
	ledger->capacity = (int32) ((size - offsetof(TierLedger, row)) / sizeof(TierRow));
	/* what is left of the last row is no part of any */
	memset(ledger->row + ledger->capacity, 0,
		   size - offsetof(TierLedger, row) - ledger->capacity * sizeof(TierRow));
	return ledger;
}

static TierLedger *
NewLedgerOfRows(int64 rows)
{
	return NewLedger(offsetof(TierLedger, row) + rows * (int64) sizeof(TierRow));
}

/* A copy of a state with room for at least `more` rows again. */
static TierLedger *
Grown(const TierLedger *ledger, int64 more)
{
	int64 needed = offsetof(TierLedger, row) + (ledger->rows + more) * (int64) sizeof(TierRow);
	int64 size = VARSIZE(ledger);
	TierLedger *grown;

	while (size < needed)
		size *= 2;
	grown = NewLedger(size);
	grown->scale = ledger->scale;
	grown->rows = ledger->rows;
	memcpy(grown->row, ledger->row, ledger->rows * sizeof(TierRow));
	memset(grown->row + grown->rows, 0, (grown->capacity - grown->rows) * sizeof(TierRow));
	return grown;
}

/* ---- the aggregate ---- */

static TierLedger *
StateArgument(FunctionCallInfo fcinfo, int n)
{
	TierLedger *ledger = (TierLedger *) PG_GETARG_POINTER(n);

	CsCheckVersion(TIER_LEDGER_NAME, ledger->version, TIER_LEDGER_VERSION);
	return ledger;
}

/* Take a row that counts into the state. */
static inline Datum
TakeRow(FunctionCallInfo fcinfo, const CsAmount *amount)
{
	TimestampTz at = PG_GETARG_TIMESTAMPTZ(1);
	TierLedger *ledger;
	TierRow *row;

	CsCheckFinite(at, "at");
	if (PG_ARGISNULL(0))
	{
		ledger = NewLedger(TIER_LEDGER_START);
		memset(ledger->row, 0, ledger->capacity * sizeof(TierRow));
	}
	else
		ledger = StateArgument(fcinfo, 0);
	if (unlikely(ledger->rows == ledger->capacity))
		ledger = Grown(ledger, 1);
	row = &ledger->row[ledger->rows++];
	row->at = at;
	row->high = (int64) (amount->units >> 64);
	row->low = (uint64) amount->units;
	ledger->scale = Max(ledger->scale, amount->scale);
	PG_RETURN_POINTER(ledger);
}

/* A transition function a type of amount. */
#define DEFINE_TIER_ACCUM(name, getarg, from)   \
	Datum name(PG_FUNCTION_ARGS)                \
	{                                           \
		CsAmount amount;                        \
                                                \
		CsRequireAggregate(fcinfo);             \
		if (PG_ARGISNULL(1) || PG_ARGISNULL(2)) \
			return CsUnchangedState(fcinfo);    \
		from(getarg(2), &amount);               \
		return TakeRow(fcinfo, &amount);        \
	}

#define GETARG_PACKED_NUMERIC(n) CsPackedNumeric(PG_GETARG_DATUM(n))

DEFINE_TIER_ACCUM(cs_tier_accum_int2, PG_GETARG_INT16, CsAmountFromInt64)
DEFINE_TIER_ACCUM(cs_tier_accum_int4, PG_GETARG_INT32, CsAmountFromInt64)
DEFINE_TIER_ACCUM(cs_tier_accum_int8, PG_GETARG_INT64, CsAmountFromInt64)
DEFINE_TIER_ACCUM(cs_tier_accum_numeric, GETARG_PACKED_NUMERIC, CsAmountFromNumeric)
DEFINE_TIER_ACCUM(cs_tier_accum_float4, PG_GETARG_FLOAT4, CsAmountFromFloat4)
DEFINE_TIER_ACCUM(cs_tier_accum_float8, PG_GETARG_FLOAT8, CsAmountFromFloat8)

/* Also the transition function of rollup: all rows of both, in any order. */
Datum
cs_tier_ledger_combine(PG_FUNCTION_ARGS)
{
	TierLedger *ledger;
	const TierLedger *other;

	CsRequireAggregate(fcinfo);
	if (PG_ARGISNULL(1))
		return CsUnchangedState(fcinfo);
	other = PG_GETARG_TIER_LEDGER(1);
	ledger = PG_ARGISNULL(0) ? NewLedger(TIER_LEDGER_START) : StateArgument(fcinfo, 0);
	if (PG_ARGISNULL(0) || ledger->capacity - ledger->rows < other->rows)
		ledger = Grown(ledger, other->rows);
	memcpy(ledger->row + ledger->rows, other->row, other->rows * sizeof(TierRow));
	ledger->rows += other->rows;
	ledger->scale = Max(ledger->scale, other->scale);
	PG_RETURN_POINTER(ledger);
}

/* A value of the rows of a state: in order, and without room for more. */
static TierLedger *
TidyCopy(const TierLedger *ledger)
{
	TierLedger *copy = NewLedgerOfRows(ledger->rows);

	copy->scale = ledger->scale;
	copy->rows = ledger->rows;
	memcpy(copy->row, ledger->row, ledger->rows * sizeof(TierRow));
	if (!RowsInOrder(copy))
		SortRows(copy->row, copy->rows);
	return copy;
}

/* NULL without a row. */
Datum
cs_tier_ledger_final(PG_FUNCTION_ARGS)
{
	CsRequireAggregate(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_POINTER(TidyCopy(StateArgument(fcinfo, 0)));
}

/* ---- text form: {"v":1,"scale":2,"at":["2024-01-31T10:00:00+00:00"],"amounts":[12.50]} ---- */

/* What is wrong with a row that came from outside, or NULL. */
static const char *
RowFault(const TierLedger *ledger, int i)
{
	const TierRow *row = &ledger->row[i];
	int128 units = CsTierRowUnits(row);

	if (!IS_VALID_TIMESTAMP(row->at))
		return "A moment is out of range.";
	if (units >= CS_MONEY_LIMIT || units <= -CS_MONEY_LIMIT)
		return "An amount is out of range.";
	if (!CsUnitsFitScale(units, ledger->scale))
		return "An amount has more decimals than the scale.";
	if (i > 0 && CompareRows(row - 1, row) > 0)
		return "The rows are not in order.";
	return NULL;
}

Datum
cs_tier_ledger_out(PG_FUNCTION_ARGS)
{
	TierLedger *ledger = TidyCopy(PG_GETARG_TIER_LEDGER(0));
	StringInfoData out;
	int i;

	initStringInfo(&out);
	appendStringInfo(&out, "{\"v\":%d,\"scale\":%d,\"at\":[", ledger->version, ledger->scale);
	for (i = 0; i < ledger->rows; i++)
	{
		CHECK_FOR_INTERRUPTS();
		appendStringInfoString(&out, i > 0 ? ",\"" : "\"");
		CsMomentText(&out, ledger->row[i].at);
		appendStringInfoChar(&out, '"');
	}
	appendStringInfoString(&out, "],\"amounts\":[");
	for (i = 0; i < ledger->rows; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (i > 0)
			appendStringInfoChar(&out, ',');
		CsUnitsText(&out, CsTierRowUnits(&ledger->row[i]), ledger->scale);
	}
	appendStringInfoString(&out, "]}");
	PG_RETURN_CSTRING(out.data);
}

Datum
cs_tier_ledger_in(PG_FUNCTION_ARGS)
{
	CsForm form;
	TierLedger *ledger;
	TimestampTz *moments;
	Numeric *amounts;
	int scale;
	int rows;
	int namounts;
	int i;

	CsFormOpen(&form, TIER_LEDGER_NAME, PG_GETARG_CSTRING(0));
	CsCheckVersion(TIER_LEDGER_NAME, (int) CsFormInt64(&form, "v", 0, PG_UINT16_MAX), TIER_LEDGER_VERSION);
	scale = (int) CsFormInt64(&form, "scale", 0, CS_MONEY_MAX_SCALE);
	moments = CsFormMomentArray(&form, "at", &rows);
	amounts = CsFormNumericArray(&form, "amounts", &namounts);
	CsFormClose(&form);
	if (rows != namounts)
		CsBadText(TIER_LEDGER_NAME, "The arrays have different lengths.");
	ledger = NewLedgerOfRows(rows);
	ledger->scale = scale;
	ledger->rows = rows;
	for (i = 0; i < rows; i++)
	{
		CsAmount amount;
		const char *fault;

		CHECK_FOR_INTERRUPTS();
		if (!CsUnitsFromNumeric(amounts[i], &amount.units, &amount.scale))
			CsBadText(TIER_LEDGER_NAME, "An amount is out of range.");
		ledger->row[i].at = moments[i];
		ledger->row[i].high = (int64) (amount.units >> 64);
		ledger->row[i].low = (uint64) amount.units;
		fault = RowFault(ledger, i);
		if (fault != NULL)
			CsBadText(TIER_LEDGER_NAME, fault);
	}
	PG_RETURN_POINTER(ledger);
}

/* ---- binary form: version, decimals, and the rows after their number ---- */

Datum
cs_tier_ledger_recv(PG_FUNCTION_ARGS)
{
	StringInfo buf = (StringInfo) PG_GETARG_POINTER(0);
	TierLedger *ledger;
	int scale;
	uint32 rows;
	int i;

	CsCheckVersion(TIER_LEDGER_NAME, pq_getmsgint(buf, 2), TIER_LEDGER_VERSION);
	scale = pq_getmsgint(buf, 2);
	rows = pq_getmsgint(buf, 4);
	if (scale > CS_MONEY_MAX_SCALE)
		CsBadBinary(TIER_LEDGER_NAME, "The number of decimals is out of range.");
	if ((int64) rows * (int64) sizeof(TierRow) != buf->len - buf->cursor)
		CsBadBinary(TIER_LEDGER_NAME, "The number of rows is not that of its head.");
	ledger = NewLedgerOfRows(rows);
	ledger->scale = scale;
	ledger->rows = (int32) rows;
	for (i = 0; i < ledger->rows; i++)
	{
		const char *fault;

		CHECK_FOR_INTERRUPTS();
		ledger->row[i].at = pq_getmsgint64(buf);
		ledger->row[i].high = pq_getmsgint64(buf);
		ledger->row[i].low = (uint64) pq_getmsgint64(buf);
		fault = RowFault(ledger, i);
		if (fault != NULL)
			CsBadBinary(TIER_LEDGER_NAME, fault);
	}
	PG_RETURN_POINTER(ledger);
}

Datum
cs_tier_ledger_send(PG_FUNCTION_ARGS)
{
	TierLedger *ledger = TidyCopy(PG_GETARG_TIER_LEDGER(0));
	StringInfoData buf;
	int i;

	pq_begintypsend(&buf);
	pq_sendint16(&buf, ledger->version);
	pq_sendint16(&buf, ledger->scale);
	pq_sendint32(&buf, ledger->rows);
	for (i = 0; i < ledger->rows; i++)
	{
		CHECK_FOR_INTERRUPTS();
		pq_sendint64(&buf, ledger->row[i].at);
		pq_sendint64(&buf, ledger->row[i].high);
		pq_sendint64(&buf, ledger->row[i].low);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}
