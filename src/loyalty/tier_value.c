/*
 * tier_value.c
 *		What a tier_scheme says about one value: tier, rank, what is next.
 *
 * Nothing here knows of time: whoever holds a tier, and until when, is worked
 * out by tier_fold.c.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "core/compat.h"
#include "core/money.h"
#include "loyalty/tier_scheme.h"

PG_FUNCTION_INFO_V1(cs_loyalty_tier);
PG_FUNCTION_INFO_V1(cs_tier_rank);
PG_FUNCTION_INFO_V1(cs_rank_of_tier);
PG_FUNCTION_INFO_V1(cs_next_tier);
PG_FUNCTION_INFO_V1(cs_amount_to_next_tier);
PG_FUNCTION_INFO_V1(cs_tiers);

#define TIERS_COLUMNS 3

/*
 * The rank that a value of any number of decimals reaches. Thresholds have no
 * decimals beyond those of money, so rounding down to these loses nothing.
 */
static int
RankOfValue(const TierScheme *scheme, Numeric value)
{
	CsAmount amount;

	if (!numeric_is_nan(value) && !numeric_is_inf(value) &&
		!CsUnitsFromNumeric(value, &amount.units, &amount.scale))
	{
		Datum scale = Int32GetDatum(CS_MONEY_DECIMALS);
		Datum cut = DirectFunctionCall2(numeric_trunc, NumericGetDatum(value), scale);
		bool above = DatumGetBool(DirectFunctionCall2(numeric_gt, cut, NumericGetDatum(value)));

		CsAmountFromNumeric(DatumGetNumeric(cut), &amount);
		if (above)
			amount.units--;
	}
	else
		CsAmountFromNumeric(value, &amount);
	return CsTierRank(scheme, amount.units);
}

static int
ArgumentRank(FunctionCallInfo fcinfo, const TierScheme *scheme)
{
	return RankOfValue(scheme, PG_GETARG_NUMERIC(1));
}

static Datum
NameOrNull(FunctionCallInfo fcinfo, const TierScheme *scheme, int rank)
{
	if (rank < 1 || rank > scheme->tiers)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(CsTierName(scheme, rank)));
}

/* loyalty_tier(scheme, value) → the tier it reaches, NULL for none */
Datum
cs_loyalty_tier(PG_FUNCTION_ARGS)
{
	const TierScheme *scheme = PG_GETARG_TIER_SCHEME(0);

	return NameOrNull(fcinfo, scheme, ArgumentRank(fcinfo, scheme));
}

/* tier_rank(scheme, value) → its rank, 0 for none */
Datum
cs_tier_rank(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT16(ArgumentRank(fcinfo, PG_GETARG_TIER_SCHEME(0)));
}

/* rank_of_tier(scheme, tier) → the rank of a tier by name, NULL when there is none of it */
Datum
cs_rank_of_tier(PG_FUNCTION_ARGS)
{
	text *name = PG_GETARG_TEXT_PP(1);
	int rank = CsTierRankOfName(PG_GETARG_TIER_SCHEME(0), VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));

	if (rank == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT16(rank);
}

/* next_tier(scheme, value) → the tier above the one it reaches, NULL at the top */
Datum
cs_next_tier(PG_FUNCTION_ARGS)
{
	const TierScheme *scheme = PG_GETARG_TIER_SCHEME(0);

	return NameOrNull(fcinfo, scheme, ArgumentRank(fcinfo, scheme) + 1);
}

/* amount_to_next_tier(scheme, value) → what is missing to it, NULL at the top */
Datum
cs_amount_to_next_tier(PG_FUNCTION_ARGS)
{
	const TierScheme *scheme = PG_GETARG_TIER_SCHEME(0);
	int rank = ArgumentRank(fcinfo, scheme);

	if (rank == scheme->tiers)
		PG_RETURN_NULL();
	return DirectFunctionCall2(numeric_sub, NumericGetDatum(CsTierThresholdNumeric(scheme, rank + 1)),
							   PG_GETARG_DATUM(1));
}

/* tiers(scheme) → tier_rank, tier, threshold, lowest first */
Datum
cs_tiers(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	const TierScheme *scheme = PG_GETARG_TIER_SCHEME(0);
	int rank;

	InitMaterializedSRF(fcinfo, 0);
	for (rank = 1; rank <= scheme->tiers; rank++)
	{
		Datum values[TIERS_COLUMNS] = {Int16GetDatum(rank), CStringGetTextDatum(CsTierName(scheme, rank)),
									   NumericGetDatum(CsTierThresholdNumeric(scheme, rank))};
		bool nulls[TIERS_COLUMNS] = {false};

		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
