/*
 * quality.h
 *		What is wrong with the rows of a segment table's sources: see quality.c,
 *		quality_check.c and quality_option.c.
 */
#ifndef CUSTOMER_SCORING_QUALITY_H
#define CUSTOMER_SCORING_QUALITY_H

#include "utils/snapshot.h"

#include "segment/source.h"

/* The option quality; columns are NULL where none is named. */
typedef struct QualityOption
{
	Jsonb *given; /* NULL when everything is as by default */
	bool off;
	char *currency; /* column of the orders */
	char *order_id; /* column of the orders */
	char *person[4]; /* columns of the customers, see CsPersonKeys */
	char *region; /* where their phones are, NULL for where it is usual */
} QualityOption;

/* What persons are compared by: arguments of duplicate_groups. */
extern const char *const CsPersonKeys[4];

/* Problems that the rest of the room goes by. */
#define QUALITY_OTHER_CURRENCY "other_currency"
#define QUALITY_NOT_COUNTED "not_counted"
#define QUALITY_DUPLICATE_CUSTOMER "duplicate_customer"

/* quality_option.c */
extern QualityOption *CsParseQuality(Jsonb *given);
extern void CsReadQualityColumns(SegmentSource *source, const SegmentDefinition *definition,
								 Relation relation);
extern void CsCheckQuality(const SegmentDefinition *definition);

/* quality_check.c */
extern char *CsMainCurrencySql(const SegmentDefinition *definition, const SegmentSource *source);
extern char *CsDuplicatesSql(const SegmentDefinition *definition, const SegmentSource *source);
extern char *CsQualitySql(const SegmentDefinition *definition, const SegmentSource *source, bool keyed,
						  bool stored, const char *currency);

/* quality.c */
extern void CsKeepQuality(const SegmentDefinition *definition, SegmentSource *source, Snapshot snapshot,
						  bool keyed, TimestampTz as_of, int64 run_id);
extern void CsForgetQuality(Oid table);

#endif /* CUSTOMER_SCORING_QUALITY_H */
