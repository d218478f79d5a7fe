/*
 * add_source.c
 *		add_segment_source and drop_segment_source: what a segment table knows
 *		besides orders.
 *
 * The columns that a source gives are appended to the segment table and to its
 * view <name>_current, and go with it. Rows follow at the next refresh, which
 * recomputes everybody.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"

#include "core/compat.h"
#include "core/owner.h"
#include "segment/coverage.h"
#include "segment/job.h"
#include "segment/kind.h"
#include "segment/option.h"
#include "segment/refresh.h"
#include "segment/run.h"
#include "segment/view.h"

PG_FUNCTION_INFO_V1(cs_add_segment_source);
PG_FUNCTION_INFO_V1(cs_drop_segment_source);

/* The source of a kind that a segment table has; NULL if it has none. */
static OtherDefinition *
FindOther(const SegmentDefinition *definition, const SegmentKind *kind)
{
	ListCell *cell;

	foreach (cell, definition->others)
		if (((OtherDefinition *) lfirst(cell))->kind == kind)
			return lfirst(cell);
	return NULL;
}

/* Everybody has to be recomputed, by the schedule as soon as it can. */
static void
SourcesChanged(const SegmentDefinition *definition, const char *reason)
{
	CsRequireFull(definition->table, reason, false);
	CsSetDue(definition, definition->refresh_every == NULL ? DT_NOBEGIN : GetCurrentTimestamp());
	if (definition->refresh_every != NULL && cs_due_hook != NULL)
		cs_due_hook(definition->table, definition->owner, false);
}

/* Append the columns of a source; its view may have been dropped by the user. */
static void
AppendColumns(const SegmentDefinition *definition, const SegmentKind *kind)
{
	CsIdentity saved;
	int i;

	if (kind->ncolumns == 0)
		return;
	CsActAsOwner(&saved, definition);
	for (i = 0; i < kind->ncolumns; i++)
		CsAddColumn(definition, &kind->columns[i], 0);
	if (get_rel_name(definition->current_view) != NULL)
		(void) CsCreateCurrentView(definition,
								   get_namespace_name(get_rel_namespace(definition->current_view)),
								   get_rel_name(definition->current_view));
	CsResume(&saved);
}

/* Take the columns of a source away; what users built on top makes it fail. */
static void
DropColumns(SegmentDefinition *definition, const SegmentKind *kind)
{
	ViewBefore before;
	CsIdentity saved;
	bool taken;
	int i;

	if (kind->ncolumns == 0)
		return;
	CsActAsOwner(&saved, definition);
	taken = CsTakeView(definition->current_view, &before);
	for (i = 0; i < kind->ncolumns; i++)
		CsRunSql(psprintf("ALTER TABLE %s DROP COLUMN IF EXISTS %s", CsQualifiedName(definition->table),
						  kind->columns[i].name));
	if (taken)
	{
		definition->current_view = CsCreateCurrentView(definition, before.schema, before.name);
		CsGiveBack(definition->current_view, &before);
	}
	CsResume(&saved);
}

/* Write a source down, behind those that are there. */
static void
WriteOther(Oid table, const OtherDefinition *other)
{
	Oid types[6] = {REGCLASSOID, TEXTOID, NAMEOID, NAMEOID, NAMEOID, JSONBOID};
	Datum values[6] = {ObjectIdGetDatum(table),
					   CStringGetTextDatum(other->kind->name),
					   DirectFunctionCall1(namein, CStringGetDatum(other->source_schema)),
					   DirectFunctionCall1(namein, CStringGetDatum(other->source_name)),
					   DirectFunctionCall1(namein, CStringGetDatum(other->customer)),
					   JsonbPGetDatum(other->columns)};

	CsOwnSql("INSERT INTO customer_scoring.segment_source_definition"
			 " (segment_table, kind, source_schema, source_name, customer, columns, position)"
			 " SELECT $1, $2, $3, $4, $5, $6, coalesce(pg_catalog.max(s.position), 0) + 1"
			 " FROM customer_scoring.segment_source_definition s WHERE s.segment_table = $1",
			 6, types, values, NULL);
}

/* add_segment_source(segment_table, kind, source, customer, columns) */
Datum
cs_add_segment_source(PG_FUNCTION_ARGS)
{
	const char *uncaptured;
	SegmentDefinition *definition;
	OtherDefinition *other = palloc0(sizeof(OtherDefinition));

	CsRequireArgument(fcinfo, 0, "segment_table");
	CsRequireArgument(fcinfo, 1, "kind");
	CsRequireArgument(fcinfo, 2, "source");
	CsRequireArgument(fcinfo, 3, "customer");
	CsRequireArgument(fcinfo, 4, "columns");
	CsCheckCanRefresh("add_segment_source");
	other->kind = CsFindKind(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	other->customer = NameStr(*PG_GETARG_NAME(3));
	other->columns = PG_GETARG_JSONB_P(4);
	CsBindByName(PG_GETARG_OID(2), &other->source_schema, &other->source_name);

	SPI_connect();
	definition = CsLockWithViews(PG_GETARG_OID(0));
	if (FindOther(definition, other->kind) != NULL)
		ereport(ERROR, (errcode(ERRCODE_DUPLICATE_OBJECT),
						errmsg("segment table \"%s\" has a source of kind \"%s\" already",
							   get_rel_name(definition->table), other->kind->name),
						errhint("Drop that one with customer_scoring.drop_segment_source first, or make one "
								"view of both.")));
	definition->others = lappend(definition->others, other);
	(void) CsIsCaptured(definition, CsOpenRefresh(definition), &uncaptured);
	CsTellUncaptured(definition->table, uncaptured);
	AppendColumns(definition, other->kind);
	WriteOther(definition->table, other);
	SourcesChanged(definition, "a source was added");
	SPI_finish();
	PG_RETURN_VOID();
}

/* drop_segment_source(segment_table, kind): works also when the source is gone. */
Datum
cs_drop_segment_source(PG_FUNCTION_ARGS)
{
	Oid types[2] = {REGCLASSOID, TEXTOID};
	Datum values[2];
	SegmentDefinition *definition;
	const SegmentKind *kind;
	OtherDefinition *other;

	CsRequireArgument(fcinfo, 0, "segment_table");
	CsRequireArgument(fcinfo, 1, "kind");
	CsCheckCanRefresh("drop_segment_source");
	kind = CsFindKind(text_to_cstring(PG_GETARG_TEXT_PP(1)));

	SPI_connect();
	definition = CsLockWithViews(PG_GETARG_OID(0));
	other = FindOther(definition, kind);
	if (other == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("segment table \"%s\" has no source of kind \"%s\"",
							   get_rel_name(definition->table), kind->name),
						errhint("See customer_scoring.segment_source_definition.")));
	definition->others = list_delete_ptr(definition->others, other);
	DropColumns(definition, kind);
	CsStopFollowing(definition->table, other->source_schema, other->source_name);
	values[0] = ObjectIdGetDatum(definition->table);
	values[1] = CStringGetTextDatum(kind->name);
	CsOwnSql("DELETE FROM customer_scoring.segment_source_definition WHERE segment_table = $1 AND kind = $2",
			 2, types, values, NULL);
	CsWriteDefinition(definition, false);
	SourcesChanged(definition, "a source was dropped");
	SPI_finish();
	PG_RETURN_VOID();
}
