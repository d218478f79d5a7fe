/*
 * audit.c
 *		Who did what: the rows of privacy_audit.
 *
 * Nothing in them tells who a customer is: he is a hash, salted like tombstones,
 * which stays when he is erased. Values of others are left out, too; of those that
 * may hold any, a row tells only that they have changed.
 *
 * Changes of the extension's tables are audited by triggers that fire always,
 * and rows are written with the heap API: it asks for no rights, fires nothing,
 * and costs a writer little. So privacy_audit has no index.
 *
 * COPY into an empty table is how a dump is restored, with what was audited of
 * its rows beside it, and is not audited again. COPY into a table that has rows
 * is one row.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"
#include "tcop/pquery.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "core/compat.h"
#include "core/owner.h"
#include "privacy/audit.h"
#include "segment/tombstone.h"

PG_FUNCTION_INFO_V1(cs_audit_change);

/* Columns of privacy_audit. */
enum
{
	AUDIT_AT,
	AUDIT_SESSION_ROLE,
	AUDIT_ACTING_ROLE,
	AUDIT_ACTION,
	AUDIT_RELATION,
	AUDIT_CUSTOMER_HASH,
	AUDIT_DETAILS,
	AUDIT_COLUMNS
};

static bool paused = false;
static bytea *known_salt = NULL; /* of this subtransaction */
static SubTransactionId known_in;

static void
ForgetSalt(void *argument)
{
	known_salt = NULL;
}

/*
 * The salt of tombstones, read once a subtransaction: one that this transaction
 * has made goes with the subtransaction that made it.
 */
static bytea *
Salt(void)
{
	MemoryContextCallback *forget;
	MemoryContext old;
	bytea *salt;

	if (known_salt != NULL && known_in == GetCurrentSubTransactionId())
		return known_salt;
	SPI_connect();
	salt = CsEnsureTombstoneSalt();
	old = MemoryContextSwitchTo(TopTransactionContext);
	if (known_salt == NULL)
	{
		forget = palloc0(sizeof(MemoryContextCallback));
		forget->func = ForgetSalt;
		MemoryContextRegisterResetCallback(TopTransactionContext, forget);
	}
	known_salt = DatumGetByteaPCopy(PointerGetDatum(salt));
	known_in = GetCurrentSubTransactionId();
	MemoryContextSwitchTo(old);
	SPI_finish();
	return known_salt;
}

/* The name of a role, or its number when it was dropped. */
static Datum
RoleName(Oid role)
{
	char *name = GetUserNameFromId(role, true);

	return CStringGetTextDatum(name != NULL ? name : psprintf("%u", role));
}

/* Add a row. What it is about may be NULL: relation, customer, details (JSON). */
void
CsAudit(const char *action, const char *relation, const text *customer, const char *details)
{
	Datum values[AUDIT_COLUMNS] = {0};
	bool nulls[AUDIT_COLUMNS] = {false};
	Relation audit;
	HeapTuple tuple;

	values[AUDIT_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[AUDIT_SESSION_ROLE] = RoleName(GetSessionUserId());
	values[AUDIT_ACTING_ROLE] = RoleName(GetUserId());
	values[AUDIT_ACTION] = CStringGetTextDatum(action);
	nulls[AUDIT_RELATION] = relation == NULL;
	if (relation != NULL)
		values[AUDIT_RELATION] = CStringGetTextDatum(relation);
	nulls[AUDIT_CUSTOMER_HASH] = customer == NULL;
	if (customer != NULL)
		values[AUDIT_CUSTOMER_HASH] = PointerGetDatum(CsTombstoneHash(Salt(), customer));
	nulls[AUDIT_DETAILS] = details == NULL;
	if (details != NULL)
		values[AUDIT_DETAILS] = DirectFunctionCall1(jsonb_in, CStringGetDatum(details));
	audit = table_open(get_relname_relid("privacy_audit", get_namespace_oid("customer_scoring", false)),
					   RowExclusiveLock);
	tuple = heap_form_tuple(RelationGetDescr(audit), values, nulls);
	simple_heap_insert(audit, tuple);
	heap_freetuple(tuple);
	table_close(audit, NoLock);
}

/* While a customer is erased from the extension's tables one row tells it all. */
void
CsPauseAudit(bool pause)
{
	paused = pause;
}

/*
 * In a trigger: whether it fires for COPY into its table. COPY can run any
 * statement: as a query to be written, or from functions that its WHERE or a
 * default calls. Those are none of it.
 */
bool
CsIsCopy(const TriggerData *data)
{
	const CopyStmt *copy;

	if (!TRIGGER_FIRED_BY_INSERT(data->tg_event) || ActivePortal == NULL ||
		ActivePortal->commandTag != CMDTAG_COPY ||
		DatumGetInt32(DirectFunctionCall1(pg_trigger_depth, (Datum) 0)) != 1)
		return false;
	copy = castNode(CopyStmt, linitial_node(PlannedStmt, ActivePortal->stmts)->utilityStmt);
	return copy->is_from &&
		   RangeVarGetRelid(copy->relation, NoLock, true) == RelationGetRelid(data->tg_relation);
}

/* Append a member to a JSON object: a value as its type writes it, moments as JSON does. */
static void
AppendMember(StringInfo object, const char *name, Oid type, Datum value, bool isnull)
{
	Oid function;
	bool varlena;
	char *text;

	appendStringInfoString(object, object->len > 1 ? ", " : "");
	escape_json(object, name);
	appendStringInfoString(object, ": ");
	if (isnull)
	{
		appendStringInfoString(object, "null");
		return;
	}
	if (type == TIMESTAMPTZOID)
	{
		char moment[MAXDATELEN + 1];

		escape_json(object, JsonEncodeDateTime(moment, value, type, NULL));
		return;
	}
	getTypeOutputInfo(type, &function, &varlena);
	text = OidOutputFunctionCall(function, value);
	if (type == JSONBOID || type == BOOLOID || type == INT4OID)
		appendStringInfoString(object, type != BOOLOID ? text : DatumGetBool(value) ? "true" : "false");
	else
		escape_json(object, text);
}

/* Whether the values of a column may be told: those of arguments after the first one may. */
static bool
IsTold(const Trigger *trigger, const char *column)
{
	int i;

	for (i = 1; i < trigger->tgnargs; i++)
		if (strcmp(trigger->tgargs[i], column) == 0)
			return true;
	return false;
}

/* What an audit row tells of a row that was written, put together column by column. */
typedef struct Told
{
	StringInfoData old; /* JSON objects, open */
	StringInfoData new;
	StringInfoData withheld; /* names of further columns that have values, or others than before */
} Told;

static void
TellColumn(Told *told, const TriggerData *data, int i, TupleTableSlot *before, TupleTableSlot *after)
{
	Form_pg_attribute column = TupleDescAttr(RelationGetDescr(data->tg_relation), i);
	char *name = NameStr(column->attname);
	Datum old = (Datum) 0;
	Datum new = (Datum) 0;
	bool old_null = true;
	bool new_null = true;

	if (column->attisdropped || column->attgenerated != '\0')
		return;
	if (before != NULL)
		old = slot_getattr(before, i + 1, &old_null);
	if (after != NULL)
		new = slot_getattr(after, i + 1, &new_null);
	if (old_null == new_null && (old_null || datum_image_eq(old, new, column->attbyval, column->attlen)))
		return;
	if (strcmp(name, data->tg_trigger->tgargs[0]) == 0)
		return;
	if (!IsTold(data->tg_trigger, name))
	{
		appendStringInfoString(&told->withheld, told->withheld.len > 0 ? ", " : "");
		escape_json(&told->withheld, name);
		return;
	}
	if (before != NULL)
		AppendMember(&told->old, name, column->atttypid, old, old_null);
	if (after != NULL)
		AppendMember(&told->new, name, column->atttypid, new, new_null);
}

/* The customer of a row; NULL for a table that has none, or a row without. */
static text *
CustomerOf(const TriggerData *data, TupleTableSlot *slot)
{
	AttrNumber customer = SPI_fnumber(RelationGetDescr(data->tg_relation), data->tg_trigger->tgargs[0]);
	Datum value;
	bool isnull;

	if (customer <= 0 || slot == NULL)
		return NULL;
	value = slot_getattr(slot, customer, &isnull);
	return isnull ? NULL : DatumGetTextPP(value);
}

/* A row was written: by whom, and what may be told of it. */
static void
AuditRow(const TriggerData *data, const char *relation)
{
	bool update = TRIGGER_FIRED_BY_UPDATE(data->tg_event);
	bool insert = TRIGGER_FIRED_BY_INSERT(data->tg_event);
	TupleTableSlot *before = insert ? NULL : data->tg_trigslot;
	TupleTableSlot *after = insert ? data->tg_trigslot : update ? data->tg_newslot : NULL;
	text *was = CustomerOf(data, before);
	text *is = CustomerOf(data, after);
	bool moved = update && was != NULL && is != NULL &&
				 !DatumGetBool(DirectFunctionCall2(byteaeq, PointerGetDatum(was), PointerGetDatum(is)));
	StringInfoData details;
	Told told;
	int i;

	initStringInfo(&told.old);
	initStringInfo(&told.new);
	initStringInfo(&told.withheld);
	appendStringInfoChar(&told.old, '{');
	appendStringInfoChar(&told.new, '{');
	for (i = 0; i < RelationGetDescr(data->tg_relation)->natts; i++)
		TellColumn(&told, data, i, before, after);
	if (update && !moved && told.old.len == 1 && told.new.len == 1 && told.withheld.len == 0)
		return;
	initStringInfo(&details);
	appendStringInfoChar(&details, '{');
	if (before != NULL)
		appendStringInfo(&details, "\"old\": %s}", told.old.data);
	if (after != NULL)
		appendStringInfo(&details, "%s\"new\": %s}", update ? ", " : "", told.new.data);
	if (told.withheld.len > 0)
		appendStringInfo(&details, ", \"withheld\": [%s]", told.withheld.data);
	if (moved)
		appendStringInfoString(&details, ", \"customer\": \"another\"");
	appendStringInfoChar(&details, '}');
	CsAudit(insert ? "insert" : update ? "update" : "delete", relation, was != NULL ? was : is, details.data);
	if (moved)
		CsAudit("update", relation, is, details.data);
}

/* Whether a table of the extension has rows. */
static bool
HasRows(const char *relation)
{
	bool result;

	SPI_connect();
	result = CsOwnSql(psprintf("SELECT FROM %s LIMIT 1", relation), 0, NULL, NULL, NULL) > 0;
	SPI_finish();
	return result;
}

/*
 * audit_change(customer column or '', columns that may be told): trigger after
 * each row; and before INSERT and TRUNCATE, for what no row tells.
 */
Datum
cs_audit_change(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	char *relation;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("audit_change() is a trigger function"),
						errhint("The extension makes such triggers itself.")));
	if (paused)
		return PointerGetDatum(NULL);
	relation = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(data->tg_relation)),
										  RelationGetRelationName(data->tg_relation));
	if (TRIGGER_FIRED_FOR_ROW(data->tg_event))
	{
		if (!CsIsCopy(data))
			AuditRow(data, relation);
	}
	else if (TRIGGER_FIRED_BY_TRUNCATE(data->tg_event))
		CsAudit("truncate", relation, NULL, NULL);
	else if (CsIsCopy(data) && HasRows(relation))
		CsAudit("copy", relation, NULL, NULL);
	return PointerGetDatum(NULL);
}
