/*
 * revenue.c
 *		The revenue column of a segment table: exact or an error.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "core/compat.h"
#include "summary/purchase.h"

PG_FUNCTION_INFO_V1(cs_segment_revenue);

/*
 * The revenue of a customer for a column of 24 digits with `scale` decimals. It
 * is never rounded to fit: the error names the customer and the cure.
 */
Datum
cs_segment_revenue(PG_FUNCTION_ARGS)
{
	PurchaseSummary *summary = PG_GETARG_PURCHASE_SUMMARY(0);
	int scale = PG_GETARG_INT32(1);
	const CsMoney *revenue = &summary->revenue;
	int128 step = 1;
	int128 limit = 1;
	int128 units;
	int i;

	if (scale < 0 || scale > CS_MONEY_DECIMALS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("money_scale must be between 0 and %d, not %d", CS_MONEY_DECIMALS, scale)));
	for (i = scale; i < CS_MONEY_DECIMALS; i++)
		step *= 10;
	/* 24 digits at this scale, in units of 10^-12 */
	limit = step;
	for (i = 0; i < 24; i++)
		limit *= 10;

	units = CsMoneyLow128(revenue);
	if (!CsMoneyInRange(revenue) || units >= limit || units <= -limit)
		ereport(
			ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("revenue of customer %s does not fit numeric(24,%d)",
					text_to_cstring(PG_GETARG_TEXT_PP(2)), scale),
			 errhint("Keep a larger unit of money: make a view with round(amount / 1000, 2) the source.")));
	if (units % step != 0)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("revenue of customer %s has more than %d decimals",
						text_to_cstring(PG_GETARG_TEXT_PP(2)), scale),
				 errdetail("It is %s, and money is never rounded to fit.",
						   DatumGetCString(
							   DirectFunctionCall1(numeric_out, NumericGetDatum(CsMoneyNumeric(revenue))))),
				 errhint("Give create_segment_table or alter_segment_table a larger money_scale, or correct "
						 "the amount.")));
	PG_RETURN_NUMERIC(CsUnitsNumeric(units, scale));
}
