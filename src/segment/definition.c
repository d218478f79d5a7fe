/*
 * definition.c
 *		What a segment table is made of: the row in segment_table_definition.
 *
 * The row is read and written whole. It is found by the oid of the segment
 * table, so that renaming or moving the table keeps it. SPI must be connected,
 * and what is read is valid until SPI_finish.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "core/compat.h"
#include "core/moment.h"
#include "core/owner.h"
#include "segment/clv.h"
#include "segment/definition.h"
#include "segment/kind.h"
#include "segment/option.h"
#include "segment/quality.h"
#include "segment/tier.h"

/* Schema-qualified, quoted name of a relation. */
char *
CsQualifiedName(Oid relation)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)),
									  get_rel_name(relation));
}

/* Schema-qualified, quoted name of a collation. */
char *
CsCollationName(Oid collation)
{
	HeapTuple tuple = SearchSysCache1(COLLOID, ObjectIdGetDatum(collation));
	Form_pg_collation form;
	char *name;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for collation %u", collation);
	form = (Form_pg_collation) GETSTRUCT(tuple);
	name = quote_qualified_identifier(get_namespace_name(form->collnamespace), NameStr(form->collname));
	ReleaseSysCache(tuple);
	return name;
}

/* Managing a segment table is for its owner, for those who act as owner, and for superusers. */
void
CsCheckSegmentOwner(Oid table)
{
	char *name = get_rel_name(table);

	if (name == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("segment table with OID %u does not exist", table)));
	if (!CsOwnsRelation(table, GetUserId()))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("must be owner of segment table \"%s\"", name),
						errhint("Ask its owner, or become a member of the role that owns it.")));
}

/* While waiting for a lock, a segment table that had this name may have been dropped. */
void
CsCheckNotDropped(Oid table, const char *name)
{
	if (get_rel_name(table) == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("segment table \"%s\" was dropped in the meantime", name)));
}

/*
 * Lock a segment table until the transaction ends, for its owner. While waiting
 * the table may have been dropped, or given to somebody else, in whose name the
 * caller must not act any more.
 */
void
CsLockSegmentTable(Oid table, LOCKMODE mode)
{
	char *name;

	CsCheckSegmentOwner(table);
	name = get_rel_name(table);
	LockRelationOid(table, mode);
	CsCheckNotDropped(table, name);
	CsCheckSegmentOwner(table);
}

/*
 * Become the owner of a segment table, to read its source, until CsResume. What
 * a source or a type reads from the session is the same whoever refreshes: the
 * zone is the table's, dates are written ISO. Compiling a statement used once
 * gains nothing here, and cannot be cancelled while it lasts.
 */
void
CsActAsOwner(CsIdentity *saved, const SegmentDefinition *definition)
{
	CsBecome(saved, definition->owner);
	CsPinSetting("row_security", "on");
	CsPinSetting("TimeZone", definition->time_zone);
	CsPinSetting("DateStyle", "ISO, YMD");
	CsPinSetting("IntervalStyle", "postgres");
	CsPinSetting("extra_float_digits", "1");
	CsPinSetting("jit", "off");
}

/* A column of the first row that SPI holds; by-reference values point into it. */
static Datum
Column(int n, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, n, isnull);
}

static char *
NameColumn(int n)
{
	bool isnull;

	return NameStr(*DatumGetName(Column(n, &isnull)));
}

static char *
TextColumn(int n)
{
	bool isnull;

	return TextDatumGetCString(Column(n, &isnull));
}

static Interval *
IntervalColumn(int n)
{
	bool isnull;
	Datum value = Column(n, &isnull);

	return isnull ? NULL : DatumGetIntervalP(value);
}

static Oid
RelationColumn(int n)
{
	bool isnull;
	Datum value = Column(n, &isnull);

	return isnull ? InvalidOid : DatumGetObjectId(value);
}

static TimestampTz
MomentColumn(int n)
{
	bool isnull;
	Datum value = Column(n, &isnull);

	return isnull ? DT_NOBEGIN : DatumGetTimestampTz(value);
}

/* The sources of a segment table besides its orders. */
static List *
ReadOthers(Oid table)
{
	Oid types[1] = {REGCLASSOID};
	Datum values[1] = {ObjectIdGetDatum(table)};
	List *others = NIL;
	int n = CsOwnSql("SELECT kind, source_schema, source_name, customer, columns"
					 " FROM customer_scoring.segment_source_definition WHERE segment_table = $1"
					 " ORDER BY position",
					 1, types, values, NULL);
	int i;

	for (i = 0; i < n; i++)
	{
		OtherDefinition *other = palloc(sizeof(OtherDefinition));
		HeapTuple row = SPI_tuptable->vals[i];
		TupleDesc desc = SPI_tuptable->tupdesc;
		bool isnull;

		other->kind = CsFindKind(TextDatumGetCString(SPI_getbinval(row, desc, 1, &isnull)));
		other->source_schema = NameStr(*DatumGetName(SPI_getbinval(row, desc, 2, &isnull)));
		other->source_name = NameStr(*DatumGetName(SPI_getbinval(row, desc, 3, &isnull)));
		other->customer = NameStr(*DatumGetName(SPI_getbinval(row, desc, 4, &isnull)));
		other->columns = DatumGetJsonbP(SPI_getbinval(row, desc, 5, &isnull));
		others = lappend(others, other);
	}
	return others;
}

/*
 * The definition of a segment table; an error when the relation is none.
 */
SegmentDefinition *
CsReadDefinition(Oid table)
{
	Oid types[1] = {REGCLASSOID};
	Datum values[1] = {ObjectIdGetDatum(table)};
	SegmentDefinition *definition;
	HeapTuple class;
	Datum only;
	Datum clv;
	Datum quality;
	bool isnull;

	if (CsOwnSql("SELECT current_view, overview_view, source_schema, source_name, customer, ordered_at,"
				 " amount, only_values, lookback, time_zone, money_scale, segment_map, row_security,"
				 " refresh_every, next_refresh_at, as_of, breaks = 'frozen', frozen_breaks::pg_catalog.text,"
				 " history, keep_history, history_table, snapshot_table, migration_view, clv, tiers,"
				 " coalesce(suppress_below, 0), quality FROM customer_scoring.segment_table_definition WHERE "
				 "segment_table = $1",
				 1, types, values, NULL) != 1)
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("\"%s\" is not a segment table", get_rel_name(table)),
						errhint("See customer_scoring.segment_table_status, or create one with "
								"customer_scoring.create_segment_table.")));
	class = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
	if (!HeapTupleIsValid(class))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("segment table with OID %u does not exist", table)));

	definition = palloc(sizeof(SegmentDefinition));
	definition->table = table;
	definition->owner = ((Form_pg_class) GETSTRUCT(class))->relowner;
	ReleaseSysCache(class);
	definition->current_view = DatumGetObjectId(Column(1, &isnull));
	definition->overview_view = DatumGetObjectId(Column(2, &isnull));
	definition->source_schema = NameColumn(3);
	definition->source_name = NameColumn(4);
	definition->customer = NameColumn(5);
	definition->ordered_at = NameColumn(6);
	definition->amount = NameColumn(7);
	only = Column(8, &isnull);
	definition->only = isnull ? NULL : DatumGetJsonbP(only);
	definition->lookback = IntervalColumn(9);
	definition->time_zone = TextColumn(10);
	definition->money_scale = DatumGetInt32(Column(11, &isnull));
	if (isnull)
		definition->money_scale = CS_SCALE_OF_SOURCE;
	definition->map = Column(12, &isnull);
	definition->row_security = DatumGetBool(Column(13, &isnull));
	definition->refresh_every = IntervalColumn(14);
	definition->anchor = MomentColumn(15);
	definition->as_of = MomentColumn(16);
	definition->frozen = DatumGetBool(Column(17, &isnull));
	(void) Column(18, &isnull);
	definition->breaks = isnull ? NULL : TextColumn(18);
	definition->history = DatumGetBool(Column(19, &isnull));
	definition->keep_history = IntervalColumn(20);
	definition->history_table = RelationColumn(21);
	definition->snapshot_table = RelationColumn(22);
	definition->migration_view = RelationColumn(23);
	clv = Column(24, &isnull);
	definition->clv = isnull ? NULL : CsParseClv(DatumGetJsonbP(clv));
	(void) Column(25, &isnull);
	definition->tiers = isnull ? NULL : TextColumn(25);
	definition->suppress_below = DatumGetInt32(Column(26, &isnull));
	quality = Column(27, &isnull);
	definition->quality = CsParseQuality(isnull ? NULL : DatumGetJsonbP(quality));
	definition->others = ReadOthers(table);
	definition->clv_state = definition->clv == NULL ? NULL : CsReadClvState(table, false);
	definition->tier_terms = CsReadTierTerms(definition, false);
	return definition;
}

/*
 * as_of as the active snapshot has it, which may be older than the definition
 * that was read; DT_NOBEGIN when that snapshot knows of no refresh.
 */
TimestampTz
CsVisibleAsOf(Oid table)
{
	Oid types[1] = {REGCLASSOID};
	Datum values[1] = {ObjectIdGetDatum(table)};
	int result = SPI_execute_with_args(
		"SELECT as_of FROM customer_scoring.segment_table_definition WHERE segment_table = $1", 1, types,
		values, NULL, true, 1);

	if (result != SPI_OK_SELECT)
		elog(ERROR, "could not read as_of: %s", SPI_result_code_string(result));
	return SPI_processed == 0 ? DT_NOBEGIN : MomentColumn(1);
}

/*
 * Forget segment tables that were removed by DROP TABLE or DROP SCHEMA, so that
 * their oids can be used again. Rows that another transaction forgets are left
 * to it.
 */
void
CsForgetDropped(void)
{
	CsOwnSql("WITH gone AS (SELECT d.segment_table FROM customer_scoring.segment_table_definition d"
			 " WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = d.segment_table)"
			 " FOR UPDATE OF d SKIP LOCKED),"
			 " runs AS (DELETE FROM customer_scoring_internal.segment_run r USING gone g"
			 " WHERE r.segment_table = g.segment_table),"
			 " captures AS (DELETE FROM customer_scoring_internal.segment_capture c USING gone g"
			 " WHERE c.segment_table = g.segment_table),"
			 " others AS (DELETE FROM customer_scoring.segment_source_definition o USING gone g"
			 " WHERE o.segment_table = g.segment_table),"
			 " models AS (DELETE FROM customer_scoring_internal.segment_model m USING gone g"
			 " WHERE m.segment_table = g.segment_table),"
			 " states AS (DELETE FROM customer_scoring_internal.segment_state s USING gone g"
			 " WHERE s.segment_table = g.segment_table),"
			 " reports AS (DELETE FROM customer_scoring_internal.segment_quality q USING gone g"
			 " WHERE q.segment_table = g.segment_table),"
			 " problems AS (DELETE FROM customer_scoring_internal.segment_quality_customer q USING gone g"
			 " WHERE q.segment_table = g.segment_table),"
			 " policies AS (UPDATE customer_scoring.tier_policy p SET segment_table = NULL FROM gone g"
			 " WHERE p.segment_table = g.segment_table),"
			 " assessments AS (DELETE FROM customer_scoring.key_account_policy p USING gone g"
			 " WHERE p.segment_table = g.segment_table),"
			 " accounts AS (UPDATE customer_scoring.key_account k SET segment_table = NULL FROM gone g"
			 " WHERE k.segment_table = g.segment_table)"
			 " DELETE FROM customer_scoring.segment_table_definition d USING gone g"
			 " WHERE d.segment_table = g.segment_table",
			 0, NULL, NULL, NULL);
}

/* Write a definition: all but as_of and what breaks are frozen in, which a refresh sets. */
void
CsWriteDefinition(const SegmentDefinition *definition, bool is_new)
{
	static const char *const insert_sql =
		"INSERT INTO customer_scoring.segment_table_definition (segment_table, current_view,"
		" overview_view, source_schema, source_name, customer, ordered_at, amount, only_values,"
		" lookback, time_zone, money_scale, segment_map, row_security, refresh_every, next_refresh_at,"
		" breaks, history, keep_history, history_table, snapshot_table, migration_view, clv, tiers, "
		"suppress_below, quality)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,"
		" $13::customer_scoring.rfm_map, $14, $15, $16, $17, $19, $20, $21, $22, $23, $24, $25, nullif($26, "
		"0), $27)";
	static const char *const update_sql =
		"UPDATE customer_scoring.segment_table_definition SET current_view = $2, overview_view = $3,"
		" source_schema = $4, source_name = $5, customer = $6, ordered_at = $7, amount = $8,"
		" only_values = $9, lookback = $10, time_zone = $11, money_scale = $12, segment_map = "
		"$13::customer_scoring.rfm_map,"
		" row_security = $14, refresh_every = $15, next_refresh_at = $16, breaks = $17,"
		" frozen_breaks = CASE WHEN $18 THEN frozen_breaks END, history = $19, keep_history = $20,"
		" history_table = $21, snapshot_table = $22, migration_view = $23, clv = $24, tiers = $25,"
		" suppress_below = nullif($26, 0), quality = $27"
		" WHERE segment_table = $1";
	Oid types[] = {REGCLASSOID, REGCLASSOID,	REGCLASSOID, NAMEOID, NAMEOID, NAMEOID,		NAMEOID,
				   NAMEOID,		JSONBOID,		INTERVALOID, TEXTOID, INT4OID, TEXTOID,		BOOLOID,
				   INTERVALOID, TIMESTAMPTZOID, TEXTOID,	 BOOLOID, BOOLOID, INTERVALOID, REGCLASSOID,
				   REGCLASSOID, REGCLASSOID,	JSONBOID,	 TEXTOID, INT4OID, JSONBOID};
	Datum values[lengthof(types)];
	char nulls[lengthof(types)];
	int n = 0;

#define NAME_VALUE(name) DirectFunctionCall1(namein, CStringGetDatum(name))
#define PUT(datum, is_null) \
	(nulls[n] = (is_null) ? 'n' : ' ', values[n] = (is_null) ? (Datum) 0 : (datum), n++)

	PUT(ObjectIdGetDatum(definition->table), false);
	PUT(ObjectIdGetDatum(definition->current_view), false);
	PUT(ObjectIdGetDatum(definition->overview_view), false);
	PUT(NAME_VALUE(definition->source_schema), false);
	PUT(NAME_VALUE(definition->source_name), false);
	PUT(NAME_VALUE(definition->customer), false);
	PUT(NAME_VALUE(definition->ordered_at), false);
	PUT(NAME_VALUE(definition->amount), false);
	PUT(JsonbPGetDatum(definition->only), definition->only == NULL);
	PUT(IntervalPGetDatum(definition->lookback), definition->lookback == NULL);
	PUT(CStringGetTextDatum(definition->time_zone), false);
	PUT(Int32GetDatum(definition->money_scale), definition->money_scale == CS_SCALE_OF_SOURCE);
	PUT(CStringGetTextDatum(CsMapText(definition->map)), false);
	PUT(BoolGetDatum(definition->row_security), false);
	PUT(IntervalPGetDatum(definition->refresh_every), definition->refresh_every == NULL);
	PUT(TimestampTzGetDatum(definition->anchor), definition->anchor == DT_NOBEGIN);
	PUT(CStringGetTextDatum(definition->frozen ? "frozen" : "each_refresh"), false);
	PUT(BoolGetDatum(definition->breaks != NULL), false);
	PUT(BoolGetDatum(definition->history), false);
	PUT(IntervalPGetDatum(definition->keep_history), definition->keep_history == NULL);
	PUT(ObjectIdGetDatum(definition->history_table), !OidIsValid(definition->history_table));
	PUT(ObjectIdGetDatum(definition->snapshot_table), !OidIsValid(definition->snapshot_table));
	PUT(ObjectIdGetDatum(definition->migration_view), !OidIsValid(definition->migration_view));
	PUT(JsonbPGetDatum(definition->clv->given), definition->clv == NULL);
	PUT(CStringGetTextDatum(definition->tiers), definition->tiers == NULL);
	PUT(Int32GetDatum(definition->suppress_below), false);
	PUT(JsonbPGetDatum(definition->quality->given), definition->quality->given == NULL);
	CsOwnSql(is_new ? insert_sql : update_sql, n, types, values, nulls);
}
