/*
 * money.c
 *		Exact sums of money for amounts of any numeric type.
 *
 * Words: a *unit* is 10^-12 of the currency, which is three of numeric's base
 * 10000 digits, so that a numeric is read into units without any division. A
 * *sum* holds 160 bits; a single amount is below 10^20 and takes 107 of them,
 * so no number of rows can overflow it. What a total may be (below 10^20) is
 * checked when it is read out: an error therefore never depends on row order.
 *
 * Nothing here allocates, but for results handed to the caller and the text of
 * a float while it is read.
 */
#include "postgres.h"

#include "common/shortest_dec.h"
#include "utils/builtins.h"

#include "core/compat.h"
#include "core/money.h"

/*
 * The layout of a numeric value on disk. It is private to numeric.c and fixed
 * by pg_upgrade since 9.1; reading it here saves a copy and a numeric_add for
 * each row.
 */
#define NUMERIC_SIGN_MASK 0xC000
#define NUMERIC_NEG 0x4000
#define NUMERIC_SHORT 0x8000
#define NUMERIC_SPECIAL 0xC000
#define NUMERIC_SHORT_NEG 0x2000
#define NUMERIC_SHORT_DSCALE_MASK 0x1F80
#define NUMERIC_SHORT_DSCALE_SHIFT 7
#define NUMERIC_SHORT_WEIGHT_SIGN 0x0040
#define NUMERIC_SHORT_WEIGHT_MASK 0x003F
#define NUMERIC_DSCALE_MASK 0x3FFF
#define NUMERIC_BASE 10000
#define DIGITS_AFTER_POINT (CS_MONEY_DECIMALS / 4)

typedef enum AmountFault
{
	AMOUNT_GOOD,
	AMOUNT_NOT_FINITE,
	AMOUNT_TOO_FINE,
	AMOUNT_TOO_LARGE
} AmountFault;

/*
 * Read a numeric into units. Digits beyond what 128 bits hold are reported,
 * and so are non-zero digits after the twelfth decimal (numeric stores no
 * trailing zeros, so a stored digit there is one).
 */
static inline AmountFault
NumericToUnits(Numeric value, int128 *units, int *scale)
{
	const char *data = VARDATA_ANY(value);
	int length = VARSIZE_ANY_EXHDR(value);
	uint16 header;
	uint16 digit;
	bool negative;
	int weight;
	int ndigits;
	int missing;
	uint64 head = 0;
	int128 total;
	int i;

	memcpy(&header, data, sizeof(header));
	data += sizeof(header);
	length -= sizeof(header);

	if ((header & NUMERIC_SIGN_MASK) == NUMERIC_SPECIAL)
		return AMOUNT_NOT_FINITE;
	if (header & NUMERIC_SHORT)
	{
		negative = (header & NUMERIC_SHORT_NEG) != 0;
		*scale = (header & NUMERIC_SHORT_DSCALE_MASK) >> NUMERIC_SHORT_DSCALE_SHIFT;
		weight = (header & NUMERIC_SHORT_WEIGHT_MASK);
		if (header & NUMERIC_SHORT_WEIGHT_SIGN)
			weight |= ~NUMERIC_SHORT_WEIGHT_MASK;
	}
	else
	{
		int16 long_weight;

		negative = (header & NUMERIC_SIGN_MASK) == NUMERIC_NEG;
		*scale = header & NUMERIC_DSCALE_MASK;
		memcpy(&long_weight, data, sizeof(long_weight));
		weight = long_weight;
		data += sizeof(long_weight);
		length -= sizeof(long_weight);
	}

	ndigits = length / (int) sizeof(digit);
	if (ndigits == 0)
	{
		*units = 0;
		return AMOUNT_GOOD;
	}
	missing = weight + DIGITS_AFTER_POINT + 1 - ndigits;
	if (missing < 0)
		return AMOUNT_TOO_FINE;

	/* four digits fit 64 bits, which is all that most amounts have */
	for (i = 0; i < ndigits && i < 4; i++)
	{
		memcpy(&digit, data + i * sizeof(digit), sizeof(digit));
		head = head * NUMERIC_BASE + digit;
	}
	if (ndigits + missing <= 4)
	{
		static const uint64 shift[5] = {1, 10000, 100000000, UINT64CONST(1000000000000),
										UINT64CONST(10000000000000000)};

		head *= shift[missing];
		*units = negative ? -(int64) head : (int64) head;
		return AMOUNT_GOOD;
	}

	total = head;
	for (; i < ndigits + missing; i++)
	{
		digit = 0;
		if (i < ndigits)
			memcpy(&digit, data + i * sizeof(digit), sizeof(digit));
		if (__builtin_mul_overflow(total, (int128) NUMERIC_BASE, &total) ||
			__builtin_add_overflow(total, (int128) digit, &total))
			return AMOUNT_TOO_LARGE;
	}
	*units = negative ? -total : total;
	return AMOUNT_GOOD;
}

/*
 * Report an amount that cannot be summed exactly. The value is shown as the
 * user would write it; the hint is an expression that cures the query.
 */
static void
AmountError(AmountFault fault, const char *shown)
{
	switch (fault)
	{
		case AMOUNT_GOOD:
			break;
		case AMOUNT_NOT_FINITE:
			ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
							errmsg("amount must be finite, not %s", shown),
							errhint("Leave such rows out, for example with FILTER (WHERE amount < 'Infinity' "
									"AND amount > '-Infinity').")));
			break;
		case AMOUNT_TOO_FINE:
			ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
							errmsg("amount %s has more than %d decimals", shown, CS_MONEY_DECIMALS),
							errhint("Round it first, for example round(amount::numeric, 2).")));
			break;
		case AMOUNT_TOO_LARGE:
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("amount %s is out of range", shown),
					 errdetail("An amount must be below 10^20 in absolute value."),
					 errhint("Use a larger unit of money, for example round(amount / 1000, 2).")));
			break;
	}
}

/* Whether an exact amount is within the limit of a single row. */
static AmountFault
CheckAmount(AmountFault fault, int128 units)
{
	if (fault == AMOUNT_GOOD && (units >= CS_MONEY_LIMIT || units <= -CS_MONEY_LIMIT))
		return AMOUNT_TOO_LARGE;
	return fault;
}

/* A numeric amount; error if it is not finite, too fine or too large. */
void
CsAmountFromNumeric(Numeric value, CsAmount *amount)
{
	AmountFault fault = NumericToUnits(value, &amount->units, &amount->scale);

	fault = CheckAmount(fault, amount->units);
	if (unlikely(fault != AMOUNT_GOOD))
		AmountError(fault, DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value))));
}

/*
 * The amount that the shortest text of a float stands for: 0.1 is one tenth,
 * and no digit that the float distinguishes is lost.
 */
static void
AmountFromShortest(const char *shortest, CsAmount *amount)
{
	Datum value = DirectFunctionCall3(numeric_in, CStringGetDatum(shortest), ObjectIdGetDatum(InvalidOid),
									  Int32GetDatum(-1));
	AmountFault fault = NumericToUnits(DatumGetNumeric(value), &amount->units, &amount->scale);

	fault = CheckAmount(fault, amount->units);
	if (unlikely(fault != AMOUNT_GOOD))
		AmountError(fault, shortest);
	pfree(DatumGetPointer(value));
}

/* A double precision amount, see AmountFromShortest. */
void
CsAmountFromFloat8(float8 value, CsAmount *amount)
{
	char shortest[DOUBLE_SHORTEST_DECIMAL_LEN];

	double_to_shortest_decimal_buf(value, shortest);
	AmountFromShortest(shortest, amount);
}

/* A real amount, see AmountFromShortest. */
void
CsAmountFromFloat4(float4 value, CsAmount *amount)
{
	char shortest[FLOAT_SHORTEST_DECIMAL_LEN];

	float_to_shortest_decimal_buf(value, shortest);
	AmountFromShortest(shortest, amount);
}

/* Add another sum to a sum. */
void
CsMoneyMerge(CsMoney *sum, const CsMoney *other)
{
	CsMoneyAddUnits(sum, CsMoneyLow128(other));
	sum->carry += other->carry;
	sum->scale = Max(sum->scale, other->scale);
}

/* -1, 0 or 1, also for a sum beyond what may be read out. */
int
CsMoneySign(const CsMoney *sum)
{
	int128 low = CsMoneyLow128(sum);

	if (sum->carry != 0)
		return sum->carry > 0 ? 1 : -1;
	return (low > 0) - (low < 0);
}

/* Whether the total may be read out. */
bool
CsMoneyInRange(const CsMoney *sum)
{
	int128 units = CsMoneyLow128(sum);

	return sum->carry == 0 && units < CS_MONEY_LIMIT && units > -CS_MONEY_LIMIT;
}

/*
 * The sum in units, for reading out: the one place where a total's range is
 * an error.
 */
int128
CsMoneyUnits(const CsMoney *sum)
{
	if (!CsMoneyInRange(sum))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("revenue is out of range"),
						errdetail("A total must be below 10^20 in absolute value."),
						errhint("Sum a larger unit of money, for example round(amount / 1000, 2).")));
	return CsMoneyLow128(sum);
}

/* The sum as a numeric that shows the largest scale among its amounts. */
Numeric
CsMoneyNumeric(const CsMoney *sum)
{
	return CsUnitsNumeric(CsMoneyUnits(sum), sum->scale);
}

/*
 * Units as a numeric of the given display scale. The usual total fits 64 bits
 * at its own scale; the others take the way over text.
 */
Numeric
CsUnitsNumeric(int128 units, int scale)
{
	StringInfoData text;
	Datum result;

	if (scale <= CS_MONEY_DECIMALS)
	{
		int128 scaled = units;
		int i;

		for (i = scale; i < CS_MONEY_DECIMALS; i++)
			scaled /= 10;
		if (scaled == (int128) (int64) scaled)
			return int64_div_fast_to_numeric((int64) scaled, scale);
	}
	initStringInfo(&text);
	CsUnitsText(&text, units, scale);
	result = DirectFunctionCall3(numeric_in, CStringGetDatum(text.data), ObjectIdGetDatum(InvalidOid),
								 Int32GetDatum(-1));
	pfree(text.data);
	return DatumGetNumeric(result);
}

/*
 * Units as decimal text with `scale` decimals. Decimals that are not zero must
 * lie within the scale, which holds for every sum.
 */
void
CsUnitsText(StringInfo out, int128 units, int scale)
{
	char digits[48];
	int n = 0;
	int i;
	uint128 rest = units < 0 ? -(uint128) units : (uint128) units;

	while (rest > 0 || n <= CS_MONEY_DECIMALS)
	{
		digits[n++] = '0' + (int) (rest % 10);
		rest /= 10;
	}
	if (units < 0)
		appendStringInfoChar(out, '-');
	for (i = n - 1; i >= CS_MONEY_DECIMALS; i--)
		appendStringInfoChar(out, digits[i]);
	if (scale > 0)
		appendStringInfoChar(out, '.');
	for (i = 0; i < scale; i++)
		appendStringInfoChar(out, i < CS_MONEY_DECIMALS ? digits[CS_MONEY_DECIMALS - 1 - i] : '0');
}

/*
 * For input functions: units and scale of a numeric of any size that a sum's
 * low part can have; false if it is none.
 */
bool
CsUnitsFromNumeric(Numeric value, int128 *units, int *scale)
{
	return NumericToUnits(value, units, scale) == AMOUNT_GOOD && *scale <= CS_MONEY_MAX_SCALE;
}

/* For input functions: whether a scale shows all decimals of some units. */
bool
CsUnitsFitScale(int128 units, int scale)
{
	int128 step = 1;
	int i;

	for (i = scale; i < CS_MONEY_DECIMALS; i++)
		step *= 10;
	return scale <= CS_MONEY_MAX_SCALE && units % step == 0;
}
