/*
 * tier_standing.c
 *		tier_standing and tier_changes: what a customer holds at a moment, and all
 *		that has happened to it, as SQL sees them.
 *
 * A call remembers the description of its result for the next one, which is all
 * that lives on.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#include "core/check.h"
#include "core/compat.h"
#include "core/moment.h"
#include "core/money.h"
#include "loyalty/tier_fold.h"

PG_FUNCTION_INFO_V1(cs_tier_standing);
PG_FUNCTION_INFO_V1(cs_tier_changes);

/* Columns of the composite types tier_standing and tier_change. */
static const Oid StandingColumns[] = {TEXTOID,	  INT2OID,	  TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTOID,
									  NUMERICOID, NUMERICOID, NUMERICOID,	  TIMESTAMPTZOID};
static const Oid ChangeColumns[] = {TIMESTAMPTZOID, TEXTOID,		INT2OID, TEXTOID,
									TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTOID};

static const char *const ReasonWords[] = {NULL, "upgrade", "renewed", "grace", "one_down", "requalify"};

/* All that happened, one of a moment: what came last of it, and the rank of before. */
typedef struct ChangeArray
{
	int n;
	int size;
	struct
	{
		TierHeld held;
		int from_rank;
	} * change;
} ChangeArray;

/*
 * The description of a result row, which must have the columns it was created
 * with: a user could have altered the type.
 */
static TupleDesc
ResultRow(FunctionCallInfo fcinfo, Oid type, const Oid *columns, int ncolumns)
{
	TupleDesc desc = fcinfo->flinfo->fn_extra;
	MemoryContext before;
	bool good;
	int i;

	if (desc != NULL)
		return desc;
	before = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	desc = lookup_rowtype_tupdesc_copy(type, -1);
	good = desc->natts == ncolumns;
	for (i = 0; good && i < ncolumns; i++)
		good = TupleDescAttr(desc, i)->atttypid == columns[i];
	if (!good)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("type %s has been altered", format_type_be_qualified(type)),
						errhint("Give it the columns that the extension made it with.")));
	fcinfo->flinfo->fn_extra = BlessTupleDesc(desc);
	MemoryContextSwitchTo(before);
	return desc;
}

/* as_of, which must be finite. */
static TimestampTz
AsOfArgument(FunctionCallInfo fcinfo, int n)
{
	TimestampTz as_of = PG_GETARG_TIMESTAMPTZ(n);

	CsCheckFinite(as_of, "as_of");
	return as_of;
}

static void
PutName(const TierScheme *scheme, int rank, Datum *value, bool *null)
{
	*null = rank == 0;
	if (rank > 0)
		*value = CStringGetTextDatum(CsTierName(scheme, rank));
}

static void
PutMoment(TimestampTz moment, Datum *value, bool *null)
{
	*null = moment == DT_NOEND;
	*value = TimestampTzGetDatum(moment);
}

static void
PutReason(TierReason reason, Datum *value, bool *null)
{
	*null = reason == TIER_REASON_NONE;
	if (reason != TIER_REASON_NONE)
		*value = CStringGetTextDatum(ReasonWords[reason]);
}

/* What a basis lacks to a tier, never below zero. */
static Datum
MissingTo(const TierScheme *scheme, int rank, int128 basis, int scale)
{
	int128 missing = Max(CsTierThreshold(scheme, rank) - basis, 0);

	return NumericGetDatum(CsUnitsNumeric(missing, Max(scale, scheme->tier[rank - 1].scale)));
}

/* tier_standing(terms, ledger, as_of) → tier_standing */
Datum
cs_tier_standing(PG_FUNCTION_ARGS)
{
	const TierTerms *terms = PG_GETARG_TIER_TERMS(0);
	const TierLedger *ledger = PG_GETARG_TIER_LEDGER(1);
	TimestampTz as_of = AsOfArgument(fcinfo, 2);
	TupleDesc desc = ResultRow(fcinfo, get_func_rettype(fcinfo->flinfo->fn_oid), StandingColumns,
							   lengthof(StandingColumns));
	const TierScheme *scheme = CsTermsScheme(terms);
	int scale = terms->basis == TIER_BASIS_ORDERS ? 0 : ledger->scale;
	Datum values[lengthof(StandingColumns)];
	bool nulls[lengthof(StandingColumns)] = {false};
	TierOutcome outcome;
	int rank;

	CsTierFold(terms, ledger, as_of, NULL, NULL, &outcome);
	rank = outcome.held.rank;
	PutName(scheme, rank, &values[0], &nulls[0]);
	values[1] = Int16GetDatum(rank);
	nulls[2] = outcome.held.reason == TIER_REASON_NONE;
	values[2] = TimestampTzGetDatum(outcome.held.since);
	PutMoment(outcome.held.until, &values[3], &nulls[3]);
	PutReason(outcome.held.reason, &values[4], &nulls[4]);
	values[5] = NumericGetDatum(CsUnitsNumeric(outcome.basis, scale));
	nulls[6] = outcome.held.until == DT_NOEND;
	if (!nulls[6])
		values[6] = MissingTo(scheme, rank, outcome.basis, scale);
	nulls[7] = rank == scheme->tiers;
	if (!nulls[7])
		values[7] = MissingTo(scheme, rank + 1, outcome.basis, scale);
	PutMoment(outcome.changes_at, &values[8], &nulls[8]);
	return HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
}

/* A TierListener that puts into a ChangeArray. */
static void
NoteChange(void *context, const TierHeld *held, int from_rank)
{
	ChangeArray *array = context;

	if (array->n == 0 || array->change[array->n - 1].held.at != held->at)
	{
		if (array->n == array->size)
		{
			array->size = Max(2 * array->size, 8);
			if (array->size > MaxAllocSize / sizeof(*array->change))
				ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
								errmsg("too much has happened to the tier of one customer"),
								errdetail("There is room for %d changes.", array->n),
								errhint("Use terms with a longer hold.")));
			array->change = array->change == NULL
								? palloc(array->size * sizeof(*array->change))
								: repalloc(array->change, array->size * sizeof(*array->change));
		}
		array->change[array->n++].from_rank = from_rank;
	}
	array->change[array->n - 1].held = *held;
}

/* tier_changes(terms, ledger, as_of) → tier_change[], in order of time; empty when nothing happened */
Datum
cs_tier_changes(PG_FUNCTION_ARGS)
{
	const TierTerms *terms = PG_GETARG_TIER_TERMS(0);
	const TierLedger *ledger = PG_GETARG_TIER_LEDGER(1);
	TimestampTz as_of = AsOfArgument(fcinfo, 2);
	Oid type = get_element_type(get_func_rettype(fcinfo->flinfo->fn_oid));
	TupleDesc desc = ResultRow(fcinfo, type, ChangeColumns, lengthof(ChangeColumns));
	const TierScheme *scheme = CsTermsScheme(terms);
	ChangeArray array = {0};
	TierOutcome outcome;
	Datum *elements;
	int i;

	CsTierFold(terms, ledger, as_of, NoteChange, &array, &outcome);
	elements = palloc(Max(array.n, 1) * sizeof(Datum));
	for (i = 0; i < array.n; i++)
	{
		const TierHeld *held = &array.change[i].held;
		Datum values[lengthof(ChangeColumns)];
		bool nulls[lengthof(ChangeColumns)] = {false};

		CHECK_FOR_INTERRUPTS();
		values[0] = TimestampTzGetDatum(held->at);
		PutName(scheme, held->rank, &values[1], &nulls[1]);
		values[2] = Int16GetDatum(held->rank);
		PutName(scheme, array.change[i].from_rank, &values[3], &nulls[3]);
		values[4] = TimestampTzGetDatum(held->since);
		PutMoment(held->until, &values[5], &nulls[5]);
		PutReason(held->reason, &values[6], &nulls[6]);
		elements[i] = HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
	}
	PG_RETURN_ARRAYTYPE_P(construct_array(elements, array.n, type, -1, false, TYPALIGN_DOUBLE));
}
