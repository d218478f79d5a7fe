/*
 * tier_history.c
 *		What a refresh writes into tier_history, for a segment table with tiers.
 *
 * Whatever the history says of a customer who was looked at becomes what his
 * orders say now: rows that an order which came late has made untrue go, and
 * those that are missing come. So the last row up to any moment, not later than
 * the last refresh, tells what is held at it.
 *
 * The orders are read as the owner of the segment table into a tuplestore; the
 * history is compared with it and written as the extension's owner, in one
 * statement, as all is that users may not write. SPI must be connected.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/queryenvironment.h"
#include "utils/tuplestore.h"

#include "core/compat.h"
#include "core/owner.h"
#include "segment/tier.h"

/* The tuplestore by the name that the statement knows it by. */
#define FOUND "tier_changes_found"

#define CHANGE_COLUMNS "at, tier, tier_rank, from_tier, since, until, reason"

/*
 * SQL: a row a change, with the customer as text. With keys, all of them have
 * one row more, whose moment is NULL: there may be nothing else of them any more.
 */
static char *
ChangesSql(const SegmentDefinition *definition, const SegmentSource *source, bool keyed)
{
	return psprintf(
		"SELECT c.customer::pg_catalog.text AS customer, h.* FROM (%s) c,"
		" pg_catalog.unnest(customer_scoring.tier_changes(%s, c.tier_ledger, $%d)) h"
		" (" CHANGE_COLUMNS ")%s",
		CsOrdersSql(source, keyed, false), CsTierTermsLiteral(definition), PARAM_AS_OF,
		keyed ? psprintf(" UNION ALL SELECT k.customer::pg_catalog.text, NULL, NULL, NULL, NULL, NULL,"
						 " NULL, NULL FROM (%s) k",
						 CsKeysSql(source))
			  : "");
}

/* SQL: have the history of a policy, $1, say what was found; $2 is the run. */
static char *
WriteSql(bool keyed)
{
	return psprintf(
		"WITH d AS MATERIALIZED (SELECT f.*, h.customer AS old_customer, h.at AS old_at FROM"
		" (SELECT customer COLLATE \"C\" AS customer, " CHANGE_COLUMNS " FROM " FOUND
		" WHERE at IS NOT NULL) f"
		" FULL JOIN (SELECT * FROM customer_scoring.tier_history x WHERE x.policy = $1%s) h"
		" ON f.customer = h.customer AND f.at = h.at WHERE f.at IS NULL OR h.at IS NULL"
		" OR (f.tier, f.tier_rank, f.from_tier, f.since, f.until, f.reason) IS DISTINCT FROM"
		" (h.tier, h.tier_rank, h.from_tier, h.since, h.until, h.reason)),"
		" gone AS (DELETE FROM customer_scoring.tier_history x USING d WHERE d.at IS NULL AND x.policy = $1"
		" AND x.customer = d.old_customer AND x.at = d.old_at)"
		" INSERT INTO customer_scoring.tier_history (policy, customer, " CHANGE_COLUMNS ", run_id)"
		" SELECT $1, d.customer, d.at, d.tier, d.tier_rank, d.from_tier, d.since, d.until, d.reason, $2"
		" FROM d WHERE d.at IS NOT NULL ORDER BY d.customer, d.at ON CONFLICT (policy, customer, at) DO "
		"UPDATE SET tier = "
		"excluded.tier,"
		" tier_rank = excluded.tier_rank, from_tier = excluded.from_tier, since = excluded.since,"
		" until = excluded.until, reason = excluded.reason, run_id = excluded.run_id",
		keyed ? " AND x.customer = ANY (ARRAY(SELECT k.customer COLLATE \"C\" FROM " FOUND " k))" : "");
}

/*
 * Have the history follow for all customers, or for those in the parameter with
 * keys, as the owner of the segment table. Nothing to do without the option.
 */
void
CsKeepTierHistory(const SegmentDefinition *definition, SegmentSource *source, Snapshot snapshot, bool keyed,
				  int64 run_id)
{
	Oid types[2] = {TEXTOID, INT8OID};
	Datum values[2];
	Tuplestorestate *found;
	EphemeralNamedRelation relation;

	if (definition->tiers == NULL)
		return;
	found = tuplestore_begin_heap(false, false, work_mem);
	relation = palloc0(sizeof(EphemeralNamedRelationData));
	relation->md.name = FOUND;
	relation->md.enrtype = ENR_NAMED_TUPLESTORE;
	relation->md.tupdesc = CsReadInto(found, snapshot, source, ChangesSql(definition, source, keyed));
	relation->md.enrtuples = tuplestore_tuple_count(found);
	relation->reldata = found;
	if (SPI_register_relation(relation) != SPI_OK_REL_REGISTER)
		elog(ERROR, "could not register what has happened to tiers");
	values[0] = CStringGetTextDatum(definition->tiers);
	values[1] = Int64GetDatum(run_id);
	CsOwnSql(WriteSql(keyed), 2, types, values, NULL);
	SPI_unregister_relation(FOUND);
	tuplestore_end(found);
}
