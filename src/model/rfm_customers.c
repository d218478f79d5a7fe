/*
 * rfm_customers.c
 *		The three figures of many customers, and their breaks.
 *
 * What the window function and rfm_fit share: gathering last order, number of
 * orders and revenue of each customer of a population, and finding the breaks
 * exactly by selection (math/select.c).
 *
 * Revenue is exact. Nearly all money fits 64 bits once it is counted in the
 * smallest decimal that occurs, and 24 bytes a customer are enough; when an
 * amount does not fit, all are held in 128 bits, 32 bytes a customer.
 *
 * Arrays live in the context given to CsRfmInit and may be larger than 1 GB;
 * working space is taken from the current context and given back.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "core/compat.h"
#include "core/moment.h"
#include "math/poll.h"
#include "model/rfm_customers.h"

/*
 * The figures of a summary; false for a customer without orders, who is no part
 * of a population.
 */
bool
CsRfmFromSummary(RfmCustomer *customer, PurchaseSummary *summary)
{
	CsCheckVersion("purchase_summary", summary->revenue.version, PURCHASE_SUMMARY_VERSION);
	if (summary->orders == 0)
		return false;
	customer->last = summary->last;
	customer->orders = summary->orders;
	customer->kind = RFM_MONEY;
	customer->revenue = CsMoneyUnits(&summary->revenue);
	customer->scale = Min(summary->revenue.scale, CS_MONEY_DECIMALS);
	return true;
}

/* What holds for every customer of a population or scored by a model. */
void
CsRfmCheckCustomer(const RfmCustomer *customer)
{
	CsCheckFinite(customer->last, "last_order_at");
	if (unlikely(customer->orders < 0))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("number of orders must not be negative, not " INT64_FORMAT, customer->orders),
						errhint("The arguments are the last order, the number of orders and the revenue.")));
}

static const int64 PowersOfTen[CS_MONEY_DECIMALS + 1] = {1,
														 10,
														 100,
														 1000,
														 10000,
														 100000,
														 1000000,
														 10000000,
														 100000000,
														 1000000000,
														 INT64CONST(10000000000),
														 INT64CONST(100000000000),
														 INT64CONST(1000000000000)};

/* No customers yet. */
void
CsRfmInit(RfmCustomers *customers, MemoryContext context, RfmKind kind, int64 limit)
{
	memset(customers, 0, sizeof(RfmCustomers));
	customers->context = context;
	customers->kind = kind;
	customers->limit = limit;
}

/* Give the arrays back. */
void
CsRfmFree(RfmCustomers *customers)
{
	if (customers->last != NULL)
		pfree(customers->last);
	if (customers->orders != NULL)
		pfree(customers->orders);
	if (customers->revenue != NULL)
		pfree(customers->revenue);
	if (customers->wide != NULL)
		pfree(customers->wide);
	CsRfmInit(customers, customers->context, customers->kind, customers->limit);
}

/* An array for `capacity` elements in place of one for fewer or none. */
static void *
Enlarge(MemoryContext context, void *array, Size element, int64 capacity)
{
	if (array == NULL)
		return MemoryContextAllocHuge(context, element * capacity);
	return repalloc_huge(array, element * capacity);
}

/* Make room for more customers; the one place where the limit is checked. */
void
CsRfmReserve(RfmCustomers *customers, int64 more)
{
	int64 capacity;

	if (more > customers->limit - customers->n)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("too many customers to score at once"),
				 errdetail("The limit is " INT64_FORMAT " customers.", customers->limit),
				 errhint("Score by groups with PARTITION BY or GROUP BY, or fit a model with rfm_fit on a "
						 "random sample and score every customer with rfm(model, ...).")));
	if (customers->n + more <= customers->capacity)
		return;
	capacity = Max(customers->n + more, Max(customers->capacity * 2, 16));
	capacity = Min(capacity, customers->limit);
	customers->last = Enlarge(customers->context, customers->last, sizeof(uint64), capacity);
	customers->orders = Enlarge(customers->context, customers->orders, sizeof(uint64), capacity);
	if (customers->wide != NULL)
		customers->wide = Enlarge(customers->context, customers->wide, sizeof(int128), capacity);
	else
		customers->revenue = Enlarge(customers->context, customers->revenue, sizeof(uint64), capacity);
	customers->capacity = capacity;
}

/* The revenue of one customer as a value of its kind. */
static inline int128
RevenueAt(const RfmCustomers *customers, int64 i, int64 step)
{
	if (customers->wide != NULL)
		return customers->wide[i];
	return (int128) RfmValue(customers->revenue[i]) * step;
}

/* Units in one step of a narrow revenue. */
static inline int64
StepOf(const RfmCustomers *customers)
{
	return customers->kind == RFM_MONEY ? PowersOfTen[CS_MONEY_DECIMALS - customers->decimals] : 1;
}

/* Hold money in 128 bits from now on. */
static void
Widen(RfmCustomers *customers)
{
	int64 step = StepOf(customers);
	int128 *wide = MemoryContextAllocHuge(customers->context, sizeof(int128) * Max(customers->capacity, 1));
	int64 i;

	for (i = 0; i < customers->n; i++)
	{
		if (i % CS_MATH_STRIDE == 0)
			CHECK_FOR_INTERRUPTS();
		wide[i] = RevenueAt(customers, i, step);
	}
	if (customers->revenue != NULL)
		pfree(customers->revenue);
	customers->revenue = NULL;
	customers->wide = wide;
}

/*
 * Count narrow money in a smaller decimal, which happens at most twelve times;
 * or hold it in 128 bits when that does not fit. Nothing is changed before it
 * is known to fit.
 */
static void
SetDecimals(RfmCustomers *customers, int decimals)
{
	int64 factor = PowersOfTen[decimals - customers->decimals];
	int64 ignored;
	int64 i;

	for (i = 0; i < customers->n && customers->wide == NULL; i++)
	{
		if (i % CS_MATH_STRIDE == 0)
			CHECK_FOR_INTERRUPTS();
		if (__builtin_mul_overflow(RfmValue(customers->revenue[i]), factor, &ignored))
			Widen(customers);
	}
	for (i = 0; i < customers->n && customers->wide == NULL; i++)
		customers->revenue[i] = RfmKey(RfmValue(customers->revenue[i]) * factor);
	customers->decimals = decimals;
}

/*
 * Write the revenue of the next customer: narrow if it can be told exactly that
 * way.
 */
static inline void
StoreRevenue(RfmCustomers *customers, const RfmCustomer *customer)
{
	int128 narrow = customer->revenue;

	if (customer->kind == RFM_MONEY)
	{
		if (unlikely(customer->scale > customers->decimals))
			SetDecimals(customers, customer->scale);
		if (customers->wide == NULL)
		{
			int64 step = StepOf(customers);

			/* 64-bit division where it will do */
			if (narrow == (int128) (int64) narrow)
				narrow = (int64) narrow / step;
			else
				narrow = narrow / step;
			if (unlikely(narrow != (int128) (int64) narrow || narrow * step != customer->revenue))
				Widen(customers);
		}
	}
	if (customers->wide != NULL)
		customers->wide[customers->n] = customer->revenue;
	else
		customers->revenue[customers->n] = RfmKey((int64) narrow);
}

/* Add a customer, who must be of the same kind. */
void
CsRfmAdd(RfmCustomers *customers, const RfmCustomer *customer)
{
	CsRfmCheckKind(customers->kind, customer->kind);
	CsRfmCheckCustomer(customer);
	if (customers->n == customers->capacity)
		CsRfmReserve(customers, 1);
	StoreRevenue(customers, customer);
	customers->last[customers->n] = RfmKey(customer->last);
	customers->orders[customers->n] = RfmKey(customer->orders);
	customers->n++;
}

/* The i-th customer as they were added. */
void
CsRfmGet(const RfmCustomers *customers, int64 i, RfmCustomer *customer)
{
	customer->last = RfmValue(customers->last[i]);
	customer->orders = RfmValue(customers->orders[i]);
	customer->kind = customers->kind;
	customer->revenue = RevenueAt(customers, i, StepOf(customers));
	customer->scale = customers->decimals;
}

/*
 * Add all customers of another population of the same kind. Columns are copied
 * whole where both count revenue alike.
 */
void
CsRfmAppend(RfmCustomers *customers, const RfmCustomers *others)
{
	RfmCustomer customer;
	int64 i;

	CsRfmCheckKind(customers->kind, others->kind);
	CsRfmReserve(customers, others->n);
	if (customers->n == 0 && customers->wide == NULL)
		customers->decimals = others->decimals;
	if (customers->wide == NULL && others->wide == NULL && customers->decimals == others->decimals)
	{
		Size size = sizeof(uint64) * others->n;

		memcpy(customers->last + customers->n, others->last, size);
		memcpy(customers->orders + customers->n, others->orders, size);
		memcpy(customers->revenue + customers->n, others->revenue, size);
		customers->n += others->n;
		return;
	}
	for (i = 0; i < others->n; i++)
	{
		if (i % CS_MATH_STRIDE == 0)
			CHECK_FOR_INTERRUPTS();
		CsRfmGet(others, i, &customer);
		CsRfmAdd(customers, &customer);
	}
}

/*
 * Breaks among 128-bit values: select by the upper half, then among the values
 * of each upper half found by the lower.
 */
static void
WideBreaks(const RfmCustomers *customers, int bins, uint64 *space, int128 *breaks)
{
	uint64 *keys = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(uint64) * customers->n);
	uint64 uppers[CS_SELECT_MAX_RANKS];
	uint64 lowers[CS_SELECT_MAX_RANKS];
	size_t ranks[CS_SELECT_MAX_RANKS];
	int first;
	int next;
	int64 i;

	for (i = 0; i < customers->n; i++)
		keys[i] = RfmKey((int64) (customers->wide[i] >> 64));
	cs_breaks(keys, customers->n, bins, space, uppers);
	for (first = 0; first < bins - 1; first = next)
	{
		size_t below = 0;
		size_t n = 0;
		int k;

		for (i = 0; i < customers->n; i++)
		{
			uint64 upper = RfmKey((int64) (customers->wide[i] >> 64));

			if (i % CS_MATH_STRIDE == 0)
				CHECK_FOR_INTERRUPTS();
			if (upper < uppers[first])
				below++;
			else if (upper == uppers[first])
				keys[n++] = (uint64) customers->wide[i];
		}
		for (next = first; next < bins - 1 && uppers[next] == uppers[first]; next++)
			ranks[next] = cs_break_rank(customers->n, next + 1, bins) - below;
		cs_select(keys, n, ranks + first, next - first, space, lowers + first);
		for (k = first; k < next; k++)
			breaks[k] = ((int128) RfmValue(uppers[k]) << 64) | lowers[k];
	}
	pfree(keys);
}

/* The breaks of a population of at least one customer. */
void
CsRfmBreaks(const RfmCustomers *customers, int bins, RfmBreaks *breaks)
{
	uint64 *space = MemoryContextAllocHuge(CurrentMemoryContext,
										   sizeof(uint64) * CS_SELECT_SPACE(customers->n));
	uint64 found[CS_MAX_BINS];
	int64 step = StepOf(customers);
	int k;

	Assert(customers->n > 0);
	breaks->bins = bins;
	breaks->kind = customers->kind;
	breaks->scale = customers->decimals;
	breaks->customers = customers->n;
	cs_breaks(customers->last, customers->n, bins, space, found);
	for (k = 0; k < bins - 1; k++)
		breaks->last[k] = RfmValue(found[k]);
	cs_breaks(customers->orders, customers->n, bins, space, found);
	for (k = 0; k < bins - 1; k++)
		breaks->orders[k] = RfmValue(found[k]);
	if (customers->wide != NULL)
		WideBreaks(customers, bins, space, breaks->revenue);
	else
	{
		cs_breaks(customers->revenue, customers->n, bins, space, found);
		for (k = 0; k < bins - 1; k++)
			breaks->revenue[k] = (int128) RfmValue(found[k]) * step;
	}
	pfree(space);
}

/*
 * The scores of the customers the breaks were found among: three bytes each.
 */
void
CsRfmScoreAll(const RfmCustomers *customers, const RfmBreaks *breaks, uint8 *scores)
{
	uint64 keys[CS_MAX_BINS] = {0};
	int n_breaks = breaks->bins - 1;
	int64 step = StepOf(customers);
	int64 i;
	int k;

	for (k = 0; k < n_breaks; k++)
		keys[k] = RfmKey(breaks->last[k]);
	cs_scores(customers->last, customers->n, keys, n_breaks, scores, 3);
	for (k = 0; k < n_breaks; k++)
		keys[k] = RfmKey(breaks->orders[k]);
	cs_scores(customers->orders, customers->n, keys, n_breaks, scores + 1, 3);
	if (customers->wide == NULL)
	{
		for (k = 0; k < n_breaks; k++)
			keys[k] = RfmKey((int64) (breaks->revenue[k] / step));
		cs_scores(customers->revenue, customers->n, keys, n_breaks, scores + 2, 3);
		return;
	}
	for (i = 0; i < customers->n; i++)
	{
		int score = 1;

		if (i % CS_MATH_STRIDE == 0)
			CHECK_FOR_INTERRUPTS();
		for (k = 0; k < n_breaks; k++)
			score += breaks->revenue[k] < customers->wide[i];
		scores[3 * i + 2] = score;
	}
}
