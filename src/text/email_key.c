/*
 * email_key.c
 *		A key by which e-mail addresses are found again.
 *
 * The form that mail is sent to, not all that the standards allow: one at sign;
 * before it 1 to 64 letters, digits and !#$%&'*+/=?^_`{|}~- with single dots
 * between; after it labels of 1 to 63 letters, digits and inner hyphens, two at
 * least, the last one not of digits alone; 254 characters in all. Letters and
 * digits are those of all scripts. White space around it does not count.
 */
#include "postgres.h"

#include <unicode/uchar.h>
#include <unicode/utf16.h>

#include "fmgr.h"

#include "core/compat.h"
#include "text/identity.h"

PG_FUNCTION_INFO_V1(cs_email_key);

#define BYTES_MAX 2048 /* of a text that may be an address */
#define ADDRESS_MAX 254
#define LOCAL_MAX 64
#define LABEL_MAX 63

static bool
IsWordCharacter(UChar32 character)
{
	return (U_GET_GC_MASK(character) & (U_GC_L_MASK | U_GC_M_MASK | U_GC_N_MASK)) != 0;
}

/* What is before the at sign. */
static bool
IsLocalPart(const UChar *units, int32 n)
{
	int32 i = 0;
	UChar32 character;
	UChar32 before = '.';

	while (i < n)
	{
		U16_NEXT(units, i, n, character);
		if (character == '.'
				? before == '.'
				: !(IsWordCharacter(character) ||
					(character < 0x80 && character != 0 && strchr("!#$%&'*+/=?^_`{|}~-", character) != NULL)))
			return false;
		before = character;
	}
	return n <= LOCAL_MAX && before != '.';
}

/* One label of a domain; whether it has anything but digits. */
static bool
IsLabel(const UChar *units, int32 n, bool *more_than_digits)
{
	int32 i = 0;

	*more_than_digits = false;
	if (n == 0 || n > LABEL_MAX || units[0] == '-' || units[n - 1] == '-')
		return false;
	while (i < n)
	{
		UChar32 character;

		U16_NEXT(units, i, n, character);
		if (character != '-' && !IsWordCharacter(character))
			return false;
		*more_than_digits |= !u_isdigit(character);
	}
	return true;
}

/* What is after the at sign. */
static bool
IsDomain(const UChar *units, int32 n)
{
	int32 begin;
	int32 end;
	int labels = 0;
	bool more_than_digits = false;

	for (begin = 0; begin <= n; begin = end + 1)
	{
		for (end = begin; end < n && units[end] != '.'; end++)
			;
		if (!IsLabel(units + begin, end - begin, &more_than_digits))
			return false;
		labels++;
	}
	return labels >= 2 && more_than_digits;
}

/* The key of an address, without what follows a plus before the at sign if asked for; NULL for what is none. */
text *
CsEmailKey(const char *bytes, size_t n, bool without_tag)
{
	CsUtf16 raw;
	CsUtf16 folded;
	UChar *units;
	int32 length;
	int32 at;
	int32 plus;

	if (n > BYTES_MAX)
		return NULL;
	CsBeginUtf16(&raw, n);
	CsAppendUtf16(&raw, bytes, n);
	CsBeginUtf16(&folded, raw.length);
	CsFoldUtf16(&folded, raw.units, raw.length);
	units = folded.units;
	length = folded.length;
	while (length > 0 && u_isUWhiteSpace(units[length - 1]))
		length--;
	while (length > 0 && u_isUWhiteSpace(*units))
	{
		units++;
		length--;
	}
	for (at = 0; at < length && units[at] != '@'; at++)
		;
	if (at == length || length > ADDRESS_MAX || !IsLocalPart(units, at) ||
		!IsDomain(units + at + 1, length - at - 1))
		return NULL;
	for (plus = 0; plus < at && units[plus] != '+'; plus++)
		;
	if (without_tag && plus > 0 && plus < at)
	{
		memmove(units + plus, units + at, sizeof(UChar) * (length - at));
		length -= at - plus;
	}
	return CsUtf16Text(units, length);
}

/* email_key(email, without_tag DEFAULT false) */
Datum
cs_email_key(PG_FUNCTION_ARGS)
{
	text *email = PG_GETARG_TEXT_PP(0);
	text *key = CsEmailKey(VARDATA_ANY(email), VARSIZE_ANY_EXHDR(email), PG_GETARG_BOOL(1));

	if (key == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(key);
}
