/*
 * view.c
 *		The relations of a segment table: the table itself and its two views.
 *
 * They belong to whoever creates them and are made with that role's rights. The
 * views show nothing their reader may not see (security_invoker), every column
 * has a type that BI tools know and a comment.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "catalog/namespace.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "core/compat.h"
#include "core/owner.h"
#include "core/signal.h"
#include "segment/column.h"
#include "segment/refresh.h"
#include "segment/view.h"

/* Run one statement as the current role. */
void
CsRunSql(const char *sql)
{
	int result = SPI_execute(sql, false, 0);

	if (result < 0)
		elog(ERROR, "statement failed: %s: %s", SPI_result_code_string(result), sql);
}

/* Lock a view of a segment table against readers, if its owner has it (still). */
static void
LockView(Oid view, Oid owner)
{
	if (get_rel_name(view) != NULL && CsOwnsRelation(view, owner))
		LockRelationOid(view, AccessExclusiveLock);
}

/*
 * Lock a segment table against everybody, for its owner, and read its definition.
 * Its views are locked first, as their readers lock them before the table.
 */
SegmentDefinition *
CsLockWithViews(Oid table)
{
	SegmentDefinition *definition;
	char *name;

	CsCheckSegmentOwner(table);
	name = get_rel_name(table);
	definition = CsReadDefinition(table);
	LockView(definition->current_view, definition->owner);
	LockView(definition->overview_view, definition->owner);
	LockView(definition->migration_view, definition->owner);
	CsCheckNotDropped(table, name);
	CsLockSegmentTable(table, AccessExclusiveLock);
	return CsReadDefinition(table);
}

/* A relation that was just made. */
Oid
CsRelationOid(const char *schema, const char *name)
{
	return get_relname_relid(name, get_namespace_oid(schema, false));
}

/* Relations to make must not be there. */
void
CsCheckNameIsFree(const char *schema, const char *name)
{
	if (OidIsValid(get_relname_relid(name, get_namespace_oid(schema, false))))
		ereport(ERROR, (errcode(ERRCODE_DUPLICATE_TABLE), errmsg("relation \"%s\" already exists", name),
						errhint("Choose another name. A segment table is removed with "
								"customer_scoring.drop_segment_table, one that an earlier "
								"installation of the extension left with DROP TABLE.")));
}

/* Comment on a column of a relation, which is quoted already. */
void
CsCommentColumn(const char *relation, const char *column, const char *comment)
{
	CsRunSql(psprintf("COMMENT ON COLUMN %s.%s IS %s", relation, quote_identifier(column),
					  quote_literal_cstr(comment)));
}

static void
CommentSegmentColumns(const SegmentDefinition *definition, const char *relation)
{
	int n;
	const SegmentColumn *const *columns = CsColumnsOf(definition, &n);
	int i;

	CsCommentColumn(relation, "customer_id", "The customer, as in the source");
	for (i = 0; i < n; i++)
		CsCommentColumn(relation, columns[i]->name, columns[i]->comment);
	CsCommentColumn(relation, "computed_at", "When the values of this row last changed");
	CsCommentColumn(relation, "run_id",
					"Run that last changed the values of this row, see segment_table_run");
}

/* A type as SQL, with a collation that is not the type's own. */
char *
CsTypeSql(Oid type, int32 typmod, Oid collation_id)
{
	char *sql = format_type_extended(type, typmod, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY);

	if (OidIsValid(collation_id) && collation_id != get_typcollation(type))
		sql = psprintf("%s COLLATE %s", sql, CsCollationName(collation_id));
	return sql;
}

/* The columns of either kind, as in CREATE TABLE. */
static void
AppendColumns(StringInfo sql, const SegmentDefinition *definition, int scale, bool late)
{
	int n;
	const SegmentColumn *const *columns = CsColumnsOf(definition, &n);
	int i;

	for (i = 0; i < n; i++)
		if (columns[i]->late == late)
			appendStringInfo(sql, ", %s %s%s", columns[i]->name, CsColumnType(columns[i], scale),
							 columns[i]->not_null ? " NOT NULL" : "");
}

/* A column, and where its table has it. */
typedef struct PlacedColumn
{
	AttrNumber place;
	const char *name;
} PlacedColumn;

static int
ComparePlaces(const void *a, const void *b)
{
	return ((const PlacedColumn *) a)->place - ((const PlacedColumn *) b)->place;
}

/*
 * The columns of either kind, as in SELECT from t, in the order in which the
 * table has them: one that is appended there is appended here, as replacing a
 * view demands.
 */
static void
AppendNames(StringInfo sql, const SegmentDefinition *definition, bool late)
{
	int n;
	const SegmentColumn *const *columns = CsColumnsOf(definition, &n);
	PlacedColumn *placed = palloc(sizeof(PlacedColumn) * n);
	int nplaced = 0;
	int i;

	for (i = 0; i < n; i++)
		if (columns[i]->late == late)
		{
			placed[nplaced].place = get_attnum(definition->table, columns[i]->name);
			placed[nplaced++].name = columns[i]->name;
		}
	qsort(placed, nplaced, sizeof(PlacedColumn), ComparePlaces);
	for (i = 0; i < nplaced; i++)
		appendStringInfo(sql, ", t.%s", placed[i].name);
}

/* How the trigger fires by which rules hear of writes to a segment table; 0 when it is not there. */
char
CsSignalFires(Oid table)
{
	Relation relation = table_open(table, AccessShareLock);
	TriggerDesc *triggers = relation->trigdesc;
	char fires = 0;
	int i;

	for (i = 0; triggers != NULL && i < triggers->numtriggers; i++)
		if (strcmp(triggers->triggers[i].tgname, CS_SIGNAL_TRIGGER) == 0)
			fires = triggers->triggers[i].tgenabled;
	table_close(relation, AccessShareLock);
	return fires;
}

/*
 * Have that trigger fire always; a restore that was told to disable triggers
 * leaves it otherwise. Where it is not there it is made, if that is wished: a
 * restore that is not over yet will make it.
 */
void
CsEnsureSignal(Oid table, bool make)
{
	char fires = CsSignalFires(table);

	if (fires == 0 && make)
		CsRunSql(psprintf("CREATE TRIGGER " CS_SIGNAL_TRIGGER
						  " AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON %s"
						  " FOR EACH STATEMENT EXECUTE FUNCTION customer_scoring.signal_accounts()",
						  CsQualifiedName(table)));
	if (fires != TRIGGER_FIRES_ALWAYS && (fires != 0 || make))
		CsRunSql(psprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER " CS_SIGNAL_TRIGGER, CsQualifiedName(table)));
}

/*
 * Create the table. A refresh updates few columns of few rows, and seldom one
 * that is indexed; some room on each page keeps such updates on it.
 */
Oid
CsCreateTable(const SegmentDefinition *definition, const char *schema, const char *name,
			  const SegmentSource *source)
{
	const char *relation = quote_qualified_identifier(schema, name);
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE TABLE %s (customer_id %s PRIMARY KEY", relation,
					 CsTypeSql(source->customer_type, source->customer_typmod, source->customer_collation));
	AppendColumns(&sql, definition, source->scale, false);
	appendStringInfoString(&sql,
						   ", computed_at pg_catalog.timestamptz NOT NULL, run_id pg_catalog.int8 NOT NULL");
	AppendColumns(&sql, definition, source->scale, true);
	appendStringInfoString(&sql, ") WITH (fillfactor = 80)");
	CsRunSql(sql.data);
	CsRunSql(psprintf("CREATE INDEX ON %s (due_at) WHERE due_at IS NOT NULL", relation));
	CsRunSql(
		psprintf("COMMENT ON TABLE %s IS 'Segment table of customer_scoring: one row a customer'", relation));
	CommentSegmentColumns(definition, relation);
	CsEnsureSignal(CsRelationOid(schema, name), true);
	return CsRelationOid(schema, name);
}

/* Append a column to a table that has rows: zero or NULL until they are recomputed. */
void
CsAddColumn(const SegmentDefinition *definition, const SegmentColumn *column, int scale)
{
	char *relation = CsQualifiedName(definition->table);

	CsRunSql(psprintf("ALTER TABLE %s ADD COLUMN %s %s%s", relation, column->name,
					  CsColumnType(column, scale), column->not_null ? " NOT NULL DEFAULT '0'" : ""));
	CsCommentColumn(relation, column->name, column->comment);
}

/* Days between a column and as_of, in the table's zone. */
static char *
DaysSince(const char *column, const char *zone)
{
	return psprintf("((d.as_of AT TIME ZONE %s)::pg_catalog.date - (t.%s AT TIME ZONE %s)::pg_catalog.date)",
					zone, column, zone);
}

/*
 * Create or replace <name>_current: the table, and what moves with the day. Its
 * definition is found by the table's name as a regclass, which follows renaming
 * and survives dump and restore.
 */
Oid
CsCreateCurrentView(const SegmentDefinition *definition, const char *schema, const char *name)
{
	const char *relation = quote_qualified_identifier(schema, name);
	char *zone = quote_literal_cstr(definition->time_zone);
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE OR REPLACE VIEW %s WITH (security_invoker = true) AS SELECT t.customer_id",
					 relation);
	AppendNames(&sql, definition, false);
	appendStringInfo(&sql, ", t.computed_at, t.run_id, d.as_of, %s AS recency_days, %s AS tenure_days",
					 DaysSince("last_order_at", zone), DaysSince("first_order_at", zone));
	AppendNames(&sql, definition, true);
	appendStringInfo(
		&sql,
		" FROM ONLY %s t"
		" LEFT JOIN customer_scoring.segment_table_definition d ON d.segment_table = %s::pg_catalog.regclass",
		CsQualifiedName(definition->table), quote_literal_cstr(CsQualifiedName(definition->table)));
	CsRunSql(sql.data);
	CsRunSql(psprintf(
		"COMMENT ON VIEW %s IS 'Segment table with what moves with the day: one row a customer'", relation));
	CommentSegmentColumns(definition, relation);
	CsCommentColumn(relation, "as_of", "Moment the figures are about");
	CsCommentColumn(relation, "recency_days",
					"Calendar days from the last order to as_of; NULL without an order");
	CsCommentColumn(relation, "tenure_days",
					"Calendar days from the first order to as_of; NULL without an order");
	return CsRelationOid(schema, name);
}

/*
 * SQL that is NULL for a segment of the overview which is not shown, if that is
 * wished.
 */
static char *
Shown(const SegmentDefinition *definition, char *sql)
{
	return definition->suppress_below > 0 ? psprintf("CASE WHEN NOT g.hidden THEN %s END", sql) : sql;
}

/*
 * SQL for the segments of the overview with whether they are hidden: those that
 * are too small, and the next larger ones until so many customers are hidden
 * that what is missing from a total tells of no small group either.
 */
static char *
WithHidden(const SegmentDefinition *definition, char *groups)
{
	if (definition->suppress_below == 0)
		return groups;
	return psprintf("(SELECT w.*, w.customers < %d OR w.smaller > 0 AND w.smaller < %d AS hidden"
					" FROM (SELECT x.*, coalesce(pg_catalog.sum(x.customers) OVER (ORDER BY x.customers,"
					" x.segment_rank, x.segment ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)"
					" AS smaller FROM %s x) w)",
					definition->suppress_below, definition->suppress_below, groups);
}

/* Create or replace <name>_overview: a row a segment. */
Oid
CsCreateOverviewView(const SegmentDefinition *definition, const char *schema, const char *name, int scale)
{
	static const char *const comments[][2] = {
		{"segment", "Segment; prospect without an order"},
		{"segment_rank", "Rank of the segment for sorting, higher is better"},
		{"customers", "Number of customers"},
		{"customer_share", "Share of all customers, 0 to 1"},
		{"orders", "Orders of these customers"},
		{"revenue", "Exact revenue of these customers"},
		{"revenue_share", "Share of all positive revenue, 0 to 1; NULL when there is none"},
		{"average_order_value", "Revenue divided by orders, rounded; NULL without an order"},
		{"average_revenue", "Revenue divided by customers, rounded"},
		{"last_order_at", "Latest order of these customers"},
		{"as_of", "Moment the figures are about"},
	};
	const char *relation = quote_qualified_identifier(schema, name);
	bool clv = definition->clv != NULL;
	char *groups;
	StringInfoData sql;
	int i;

	groups = psprintf(
		"(SELECT t.segment, t.segment_rank, pg_catalog.count(*) AS customers,"
		" pg_catalog.sum(t.orders)::pg_catalog.int8 AS orders, pg_catalog.sum(t.revenue) AS "
		"revenue,"
		" pg_catalog.sum(greatest(t.revenue, 0)) AS positive, pg_catalog.max(t.last_order_at) AS "
		"last_order_at%s FROM ONLY %s t GROUP BY t.segment, t.segment_rank)",
		clv ? ", pg_catalog.sum(t.clv) AS clv" : "", CsQualifiedName(definition->table));
	initStringInfo(&sql);
	appendStringInfo(&sql,
					 "CREATE OR REPLACE VIEW %s WITH (security_invoker = true) AS"
					 " SELECT g.segment, g.segment_rank, %s AS customers,"
					 " (%s)::pg_catalog.numeric(5, 4) AS customer_share, %s AS orders,"
					 " (%s)::pg_catalog.numeric(28, %d) AS revenue,"
					 " (%s)::pg_catalog.numeric(5, 4) AS revenue_share,",
					 relation, Shown(definition, "g.customers"),
					 Shown(definition, "g.customers / pg_catalog.sum(g.customers) OVER ()"),
					 Shown(definition, "g.orders"), Shown(definition, "g.revenue"), scale,
					 Shown(definition, "g.positive / nullif(pg_catalog.sum(g.positive) OVER (), 0)"));
	appendStringInfo(
		&sql,
		" (%s)::pg_catalog.numeric(28, %d) AS average_order_value,"
		" (%s)::pg_catalog.numeric(28, %d) AS average_revenue, %s AS last_order_at, d.as_of",
		Shown(definition, psprintf("pg_catalog.round(g.revenue, %d) / nullif(g.orders, 0)", scale + 21)),
		scale + 2, Shown(definition, psprintf("pg_catalog.round(g.revenue, %d) / g.customers", scale + 21)),
		scale + 2, Shown(definition, "g.last_order_at"));
	if (clv)
		appendStringInfo(&sql, ", (%s)::pg_catalog.numeric(28, %d) AS clv", Shown(definition, "g.clv"),
						 scale);
	appendStringInfo(
		&sql,
		" FROM %s g"
		" LEFT JOIN customer_scoring.segment_table_definition d ON d.segment_table = %s::pg_catalog.regclass",
		WithHidden(definition, groups), quote_literal_cstr(CsQualifiedName(definition->table)));
	CsRunSql(sql.data);
	CsRunSql(psprintf("COMMENT ON VIEW %s IS 'Segment table summed up: one row a segment'", relation));
	for (i = 0; i < lengthof(comments); i++)
		CsCommentColumn(relation, comments[i][0], comments[i][1]);
	if (clv)
		CsCommentColumn(relation, "clv", "Lifetime value of these customers; NULL when none is known");
	return CsRelationOid(schema, name);
}

/* What the overview shows was altered: so is the view, if it is there. */
void
CsReplaceOverview(const SegmentDefinition *definition)
{
	Oid overview = definition->overview_view;
	CsIdentity saved;

	if (get_rel_name(overview) == NULL)
		return;
	CsActAsOwner(&saved, definition);
	(void) CsCreateOverviewView(definition, get_namespace_name(get_rel_namespace(overview)),
								get_rel_name(overview), CsStoredScale(definition->table));
	CsResume(&saved);
}

/* The one text that a query gave, or NULL. */
static char *
QueriedText(const char *sql)
{
	bool isnull;
	Datum value;

	CsRunSql(sql);
	value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	return isnull ? NULL : TextDatumGetCString(value);
}

/*
 * GRANT statements that give a relation of the same name the rights this one
 * and its columns have granted: for a view that must be made anew. NULL when
 * there are none.
 */
static char *
GrantsOf(Oid relation)
{
	return QueriedText(psprintf(
		"SELECT pg_catalog.string_agg(pg_catalog.format('GRANT %%s%%s ON %%s TO %%s%%s', a.privilege_type,"
		" '(' || pg_catalog.quote_ident(g.attname) || ')', %s,"
		" CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(r.rolname) END,"
		" CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END), '; ')"
		" FROM (SELECT c.relowner, NULL::pg_catalog.name AS attname, c.relacl AS acl"
		" FROM pg_catalog.pg_class c WHERE c.oid = %u UNION ALL SELECT c.relowner, t.attname, t.attacl"
		" FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute t ON t.attrelid = c.oid"
		" WHERE c.oid = %u AND NOT t.attisdropped) g CROSS JOIN LATERAL pg_catalog.aclexplode(g.acl) a"
		" LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee WHERE a.grantee <> g.relowner",
		quote_literal_cstr(CsQualifiedName(relation)), relation, relation));
}

/* A list of all but the owner who have rights on a relation, PUBLIC in any case. */
static char *
GranteesOf(Oid relation)
{
	return QueriedText(psprintf(
		"SELECT pg_catalog.string_agg(g.name, ', ') FROM (SELECT 'PUBLIC' AS name UNION"
		" SELECT pg_catalog.quote_ident(r.rolname)"
		" FROM pg_catalog.pg_class c CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) a"
		" JOIN pg_catalog.pg_roles r ON r.oid = a.grantee AND r.oid <> c.relowner WHERE c.oid = %u) g",
		relation));
}

/*
 * Drop a view that is to be made anew, as its columns cannot be changed in
 * place; views of users on top of it make that fail. False if the user has
 * dropped it: then it stays away.
 */
bool
CsTakeView(Oid view, ViewBefore *before)
{
	before->name = get_rel_name(view);
	if (before->name == NULL)
		return false;
	before->schema = get_namespace_name(get_rel_namespace(view));
	before->grants = GrantsOf(view);
	CsRunSql(psprintf("DROP VIEW %s", CsQualifiedName(view)));
	return true;
}

/* Give a view that was made anew the rights it had, and no others. */
void
CsGiveBack(Oid view, const ViewBefore *before)
{
	CsRunSql(psprintf("REVOKE ALL ON %s FROM %s", CsQualifiedName(view), GranteesOf(view)));
	if (before->grants != NULL)
		CsRunSql(before->grants);
}

/* Columns were appended to the table: so they are to the views that are there. */
void
CsReplaceViews(const SegmentDefinition *definition, int scale)
{
	Oid current = definition->current_view;
	Oid overview = definition->overview_view;

	if (get_rel_name(current) != NULL)
		(void) CsCreateCurrentView(definition, get_namespace_name(get_rel_namespace(current)),
								   get_rel_name(current));
	if (get_rel_name(overview) != NULL)
		(void) CsCreateOverviewView(definition, get_namespace_name(get_rel_namespace(overview)),
									get_rel_name(overview), scale);
}

/* Drop both views that are to be made anew, see CsTakeView. */
void
CsTakeViews(const SegmentDefinition *definition, ViewsBefore *before)
{
	before->taken[0] = CsTakeView(definition->current_view, &before->views[0]);
	before->taken[1] = CsTakeView(definition->overview_view, &before->views[1]);
}

/* Make anew those of them that were there. */
void
CsGiveBackViews(SegmentDefinition *definition, const ViewsBefore *before, int scale)
{
	if (before->taken[0])
	{
		definition->current_view = CsCreateCurrentView(definition, before->views[0].schema,
													   before->views[0].name);
		CsGiveBack(definition->current_view, &before->views[0]);
	}
	if (before->taken[1])
	{
		definition->overview_view = CsCreateOverviewView(definition, before->views[1].schema,
														 before->views[1].name, scale);
		CsGiveBack(definition->overview_view, &before->views[1]);
	}
}

/*
 * The columns of an option come or go, in a table that is locked against
 * everybody. They are NULL until the next refresh; what users built on top of
 * those that go makes it fail.
 */
void
CsTurnColumns(SegmentDefinition *definition, const SegmentColumn *columns, int ncolumns, bool on)
{
	int scale = CsStoredScale(definition->table);
	ViewsBefore before;
	CsIdentity saved;
	int i;

	CsActAsOwner(&saved, definition);
	if (on)
	{
		for (i = 0; i < ncolumns; i++)
			CsAddColumn(definition, &columns[i], scale);
		CsReplaceViews(definition, scale);
	}
	else
	{
		CsTakeViews(definition, &before);
		for (i = 0; i < ncolumns; i++)
			CsRunSql(psprintf("ALTER TABLE %s DROP COLUMN IF EXISTS %s", CsQualifiedName(definition->table),
							  columns[i].name));
		CsGiveBackViews(definition, &before, scale);
	}
	CsResume(&saved);
}
