/*
 * view.h
 *		The relations of a segment table: see view.c.
 */
#ifndef CUSTOMER_SCORING_VIEW_H
#define CUSTOMER_SCORING_VIEW_H

#include "segment/definition.h"
#include "segment/source.h"

/* Longest name of a segment table, in bytes: "_overview" must fit behind it. */
#define SEGMENT_NAME_MAX 53

extern void CsRunSql(const char *sql);
extern Oid CsCreateTable(const char *schema, const char *name, const SegmentSource *source);
extern Oid CsCreateCurrentView(const SegmentDefinition *definition, const char *schema, const char *name);
extern Oid CsCreateOverviewView(const SegmentDefinition *definition, const char *schema, const char *name,
								int scale);
extern char *CsGrantsOf(Oid relation);
extern char *CsGranteesOf(Oid relation);

#endif /* CUSTOMER_SCORING_VIEW_H */
