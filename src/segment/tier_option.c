/*
 * tier_option.c
 *		The option tiers of a segment table: the tier of each customer by a
 *		tier_policy.
 *
 * The option is the name of a policy whose segment_table this one is; a policy
 * that has none yet is given this one, by a caller who may update it. Tiers
 * follow from the customer's orders, the moment the rows are about and the terms
 * of the policy alone. The terms that everybody was looked at with are part of
 * segment_state: when those of the policy are others, everybody is looked at
 * again. SPI must be connected; memory is SPI's.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "core/compat.h"
#include "core/owner.h"
#include "segment/tier.h"
#include "segment/view.h"

const SegmentColumn CsTierColumns[] = {
	{"tier", COLUMN_TEXT, false, ROLE_FACT, true, "(c.tier_standing).tier",
	 "Tier that the customer holds; NULL for none"},
	{"tier_rank", COLUMN_SMALL, false, ROLE_FACT, true,
	 "coalesce((c.tier_standing).tier_rank, 0::pg_catalog.int2)",
	 "Rank of the tier for sorting, higher is better; 0 for none, NULL before the first refresh with tiers"},
	{"tier_since", COLUMN_MOMENT, false, ROLE_FACT, true, "(c.tier_standing).since",
	 "When the customer came to hold the tier, or lost the last one; NULL when there never was one"},
	{"tier_until", COLUMN_MOMENT, false, ROLE_FACT, true, "(c.tier_standing).until",
	 "End of the hold, after which grace may follow; NULL when it has no end"},
};
const int CsTierColumnCount = lengthof(CsTierColumns);

/* A policy that is not there, or that is of another segment table by now. */
static void
NoPolicy(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("there is no tier policy \"%s\" for this segment table", name),
			 errhint("Insert one into customer_scoring.tier_policy with this segment_table, or turn "
					 "tiers off with customer_scoring.alter_segment_table(segment_table, tiers => '').")));
}

/*
 * The option as it is given: no name turns it off. The policy must be there, and
 * have this segment table or none.
 */
void
CsParseTiers(SegmentDefinition *definition, const text *name)
{
	Oid types[1] = {TEXTOID};
	Datum values[1] = {PointerGetDatum(name)};
	bool isnull;
	Oid table;

	definition->tiers = NULL;
	definition->tier_terms = NULL;
	if (VARSIZE_ANY_EXHDR(name) == 0)
		return;
	definition->tiers = text_to_cstring(name);
	if (CsOwnSql("SELECT terms::pg_catalog.text, segment_table::pg_catalog.oid, basis = 'points'"
				 " FROM customer_scoring.tier_policy WHERE name = $1",
				 1, types, values, NULL) == 0)
		NoPolicy(definition->tiers);
	if (DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 3, &isnull)))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("tier policy \"%s\" is based on points", definition->tiers),
						errdetail("A segment table knows its customers' orders, not their points."),
						errhint("Ask customer_scoring.evaluate_tiers for such tiers.")));
	table = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull));
	if (!isnull && table != definition->table)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("tier policy \"%s\" is of another segment table", definition->tiers),
				 errdetail("Its segment_table is %s.",
						   get_rel_name(table) != NULL ? CsQualifiedName(table) : "one that was dropped"),
				 errhint("Insert a policy of its own for this one.")));
	definition->tier_terms = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
}

/* Give a policy without a segment table this one, with the caller's rights. */
void
CsClaimTiers(const SegmentDefinition *definition)
{
	if (definition->tiers == NULL || CsReadTierTerms(definition, false) != NULL)
		return;
	if (pg_class_aclcheck(CsRelationOid("customer_scoring", "tier_policy"), GetUserId(), ACL_UPDATE) !=
		ACLCHECK_OK)
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("tier policy \"%s\" has no segment table yet", definition->tiers),
						errhint("Have somebody who may update customer_scoring.tier_policy set its "
								"segment_table.")));
	CsRunSql(psprintf("UPDATE customer_scoring.tier_policy SET segment_table = %u::pg_catalog.regclass"
					  " WHERE name OPERATOR(pg_catalog.=) %s AND segment_table IS NULL",
					  definition->table, quote_literal_cstr(definition->tiers)));
	if (SPI_processed == 0)
		NoPolicy(definition->tiers);
}

/*
 * Text of the policy's terms; NULL without the option, and when there is no such
 * policy for the segment table. As the active snapshot has it, if that is wished,
 * else as it is now.
 */
char *
CsReadTierTerms(const SegmentDefinition *definition, bool visible)
{
	static const char *const sql = "SELECT terms::pg_catalog.text FROM customer_scoring.tier_policy"
								   " WHERE name = $1 AND segment_table = $2";
	Oid types[2] = {TEXTOID, REGCLASSOID};
	Datum values[2] = {(Datum) 0, ObjectIdGetDatum(definition->table)};

	if (definition->tiers == NULL)
		return NULL;
	values[0] = CStringGetTextDatum(definition->tiers);
	if ((visible ? CsOwnQuery(sql, 2, types, values, NULL) : CsOwnSql(sql, 2, types, values, NULL)) == 0)
		return NULL;
	return SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
}

/* A definition with the option needs its policy as soon as customers are to be read. */
void
CsRequireTiers(const SegmentDefinition *definition)
{
	if (definition->tiers != NULL && definition->tier_terms == NULL)
		NoPolicy(definition->tiers);
}

/* Whether tiers follow from other terms than before, NULL for none. */
bool
CsTiersAltered(const SegmentDefinition *definition, const char *terms_before)
{
	return definition->tier_terms != NULL &&
		   (terms_before == NULL || strcmp(definition->tier_terms, terms_before) != 0);
}

/* The terms as a typed literal. */
char *
CsTierTermsLiteral(const SegmentDefinition *definition)
{
	return psprintf("%s::customer_scoring.tier_terms", quote_literal_cstr(definition->tier_terms));
}

/* SQL for what of a customer's orders tiers are from, as in SELECT; nothing without the option. */
char *
CsTierFigures(const SegmentSource *source, const char *past)
{
	if (!source->tiers)
		return "";
	return psprintf(", customer_scoring.tier_ledger(%s, %s)%s AS tier_ledger", source->time, source->amount,
					past);
}

/* SQL for customers c with tier_standing, which is worked out once, from those with tier_ledger. */
char *
CsWithTiers(const SegmentDefinition *definition, char *customers)
{
	if (definition->tiers == NULL)
		return customers;
	return psprintf("(SELECT c.*, customer_scoring.tier_standing(%s, c.tier_ledger, $%d) AS tier_standing"
					" FROM %s c OFFSET 0)",
					CsTierTermsLiteral(definition), PARAM_AS_OF, customers);
}
