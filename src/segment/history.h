/*
 * history.h
 *		Who moved where, day by day: see history.c and history_table.c.
 */
#ifndef CUSTOMER_SCORING_HISTORY_H
#define CUSTOMER_SCORING_HISTORY_H

#include "segment/definition.h"
#include "segment/refresh.h"

/* Channel of the messages about refreshes. */
#define HISTORY_CHANNEL "customer_scoring"

/* history_table.c: the relations */
extern void CsEnsureHistory(SegmentDefinition *definition);
extern void CsCheckHistory(const SegmentDefinition *definition);
extern void CsReplaceMigrationView(const SegmentDefinition *definition);
extern void CsWidenSnapshot(const SegmentDefinition *definition, int scale);

/* history.c: what a refresh writes */
extern char *CsCauseSql(const char *time_acted, bool map_altered);
extern char *CsHistoryCte(const SegmentDefinition *definition, int as_of_param, int run_param);
extern void CsKeepHistory(const SegmentDefinition *definition, int64 run_id, const RefreshResult *result);

#endif /* CUSTOMER_SCORING_HISTORY_H */
