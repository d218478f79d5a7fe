/*
 * refresh.h
 *		Bringing a segment table up to date: see refresh.c.
 */
#ifndef CUSTOMER_SCORING_REFRESH_H
#define CUSTOMER_SCORING_REFRESH_H

#include "access/transam.h"
#include "utils/snapshot.h"
#include "segment/definition.h"
#include "segment/source.h"

/* What a refresh did. */
typedef struct RefreshResult
{
	const char *mode; /* full or incremental */
	const char *reason; /* why everybody was recomputed, NULL when not */
	bool captured; /* changes of the sources are logged */
	bool map_changed; /* since the last refresh */
	TimestampTz as_of;
	TimestampTz was_as_of; /* that of the refresh before, or DT_NOBEGIN */
	FullTransactionId
		settle_before; /* transactions before this may have gone unlogged; invalid when not known */
	bool settled; /* all of those had ended */
	bool settling; /* and everybody has to be recomputed once more when they have */
	bytea *coverage; /* of the sources, taken before the snapshot; NULL when not captured */
	int64 customers; /* in the segment table */
	int64 recomputed;
	int64 inserted;
	int64 updated;
	int64 deleted;
	int64 moved; /* rows written to the history */
	int64 skipped[SKIP_REASONS];
	int64 left; /* changes still in the log */
	char *breaks; /* found by this refresh, or NULL */
	char *clv_report; /* how everybody was scored, NULL if not */
} RefreshResult;

extern void CsExecuteUnder(Snapshot snapshot, const char *sql, const SegmentSource *source, Oid table);
extern int CsStoredScale(Oid table);
extern SegmentSource *CsOpenRefresh(const SegmentDefinition *definition);
extern void CsRefreshFull(SegmentDefinition *definition, SegmentSource *source, TimestampTz as_of,
						  int64 run_id, RefreshResult *result);
extern const char *CsRefreshChanged(const SegmentDefinition *definition, SegmentSource *source,
									TimestampTz as_of, int64 run_id, int limit, RefreshResult *result);

#endif /* CUSTOMER_SCORING_REFRESH_H */
