/*
 * signal.c
 *		Telling all sessions that what they remember may be out of date.
 *
 * A *signal* is an empty relation of the extension's internal schema. Whoever
 * writes to a table that sessions remember something of invalidates its relcache
 * entry, by a statement trigger that fires always: PostgreSQL delivers that to
 * all sessions when the transaction commits, and to the own session at once and
 * when it is rolled back. No row of it is ever read or written, so nothing bloats
 * and nobody waits. Segment tables are of any user: each is the signal of itself,
 * so that nobody makes sessions forget what does not come from it.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "core/compat.h"
#include "core/signal.h"

PG_FUNCTION_INFO_V1(cs_signal_rules);
PG_FUNCTION_INFO_V1(cs_signal_accounts);
PG_FUNCTION_INFO_V1(cs_signal_lexicon);
PG_FUNCTION_INFO_V1(cs_signal_names);

/* The relation of a signal; InvalidOid where the extension is not installed. */
Oid
CsSignalRelation(const char *name)
{
	Oid schema = get_namespace_oid("customer_scoring_internal", true);

	return OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;
}

static Datum
Signal(FunctionCallInfo fcinfo, const char *name)
{
	Oid relation;

	if (!CALLED_AS_TRIGGER(fcinfo) || TRIGGER_FIRED_FOR_ROW(((TriggerData *) fcinfo->context)->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("this is the function of a trigger for each statement"),
						errhint("The extension makes such triggers itself.")));
	relation = RelationGetRelid(((TriggerData *) fcinfo->context)->tg_relation);
	if (get_rel_namespace(relation) == get_namespace_oid("customer_scoring", true))
		relation = CsSignalRelation(name);
	if (OidIsValid(relation))
		CacheInvalidateRelcacheByRelid(relation);
	return PointerGetDatum(NULL);
}

/* signal_rules(): trigger on tables that rules come from. */
Datum
cs_signal_rules(PG_FUNCTION_ARGS)
{
	return Signal(fcinfo, "rule_signal");
}

/* signal_accounts(): trigger on tables that say something of customers. */
Datum
cs_signal_accounts(PG_FUNCTION_ARGS)
{
	return Signal(fcinfo, "account_signal");
}

/* signal_lexicon(): trigger on tables of words. */
Datum
cs_signal_lexicon(PG_FUNCTION_ARGS)
{
	return Signal(fcinfo, "lexicon_signal");
}

/* signal_names(): trigger on tables that keys of persons come from. */
Datum
cs_signal_names(PG_FUNCTION_ARGS)
{
	return Signal(fcinfo, "name_signal");
}
