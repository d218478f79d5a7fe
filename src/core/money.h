/*
 * money.h
 *		Exact sums of money: see money.c.
 */
#ifndef CUSTOMER_SCORING_MONEY_H
#define CUSTOMER_SCORING_MONEY_H

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/numeric.h"

#include "core/compat.h"

/* Decimals kept, and the largest display scale numeric itself knows. */
#define CS_MONEY_DECIMALS 12
#define CS_MONEY_MAX_SCALE 1000

/* 10^20 in units: the limit of an amount and of a total that is read out. */
#define CS_MONEY_LIMIT \
	((int128) INT64CONST(10000000000) * INT64CONST(10000000000) * INT64CONST(1000000000000))

/*
 * One amount: `units` of 10^-12, and the number of decimals it was written
 * with.
 */
typedef struct CsAmount
{
	int128 units;
	int scale;
} CsAmount;

/*
 * A running sum: a signed integer of 160 bits in units of 10^-12, as carry,
 * high and low part, so that stored values need only 8-byte alignment.
 * `version` belongs to the value that holds the sum; the bytes would otherwise
 * be padding.
 */
typedef struct CsMoney
{
	uint16 version;
	uint16 scale; /* largest display scale seen */
	int32 carry;
	int64 high;
	uint64 low;
} CsMoney;

StaticAssertDecl(sizeof(CsMoney) == 24, "CsMoney has no padding");

/* From one input type each; all raise an error for what cannot be exact. */
extern void CsAmountFromNumeric(Numeric value, CsAmount *amount);
extern void CsAmountFromFloat8(float8 value, CsAmount *amount);
extern void CsAmountFromFloat4(float4 value, CsAmount *amount);

/* A numeric argument, which may keep a short header: all that is read here can. */
static inline Numeric
CsPackedNumeric(Datum value)
{
	struct varlena *numeric = (struct varlena *) DatumGetPointer(value);

	if (unlikely(VARATT_IS_EXTENDED(numeric) && !VARATT_IS_SHORT(numeric)))
		numeric = pg_detoast_datum_packed(numeric);
	return (Numeric) numeric;
}

static inline void
CsAmountFromInt64(int64 value, CsAmount *amount)
{
	amount->units = (int128) value * INT64CONST(1000000000000);
	amount->scale = 0;
}

extern void CsMoneyMerge(CsMoney *sum, const CsMoney *other);
extern int CsMoneySign(const CsMoney *sum);
extern bool CsMoneyInRange(const CsMoney *sum);
extern int128 CsMoneyUnits(const CsMoney *sum);
extern Numeric CsMoneyNumeric(const CsMoney *sum);
extern Numeric CsUnitsNumeric(int128 units, int scale);
extern void CsUnitsText(StringInfo out, int128 units, int scale);
extern bool CsUnitsFromNumeric(Numeric value, int128 *units, int *scale);
extern bool CsUnitsFitScale(int128 units, int scale);

/* The scale in the type modifier of numeric(p, s), which may be negative. */
static inline int
CsNumericTypmodScale(int32 typmod)
{
	return (((typmod - (int32) VARHDRSZ) & 0x7ff) ^ 1024) - 1024;
}

static inline int128
CsMoneyLow128(const CsMoney *sum)
{
	return ((int128) sum->high << 64) | sum->low;
}

static inline void
CsMoneySetLow128(CsMoney *sum, int128 units)
{
	sum->high = (int64) (units >> 64);
	sum->low = (uint64) units;
}

/*
 * Add units to a sum. The 128-bit part wraps and the carry counts the wraps:
 * the result is the same for every order of rows, and no row can fail.
 */
static inline void
CsMoneyAddUnits(CsMoney *sum, int128 units)
{
	int128 total;

	if (__builtin_add_overflow(CsMoneyLow128(sum), units, &total))
		sum->carry += (units > 0) ? 1 : -1;
	CsMoneySetLow128(sum, total);
}

static inline void
CsMoneyAdd(CsMoney *sum, const CsAmount *amount)
{
	CsMoneyAddUnits(sum, amount->units);
	if (amount->scale > sum->scale)
		sum->scale = (uint16) amount->scale;
}

#endif /* CUSTOMER_SCORING_MONEY_H */
