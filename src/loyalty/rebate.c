/*
 * rebate.c
 *		rebate_scheme: totals from which on a rebate is due, and its rates.
 *
 * A scheme is written '50000000 2%, 100000000 3%', lowest threshold first. The
 * stored value is its canonical text, so that what is dumped is what is meant;
 * it has few bands and is read again at each use. All arithmetic is numeric, and
 * nothing is rounded.
 */
#include "postgres.h"

#include "fmgr.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "core/compat.h"

PG_FUNCTION_INFO_V1(cs_rebate_scheme_in);
PG_FUNCTION_INFO_V1(cs_rebate_scheme_out);
PG_FUNCTION_INFO_V1(cs_rebate_scheme_recv);
PG_FUNCTION_INFO_V1(cs_rebate_scheme_send);
PG_FUNCTION_INFO_V1(cs_cumulative_rebate);
PG_FUNCTION_INFO_V1(cs_rebate_rate);
PG_FUNCTION_INFO_V1(cs_amount_to_next_rebate);

#define BANDS_MAX 100

/* From a total of `threshold` on, so many percent. */
typedef struct Band
{
	Numeric threshold;
	Numeric rate;
} Band;

static Numeric
Calculate(PGFunction function, Numeric a, Numeric b)
{
	return DatumGetNumeric(DirectFunctionCall2(function, NumericGetDatum(a), NumericGetDatum(b)));
}

static bool
IsLess(Numeric a, Numeric b)
{
	return DatumGetBool(DirectFunctionCall2(numeric_lt, NumericGetDatum(a), NumericGetDatum(b)));
}

static void
BadScheme(const char *problem, const char *at)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION), errmsg("invalid input for type rebate_scheme"),
			 errdetail("%s: found \"%.30s\".", problem, at),
			 errhint("Write totals with their rate, lowest first: '1000 2%%, 5000 3.5%%'.")));
}

/* A number without sign or exponent, after spaces, less zeros at its end; moves on behind it. */
static Numeric
ReadNumber(const char **at, const char *problem)
{
	int whole;
	int length;
	Datum value;

	*at += strspn(*at, " \t\r\n");
	length = whole = strspn(*at, "0123456789");
	if (whole > 0 && (*at)[whole] == '.')
		length += 1 + strspn(*at + whole + 1, "0123456789");
	if (whole == 0)
		BadScheme(problem, *at);
	value = DirectFunctionCall3(numeric_in, CStringGetDatum(pnstrdup(*at, length)),
								ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	*at += length;
	return DatumGetNumeric(DirectFunctionCall1(numeric_trim_scale, value));
}

/* The bands of a scheme's text; an error that tells what is wrong and where. */
static int
ReadBands(const char *at, Band *bands)
{
	int n = 0;

	for (;;)
	{
		const char *start = at;

		if (n == BANDS_MAX)
			BadScheme(psprintf("A scheme has at most %d bands", BANDS_MAX), at);
		bands[n].threshold = ReadNumber(&at, "A total was expected");
		if (n > 0 && !IsLess(bands[n - 1].threshold, bands[n].threshold))
			BadScheme("Totals must rise from band to band", start + strspn(start, " \t\r\n"));
		bands[n].rate = ReadNumber(&at, "A rate was expected");
		if (IsLess(int64_to_numeric(100), bands[n].rate))
			BadScheme("A rate is at most 100%", start + strspn(start, " \t\r\n"));
		at += strspn(at, " \t\r\n");
		if (*at++ != '%')
			BadScheme("A rate ends with a percent sign", at - 1);
		n++;
		at += strspn(at, " \t\r\n");
		if (*at == '\0')
			return n;
		if (*at++ != ',')
			BadScheme("Bands are parted by commas", at - 1);
	}
}

static char *
NumberText(Numeric value)
{
	return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value)));
}

/* The stored value of a text: the same scheme, written in the one way. */
static text *
MakeScheme(const char *written)
{
	Band *bands = palloc(sizeof(Band) * BANDS_MAX);
	int n = ReadBands(written, bands);
	StringInfoData canonical;
	int i;

	initStringInfo(&canonical);
	for (i = 0; i < n; i++)
		appendStringInfo(&canonical, "%s%s %s%%", i > 0 ? ", " : "", NumberText(bands[i].threshold),
						 NumberText(bands[i].rate));
	return cstring_to_text_with_len(canonical.data, canonical.len);
}

Datum
cs_rebate_scheme_in(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(MakeScheme(PG_GETARG_CSTRING(0)));
}

Datum
cs_rebate_scheme_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(text_to_cstring(PG_GETARG_TEXT_PP(0)));
}

Datum
cs_rebate_scheme_recv(PG_FUNCTION_ARGS)
{
	StringInfo buf = (StringInfo) PG_GETARG_POINTER(0);
	int length;
	char *written = pq_getmsgtext(buf, buf->len - buf->cursor, &length);

	PG_RETURN_TEXT_P(MakeScheme(written));
}

Datum
cs_rebate_scheme_send(PG_FUNCTION_ARGS)
{
	StringInfoData buf;
	text *scheme = PG_GETARG_TEXT_PP(0);

	pq_begintypsend(&buf);
	pq_sendtext(&buf, VARDATA_ANY(scheme), VARSIZE_ANY_EXHDR(scheme));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

static void
CheckTotal(Numeric total)
{
	if (numeric_is_nan(total) || numeric_is_inf(total))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("total must be finite, not %s", NumberText(total)),
						errhint("Add up amounts that are finite.")));
}

/* The number of bands that a total reaches. */
static int
Reached(const Band *bands, int n, Numeric total)
{
	int reached = 0;

	while (reached < n && !IsLess(total, bands[reached].threshold))
		reached++;
	return reached;
}

/* A share of an amount, in percent. */
static Numeric
Percent(Numeric amount, Numeric rate)
{
	Datum hundredth = DirectFunctionCall3(numeric_in, CStringGetDatum("0.01"), ObjectIdGetDatum(InvalidOid),
										  Int32GetDatum(-1));

	return Calculate(numeric_mul, Calculate(numeric_mul, amount, rate), DatumGetNumeric(hundredth));
}

/*
 * cumulative_rebate(scheme, total, already credited, mode): what is still due.
 * Retroactive: the rate of the band reached, of the whole total. Marginal: of
 * each slice the rate of its band. Below zero when refunds have made it less.
 */
Datum
cs_cumulative_rebate(PG_FUNCTION_ARGS)
{
	char *mode = text_to_cstring(PG_GETARG_TEXT_PP(3));
	Numeric total = PG_GETARG_NUMERIC(1);
	Band *bands = palloc(sizeof(Band) * BANDS_MAX);
	int n = ReadBands(text_to_cstring(PG_GETARG_TEXT_PP(0)), bands);
	int reached = Reached(bands, n, total);
	bool retroactive = strcmp(mode, "retroactive") == 0;
	Numeric due = int64_to_numeric(0);
	int i;

	CheckTotal(total);
	CheckTotal(PG_GETARG_NUMERIC(2));
	if (!retroactive && strcmp(mode, "marginal") != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("mode is \"%s\"", mode),
						errhint("It is retroactive or marginal.")));
	if (retroactive && reached > 0)
		due = Percent(total, bands[reached - 1].rate);
	for (i = 0; i < reached && !retroactive; i++)
		due = Calculate(numeric_add, due,
						Percent(Calculate(numeric_sub, i + 1 < reached ? bands[i + 1].threshold : total,
										  bands[i].threshold),
								bands[i].rate));
	PG_RETURN_NUMERIC(Calculate(numeric_sub, due, PG_GETARG_NUMERIC(2)));
}

/* rebate_rate(scheme, total): percent of the band that a total reaches; 0 below all. */
Datum
cs_rebate_rate(PG_FUNCTION_ARGS)
{
	Band *bands = palloc(sizeof(Band) * BANDS_MAX);
	int n = ReadBands(text_to_cstring(PG_GETARG_TEXT_PP(0)), bands);
	int reached;

	CheckTotal(PG_GETARG_NUMERIC(1));
	reached = Reached(bands, n, PG_GETARG_NUMERIC(1));
	PG_RETURN_NUMERIC(reached == 0 ? int64_to_numeric(0) : bands[reached - 1].rate);
}

/* amount_to_next_rebate(scheme, total): what is missing to the next band; NULL in the last. */
Datum
cs_amount_to_next_rebate(PG_FUNCTION_ARGS)
{
	Band *bands = palloc(sizeof(Band) * BANDS_MAX);
	int n = ReadBands(text_to_cstring(PG_GETARG_TEXT_PP(0)), bands);
	int reached;

	CheckTotal(PG_GETARG_NUMERIC(1));
	reached = Reached(bands, n, PG_GETARG_NUMERIC(1));
	if (reached == n)
		PG_RETURN_NULL();
	PG_RETURN_NUMERIC(Calculate(numeric_sub, bands[reached].threshold, PG_GETARG_NUMERIC(1)));
}
