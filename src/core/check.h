/*
 * check.h
 *		Argument checks shared by all rooms: each message exists once.
 */
#ifndef CUSTOMER_SCORING_CHECK_H
#define CUSTOMER_SCORING_CHECK_H

#include "core/compat.h"
#include "fmgr.h"
#include "nodes/execnodes.h"

#define CS_MIN_BINS 2
#define CS_MAX_BINS 100

extern MemoryContext CsAggContext(FunctionCallInfo fcinfo);
extern void CsNotInAggregate(void) CS_NORETURN;
extern void CsCheckBins(int bins);
extern void CsCheckConfidence(double confidence);
extern void CsWrongVersion(const char *type_name, int version, int supported) CS_NORETURN;
extern int64 CsAddCounts(int64 a, int64 b, const char *what);
extern void CsBadText(const char *type_name, const char *detail) CS_NORETURN;
extern void CsBadBinary(const char *type_name, const char *detail) CS_NORETURN;
extern void CsNullParameter(const char *name) CS_NORETURN;
extern void CsMixedParameter(const char *name) CS_NORETURN;

/*
 * CsAggContext for a function that needs no memory. The test is the one of
 * AggCheckCallContext, inline because calls would be most of what a row costs.
 */
static inline void
CsRequireAggregate(FunctionCallInfo fcinfo)
{
	if (unlikely(fcinfo->context == NULL ||
				 !(IsA(fcinfo->context, AggState) || IsA(fcinfo->context, WindowAggState))))
		CsNotInAggregate();
}

/* The state of an aggregate as it is: what a row that does not count leaves behind. */
static inline Datum
CsUnchangedState(FunctionCallInfo fcinfo)
{
	CsRequireAggregate(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

/* A stored or transferred value of another version than this library knows is an error. */
static inline void
CsCheckVersion(const char *type_name, int version, int supported)
{
	if (unlikely(version != supported))
		CsWrongVersion(type_name, version, supported);
}

#endif /* CUSTOMER_SCORING_CHECK_H */
