/*
 * history_table.c
 *		The relations of a segment table's history: <name>_history with a row a
 *		move, <name>_snapshot with a row a day and segment, and the view
 *		<name>_migration.
 *
 * They are ordinary relations of the owner of the segment table, found by oid
 * however they are renamed. What the owner drops is not written any more, and
 * made anew only when history is switched on again. SPI must be connected.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"

#include "core/compat.h"
#include "core/money.h"
#include "core/owner.h"
#include "segment/history.h"
#include "segment/view.h"

/* A column; InvalidOid stands for the type of the customer. */
typedef struct HistoryColumn
{
	const char *name;
	Oid type;
	const char *more; /* of its definition */
	const char *comment;
} HistoryColumn;

/* One of the two tables. */
typedef struct HistoryTable
{
	const char *suffix;
	const char *what; /* is lost without it */
	const char *comment;
	const char *constraint;
	const HistoryColumn *columns;
	int ncolumns;
} HistoryTable;

static const HistoryColumn move_columns[] = {
	{"move_id", INT8OID, " GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
	 "Number of the move, in the order in which moves were written"},
	{"customer_id", InvalidOid, " NOT NULL", "The customer, as in the segment table"},
	{"from_segment", TEXTOID, "", "Segment left; NULL when the customer came into the segment table"},
	{"to_segment", TEXTOID, "", "Segment entered; NULL when the customer went out of the segment table"},
	{"from_rank", INT2OID, "", "Rank of the segment left"},
	{"to_rank", INT2OID, "", "Rank of the segment entered"},
	{"moved_at", TIMESTAMPTZOID, " NOT NULL", "Moment of the move: as_of of the refresh that saw it"},
	{"cause", TEXTOID, " NOT NULL",
	 "behaviour: own orders; time: passing alone; breaks: those of other customers; map: another map"},
	{"run_id", INT8OID, " NOT NULL", "Run that wrote the move, see segment_table_run"},
};

static const HistoryColumn snapshot_columns[] = {
	{"day", DATEOID, " NOT NULL", "Day in the time zone of the segment table"},
	{"segment", TEXTOID, " NOT NULL", "Segment; prospect without an order"},
	{"segment_rank", INT2OID, " NOT NULL", "Rank of the segment for sorting, higher is better"},
	{"customers", INT8OID, " NOT NULL", "Number of customers"},
	{"orders", INT8OID, " NOT NULL", "Orders of these customers"},
	{"revenue", NUMERICOID, " NOT NULL", "Exact revenue of these customers"},
	{"as_of", TIMESTAMPTZOID, " NOT NULL", "Moment the figures are about: the first refresh of the day"},
	{"run_id", INT8OID, " NOT NULL", "Run that wrote the row, see segment_table_run"},
};

static const HistoryTable move_table = {
	"history", "moves are",	 "History of a segment table of customer_scoring: one row a move",
	"",		   move_columns, lengthof(move_columns)};

static const HistoryTable snapshot_table = {
	"snapshot",
	"daily snapshots are",
	"Daily snapshots of a segment table of customer_scoring: one row a day and segment",
	", PRIMARY KEY (day, segment)",
	snapshot_columns,
	lengthof(snapshot_columns)};

/* Name of one of the relations to make, which must fit and be free. */
static char *
NewName(const SegmentDefinition *definition, const char *suffix)
{
	char *name = psprintf("%s_%s", get_rel_name(definition->table), suffix);

	if (strlen(name) >= NAMEDATALEN)
		ereport(ERROR, (errcode(ERRCODE_NAME_TOO_LONG), errmsg("name \"%s\" is too long", name),
						errhint("Give the segment table a name of at most %d bytes.", SEGMENT_NAME_MAX)));
	CsCheckNameIsFree(get_namespace_name(get_rel_namespace(definition->table)), name);
	return name;
}

/* The type of a column as SQL. Sums of money have as many digits as in the overview. */
static char *
ColumnType(const HistoryColumn *column, Oid table)
{
	Oid type = column->type;
	int32 typmod = -1;
	Oid collation = InvalidOid;

	if (type == NUMERICOID)
		return psprintf("pg_catalog.numeric(28, %d)", CsStoredScale(table));
	if (!OidIsValid(type))
		get_atttypetypmodcoll(table, get_attnum(table, "customer_id"), &type, &typmod, &collation);
	return CsTypeSql(type, typmod, collation);
}

static Oid
CreateTable(const SegmentDefinition *definition, const HistoryTable *table)
{
	char *schema = get_namespace_name(get_rel_namespace(definition->table));
	char *name = NewName(definition, table->suffix);
	const char *relation = quote_qualified_identifier(schema, name);
	StringInfoData sql;
	int i;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE TABLE %s (", relation);
	for (i = 0; i < table->ncolumns; i++)
		appendStringInfo(&sql, "%s%s %s%s", i > 0 ? ", " : "", table->columns[i].name,
						 ColumnType(&table->columns[i], definition->table), table->columns[i].more);
	appendStringInfo(&sql, "%s)", table->constraint);
	CsRunSql(sql.data);
	CsRunSql(psprintf("COMMENT ON TABLE %s IS %s", relation, quote_literal_cstr(table->comment)));
	for (i = 0; i < table->ncolumns; i++)
		CsCommentColumn(relation, table->columns[i].name, table->columns[i].comment);
	return CsRelationOid(schema, name);
}

/*
 * Create or replace the view of moves by local day. Who reads it for a period
 * adds up its days.
 */
static void
CreateMigrationView(const SegmentDefinition *definition, const char *relation)
{
	static const char *const comments[][2] = {
		{"period", "Day of the moves, in the time zone of the segment table"},
		{"from_segment", "Segment left; NULL for customers who came in"},
		{"to_segment", "Segment entered; NULL for customers who went out"},
		{"from_rank", "Rank of the segment left"},
		{"to_rank", "Rank of the segment entered"},
		{"cause", "behaviour, time, breaks or map, see the history"},
		{"customers", "Number of moves"},
	};
	int i;

	CsRunSql(psprintf(
		"CREATE OR REPLACE VIEW %s WITH (security_invoker = true) AS"
		" SELECT (h.moved_at AT TIME ZONE %s)::pg_catalog.date AS period, h.from_segment, h.to_segment,"
		" h.from_rank, h.to_rank, h.cause, pg_catalog.count(*) AS customers FROM %s h"
		" GROUP BY 1, 2, 3, 4, 5, 6",
		relation, quote_literal_cstr(definition->time_zone), CsQualifiedName(definition->history_table)));
	CsRunSql(psprintf("COMMENT ON VIEW %s IS 'Moves between segments: one row a day, pair of segments and "
					  "cause'",
					  relation));
	for (i = 0; i < lengthof(comments); i++)
		CsCommentColumn(relation, comments[i][0], comments[i][1]);
}

/* Whether a relation that was made once is still there. */
static bool
Exists(Oid relation)
{
	return OidIsValid(relation) && get_rel_name(relation) != NULL;
}

/*
 * Check that a table can be written: an error that names the cure when its
 * owner has given it away, hidden its rows from himself, or changed a column.
 */
static void
CheckTable(const SegmentDefinition *definition, Oid relation, const HistoryTable *table)
{
	char *name = get_rel_name(relation);
	Oid customer = get_atttype(definition->table, get_attnum(definition->table, "customer_id"));
	int i;

	if (!CsOwnsRelation(relation, definition->owner))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("table \"%s\" does not belong to the owner of segment table \"%s\"", name,
							   get_rel_name(definition->table)),
						errhint("ALTER TABLE %s OWNER TO %s.", CsQualifiedName(relation),
								quote_identifier(GetUserNameFromId(definition->owner, false)))));
	if (check_enable_rls(relation, definition->owner, true) == RLS_ENABLED)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("row-level security hides rows of table \"%s\" from its owner", name),
						errhint("ALTER TABLE %s NO FORCE ROW LEVEL SECURITY.", CsQualifiedName(relation))));
	for (i = 0; i < table->ncolumns; i++)
	{
		const HistoryColumn *column = &table->columns[i];
		AttrNumber attnum = get_attnum(relation, column->name);
		Oid expected = OidIsValid(column->type) ? column->type : customer;
		Oid type = InvalidOid;
		int32 typmod = -1;
		Oid collation;

		if (attnum != InvalidAttrNumber)
			get_atttypetypmodcoll(relation, attnum, &type, &typmod, &collation);
		if (type == expected && (type != NUMERICOID || typmod < (int32) VARHDRSZ ||
								 CsNumericTypmodScale(typmod) >= CsStoredScale(definition->table)))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("table \"%s\" has no column \"%s\" of the type it was made with", name, column->name),
				 errhint("Give the column its name and type back, or drop the table: "
						 "customer_scoring.alter_segment_table(%s, history => true) makes it anew.",
						 quote_literal_cstr(CsQualifiedName(definition->table)))));
	}
}

/*
 * Make what is missing of the history, and check what is there, as the current
 * role: the caller of create_segment_table or the owner. Oids go into the
 * definition.
 */
void
CsEnsureHistory(SegmentDefinition *definition)
{
	if (Exists(definition->history_table))
		CheckTable(definition, definition->history_table, &move_table);
	else
	{
		definition->history_table = CreateTable(definition, &move_table);
		CsRunSql(psprintf("CREATE INDEX ON %s (customer_id, moved_at)",
						  CsQualifiedName(definition->history_table)));
		CsRunSql(psprintf("CREATE INDEX ON %s (moved_at)", CsQualifiedName(definition->history_table)));
	}
	if (Exists(definition->snapshot_table))
		CheckTable(definition, definition->snapshot_table, &snapshot_table);
	else
		definition->snapshot_table = CreateTable(definition, &snapshot_table);
	if (!Exists(definition->migration_view))
	{
		char *schema = get_namespace_name(get_rel_namespace(definition->table));
		char *name = NewName(definition, "migration");

		CreateMigrationView(definition, quote_qualified_identifier(schema, name));
		definition->migration_view = CsRelationOid(schema, name);
	}
}

/*
 * Hold one of the tables for writing until the transaction ends. When its owner
 * has dropped it, that is taken for the wish it is: the definition forgets it,
 * and one warning tells what is not kept any more.
 */
static void
CheckForRefresh(const SegmentDefinition *definition, Oid relation, const HistoryTable *table)
{
	Oid types[2] = {REGCLASSOID, REGCLASSOID};
	Datum values[2] = {ObjectIdGetDatum(definition->table), ObjectIdGetDatum(relation)};

	if (!OidIsValid(relation))
		return;
	LockRelationOid(relation, RowExclusiveLock);
	if (get_rel_name(relation) != NULL)
	{
		CheckTable(definition, relation, table);
		return;
	}
	UnlockRelationOid(relation, RowExclusiveLock);
	CsOwnSql("UPDATE customer_scoring.segment_table_definition d SET history_table = x.moves,"
			 " snapshot_table = x.snapshots, history = coalesce(x.moves, x.snapshots) IS NOT NULL"
			 " FROM (SELECT CASE WHEN o.history_table <> $2 THEN o.history_table END AS moves,"
			 " CASE WHEN o.snapshot_table <> $2 THEN o.snapshot_table END AS snapshots"
			 " FROM customer_scoring.segment_table_definition o WHERE o.segment_table = $1) x"
			 " WHERE d.segment_table = $1",
			 2, types, values, NULL);
	ereport(WARNING, (errmsg("the %s of segment table \"%s\" was dropped: %s not kept any more",
							 table->suffix, get_rel_name(definition->table), table->what),
					  errhint("customer_scoring.alter_segment_table(%s, history => true) makes it anew.",
							  quote_literal_cstr(CsQualifiedName(definition->table)))));
}

/* Before a refresh, which has locked the segment table: see that its history can be written. */
void
CsCheckHistory(const SegmentDefinition *definition)
{
	if (!definition->history)
		return;
	CheckForRefresh(definition, definition->history_table, &move_table);
	CheckForRefresh(definition, definition->snapshot_table, &snapshot_table);
}

/* The time zone was altered: days of moves follow. A view that was dropped stays away. */
void
CsReplaceMigrationView(const SegmentDefinition *definition)
{
	if (Exists(definition->migration_view) && Exists(definition->history_table))
		CreateMigrationView(definition, CsQualifiedName(definition->migration_view));
}

/* Money has other decimals now: snapshots get more of them, and never fewer, as old days keep theirs. */
void
CsWidenSnapshot(const SegmentDefinition *definition, int scale)
{
	Oid type;
	int32 typmod;
	Oid collation;
	AttrNumber attnum;

	if (!Exists(definition->snapshot_table))
		return;
	attnum = get_attnum(definition->snapshot_table, "revenue");
	if (attnum == InvalidAttrNumber)
		return;
	get_atttypetypmodcoll(definition->snapshot_table, attnum, &type, &typmod, &collation);
	if (type == NUMERICOID && typmod >= (int32) VARHDRSZ && CsNumericTypmodScale(typmod) < scale)
		CsRunSql(psprintf("ALTER TABLE %s ALTER COLUMN revenue TYPE pg_catalog.numeric(28, %d)",
						  CsQualifiedName(definition->snapshot_table), scale));
}
