/*
 * pareto_class.c
 *		The window functions pareto_class and cumulative_share: who brings most of
 *		a total.
 *
 * Values are put in order, highest first. The *share before* a value is that of
 * all higher ones in the total of those above zero, its *cumulative share* has
 * it and its peers besides. Class A are those with a share before below a, so
 * the one who crosses a is among them; class B those below b. Zero and less is
 * class C and no part of the total.
 *
 * The first call in a partition reads all its rows and sorts them; each row then
 * has an answer in partition-local memory. ORDER BY and frame do not matter.
 * Sums are exact integers (core/money.h), and so is what is compared.
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "windowapi.h"

#include "core/check.h"
#include "core/compat.h"
#include "core/money.h"

PG_FUNCTION_INFO_V1(cs_pareto_class_numeric);
PG_FUNCTION_INFO_V1(cs_pareto_class_float8);
PG_FUNCTION_INFO_V1(cs_cumulative_share_numeric);
PG_FUNCTION_INFO_V1(cs_cumulative_share_float8);

/* Rows after which what evaluating an argument left behind is freed. */
#define ROWS_PER_BLOCK 32

/* A row that has a value. */
typedef struct Ranked
{
	int128 units;
	int64 row;
} Ranked;

/* What a row is told; the share is NaN where there is none. */
typedef struct Standing
{
	double cumulative;
	char class; /* 0 for NULL */
} Standing;

/* Partition-local memory, zeroed by the server at the start of a partition. */
typedef struct ParetoWindow
{
	Standing *standings;
	Numeric a; /* limits, which are the same in the partition */
	Numeric b;
} ParetoWindow;

typedef void (*SetAmount)(Datum value, CsAmount *amount);

static void
FromNumeric(Datum value, CsAmount *amount)
{
	CsAmountFromNumeric(CsPackedNumeric(value), amount);
}

static void
FromFloat8(Datum value, CsAmount *amount)
{
	CsAmountFromFloat8(DatumGetFloat8(value), amount);
}

static int
CompareRanked(const void *a, const void *b)
{
	const int128 x = ((const Ranked *) a)->units;
	const int128 y = ((const Ranked *) b)->units;

	return x > y ? -1 : x < y ? 1 : 0;
}

/* Read the values of the partition. */
static Ranked *
GatherValues(WindowObject window, SetAmount set_amount, int64 rows, int64 *n)
{
	Ranked *ranked = palloc_extended(sizeof(Ranked) * Max(rows, 1), MCXT_ALLOC_HUGE);
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "arguments of pareto_class",
												 ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(memory);
	int64 row;

	*n = 0;
	for (row = 0; row < rows; row++)
	{
		bool isnull;
		bool isout;
		CsAmount amount;
		Datum value;

		CHECK_FOR_INTERRUPTS();
		if (row % ROWS_PER_BLOCK == 0)
			MemoryContextReset(memory);
		value = WinGetFuncArgInPartition(window, 0, row, WINDOW_SEEK_HEAD, false, &isnull, &isout);
		if (isnull)
			continue;
		set_amount(value, &amount);
		ranked[(*n)++] = (Ranked){amount.units, row};
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(memory);
	return ranked;
}

/* The total of all values above zero, highest first. */
static int128
TotalOf(const Ranked *ranked, int64 n)
{
	int128 total = 0;
	int64 i;

	for (i = 0; i < n && ranked[i].units > 0; i++)
		if (__builtin_add_overflow(total, ranked[i].units, &total))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("total of values out of range"),
					 errhint("Divide the values by a thousand: shares stay the same.")));
	return total;
}

/* The least whole number of units that is not below a share of a total. */
static int128
LimitOf(Numeric share, int128 total)
{
	Datum limit = DirectFunctionCall2(numeric_mul, NumericGetDatum(share),
									  NumericGetDatum(CsUnitsNumeric(total, CS_MONEY_DECIMALS)));
	Datum unit = DirectFunctionCall3(numeric_in, CStringGetDatum("1e12"), ObjectIdGetDatum(InvalidOid),
									 Int32GetDatum(-1));
	const char *digits = DatumGetCString(DirectFunctionCall1(
		numeric_out, DirectFunctionCall1(numeric_ceil, DirectFunctionCall2(numeric_mul, limit, unit))));
	int128 units = 0;

	for (; *digits >= '0' && *digits <= '9'; digits++)
		units = units * 10 + (*digits - '0');
	return units;
}

/* Tell each row of the partition where it stands. */
static void
Rank(ParetoWindow *state, WindowObject window, SetAmount set_amount, Numeric a, Numeric b)
{
	int64 rows = WinGetPartitionRowCount(window);
	int64 n;
	Ranked *ranked = GatherValues(window, set_amount, rows, &n);
	int128 before = 0;
	int128 total;
	int128 limit_a;
	int128 limit_b;
	int64 i;
	int64 next;

	qsort(ranked, n, sizeof(Ranked), CompareRanked);
	total = TotalOf(ranked, n);
	limit_a = a != NULL ? LimitOf(a, total) : 0;
	limit_b = b != NULL ? LimitOf(b, total) : 0;
	state->standings = MemoryContextAllocExtended(
		GetMemoryChunkContext(state), sizeof(Standing) * Max(rows, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (i = 0; i < n; i = next)
	{
		int128 cumulative = before;
		Standing standing;

		CHECK_FOR_INTERRUPTS();
		for (next = i; next < n && ranked[next].units == ranked[i].units; next++)
			cumulative += Max(ranked[i].units, 0);
		standing.cumulative = total > 0 ? (double) cumulative / (double) total : NAN;
		standing.class = ranked[i].units > 0 && before < limit_a   ? 'A'
						 : ranked[i].units > 0 && before < limit_b ? 'B'
																   : 'C';
		before = cumulative;
		for (; i < next; i++)
			state->standings[ranked[i].row] = standing;
	}
	pfree(ranked);
}

static bool
IsLess(Numeric a, Numeric b)
{
	return DatumGetBool(DirectFunctionCall2(numeric_lt, NumericGetDatum(a), NumericGetDatum(b)));
}

/* A limit, which is above 0 and at most 1. */
static void
CheckLimit(Numeric limit, const char *name)
{
	if (!IsLess(int64_to_numeric(0), limit) || IsLess(int64_to_numeric(1), limit))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s is %s", name,
							   DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(limit)))),
						errhint("It is a share of the total, above 0 and at most 1.")));
}

static Numeric
ClassLimit(WindowObject window, int argument, const char *name)
{
	bool isnull;
	Datum value = WinGetFuncArgCurrent(window, argument, &isnull);

	if (isnull)
		CsNullParameter(name);
	return DatumGetNumeric(value);
}

/* pareto_class(value, a, b) OVER (…) */
static Datum
ParetoClass(FunctionCallInfo fcinfo, SetAmount set_amount)
{
	WindowObject window = PG_WINDOW_OBJECT();
	ParetoWindow *state = WinGetPartitionLocalMemory(window, sizeof(ParetoWindow));
	Numeric a = ClassLimit(window, 1, "a");
	Numeric b = ClassLimit(window, 2, "b");
	char class;

	if (state->standings == NULL)
	{
		MemoryContext old;

		CheckLimit(a, "a");
		CheckLimit(b, "b");
		if (IsLess(b, a))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a is above b"),
							errhint("Class A ends at a, class B at b.")));
		Rank(state, window, set_amount, a, b);
		old = MemoryContextSwitchTo(GetMemoryChunkContext(state));
		state->a = DatumGetNumericCopy(NumericGetDatum(a));
		state->b = DatumGetNumericCopy(NumericGetDatum(b));
		MemoryContextSwitchTo(old);
	}
	else if (IsLess(a, state->a) || IsLess(state->a, a) || IsLess(b, state->b) || IsLess(state->b, b))
		CsMixedParameter("a and b");
	class = state->standings[WinGetCurrentPosition(window)].class;
	if (class == 0)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text_with_len(&class, 1));
}

/* cumulative_share(value) OVER (…) */
static Datum
CumulativeShare(FunctionCallInfo fcinfo, SetAmount set_amount)
{
	WindowObject window = PG_WINDOW_OBJECT();
	ParetoWindow *state = WinGetPartitionLocalMemory(window, sizeof(ParetoWindow));
	const Standing *standing;

	if (state->standings == NULL)
		Rank(state, window, set_amount, NULL, NULL);
	standing = &state->standings[WinGetCurrentPosition(window)];
	if (standing->class == 0 || isnan(standing->cumulative))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(standing->cumulative);
}

Datum
cs_pareto_class_numeric(PG_FUNCTION_ARGS)
{
	return ParetoClass(fcinfo, FromNumeric);
}

Datum
cs_pareto_class_float8(PG_FUNCTION_ARGS)
{
	return ParetoClass(fcinfo, FromFloat8);
}

Datum
cs_cumulative_share_numeric(PG_FUNCTION_ARGS)
{
	return CumulativeShare(fcinfo, FromNumeric);
}

Datum
cs_cumulative_share_float8(PG_FUNCTION_ARGS)
{
	return CumulativeShare(fcinfo, FromFloat8);
}
