/*
 * clv_inspect.c
 *		What there is to know about a model: parameters with their errors, the
 *		likelihood, warnings. The same functions serve both types of models.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "core/check.h"
#include "core/compat.h"
#include "math/interval.h"
#include "model/clv_model.h"

PG_FUNCTION_INFO_V1(cs_model_parameters);
PG_FUNCTION_INFO_V1(cs_log_likelihood);
PG_FUNCTION_INFO_V1(cs_aic);
PG_FUNCTION_INFO_V1(cs_model_warnings);
PG_FUNCTION_INFO_V1(cs_model_converged);
PG_FUNCTION_INFO_V1(cs_model_fingerprint);
PG_FUNCTION_INFO_V1(cs_model_rejected);

#define PARAMETER_COLUMNS 5

/*
 * model_parameters(model, confidence) → name, value, standard_error, lower,
 * upper. The interval is symmetric for the logarithm, as a parameter is above
 * zero. Errors are NULL where the data do not tell the parameters.
 */
Datum
cs_model_parameters(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	const ClvModel *model = CsClvModelArg(PG_GETARG_DATUM(0));
	const ClvKindInfo *info = CsClvKindInfo(model->kind);
	double confidence = PG_GETARG_FLOAT8(1);
	double deviate;
	int i;

	CsCheckConfidence(confidence);
	deviate = CsNormalDeviate(confidence);
	InitMaterializedSRF(fcinfo, 0);
	for (i = 0; i < info->nparameters; i++)
	{
		double value = model->parameters[i];
		double error = sqrt(model->covariance[CS_AT(i, i)]);
		double factor = exp(deviate * error / value);
		Datum values[PARAMETER_COLUMNS] = {CStringGetTextDatum(info->parameters[i]), Float8GetDatum(value),
										   Float8GetDatum(error), Float8GetDatum(value / factor),
										   Float8GetDatum(value * factor)};
		bool nulls[PARAMETER_COLUMNS] = {false};

		nulls[2] = nulls[3] = nulls[4] = !CsClvHasErrors(model);
		nulls[4] |= isinf(value * factor) != 0;
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* log_likelihood(model); NULL for one written by hand. */
Datum
cs_log_likelihood(PG_FUNCTION_ARGS)
{
	const ClvModel *model = CsClvModelArg(PG_GETARG_DATUM(0));

	if (model->customers == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(model->log_likelihood);
}

/* aic(model): twice the number of parameters less twice the logarithm of the likelihood. */
Datum
cs_aic(PG_FUNCTION_ARGS)
{
	const ClvModel *model = CsClvModelArg(PG_GETARG_DATUM(0));

	if (model->customers == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(2.0 * CsClvKindInfo(model->kind)->nparameters - 2.0 * model->log_likelihood);
}

/* model_warnings(model): their names, in a fixed order; empty without any. */
Datum
cs_model_warnings(PG_FUNCTION_ARGS)
{
	const ClvModel *model = CsClvModelArg(PG_GETARG_DATUM(0));
	Datum names[CLV_WARNINGS];
	int n = 0;
	int i;

	for (i = 0; i < CLV_WARNINGS; i++)
		if (model->warnings & 1 << i)
			names[n++] = CStringGetTextDatum(CsClvWarningName(i));
	PG_RETURN_ARRAYTYPE_P(construct_array(names, n, TEXTOID, -1, false, TYPALIGN_INT));
}

/* model_converged(model): whether the fit found the maximum; NULL for a model written by hand. */
Datum
cs_model_converged(PG_FUNCTION_ARGS)
{
	const ClvModel *model = CsClvModelArg(PG_GETARG_DATUM(0));

	if (model->customers == 0)
		PG_RETURN_NULL();
	PG_RETURN_BOOL((model->warnings & CLV_NOT_CONVERGED) == 0);
}

/* model_fingerprint(model): a hash of the data, 16 hexadecimal digits; NULL for a model written by hand. */
Datum
cs_model_fingerprint(PG_FUNCTION_ARGS)
{
	const ClvModel *model = CsClvModelArg(PG_GETARG_DATUM(0));

	if (model->customers == 0)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("%016" INT64_MODIFIER "x", model->fingerprint)));
}

/* model_rejected(model) → reason, rows: what the fit left out, a row a reason that there was. */
Datum
cs_model_rejected(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	const ClvModel *model = CsClvModelArg(PG_GETARG_DATUM(0));
	int i;

	InitMaterializedSRF(fcinfo, 0);
	for (i = 0; i < CLV_REJECTIONS; i++)
	{
		Datum values[2] = {CStringGetTextDatum(CsClvRejectionName(i)), Int64GetDatum(model->rejected[i])};
		bool nulls[2] = {false, false};

		if (model->rejected[i] > 0)
			tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
