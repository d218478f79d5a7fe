/*
 * clv_population.c
 *		clv_population: the customers that a fit has seen.
 *
 * Within an aggregate the value is an *expanded object*: an array of rows that
 * grows in place, in a memory context of its own below the aggregate's. Customers
 * with the same figures become one row with a count whenever the array has
 * doubled since that was last looked for, and before it is flattened or fitted:
 * then rows are sorted too, and the same customers give the same fit however they
 * came together. A row takes 8 bytes as long as figures are whole numbers that
 * are not too large, else 24, or 32 once a weight is not 1.
 */
#include "postgres.h"

#include <math.h>

#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "core/compat.h"
#include "core/form.h"
#include "core/moment.h"
#include "math/rows.h"
#include "model/clv_population.h"

#define FEW_ROWS 64
#define COLLAPSE_FROM 4096

static const char PopulationName[] = "clv_population";

/* The flat form: the head, and the rows as they are in memory. */
typedef struct FlatPopulation
{
	int32 vl_len_;
	int32 version;
	ClvPopulationHead head;
	char rows[FLEXIBLE_ARRAY_MEMBER];
} FlatPopulation;

StaticAssertDecl(sizeof(CsFigures) == 24, "a row has no padding");
StaticAssertDecl(sizeof(CsWeightedFigures) == 32, "a row with a weight has no padding");
StaticAssertDecl(offsetof(FlatPopulation, rows) % 8 == 0, "rows are aligned");
StaticAssertDecl(CLV_POPULATION_LIMIT * 32 + 128 < MaxAllocSize, "a population can travel");

PG_FUNCTION_INFO_V1(cs_clv_population_in);
PG_FUNCTION_INFO_V1(cs_clv_population_out);
PG_FUNCTION_INFO_V1(cs_clv_population_recv);
PG_FUNCTION_INFO_V1(cs_clv_population_send);

#define ROW CsFigures
#define FIGURES(row) (row)
#define WEIGHT(row) 1.0
#define NAME(word) word##Plain
#include "model/clv_rows.h"

#define ROW CsWeightedFigures
#define FIGURES(row) (&(row)->figures)
#define WEIGHT(row) ((row)->weight)
#define NAME(word) word##Weighted
#include "model/clv_rows.h"

/*
 * The same for packed rows, whose lowest bits are counts: what is above them
 * tells whether rows are equal. A count that is full begins another row. While
 * sorting rows need as much space again.
 */
static int64
CollapsePacked(uint64 *rows, int64 n)
{
	uint64 *space = MemoryContextAllocHuge(CurrentMemoryContext, Max(n, 1) * sizeof(uint64));
	int64 kept = 0;
	int64 i;

	cs_sort_packed(rows, n, space);
	pfree(space);
	for (i = 1; i < n; i++)
	{
		if ((rows[kept] ^ rows[i]) <= CS_PACKED_COUNTS)
		{
			uint64 count = (rows[kept] & CS_PACKED_COUNTS) + (rows[i] & CS_PACKED_COUNTS);

			rows[kept] |= CS_PACKED_COUNTS;
			if (count > CS_PACKED_COUNTS)
				rows[++kept] = (rows[i] & ~(uint64) CS_PACKED_COUNTS) | (count - CS_PACKED_COUNTS);
			else
				rows[kept] ^= CS_PACKED_COUNTS ^ count;
		}
		else
			rows[++kept] = rows[i];
	}
	return n == 0 ? 0 : kept + 1;
}

/*
 * Make one row of customers with the same figures, and have the rows sorted. The
 * value stays the same, so this is for readers too.
 */
void
CsClvCollapse(ClvPopulation *population)
{
	ClvPopulationHead *head = &population->head;

	if (population->collapsed)
		return;
	switch ((CsRowFormat) head->format)
	{
		case CS_ROWS_PACKED:
			head->n = CollapsePacked(population->rows, head->n);
			break;
		case CS_ROWS_PLAIN:
			head->n = CollapsePlain(population->rows, head->n);
			break;
		case CS_ROWS_WEIGHTED:
			head->n = CollapseWeighted(population->rows, head->n);
			break;
	}
	population->collapse_at = Max(2 * head->n, COLLAPSE_FROM);
	population->collapsed = true;
}

/* A row of a population; the weight of one customer of it is returned. */
static double
ReadRow(const ClvPopulationHead *head, const void *rows, int64 i, CsFigures *figures)
{
	CsPopulation population = {.format = (CsRowFormat) head->format, .rows = rows};

	(void) cs_read_row(&population, i, figures);
	return head->format == CS_ROWS_WEIGHTED ? ((const CsWeightedFigures *) rows)[i].weight : 1.0;
}

static Size
FlatSize(ExpandedObjectHeader *header)
{
	ClvPopulation *population = (ClvPopulation *) header;

	CsClvCollapse(population);
	return offsetof(FlatPopulation, rows) +
		   population->head.n * cs_row_size((CsRowFormat) population->head.format);
}

static void
FlattenInto(ExpandedObjectHeader *header, void *result, Size size)
{
	ClvPopulation *population = (ClvPopulation *) header;
	FlatPopulation *flat = result;

	memset(flat, 0, offsetof(FlatPopulation, rows));
	SET_VARSIZE(flat, size);
	flat->version = CLV_POPULATION_VERSION;
	flat->head = population->head;
	if (population->head.n > 0)
		memcpy(flat->rows, population->rows, size - offsetof(FlatPopulation, rows));
}

static const ExpandedObjectMethods Methods = {FlatSize, FlattenInto};

/* A population of no customers, living below a memory context. */
ClvPopulation *
CsClvNewPopulation(MemoryContext parent, bool spend)
{
	MemoryContext context = AllocSetContextCreate(parent, "clv_population", ALLOCSET_SMALL_SIZES);
	ClvPopulation *population = MemoryContextAllocZero(context, sizeof(ClvPopulation));

	EOH_init_header(&population->header, &Methods, context);
	population->head.spend = spend;
	population->head.format = spend ? CS_ROWS_PLAIN : CS_ROWS_PACKED;
	population->collapse_at = COLLAPSE_FROM;
	return population;
}

/* Make room for more rows. Large arrays grow by a quarter: memory is what counts, and the system moves pages. */
static void
Reserve(ClvPopulation *population, int64 more)
{
	ClvPopulationHead *head = &population->head;
	int64 wanted = head->n + more;
	int64 capacity = Max(population->capacity + population->capacity / 4, FEW_ROWS);

	if (wanted <= population->capacity)
		return;
	if (wanted > CLV_POPULATION_LIMIT)
	{
		CsClvCollapse(population);
		wanted = head->n + more;
		if (wanted > CLV_POPULATION_LIMIT)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("too many customers to fit at once"),
					 errdetail("A fit takes " INT64_FORMAT " customers with different figures.",
							   CLV_POPULATION_LIMIT),
					 errhint("Make summaries in longer units, such as '7 days', which makes more of them "
							 "equal, or fit a sample: WHERE random() < 0.1.")));
		if (wanted <= population->capacity)
			return;
	}
	capacity = Min(Max(capacity, wanted), CLV_POPULATION_LIMIT);
	if (population->rows == NULL)
		population->rows = MemoryContextAllocHuge(population->header.eoh_context,
												  capacity * cs_row_size((CsRowFormat) head->format));
	else
		population->rows = repalloc_huge(population->rows,
										 capacity * cs_row_size((CsRowFormat) head->format));
	population->capacity = capacity;
}

/* Write a row in a format. */
static void
WriteRow(void *rows, CsRowFormat format, int64 i, const CsFigures *figures, double weight)
{
	if (format == CS_ROWS_PACKED)
		((uint64 *) rows)[i] = (uint64) figures->frequency << (64 - CS_PACKED_FREQUENCY_BITS) |
							   (uint64) figures->first << (CS_PACKED_COUNT_BITS + CS_PACKED_TIME_BITS) |
							   (uint64) figures->second << CS_PACKED_COUNT_BITS | figures->count;
	else if (format == CS_ROWS_PLAIN)
		((CsFigures *) rows)[i] = *figures;
	else
	{
		((CsWeightedFigures *) rows)[i].figures = *figures;
		((CsWeightedFigures *) rows)[i].weight = weight;
	}
}

/* Have all rows in a format that holds more. */
static void
ChangeFormat(ClvPopulation *population, CsRowFormat format)
{
	ClvPopulationHead *head = &population->head;
	void *before = population->rows;
	void *rows;
	int64 i;

	if (before != NULL)
	{
		CsClvCollapse(population);
		rows = MemoryContextAllocHuge(population->header.eoh_context,
									  population->capacity * cs_row_size(format));
		for (i = 0; i < head->n; i++)
		{
			CsFigures figures;
			double weight = ReadRow(head, before, i, &figures);

			if (i % 65536 == 0)
				CHECK_FOR_INTERRUPTS();
			WriteRow(rows, format, i, &figures, weight);
		}
		population->rows = rows;
		pfree(before);
	}
	head->format = format;
}

/* Whether figures can be packed. */
static inline bool
CanPack(const CsFigures *figures)
{
	return figures->second < CS_PACKED_TIMES && figures->second == (int) figures->second &&
		   figures->first == (int) figures->first && figures->frequency < 1 << CS_PACKED_FREQUENCY_BITS &&
		   figures->count <= CS_PACKED_COUNTS;
}

/* Add rows with the same figures and a weight. */
static inline void
AddRow(ClvPopulation *population, const CsFigures *figures, double weight)
{
	ClvPopulationHead *head = &population->head;

	if (head->format != CS_ROWS_WEIGHTED)
	{
		if (unlikely(weight != 1.0))
			ChangeFormat(population, CS_ROWS_WEIGHTED);
		else if (head->format == CS_ROWS_PACKED && unlikely(!CanPack(figures)))
			ChangeFormat(population, CS_ROWS_PLAIN);
	}
	if (unlikely(head->n >= population->collapse_at))
		CsClvCollapse(population);
	if (unlikely(head->n == population->capacity))
		Reserve(population, 1);
	WriteRow(population->rows, (CsRowFormat) head->format, head->n++, figures, weight);
	population->collapsed = false;
}

/* Take one customer in. */
void
CsClvAdd(ClvPopulation *population, const CsFigures *figures, double weight)
{
	AddRow(population, figures, weight);
	population->head.customers++;
}

/* All summaries must count time in the same unit. */
void
CsClvCheckSameUnit(ClvPopulation *population, int64 unit)
{
	if (population->head.unit == 0)
		population->head.unit = unit;
	else if (unit != 0 && unit != population->head.unit)
		CsClvOtherUnit(unit, population->head.unit, "a summary");
}

/* A value that is flat, of this version. */
static const FlatPopulation *
FlatArg(Datum value)
{
	const FlatPopulation *flat = (const FlatPopulation *) PG_DETOAST_DATUM(value);

	CsCheckVersion(PopulationName, flat->version, CLV_POPULATION_VERSION);
	return flat;
}

/* Add the customers of another value. */
void
CsClvAppend(ClvPopulation *population, Datum other)
{
	const ClvPopulationHead *head;
	const void *rows;
	int64 i;

	if (VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(other)))
	{
		const ClvPopulation *expanded = (const ClvPopulation *) DatumGetEOHP(other);

		Assert(expanded->header.eoh_methods == &Methods);
		head = &expanded->head;
		rows = expanded->rows;
	}
	else
	{
		const FlatPopulation *flat = FlatArg(other);

		head = &flat->head;
		rows = flat->rows;
	}
	if (head->spend != population->head.spend)
		CsMixedParameter("kind of model");
	CsClvCheckSameUnit(population, head->unit);
	population->head.customers = CsAddCounts(population->head.customers, head->customers, "customers");
	for (i = 0; i < CLV_REJECTIONS; i++)
		population->head.rejected[i] = CsAddCounts(population->head.rejected[i], head->rejected[i],
												   "rejected rows");
	for (i = 0; i < head->n; i++)
	{
		CsFigures figures;
		double weight = ReadRow(head, rows, i, &figures);

		if (i % 65536 == 0)
			CHECK_FOR_INTERRUPTS();
		AddRow(population, &figures, weight);
	}
}

/*
 * A population to add to, living below a memory context: the expanded object
 * itself when the value may be changed, else a copy.
 */
ClvPopulation *
CsClvOwnPopulation(Datum value, MemoryContext parent)
{
	ClvPopulation *copy;
	bool spend;

	if (VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(value)))
		return (ClvPopulation *) DatumGetEOHP(value);
	spend = VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(value))
				? ((const ClvPopulation *) DatumGetEOHP(value))->head.spend
				: FlatArg(value)->head.spend;
	copy = CsClvNewPopulation(parent, spend);
	CsClvAppend(copy, value);
	return copy;
}

/* The flat form of a population, which is given back. */
static Datum
Flatten(ClvPopulation *population)
{
	Size size = EOH_get_flat_size(&population->header);
	void *flat = palloc(size);

	EOH_flatten_into(&population->header, flat, size);
	DeleteExpandedObject(EOHPGetRWDatum(&population->header));
	return PointerGetDatum(flat);
}

/* What is wrong with a row that came from outside, or NULL: only what a fit would have taken in is accepted. */
static const char *
WrongRow(bool spend, const CsFigures *row, double weight)
{
	if (row->count == 0 || !(weight >= CLV_LEAST_WEIGHT && weight <= CLV_MOST_WEIGHT))
		return "A weight or count is out of range.";
	if (!isfinite(row->first) || !isfinite(row->second) || row->frequency < 0)
		return "A figure is out of range.";
	if (spend)
		return row->frequency > 0 && row->first > 0.0 && row->second == 0.0 ? NULL
																			: "A mean value is out of range.";
	if (row->first < 0.0 || row->first > row->second || (row->frequency > 0) != (row->first > 0.0))
		return "Frequency, recency and age contradict each other.";
	return NULL;
}

/* The same of the head. */
static const char *
WrongHead(const ClvPopulationHead *head)
{
	int i;

	if (head->unit < 0 || (head->unit == 0 && head->n > 0))
		return "The unit is out of range.";
	if (head->customers < 0 || head->n < 0 || head->n > CLV_POPULATION_LIMIT ||
		(head->customers == 0) != (head->n == 0))
		return "A number of customers is out of range.";
	for (i = 0; i < CLV_REJECTIONS; i++)
		if (head->rejected[i] < 0)
			return "A number of rejected rows is out of range.";
	return NULL;
}

/* Rows count for as many customers as the head says. */
static const char *
WrongTotal(const ClvPopulation *population)
{
	uint64 total = 0;
	CsFigures figures;
	int64 i;

	for (i = 0; i < population->head.n; i++)
	{
		(void) ReadRow(&population->head, population->rows, i, &figures);
		total += figures.count;
	}
	return total == population->head.customers ? NULL : "Rows do not add up to the number of customers.";
}

/* Read a number as CsFloatText writes it. */
static bool
ScanFloat(const char **text, double *value)
{
	char *end;

	*value = strtod(*text, &end);
	if (end == *text || end != *text + strspn(*text, "0123456789+-.e"))
		return false;
	*text = end;
	return true;
}

/* Read one row: frequency, count, both figures, and the weight if there is one. */
static bool
ScanRow(const char **text, bool weighted, CsFigures *row, double *weight)
{
	double frequency;
	double count;

	*weight = 1.0;
	if (!ScanFloat(text, &frequency) || *(*text)++ != ' ' || !ScanFloat(text, &count) || *(*text)++ != ' ' ||
		!ScanFloat(text, &row->first) || *(*text)++ != ' ' || !ScanFloat(text, &row->second))
		return false;
	if (weighted && (*(*text)++ != ' ' || !ScanFloat(text, weight)))
		return false;
	if (!(frequency >= 0 && frequency <= PG_INT32_MAX) || !(count >= 0 && count <= PG_UINT32_MAX))
		return false;
	row->frequency = (int32) frequency;
	row->count = (uint32) count;
	return row->frequency == frequency && row->count == count;
}

/*
 * Text form: {"v":1,"spend":0,"unit":"P1D","customers":3,"rejected":[0,0,0,0],
 * "weighted":0,"rows":"0 2 0 38,2 1 30 39"}. The rows are one string, because
 * there may be millions of them: frequency, count, recency and age or mean value
 * and 0, weight.
 */
Datum
cs_clv_population_in(PG_FUNCTION_ARGS)
{
	ClvPopulation *population;
	ClvPopulationHead head = {0};
	CsForm form;
	bool weighted;
	int64 *rejected;
	const char *fault;
	char *rows;
	const char *p;
	int n;

	CsFormOpen(&form, PopulationName, PG_GETARG_CSTRING(0));
	CsCheckVersion(PopulationName, CsFormInt64(&form, "v", 0, PG_INT16_MAX), CLV_POPULATION_VERSION);
	head.spend = CsFormInt64(&form, "spend", 0, 1);
	if (CsFormHas(&form, "unit"))
	{
		uint64 unit = CsLengthFromText(PopulationName, CsFormString(&form, "unit"));

		head.unit = (int64) Min(unit, PG_INT64_MAX);
	}
	head.customers = CsFormInt64(&form, "customers", 0, PG_INT64_MAX);
	rejected = CsFormInt64Array(&form, "rejected", 0, PG_INT64_MAX, &n);
	if (n != CLV_REJECTIONS)
		CsBadText(PopulationName, "There must be a count for each reason to reject a row.");
	memcpy(head.rejected, rejected, sizeof(head.rejected));
	weighted = CsFormInt64(&form, "weighted", 0, 1);
	rows = CsFormString(&form, "rows");
	CsFormClose(&form);

	population = CsClvNewPopulation(CurrentMemoryContext, head.spend);
	if (weighted)
		ChangeFormat(population, CS_ROWS_WEIGHTED);
	for (p = rows; *p != '\0';)
	{
		CsFigures row;
		double weight;

		CHECK_FOR_INTERRUPTS();
		if (!ScanRow(&p, weighted, &row, &weight) || (*p != '\0' && (*p++ != ',' || *p == '\0')))
			CsBadText(PopulationName, "A row must be a frequency, a count and two figures.");
		fault = WrongRow(head.spend, &row, weight);
		if (fault != NULL)
			CsBadText(PopulationName, fault);
		AddRow(population, &row, weight);
	}
	head.n = population->head.n;
	head.format = population->head.format;
	population->head = head;
	fault = WrongHead(&head);
	if (fault == NULL)
		fault = WrongTotal(population);
	if (fault != NULL)
		CsBadText(PopulationName, fault);
	return Flatten(population);
}

Datum
cs_clv_population_out(PG_FUNCTION_ARGS)
{
	ClvPopulation *population = CsClvOwnPopulation(PG_GETARG_DATUM(0), CurrentMemoryContext);
	const ClvPopulationHead *head = &population->head;
	bool weighted = head->format == CS_ROWS_WEIGHTED;
	StringInfoData out;
	int64 i;

	CsClvCollapse(population);
	initStringInfo(&out);
	appendStringInfo(&out, "{\"v\":%d,\"spend\":%d", CLV_POPULATION_VERSION, head->spend);
	if (head->unit > 0)
	{
		appendStringInfoString(&out, ",\"unit\":\"");
		CsLengthText(&out, head->unit);
		appendStringInfoChar(&out, '"');
	}
	appendStringInfo(&out, ",\"customers\":" INT64_FORMAT ",\"rejected\":[", head->customers);
	for (i = 0; i < CLV_REJECTIONS; i++)
		appendStringInfo(&out, "%s" INT64_FORMAT, i == 0 ? "" : ",", head->rejected[i]);
	appendStringInfo(&out, "],\"weighted\":%d,\"rows\":\"", weighted);
	for (i = 0; i < head->n; i++)
	{
		CsFigures row;
		double weight = ReadRow(head, population->rows, i, &row);

		CHECK_FOR_INTERRUPTS();
		appendStringInfo(&out, "%s%d %u ", i == 0 ? "" : ",", row.frequency, row.count);
		CsFloatText(&out, row.first);
		appendStringInfoChar(&out, ' ');
		CsFloatText(&out, row.second);
		if (weighted)
		{
			appendStringInfoChar(&out, ' ');
			CsFloatText(&out, weight);
		}
	}
	appendStringInfoString(&out, "\"}");
	PG_RETURN_CSTRING(out.data);
}

/* Binary form: the fields in their order, in network byte order. */
Datum
cs_clv_population_recv(PG_FUNCTION_ARGS)
{
	StringInfo buf = (StringInfo) PG_GETARG_POINTER(0);
	ClvPopulation *population;
	ClvPopulationHead head = {0};
	bool weighted;
	const char *fault;
	int64 i;

	CsCheckVersion(PopulationName, pq_getmsgint(buf, 2), CLV_POPULATION_VERSION);
	head.spend = pq_getmsgbyte(buf) != 0;
	weighted = pq_getmsgbyte(buf) != 0;
	head.unit = pq_getmsgint64(buf);
	head.customers = pq_getmsgint64(buf);
	for (i = 0; i < CLV_REJECTIONS; i++)
		head.rejected[i] = pq_getmsgint64(buf);
	head.n = pq_getmsgint64(buf);
	fault = WrongHead(&head);
	if (fault == NULL &&
		head.n > (buf->len - buf->cursor) / (int64) (sizeof(CsFigures) + weighted * sizeof(double)))
		fault = "There are fewer rows than the value says.";
	if (fault != NULL)
		CsBadBinary(PopulationName, fault);
	population = CsClvNewPopulation(CurrentMemoryContext, head.spend);
	if (weighted)
		ChangeFormat(population, CS_ROWS_WEIGHTED);
	for (i = 0; i < head.n; i++)
	{
		CsFigures row;
		double weight = 1.0;

		CHECK_FOR_INTERRUPTS();
		row.first = pq_getmsgfloat8(buf);
		row.second = pq_getmsgfloat8(buf);
		row.frequency = pq_getmsgint(buf, 4);
		row.count = pq_getmsgint(buf, 4);
		if (weighted)
			weight = pq_getmsgfloat8(buf);
		fault = WrongRow(head.spend, &row, weight);
		if (fault != NULL)
			CsBadBinary(PopulationName, fault);
		AddRow(population, &row, weight);
	}
	head.n = population->head.n;
	head.format = population->head.format;
	population->head = head;
	fault = WrongTotal(population);
	if (fault != NULL)
		CsBadBinary(PopulationName, fault);
	return Flatten(population);
}

Datum
cs_clv_population_send(PG_FUNCTION_ARGS)
{
	ClvPopulation *population = CsClvOwnPopulation(PG_GETARG_DATUM(0), CurrentMemoryContext);
	const ClvPopulationHead *head = &population->head;
	bool weighted = head->format == CS_ROWS_WEIGHTED;
	StringInfoData buf;
	int64 i;

	CsClvCollapse(population);
	pq_begintypsend(&buf);
	pq_sendint16(&buf, CLV_POPULATION_VERSION);
	pq_sendbyte(&buf, head->spend);
	pq_sendbyte(&buf, weighted);
	pq_sendint64(&buf, head->unit);
	pq_sendint64(&buf, head->customers);
	for (i = 0; i < CLV_REJECTIONS; i++)
		pq_sendint64(&buf, head->rejected[i]);
	pq_sendint64(&buf, head->n);
	for (i = 0; i < head->n; i++)
	{
		CsFigures row;
		double weight = ReadRow(head, population->rows, i, &row);

		CHECK_FOR_INTERRUPTS();
		pq_sendfloat8(&buf, row.first);
		pq_sendfloat8(&buf, row.second);
		pq_sendint32(&buf, row.frequency);
		pq_sendint32(&buf, row.count);
		if (weighted)
			pq_sendfloat8(&buf, weight);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}
