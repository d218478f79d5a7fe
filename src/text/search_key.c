/*
 * search_key.c
 *		A form of a text for searches: small letters, Latin ones without accents,
 *		white space as one blank. Other scripts are kept as they are.
 */
#include "postgres.h"

#include <unicode/uchar.h>
#include <unicode/utf16.h>

#include "fmgr.h"
#include "miscadmin.h"

#include "core/compat.h"
#include "text/icu.h"
#include "text/utf16.h"

PG_FUNCTION_INFO_V1(cs_search_key);

#define PIECE 512 /* units that are transliterated at once, for which ICU moves the rest of them each time */

/* One blank for white space; none at the ends. */
static void
OneBlank(CsUtf16 *text)
{
	int32 length = 0;
	bool blank = false;
	int32 i;

	for (i = 0; i < text->length; i++)
	{
		if (u_isUWhiteSpace(text->units[i]))
		{
			blank = length > 0;
			continue;
		}
		if (blank)
			text->units[length++] = ' ';
		blank = false;
		text->units[length++] = text->units[i];
	}
	text->length = length;
}

/* Append a piece with Latin letters as ASCII. */
static void
AppendLatinAscii(CsUtf16 *to, const UChar *units, int32 n)
{
	UTransliterator *latin = CsTransliterator("Latin-ASCII");
	int32 room = n * 2 + 16;

	for (;;)
	{
		UErrorCode status = U_ZERO_ERROR;
		int32 length = n;
		int32 limit = n;

		CsReserveUtf16(to, room);
		memcpy(to->units + to->length, units, sizeof(UChar) * n);
		utrans_transUChars(latin, to->units + to->length, &length, room, 0, &limit, &status);
		if (status == U_BUFFER_OVERFLOW_ERROR)
		{
			room = length + 16;
			continue;
		}
		CsCheckIcu(status, "utrans_transUChars");
		to->length += length;
		return;
	}
}

/* The end of a piece: before a character that does not belong to the one before it. */
static int32
PieceEnd(const UChar *units, int32 begin, int32 n)
{
	int32 end = begin + PIECE;

	if (n - begin <= PIECE)
		return n;
	while (end < n && end < begin + 2 * PIECE &&
		   (U16_IS_TRAIL(units[end]) || (U_GET_GC_MASK(units[end]) & U_GC_M_MASK)))
		end++;
	if (end < n && U16_IS_TRAIL(units[end]))
		end++;
	return end;
}

/*
 * Turn Latin letters into ASCII and fold what comes of it; whether anything has
 * changed. A sign that becomes a letter leaves marks behind it, which are
 * accents only then.
 */
static bool
FoldLatin(CsUtf16 *text, CsUtf16 *latin)
{
	int32 begin;
	int32 end;
	bool changed;

	latin->length = 0;
	for (begin = 0; begin < text->length; begin = end)
	{
		CHECK_FOR_INTERRUPTS();
		end = PieceEnd(text->units, begin, text->length);
		AppendLatinAscii(latin, text->units + begin, end - begin);
	}
	changed = latin->length != text->length ||
			  memcmp(latin->units, text->units, sizeof(UChar) * (Size) text->length) != 0;
	text->length = 0;
	CsFoldUtf16(text, latin->units, latin->length);
	return changed;
}

static bool
IsAllAscii(const CsUtf16 *text)
{
	int32 i;

	for (i = 0; i < text->length && text->units[i] < 0x80;)
		i++;
	return i == text->length;
}

/* search_key(value) */
Datum
cs_search_key(PG_FUNCTION_ARGS)
{
	text *value = PG_GETARG_TEXT_PP(0);
	CsUtf16 folded;
	CsUtf16 latin;
	CsUtf16 key;
	text *result;

	CsBeginUtf16(&key, VARSIZE_ANY_EXHDR(value));
	CsAppendUtf16(&key, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
	CsBeginUtf16(&folded, key.length);
	CsFoldUtf16(&folded, key.units, key.length);
	if (!IsAllAscii(&folded))
	{
		CsBeginUtf16(&latin, folded.length);
		while (FoldLatin(&folded, &latin) && !IsAllAscii(&folded))
			;
		pfree(latin.units);
	}
	OneBlank(&folded);
	result = CsUtf16Text(folded.units, folded.length);
	pfree(key.units);
	pfree(folded.units);
	PG_FREE_IF_COPY(value, 0);
	PG_RETURN_TEXT_P(result);
}
