/*
 * clv_orders.h
 *		State of the aggregates clv_summary and clv_holdout: see clv_orders.c.
 */
#ifndef CUSTOMER_SCORING_CLV_ORDERS_H
#define CUSTOMER_SCORING_CLV_ORDERS_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "pgtime.h"

#include "core/money.h"

#define CLV_ORDERS_VERSION 1
#define CLV_ORDERS_NAME "clv_orders"

/* What an entry is about; without CLV_PURCHASE it holds refunds only. */
#define CLV_PURCHASE 1
#define CLV_HOLDOUT 2

/* The sum of one period: an integer of 144 bits in units of 10^-12. */
typedef struct ClvPeriod
{
	int32 period;
	uint16 kind;
	int16 carry;
	int64 high;
	uint64 low;
} ClvPeriod;

StaticAssertDecl(sizeof(ClvPeriod) == 24, "an entry has no padding");

/*
 * The state: its parameters, the name of the zone with its zeros up to a
 * multiple of 8 bytes, and `capacity` entries, of which `count` are in use.
 */
typedef struct ClvOrders
{
	int32 vl_len_;
	uint16 version;
	uint16 zone_size; /* bytes of the name with its zeros */
	int32 count;
	int32 capacity;
	int32 last; /* period of as_of */
	int32 last_calibration; /* period of calibration_end */
	Interval unit; /* only one of its three parts is not zero */
	TimestampTz as_of;
	TimestampTz calibration_end; /* as_of when there is no holdout */
	char zone[FLEXIBLE_ARRAY_MEMBER];
} ClvOrders;

StaticAssertDecl(offsetof(ClvOrders, zone) == 56, "the head of the state has no padding");

/* Parameters of a state, equal for all its rows. */
typedef struct ClvParameters
{
	TimestampTz as_of;
	TimestampTz calibration_end;
	pg_tz *zone;
	Interval unit;
} ClvParameters;

static inline ClvPeriod *
CsClvPeriods(ClvOrders *orders)
{
	return (ClvPeriod *) (orders->zone + orders->zone_size);
}

extern const char *CsClvUnitFault(const Interval *unit);
extern ClvOrders *CsClvNewOrders(const ClvParameters *parameters, int capacity);
extern void CsClvTidy(ClvOrders *orders);

#endif /* CUSTOMER_SCORING_CLV_ORDERS_H */
