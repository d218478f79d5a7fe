/*
 * option.c
 *		Options of a segment table: what each must be, said once for creating
 *		and altering.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "core/compat.h"
#include "core/moment.h"
#include "model/rfm_map.h"
#include "segment/option.h"
#include "segment/schedule.h"

/* An argument that must be given. */
void
CsRequireArgument(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("argument \"%s\" must not be null", name),
				 errhint("Give it a value; an argument that has a default may be left out.")));
}

/* An argument that must be a finite moment. */
void
CsRequireMoment(TimestampTz moment, const char *name, const char *hint)
{
	if (TIMESTAMP_NOT_FINITE(moment))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("%s must be a finite moment", name), errhint("%s", hint)));
}

/*
 * Refuse where a refresh cannot be exact or cannot be at all: on a standby, in
 * a read-only transaction, and under a snapshot that is older than the lock on
 * the segment table.
 */
void
CsCheckCanRefresh(const char *function)
{
	PreventCommandIfReadOnly(function);
	PreventCommandDuringRecovery(function);
	if (XactIsoLevel != XACT_READ_COMMITTED)
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("%s() cannot run in a transaction of isolation level %s", function,
						XactIsoLevel == XACT_REPEATABLE_READ ? "REPEATABLE READ" : "SERIALIZABLE"),
				 errdetail("Its snapshot may be older than rows that the segment table already shows."),
				 errhint("Call it in a READ COMMITTED transaction, or have a worker do it with "
						 "customer_scoring.request_segment_refresh.")));
}

/* What a source is bound by: its name. */
void
CsBindByName(Oid relation, char **schema, char **name)
{
	*name = get_rel_name(relation);
	if (*name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation with OID %u does not exist", relation)));
	*schema = get_namespace_name(get_rel_namespace(relation));
}

/* Bind the orders. */
void
CsSetSource(SegmentDefinition *definition, Oid orders)
{
	CsBindByName(orders, &definition->source_schema, &definition->source_name);
}

/* The option breaks: whether they are frozen, or found anew at each refresh. */
bool
CsFreezes(text *breaks)
{
	char *value = text_to_cstring(breaks);

	if (strcmp(value, "frozen") == 0)
		return true;
	if (strcmp(value, "each_refresh") != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("breaks must be each_refresh or frozen, not \"%s\"", value),
						errhint("Frozen breaks stay as they are until they are frozen anew.")));
	return false;
}

/* The text of a map. */
char *
CsMapText(Datum map)
{
	return DatumGetCString(DirectFunctionCall1(cs_rfm_map_out, map));
}

/* Check all options that do not depend on the source. */
void
CsCheckOptions(SegmentDefinition *definition)
{
	if (definition->lookback != NULL)
		CsCheckPositive(definition->lookback, "lookback", "Leave it out to count all orders.");
	if (definition->lookback != NULL && definition->tiers != NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("tiers together with lookback"),
						errdetail("Tiers follow from all orders; which of them count is for the tier policy "
								  "to say."),
						errhint("Leave lookback out (in alter_segment_table: '0'), and give the policy "
								"period => 'rolling' and a length.")));
	if (definition->refresh_every != NULL)
		CsCheckPositive(definition->refresh_every, "refresh_every", "Leave it out to refresh by hand.");
	if (definition->anchor != DT_NOBEGIN)
	{
		if (definition->refresh_every == NULL)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("next_refresh_at without refresh_every"),
							errhint("Say how often: refresh_every => '1 day'.")));
	}
	if (definition->clv != NULL && definition->lookback != NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("clv together with lookback"),
						errdetail("The age of a customer is counted from the first purchase ever."),
						errhint("Make a second segment table without lookback for lifetime values.")));
	if (definition->suppress_below < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("suppress_below must not be negative, but is %d", definition->suppress_below),
				 errhint("It is the least number of customers that a segment in the overview has; 0 for "
						 "any number.")));
	(void) CsZone(definition->time_zone);
	CsRequireRfmMap(CsGetRfmMap(definition->map));
}

/* keep_history was given: of use with history only. */
void
CsCheckKeepHistory(const SegmentDefinition *definition)
{
	CsCheckPositive(definition->keep_history, "keep_history", "Leave it out to keep everything.");
	if (!definition->history)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("keep_history without history"),
						errhint("Say that there is one: history => true.")));
}
