/*
 * moved.c
 *		Whether breaks that have moved change a customer's stored scores.
 *
 * Asked of every row of a segment table by a refresh that finds its breaks anew,
 * so it makes no value but the answer.
 */
#include "postgres.h"

#include "fmgr.h"
#include "nodes/supportnodes.h"
#include "utils/timestamp.h"

#include "core/compat.h"
#include "model/rfm_model.h"

PG_FUNCTION_INFO_V1(cs_segment_moved);
PG_FUNCTION_INFO_V1(cs_segment_moved_support);

/* What share of customers the planner is to expect: breaks move by little. */
#define MOVED_SHARE 0.02

/*
 * segment_moved(breaks, last_order_at, orders, revenue, as_of, r, f, m): whether
 * the scores by these breaks are others than r, f, m. NULLs among the figures
 * give no scores, as with rfm().
 */
Datum
cs_segment_moved(PG_FUNCTION_ARGS)
{
	bool scored = !PG_ARGISNULL(0) && !PG_ARGISNULL(1) && !PG_ARGISNULL(2) && !PG_ARGISNULL(3) &&
				  !PG_ARGISNULL(4);
	int nulls = PG_ARGISNULL(5) + PG_ARGISNULL(6) + PG_ARGISNULL(7);
	RfmCustomer customer;
	int r;
	int f;
	int m;

	if (!scored)
		PG_RETURN_BOOL(nulls < 3);
	if (nulls > 0)
		PG_RETURN_BOOL(true);
	customer.last = PG_GETARG_TIMESTAMPTZ(1);
	customer.orders = PG_GETARG_INT64(2);
	CsRfmRevenueNumeric(&customer, PG_GETARG_DATUM(3));
	CsRfmFrozenScores(CsRfmModelArg(PG_GETARG_DATUM(0)), &customer, PG_GETARG_TIMESTAMPTZ(4), &r, &f, &m);
	PG_RETURN_BOOL(r != PG_GETARG_INT16(5) || f != PG_GETARG_INT16(6) || m != PG_GETARG_INT16(7));
}

/* segment_moved_support(internal): tells the planner that few customers are moved. */
Datum
cs_segment_moved_support(PG_FUNCTION_ARGS)
{
	Node *request = (Node *) PG_GETARG_POINTER(0);

	if (!IsA(request, SupportRequestSelectivity))
		PG_RETURN_POINTER(NULL);
	((SupportRequestSelectivity *) request)->selectivity = MOVED_SHARE;
	PG_RETURN_POINTER(request);
}
