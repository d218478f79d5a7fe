/*
 * rfm_window.c
 *		The window function rfm: scores of the customers of a partition.
 *
 * The first call in a partition reads all its rows, finds the breaks and keeps
 * three bytes a row in partition-local memory; every call then looks its row
 * up. The whole partition counts, whatever ORDER BY or frame says. A row with a
 * NULL among its figures, or a summary without orders, is no part of the
 * population and scores NULL.
 *
 * The figures are fetched column by column for a block of rows, because fetching
 * the same row of a partition again costs two steps of its tuplestore, the next
 * row one, and going back some rows nothing, or little if it is on disk.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "windowapi.h"

#include "core/check.h"
#include "core/compat.h"
#include "core/moment.h"
#include "model/rfm_customers.h"
#include "model/rfm_row.h"

/* Most rows of a partition: 43 bytes each while they are scored. */
#define WINDOW_LIMIT INT64CONST(100000000)

/*
 * Rows read column by column, after which what evaluating arguments left behind
 * is freed. Few enough to lie in one buffer of a partition spilled to disk.
 */
#define ROWS_PER_BLOCK 32

/* Partition-local memory, zeroed by the server at the start of a partition. */
typedef struct RfmWindow
{
	uint8 *scores; /* three a row, 0 for a row that is no part */
	int bins;
} RfmWindow;

/* Reads one argument for all rows of the partition in turn. */
typedef struct ArgumentReader
{
	WindowObject window;
	MemoryContext memory;
	MemoryContext caller;
} ArgumentReader;

PG_FUNCTION_INFO_V1(cs_rfm_window_summary);
PG_FUNCTION_INFO_V1(cs_rfm_window_int2);
PG_FUNCTION_INFO_V1(cs_rfm_window_int4);
PG_FUNCTION_INFO_V1(cs_rfm_window_int8);
PG_FUNCTION_INFO_V1(cs_rfm_window_numeric);
PG_FUNCTION_INFO_V1(cs_rfm_window_float8);

/* One argument of one row, valid until the block is done. */
static inline Datum
ReadArgument(ArgumentReader *reader, int argument, int64 row, bool *isnull)
{
	Datum value;
	bool isout;

	CHECK_FOR_INTERRUPTS();
	MemoryContextSwitchTo(reader->memory);
	value = WinGetFuncArgInPartition(reader->window, argument, row, WINDOW_SEEK_HEAD, false, isnull, &isout);
	MemoryContextSwitchTo(reader->caller);
	Assert(!isout);
	return value;
}

/* Gather customers given as summaries; marks the rows that are part. */
static void
GatherSummaries(ArgumentReader *reader, int64 rows, RfmCustomers *customers, uint8 *scores)
{
	int64 row;

	CsRfmInit(customers, reader->caller, RFM_MONEY, WINDOW_LIMIT);
	CsRfmReserve(customers, rows);
	for (row = 0; row < rows; row++)
	{
		RfmCustomer customer;
		bool isnull;
		Datum summary;

		if (row % ROWS_PER_BLOCK == 0)
			MemoryContextReset(reader->memory);
		summary = ReadArgument(reader, 0, row, &isnull);
		if (!isnull && CsRfmFromSummary(&customer, (PurchaseSummary *) DatumGetPointer(summary)))
		{
			CsRfmAdd(customers, &customer);
			scores[3 * row] = 1;
		}
	}
}

/*
 * Gather customers given as three columns. The first two of a block wait in the
 * arrays at the place of their row, which is never before the place that the
 * customer gets.
 */
static void
GatherColumns(ArgumentReader *reader, int64 rows, RfmKind kind, CsRfmSetRevenue set_revenue,
			  RfmCustomers *customers, uint8 *scores)
{
	int64 begin;
	int64 end;

	CsRfmInit(customers, reader->caller, kind, WINDOW_LIMIT);
	CsRfmReserve(customers, rows);
	for (begin = 0; begin < rows; begin = end)
	{
		bool isnull;
		int64 row;

		end = Min(begin + ROWS_PER_BLOCK, rows);
		MemoryContextReset(reader->memory);
		for (row = begin; row < end; row++)
		{
			customers->last[row] = (uint64) DatumGetTimestampTz(ReadArgument(reader, 0, row, &isnull));
			scores[3 * row] = !isnull;
		}
		for (row = begin; row < end; row++)
		{
			customers->orders[row] = (uint64) DatumGetInt64(ReadArgument(reader, 1, row, &isnull));
			if (isnull)
				scores[3 * row] = 0;
		}
		for (row = begin; row < end; row++)
		{
			Datum revenue = ReadArgument(reader, 2, row, &isnull);
			RfmCustomer customer;

			if (isnull)
				scores[3 * row] = 0;
			if (scores[3 * row] == 0)
				continue;
			customer.last = (TimestampTz) customers->last[row];
			customer.orders = (int64) customers->orders[row];
			set_revenue(&customer, revenue);
			CsRfmAdd(customers, &customer);
		}
	}
}

/*
 * Score the partition. The scores of the population stand close together at
 * first, and then move to their rows, the last one first.
 */
static void
ScorePartition(RfmWindow *state, WindowObject window, RfmKind kind, CsRfmSetRevenue set_revenue)
{
	int64 rows = WinGetPartitionRowCount(window);
	ArgumentReader reader;
	RfmCustomers customers;
	RfmBreaks breaks;
	uint8 *scores;
	uint8 *close;
	int64 row;
	int64 i;

	scores = MemoryContextAllocExtended(GetMemoryChunkContext(state), (Size) rows * 3,
										MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	reader.window = window;
	reader.caller = CurrentMemoryContext;
	reader.memory = AllocSetContextCreate(CurrentMemoryContext, "arguments of rfm", ALLOCSET_DEFAULT_SIZES);
	if (set_revenue == NULL)
		GatherSummaries(&reader, rows, &customers, scores);
	else
		GatherColumns(&reader, rows, kind, set_revenue, &customers, scores);
	MemoryContextDelete(reader.memory);

	if (customers.n > 0)
	{
		CsRfmBreaks(&customers, state->bins, &breaks);
		close = MemoryContextAllocHuge(CurrentMemoryContext, customers.n * 3);
		CsRfmScoreAll(&customers, &breaks, close);
		i = 0;
		for (row = 0; row < rows; row++)
		{
			if (scores[3 * row] != 0)
				memcpy(scores + 3 * row, close + 3 * i++, 3);
		}
		pfree(close);
	}
	CsRfmFree(&customers);
	state->scores = scores;
}

/*
 * The score of the current row. bins, the last argument, must be the same in
 * the whole partition.
 */
static Datum
WindowScore(FunctionCallInfo fcinfo, int bins_argument, RfmKind kind, CsRfmSetRevenue set_revenue)
{
	WindowObject window = PG_WINDOW_OBJECT();
	RfmWindow *state = WinGetPartitionLocalMemory(window, sizeof(RfmWindow));
	const RfmScoreForm *form = CsRfmScoreForm(fcinfo);
	const uint8 *scores;
	bool isnull;
	int bins = DatumGetInt32(WinGetFuncArgCurrent(window, bins_argument, &isnull));

	if (isnull)
		CsNullParameter("bins");
	if (state->scores == NULL)
	{
		CsCheckBins(bins);
		state->bins = bins;
		ScorePartition(state, window, kind, set_revenue);
	}
	else if (bins != state->bins)
		CsMixedParameter("bins");
	scores = state->scores + 3 * WinGetCurrentPosition(window);
	if (scores[0] == 0)
		PG_RETURN_NULL();
	return CsRfmScoreDatum(form, scores[0], scores[1], scores[2], bins);
}

/* rfm(purchase_summary, bins) OVER (…) */
Datum
cs_rfm_window_summary(PG_FUNCTION_ARGS)
{
	return WindowScore(fcinfo, 1, RFM_MONEY, NULL);
}

/* rfm(last_order_at, orders, revenue, bins) OVER (…), one for each type. */
Datum
cs_rfm_window_int2(PG_FUNCTION_ARGS)
{
	return WindowScore(fcinfo, 3, RFM_MONEY, CsRfmRevenueInt2);
}

Datum
cs_rfm_window_int4(PG_FUNCTION_ARGS)
{
	return WindowScore(fcinfo, 3, RFM_MONEY, CsRfmRevenueInt4);
}

Datum
cs_rfm_window_int8(PG_FUNCTION_ARGS)
{
	return WindowScore(fcinfo, 3, RFM_MONEY, CsRfmRevenueInt8);
}

Datum
cs_rfm_window_numeric(PG_FUNCTION_ARGS)
{
	return WindowScore(fcinfo, 3, RFM_MONEY, CsRfmRevenueNumeric);
}

Datum
cs_rfm_window_float8(PG_FUNCTION_ARGS)
{
	return WindowScore(fcinfo, 3, RFM_FLOAT, CsRfmRevenueFloat8);
}
