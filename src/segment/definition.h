/*
 * definition.h
 *		What a segment table is made of: see definition.c.
 */
#ifndef CUSTOMER_SCORING_DEFINITION_H
#define CUSTOMER_SCORING_DEFINITION_H

#include "core/owner.h"
#include "nodes/pg_list.h"
#include "storage/lockdefs.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

/* No money_scale given. */
#define CS_SCALE_OF_SOURCE PG_INT32_MIN

/* One row of segment_source_definition: a source besides the orders. */
typedef struct OtherDefinition
{
	const struct SegmentKind *kind;
	char *source_schema;
	char *source_name;
	char *customer;
	Jsonb *columns;
} OtherDefinition;

/* One row of segment_table_definition; pointers are NULL where it is. */
typedef struct SegmentDefinition
{
	Oid table;
	Oid owner; /* of the table, looked up */
	Oid current_view;
	Oid overview_view;
	char *source_schema;
	char *source_name;
	char *customer;
	char *ordered_at;
	char *amount;
	Jsonb *only;
	Interval *lookback;
	char *time_zone;
	int money_scale; /* or CS_SCALE_OF_SOURCE */
	Datum map; /* an rfm_map */
	bool frozen; /* breaks stay until they are frozen anew */
	char *breaks; /* text of the rfm_model they are frozen in, NULL for none (yet) */
	bool row_security;
	Interval *refresh_every;
	TimestampTz anchor; /* next_refresh_at as given, or DT_NOBEGIN */
	TimestampTz as_of; /* of the last refresh, or DT_NOBEGIN */
	struct ClvOption *clv; /* NULL when off */
	struct ClvState *clv_state; /* what it is scored with, NULL when off */
	int suppress_below; /* customers of a segment that the overview shows; 0 for any number */
	char *tiers; /* name of a tier_policy, NULL when off */
	char *tier_terms; /* text of its terms, NULL also when there is no such policy for this table */
	struct QualityOption *quality;
	bool history;
	Interval *keep_history;
	Oid history_table; /* these three stay while history is off */
	Oid snapshot_table;
	Oid migration_view;
	List *others; /* of OtherDefinition, in the order in which they were added */
} SegmentDefinition;

extern SegmentDefinition *CsReadDefinition(Oid table);
extern void CsWriteDefinition(const SegmentDefinition *definition, bool is_new);
extern void CsCheckSegmentOwner(Oid table);
extern void CsCheckNotDropped(Oid table, const char *name);
extern void CsLockSegmentTable(Oid table, LOCKMODE mode);
extern void CsActAsOwner(CsIdentity *saved, const SegmentDefinition *definition);
extern TimestampTz CsVisibleAsOf(Oid table);
extern void CsForgetDropped(void);
extern char *CsQualifiedName(Oid relation);
extern char *CsCollationName(Oid collation);

#endif /* CUSTOMER_SCORING_DEFINITION_H */
