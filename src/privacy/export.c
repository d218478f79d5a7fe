/*
 * export.c
 *		export_customer: all that is known of a customer, as one document.
 *
 * A member for each table that has something: an array of rows, in an order of
 * their own. Everything is read with the rights of the caller, so row-level
 * security holds, and a table he may not read is an error rather than a gap; of
 * segment tables, which nobody chose, all must be his to read, and are read as
 * their owners. That it was read is a row of privacy_audit, in the caller's
 * transaction.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"

#include "core/compat.h"
#include "core/owner.h"
#include "privacy/audit.h"
#include "privacy/own.h"
#include "privacy/person.h"
#include "privacy/register.h"
#include "segment/option.h"
#include "segment/source.h"

PG_FUNCTION_INFO_V1(cs_export_customer);

/* A document that is being written. */
typedef struct Export
{
	const text *customer;
	StringInfoData document; /* JSON object, open */
} Export;

/* What is read of one table: queries that give rows as jsonb, one for each column with customers. */
typedef struct Part
{
	const char *name;
	StringInfoData sql;
	int nparams;
	Oid *types;
	Datum *values;
} Part;

/* Begin a part of at most so many queries. */
static void
BeginPart(Part *part, const char *name, int queries)
{
	part->name = name;
	part->nparams = 0;
	part->types = palloc(queries * sizeof(Oid));
	part->values = palloc(queries * sizeof(Datum));
	initStringInfo(&part->sql);
}

/* Add a query to a part, of columns of table t, under a condition on the parameter that comes next. */
static void
AddQuery(Part *part, const char *columns, const char *from, const char *condition, Oid type, Datum value)
{
	appendStringInfo(&part->sql,
					 "%sSELECT pg_catalog.to_jsonb(x.*) AS r FROM (SELECT %s FROM %s t WHERE %s) x",
					 part->nparams > 0 ? " UNION ALL " : "", columns, from, condition);
	part->types[part->nparams] = getBaseType(type);
	part->values[part->nparams++] = value;
}

/* Read a part, and append it to the document if there is anything. */
static void
EndPart(Export *export, const Part *part)
{
	char *rows;

	if (part->nparams == 0)
		return;
	if (SPI_execute_with_args(
			psprintf("SELECT pg_catalog.jsonb_agg(u.r ORDER BY u.r USING OPERATOR(pg_catalog.<))"
					 " FROM (%s) u",
					 part->sql.data),
			part->nparams, part->types, part->values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read table %s", part->name);
	rows = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	if (rows == NULL)
		return;
	appendStringInfoString(&export->document, export->document.len > 1 ? ", " : "");
	escape_json(&export->document, part->name);
	appendStringInfo(&export->document, ": %s", rows);
}

/* SQL: the columns of a registered table that are told; NULL when none is. */
static char *
ToldColumns(const CsRegistered *registered)
{
	StringInfoData columns;
	bool any = false;
	ListCell *cell;

	initStringInfo(&columns);
	appendStringInfo(&columns, "t.%s", quote_identifier(registered->customer));
	foreach (cell, registered->entries)
	{
		const CsEntry *entry = lfirst(cell);

		if (!entry->on_export)
			continue;
		if (entry->column == NULL)
			return "t.*";
		any = true;
		if (strcmp(entry->column, registered->customer) != 0)
			appendStringInfo(&columns, ", t.%s", quote_identifier(entry->column));
	}
	return any ? columns.data : NULL;
}

/* Registered tables; rows by different customer columns of one table stand together. */
static void
ExportRegistered(Export *export)
{
	List *all = CsReadRegister();
	ListCell *cell;
	Part part;

	BeginPart(&part, NULL, 0);
	foreach (cell, all)
	{
		CsRegistered *registered = lfirst(cell);
		char *columns = ToldColumns(registered);
		Datum customer;

		CsResolve(registered);
		if (part.name == NULL || strcmp(part.name, registered->name) != 0)
		{
			EndPart(export, &part);
			BeginPart(&part, registered->name, list_length(all));
		}
		if (columns != NULL && CsPersonAs(registered->type, export->customer, &customer))
			AddQuery(&part, columns, registered->name,
					 CsPersonCondition(registered->customer, registered->type, part.nparams + 1),
					 registered->type, customer);
	}
	EndPart(export, &part);
}

/* Rows of one of the extension's own tables; nothing for none. */
static void
ExportOwnTable(Export *export, const char *relation, const char *condition)
{
	Part part;

	if (relation == NULL)
		return;
	BeginPart(&part, relation, 1);
	AddQuery(&part, "t.*", relation, condition, TEXTOID, PointerGetDatum(export->customer));
	EndPart(export, &part);
}

/* The extension's own tables; a row may name the customer in several columns. */
static void
ExportOwn(Export *export)
{
	const char *relation = NULL;
	char *condition = NULL;
	ListCell *cell;

	foreach (cell, CsReadOwnTables())
	{
		const CsOwnTable *table = lfirst(cell);

		if (!table->on_export)
			continue;
		if (relation != NULL && strcmp(relation, table->relation) == 0)
		{
			condition = psprintf("%s OR %s", condition, CsOwnCondition(table));
			continue;
		}
		ExportOwnTable(export, relation, condition);
		relation = table->relation;
		condition = CsOwnCondition(table);
	}
	ExportOwnTable(export, relation, condition);
}

/* Refuse a segment table that the caller may not read, or not all rows of. */
static void
RequireReadable(Oid relation)
{
	Oid types[1] = {OIDOID};
	Datum values[1] = {ObjectIdGetDatum(relation)};

	if (SPI_execute_with_args(
			"SELECT FROM pg_catalog.pg_class c WHERE c.oid = $1"
			" AND pg_catalog.has_schema_privilege(c.relnamespace, 'USAGE')"
			" AND (pg_catalog.has_table_privilege(c.oid, 'SELECT') OR NOT EXISTS (SELECT FROM"
			" pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
			" AND NOT pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT')))",
			1, types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read privileges of table with OID %u", relation);
	if (SPI_processed == 0)
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied for table %s", CsQualifiedName(relation)),
						errhint("Grant SELECT on the table, and USAGE on its schema.")));
	CsRefuseHidden(relation, GetUserId());
}

/*
 * The rows of a segment table or a history. Anybody may have made it, so code that
 * hangs by it, such as a cast of its key, runs as its owner.
 */
static void
ExportSegments(Export *export, Oid relation, Oid owner)
{
	CsIdentity saved;
	Datum customer;
	Oid type;
	Part part;

	RequireReadable(relation);
	CsBecome(&saved, owner);
	CsRefuseHidden(relation, owner);
	type = get_atttype(relation, get_attnum(relation, "customer_id"));
	if (CsPersonAs(type, export->customer, &customer))
	{
		BeginPart(&part, CsQualifiedName(relation), 1);
		AddQuery(&part, "t.*", psprintf("ONLY %s", part.name), CsPersonCondition("customer_id", type, 1),
				 type, customer);
		EndPart(export, &part);
	}
	CsResume(&saved);
}

/* Segment tables and their histories. */
static void
ExportAllSegments(Export *export)
{
	List *relations = NIL;
	List *owners = NIL;
	ListCell *relation;
	ListCell *owner;
	uint64 n = CsOwnSql("SELECT c.oid, c.relowner FROM customer_scoring.segment_table_definition d"
						" JOIN pg_catalog.pg_class c ON c.oid IN (d.segment_table, d.history_table)"
						" ORDER BY c.oid",
						0, NULL, NULL, NULL);
	uint64 i;

	for (i = 0; i < n; i++)
	{
		HeapTuple tuple = SPI_tuptable->vals[i];
		bool isnull;

		relations = lappend_oid(relations,
								DatumGetObjectId(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 1, &isnull)));
		owners = lappend_oid(owners,
							 DatumGetObjectId(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 2, &isnull)));
	}
	forboth(relation, relations, owner, owners) if (get_rel_name(lfirst_oid(relation)) != NULL)
		ExportSegments(export, lfirst_oid(relation), lfirst_oid(owner));
}

/* export_customer(customer) → jsonb: {} for a customer of whom nothing is known. */
Datum
cs_export_customer(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext old;
	Export export;
	Datum result;
	int settings;

	CsRequireArgument(fcinfo, 0, "customer");
	PreventCommandIfReadOnly("export_customer");
	PreventCommandDuringRecovery("export_customer");
	export.customer = PG_GETARG_TEXT_PP(0);
	SPI_connect();
	initStringInfo(&export.document);
	appendStringInfoChar(&export.document, '{');
	settings = NewGUCNestLevel();
	CsPinSetting("enable_seqscan", "off");
	ExportRegistered(&export);
	ExportOwn(&export);
	ExportAllSegments(&export);
	AtEOXact_GUC(false, settings);
	appendStringInfoChar(&export.document, '}');
	CsAudit("export", NULL, export.customer, NULL);
	old = MemoryContextSwitchTo(caller);
	result = DirectFunctionCall1(jsonb_in, CStringGetDatum(export.document.data));
	MemoryContextSwitchTo(old);
	SPI_finish();
	PG_RETURN_DATUM(result);
}
