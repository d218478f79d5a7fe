/*
 * register.c
 *		The register of personal data: what may be written there, and reading it.
 *
 * A row is about one column of a table, or about its rows, and names the column
 * with the customer. What cannot be carried out is refused when it is written, so
 * that an erasure does not fail on it much later. Tables change afterwards, and a
 * dump must be restored whatever became of them: a row that is loaded by COPY
 * gets a warning instead, and reading the register is strict.
 *
 * Statements that the register asks for are run here, so that account rules let
 * them through. What is read is in the caller's memory. SPI must be connected.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "core/compat.h"
#include "core/erased.h"
#include "core/owner.h"
#include "privacy/audit.h"
#include "privacy/person.h"
#include "privacy/register.h"
#include "segment/definition.h"
#include "segment/source.h"

PG_FUNCTION_INFO_V1(cs_check_privacy_register);

/* A row that is being written. */
typedef struct Row
{
	int level; /* of what is wrong with it */
	Relation relation;
	char *name;
	char *customer;
	CsEntry entry;
} Row;

/* A column of a table that is there and is no system column; InvalidAttrNumber otherwise. */
static AttrNumber
FindColumn(Oid relation, const char *column)
{
	AttrNumber number = get_attnum(relation, column);

	return number > 0 ? number : InvalidAttrNumber;
}

/* Check that a column is there. */
static bool
CheckColumn(const Row *row, const char *column)
{
	if (FindColumn(RelationGetRelid(row->relation), column) != InvalidAttrNumber)
		return true;
	ereport(row->level,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("column \"%s\" of table %s does not exist", column, row->name),
			 errhint("Name a column of the table; that with the customer is \"customer_id\" unless "
					 "another is given.")));
	return false;
}

/* Whether a relation is a segment table, its history or its snapshots. */
static bool
IsOfSegmentTable(Oid relation)
{
	Oid types[1] = {REGCLASSOID};
	Datum values[1] = {ObjectIdGetDatum(relation)};
	bool is;

	SPI_connect();
	is = CsOwnSql("SELECT FROM customer_scoring.segment_table_definition d WHERE $1 IN (d.segment_table, "
				  "d.history_table, d.snapshot_table) LIMIT 1",
				  1, types, values, NULL) > 0;
	SPI_finish();
	return is;
}

/*
 * Check the table: an ordinary one of users. Of the extension's own tables and of
 * segment tables erase_customer knows itself, and they may keep nobody's rows.
 */
static bool
CheckTable(const Row *row)
{
	Relation relation = row->relation;
	char *schema = get_namespace_name(RelationGetNamespace(relation));

	if (relation->rd_rel->relkind != RELKIND_RELATION &&
		relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE &&
		relation->rd_rel->relkind != RELKIND_FOREIGN_TABLE)
		ereport(row->level, (errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("%s is not a table", row->name),
							 errhint("Register the tables that its rows come from.")));
	else if (RelationUsesLocalBuffers(relation))
		ereport(row->level, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
							 errmsg("table \"%s\" is temporary", RelationGetRelationName(relation)),
							 errhint("It is gone with its session, and needs no entry.")));
	else if (IsCatalogNamespace(RelationGetNamespace(relation)) || strcmp(schema, "customer_scoring") == 0 ||
			 strcmp(schema, "customer_scoring_internal") == 0 || IsOfSegmentTable(RelationGetRelid(relation)))
		ereport(row->level,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("table %s is not one of users", row->name),
				 errhint("erase_customer knows the extension's own tables, and segment tables.")));
	else
		return true;
	return false;
}

/* Whether a table has an index, of all rows, that begins with a column and finds a value of it. */
static bool
HasIndex(Relation relation, AttrNumber column)
{
	bool found = false;
	ListCell *cell;

	foreach (cell, RelationGetIndexList(relation))
	{
		Relation index = index_open(lfirst_oid(cell), AccessShareLock);

		found = found || (index->rd_index->indisvalid && index->rd_index->indkey.values[0] == column &&
						  heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL) &&
						  (index->rd_rel->relam == BTREE_AM_OID || index->rd_rel->relam == HASH_AM_OID));
		index_close(index, AccessShareLock);
	}
	return found;
}

/* Check the column with the customer; what is merely slow is told. */
static bool
CheckCustomer(const Row *row)
{
	Oid relation = RelationGetRelid(row->relation);
	AttrNumber column = FindColumn(relation, row->customer);
	Oid type = get_atttype(relation, column);

	if (CsEqualityOperator(getBaseType(type)) == NULL)
	{
		ereport(row->level, (errcode(ERRCODE_UNDEFINED_FUNCTION),
							 errmsg("column \"%s\" of table %s cannot be compared with a customer",
									row->customer, row->name),
							 errdetail("Type %s has no default equality.", format_type_be(type)),
							 errhint("Name the column that holds the customer's key.")));
		return false;
	}
	/* a dump makes indexes after it has loaded rows */
	if (row->level == ERROR && row->relation->rd_rel->relkind != RELKIND_FOREIGN_TABLE &&
		!HasIndex(row->relation, column))
		ereport(WARNING, (errmsg("no index of table %s begins with column \"%s\"", row->name, row->customer),
						  errdetail("Each erase_customer and export_customer will read the whole table."),
						  errhint("CREATE INDEX ON %s (%s).", row->name, quote_identifier(row->customer))));
	return true;
}

/* Whether a column takes no NULL. */
static bool
IsNotNull(Oid relation, AttrNumber column)
{
	HeapTuple tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relation), Int16GetDatum(column));
	Form_pg_attribute attribute;
	bool result;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for column %d of relation %u", column, relation);
	attribute = (Form_pg_attribute) GETSTRUCT(tuple);
	result = attribute->attnotnull || DomainHasConstraints(attribute->atttypid);
	ReleaseSysCache(tuple);
	return result;
}

/* Check that a column can become what the entry says. */
static bool
CheckReplaced(const Row *row)
{
	AttrNumber number = FindColumn(RelationGetRelid(row->relation), row->entry.column);
	Form_pg_attribute column = TupleDescAttr(RelationGetDescr(row->relation), number - 1);
	Datum value;

	if (column->attgenerated != '\0')
		ereport(row->level, (errcode(ERRCODE_GENERATED_ALWAYS),
							 errmsg("column \"%s\" of table %s is generated", row->entry.column, row->name),
							 errhint("Register the columns that it is generated from.")));
	else if (row->entry.fate == CS_PSEUDONYMISE && !CsCanHoldPseudonym(column->atttypid, column->atttypmod))
		ereport(
			row->level,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("column \"%s\" of table %s cannot hold a pseudonym", row->entry.column, row->name),
			 errdetail("Type %s is none of text, varchar and char of at least %d characters, uuid, bigint.",
					   format_type_with_typemod(column->atttypid, column->atttypmod), PSEUDONYM_LENGTH),
			 errhint("Anonymise the column, if need be with a replacement that stands for all who were "
					 "erased.")));
	else if (row->entry.fate == CS_ANONYMISE && row->entry.replacement == NULL &&
			 IsNotNull(RelationGetRelid(row->relation), number))
		ereport(row->level,
				(errcode(ERRCODE_NOT_NULL_VIOLATION),
				 errmsg("column \"%s\" of table %s cannot become NULL", row->entry.column, row->name),
				 errhint("Give a replacement, or ALTER TABLE %s ALTER COLUMN %s DROP NOT NULL.", row->name,
						 quote_identifier(row->entry.column))));
	else if (row->entry.fate == CS_ANONYMISE && row->entry.replacement != NULL &&
			 !CsReadAs(column->atttypid, row->entry.replacement, &value))
		ereport(row->level, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							 errmsg("\"%s\" is no value of column \"%s\" of table %s", row->entry.replacement,
									row->entry.column, row->name),
							 errdetail("The column has type %s.", format_type_be(column->atttypid)),
							 errhint("Give a replacement that can be read as that type.")));
	else
		return true;
	return false;
}

/*
 * Check that the writer may have rows of the table deleted: he must, however he
 * writes, and whatever else is wrong with the row.
 */
static void
CheckOwner(const Row *row)
{
	if (!CsOwnsRelation(RelationGetRelid(row->relation), GetUserId()))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("must be owner of table %s to give it a retention", row->name),
						errhint("Workers delete what is too old with the rights of the table's owner: have "
								"the owner, or a member of that role, write the entry.")));
}

/* Check what retention goes by. */
static void
CheckRetention(const Row *row)
{
	Oid type;

	if (!CheckColumn(row, row->entry.time_column))
		return;
	type = getBaseType(get_atttype(RelationGetRelid(row->relation),
								   FindColumn(RelationGetRelid(row->relation), row->entry.time_column)));
	if (type != TIMESTAMPTZOID && type != TIMESTAMPOID && type != DATEOID)
		ereport(row->level,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of table %s is no time", row->entry.time_column, row->name),
				 errhint("A time is a timestamptz, timestamp or date.")));
}

/* Whether the register says already what becomes of the customer, or of the whole row. */
static bool
IsSettled(const Row *row)
{
	Oid types[2] = {OIDOID, TEXTOID};
	Datum values[2] = {ObjectIdGetDatum(RelationGetRelid(row->relation)), CStringGetTextDatum(row->customer)};
	bool settled;

	SPI_connect();
	settled =
		CsOwnSql(
			"SELECT FROM customer_scoring.privacy_register p WHERE p.relation = $1 AND p.customer = $2"
			" AND (p.on_erase = 'delete' OR p.column_name = p.customer AND p.on_erase <> 'keep') LIMIT 1",
			2, types, values, NULL) > 0;
	SPI_finish();
	return settled;
}

/*
 * A row that stays needs something in place of its customer. That may be told by
 * an entry of its own, which can yet follow.
 */
static void
WarnOfCustomer(const Row *row)
{
	AttrNumber number = FindColumn(RelationGetRelid(row->relation), row->customer);
	Form_pg_attribute column = TupleDescAttr(RelationGetDescr(row->relation), number - 1);

	if (row->entry.column != NULL && strcmp(row->entry.column, row->customer) == 0)
		return;
	if (CsCanHoldPseudonym(column->atttypid, column->atttypmod) ||
		!IsNotNull(RelationGetRelid(row->relation), number) || IsSettled(row))
		return;
	ereport(
		WARNING,
		(errmsg("nothing can stand in for the customer in rows of table %s that stay", row->name),
		 errdetail("Column \"%s\" of type %s holds neither a pseudonym nor NULL.", row->customer,
				   format_type_be(column->atttypid)),
		 errhint(
			 "Unless rows are deleted, add an entry for the column: on_erase 'anonymise' with a replacement "
			 "that stands for all who were erased.")));
}

static CsFate
FateOf(const char *on_erase)
{
	if (strcmp(on_erase, "delete") == 0)
		return CS_DELETE;
	if (strcmp(on_erase, "anonymise") == 0)
		return CS_ANONYMISE;
	return strcmp(on_erase, "pseudonymise") == 0 ? CS_PSEUDONYMISE : CS_KEEP;
}

/* A column of the register's row, as text; NULL for NULL. */
static char *
Field(HeapTuple tuple, TupleDesc desc, const char *name)
{
	return SPI_getvalue(tuple, desc, SPI_fnumber(desc, name));
}

/* The interval of the register's row; NULL for NULL. */
static Interval *
RetentionField(HeapTuple tuple, TupleDesc desc)
{
	bool isnull;
	Datum value = SPI_getbinval(tuple, desc, SPI_fnumber(desc, "retention"), &isnull);

	return isnull ? NULL : DatumGetIntervalP(value);
}

/* Read a row of the register that is about a column, or about rows. */
static void
ReadEntry(CsEntry *entry, HeapTuple tuple, TupleDesc desc)
{
	char *on_erase = Field(tuple, desc, "on_erase");
	char *on_export = Field(tuple, desc, "on_export");

	entry->column = Field(tuple, desc, "column_name");
	entry->type = InvalidOid;
	entry->fate = on_erase != NULL ? FateOf(on_erase) : CS_KEEP;
	entry->replacement = Field(tuple, desc, "replacement");
	entry->on_export = on_export != NULL && on_export[0] == 't';
	entry->retention = RetentionField(tuple, desc);
	entry->time_column = Field(tuple, desc, "time_column");
}

/* Everything that can be wrong with a row, one thing at a time. */
static void
CheckRow(const Row *row)
{
	if (row->entry.retention != NULL)
		CheckOwner(row);
	if (!CheckTable(row) || !CheckColumn(row, row->customer) || !CheckCustomer(row))
		return;
	if (row->entry.column != NULL && !CheckColumn(row, row->entry.column))
		return;
	if (row->entry.column != NULL && row->entry.fate == CS_DELETE)
	{
		ereport(row->level,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("column \"%s\" of table %s cannot be deleted", row->entry.column, row->name),
				 errdetail("Deleting is for rows; it is what on_erase says unless given."),
				 errhint("Give on_erase: anonymise, pseudonymise or keep; or leave column_name out.")));
		return;
	}
	/* constraints see to what does not fit together */
	if (row->entry.column != NULL &&
		(row->entry.fate == CS_ANONYMISE || row->entry.fate == CS_PSEUDONYMISE) && !CheckReplaced(row))
		return;
	if (row->entry.retention != NULL && row->entry.time_column != NULL)
		CheckRetention(row);
	if (row->entry.fate != CS_DELETE)
		WarnOfCustomer(row);
}

/* check_privacy_register(): trigger before a row of the register is written. */
Datum
cs_check_privacy_register(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	HeapTuple tuple;
	TupleDesc desc;
	Row row;
	Oid oid;
	bool isnull;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("check_privacy_register() is a trigger function"),
						errhint("The extension makes such triggers itself.")));
	tuple = TRIGGER_FIRED_BY_UPDATE(data->tg_event) ? data->tg_newtuple : data->tg_trigtuple;
	desc = RelationGetDescr(data->tg_relation);
	row.level = CsIsCopy(data) ? WARNING : ERROR;
	oid = DatumGetObjectId(SPI_getbinval(tuple, desc, SPI_fnumber(desc, "relation"), &isnull));
	row.customer = Field(tuple, desc, "customer");
	/* constraints see to what is NULL */
	if (isnull || row.customer == NULL)
		return PointerGetDatum(tuple);
	row.relation = try_table_open(oid, AccessShareLock);
	if (row.relation == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("table with OID %u does not exist", oid),
						errhint("Name a table of this database.")));
	row.name = CsQualifiedName(oid);
	ReadEntry(&row.entry, tuple, desc);
	CheckRow(&row);
	table_close(row.relation, AccessShareLock);
	return PointerGetDatum(tuple);
}

/* A column that the register names and that is not there any more. */
static void
MissingColumn(const CsRegistered *registered, const char *column)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_UNDEFINED_COLUMN),
		 errmsg("column \"%s\" of table %s, which is in the register, does not exist", column,
				registered->name),
		 errhint("Update or delete its row of customer_scoring.privacy_register, or give the column its name "
				 "back.")));
}

/* Find the types of a registered table's columns, which may have changed since they were registered. */
void
CsResolve(CsRegistered *registered)
{
	AttrNumber customer = FindColumn(registered->relation, registered->customer);
	ListCell *cell;

	if (customer == InvalidAttrNumber)
		MissingColumn(registered, registered->customer);
	registered->type = get_atttype(registered->relation, customer);
	if (CsEqualityOperator(getBaseType(registered->type)) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("column \"%s\" of table %s, which is in the register, cannot be compared with a "
						"customer",
						registered->customer, registered->name),
				 errhint("Correct its row of customer_scoring.privacy_register.")));
	foreach (cell, registered->entries)
	{
		CsEntry *entry = lfirst(cell);

		if (entry->column == NULL)
			continue;
		if (FindColumn(registered->relation, entry->column) == InvalidAttrNumber)
			MissingColumn(registered, entry->column);
		entry->type = get_atttype(registered->relation, get_attnum(registered->relation, entry->column));
	}
}

/*
 * All that the register says of tables that are there, tables that refer to
 * others by foreign keys before those. A list of CsRegistered, for CsResolve.
 */
List *
CsReadRegister(void)
{
	List *all = NIL;
	CsRegistered *last = NULL;
	uint64 n = CsOwnSql(
		"WITH RECURSIVE registered AS (SELECT DISTINCT p.relation FROM customer_scoring.privacy_register p"
		" JOIN pg_catalog.pg_class c ON c.oid = p.relation),"
		" referred AS (SELECT relation, 0 AS depth FROM registered"
		" UNION SELECT k.confrelid, r.depth + 1 FROM referred r JOIN pg_catalog.pg_constraint k"
		" ON k.conrelid = r.relation AND k.contype = 'f' AND k.confrelid <> k.conrelid"
		" JOIN registered o ON o.relation = k.confrelid"
		" WHERE r.depth <= (SELECT pg_catalog.count(*) FROM registered))"
		" SELECT p.relation::pg_catalog.oid AS relation, p.customer, p.column_name, p.on_erase, "
		"p.replacement,"
		" p.on_export, p.retention, p.time_column FROM customer_scoring.privacy_register p"
		" JOIN (SELECT relation, pg_catalog.max(depth) AS depth FROM referred GROUP BY relation) d"
		" ON d.relation = p.relation ORDER BY d.depth, p.relation, p.customer, p.column_name NULLS FIRST",
		0, NULL, NULL, NULL);
	uint64 i;

	for (i = 0; i < n; i++)
	{
		HeapTuple tuple = SPI_tuptable->vals[i];
		TupleDesc desc = SPI_tuptable->tupdesc;
		CsEntry *entry = palloc(sizeof(CsEntry));
		bool isnull;
		Oid relation = DatumGetObjectId(SPI_getbinval(tuple, desc, 1, &isnull));
		char *customer = Field(tuple, desc, "customer");

		ReadEntry(entry, tuple, desc);
		if (last == NULL || last->relation != relation || strcmp(last->customer, customer) != 0)
		{
			if (get_rel_name(relation) == NULL)
				continue;
			last = palloc(sizeof(CsRegistered));
			last->relation = relation;
			last->name = CsQualifiedName(relation);
			last->customer = customer;
			last->entries = NIL;
			all = lappend(all, last);
		}
		last->entries = lappend(last->entries, entry);
	}
	return all;
}

/* What an anonymised column becomes. */
Datum
CsReplacement(const CsRegistered *registered, const CsEntry *entry, bool *isnull)
{
	Datum value = (Datum) 0;

	*isnull = entry->replacement == NULL;
	if (!*isnull && !CsReadAs(entry->type, entry->replacement, &value))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\", in the register, is no value of column \"%s\" of table %s any more",
							   entry->replacement, entry->column, registered->name),
						errhint("Correct the replacement in customer_scoring.privacy_register.")));
	return value;
}

/*
 * What takes the customer's place in rows that stay: as the register says, else
 * a pseudonym where the column has room for one, else NULL.
 */
const CsEntry *
CsEntryOfCustomer(const CsRegistered *registered)
{
	AttrNumber number = get_attnum(registered->relation, registered->customer);
	CsEntry *entry;
	Oid type;
	int32 typmod;
	Oid collation;
	ListCell *cell;

	foreach (cell, registered->entries)
	{
		entry = lfirst(cell);
		if (entry->column != NULL && strcmp(entry->column, registered->customer) == 0 &&
			entry->fate != CS_KEEP)
			return entry;
	}
	entry = palloc0(sizeof(CsEntry));
	entry->column = registered->customer;
	get_atttypetypmodcoll(registered->relation, number, &type, &typmod, &collation);
	entry->type = type;
	entry->fate = CsCanHoldPseudonym(type, typmod) ? CS_PSEUDONYMISE : CS_ANONYMISE;
	if (entry->fate == CS_ANONYMISE && IsNotNull(registered->relation, number))
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("nothing can stand in for the customer in rows of table %s", registered->name),
			 errdetail("Column \"%s\" of type %s holds neither a pseudonym nor NULL.", registered->customer,
					   format_type_be(type)),
			 errhint("Add a row for the column to customer_scoring.privacy_register: on_erase 'anonymise' "
					 "with a replacement that stands for all who were erased.")));
	return entry;
}

/* Rows that a role does not see would stay, and nobody would know. */
void
CsRefuseHidden(Oid relation, Oid role)
{
	if (check_enable_rls(relation, role, true) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("row-level security may hide rows of table %s from role \"%s\"",
						CsQualifiedName(relation), GetUserNameFromId(role, false)),
				 errhint("Act as the table's owner, who is not subject to it unless the table says FORCE, or "
						 "as a role with BYPASSRLS.")));
}

/*
 * Run a statement that the register asks for on a registered table, as the current
 * role; the rows it has changed.
 */
uint64
CsChangeRegistered(const CsRegistered *registered, const char *sql, int nparams, Oid *types, Datum *values,
				   const char *nulls)
{
	Oid before = CsSetErasedTable(registered->relation);
	int result = 0;

	PG_TRY();
	{
		result = SPI_execute_with_args(sql, nparams, types, values, nulls, false, 0);
	}
	PG_FINALLY();
	{
		(void) CsSetErasedTable(before);
	}
	PG_END_TRY();
	if (result < 0)
		elog(ERROR, "statement on registered table %s failed: %s", registered->name,
			 SPI_result_code_string(result));
	return SPI_processed;
}
