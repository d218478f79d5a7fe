/*
 * statement.h
 *		The SQL that a refresh and a verification run: see statement.c.
 */
#ifndef CUSTOMER_SCORING_STATEMENT_H
#define CUSTOMER_SCORING_STATEMENT_H

#include "segment/definition.h"
#include "segment/source.h"

/* Whom a statement is about. */
typedef struct StatementScope
{
	bool keyed; /* the customers in $4, not all: */
	int nkeys; /* so many at most */
	bool future; /* look for rows that are still to come */
	bool map_changed; /* segments may differ for that reason */
} StatementScope;

extern char *CsScoredSql(const SegmentDefinition *definition, const SegmentSource *source,
						 const StatementScope *scope);
extern char *CsStoredSql(const SegmentDefinition *definition, const SegmentSource *source, bool keyed);
extern char *CsRowDiffers(const SegmentDefinition *definition);
extern char *CsRefreshSql(const SegmentDefinition *definition, const SegmentSource *source,
						  const StatementScope *scope);
extern char *CsStoredBreaksSql(const SegmentDefinition *definition);
extern char *CsSourceBreaksSql(const SegmentDefinition *definition, const SegmentSource *source);

#endif /* CUSTOMER_SCORING_STATEMENT_H */
