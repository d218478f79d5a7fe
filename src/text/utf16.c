/*
 * utf16.c
 *		Texts as ICU reads them.
 *
 * ICU reads UTF-16. A text of the server comes there in pieces, between which
 * the query can be cancelled, and by PostgreSQL's own conversion where the
 * database has another encoding than UTF-8. Nothing is lost on the way there and
 * back: a byte that the conversion knows no character for, and in SQL_ASCII each
 * byte that is not ASCII, becomes one of 128 private characters (U+F780 and on),
 * which are letters to everybody and become the byte again. A character that the
 * database cannot store, such as the Greek mu that the micro sign folds to in
 * LATIN1, is written as u and its number.
 *
 * Buffers are palloc'd, also beyond a gigabyte; a text that would be longer than
 * PostgreSQL's limit of one is an error 54000.
 */
#include "postgres.h"

#include <unicode/uchar.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>

#include "catalog/namespace.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "core/compat.h"
#include "text/icu.h"
#include "text/utf16.h"

#define PIECE 4096 /* bytes or units between interrupts */
#define FOLDED_PIECE 256 /* units folded at once, which takes the square of the marks among them */
#define NO_CHARACTER 0xFFFD

/* Whether all bytes are ASCII, which every server encoding contains. */
bool
CsIsAscii(const char *bytes, size_t n)
{
	uint64 high = 0;
	uint64 word;

	for (; n >= sizeof(word); n -= sizeof(word), bytes += sizeof(word))
	{
		memcpy(&word, bytes, sizeof(word));
		high |= word;
		if (high & UINT64CONST(0x8080808080808080))
			return false;
	}
	for (; n > 0; n--, bytes++)
		if (IS_HIGHBIT_SET(*bytes))
			return false;
	return true;
}

/* Begin an empty text in the current memory. */
void
CsBeginUtf16(CsUtf16 *to, int32 room)
{
	to->room = Max(room, 32);
	to->units = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(UChar) * (Size) to->room);
	to->length = 0;
}

static void
TooLong(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("text is too long"),
			 errdetail("What becomes of it would not fit into a text, which has less than a gigabyte."),
			 errhint("Use a part of it: left(text, 1000000).")));
}

/* Room for so many units more. */
void
CsReserveUtf16(CsUtf16 *to, int64 more)
{
	int64 wanted = to->length + more;

	if (wanted <= to->room)
		return;
	if (wanted > PG_INT32_MAX)
		TooLong();
	to->room = Min(Max(wanted, (int64) to->room * 2), PG_INT32_MAX);
	to->units = repalloc_huge(to->units, sizeof(UChar) * (Size) to->room);
}

/* The conversion between UTF-8 and the database's encoding; InvalidOid when there is none, as for SQL_ASCII. */
static Oid
ConversionFrom(int from, int to)
{
	return GetDatabaseEncoding() == PG_SQL_ASCII ? InvalidOid : FindDefaultConversionProc(from, to);
}

static void
AppendUtf8(CsUtf16 *to, const char *bytes, int32 n)
{
	UErrorCode status = U_ZERO_ERROR;
	int32 length;

	CsReserveUtf16(to, n);
	u_strFromUTF8WithSub(to->units + to->length, to->room - to->length, &length, bytes, n, NO_CHARACTER, NULL,
						 &status);
	CsCheckIcu(status, "u_strFromUTF8WithSub");
	to->length += length;
}

/* Bytes that are no characters. */
static void
AppendBytes(CsUtf16 *to, const char *bytes, int32 n)
{
	int32 i;

	CsReserveUtf16(to, n);
	for (i = 0; i < n; i++)
		to->units[to->length++] = IS_HIGHBIT_SET(bytes[i]) ? CS_BYTE_BASE + (unsigned char) bytes[i]
														   : bytes[i];
}

/* A piece in an encoding that PostgreSQL converts. */
static void
AppendConverted(CsUtf16 *to, Oid conversion, const char *bytes, int32 n)
{
	unsigned char utf8[PIECE * MAX_CONVERSION_GROWTH + 1];

	while (n > 0)
	{
		int32 done = pg_do_encoding_conversion_buf(conversion, GetDatabaseEncoding(), PG_UTF8,
												   (unsigned char *) bytes, n, utf8, sizeof(utf8), true);

		AppendUtf8(to, (char *) utf8, strlen((char *) utf8));
		bytes += done;
		n -= done;
		if (n > 0)
		{
			done = Min(pg_mblen(bytes), n);
			AppendBytes(to, bytes, done);
			bytes += done;
			n -= done;
		}
	}
}

/* Append a text in the server's encoding. */
void
CsAppendUtf16(CsUtf16 *to, const char *bytes, size_t n)
{
	bool utf8 = GetDatabaseEncoding() == PG_UTF8;
	Oid conversion = utf8 ? InvalidOid : ConversionFrom(GetDatabaseEncoding(), PG_UTF8);

	while (n > 0)
	{
		int32 piece = n <= PIECE ? n : pg_mbcliplen(bytes, n, PIECE);

		CHECK_FOR_INTERRUPTS();
		if (utf8)
			AppendUtf8(to, bytes, piece);
		else if (OidIsValid(conversion))
			AppendConverted(to, conversion, bytes, piece);
		else
			AppendBytes(to, bytes, piece);
		bytes += piece;
		n -= piece;
	}
}

/* The end of a piece that begins at a place: not between the two units of one character. */
static int32
PieceEnd(const UChar *units, int32 begin, int32 n)
{
	int32 end = n - begin > PIECE ? begin + PIECE : n;

	if (end < n && U16_IS_LEAD(units[end - 1]) && U16_IS_TRAIL(units[end]))
		end--;
	return end;
}

/* A character that the database has no place for. */
static void
AppendNumber(StringInfo to, UChar32 character)
{
	appendStringInfo(to, "u%04x", character);
}

/* A piece without bytes that are no characters, in an encoding that PostgreSQL converts. */
static void
WriteConverted(StringInfo to, Oid conversion, char *utf8, int32 n)
{
	unsigned char server[PIECE * 3 * MAX_CONVERSION_GROWTH + 1];

	while (n > 0)
	{
		int32 done = pg_do_encoding_conversion_buf(conversion, PG_UTF8, GetDatabaseEncoding(),
												   (unsigned char *) utf8, n, server, sizeof(server), true);

		appendStringInfoString(to, (char *) server);
		utf8 += done;
		n -= done;
		if (n > 0)
		{
			int32 length = pg_utf_mblen((unsigned char *) utf8);

			AppendNumber(to, utf8_to_unicode((unsigned char *) utf8));
			utf8 += length;
			n -= length;
		}
	}
}

/* Units in UTF-8, at most PIECE of them; what is no character is replaced. */
static int32
ToUtf8(char *utf8, int32 room, const UChar *units, int32 n)
{
	UErrorCode status = U_ZERO_ERROR;
	int32 length;

	u_strToUTF8WithSub(utf8, room, &length, units, n, NO_CHARACTER, NULL, &status);
	CsCheckIcu(status, "u_strToUTF8WithSub");
	return length;
}

/* A piece in another encoding than UTF-8. */
static void
WriteOther(StringInfo to, Oid conversion, const UChar *units, int32 n)
{
	char utf8[PIECE * 3];
	int32 i = 0;

	while (i < n)
	{
		int32 begin = i;
		UChar32 character;

		if (CsStandsForByte(units[i]))
			appendStringInfoChar(to, (char) (units[i++] - CS_BYTE_BASE));
		else if (OidIsValid(conversion))
		{
			while (i < n && !CsStandsForByte(units[i]))
				i++;
			WriteConverted(to, conversion, utf8, ToUtf8(utf8, sizeof(utf8), units + begin, i - begin));
		}
		else
		{
			U16_NEXT(units, i, n, character);
			if (character < 0x80)
				appendStringInfoChar(to, (char) character);
			else
				AppendNumber(to, character);
		}
	}
}

/* A text of the server. */
text *
CsUtf16Text(const UChar *units, int32 n)
{
	bool utf8 = GetDatabaseEncoding() == PG_UTF8;
	Oid conversion = utf8 ? InvalidOid : ConversionFrom(PG_UTF8, GetDatabaseEncoding());
	StringInfoData to;
	int32 begin;
	int32 end;

	initStringInfo(&to);
	appendStringInfoSpaces(&to, VARHDRSZ);
	for (begin = 0; begin < n; begin = end)
	{
		CHECK_FOR_INTERRUPTS();
		if (to.len > MaxAllocSize - PIECE * MAX_CONVERSION_GROWTH * 3)
			TooLong();
		end = PieceEnd(units, begin, n);
		if (utf8)
		{
			enlargeStringInfo(&to, (end - begin) * 3);
			to.len += ToUtf8(to.data + to.len, to.maxlen - to.len, units + begin, end - begin);
		}
		else
			WriteOther(&to, conversion, units + begin, end - begin);
	}
	SET_VARSIZE(to.data, to.len);
	return (text *) to.data;
}

/* Append a normal form of a piece. */
static void
AppendNormal(CsUtf16 *to, const UNormalizer2 *form, const UChar *units, int32 n)
{
	UErrorCode status = U_ZERO_ERROR;
	int32 length;

	CsReserveUtf16(to, n);
	length = unorm2_normalize(form, units, n, to->units + to->length, to->room - to->length, &status);
	if (status == U_BUFFER_OVERFLOW_ERROR)
	{
		status = U_ZERO_ERROR;
		CsReserveUtf16(to, length);
		length = unorm2_normalize(form, units, n, to->units + to->length, to->room - to->length, &status);
	}
	CsCheckIcu(status, "unorm2_normalize");
	to->length += length;
}

/* ICU's own form: taken apart, marks in order. */
static const UNormalizer2 *
Decomposed(void)
{
	UErrorCode status = U_ZERO_ERROR;
	const UNormalizer2 *form = unorm2_getNFDInstance(&status);

	CsCheckIcu(status, "unorm2_getNFDInstance");
	return form;
}

/* Whether there is an iota subscript, alone or in a Greek letter: a mark whose small form is a letter. */
static bool
HasIotaSubscript(const UChar *units, int32 n)
{
	int32 i;

	for (i = 0; i < n; i++)
		if (units[i] == 0x0345 || (units[i] >= 0x1F80 && units[i] <= 0x1FFC))
			return true;
	return false;
}

/* Fold a piece. The iota subscript has to find its place among marks before it is a letter. */
static void
AppendFolded(CsUtf16 *to, const UChar *units, int32 n)
{
	CsUtf16 apart;

	if (!HasIotaSubscript(units, n))
	{
		AppendNormal(to, CsCasefold(), units, n);
		return;
	}
	CsBeginUtf16(&apart, n);
	AppendNormal(&apart, Decomposed(), units, n);
	AppendNormal(to, CsCasefold(), apart.units, apart.length);
	pfree(apart.units);
}

/* Sort marks by their class, keeping those of one class in order. */
static void
SortMarks(UChar32 *marks, UChar32 *sorted, const uint8 *classes, int32 n)
{
	int32 starts[257] = {0};
	int32 i;

	for (i = 0; i < n; i++)
		starts[classes[i] + 1]++;
	for (i = 1; i < lengthof(starts); i++)
		starts[i] += starts[i - 1];
	for (i = 0; i < n; i++)
		sorted[starts[classes[i]]++] = marks[i];
}

/* Append the decomposition of each character. */
static void
TakeApart(CsUtf16 *to, const UNormalizer2 *form, const UChar *units, int32 n)
{
	int32 i = 0;

	while (i < n)
	{
		UErrorCode status = U_ZERO_ERROR;
		UChar mapping[32];
		int32 begin = i;
		int32 length;
		UChar32 character;

		if (begin % PIECE == 0)
			CHECK_FOR_INTERRUPTS();
		U16_NEXT(units, i, n, character);
		length = unorm2_getDecomposition(form, character, mapping, lengthof(mapping), &status);
		CsCheckIcu(status, "unorm2_getDecomposition");
		if (length < 0)
		{
			length = i - begin;
			memcpy(mapping, units + begin, sizeof(UChar) * length);
		}
		CsReserveUtf16(to, length);
		memcpy(to->units + to->length, mapping, sizeof(UChar) * length);
		to->length += length;
	}
}

/* Put marks that follow each other into the order of their classes. */
static void
SortAllMarks(CsUtf16 *text)
{
	UChar32 *marks = MemoryContextAllocHuge(CurrentMemoryContext,
											sizeof(UChar32) * ((Size) text->length + 1));
	UChar32 *sorted = MemoryContextAllocHuge(CurrentMemoryContext,
											 sizeof(UChar32) * ((Size) text->length + 1));
	uint8 *classes = MemoryContextAllocHuge(CurrentMemoryContext, (Size) text->length + 1);
	int32 nmarks = 0;
	int32 written = 0;
	int32 i = 0;
	int32 k;

	while (i < text->length)
	{
		UChar32 character;
		uint8 class;

		if (i % PIECE == 0)
			CHECK_FOR_INTERRUPTS();
		U16_NEXT(text->units, i, text->length, character);
		class = u_getCombiningClass(character);
		if (class != 0)
		{
			classes[nmarks] = class;
			marks[nmarks++] = character;
		}
		if (class == 0 || i == text->length)
		{
			SortMarks(marks, sorted, classes, nmarks);
			for (k = 0; k < nmarks; k++)
				U16_APPEND_UNSAFE(text->units, written, sorted[k]);
			nmarks = 0;
		}
		if (class == 0)
			U16_APPEND_UNSAFE(text->units, written, character);
	}
	pfree(marks);
	pfree(sorted);
	pfree(classes);
}

/*
 * Fold characters that all may change places or melt with the one before: marks.
 * ICU inserts each mark at its place, which takes the square of their number;
 * marks that are in order already it only appends. So they are taken apart and
 * sorted here when they are many, as they are, and once more as they fold.
 */
static void
FoldMarks(CsUtf16 *to, const UChar *units, int32 n)
{
	CsUtf16 apart;
	CsUtf16 folded;

	CsBeginUtf16(&apart, n);
	TakeApart(&apart, Decomposed(), units, n);
	SortAllMarks(&apart);
	CsBeginUtf16(&folded, apart.length);
	TakeApart(&folded, CsCasefold(), apart.units, apart.length);
	SortAllMarks(&folded);
	AppendNormal(to, CsCasefold(), folded.units, folded.length);
	pfree(apart.units);
	pfree(folded.units);
}

/* Whether what is before a place has no effect on what follows. */
static bool
BoundaryAt(const UChar *units, int32 place, int32 n)
{
	UChar32 character;

	if (place == 0 || place == n)
		return true;
	if (U16_IS_TRAIL(units[place]) && U16_IS_LEAD(units[place - 1]))
		return false;
	U16_GET(units, 0, place, n, character);
	return unorm2_hasBoundaryBefore(CsCasefold(), character) && u_getCombiningClass(character) == 0;
}

/*
 * Append a text with compatibility forms and case folded (NFKC_Casefold), in
 * pieces that do not depend on each other.
 */
void
CsFoldUtf16(CsUtf16 *to, const UChar *units, int32 n)
{
	int32 begin;
	int32 end;

	for (begin = 0; begin < n; begin = end)
	{
		CHECK_FOR_INTERRUPTS();
		end = n - begin > FOLDED_PIECE ? begin + FOLDED_PIECE : n;
		while (end > begin && !BoundaryAt(units, end, n))
			end--;
		if (end > begin)
		{
			AppendFolded(to, units + begin, end - begin);
			continue;
		}
		for (end = begin + FOLDED_PIECE; !BoundaryAt(units, end, n); end++)
			if (end % PIECE == 0)
				CHECK_FOR_INTERRUPTS();
		FoldMarks(to, units + begin, end - begin);
	}
}
