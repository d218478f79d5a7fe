/*
 * rating.c
 *		A score in a source of ratings that is none of its scale.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "core/compat.h"

PG_FUNCTION_INFO_V1(cs_segment_rating);

static Datum
NumericOf(int value)
{
	return DirectFunctionCall1(int4_numeric, Int32GetDatum(value));
}

/*
 * segment_rating(score, lowest, highest, customer) → the score, if it is a whole
 * number from lowest to highest. It is never clamped: the error names the
 * customer.
 */
Datum
cs_segment_rating(PG_FUNCTION_ARGS)
{
	Datum score = PG_GETARG_DATUM(0);
	int lowest = PG_GETARG_INT32(1);
	int highest = PG_GETARG_INT32(2);
	bool whole = !numeric_is_nan(DatumGetNumeric(score)) && !numeric_is_inf(DatumGetNumeric(score)) &&
				 DatumGetBool(DirectFunctionCall2(
					 numeric_eq, score, DirectFunctionCall2(numeric_trunc, score, Int32GetDatum(0))));

	if (!whole || DatumGetBool(DirectFunctionCall2(numeric_lt, score, NumericOf(lowest))) ||
		DatumGetBool(DirectFunctionCall2(numeric_gt, score, NumericOf(highest))))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("score %s of customer %s is not a whole number from %d to %d",
						DatumGetCString(DirectFunctionCall1(numeric_out, score)),
						text_to_cstring(PG_GETARG_TEXT_PP(3)), lowest, highest),
				 errhint("Correct the score, or drop the source with customer_scoring.drop_segment_source "
						 "and add it with the keys \"lowest\" and \"highest\" of its scale.")));
	PG_RETURN_INT16(DatumGetInt16(DirectFunctionCall1(numeric_int2, score)));
}
