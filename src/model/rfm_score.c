/*
 * rfm_score.c
 *		rfm_score, the row (r, f, m, bins), and the figures made of it.
 *
 * A *cell* is one combination of the three scores. SQL can put anything into a
 * row of smallints, so a score is checked each time it is read. A row with a
 * NULL field is no score: every function gives NULL for it.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type_d.h"
#include "utils/builtins.h"
#include "utils/typcache.h"

#include "core/check.h"
#include "core/compat.h"
#include "model/rfm_score.h"

PG_FUNCTION_INFO_V1(cs_rfm_cell);
PG_FUNCTION_INFO_V1(cs_rfm_total);
PG_FUNCTION_INFO_V1(cs_rfm_weighted);

#define SCORE_FIELDS 4

/*
 * The descriptor of a row, whose fields are read by position: a type of another
 * shape, because its owner altered it, must not be misread. It belongs to the
 * type cache and is good until the next catalogue access.
 */
static TupleDesc
ScoreDesc(HeapTupleHeader row)
{
	TupleDesc desc = lookup_type_cache(HeapTupleHeaderGetTypeId(row), TYPECACHE_TUPDESC)->tupDesc;
	bool same = desc != NULL && desc->natts == SCORE_FIELDS;
	int i;

	for (i = 0; same && i < SCORE_FIELDS; i++)
		same = TupleDescAttr(desc, i)->atttypid == INT2OID && !TupleDescAttr(desc, i)->attisdropped;
	if (!same)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH), errmsg("the row is not an rfm_score"),
						errdetail("An rfm_score has the smallint fields r, f, m and bins.")));
	return desc;
}

/* One score of a customer, which lies between 1 and the number of bins. */
static void
CheckAxis(const char *axis, int value, int bins)
{
	if (value < 1 || value > bins)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("RFM score %s must be between 1 and %d, not %d", axis, bins, value),
						errhint("Scores run from 1 to the number of bins, which is %d here.", bins)));
}

/* A score from outside: a number of bins there can be, and scores within it. */
void
CsCheckRfmScore(const CsRfmScore *score)
{
	if (score->bins < CS_MIN_BINS || score->bins > CS_MAX_BINS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("an rfm_score must have between %d and %d bins, not %d", CS_MIN_BINS,
							   CS_MAX_BINS, score->bins),
						errhint("The fields of an rfm_score are r, f, m and bins, in this order.")));
	CheckAxis("r", score->r, score->bins);
	CheckAxis("f", score->f, score->bins);
	CheckAxis("m", score->m, score->bins);
}

/* Read a row; false when a field is NULL. */
bool
CsGetRfmScore(HeapTupleHeader row, CsRfmScore *score)
{
	HeapTupleData tuple;
	Datum values[SCORE_FIELDS];
	bool nulls[SCORE_FIELDS];

	tuple.t_len = HeapTupleHeaderGetDatumLength(row);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = row;
	heap_deform_tuple(&tuple, ScoreDesc(row), values, nulls);

	if (nulls[0] || nulls[1] || nulls[2] || nulls[3])
		return false;
	score->r = DatumGetInt16(values[0]);
	score->f = DatumGetInt16(values[1]);
	score->m = DatumGetInt16(values[2]);
	score->bins = DatumGetInt16(values[3]);
	CsCheckRfmScore(score);
	return true;
}

/* A cell as people write it: 543, or 10-4-3 where a score can have two digits. */
void
CsRfmCellText(StringInfo out, const CsRfmScore *score)
{
	appendStringInfo(out, score->bins <= 9 ? "%d%d%d" : "%d-%d-%d", score->r, score->f, score->m);
}

/* The cell's name; NULL without a score. */
Datum
cs_rfm_cell(PG_FUNCTION_ARGS)
{
	CsRfmScore score;
	StringInfoData out;

	if (!CsGetRfmScore(PG_GETARG_HEAPTUPLEHEADER(0), &score))
		PG_RETURN_NULL();
	initStringInfo(&out);
	CsRfmCellText(&out, &score);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}

/* Sum of the three scores; NULL without a score. */
Datum
cs_rfm_total(PG_FUNCTION_ARGS)
{
	CsRfmScore score;

	if (!CsGetRfmScore(PG_GETARG_HEAPTUPLEHEADER(0), &score))
		PG_RETURN_NULL();
	PG_RETURN_INT32(score.r + score.f + score.m);
}

static float8
GetWeight(FunctionCallInfo fcinfo, int n, const char *name)
{
	float8 weight = PG_GETARG_FLOAT8(n);

	if (isnan(weight) || isinf(weight))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must be a finite number", name),
						errhint("The usual weights are 100, 10 and 1.")));
	return weight;
}

/* Weighted sum of the three scores; NULL without a score or with a NULL weight. */
Datum
cs_rfm_weighted(PG_FUNCTION_ARGS)
{
	float8 r_weight = GetWeight(fcinfo, 1, "r_weight");
	float8 f_weight = GetWeight(fcinfo, 2, "f_weight");
	float8 m_weight = GetWeight(fcinfo, 3, "m_weight");
	CsRfmScore score;
	float8 sum;

	if (!CsGetRfmScore(PG_GETARG_HEAPTUPLEHEADER(0), &score))
		PG_RETURN_NULL();
	sum = r_weight * score.r + f_weight * score.f + m_weight * score.m;
	if (isnan(sum) || isinf(sum))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("the weighted RFM score is out of range"), errhint("Use smaller weights.")));
	PG_RETURN_FLOAT8(sum);
}
