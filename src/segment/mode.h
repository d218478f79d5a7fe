/*
 * mode.h
 *		Whether a refresh recomputes all customers or some: see mode.c.
 */
#ifndef CUSTOMER_SCORING_MODE_H
#define CUSTOMER_SCORING_MODE_H

#include "segment/refresh.h"

/* What the last refresh left behind for this one. */
typedef struct RefreshState
{
	bool refreshed; /* there was one */
	Oid source;
	char *columns; /* by which sources were read */
	bytea *coverage; /* NULL when changes were not captured */
	char *version; /* of the extension */
	char *full_reason; /* why the next one must recompute everybody, or NULL */
	bool map_changed;
	bool settling; /* some transactions may have gone unlogged, */
	FullTransactionId settle_before; /* which began before this, if that is known already */
	int64 customers;
	char *tier_terms; /* text of what tiers were worked out with, or NULL */
} RefreshState;

extern RefreshState *CsReadState(Oid table);
extern void CsHealLog(Oid table, RefreshState *state);
extern const char *CsPrepareRefresh(const SegmentDefinition *definition, const SegmentSource *source,
									TimestampTz as_of, bool attach, RefreshState *state,
									RefreshResult *result);
extern void CsRefreshNow(SegmentDefinition *definition, SegmentSource *source, TimestampTz as_of,
						 int64 run_id, bool attach, RefreshResult *result);

#endif /* CUSTOMER_SCORING_MODE_H */
