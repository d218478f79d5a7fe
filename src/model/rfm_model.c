/*
 * rfm_model.c
 *		rfm_model: the breaks of a population, frozen.
 *
 * A model holds the breaks as they were at its own as_of: recency as ages
 * before that moment, so that it can be laid against any other moment, orders,
 * and revenue. Revenue is exact money or double precision, and the model knows
 * which. The text form is made for reading: ages as ISO 8601 durations, money
 * with its decimals.
 */
#include "postgres.h"

#include "libpq/pqformat.h"
#include "utils/builtins.h"

#include "core/compat.h"
#include "core/form.h"
#include "core/moment.h"
#include "model/rfm_model.h"

static const char ModelName[] = "rfm_model";

PG_FUNCTION_INFO_V1(cs_rfm_model_in);
PG_FUNCTION_INFO_V1(cs_rfm_model_out);
PG_FUNCTION_INFO_V1(cs_rfm_model_recv);
PG_FUNCTION_INFO_V1(cs_rfm_model_send);

/* A model without breaks yet. */
static RfmModel *
NewModel(int bins)
{
	Size size = RFM_MODEL_SIZE(bins);
	RfmModel *model = palloc0(size);

	SET_VARSIZE(model, size);
	model->version = RFM_MODEL_VERSION;
	model->bins = bins;
	return model;
}

static void
SetRevenueBreak(RfmModel *model, int k, int128 revenue)
{
	uint64 *lower = model->breaks + 2 * (model->bins - 1);

	lower[k] = (uint64) revenue;
	lower[k + model->bins - 1] = (uint64) (revenue >> 64);
}

/* Freeze breaks. */
RfmModel *
CsRfmMakeModel(const RfmBreaks *breaks, TimestampTz as_of)
{
	RfmModel *model = NewModel(breaks->bins);
	int k;

	model->kind = breaks->kind;
	model->scale = breaks->scale;
	model->as_of = as_of;
	model->customers = breaks->customers;
	for (k = 0; k < breaks->bins - 1; k++)
	{
		CsRfmModelAges(model)[k] = (uint64) as_of - (uint64) breaks->last[k];
		CsRfmModelOrders(model)[k] = breaks->orders[k];
		SetRevenueBreak(model, k, breaks->revenue[k]);
	}
	return model;
}

/* A stored model, whole and aligned; refused when another version wrote it. */
RfmModel *
CsRfmModelArg(Datum value)
{
	RfmModel *model = (RfmModel *) PG_DETOAST_DATUM(value);

	CsCheckVersion(ModelName, model->version, RFM_MODEL_VERSION);
	return model;
}

/*
 * What contradicts itself in a model that came from outside, or NULL: every
 * value accepted here is one that some population would have produced.
 */
static const char *
Contradiction(const RfmModel *model)
{
	const uint64 *ages = CsRfmModelAges(model);
	const int64 *orders = CsRfmModelOrders(model);
	const char *fault = CsRfmWrongKind(model->kind, model->scale);
	int k;

	if (fault != NULL)
		return fault;
	if (!IS_VALID_TIMESTAMP(model->as_of))
		return "The moment as_of is out of range.";
	if (model->customers < 1)
		return "There must be at least one customer.";
	for (k = 0; k < model->bins - 1; k++)
	{
		if (ages[k] > (uint64) model->as_of - (uint64) MIN_TIMESTAMP)
			return "A break of recency is out of range.";
		if (orders[k] < 0)
			return "A break of orders is negative.";
		if (!CsRfmRevenueInRange(model->kind, CsRfmModelRevenue(model, k), model->scale))
			return "A break of revenue is out of range.";
		if (k > 0 && ages[k] > ages[k - 1])
			return "The breaks of recency must not rise.";
		if (k > 0 && orders[k] < orders[k - 1])
			return "The breaks of orders must not fall.";
		if (k > 0 && CsRfmModelRevenue(model, k) < CsRfmModelRevenue(model, k - 1))
			return "The breaks of revenue must not fall.";
	}
	return NULL;
}

/* Read the array of revenue breaks, whose numbers of decimals give the scale. */
static void
ReadRevenue(RfmModel *model, Numeric *numbers)
{
	int k;

	for (k = 0; k < model->bins - 1; k++)
	{
		RfmCustomer customer;

		if (model->kind == RFM_MONEY)
			CsRfmRevenueNumeric(&customer, NumericGetDatum(numbers[k]));
		else
			CsRfmRevenueFloat8(&customer, DirectFunctionCall1(numeric_float8, NumericGetDatum(numbers[k])));
		SetRevenueBreak(model, k, customer.revenue);
		model->scale = Max(model->scale, customer.scale);
	}
}

/*
 * Text form: {"v":1,"as_of":…,"bins":5,"customers":1000,"recency":["P300D",…],
 * "orders":[1,…],"revenue_type":"numeric","revenue":[10.00,…]}, with bins - 1
 * breaks each, in the order of rising scores.
 */
Datum
cs_rfm_model_in(PG_FUNCTION_ARGS)
{
	RfmModel *model;
	CsForm form;
	char **ages;
	int64 *orders;
	Numeric *revenue;
	char *kind;
	int64 bins;
	int n_ages;
	int n_orders;
	int n_revenue;
	int k;
	const char *fault;

	CsFormOpen(&form, ModelName, PG_GETARG_CSTRING(0));
	CsCheckVersion(ModelName, CsFormInt64(&form, "v", 0, PG_INT16_MAX), RFM_MODEL_VERSION);
	bins = CsFormInt64(&form, "bins", CS_MIN_BINS, CS_MAX_BINS);
	model = NewModel(bins);
	if (!CsFormMoment(&form, "as_of", &model->as_of))
		CsBadText(ModelName, "Key \"as_of\" is missing.");
	model->customers = CsFormInt64(&form, "customers", 1, PG_INT64_MAX);
	ages = CsFormStringArray(&form, "recency", &n_ages);
	orders = CsFormInt64Array(&form, "orders", 0, PG_INT64_MAX, &n_orders);
	kind = CsFormString(&form, "revenue_type");
	revenue = CsFormNumericArray(&form, "revenue", &n_revenue);
	CsFormClose(&form);

	if (n_ages != bins - 1 || n_orders != bins - 1 || n_revenue != bins - 1)
		CsBadText(ModelName, "There must be one break less than bins in recency, orders and revenue.");
	model->kind = CsRfmKindByName(ModelName, kind);
	for (k = 0; k < bins - 1; k++)
	{
		CsRfmModelAges(model)[k] = CsLengthFromText(ModelName, ages[k]);
		CsRfmModelOrders(model)[k] = orders[k];
	}
	ReadRevenue(model, revenue);

	fault = Contradiction(model);
	if (fault != NULL)
		CsBadText(ModelName, fault);
	PG_RETURN_POINTER(model);
}

Datum
cs_rfm_model_out(PG_FUNCTION_ARGS)
{
	RfmModel *model = CsRfmModelArg(PG_GETARG_DATUM(0));
	StringInfoData out;
	int k;

	initStringInfo(&out);
	appendStringInfo(&out, "{\"v\":%d,\"as_of\":\"", model->version);
	CsMomentText(&out, model->as_of);
	appendStringInfo(&out, "\",\"bins\":%d,\"customers\":" INT64_FORMAT ",\"recency\":[", model->bins,
					 model->customers);
	for (k = 0; k < model->bins - 1; k++)
	{
		appendStringInfoString(&out, k == 0 ? "\"" : ",\"");
		CsLengthText(&out, CsRfmModelAges(model)[k]);
		appendStringInfoChar(&out, '"');
	}
	appendStringInfoString(&out, "],\"orders\":[");
	for (k = 0; k < model->bins - 1; k++)
		appendStringInfo(&out, "%s" INT64_FORMAT, k == 0 ? "" : ",", CsRfmModelOrders(model)[k]);
	appendStringInfo(&out, "],\"revenue_type\":\"%s\",\"revenue\":[", CsRfmKindName(model->kind));
	for (k = 0; k < model->bins - 1; k++)
	{
		if (k > 0)
			appendStringInfoChar(&out, ',');
		CsRfmRevenueText(&out, model->kind, CsRfmModelRevenue(model, k), model->scale);
	}
	appendStringInfoString(&out, "]}");
	PG_RETURN_CSTRING(out.data);
}

/* Binary form: the fields in their order, in network byte order. */
Datum
cs_rfm_model_recv(PG_FUNCTION_ARGS)
{
	StringInfo buf = (StringInfo) PG_GETARG_POINTER(0);
	RfmModel *model;
	uint32 bins;
	int version;
	int i;
	const char *fault;

	version = pq_getmsgint(buf, 2);
	CsCheckVersion(ModelName, version, RFM_MODEL_VERSION);
	bins = pq_getmsgint(buf, 4);
	if (bins < CS_MIN_BINS || bins > CS_MAX_BINS)
		CsBadBinary(ModelName, "The number of bins is out of range.");
	model = NewModel(bins);
	model->kind = pq_getmsgbyte(buf);
	model->scale = pq_getmsgbyte(buf);
	model->as_of = pq_getmsgint64(buf);
	model->customers = pq_getmsgint64(buf);
	for (i = 0; i < 4 * (model->bins - 1); i++)
		model->breaks[i] = pq_getmsgint64(buf);

	fault = Contradiction(model);
	if (fault != NULL)
		CsBadBinary(ModelName, fault);
	PG_RETURN_POINTER(model);
}

Datum
cs_rfm_model_send(PG_FUNCTION_ARGS)
{
	RfmModel *model = CsRfmModelArg(PG_GETARG_DATUM(0));
	StringInfoData buf;
	int i;

	pq_begintypsend(&buf);
	pq_sendint16(&buf, model->version);
	pq_sendint32(&buf, model->bins);
	pq_sendbyte(&buf, model->kind);
	pq_sendbyte(&buf, model->scale);
	pq_sendint64(&buf, model->as_of);
	pq_sendint64(&buf, model->customers);
	for (i = 0; i < 4 * (model->bins - 1); i++)
		pq_sendint64(&buf, model->breaks[i]);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/* The bins of a model that is given as text. */
int
CsBinsOfBreaks(const char *model)
{
	return CsRfmModelArg(DirectFunctionCall1(cs_rfm_model_in, CStringGetDatum(model)))->bins;
}

/*
 * Whether two models, given as text, have the same breaks: recency counts as the
 * moment that a break stands for, whenever the models are of.
 */
bool
CsSameBreaks(const char *one, const char *other)
{
	RfmModel *a = CsRfmModelArg(DirectFunctionCall1(cs_rfm_model_in, CStringGetDatum(one)));
	RfmModel *b = CsRfmModelArg(DirectFunctionCall1(cs_rfm_model_in, CStringGetDatum(other)));
	int k;

	if (a->bins != b->bins || a->kind != b->kind)
		return false;
	for (k = 0; k < a->bins - 1; k++)
		if ((uint64) a->as_of - CsRfmModelAges(a)[k] != (uint64) b->as_of - CsRfmModelAges(b)[k] ||
			CsRfmModelOrders(a)[k] != CsRfmModelOrders(b)[k] ||
			CsRfmModelRevenue(a, k) != CsRfmModelRevenue(b, k))
			return false;
	return true;
}
