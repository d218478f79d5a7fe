/*
 * clv_population.h
 *		State of the aggregates that fit models: see clv_population.c.
 */
#ifndef CUSTOMER_SCORING_CLV_POPULATION_H
#define CUSTOMER_SCORING_CLV_POPULATION_H

#include "model/clv_model.h"
#include "utils/expandeddatum.h"

#define CLV_POPULATION_VERSION 1

/* So many rows of 32 bytes stay below the 1 GB of a value in transfer. */
#define CLV_POPULATION_LIMIT INT64CONST(30000000)

/* Weights that can be summed up and squared. */
#define CLV_LEAST_WEIGHT 1e-50
#define CLV_MOST_WEIGHT 1e50

/* What is the same in memory and in transfer. */
typedef struct ClvPopulationHead
{
	int64 unit; /* 0 until a summary has told */
	int64 customers; /* that were taken in */
	int64 rejected[CLV_REJECTIONS];
	int64 n; /* rows */
	int32 spend; /* 1 if rows hold mean values, not recency and age */
	int32 format; /* CsRowFormat */
} ClvPopulationHead;

/* In memory: rows, of which equal ones may have become one, see CsClvCollapse. */
typedef struct ClvPopulation
{
	ExpandedObjectHeader header;
	ClvPopulationHead head;
	int64 capacity;
	int64 collapse_at; /* number of rows at which equal ones are looked for */
	bool collapsed; /* rows are sorted, and no two are equal */
	void *rows;
} ClvPopulation;

extern ClvPopulation *CsClvNewPopulation(MemoryContext parent, bool spend);
extern ClvPopulation *CsClvOwnPopulation(Datum value, MemoryContext parent);
extern void CsClvAdd(ClvPopulation *population, const CsFigures *figures, double weight);
extern void CsClvAppend(ClvPopulation *population, Datum other);
extern void CsClvCheckSameUnit(ClvPopulation *population, int64 unit);
extern void CsClvCollapse(ClvPopulation *population);

#endif /* CUSTOMER_SCORING_CLV_POPULATION_H */
