/*
 * purchase.h
 *		What is kept of one customer's purchases: see purchase.c.
 */
#ifndef CUSTOMER_SCORING_PURCHASE_H
#define CUSTOMER_SCORING_PURCHASE_H

#include "core/money.h"
#include "utils/timestamp.h"

#define PURCHASE_SUMMARY_VERSION 1

/*
 * The stored value. Absent moments are DT_NOEND (first) and DT_NOBEGIN (last,
 * previous), so that taking in an order needs no special case for the first.
 */
typedef struct PurchaseSummary
{
	CsMoney revenue; /* holds the version */
	TimestampTz first; /* earliest order */
	TimestampTz previous; /* last but one order, equal to last in a tie */
	TimestampTz last; /* latest order */
	int64 orders; /* amounts above zero */
	int64 refunds; /* amounts below zero */
} PurchaseSummary;

StaticAssertDecl(sizeof(PurchaseSummary) == 64, "the type is declared with 64 bytes");

#define PG_GETARG_PURCHASE_SUMMARY(n) ((PurchaseSummary *) PG_GETARG_POINTER(n))
#define PG_RETURN_PURCHASE_SUMMARY(x) return PointerGetDatum(x)

#endif /* CUSTOMER_SCORING_PURCHASE_H */
