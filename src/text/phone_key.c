/*
 * phone_key.c
 *		A key by which phone numbers are found again: plus sign, calling code and
 *		national number, as in E.164.
 *
 * A number is read as people write it: digits of any script, with blanks,
 * hyphens, dots, slashes and parentheses between; "tel:" before it; after it an
 * extension (x, ext, ekst, #, ; or a comma and what follows), which is left out.
 * It is international when it begins with a plus sign or with what is dialled
 * before a calling code in the region, or when it has ten digits or more and
 * begins with the calling code; else national. The national prefix goes, also
 * where it stands between: +62 (0)21. Anything else, or less than 7 or more than
 * 15 digits, is no number.
 */
#include "postgres.h"

#include <unicode/uchar.h>
#include <unicode/utf16.h>

#include "fmgr.h"
#include "utils/builtins.h"

#include "core/compat.h"
#include "text/identity.h"

PG_FUNCTION_INFO_V1(cs_phone_key);

#define BYTES_MAX 512 /* of a text that may be a number */
#define DIGITS_READ 30 /* with all that is left out */
#define CODE_MAX 4 /* digits of a calling code */
#define DIGITS_MIN 7
#define DIGITS_MAX 15
#define CODE_TAKEN_FROM 10 /* digits that make a calling code without a plus sign */

/* What stands in a text. */
typedef struct Dialled
{
	bool plus;
	int zero; /* place of the digit of "(0)", or -1 */
	int n;
	char digits[DIGITS_READ + CODE_MAX + 1];
} Dialled;

static bool
BeginsWith(const UChar *units, int32 n, const char *ascii)
{
	int32 i;

	for (i = 0; ascii[i] != '\0'; i++)
		if (i >= n || units[i] != ascii[i])
			return false;
	return true;
}

static bool
IsExtension(const UChar *units, int32 n)
{
	return BeginsWith(units, n, "x") || BeginsWith(units, n, "ext") || BeginsWith(units, n, "ekst") ||
		   BeginsWith(units, n, "#") || BeginsWith(units, n, ";") || BeginsWith(units, n, ",");
}

static bool
IsBetween(UChar32 character)
{
	return u_isUWhiteSpace(character) || character == '(' || character == ')' || character == '.' ||
		   character == '/' || (U_GET_GC_MASK(character) & U_GC_PD_MASK) != 0;
}

/* Read digits and what is between them; false for anything else. The text is folded. */
static bool
ReadDialled(const UChar *units, int32 n, Dialled *dialled)
{
	int32 i = 0;

	while (i < n && u_isUWhiteSpace(units[i]))
		i++;
	if (BeginsWith(units + i, n - i, "tel:"))
		i += 4;
	while (i < n)
	{
		UChar32 character;
		int32 digit;

		if (dialled->n > 0 && IsExtension(units + i, n - i))
			return true;
		if (dialled->n > 0 && BeginsWith(units + i, n - i, "(0)"))
			dialled->zero = dialled->n;
		U16_NEXT(units, i, n, character);
		digit = u_charDigitValue(character);
		if (digit >= 0)
		{
			if (dialled->n == DIGITS_READ)
				return false;
			dialled->digits[dialled->n++] = '0' + digit;
		}
		else if (character == '+' && dialled->n == 0 && !dialled->plus)
			dialled->plus = true;
		else if (!IsBetween(character))
			return false;
	}
	return true;
}

/* Take digits out. */
static void
Cut(Dialled *dialled, int place, int n)
{
	memmove(dialled->digits + place, dialled->digits + place + n, dialled->n - place - n + 1);
	dialled->n -= n;
}

static bool
DigitsBegin(const Dialled *dialled, const char *prefix)
{
	return prefix[0] != '\0' && strncmp(dialled->digits, prefix, strlen(prefix)) == 0;
}

/* Bring the digits into international form, as dialled in a region. */
static void
MakeInternational(Dialled *dialled, const CsPhoneRegion *region)
{
	const CsPhoneRegion *called;
	int place;

	if (!dialled->plus && DigitsBegin(dialled, region->international_prefix))
	{
		place = strlen(region->international_prefix);
		Cut(dialled, 0, place);
		dialled->zero -= place;
		dialled->plus = true;
	}
	if (!dialled->plus && !DigitsBegin(dialled, region->national_prefix) &&
		DigitsBegin(dialled, region->calling_code) && dialled->n >= CODE_TAKEN_FROM)
		dialled->plus = true;
	if (!dialled->plus)
	{
		if (DigitsBegin(dialled, region->national_prefix))
			Cut(dialled, 0, strlen(region->national_prefix));
		place = strlen(region->calling_code);
		memmove(dialled->digits + place, dialled->digits, dialled->n + 1);
		memcpy(dialled->digits, region->calling_code, place);
		dialled->n += place;
	}
	else if (dialled->zero > 0)
		Cut(dialled, dialled->zero, 1);
	called = CsRegionOfNumber(dialled->digits);
	if (called != NULL && strcmp(called->national_prefix, "0") == 0)
		for (place = strlen(called->calling_code); dialled->digits[place] == '0';)
			Cut(dialled, place, 1);
}

/* The key of a phone number dialled in a region; NULL for what is none. */
text *
CsPhoneKey(const char *bytes, size_t n, const char *region)
{
	const CsPhoneRegion *from = CsUsePhoneRegion(region);
	CsUtf16 raw;
	CsUtf16 folded;
	Dialled dialled = {.zero = -1};

	if (n > BYTES_MAX)
		return NULL;
	CsBeginUtf16(&raw, n);
	CsAppendUtf16(&raw, bytes, n);
	CsBeginUtf16(&folded, raw.length);
	CsFoldUtf16(&folded, raw.units, raw.length);
	if (!ReadDialled(folded.units, folded.length, &dialled) || dialled.n == 0)
		return NULL;
	MakeInternational(&dialled, from);
	if (dialled.n < DIGITS_MIN || dialled.n > DIGITS_MAX || dialled.digits[0] == '0')
		return NULL;
	return cstring_to_text(psprintf("+%s", dialled.digits));
}

/* phone_key(phone, region DEFAULT 'ID') */
Datum
cs_phone_key(PG_FUNCTION_ARGS)
{
	text *phone = PG_GETARG_TEXT_PP(0);
	char *region = text_to_cstring(PG_GETARG_TEXT_PP(1));
	text *key = CsPhoneKey(VARDATA_ANY(phone), VARSIZE_ANY_EXHDR(phone), region);

	if (key == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(key);
}
