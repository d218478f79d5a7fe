/*
 * rfm_revenue.c
 *		Revenue as a whole number that compares as the revenue does.
 *
 * Words: the *kind* is exact money or double precision. The *value* is a
 * 128-bit number: units of 10^-12 for money, and for a float a key that orders
 * like it. Populations, models and scores compare values and know nothing of
 * SQL types.
 *
 * Nothing here allocates, but for what is appended to a string.
 */
#include "postgres.h"

#include <math.h>

#include "common/shortest_dec.h"

#include "core/compat.h"
#include "model/rfm_customers.h"

#define MONEY_NAME "numeric"
#define FLOAT_NAME "double precision"

/* Revenue in money. Zeros after the twelfth decimal are not kept. */
static void
SetMoney(RfmCustomer *customer, const CsAmount *amount)
{
	customer->kind = RFM_MONEY;
	customer->revenue = amount->units;
	customer->scale = Min(amount->scale, CS_MONEY_DECIMALS);
}

/* Revenue given as smallint, integer, bigint or numeric is money. */
void
CsRfmRevenueInt2(RfmCustomer *customer, Datum revenue)
{
	CsAmount amount;

	CsAmountFromInt64(DatumGetInt16(revenue), &amount);
	SetMoney(customer, &amount);
}

void
CsRfmRevenueInt4(RfmCustomer *customer, Datum revenue)
{
	CsAmount amount;

	CsAmountFromInt64(DatumGetInt32(revenue), &amount);
	SetMoney(customer, &amount);
}

void
CsRfmRevenueInt8(RfmCustomer *customer, Datum revenue)
{
	CsAmount amount;

	CsAmountFromInt64(DatumGetInt64(revenue), &amount);
	SetMoney(customer, &amount);
}

void
CsRfmRevenueNumeric(RfmCustomer *customer, Datum revenue)
{
	CsAmount amount;

	CsAmountFromNumeric(CsPackedNumeric(revenue), &amount);
	SetMoney(customer, &amount);
}

/*
 * Revenue in double precision, as a whole number that orders like it: the bits
 * of a float do, but for the sign; zero and minus zero both give 0.
 */
void
CsRfmRevenueFloat8(RfmCustomer *customer, Datum revenue)
{
	float8 value = DatumGetFloat8(revenue);
	int64 bits;

	if (unlikely(isnan(value) || isinf(value)))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("revenue must be finite, not %s",
							   isnan(value) ? "NaN" : (value > 0 ? "Infinity" : "-Infinity")),
						errhint("Leave such customers out with a WHERE clause.")));
	memcpy(&bits, &value, sizeof(bits));
	customer->kind = RFM_FLOAT;
	customer->revenue = bits < 0 ? PG_INT64_MIN - bits : bits;
	customer->scale = 0;
}

/* The float behind a value made by CsRfmRevenueFloat8. */
float8
CsRfmFloat(int128 revenue)
{
	int64 bits = (int64) revenue;
	float8 result;

	if (bits < 0)
		bits = PG_INT64_MIN - bits;
	memcpy(&result, &bits, sizeof(result));
	return result;
}

/* Whether a value from outside is one that some revenue of this scale has. */
bool
CsRfmRevenueInRange(RfmKind kind, int128 revenue, int scale)
{
	int128 step = 1;
	int i;

	if (kind == RFM_FLOAT)
		return revenue == (int128) (int64) revenue && revenue != PG_INT64_MIN &&
			   isfinite(CsRfmFloat(revenue));
	for (i = scale; i < CS_MONEY_DECIMALS; i++)
		step *= 10;
	return revenue % step == 0 && revenue < CS_MONEY_LIMIT && revenue > -CS_MONEY_LIMIT;
}

/* A value as decimal text: money with `scale` decimals, a float at its shortest. */
void
CsRfmRevenueText(StringInfo out, RfmKind kind, int128 revenue, int scale)
{
	char shortest[DOUBLE_SHORTEST_DECIMAL_LEN];

	if (kind == RFM_MONEY)
		CsUnitsText(out, revenue, scale);
	else
	{
		double_to_shortest_decimal_buf(CsRfmFloat(revenue), shortest);
		appendStringInfoString(out, shortest);
	}
}

/* What text forms call a kind: the type its revenue is compared in. */
const char *
CsRfmKindName(RfmKind kind)
{
	return kind == RFM_MONEY ? MONEY_NAME : FLOAT_NAME;
}

/* The kind of a name read by a text form. */
RfmKind
CsRfmKindByName(const char *type_name, const char *name)
{
	if (strcmp(name, MONEY_NAME) == 0)
		return RFM_MONEY;
	if (strcmp(name, FLOAT_NAME) != 0)
		CsBadText(type_name, "The type of revenue must be " MONEY_NAME " or " FLOAT_NAME ".");
	return RFM_FLOAT;
}

/* What is wrong with a kind and its decimals from outside, or NULL. */
const char *
CsRfmWrongKind(int kind, int scale)
{
	if (kind != RFM_MONEY && kind != RFM_FLOAT)
		return "The type of revenue must be " MONEY_NAME " or " FLOAT_NAME ".";
	if (scale < 0 || scale > (kind == RFM_MONEY ? CS_MONEY_DECIMALS : 0))
		return "The number of decimals is out of range.";
	return NULL;
}

/* Exact money and floats have no common order. */
void
CsRfmCheckKind(RfmKind a, RfmKind b)
{
	if (unlikely(a != b))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("exact revenue and double precision revenue cannot be mixed"),
				 errhint("Cast the revenue to the type that the model was fitted with: numeric for a summary "
						 "or a numeric or whole revenue, double precision otherwise.")));
}
