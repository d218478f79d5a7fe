/*
 * option.h
 *		Options of a segment table: see option.c.
 */
#ifndef CUSTOMER_SCORING_OPTION_H
#define CUSTOMER_SCORING_OPTION_H

#include "fmgr.h"

#include "segment/definition.h"

extern void CsRequireArgument(FunctionCallInfo fcinfo, int n, const char *name);
extern void CsRequireMoment(TimestampTz moment, const char *name, const char *hint);
extern void CsCheckCanRefresh(const char *function);
extern void CsBindByName(Oid relation, char **schema, char **name);
extern void CsSetSource(SegmentDefinition *definition, Oid orders);
extern bool CsFreezes(text *breaks);
extern char *CsMapText(Datum map);
extern void CsCheckOptions(SegmentDefinition *definition);
extern void CsCheckKeepHistory(const SegmentDefinition *definition);

#endif /* CUSTOMER_SCORING_OPTION_H */
