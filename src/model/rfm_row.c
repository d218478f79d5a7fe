/*
 * rfm_row.c
 *		Making values of the composite type rfm_score.
 *
 * A score is asked for once a row, so a row is formed once by the server and
 * copied from then on, with other figures in its four columns. The form is kept
 * with the call site (fn_extra), in the memory of the query.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/typcache.h"

#include "core/compat.h"
#include "model/rfm_row.h"

#define SCORE_COLUMNS 4

/* Whether a row type has the columns that rfm_score was created with. */
static bool
HasScoreColumns(TupleDesc desc)
{
	int i;

	for (i = 0; i < desc->natts; i++)
	{
		if (TupleDescAttr(desc, i)->atttypid != INT2OID || TupleDescAttr(desc, i)->attisdropped)
			return false;
	}
	return desc->natts == SCORE_COLUMNS;
}

/*
 * The form of the function's result type, which must have the columns it was
 * created with: a user could have altered the type.
 */
const RfmScoreForm *
CsRfmScoreForm(FunctionCallInfo fcinfo)
{
	RfmScoreForm *form = fcinfo->flinfo->fn_extra;
	MemoryContext old;
	TupleDesc desc;
	HeapTuple tuple;
	Datum values[SCORE_COLUMNS];
	bool nulls[SCORE_COLUMNS] = {false};
	int i;

	if (likely(form != NULL))
		return form;
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "rfm does not return a row type");
	if (!HasScoreColumns(desc))
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("type customer_scoring.rfm_score has been altered"),
						errhint("It must have the columns r, f, m and bins of type smallint.")));
	for (i = 0; i < SCORE_COLUMNS; i++)
		values[i] = Int16GetDatum(0);
	old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	tuple = heap_form_tuple(BlessTupleDesc(desc), values, nulls);
	form = palloc(sizeof(RfmScoreForm));
	form->row = tuple->t_data;
	form->length = tuple->t_len;
	Assert(form->length == form->row->t_hoff + sizeof(RfmScoreColumns));
	MemoryContextSwitchTo(old);
	fcinfo->flinfo->fn_extra = form;
	return form;
}
