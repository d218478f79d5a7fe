/*
 * number_text.c
 *		Numbers and amounts of money as people of a language write them.
 *
 * ICU formats the decimal text of the numeric, so that no digit is lost; it is
 * rounded before, by the server, so that the text agrees with round().
 *
 * A database of another encoding than UTF-8 has not all the signs that locales
 * use. Spaces, minus signs and apostrophes are written as plain ones then, and
 * the currency by its code where its symbol does not exist; digits of other
 * scripts are an error.
 */
#include "postgres.h"

#include <unicode/ucurr.h>
#include <unicode/uloc.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>

#include "catalog/namespace.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "core/compat.h"
#include "text/icu.h"
#include "text/utf16.h"

PG_FUNCTION_INFO_V1(cs_number_text);
PG_FUNCTION_INFO_V1(cs_money_text);

/* The most decimals that ICU can be told to write. */
#define DECIMALS_MAX 999

#define CURRENCY_LENGTH 3

/* Signs, and what may be written instead; 0 for nothing. */
static const struct
{
	UChar sign;
	UChar instead;
} Plain[] = {{0x202F, 0x00A0}, {0x00A0, ' '}, {0x2009, ' '}, {0x2212, '-'}, {0x2019, '\''},
			 {0x066C, ','},	   {0x066B, '.'}, {0x200E, 0},	 {0x200F, 0},	{0x061C, 0}};

static void
CheckDecimals(int decimals)
{
	if (decimals < 0 || decimals > DECIMALS_MAX)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("decimals must be between 0 and %d, not %d", DECIMALS_MAX, decimals),
						errhint("Leave decimals out for as many as the number, or its currency, has.")));
}

/* Nobody writes NaN or infinity on a bill. */
static void
CheckNumber(Numeric number)
{
	if (numeric_is_nan(number) || numeric_is_inf(number))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("%s cannot be written as a number",
							   DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(number)))),
						errhint("Turn it into NULL before: nullif(number, 'NaN').")));
}

/* The code of a currency, in capitals. */
static void
CurrencyCode(const text *given, char *code, UChar *units)
{
	const char *bytes = VARDATA_ANY(given);
	bool found = VARSIZE_ANY_EXHDR(given) == CURRENCY_LENGTH && CsIsAscii(bytes, CURRENCY_LENGTH);
	UErrorCode status = U_ZERO_ERROR;
	int i;

	for (i = 0; found && i < CURRENCY_LENGTH; i++)
	{
		code[i] = pg_ascii_toupper(bytes[i]);
		found = code[i] >= 'A' && code[i] <= 'Z';
	}
	if (found)
	{
		code[CURRENCY_LENGTH] = '\0';
		u_charsToUChars(code, units, CURRENCY_LENGTH + 1);
		found = ucurr_isAvailable(units, U_DATE_MIN, U_DATE_MAX, &status);
		CsCheckIcu(status, "ucurr_isAvailable");
	}
	if (!found)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"%s\" is no known currency", text_to_cstring(given)),
						errhint("Give the three letters of ISO 4217, such as IDR or USD.")));
}

/* Whether the database has a character. */
static bool
Exists(UChar32 character)
{
	unsigned char utf8[MAX_MULTIBYTE_CHAR_LEN];
	unsigned char server[MAX_MULTIBYTE_CHAR_LEN * MAX_CONVERSION_GROWTH + 1];
	int length;
	Oid conversion;

	if (character < 0x80 || GetDatabaseEncoding() == PG_UTF8)
		return true;
	if (GetDatabaseEncoding() == PG_SQL_ASCII)
		return false;
	conversion = FindDefaultConversionProc(PG_UTF8, GetDatabaseEncoding());
	if (!OidIsValid(conversion))
		return false;
	unicode_to_utf8(character, utf8);
	length = pg_utf_mblen(utf8);
	return pg_do_encoding_conversion_buf(conversion, PG_UTF8, GetDatabaseEncoding(), utf8, length, server,
										 sizeof(server), true) == length;
}

/* Put plain signs where the database has not those of the locale; false where nothing will do. */
static bool
MakePlain(UChar *units, int32 *n)
{
	UChar32 known = 0; /* last character that is there */
	int32 length = 0;
	int32 i = 0;

	while (i < *n)
	{
		UChar32 character;
		int sign;

		if (i % 4096 == 0)
			CHECK_FOR_INTERRUPTS();
		U16_NEXT(units, i, *n, character);
		for (sign = 0; character != known && !Exists(character) && sign < lengthof(Plain); sign++)
			if (Plain[sign].sign == character)
				character = Plain[sign].instead;
		if (character != known && !Exists(character))
			return false;
		known = character;
		if (character != 0)
			U16_APPEND_UNSAFE(units, length, character);
	}
	*n = length;
	return true;
}

/* A number in digits as a formatter writes it; NULL when the database cannot hold that. */
static text *
Format(const char *digits, const char *locale, const char *skeleton)
{
	const UNumberFormatter *formatter = CsNumberFormatter(locale, skeleton);
	UFormattedNumber *formatted = CsFormattedNumber();
	UErrorCode status = U_ZERO_ERROR;
	UChar *units;
	int32 n;

	unumf_formatDecimal(formatter, digits, strlen(digits), formatted, &status);
	CsCheckIcu(status, "unumf_formatDecimal");
	n = unumf_resultToString(formatted, NULL, 0, &status);
	if (status != U_BUFFER_OVERFLOW_ERROR)
		CsCheckIcu(status, "unumf_resultToString");
	units = palloc_extended(sizeof(UChar) * ((Size) n + 1), MCXT_ALLOC_HUGE);
	status = U_ZERO_ERROR;
	n = unumf_resultToString(formatted, units, n + 1, &status);
	CsCheckIcu(status, "unumf_resultToString");
	return GetDatabaseEncoding() == PG_UTF8 || MakePlain(units, &n) ? CsUtf16Text(units, n) : NULL;
}

static void
CannotHold(const char *locale)
{
	ereport(ERROR, (errcode(ERRCODE_UNTRANSLATABLE_CHARACTER),
					errmsg("encoding \"%s\" has not the signs that numbers of locale \"%s\" are written with",
						   GetDatabaseEncodingName(), locale),
					errhint("Use another locale, or a database of encoding UTF8.")));
}

/* SQL numeric rounded, as the text of its digits. */
static char *
Digits(Numeric number, int decimals)
{
	Datum rounded = DirectFunctionCall2(numeric_round, NumericGetDatum(number), Int32GetDatum(decimals));

	return DatumGetCString(DirectFunctionCall1(numeric_out, rounded));
}

/* The part of a skeleton that says how many decimals there are, as many as written or more if so wished. */
static char *
DecimalsSkeleton(int decimals, bool more)
{
	char *zeros = palloc(decimals + 1);

	memset(zeros, '0', decimals);
	zeros[decimals] = '\0';
	if (decimals == 0)
		return "precision-integer";
	return psprintf(".%s%s", zeros, more ? "+" : "");
}

/* number_text(number, locale, decimals): with its own decimals where none are given. */
Datum
cs_number_text(PG_FUNCTION_ARGS)
{
	Numeric number;
	char *locale;
	char *digits;
	char *point;
	int decimals;
	text *result;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	number = PG_GETARG_NUMERIC(0);
	locale = CsCheckLocale(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	if (!PG_ARGISNULL(2))
		CheckDecimals(PG_GETARG_INT32(2));
	CheckNumber(number);
	if (PG_ARGISNULL(2))
		digits = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(number)));
	else
		digits = Digits(number, PG_GETARG_INT32(2));
	point = strchr(digits, '.');
	decimals = point == NULL ? 0 : strlen(point + 1);
	result = Format(digits, locale, DecimalsSkeleton(Min(decimals, DECIMALS_MAX), decimals > DECIMALS_MAX));
	if (result == NULL)
		CannotHold(locale);
	PG_RETURN_TEXT_P(result);
}

/*
 * An amount in digits, with the decimals of its currency; a whole one without
 * any where nobody pays with parts of the currency any more, as with rupiah.
 */
static char *
CurrencyDigits(Numeric amount, const UChar *currency, int *decimals)
{
	UErrorCode status = U_ZERO_ERROR;
	int cash = ucurr_getDefaultFractionDigitsForUsage(currency, UCURR_USAGE_CASH, &status);
	char *digits;
	char *point;

	*decimals = ucurr_getDefaultFractionDigits(currency, &status);
	CsCheckIcu(status, "ucurr_getDefaultFractionDigits");
	digits = Digits(amount, *decimals);
	point = strchr(digits, '.');
	if (cash == 0 && point != NULL && strspn(point + 1, "0") == *decimals)
		*decimals = 0;
	return digits;
}

/* money_text(amount, currency, locale, decimals): with those of the currency where none are given. */
Datum
cs_money_text(PG_FUNCTION_ARGS)
{
	Numeric amount;
	char code[CURRENCY_LENGTH + 1];
	UChar units[CURRENCY_LENGTH + 1];
	char *locale;
	char *digits;
	char *skeleton;
	int decimals;
	text *result;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	amount = PG_GETARG_NUMERIC(0);
	CurrencyCode(PG_GETARG_TEXT_PP(1), code, units);
	locale = CsCheckLocale(text_to_cstring(PG_GETARG_TEXT_PP(2)));
	if (!PG_ARGISNULL(3))
		CheckDecimals(PG_GETARG_INT32(3));
	CheckNumber(amount);
	if (PG_ARGISNULL(3))
		digits = CurrencyDigits(amount, units, &decimals);
	else
	{
		decimals = PG_GETARG_INT32(3);
		digits = Digits(amount, decimals);
	}
	skeleton = psprintf("currency/%s %s", code, DecimalsSkeleton(decimals, false));
	result = Format(digits, locale, skeleton);
	if (result == NULL)
		result = Format(digits, locale, psprintf("%s unit-width-iso-code", skeleton));
	if (result == NULL)
		CannotHold(locale);
	PG_RETURN_TEXT_P(result);
}
