/*
 * key_account.c
 *		Key accounts of a segment table by class, assessed by its refreshes.
 *
 * A segment table with a row in key_account_policy is assessed at the end of a
 * refresh when the time of the policy is over, as its owner. What cannot be done
 * does not end the refresh: a warning says why. The columns that know of key
 * accounts follow at the next refresh, to which the changes are captured.
 *
 * SPI must be connected; memory is SPI's.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/lsyscache.h"

#include "core/attempt.h"
#include "core/owner.h"
#include "segment/key_account.h"

typedef struct Assessment
{
	const SegmentDefinition *definition;
	TimestampTz as_of;
} Assessment;

static void
Assess(void *argument)
{
	const Assessment *assessment = argument;
	Oid types[2] = {REGCLASSOID, TIMESTAMPTZOID};
	Datum values[2] = {ObjectIdGetDatum(assessment->definition->table),
					   TimestampTzGetDatum(assessment->as_of)};
	CsIdentity saved;

	CsActAsOwner(&saved, assessment->definition);
	if (SPI_execute_with_args("SELECT customer_scoring.assess_key_accounts($1, $2)", 2, types, values, NULL,
							  false, 0) != SPI_OK_SELECT)
		elog(ERROR, "key accounts could not be assessed");
	CsResume(&saved);
}

/* Assess the key accounts of a segment table that was refreshed, if that is due. */
void
CsAssessKeyAccounts(const SegmentDefinition *definition, TimestampTz as_of)
{
	Assessment assessment = {definition, as_of};
	Oid types[2] = {REGCLASSOID, TIMESTAMPTZOID};
	Datum values[2] = {ObjectIdGetDatum(definition->table), TimestampTzGetDatum(as_of)};
	ErrorData *error;

	if (CsOwnSql("SELECT FROM customer_scoring.key_account_policy p WHERE p.segment_table "
				 "OPERATOR(pg_catalog.=) $1"
				 " AND (p.assessed_at IS NULL OR $2 OPERATOR(pg_catalog.>=) (p.assessed_at "
				 "OPERATOR(pg_catalog.+) p.assess_every))",
				 2, types, values, NULL) == 0)
		return;
	error = CsAttempt(Assess, &assessment);
	if (error == NULL)
		return;
	if (CsMustEnd(error))
		ReThrowError(error);
	ereport(
		WARNING,
		(errcode(error->sqlerrcode),
		 errmsg("key accounts of segment table \"%s\" were not assessed: %s", get_rel_name(definition->table),
				error->message),
		 errhint(
			 "Its owner needs SELECT and UPDATE on customer_scoring.key_account_policy, and SELECT, INSERT "
			 "and UPDATE on customer_scoring.key_account.")));
}
