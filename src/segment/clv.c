/*
 * clv.c
 *		Customer lifetime values in a segment table, the option clv.
 *
 * A refresh that is due *scores everybody*: the moment it is about becomes the
 * table's moment of scoring. From then on the figures of a customer are about
 * that moment, or about his newest row if that is later; so they follow from the
 * source, that moment and the model alone, whichever refresh works them out.
 * Models are fitted, and the breaks of bands found, only by scoring everybody.
 *
 * A fit that fails leaves the model of before in use and the refresh going.
 * Models are kept as long as the table; what is in use is part of segment_state.
 * SPI must be connected; memory is SPI's.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"

#include "core/attempt.h"
#include "core/compat.h"
#include "core/moment.h"
#include "core/owner.h"
#include "segment/clv.h"
#include "segment/left_out.h"
#include "segment/run.h"
#include "segment/schedule.h"

/* The probability by which a purchase has come on next_purchase_date. */
#define NEXT_PURCHASE_LEVEL "0.5"

#define BREAKS "ARRAY[0.2, 0.4, 0.6, 0.8]"

/* A refresh that scores everybody, and what it has found out. */
typedef struct Scoring
{
	const SegmentDefinition *definition;
	SegmentSource *source;
	Snapshot snapshot;
	char *breaks;
	char *warnings; /* of the model that is used, or NULL */
	/* set by a fit only */
	bool fitted; /* there is a new model */
	bool unspent; /* but its spend model is that of before, as the fit did not converge */
	bool nobody; /* could be fitted to */
	int64 customers; /* that it was fitted to */
	char *model;
	char *spend;
	char *fingerprint;
} Scoring;

static char *
ResultText(int column)
{
	return SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column);
}

static bool
ResultIsTrue(int column)
{
	bool isnull;
	Datum value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &isnull);

	return !isnull && DatumGetBool(value);
}

static TimestampTz
ResultMoment(int column)
{
	bool isnull;
	Datum value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &isnull);

	return isnull ? DT_NOBEGIN : DatumGetTimestampTz(value);
}

static int64
ResultCount(int column)
{
	bool isnull;
	Datum value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

/* What a table is scored with that never was. */
ClvState *
CsNewClvState(void)
{
	ClvState *state = palloc0(sizeof(ClvState));

	state->as_of = state->due_at = DT_NOBEGIN;
	return state;
}

/*
 * What a segment table is scored with; after a restore, nothing. As the active
 * snapshot has it, if that is wished, else as it is now.
 */
ClvState *
CsReadClvState(Oid table, bool visible)
{
	static const char *const sql =
		"SELECT s.clv_as_of, s.clv_due_at, s.clv_breaks::pg_catalog.text, m.model_id, m.as_of, m.model,"
		" m.spend_model, m.model::pg_catalog.jsonb ->> 'kind', s.clv_refit"
		" FROM customer_scoring_internal.segment_state s"
		" LEFT JOIN customer_scoring_internal.segment_model m ON m.model_id = s.clv_model_id"
		" WHERE s.segment_table = $1";
	Oid types[1] = {REGCLASSOID};
	Datum values[1] = {ObjectIdGetDatum(table)};
	ClvState *state = CsNewClvState();

	if ((visible ? CsOwnQuery(sql, 1, types, values, NULL) : CsOwnSql(sql, 1, types, values, NULL)) == 0)
		return state;
	state->as_of = ResultMoment(1);
	state->due_at = ResultMoment(2);
	state->breaks = ResultText(3);
	state->model_id = ResultCount(4);
	state->fitted_as_of = ResultMoment(5);
	state->model = ResultText(6);
	state->spend = ResultText(7);
	state->kind = ResultText(8);
	state->refit = ResultIsTrue(9);
	return state;
}

/* Whether a refresh about a moment has to score everybody. */
bool
CsClvIsDue(const SegmentDefinition *definition, TimestampTz as_of)
{
	const ClvState *state = definition->clv_state;

	return definition->clv != NULL && (state->as_of == DT_NOBEGIN || state->due_at == DT_NOBEGIN ||
									   as_of < state->as_of || as_of >= state->due_at);
}

/*
 * Whether the model was fitted to somebody who is left out since, before his row
 * goes: nothing is to stay that was learned from him.
 */
bool
CsClvMustForget(const SegmentDefinition *definition, const SegmentSource *source, Snapshot snapshot)
{
	return definition->clv != NULL && definition->clv_state->model_id != 0 &&
		   CsLeavesOutRow(definition, source, snapshot);
}

/* Whether one that scores everybody has to fit as well. */
static bool
FitIsDue(const SegmentDefinition *definition, TimestampTz as_of)
{
	const ClvOption *option = definition->clv;
	const ClvState *state = definition->clv_state;

	return state->refit || state->model_id == 0 || strcmp(state->kind, option->model) != 0 ||
		   as_of < state->fitted_as_of ||
		   as_of >= CsMomentPlus(state->fitted_as_of, option->fit_every, 1, definition->time_zone);
}

/* A value as a typed literal. */
static char *
Literal(const char *text, const char *type)
{
	return psprintf("%s::%s", text == NULL ? "NULL" : quote_literal_cstr(text), type);
}

static char *
ModelLiteral(const ClvState *state)
{
	return Literal(state->model, "customer_scoring.clv_model");
}

static char *
SpendLiteral(const ClvState *state)
{
	return Literal(state->spend, "customer_scoring.spend_model");
}

static char *
ZoneLiteral(const SegmentDefinition *definition)
{
	return quote_literal_cstr(definition->time_zone);
}

/* SQL for figures of a customer's orders that scoring is from, as in SELECT; nothing without the option. */
char *
CsClvFigures(const SegmentSource *source, const char *past)
{
	if (source->clv_zone == NULL)
		return "";
	return psprintf(", customer_scoring.clv_summary(%s, %s, $%d, %s) AS clv_summary,"
					" pg_catalog.max(%s)%s AS newest",
					source->time, source->amount, PARAM_AS_OF, source->clv_zone, source->time, past);
}

/* SQL for a figure, rounded, or NULL when it does not fit numeric(precision, scale), as NaN never does. */
static char *
Fitting(const char *figure, int precision, int scale)
{
	return psprintf("CASE WHEN pg_catalog.abs(%s) < 1e%d::pg_catalog.numeric THEN %s END", figure,
					precision - scale, figure);
}

/* SQL for the lifetime value by models and a clv_summary, rounded: it may not fit its column. */
static char *
ValueSql(const SegmentDefinition *definition, const char *model, const char *spend, const char *summary,
		 int scale)
{
	const ClvOption *option = definition->clv;

	return psprintf("pg_catalog.round(%s * customer_scoring.clv(%s, %s, %s, %s, %s)::pg_catalog.numeric, %d)",
					Literal(option->margin, "pg_catalog.numeric"), model, spend, summary,
					Literal(option->horizon, "pg_catalog.interval"),
					Literal(option->discount, "pg_catalog.float8"), scale);
}

/* SQL for the band of a lifetime value. */
static char *
BandSql(const ClvState *state, const char *value)
{
	StringInfoData sql;
	int i;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "(1");
	for (i = 1; i < CLV_BANDS; i++)
		appendStringInfo(&sql, " + ((%s)[%d] < %s)::pg_catalog.int4",
						 Literal(state->breaks, "pg_catalog.numeric[]"), i, value);
	appendStringInfoString(&sql, ")::pg_catalog.int2");
	return sql.data;
}

/* The columns without a figure. */
static char *
NoFigures(void)
{
	StringInfoData sql;
	int i;

	initStringInfo(&sql);
	for (i = 0; i < CsClvColumnCount; i++)
		appendStringInfo(&sql, ", NULL::%s AS %s", CsColumnType(&CsClvColumns[i], 0), CsClvColumns[i].name);
	return sql.data;
}

/*
 * SQL for customers c with their figures, each named like its column: from SQL
 * for customers with clv_summary and newest. Each figure is worked out once, and
 * looked at whether it fits afterwards.
 */
char *
CsWithClv(const SegmentDefinition *definition, const SegmentSource *source, char *customers)
{
	const ClvState *state = definition->clv_state;
	const int scale = source->scale;
	StringInfoData moment;
	char *model;
	char *spend;

	if (definition->clv == NULL)
		return customers;
	if (state->model_id == 0 || state->as_of == DT_NOBEGIN)
		return psprintf("(SELECT c.*%s FROM %s c OFFSET 0)", NoFigures(), customers);
	model = ModelLiteral(state);
	spend = SpendLiteral(state);
	initStringInfo(&moment);
	CsMomentText(&moment, state->as_of);
	return psprintf(
		"(SELECT c.*, %s AS p_alive, %s AS expected_purchases, %s AS expected_spend, %s AS clv, %s AS "
		"clv_band,"
		" v.next_purchase_date, CASE WHEN v.purchases IS NOT NULL THEN " INT64_FORMAT
		"::pg_catalog.int8 END AS clv_model_id,"
		" CASE WHEN v.purchases IS NOT NULL THEN v.moment END AS clv_as_of"
		" FROM %s c CROSS JOIN LATERAL (SELECT s.purchases, s.moment,"
		" pg_catalog.round(customer_scoring.p_alive(%s, s.purchases)::pg_catalog.numeric, 4) AS p_alive,"
		" pg_catalog.round(customer_scoring.expected_purchases(%s, s.purchases, %s)::pg_catalog.numeric, 4)"
		" AS expected_purchases,"
		" pg_catalog.round(customer_scoring.expected_spend(%s, s.purchases)::pg_catalog.numeric, %d)"
		" AS expected_spend, %s AS clv,"
		" customer_scoring.next_purchase_date(%s, s.purchases, s.moment, " NEXT_PURCHASE_LEVEL ", %s)"
		" AS next_purchase_date"
		" FROM (SELECT customer_scoring.segment_clv_summary(c.clv_summary, $%d, x.moment, %s) AS purchases,"
		" x.moment FROM (SELECT greatest(%s, c.newest) AS moment) x OFFSET 0) s OFFSET 0) v OFFSET 0)",
		Fitting("v.p_alive", 5, 4), Fitting("v.expected_purchases", 14, 4),
		Fitting("v.expected_spend", 26, scale + 2), Fitting("v.clv", 24, scale),
		BandSql(state, Fitting("v.clv", 24, scale)), state->model_id, customers, model, model,
		Literal(definition->clv->horizon, "pg_catalog.interval"), spend, scale + 2,
		ValueSql(definition, model, spend, "s.purchases", scale), model, ZoneLiteral(definition), PARAM_AS_OF,
		ZoneLiteral(definition), Literal(moment.data, "pg_catalog.timestamptz"));
}

/*
 * SQL that scoring everybody begins with: breaks and warnings of the models in
 * the CTE m, over the summaries in s.
 */
static char *
WithModelsSql(const Scoring *scoring, const char *models, const char *more)
{
	const SegmentDefinition *definition = scoring->definition;
	const int scale = scoring->source->scale;

	return psprintf("WITH s AS MATERIALIZED (SELECT p.clv_summary AS purchases FROM (%s) p"
					" WHERE p.clv_summary IS NOT NULL)%s"
					" SELECT (SELECT pg_catalog.percentile_disc(" BREAKS ") WITHIN GROUP (ORDER BY v.clv)"
					" FROM (SELECT %s AS clv FROM (SELECT %s AS clv FROM s OFFSET 0) x) v)::pg_catalog.text,"
					" nullif(pg_catalog.array_to_string(customer_scoring.model_warnings(m.model)"
					" || customer_scoring.model_warnings(m.spend), ', '), '')%s FROM m",
					CsCustomersSql(scoring->source, false, false), models, Fitting("x.clv", 24, scale),
					ValueSql(definition, "m.model", "m.spend", "s.purchases", scale), more);
}

/*
 * The CTEs of a fit: f has what was fitted, m what is used, each model that of
 * before where the fit did not converge. Nobody may tell what is spent.
 */
static char *
FittedModelsSql(const SegmentDefinition *definition)
{
	const ClvState *state = definition->clv_state;

	return psprintf(
		", f AS MATERIALIZED (SELECT customer_scoring.%s_fit(s.purchases) AS model,"
		" customer_scoring.gamma_gamma_fit(s.purchases) AS spend, pg_catalog.count(*) AS customers FROM s),"
		" k AS MATERIALIZED (SELECT coalesce(customer_scoring.model_converged(f.model), false) AS fitted,"
		" NOT coalesce(customer_scoring.model_converged(f.spend), true) AS unspent FROM f),"
		" m AS MATERIALIZED (SELECT CASE WHEN k.fitted THEN f.model ELSE %s END AS model,"
		" CASE WHEN k.fitted AND NOT k.unspent THEN f.spend ELSE %s END AS spend, k.fitted,"
		" k.fitted AND k.unspent AS unspent, f.model IS NULL AS nobody, f.customers FROM f, k)",
		definition->clv->model, ModelLiteral(state), SpendLiteral(state));
}

/* Fit, and find breaks by what is used then, in one statement. */
static void
Fit(void *argument)
{
	Scoring *scoring = argument;

	CsExecuteUnder(scoring->snapshot,
				   WithModelsSql(scoring, FittedModelsSql(scoring->definition),
								 ", m.fitted, m.unspent, m.nobody, m.customers, m.model::pg_catalog.text,"
								 " m.spend::pg_catalog.text, customer_scoring.model_fingerprint(m.model)"),
				   scoring->source, scoring->definition->table);
	scoring->breaks = ResultText(1);
	scoring->warnings = ResultText(2);
	scoring->fitted = ResultIsTrue(3);
	scoring->unspent = ResultIsTrue(4);
	scoring->nobody = ResultIsTrue(5);
	scoring->customers = ResultCount(6);
	scoring->model = ResultText(7);
	scoring->spend = ResultText(8);
	scoring->fingerprint = ResultText(9);
}

/* Find breaks by the model of before. */
static void
FindBreaks(Scoring *scoring)
{
	const ClvState *state = scoring->definition->clv_state;

	if (state->model_id == 0)
		return;
	CsExecuteUnder(scoring->snapshot,
				   WithModelsSql(scoring,
								 psprintf(", m AS MATERIALIZED (SELECT %s AS model, %s AS spend)",
										  ModelLiteral(state), SpendLiteral(state)),
								 ""),
				   scoring->source, scoring->definition->table);
	scoring->breaks = ResultText(1);
	scoring->warnings = ResultText(2);
}

/* Keep a model that was fitted; its number. */
static int64
KeepModel(const Scoring *scoring, int64 run_id, TimestampTz as_of)
{
	Oid types[6] = {REGCLASSOID, TEXTOID, TEXTOID, TEXTOID, INT8OID, TIMESTAMPTZOID};
	Datum values[6] = {ObjectIdGetDatum(scoring->definition->table),
					   CStringGetTextDatum(scoring->model),
					   (Datum) 0,
					   CStringGetTextDatum(scoring->fingerprint),
					   Int64GetDatum(run_id),
					   TimestampTzGetDatum(as_of)};
	char nulls[6] = {' ', ' ', 'n', ' ', ' ', ' '};

	if (scoring->spend != NULL)
	{
		values[2] = CStringGetTextDatum(scoring->spend);
		nulls[2] = ' ';
	}
	CsOwnSql("INSERT INTO customer_scoring_internal.segment_model (segment_table, kind, model, spend_model,"
			 " fingerprint, run_id, frozen, as_of) VALUES ($1, 'clv', $2, $3, $4, $5, false, $6)"
			 " RETURNING model_id",
			 6, types, values, nulls);
	return ResultCount(1);
}

/* Take down what everybody is scored with from now on. */
static void
SaveState(const SegmentDefinition *definition)
{
	const ClvState *state = definition->clv_state;
	Oid types[5] = {REGCLASSOID, TIMESTAMPTZOID, TIMESTAMPTZOID, INT8OID, TEXTOID};
	Datum values[5] = {ObjectIdGetDatum(definition->table), TimestampTzGetDatum(state->as_of),
					   TimestampTzGetDatum(state->due_at), Int64GetDatum(state->model_id), (Datum) 0};
	char nulls[5] = {' ', ' ', ' ', ' ', 'n'};

	if (state->breaks != NULL)
	{
		values[4] = CStringGetTextDatum(state->breaks);
		nulls[4] = ' ';
	}
	CsEnsureState(definition->table);
	CsOwnSql("UPDATE customer_scoring_internal.segment_state SET clv_as_of = $2, clv_due_at = $3,"
			 " clv_refit = false, clv_model_id = nullif($4, 0), clv_breaks = $5::pg_catalog.numeric[]"
			 " WHERE segment_table = $1",
			 5, types, values, nulls);
}

/* Have the next refresh fit anew, as somebody was erased whom the model in use was fitted to. */
void
CsClvForget(Oid table)
{
	Oid types[1] = {REGCLASSOID};
	Datum values[1] = {ObjectIdGetDatum(table)};

	CsOwnSql("UPDATE customer_scoring_internal.segment_state SET clv_due_at = NULL, clv_refit = true"
			 " WHERE segment_table = $1 AND clv_model_id IS NOT NULL",
			 1, types, values, NULL);
}

/* What is told of the scoring in the record of the run. */
static char *
Report(const Scoring *scoring, bool fit_was_due, const ErrorData *error)
{
	const ClvState *state = scoring->definition->clv_state;
	StringInfoData report;

	initStringInfo(&report);
	if (scoring->fitted)
		appendStringInfo(&report, "fitted %s on " INT64_FORMAT " customers", state->kind, scoring->customers);
	else if (!fit_was_due)
		appendStringInfo(&report, "scored with model " INT64_FORMAT, state->model_id);
	else
	{
		if (state->model_id != 0)
			appendStringInfo(&report, "kept model " INT64_FORMAT ": ", state->model_id);
		else
			appendStringInfoString(&report, "no model: ");
		appendStringInfoString(&report, error != NULL	  ? error->message
										: scoring->nobody ? "nobody has purchased before that moment"
														  : "the fit did not converge");
	}
	if (scoring->unspent)
		appendStringInfoString(&report, scoring->spend != NULL
											? "; kept the spend model of before: the fit did not converge"
											: "; no spend model: the fit did not converge");
	else if (scoring->fitted && scoring->spend == NULL)
		appendStringInfoString(&report, "; no spend model: nobody has bought for money again");
	if (scoring->warnings != NULL)
		appendStringInfo(&report, "; warnings: %s", scoring->warnings);
	return report.data;
}

/*
 * Score everybody, as the owner, before the rows are written and under their
 * snapshot: have the models, breaks and moment for them, of a new fit where one is
 * due or wished. What failed within the fit is done again without it; what fails
 * there too is not the fit's.
 */
void
CsScoreClv(SegmentDefinition *definition, SegmentSource *source, Snapshot snapshot, int64 run_id, bool fit,
		   RefreshResult *result)
{
	ClvState *state = definition->clv_state;
	Scoring scoring = {.definition = definition, .source = source, .snapshot = snapshot};
	bool fit_is_due = fit || FitIsDue(definition, result->as_of);
	ErrorData *error = fit_is_due ? CsAttempt(Fit, &scoring) : NULL;

	if (error != NULL && CsMustEnd(error))
		ReThrowError(error);
	if (error != NULL || !fit_is_due)
		FindBreaks(&scoring);
	if (scoring.fitted)
	{
		state->model_id = KeepModel(&scoring, run_id, result->as_of);
		state->fitted_as_of = result->as_of;
		state->kind = definition->clv->model;
		state->model = scoring.model;
		state->spend = scoring.spend;
	}
	state->as_of = result->as_of;
	state->due_at = CsMomentPlus(result->as_of, definition->clv->score_every, 1, definition->time_zone);
	state->refit = false;
	state->breaks = scoring.breaks;
	SaveState(definition);
	result->clv_report = Report(&scoring, fit_is_due, error);
}
