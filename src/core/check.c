/*
 * check.c
 *		Argument checks shared by all rooms: each message exists once.
 *
 * Every function here returns normally or raises an error whose SQLSTATE tells
 * an application what kind of mistake it made; nothing is allocated.
 */
#include "postgres.h"

#include "common/int.h"

#include "core/check.h"
#include "core/compat.h"

/*
 * Support functions can be named in any query, so a call from outside an
 * aggregate is a user's mistake and not an internal error.
 */
void
CsNotInAggregate(void)
{
	ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("aggregate support function called outside an aggregate"),
					errhint("Call the aggregate itself.")));
}

/* The memory context that holds the running aggregate's state. */
MemoryContext
CsAggContext(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		CsNotInAggregate();
	return context;
}

/*
 * A number of bins: two are the least that tell customers apart, a hundred
 * more than any published scheme uses.
 */
void
CsCheckBins(int bins)
{
	if (bins < CS_MIN_BINS || bins > CS_MAX_BINS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("number of bins must be between %d and %d, not %d", CS_MIN_BINS, CS_MAX_BINS, bins),
				 errhint("Leave the argument out for the usual 5 bins.")));
}

/* A confidence, for intervals. */
void
CsCheckConfidence(double confidence)
{
	if (!(confidence > 0.0 && confidence < 1.0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("confidence must be above 0 and below 1, not %g", confidence),
						errhint("Write 95 percent as 0.95.")));
}

/* See CsCheckVersion. */
void
CsWrongVersion(const char *type_name, int version, int supported)
{
	ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("%s of version %d is not supported", type_name, version),
					errdetail("This library reads version %d.", supported),
					errhint("Install the version of customer_scoring that wrote the value.")));
}

/*
 * Sum of two counts. Counts only grow, so the error does not depend on the
 * order in which rows or summaries arrive.
 */
int64
CsAddCounts(int64 a, int64 b, const char *what)
{
	int64 sum;

	if (pg_add_s64_overflow(a, b, &sum))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("number of %s is out of range", what),
				 errhint("Counts go up to 9223372036854775807: roll up fewer summaries at once.")));
	return sum;
}

/*
 * A text form that can be parsed but says something impossible.
 */
void
CsBadText(const char *type_name, const char *detail)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					errmsg("invalid input for type %s", type_name), errdetail_internal("%s", detail)));
}

/*
 * A binary form with impossible contents.
 */
void
CsBadBinary(const char *type_name, const char *detail)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
					errmsg("invalid binary value for type %s", type_name), errdetail_internal("%s", detail)));
}

/*
 * A parameter that every row must give, such as as_of or bins, is NULL.
 */
void
CsNullParameter(const char *name)
{
	ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", name),
					errhint("Give %s a value, the same for every row.", name)));
}

/*
 * A parameter that must be the same for all rows differs between two of them,
 * or between two states that are merged.
 */
void
CsMixedParameter(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must be the same for all rows", name),
			 errhint("Use a constant, or group the rows by %s.", name)));
}
