/*
 * rfm_population.c
 *		rfm_population: the customers that rfm_fit has seen, with its parameters.
 *
 * Within an aggregate the value is an *expanded object*: arrays that grow in
 * place, in a memory context of their own below the aggregate's. It is
 * flattened only to travel, between parallel workers or nodes. Both forms hold
 * the same columns, so that a flat value is read where it lies.
 */
#include "postgres.h"

#include <math.h>

#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "core/compat.h"
#include "core/form.h"
#include "core/moment.h"
#include "math/poll.h"
#include "model/rfm_population.h"

static const char PopulationName[] = "rfm_population";

/* The flat form: columns of n keys each, revenue last; see RfmCustomers. */
typedef struct FlatPopulation
{
	int32 vl_len_;
	uint16 version;
	uint8 kind;
	uint8 decimals;
	TimestampTz as_of;
	int64 n;
	int32 bins;
	int32 wide; /* 1 if revenue takes two words */
	uint64 columns[FLEXIBLE_ARRAY_MEMBER];
} FlatPopulation;

StaticAssertDecl(offsetof(FlatPopulation, columns) == 32, "FlatPopulation has no padding");
StaticAssertDecl(sizeof(int128) == 2 * sizeof(uint64), "a wide revenue takes two words");
StaticAssertDecl(RFM_POPULATION_LIMIT * 32 + 64 < MaxAllocSize, "a population can travel");

#define FLAT_SIZE(n, wide) \
	(offsetof(FlatPopulation, columns) + ((wide) ? 4 : 3) * (Size) (n) * sizeof(uint64))

PG_FUNCTION_INFO_V1(cs_rfm_population_in);
PG_FUNCTION_INFO_V1(cs_rfm_population_out);
PG_FUNCTION_INFO_V1(cs_rfm_population_recv);
PG_FUNCTION_INFO_V1(cs_rfm_population_send);

static Size
FlatSize(ExpandedObjectHeader *header)
{
	RfmPopulation *population = (RfmPopulation *) header;

	return FLAT_SIZE(population->customers.n, population->customers.wide != NULL);
}

static void
FlattenInto(ExpandedObjectHeader *header, void *result, Size size)
{
	RfmPopulation *population = (RfmPopulation *) header;
	RfmCustomers *customers = &population->customers;
	FlatPopulation *flat = result;
	int64 n = customers->n;

	memset(flat, 0, offsetof(FlatPopulation, columns));
	SET_VARSIZE(flat, size);
	flat->version = RFM_POPULATION_VERSION;
	flat->kind = customers->kind;
	flat->decimals = customers->decimals;
	flat->as_of = population->as_of;
	flat->n = n;
	flat->bins = population->bins;
	flat->wide = customers->wide != NULL;
	if (n == 0)
		return;
	memcpy(flat->columns, customers->last, n * sizeof(uint64));
	memcpy(flat->columns + n, customers->orders, n * sizeof(uint64));
	if (flat->wide)
		memcpy(flat->columns + 2 * n, customers->wide, n * sizeof(int128));
	else
		memcpy(flat->columns + 2 * n, customers->revenue, n * sizeof(uint64));
}

static const ExpandedObjectMethods Methods = {FlatSize, FlattenInto};

/* A population of no customers, living below a memory context. */
RfmPopulation *
CsRfmNewPopulation(MemoryContext parent, TimestampTz as_of, int bins, RfmKind kind)
{
	MemoryContext context = AllocSetContextCreate(parent, "rfm_population", ALLOCSET_SMALL_SIZES);
	RfmPopulation *population = MemoryContextAllocZero(context, sizeof(RfmPopulation));

	EOH_init_header(&population->header, &Methods, context);
	population->as_of = as_of;
	population->bins = bins;
	CsRfmInit(&population->customers, context, kind, RFM_POPULATION_LIMIT);
	return population;
}

/*
 * A population to read only: the expanded object itself, or `view` made to look
 * into a flat value, which is not copied.
 */
const RfmPopulation *
CsRfmReadPopulation(Datum value, RfmPopulation *view)
{
	RfmCustomers *customers = &view->customers;
	FlatPopulation *flat;

	if (VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(value)))
	{
		ExpandedObjectHeader *header = DatumGetEOHP(value);

		Assert(header->eoh_methods == &Methods);
		return (const RfmPopulation *) header;
	}
	flat = (FlatPopulation *) PG_DETOAST_DATUM(value);
	CsCheckVersion(PopulationName, flat->version, RFM_POPULATION_VERSION);
	memset(view, 0, sizeof(RfmPopulation));
	view->as_of = flat->as_of;
	view->bins = flat->bins;
	CsRfmInit(customers, CurrentMemoryContext, flat->kind, RFM_POPULATION_LIMIT);
	customers->decimals = flat->decimals;
	customers->n = flat->n;
	customers->capacity = flat->n;
	customers->last = flat->columns;
	customers->orders = flat->columns + flat->n;
	if (flat->wide)
		customers->wide = (int128 *) (flat->columns + 2 * flat->n);
	else
		customers->revenue = flat->columns + 2 * flat->n;
	return view;
}

/*
 * A population to add to, living below a memory context: the expanded object
 * itself when the value may be changed, else a copy.
 */
RfmPopulation *
CsRfmOwnPopulation(Datum value, MemoryContext parent)
{
	RfmPopulation view;
	const RfmPopulation *source;
	RfmPopulation *copy;

	if (VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(value)))
		return (RfmPopulation *) DatumGetEOHP(value);
	source = CsRfmReadPopulation(value, &view);
	copy = CsRfmNewPopulation(parent, source->as_of, source->bins, source->customers.kind);
	CsRfmAppend(&copy->customers, &source->customers);
	return copy;
}

/* The flat form of a population, which is given back. */
static Datum
Flatten(RfmPopulation *population)
{
	Size size = EOH_get_flat_size(&population->header);
	void *flat = palloc(size);

	EOH_flatten_into(&population->header, flat, size);
	DeleteExpandedObject(EOHPGetRWDatum(&population->header));
	return PointerGetDatum(flat);
}

/*
 * What is wrong with a customer that came from outside, or NULL: only what
 * rfm_fit would have taken in is accepted.
 */
static const char *
WrongCustomer(const RfmPopulation *population, const RfmCustomer *customer)
{
	if (!IS_VALID_TIMESTAMP(customer->last) || customer->last > population->as_of)
		return "A last order is out of range.";
	if (customer->orders < 0)
		return "A number of orders is negative.";
	if (!CsRfmRevenueInRange(customer->kind, customer->revenue, customer->scale))
		return "A revenue is out of range.";
	return NULL;
}

/* What is wrong with the parameters of a population from outside, or NULL. */
static const char *
WrongParameters(TimestampTz as_of, int64 bins, int kind, int decimals)
{
	if (!IS_VALID_TIMESTAMP(as_of))
		return "The moment as_of is out of range.";
	if (bins < CS_MIN_BINS || bins > CS_MAX_BINS)
		return "The number of bins is out of range.";
	return CsRfmWrongKind(kind, decimals);
}

/* Read a whole number of at most 38 digits; false if there is none. */
static bool
ScanWhole(const char **text, int128 *value)
{
	const char *p = *text;
	int128 number = 0;
	int digits = 0;

	for (; *p >= '0' && *p <= '9'; p++)
	{
		if (++digits > 38)
			return false;
		number = number * 10 + (*p - '0');
	}
	*text = p;
	*value = number;
	return digits > 0;
}

/* Read money that has exactly `decimals` decimals, as units. */
static bool
ScanMoney(const char **text, int decimals, int128 *units)
{
	bool negative = **text == '-';
	const char *point;
	int128 whole;
	int128 fraction = 0;
	int128 limit = INT64CONST(10000000000) * (int128) INT64CONST(10000000000);
	int i;

	*text += negative;
	if (!ScanWhole(text, &whole) || whole >= limit)
		return false;
	if (decimals > 0)
	{
		if (**text != '.')
			return false;
		point = ++(*text);
		if (!ScanWhole(text, &fraction) || *text - point != decimals)
			return false;
	}
	for (i = decimals; i < CS_MONEY_DECIMALS; i++)
		fraction *= 10;
	*units = whole * INT64CONST(1000000000000) + fraction;
	if (negative)
		*units = -*units;
	return true;
}

/* Read a float as double_to_shortest_decimal_buf writes it. */
static bool
ScanFloat(const char **text, RfmCustomer *customer)
{
	const char *expected = *text + strspn(*text, "0123456789+-.e");
	char *end;
	float8 value;

	value = strtod(*text, &end);
	if (end == *text || end != expected || !isfinite(value))
		return false;
	*text = end;
	CsRfmRevenueFloat8(customer, Float8GetDatum(value));
	return true;
}

/* Read one customer: age in microseconds, orders and revenue. */
static bool
ScanCustomer(const char **text, const RfmPopulation *population, int decimals, RfmCustomer *customer)
{
	int128 age;
	int128 orders;

	if (!ScanWhole(text, &age) || age > (uint64) population->as_of - (uint64) MIN_TIMESTAMP ||
		*(*text)++ != ' ')
		return false;
	if (!ScanWhole(text, &orders) || orders > PG_INT64_MAX || *(*text)++ != ' ')
		return false;
	customer->last = (TimestampTz) ((uint64) population->as_of - (uint64) age);
	customer->orders = (int64) orders;
	customer->kind = population->customers.kind;
	customer->scale = decimals;
	if (customer->kind == RFM_MONEY)
		return ScanMoney(text, decimals, &customer->revenue);
	return ScanFloat(text, customer);
}

/*
 * Text form: {"v":1,"as_of":…,"bins":5,"revenue_type":"numeric","decimals":2,
 * "customers":"86400000000 3 59.97,…"}. The customers are one string, because
 * there may be millions of them: age of the last order in microseconds, orders,
 * revenue.
 */
Datum
cs_rfm_population_in(PG_FUNCTION_ARGS)
{
	RfmPopulation *population;
	CsForm form;
	TimestampTz as_of;
	char *kind_name;
	char *customers;
	const char *p;
	const char *fault;
	int64 bins;
	int decimals;
	RfmKind kind;

	CsFormOpen(&form, PopulationName, PG_GETARG_CSTRING(0));
	CsCheckVersion(PopulationName, CsFormInt64(&form, "v", 0, PG_INT16_MAX), RFM_POPULATION_VERSION);
	if (!CsFormMoment(&form, "as_of", &as_of))
		CsBadText(PopulationName, "Key \"as_of\" is missing.");
	bins = CsFormInt64(&form, "bins", CS_MIN_BINS, CS_MAX_BINS);
	kind_name = CsFormString(&form, "revenue_type");
	decimals = CsFormInt64(&form, "decimals", 0, CS_MONEY_DECIMALS);
	customers = CsFormString(&form, "customers");
	CsFormClose(&form);

	kind = CsRfmKindByName(PopulationName, kind_name);
	fault = WrongParameters(as_of, bins, kind, decimals);
	if (fault != NULL)
		CsBadText(PopulationName, fault);
	population = CsRfmNewPopulation(CurrentMemoryContext, as_of, bins, kind);
	p = customers;
	do
	{
		RfmCustomer customer;

		CHECK_FOR_INTERRUPTS();
		if (!ScanCustomer(&p, population, decimals, &customer))
			CsBadText(PopulationName,
					  "A customer must be an age in microseconds, a number of orders and a revenue "
					  "with the decimals.");
		fault = WrongCustomer(population, &customer);
		if (fault != NULL)
			CsBadText(PopulationName, fault);
		CsRfmAdd(&population->customers, &customer);
	} while (*p == ',' && p++);
	if (*p != '\0')
		CsBadText(PopulationName, "Customers must be separated by commas.");
	return Flatten(population);
}

Datum
cs_rfm_population_out(PG_FUNCTION_ARGS)
{
	RfmPopulation view;
	const RfmPopulation *population = CsRfmReadPopulation(PG_GETARG_DATUM(0), &view);
	const RfmCustomers *customers = &population->customers;
	StringInfoData out;
	int64 i;

	initStringInfo(&out);
	appendStringInfo(&out, "{\"v\":%d,\"as_of\":\"", RFM_POPULATION_VERSION);
	CsMomentText(&out, population->as_of);
	appendStringInfo(&out, "\",\"bins\":%d,\"revenue_type\":\"%s\",\"decimals\":%d,\"customers\":\"",
					 population->bins, CsRfmKindName(customers->kind), customers->decimals);
	for (i = 0; i < customers->n; i++)
	{
		RfmCustomer customer;

		CHECK_FOR_INTERRUPTS();
		CsRfmGet(customers, i, &customer);
		appendStringInfo(&out, "%s" UINT64_FORMAT " " INT64_FORMAT " ", i == 0 ? "" : ",",
						 (uint64) population->as_of - (uint64) customer.last, customer.orders);
		CsRfmRevenueText(&out, customer.kind, customer.revenue, customers->decimals);
	}
	appendStringInfoString(&out, "\"}");
	PG_RETURN_CSTRING(out.data);
}

/*
 * Binary form: the parameters, then each customer with the revenue as a 128-bit
 * value, all in network byte order.
 */
Datum
cs_rfm_population_recv(PG_FUNCTION_ARGS)
{
	StringInfo buf = (StringInfo) PG_GETARG_POINTER(0);
	RfmPopulation *population;
	TimestampTz as_of;
	const char *fault;
	int64 n;
	int64 i;
	uint32 bins;
	int kind;
	int decimals;

	CsCheckVersion(PopulationName, pq_getmsgint(buf, 2), RFM_POPULATION_VERSION);
	kind = pq_getmsgbyte(buf);
	decimals = pq_getmsgbyte(buf);
	bins = pq_getmsgint(buf, 4);
	as_of = pq_getmsgint64(buf);
	n = pq_getmsgint64(buf);
	fault = WrongParameters(as_of, bins, kind, decimals);
	if (fault != NULL)
		CsBadBinary(PopulationName, fault);
	if (n < 1 || n > RFM_POPULATION_LIMIT || buf->len - buf->cursor != n * 32)
		CsBadBinary(PopulationName, "The number of customers contradicts the length.");
	population = CsRfmNewPopulation(CurrentMemoryContext, as_of, bins, kind);
	CsRfmReserve(&population->customers, n);
	for (i = 0; i < n; i++)
	{
		RfmCustomer customer;
		int64 upper;

		CHECK_FOR_INTERRUPTS();
		customer.kind = kind;
		customer.scale = decimals;
		customer.last = pq_getmsgint64(buf);
		customer.orders = pq_getmsgint64(buf);
		upper = pq_getmsgint64(buf);
		customer.revenue = ((int128) upper << 64) | (uint64) pq_getmsgint64(buf);
		fault = WrongCustomer(population, &customer);
		if (fault != NULL)
			CsBadBinary(PopulationName, fault);
		CsRfmAdd(&population->customers, &customer);
	}
	return Flatten(population);
}

Datum
cs_rfm_population_send(PG_FUNCTION_ARGS)
{
	RfmPopulation view;
	const RfmPopulation *population = CsRfmReadPopulation(PG_GETARG_DATUM(0), &view);
	const RfmCustomers *customers = &population->customers;
	StringInfoData buf;
	int64 i;

	pq_begintypsend(&buf);
	pq_sendint16(&buf, RFM_POPULATION_VERSION);
	pq_sendbyte(&buf, customers->kind);
	pq_sendbyte(&buf, customers->decimals);
	pq_sendint32(&buf, population->bins);
	pq_sendint64(&buf, population->as_of);
	pq_sendint64(&buf, customers->n);
	enlargeStringInfo(&buf, customers->n * 32);
	for (i = 0; i < customers->n; i++)
	{
		RfmCustomer customer;

		CHECK_FOR_INTERRUPTS();
		CsRfmGet(customers, i, &customer);
		pq_sendint64(&buf, customer.last);
		pq_sendint64(&buf, customer.orders);
		pq_sendint64(&buf, (uint64) (customer.revenue >> 64));
		pq_sendint64(&buf, (uint64) customer.revenue);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}
