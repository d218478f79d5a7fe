/*
 * key_account.c
 *		Assessing key accounts after a refresh.
 *
 * When a segment table has a row in key_account_policy, the refresh that finds
 * the time of the policy over calls assess_key_accounts, about the rows it has
 * just written. It does so with the rights of the segment table's owner: those
 * who may decide who is a key account say whether he may, by what they grant him
 * on the two tables. Where he may not, or the assessment fails otherwise, the
 * refresh goes on without it, and a warning and the run say why; so it does
 * instead of waiting long for others, as the segment table is locked meanwhile.
 * The next refresh tries again. The columns that know of key accounts follow at
 * the next refresh, to which the changes are captured. SPI must be connected.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "core/attempt.h"
#include "core/compat.h"
#include "core/owner.h"
#include "segment/key_account.h"

/* An assessment: of what, when, and what was done; NULL when its time had not come. */
typedef struct Assessment
{
	const SegmentDefinition *definition;
	TimestampTz as_of;
	char *done;
} Assessment;

/* Assess, as the owner. */
static void
Assess(void *argument)
{
	Assessment *assessment = argument;
	Oid types[2] = {REGCLASSOID, TIMESTAMPTZOID};
	Datum values[2] = {ObjectIdGetDatum(assessment->definition->table),
					   TimestampTzGetDatum(assessment->as_of)};
	CsIdentity saved;

	CsActAsOwner(&saved, assessment->definition);
	CsWaitBriefly();
	if (SPI_execute_with_args("SELECT a.entered || ' entered, ' || a.stayed || ' stayed, ' || a.below ||"
							  " ' below, ' || a.left_them || ' left'"
							  " FROM customer_scoring.assess_key_accounts($1, $2) a",
							  2, types, values, NULL, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "key accounts could not be assessed");
	assessment->done = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	CsResume(&saved);
}

/* Write into the record of the run what was done, or why nothing. */
static void
Report(int64 run_id, const char *report)
{
	Oid types[2] = {INT8OID, TEXTOID};
	Datum values[2] = {Int64GetDatum(run_id), CStringGetTextDatum(report)};

	CsOwnSql("UPDATE customer_scoring_internal.segment_run SET key_account_report = $2 WHERE run_id = $1", 2,
			 types, values, NULL);
}

/* Assess the key accounts of a segment table that was refreshed, if it has a policy and it is time. */
void
CsAssessKeyAccounts(const SegmentDefinition *definition, TimestampTz as_of, int64 run_id)
{
	Oid types[1] = {REGCLASSOID};
	Datum values[1] = {ObjectIdGetDatum(definition->table)};
	Assessment assessment = {.definition = definition, .as_of = as_of};
	ErrorData *error;
	const char *why;

	if (CsOwnSql("SELECT FROM customer_scoring.key_account_policy WHERE segment_table = $1", 1, types, values,
				 NULL) == 0)
		return;
	error = CsAttempt(Assess, &assessment);
	if (error == NULL)
	{
		if (assessment.done != NULL)
			Report(run_id, assessment.done);
		return;
	}
	if (CsMustEnd(error))
		ReThrowError(error);
	why = error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE ? "others are writing key accounts"
														  : error->message;
	Report(run_id, psprintf("not assessed: %s", why));
	ereport(WARNING,
			(errcode(error->sqlerrcode),
			 errmsg("key accounts of segment table \"%s\" were not assessed: %s",
					get_rel_name(definition->table), why),
			 error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE
				 ? errhint("Its owner needs SELECT and UPDATE on customer_scoring.key_account_policy, and "
						   "SELECT, INSERT and UPDATE on customer_scoring.key_account.")
				 : 0));
}
