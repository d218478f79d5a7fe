/*
 * rfm_population.h
 *		State of the aggregate rfm_fit: see rfm_population.c.
 */
#ifndef CUSTOMER_SCORING_RFM_POPULATION_H
#define CUSTOMER_SCORING_RFM_POPULATION_H

#include "model/rfm_customers.h"
#include "utils/expandeddatum.h"

#define RFM_POPULATION_VERSION 1

/* So many customers of 32 bytes stay below the 1 GB of a value in transfer. */
#define RFM_POPULATION_LIMIT INT64CONST(30000000)

/* In memory: the parameters, and the customers so far. */
typedef struct RfmPopulation
{
	ExpandedObjectHeader header;
	TimestampTz as_of;
	int bins;
	RfmCustomers customers;
} RfmPopulation;

extern RfmPopulation *CsRfmNewPopulation(MemoryContext parent, TimestampTz as_of, int bins, RfmKind kind);
extern const RfmPopulation *CsRfmReadPopulation(Datum value, RfmPopulation *view);
extern RfmPopulation *CsRfmOwnPopulation(Datum value, MemoryContext parent);

#endif /* CUSTOMER_SCORING_RFM_POPULATION_H */
