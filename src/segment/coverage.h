/*
 * coverage.h
 *		Whether capture has seen every change of a source: see coverage.c.
 */
#ifndef CUSTOMER_SCORING_COVERAGE_H
#define CUSTOMER_SCORING_COVERAGE_H

#include "segment/definition.h"
#include "segment/source.h"

extern bool CsIsCaptured(const SegmentDefinition *definition, const SegmentSource *source, const char **why);
extern const char *CsAttachCapture(const SegmentDefinition *definition, const SegmentSource *source);
extern bool CsHasTriggers(const SegmentDefinition *definition, const SegmentSource *source);
extern void CsTellUncaptured(Oid segment_table, const char *why);
extern void CsStopFollowing(Oid segment_table, const char *schema, const char *name);
extern void CsDetachCapture(Oid segment_table, bool wait);
extern void CsDetachDropped(void);
extern Oid CsCapturedLog(Oid segment_table);
extern bytea *CsCoverage(const SegmentDefinition *definition, const SegmentSource *source);
extern const char *CsCoverageChange(bytea *before, bytea *now);

#endif /* CUSTOMER_SCORING_COVERAGE_H */
