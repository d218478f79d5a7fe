/*
 * clv_model.c
 *		clv_model and spend_model: what a fit found, to be read and stored.
 *
 * Both types have one layout and share their code; they are two types because
 * one says when customers buy and the other what for. The text form names the
 * parameters of the kind, and a value that has nothing but kind, unit and
 * parameters can be written by hand.
 */
#include "postgres.h"

#include <math.h>

#include "libpq/pqformat.h"
#include "utils/builtins.h"

#include "core/compat.h"
#include "core/form.h"
#include "core/moment.h"
#include "model/clv_model.h"

PG_FUNCTION_INFO_V1(cs_clv_model_in);
PG_FUNCTION_INFO_V1(cs_clv_model_out);
PG_FUNCTION_INFO_V1(cs_clv_model_recv);
PG_FUNCTION_INFO_V1(cs_clv_model_send);
PG_FUNCTION_INFO_V1(cs_spend_model_in);
PG_FUNCTION_INFO_V1(cs_spend_model_recv);

static const ClvKindInfo Kinds[] = {
	[CLV_MBGNBD] = {"mbgnbd", 4, {"r", "alpha", "a", "b"}},
	[CLV_BGNBD] = {"bgnbd", 4, {"r", "alpha", "a", "b"}},
	[CLV_PARETO_NBD] = {"pareto_nbd", 4, {"r", "alpha", "s", "beta"}},
	[CLV_GAMMA_GAMMA] = {"gamma_gamma", 3, {"p", "q", "v"}},
};

static const char *const Warnings[CLV_WARNINGS] = {
	"not_converged",		  "no_repeat_purchases",  "purchase_rate_not_identified",
	"dropout_not_identified", "spend_not_identified", "infinite_mean_spend",
};

static const char *const Rejections[CLV_REJECTIONS] = {"null", "weight", "no_repeat", "value"};

/* A kind by its number. */
const ClvKindInfo *
CsClvKindInfo(int kind)
{
	return &Kinds[kind];
}

/* The name of a warning by the number of its bit. */
const char *
CsClvWarningName(int bit)
{
	return Warnings[bit];
}

/* The name of a reason to reject a row. */
const char *
CsClvRejectionName(int reason)
{
	return Rejections[reason];
}

/* The type that a model is of. */
const char *
CsClvTypeName(const ClvModel *model)
{
	return model->kind == CLV_GAMMA_GAMMA ? "spend_model" : "clv_model";
}

/* Times in units of two lengths do not compare. */
void
CsClvOtherUnit(int64 unit, int64 other, const char *what)
{
	StringInfoData message;

	initStringInfo(&message);
	appendStringInfo(&message, "%s is in units of ", what);
	CsLengthText(&message, unit);
	appendStringInfoString(&message, ", not of ");
	CsLengthText(&message, other);
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg_internal("%s", message.data),
					errhint("Make all summaries with the same unit, and models of them.")));
}

/* A number that text gives back as it is: JSON has no infinity, and zero with one sign. */
static bool
IsPlain(double value)
{
	return isfinite(value) && (value != 0.0 || !signbit(value));
}

/*
 * What contradicts itself in a model that came from outside, or NULL. is_spend
 * tells which of the two types it is to be of.
 */
static const char *
Contradiction(const ClvModel *model, bool is_spend)
{
	const ClvKindInfo *info;
	double sign = 1.0;
	int i;

	if (model->kind < CLV_MBGNBD || model->kind > CLV_GAMMA_GAMMA ||
		(model->kind == CLV_GAMMA_GAMMA) != is_spend)
		return is_spend ? "The kind must be gamma_gamma." : "The kind must be mbgnbd, bgnbd or pareto_nbd.";
	info = &Kinds[model->kind];
	if (model->unit <= 0)
		return "The unit must be longer than nothing.";
	for (i = 0; i < CS_MAX_PARAMETERS; i++)
		if (i < info->nparameters ? !(model->parameters[i] >= 1e-50 && model->parameters[i] <= 1e50)
								  : model->parameters[i] != 0.0 || !IsPlain(model->parameters[i]))
			return "A parameter is out of range.";
	if (model->kind == CLV_GAMMA_GAMMA &&
		(model->parameters[1] <= 1.0) != ((model->warnings & CLV_INFINITE_MEAN_SPEND) != 0))
		return "The mean spend is infinite if and only if q is not above 1.";
	for (i = 0; i < CS_TRIANGLE(CS_MAX_PARAMETERS); i++)
		if (!IsPlain(model->covariance[i]) ||
			((!CsClvHasErrors(model) || i >= CS_TRIANGLE(info->nparameters)) && model->covariance[i] != 0.0))
			return "The covariance is out of range, or there is one of errors that are not known.";
	for (i = 0; i < info->nparameters; i++)
		sign = fmin(sign, model->covariance[CS_AT(i, i)]);
	if (CsClvHasErrors(model) && sign <= 0.0)
		return "A variance must be above zero.";
	if (model->warnings & ~(is_spend ? CLV_NOT_CONVERGED | CLV_SPEND_NOT_IDENTIFIED | CLV_INFINITE_MEAN_SPEND
									 : CLV_NOT_CONVERGED | CLV_NO_REPEAT_PURCHASES | CLV_RATE_NOT_IDENTIFIED |
										   CLV_DROPOUT_NOT_IDENTIFIED))
		return "There is a warning that such a model does not have.";
	if (model->customers < 0 || model->iterations < 0)
		return "Counts cannot be negative.";
	for (i = 0; i < CLV_REJECTIONS; i++)
		if (model->rejected[i] < 0 || (model->customers == 0 && model->rejected[i] != 0))
			return "Counts of rejected rows are out of range.";
	if (!IsPlain(model->log_likelihood) || !IsPlain(model->weight) ||
		(model->customers > 0) != (model->weight > 0.0) ||
		(model->customers == 0 &&
		 (model->log_likelihood != 0.0 || model->iterations != 0 || model->fingerprint != 0 ||
		  (model->warnings & ~CLV_INFINITE_MEAN_SPEND) != 0)))
		return "A model that was not fitted has nothing but parameters.";
	return NULL;
}

/* Read what a fit tells besides parameters. */
static void
ReadFit(CsForm *form, ClvModel *model, const char *type_name)
{
	const ClvKindInfo *info = &Kinds[model->kind];
	char **warnings;
	char *fingerprint;
	int n;
	int i;
	int bit;

	model->customers = CsFormInt64(form, "customers", 1, PG_INT64_MAX);
	for (i = 0; i < CLV_REJECTIONS; i++)
	{
		char *key = psprintf("rejected_%s", Rejections[i]);

		if (CsFormHas(form, key))
			model->rejected[i] = CsFormInt64(form, key, 0, PG_INT64_MAX);
	}
	model->weight = CsFormFloat8(form, "weight");
	model->log_likelihood = CsFormFloat8(form, "log_likelihood");
	model->iterations = CsFormInt64(form, "iterations", 0, PG_INT32_MAX);
	fingerprint = CsFormString(form, "data");
	model->fingerprint = strtoull(fingerprint, NULL, 16);
	if (strlen(fingerprint) != 16 || strspn(fingerprint, "0123456789abcdef") != 16)
		CsBadText(type_name, "The fingerprint of the data must have 16 hexadecimal digits.");
	warnings = CsFormStringArray(form, "warnings", &n);
	for (i = 0; i < n; i++)
	{
		for (bit = 0; bit < CLV_WARNINGS; bit++)
			if (strcmp(warnings[i], Warnings[bit]) == 0)
				break;
		if (bit == CLV_WARNINGS || (i > 0 && model->warnings >= 1 << bit))
			CsBadText(type_name, "There is a warning that is not known, or not in its place.");
		model->warnings |= 1 << bit;
	}
	if (CsFormHas(form, "covariance"))
	{
		double *covariance = CsFormFloat8Array(form, "covariance", &n);

		if (n != CS_TRIANGLE(info->nparameters))
			CsBadText(type_name, "The covariance must be the lower triangle of its matrix.");
		memcpy(model->covariance, covariance, sizeof(double) * n);
	}
}

/*
 * Text form: {"v":1,"kind":"bgnbd","unit":"P7D","parameters":{"r":0.243,
 * "alpha":4.414,"a":0.793,"b":2.426}, …}; "v" and what comes after the parameters may be left
 * out together, by who writes a model by hand.
 */
static Datum
ModelIn(const char *text, bool is_spend)
{
	const char *type_name = is_spend ? "spend_model" : "clv_model";
	ClvModel *model = palloc0(sizeof(ClvModel));
	CsForm form;
	CsForm parameters;
	char *kind;
	const char *fault;
	uint64 unit;
	int i;

	CsFormOpen(&form, type_name, text);
	model->version = CLV_MODEL_VERSION;
	if (CsFormHas(&form, "v"))
		CsCheckVersion(type_name, CsFormInt64(&form, "v", 0, PG_INT16_MAX), CLV_MODEL_VERSION);
	kind = CsFormString(&form, "kind");
	for (i = CLV_MBGNBD; i <= CLV_GAMMA_GAMMA; i++)
		if (strcmp(kind, Kinds[i].name) == 0 && (i == CLV_GAMMA_GAMMA) == is_spend)
			model->kind = i;
	if (model->kind == 0)
		CsBadText(type_name, is_spend ? "The kind must be gamma_gamma."
									  : "The kind must be mbgnbd, bgnbd or pareto_nbd.");
	unit = CsLengthFromText(type_name, CsFormString(&form, "unit"));
	model->unit = (int64) Min(unit, PG_INT64_MAX);
	CsFormInner(&form, "parameters", &parameters);
	for (i = 0; i < Kinds[model->kind].nparameters; i++)
		model->parameters[i] = CsFormFloat8(&parameters, Kinds[model->kind].parameters[i]);
	CsFormClose(&parameters);
	if (CsFormHas(&form, "customers"))
		ReadFit(&form, model, type_name);
	else if (is_spend && model->parameters[1] <= 1.0)
		model->warnings = CLV_INFINITE_MEAN_SPEND;
	CsFormClose(&form);

	fault = Contradiction(model, is_spend);
	if (fault != NULL)
		CsBadText(type_name, fault);
	PG_RETURN_POINTER(model);
}

Datum
cs_clv_model_in(PG_FUNCTION_ARGS)
{
	return ModelIn(PG_GETARG_CSTRING(0), false);
}

Datum
cs_spend_model_in(PG_FUNCTION_ARGS)
{
	return ModelIn(PG_GETARG_CSTRING(0), true);
}

/* Text of a model of either type. */
Datum
cs_clv_model_out(PG_FUNCTION_ARGS)
{
	const ClvModel *model = CsClvModelArg(PG_GETARG_DATUM(0));
	const ClvKindInfo *info = &Kinds[model->kind];
	StringInfoData out;
	const char *comma = "";
	int i;

	initStringInfo(&out);
	appendStringInfo(&out, "{\"v\":%d,\"kind\":\"%s\",\"unit\":\"", model->version, info->name);
	CsLengthText(&out, model->unit);
	appendStringInfoString(&out, "\",\"parameters\":{");
	for (i = 0; i < info->nparameters; i++)
	{
		appendStringInfo(&out, "%s\"%s\":", i == 0 ? "" : ",", info->parameters[i]);
		CsFloatText(&out, model->parameters[i]);
	}
	appendStringInfoChar(&out, '}');
	if (model->customers > 0)
	{
		appendStringInfo(&out, ",\"customers\":" INT64_FORMAT, model->customers);
		for (i = 0; i < CLV_REJECTIONS; i++)
			if (model->rejected[i] > 0)
				appendStringInfo(&out, ",\"rejected_%s\":" INT64_FORMAT, Rejections[i], model->rejected[i]);
		appendStringInfoString(&out, ",\"weight\":");
		CsFloatText(&out, model->weight);
		appendStringInfoString(&out, ",\"log_likelihood\":");
		CsFloatText(&out, model->log_likelihood);
		appendStringInfo(&out, ",\"iterations\":%d,\"data\":\"%016" INT64_MODIFIER "x\",\"warnings\":[",
						 model->iterations, model->fingerprint);
		for (i = 0; i < CLV_WARNINGS; i++)
			if (model->warnings & 1 << i)
			{
				appendStringInfo(&out, "%s\"%s\"", comma, Warnings[i]);
				comma = ",";
			}
		appendStringInfoChar(&out, ']');
	}
	if (CsClvHasErrors(model))
	{
		appendStringInfoString(&out, ",\"covariance\":[");
		for (i = 0; i < CS_TRIANGLE(info->nparameters); i++)
		{
			if (i > 0)
				appendStringInfoChar(&out, ',');
			CsFloatText(&out, model->covariance[i]);
		}
		appendStringInfoChar(&out, ']');
	}
	appendStringInfoChar(&out, '}');
	PG_RETURN_CSTRING(out.data);
}

/* Binary form: the fields in their order, in network byte order. */
static Datum
ModelReceive(StringInfo buf, bool is_spend)
{
	const char *type_name = is_spend ? "spend_model" : "clv_model";
	ClvModel *model = palloc0(sizeof(ClvModel));
	const char *fault;
	int i;

	model->version = pq_getmsgint(buf, 2);
	CsCheckVersion(type_name, model->version, CLV_MODEL_VERSION);
	model->kind = pq_getmsgbyte(buf);
	model->warnings = pq_getmsgbyte(buf);
	model->iterations = pq_getmsgint(buf, 4);
	model->unit = pq_getmsgint64(buf);
	model->customers = pq_getmsgint64(buf);
	for (i = 0; i < CLV_REJECTIONS; i++)
		model->rejected[i] = pq_getmsgint64(buf);
	model->fingerprint = pq_getmsgint64(buf);
	model->weight = pq_getmsgfloat8(buf);
	model->log_likelihood = pq_getmsgfloat8(buf);
	for (i = 0; i < CS_MAX_PARAMETERS; i++)
		model->parameters[i] = pq_getmsgfloat8(buf);
	for (i = 0; i < CS_TRIANGLE(CS_MAX_PARAMETERS); i++)
		model->covariance[i] = pq_getmsgfloat8(buf);

	fault = Contradiction(model, is_spend);
	if (fault != NULL)
		CsBadBinary(type_name, fault);
	PG_RETURN_POINTER(model);
}

Datum
cs_clv_model_recv(PG_FUNCTION_ARGS)
{
	return ModelReceive((StringInfo) PG_GETARG_POINTER(0), false);
}

Datum
cs_spend_model_recv(PG_FUNCTION_ARGS)
{
	return ModelReceive((StringInfo) PG_GETARG_POINTER(0), true);
}

Datum
cs_clv_model_send(PG_FUNCTION_ARGS)
{
	const ClvModel *model = CsClvModelArg(PG_GETARG_DATUM(0));
	StringInfoData buf;
	int i;

	pq_begintypsend(&buf);
	pq_sendint16(&buf, model->version);
	pq_sendbyte(&buf, model->kind);
	pq_sendbyte(&buf, model->warnings);
	pq_sendint32(&buf, model->iterations);
	pq_sendint64(&buf, model->unit);
	pq_sendint64(&buf, model->customers);
	for (i = 0; i < CLV_REJECTIONS; i++)
		pq_sendint64(&buf, model->rejected[i]);
	pq_sendint64(&buf, model->fingerprint);
	pq_sendfloat8(&buf, model->weight);
	pq_sendfloat8(&buf, model->log_likelihood);
	for (i = 0; i < CS_MAX_PARAMETERS; i++)
		pq_sendfloat8(&buf, model->parameters[i]);
	for (i = 0; i < CS_TRIANGLE(CS_MAX_PARAMETERS); i++)
		pq_sendfloat8(&buf, model->covariance[i]);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}
