/*
 * rfm_customers.h
 *		The three figures of many customers, and their breaks: see
 *		rfm_customers.c; revenue as a value to compare: see rfm_revenue.c.
 */
#ifndef CUSTOMER_SCORING_RFM_CUSTOMERS_H
#define CUSTOMER_SCORING_RFM_CUSTOMERS_H

#include "core/check.h"
#include "core/money.h"
#include "math/select.h"
#include "summary/purchase.h"
#include "utils/timestamp.h"

/* What revenue is measured in; the two never mix. */
typedef enum RfmKind
{
	RFM_MONEY = 1, /* exact: values are units of 10^-12 */
	RFM_FLOAT = 2 /* double precision: values are keys that order like the floats */
} RfmKind;

/*
 * One customer. `revenue` is a value that compares as the revenue does, in what
 * the kind says; `scale` is the number of decimals it was written with.
 */
typedef struct RfmCustomer
{
	TimestampTz last;
	int64 orders;
	int128 revenue;
	RfmKind kind;
	int scale;
} RfmCustomer;

/* Sets kind, revenue and scale from a value of one SQL type. */
typedef void (*CsRfmSetRevenue)(RfmCustomer *customer, Datum revenue);

/*
 * Many customers, as columns of keys that order like the values. Money takes 64
 * bits, counted in 10^-decimals, until an amount does not fit; from then on
 * `wide` holds all of it in units, and `revenue` is NULL.
 */
typedef struct RfmCustomers
{
	MemoryContext context;
	RfmKind kind;
	int decimals; /* of narrow money: no amount so far has more */
	int64 n;
	int64 capacity;
	int64 limit; /* most customers that may be added */
	uint64 *last;
	uint64 *orders;
	uint64 *revenue;
	int128 *wide;
} RfmCustomers;

/* Breaks, in ascending order; bins - 1 of each are used. */
typedef struct RfmBreaks
{
	int bins;
	RfmKind kind;
	int scale;
	int64 customers;
	TimestampTz last[CS_MAX_BINS];
	int64 orders[CS_MAX_BINS];
	int128 revenue[CS_MAX_BINS];
} RfmBreaks;

/* Signed numbers as keys, and back. */
#define RFM_SIGN (UINT64CONST(1) << 63)
#define RfmKey(value) ((uint64) (value) ^ RFM_SIGN)
#define RfmValue(key) ((int64) ((key) ^ RFM_SIGN))

/* rfm_revenue.c */
extern void CsRfmRevenueInt2(RfmCustomer *customer, Datum revenue);
extern void CsRfmRevenueInt4(RfmCustomer *customer, Datum revenue);
extern void CsRfmRevenueInt8(RfmCustomer *customer, Datum revenue);
extern void CsRfmRevenueNumeric(RfmCustomer *customer, Datum revenue);
extern void CsRfmRevenueFloat8(RfmCustomer *customer, Datum revenue);
extern float8 CsRfmFloat(int128 revenue);
extern bool CsRfmRevenueInRange(RfmKind kind, int128 revenue, int scale);
extern void CsRfmRevenueText(StringInfo out, RfmKind kind, int128 revenue, int scale);
extern const char *CsRfmKindName(RfmKind kind);
extern RfmKind CsRfmKindByName(const char *type_name, const char *name);
extern const char *CsRfmWrongKind(int kind, int scale);
extern void CsRfmCheckKind(RfmKind a, RfmKind b);

/* rfm_customers.c */
extern bool CsRfmFromSummary(RfmCustomer *customer, PurchaseSummary *summary);
extern void CsRfmCheckCustomer(const RfmCustomer *customer);
extern void CsRfmInit(RfmCustomers *customers, MemoryContext context, RfmKind kind, int64 limit);
extern void CsRfmReserve(RfmCustomers *customers, int64 more);
extern void CsRfmAdd(RfmCustomers *customers, const RfmCustomer *customer);
extern void CsRfmGet(const RfmCustomers *customers, int64 i, RfmCustomer *customer);
extern void CsRfmAppend(RfmCustomers *customers, const RfmCustomers *others);
extern void CsRfmBreaks(const RfmCustomers *customers, int bins, RfmBreaks *breaks);
extern void CsRfmScoreAll(const RfmCustomers *customers, const RfmBreaks *breaks, uint8 *scores);
extern void CsRfmFree(RfmCustomers *customers);

#endif /* CUSTOMER_SCORING_RFM_CUSTOMERS_H */
