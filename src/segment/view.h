/*
 * view.h
 *		The relations of a segment table: see view.c.
 */
#ifndef CUSTOMER_SCORING_VIEW_H
#define CUSTOMER_SCORING_VIEW_H

#include "segment/column.h"
#include "segment/definition.h"
#include "segment/source.h"

/* Longest name of a segment table, in bytes: "_overview" must fit behind it. */
#define SEGMENT_NAME_MAX 53

/* A view that was dropped to be made anew. */
typedef struct ViewBefore
{
	char *schema;
	char *name;
	char *grants; /* SQL, or NULL */
} ViewBefore;

/* Both views of a segment table, those that were not there left out. */
typedef struct ViewsBefore
{
	ViewBefore views[2];
	bool taken[2];
} ViewsBefore;

extern void CsRunSql(const char *sql);
extern Oid CsRelationOid(const char *schema, const char *name);
extern void CsCheckNameIsFree(const char *schema, const char *name);
extern void CsCommentColumn(const char *relation, const char *column, const char *comment);
extern char *CsTypeSql(Oid type, int32 typmod, Oid collation_id);
extern SegmentDefinition *CsLockWithViews(Oid table);
extern char CsSignalFires(Oid table);
extern void CsEnsureSignal(Oid table, bool make);
extern Oid CsCreateTable(const SegmentDefinition *definition, const char *schema, const char *name,
						 const SegmentSource *source);
extern void CsAddColumn(const SegmentDefinition *definition, const SegmentColumn *column, int scale);
extern Oid CsCreateCurrentView(const SegmentDefinition *definition, const char *schema, const char *name);
extern Oid CsCreateOverviewView(const SegmentDefinition *definition, const char *schema, const char *name,
								int scale);
extern bool CsTakeView(Oid view, ViewBefore *before);
extern void CsGiveBack(Oid view, const ViewBefore *before);
extern void CsReplaceOverview(const SegmentDefinition *definition);
extern void CsReplaceViews(const SegmentDefinition *definition, int scale);
extern void CsTakeViews(const SegmentDefinition *definition, ViewsBefore *before);
extern void CsTurnColumns(SegmentDefinition *definition, const SegmentColumn *columns, int ncolumns, bool on);
extern void CsGiveBackViews(SegmentDefinition *definition, const ViewsBefore *before, int scale);

#endif /* CUSTOMER_SCORING_VIEW_H */
