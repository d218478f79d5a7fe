/*
 * source.h
 *		Where a segment table's purchases come from: see source.c.
 */
#ifndef CUSTOMER_SCORING_SOURCE_H
#define CUSTOMER_SCORING_SOURCE_H

#include "executor/spi.h"

#include "segment/definition.h"

#define SOURCE_COLUMNS 3
#define SOURCE_RUN_PARAM 3

/* Reasons to leave a row out, in the order in which they are looked for. */
typedef enum SkipReason
{
	SKIP_NO_CUSTOMER,
	SKIP_NO_TIME,
	SKIP_NO_AMOUNT,
	SKIP_NOT_FINITE,
	SKIP_FUTURE
} SkipReason;

#define SKIP_REASONS 5

/*
 * A source that has been found, with the SQL to read it. Parameters are $1
 * as_of, $2 the moment after which orders count, $3 the run, NULL but for a
 * refresh, and one array for each column of `only`.
 */
typedef struct SegmentSource
{
	Oid relation;
	AttrNumber columns[SOURCE_COLUMNS];
	Oid customer_type;
	int32 customer_typmod;
	Oid customer_collation;
	char *customer_equals; /* OPERATOR(…) of the customer's type */
	int scale; /* decimals of money */
	char *all_customers; /* SQL: customer, summary */
	char *skipped; /* SQL: a row a reason: reason, rows */
	int nparams;
	Oid *types;
	Datum *values;
	char *nulls;
} SegmentSource;

extern SegmentSource *CsOpenSource(const SegmentDefinition *definition);
extern void CsSourceMoments(SegmentSource *source, const SegmentDefinition *definition, TimestampTz as_of);
extern void CsCheckSourcePolicies(const SegmentSource *source, const SegmentDefinition *definition);
extern SPIPlanPtr CsPrepareOnSource(const SegmentSource *source, const char *sql);

#endif /* CUSTOMER_SCORING_SOURCE_H */
