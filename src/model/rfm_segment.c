/*
 * rfm_segment.c
 *		The segment of an RFM score, and what a map leaves open.
 *
 * Nothing is cached: a map carries whether it is complete, and a look-up walks
 * its few rules, so every call is right and fast on its own.
 */
#include "postgres.h"

#include "catalog/pg_type_d.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "core/check.h"
#include "core/compat.h"
#include "model/rfm_map.h"
#include "model/rfm_score.h"

PG_FUNCTION_INFO_V1(cs_rfm_segment);
PG_FUNCTION_INFO_V1(cs_rfm_segment_scores);
PG_FUNCTION_INFO_V1(cs_rfm_segment_rank);
PG_FUNCTION_INFO_V1(cs_check_rfm_map);
PG_FUNCTION_INFO_V1(cs_named_rfm_map);

/* Columns of check_rfm_map. */
#define PROBLEM_COLUMNS 5

/* The segment of a score argument; -1 without a score. */
static int
FindSegment(HeapTupleHeader row, const RfmMap *map)
{
	CsRfmScore score;

	if (!CsGetRfmScore(row, &score))
		return -1;
	CsRequireRfmMap(map);
	CsRequireRfmMapBins(map, score.bins);
	return CsRfmMapSegment(map, score.r, score.f, score.m);
}

/* The name of a score's segment; NULL without a score. */
Datum
cs_rfm_segment(PG_FUNCTION_ARGS)
{
	const RfmMap *map = PG_GETARG_RFM_MAP(1);
	int segment = FindSegment(PG_GETARG_HEAPTUPLEHEADER(0), map);

	if (segment < 0)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(CsRfmSegmentName(map, segment)));
}

/* The same for three scores with as many bins as the map has. */
Datum
cs_rfm_segment_scores(PG_FUNCTION_ARGS)
{
	const RfmMap *map = PG_GETARG_RFM_MAP(3);
	CsRfmScore score = {PG_GETARG_INT32(0), PG_GETARG_INT32(1), PG_GETARG_INT32(2), map->bins};

	CsRequireRfmMap(map);
	CsCheckRfmScore(&score);
	PG_RETURN_TEXT_P(cstring_to_text(CsRfmSegmentName(map, CsRfmMapSegment(map, score.r, score.f, score.m))));
}

/* The rank of a score's segment, 1 the least good; NULL without a score. */
Datum
cs_rfm_segment_rank(PG_FUNCTION_ARGS)
{
	const RfmMap *map = PG_GETARG_RFM_MAP(1);
	int segment = FindSegment(PG_GETARG_HEAPTUPLEHEADER(0), map);

	if (segment < 0)
		PG_RETURN_NULL();
	PG_RETURN_INT16(CsRfmSegmentRank(map, segment));
}

/* Names of the segments with a rule for the cell, in the map's order. */
static Datum
MatchingSegments(const RfmMap *map, int r, int f, int m)
{
	Datum *names = palloc(map->segments * sizeof(Datum));
	bool *matches = palloc0(map->segments * sizeof(bool));
	int n = 0;
	int i;

	for (i = 0; i < map->rules; i++)
		if (CsRfmRuleMatches(&map->rule[i], r, f, m))
			matches[map->rule[i].segment] = true;
	for (i = 0; i < map->segments; i++)
		if (matches[i])
			names[n++] = CStringGetTextDatum(CsRfmSegmentName(map, i));
	return PointerGetDatum(construct_array(names, n, TEXTOID, -1, false, TYPALIGN_INT));
}

/* A row for each cell with no segment or several; none for a complete map. */
Datum
cs_check_rfm_map(PG_FUNCTION_ARGS)
{
	const RfmMap *map = PG_GETARG_RFM_MAP(0);
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	const uint16 *cell = CsRfmMapCells(map);
	MemoryContext row_context;
	MemoryContext caller_context;
	int r;
	int f;
	int m;

	InitMaterializedSRF(fcinfo, 0);
	row_context = AllocSetContextCreate(CurrentMemoryContext, "rfm_map problem", ALLOCSET_SMALL_SIZES);
	caller_context = MemoryContextSwitchTo(row_context);
	for (r = 1; r <= map->bins; r++)
		for (f = 1; f <= map->bins; f++)
			for (m = 1; m <= map->bins; m++, cell++)
			{
				Datum values[PROBLEM_COLUMNS];
				bool nulls[PROBLEM_COLUMNS] = {false};

				if (*cell != RFM_CELL_GAP && *cell != RFM_CELL_OVERLAP)
					continue;
				CHECK_FOR_INTERRUPTS();
				values[0] = CStringGetTextDatum(*cell == RFM_CELL_GAP ? "gap" : "overlap");
				values[1] = Int16GetDatum(r);
				values[2] = Int16GetDatum(f);
				values[3] = Int16GetDatum(m);
				values[4] = MatchingSegments(map, r, f, m);
				tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
				MemoryContextReset(row_context);
			}
	MemoryContextSwitchTo(caller_context);
	MemoryContextDelete(row_context);
	return (Datum) 0;
}

/* A name that no row of rfm_segment_map has. Called inside SPI. */
static void
UnknownMap(const char *name)
{
	char *known = NULL;

	if (SPI_execute(
			"SELECT pg_catalog.string_agg(name, ', ' ORDER BY name) FROM customer_scoring.rfm_segment_map",
			true, 1) == SPI_OK_SELECT &&
		SPI_processed == 1)
		known = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("there is no rfm_map named \"%s\"", name),
					known == NULL ? errhint("The table customer_scoring.rfm_segment_map is empty.")
								  : errhint("The table customer_scoring.rfm_segment_map has: %s.", known)));
}

/*
 * The map of a row of rfm_segment_map, read with the caller's rights and under
 * its snapshot; every name is qualified.
 */
Datum
cs_named_rfm_map(PG_FUNCTION_ARGS)
{
	Oid types[1] = {TEXTOID};
	Datum values[1] = {PG_GETARG_DATUM(0)};
	Datum map;
	bool isnull;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	if (SPI_execute_with_args("SELECT map FROM customer_scoring.rfm_segment_map WHERE name "
							  "OPERATOR(pg_catalog.=) $1",
							  1, types, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read rfm_segment_map");
	if (SPI_processed == 0)
		UnknownMap(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	map = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	map = SPI_datumTransfer(PointerGetDatum(PG_DETOAST_DATUM(map)), false, -1);
	SPI_finish();
	PG_RETURN_DATUM(map);
}
