/*
 * left_out.h
 *		Customers who are in no segment table: see left_out.c.
 */
#ifndef CUSTOMER_SCORING_LEFT_OUT_H
#define CUSTOMER_SCORING_LEFT_OUT_H

#include "segment/definition.h"
#include "segment/source.h"

extern bool CsTellsLeftOut(Oid relation);
extern void CsFollowLeftOut(SegmentSource *source);
extern void CsFindLeftOut(SegmentSource *source, Snapshot snapshot, const char *customers, bool few);
extern char *CsFewSql(const SegmentSource *source);
extern char *CsWithoutLeftOut(const SegmentSource *source, char *sql);
extern char *CsAndNotLeftOut(const SegmentSource *source, const char *customer);
extern bool CsLeavesOutRow(const SegmentDefinition *definition, const SegmentSource *source,
						   Snapshot snapshot);
extern char *CsLeftOutRowsSql(const SegmentSource *source);
extern void CsLogReturns(const SegmentSource *source, Oid log);
extern void CsForgetLeftOut(const SegmentDefinition *definition, const SegmentSource *source,
							Snapshot snapshot);

#endif /* CUSTOMER_SCORING_LEFT_OUT_H */
