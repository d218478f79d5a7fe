/*
 * refresh.h
 *		Bringing a segment table up to date: see refresh.c.
 */
#ifndef CUSTOMER_SCORING_REFRESH_H
#define CUSTOMER_SCORING_REFRESH_H

#include "segment/definition.h"
#include "segment/source.h"

/* What a refresh did. */
typedef struct RefreshResult
{
	TimestampTz as_of;
	int64 customers;
	int64 inserted;
	int64 updated;
	int64 deleted;
	int64 skipped[SKIP_REASONS];
	const char *reason; /* why the whole source was read */
} RefreshResult;

extern int CsStoredScale(Oid table);
extern SegmentSource *CsOpenRefresh(const SegmentDefinition *definition);
extern char *CsScoredSql(const SegmentSource *source, const SegmentDefinition *definition);
extern char *CsRowDiffers(void);
extern void CsRefresh(const SegmentDefinition *definition, SegmentSource *source, TimestampTz as_of,
					  int64 run_id, RefreshResult *result);

#endif /* CUSTOMER_SCORING_REFRESH_H */
