/*
 * tier_evaluate.c
 *		evaluate_tiers: the tiers of a programme at any moment, worked out from its
 *		rows, whatever was recorded.
 *
 * Spend and orders are read from the source of the policy's segment table, as
 * that reads it, but for its lookback; points from points_entry. Everything is
 * read with the rights of the caller, in one statement, under his snapshot. Who
 * is in no segment table has no tier either, see left_out.c.
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "core/compat.h"
#include "core/owner.h"
#include "segment/left_out.h"
#include "segment/option.h"
#include "segment/tier.h"
#include "segment/view.h"

PG_FUNCTION_INFO_V1(cs_evaluate_tiers);

/* A row of tier_policy. */
typedef struct Policy
{
	char *name;
	char *terms;
	Oid segment_table; /* InvalidOid for none */
	char *points_programme; /* NULL for orders */
} Policy;

/* A table of the extension that the caller must be allowed to read. */
static void
RequireSelect(const char *name)
{
	if (pg_class_aclcheck(CsRelationOid("customer_scoring", name), GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("permission denied for table %s", name),
				 errdetail("Tiers are evaluated with the rights of the caller."),
				 errhint("GRANT SELECT ON customer_scoring.%s TO %s.", name,
						 quote_identifier(GetUserNameFromId(GetUserId(), false)))));
}

static void
ReadPolicy(Policy *policy, const text *name)
{
	Oid types[1] = {TEXTOID};
	Datum values[1] = {PointerGetDatum(name)};
	bool isnull;

	policy->name = text_to_cstring(name);
	if (CsOwnQuery("SELECT terms::pg_catalog.text, segment_table::pg_catalog.oid, points_programme"
				   " FROM customer_scoring.tier_policy WHERE name = $1",
				   1, types, values, NULL) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("there is no tier policy \"%s\"", policy->name),
				 errhint("See customer_scoring.tier_policy.")));
	policy->terms = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	policy->segment_table = DatumGetObjectId(
		SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull));
	policy->points_programme = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 3);
	if (policy->points_programme == NULL && isnull)
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("tier policy \"%s\" has no segment table", policy->name),
			 errdetail("Which orders count is said by the segment table."),
			 errhint(
				 "UPDATE customer_scoring.tier_policy SET segment_table = a_segment_table WHERE name = %s.",
				 quote_literal_cstr(policy->name))));
}

/*
 * SQL for the figures of all customers, from SQL for customer and tier_ledger;
 * $1 is the moment.
 */
static char *
EvaluateSql(const Policy *policy, const char *customers)
{
	return psprintf(
		"SELECT c.customer::pg_catalog.text, h.tier, (c.s).tier, (c.s).tier_rank, (c.s).since, (c.s).until,"
		" (c.s).reason, (c.s).basis, (c.s).to_keep, (c.s).to_next FROM (SELECT x.customer,"
		" customer_scoring.tier_standing(%s::customer_scoring.tier_terms, x.tier_ledger, $%d) AS s"
		" FROM (%s) x OFFSET 0) c LEFT JOIN (SELECT DISTINCT ON (y.customer) y.customer, y.tier"
		" FROM customer_scoring.tier_history y WHERE y.policy = %s AND y.at < $%d"
		" ORDER BY y.customer DESC, y.at DESC) h ON h.customer = c.customer::pg_catalog.text COLLATE \"C\"",
		quote_literal_cstr(policy->terms), PARAM_AS_OF, customers, quote_literal_cstr(policy->name),
		PARAM_AS_OF);
}

/* SQL for who has earned points: what was earned, less what of it was reversed. */
static char *
PointsSql(const Policy *policy)
{
	return psprintf("SELECT e.customer, customer_scoring.tier_ledger(e.entered_at, e.points) AS tier_ledger"
					" FROM customer_scoring.points_entry e LEFT JOIN customer_scoring.points_entry r"
					" ON r.entry_id = e.reverses WHERE e.programme = %s AND (e.kind = 'earn'"
					" OR e.kind = 'reverse' AND r.kind = 'earn') AND e.entered_at <= $%d GROUP BY e.customer",
					quote_literal_cstr(policy->points_programme), PARAM_AS_OF);
}

/* A source of customers by their texts, to be read for a moment. */
static SegmentSource *
TextSource(TimestampTz as_of)
{
	SegmentSource *source = palloc0(sizeof(SegmentSource));

	source->key_type = TEXTOID;
	source->key_typmod = -1;
	source->customer_collation = DEFAULT_COLLATION_OID;
	source->customer_equals = CsEqualityOperator(TEXTOID);
	CsMakeParams(source, 0);
	CsSetParam(source, PARAM_AS_OF, TimestampTzGetDatum(as_of));
	return source;
}

/* The source of a segment table with all its orders, as the role would find it. */
static SegmentSource *
OrdersSource(SegmentDefinition *definition, const Policy *policy, TimestampTz as_of)
{
	SegmentSource *source;

	definition->lookback = NULL;
	definition->tiers = policy->name;
	definition->tier_terms = policy->terms;
	definition->others = NIL;
	definition->clv = NULL;
	source = CsOpenSource(definition);
	CsSourceMoments(source, definition, as_of);
	return source;
}

/*
 * evaluate_tiers(policy, as_of) → customer, old_tier, tier, tier_rank, since,
 * until, reason, basis, to_keep, to_next
 */
Datum
cs_evaluate_tiers(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Policy policy;
	TimestampTz as_of;
	SegmentDefinition *definition = NULL;
	CsIdentity saved;

	CsRequireArgument(fcinfo, 0, "policy");
	CsRequireArgument(fcinfo, 1, "as_of");
	as_of = PG_GETARG_TIMESTAMPTZ(1);
	CsRequireMoment(as_of, "as_of", "Use now() for the tiers of now.");
	InitMaterializedSRF(fcinfo, 0);

	RequireSelect("tier_history");
	SPI_connect();
	ReadPolicy(&policy, PG_GETARG_TEXT_PP(0));
	if (policy.points_programme == NULL)
	{
		SegmentSource *source;

		definition = CsReadDefinition(policy.segment_table);
		definition->owner = GetUserId();
		CsActAsOwner(&saved, definition);
		source = OrdersSource(definition, &policy, as_of);
		CsFindLeftOut(source, GetActiveSnapshot(), CsEverybodySql(source, false), false);
		CsReadInto(rsinfo->setResult, GetActiveSnapshot(), source,
				   EvaluateSql(&policy, CsOrdersSql(source, false, false)));
	}
	else
	{
		SegmentSource *points = TextSource(as_of);

		RequireSelect("points_entry");
		CsBecome(&saved, GetUserId());
		CsFindLeftOut(points, GetActiveSnapshot(), "SELECT e.customer FROM customer_scoring.points_entry e",
					  false);
		CsReadInto(rsinfo->setResult, GetActiveSnapshot(), points,
				   EvaluateSql(&policy, CsWithoutLeftOut(points, PointsSql(&policy))));
	}
	CsResume(&saved);
	SPI_finish();
	return (Datum) 0;
}
