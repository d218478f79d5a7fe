/*
 * points.c
 *		Functions of the ledger of points, which whoever may call them need have no
 *		right to its tables.
 *
 * What they do is written in PL/pgSQL, in functions of the same names and
 * arguments in the internal schema (45_points.sql). Here they are only called
 * with the rights of the extension's owner.
 */
#include "postgres.h"

#include "catalog/pg_proc.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"

#include "core/owner.h"

PG_FUNCTION_INFO_V1(cs_points);

/* What is called, and what it gave. */
typedef struct Call
{
	FunctionCallInfo fcinfo;
	MemoryContext caller;
	Datum result;
	bool isnull;
} Call;

/* Call the internal function of the same name with the same arguments. */
static void
CallInternal(Call *call)
{
	FunctionCallInfo fcinfo = call->fcinfo;
	Oid function = fcinfo->flinfo->fn_oid;
	Oid *types;
	int nargs;
	Oid returns = get_func_signature(function, &types, &nargs);
	char *nulls = palloc(nargs);
	Datum *values = palloc(sizeof(Datum) * nargs);
	StringInfoData sql;
	int i;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT customer_scoring_internal.%s(", quote_identifier(get_func_name(function)));
	for (i = 0; i < nargs; i++)
	{
		appendStringInfo(&sql, "%s$%d", i > 0 ? ", " : "", i + 1);
		values[i] = PG_GETARG_DATUM(i);
		nulls[i] = PG_ARGISNULL(i) ? 'n' : ' ';
	}
	appendStringInfoChar(&sql, ')');
	SPI_connect();
	if (func_volatile(function) == PROVOLATILE_VOLATILE)
		(void) CsOwnSql(sql.data, nargs, types, values, nulls);
	else
		(void) CsOwnQuery(sql.data, nargs, types, values, nulls);
	call->result = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &call->isnull);
	if (!call->isnull)
	{
		MemoryContext old = MemoryContextSwitchTo(call->caller);
		int16 length;
		bool byval;

		get_typlenbyval(returns, &length, &byval);
		call->result = datumCopy(call->result, byval, length);
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
}

/* A function of the ledger. Its errors say nothing of the internal functions that they come from. */
Datum
cs_points(PG_FUNCTION_ARGS)
{
	Call call = {.fcinfo = fcinfo, .caller = CurrentMemoryContext};

	PG_TRY();
	{
		CallInternal(&call);
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(call.caller);
		error = CopyErrorData();
		FlushErrorState();
		error->context = NULL;
		ReThrowError(error);
	}
	PG_END_TRY();
	if (call.isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(call.result);
}
