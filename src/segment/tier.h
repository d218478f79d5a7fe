/*
 * tier.h
 *		The option tiers, customers' tiers in a segment table: see tier_option.c
 *		and tier_history.c.
 */
#ifndef CUSTOMER_SCORING_SEGMENT_TIER_H
#define CUSTOMER_SCORING_SEGMENT_TIER_H

#include "utils/snapshot.h"

#include "segment/column.h"
#include "segment/source.h"

/* SQL for when time alone may change the tier of a customer c, see CsWithTiers. */
#define CS_TIER_CHANGES_AT "(c.tier_standing).changes_at"

extern const SegmentColumn CsTierColumns[];
extern const int CsTierColumnCount;

/* tier_option.c: what the option must be, and the SQL that tiers are worked out with */
extern void CsParseTiers(SegmentDefinition *definition, const text *name);
extern void CsClaimTiers(const SegmentDefinition *definition);
extern char *CsReadTierTerms(const SegmentDefinition *definition, bool visible);
extern void CsRequireTiers(const SegmentDefinition *definition);
extern bool CsTiersAltered(const SegmentDefinition *definition, const char *terms_before);
extern char *CsTierTermsLiteral(const SegmentDefinition *definition);
extern char *CsTierFigures(const SegmentSource *source, const char *past);
extern char *CsWithTiers(const SegmentDefinition *definition, char *customers);

/* tier_history.c: what has happened to the tiers of customers that were looked at */
extern void CsKeepTierHistory(const SegmentDefinition *definition, SegmentSource *source, Snapshot snapshot,
							  bool keyed, int64 run_id);

#endif /* CUSTOMER_SCORING_SEGMENT_TIER_H */
