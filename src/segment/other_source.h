/*
 * other_source.h
 *		Sources of a segment table besides its orders: see other_source.c.
 */
#ifndef CUSTOMER_SCORING_OTHER_SOURCE_H
#define CUSTOMER_SCORING_OTHER_SOURCE_H

#include "segment/kind.h"
#include "segment/source.h"

/* A source besides the orders that has been found, with what is needed to read it. */
typedef struct OtherSource
{
	const OtherDefinition *definition;
	char *from; /* SQL: the relation */
	char *customer; /* SQL of a row s: its customer, of the type that customers of orders have, */
	char *customer_text; /* the text that names him, NULL when it is not by text, */
	char *time; /* time, NULL when its kind knows none, */
	char *score; /* and score, likewise */
	char *from_moment; /* SQL: the first moment of its period, */
	char *until_moment; /* and the first one after it, NULL when its kind knows no periods */
	int nvalues; /* what the kind's figures have put in, but for %PAST% */
	const char *names[KIND_SETTINGS_MAX + 3];
	char *values[KIND_SETTINGS_MAX + 3];
} OtherSource;

extern void CsOpenOthers(SegmentSource *source, const SegmentDefinition *definition);
extern char *CsOtherCondition(const SegmentSource *source, const OtherSource *other, bool keyed);
extern char *CsOtherSql(const SegmentSource *source, const OtherSource *other, bool keyed, bool future);
extern char *CsJoinOthers(const SegmentSource *source, char *orders, bool keyed, bool future);
extern char *CsFigureNames(const SegmentSource *source, const char *alias);
extern char *CsOthersSkippedSql(const SegmentSource *source, bool keyed);

#endif /* CUSTOMER_SCORING_OTHER_SOURCE_H */
