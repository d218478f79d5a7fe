/*
 * name_key.c
 *		A key by which names of persons and firms are found again.
 *
 * A name is *spelled* first: compatibility forms and case folded, apostrophes
 * left out, runs of letters, marks and digits kept as words, and all else taken
 * for space. Between words stands a blank, or a dot where the name has nothing
 * else ("P.T."). Then words of name_word are taken off both ends, also such as
 * are written with dots, as long as another word remains. Scripts are never
 * turned into each other.
 *
 * What is left keeps its key: a key is its own key.
 */
#include "postgres.h"

#include <unicode/uchar.h>
#include <unicode/utf16.h>

#include "access/htup_details.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "core/compat.h"
#include "text/icu.h"
#include "text/identity.h"

PG_FUNCTION_INFO_V1(cs_name_key);
PG_FUNCTION_INFO_V1(cs_form_word);

#define WORDS_MAX 4 /* that are looked up as one */

/* What a character of a name is. */
typedef enum Part
{
	PART_SPACE,
	PART_DOT,
	PART_NOTHING, /* as if it were not there */
	PART_MARK, /* belongs to what is before it */
	PART_LETTER,
	PART_SYMBOL, /* a letter only where there is no other */
} Part;

/* What has been spelled so far. */
typedef struct Speller
{
	CsUtf16 *to;
	bool symbols; /* take symbols for letters */
	bool in_word;
	bool dotted; /* a dot and nothing else since the last word */
	bool spaced; /* something else */
	bool melted; /* characters have come together that were apart */
} Speller;

static Part
PartOfAscii(UChar32 character)
{
	if ((character >= 'a' && character <= 'z') || (character >= '0' && character <= '9') ||
		(character >= 'A' && character <= 'Z'))
		return PART_LETTER;
	if (character == '.')
		return PART_DOT;
	if (character == '\'' || character == '`')
		return PART_NOTHING;
	return PART_SPACE;
}

static Part
PartOf(UChar32 character)
{
	uint32 category;

	if (character < 0x80)
		return PartOfAscii(character);
	switch (character)
	{
		case 0x2018: /* quotation marks and letters that stand for an apostrophe */
		case 0x2019:
		case 0x02B9:
		case 0x02BB:
		case 0x02BC:
		case 0x02BE:
		case 0x02BF:
		case 0x2032:
			return PART_NOTHING;
	}
	category = U_GET_GC_MASK(character);
	if (category & (U_GC_L_MASK | U_GC_N_MASK | U_GC_CN_MASK | U_GC_CO_MASK))
		return PART_LETTER;
	if (category & U_GC_M_MASK)
		return PART_MARK;
	if (category & U_GC_SO_MASK)
		return PART_SYMBOL;
	return PART_SPACE;
}

static void
Spell(Speller *speller, UChar32 character)
{
	CsUtf16 *to = speller->to;
	Part part = PartOf(character);

	if (part == PART_SYMBOL)
		part = speller->symbols ? PART_LETTER : PART_SPACE;
	if (part == PART_NOTHING)
	{
		speller->melted |= speller->in_word;
		return;
	}
	if (part == PART_SPACE || part == PART_DOT || (part == PART_MARK && !speller->in_word))
	{
		if (part == PART_DOT && speller->in_word)
			speller->dotted = true;
		else
			speller->spaced = true;
		speller->in_word = false;
		return;
	}
	if (!speller->in_word)
	{
		if (to->length > 0)
			to->units[to->length++] = speller->dotted && !speller->spaced ? '.' : ' ';
		speller->in_word = true;
		speller->dotted = speller->spaced = false;
	}
	U16_APPEND_UNSAFE(to->units, to->length, character);
}

/* Spell a text that is folded; whether characters have come together. */
static bool
SpellFolded(CsUtf16 *to, const UChar *units, int32 n, bool symbols)
{
	Speller speller = {.to = to, .symbols = symbols};
	int32 i = 0;

	to->length = 0;
	CsReserveUtf16(to, (int64) n + 1);
	while (i < n)
	{
		UChar32 character;

		if ((i & 0xFFF) == 0)
			CHECK_FOR_INTERRUPTS();
		U16_NEXT(units, i, n, character);
		Spell(&speller, character);
	}
	return speller.melted;
}

/* The same of ASCII, which folds to small letters. */
static void
SpellAscii(CsUtf16 *to, const char *bytes, size_t n)
{
	Speller speller = {.to = to};
	size_t i;

	CsReserveUtf16(to, (int64) n + 1);
	for (i = 0; i < n; i++)
	{
		if ((i & 0xFFFF) == 0)
			CHECK_FOR_INTERRUPTS();
		Spell(&speller, bytes[i] >= 'A' && bytes[i] <= 'Z' ? bytes[i] + ('a' - 'A') : bytes[i]);
	}
}

/*
 * Spell a name into an empty text; whether anything is left. Where leaving out
 * an apostrophe has brought a letter and a mark together, they are folded again.
 */
bool
CsSpellName(CsUtf16 *to, const char *bytes, size_t n)
{
	CsUtf16 raw;
	CsUtf16 folded;

	if (CsIsAscii(bytes, n))
	{
		SpellAscii(to, bytes, n);
		return to->length > 0;
	}
	CsBeginUtf16(&raw, Min(n, 1024));
	CsAppendUtf16(&raw, bytes, n);
	CsBeginUtf16(&folded, raw.length + raw.length / 4);
	CsFoldUtf16(&folded, raw.units, raw.length);
	if (SpellFolded(to, folded.units, folded.length, false))
	{
		folded.length = 0;
		CsFoldUtf16(&folded, to->units, to->length);
		(void) SpellFolded(to, folded.units, folded.length, false);
	}
	if (to->length == 0)
		(void) SpellFolded(to, folded.units, folded.length, true);
	pfree(raw.units);
	pfree(folded.units);
	return to->length > 0;
}

static bool
IsBetween(UChar unit)
{
	return unit == ' ' || unit == '.';
}

/*
 * Whether words that follow each other are one of name_word, with a blank
 * between them, or with nothing where there are dots.
 */
static bool
IsNoName(uint64 languages, const UChar *units, int32 n, int place)
{
	UChar blanks[128];
	UChar together[128];
	int32 ntogether = 0;
	bool dots = true;
	int32 i = 0;

	if (n > CsLongestWord() * 2 || n > lengthof(blanks))
		return false;
	do
	{
		blanks[i] = IsBetween(units[i]) ? ' ' : units[i];
		dots &= units[i] != ' ';
		if (!IsBetween(units[i]))
			together[ntogether++] = units[i];
	} while (++i < n);
	if (CsWordPlaces(languages, blanks, n) & place)
		return true;
	return dots && ntogether < n && (CsWordPlaces(languages, together, ntogether) & place) != 0;
}

/* Where the name begins after one word less, or where it began. */
static int32
StripBefore(uint64 languages, const UChar *units, int32 begin, int32 end)
{
	int32 stripped = begin;
	int words = 0;
	int32 i;

	for (i = begin; i < end && words < WORDS_MAX && i - begin <= CsLongestWord() * 2; i++)
		if (IsBetween(units[i]))
		{
			words++;
			if (IsNoName(languages, units + begin, i - begin, CS_BEFORE))
				stripped = i + 1;
		}
	return stripped;
}

/* Where the name ends after one word less, or where it ended. */
static int32
StripAfter(uint64 languages, const UChar *units, int32 begin, int32 end)
{
	int32 stripped = end;
	int words = 0;
	int32 i;

	for (i = end - 1; i >= begin && words < WORDS_MAX && end - i <= CsLongestWord() * 2 + 1; i--)
		if (IsBetween(units[i]))
		{
			words++;
			if (IsNoName(languages, units + i + 1, end - i - 1, CS_AFTER))
				stripped = i;
		}
	return stripped;
}

/* The key of a name by the words of a locale, or of all of them for NULL; NULL for no name. */
text *
CsNameKey(const char *bytes, size_t n, const char *locale)
{
	uint64 languages = CsUseNameWords(locale);
	CsUtf16 spelled;
	text *key = NULL;
	int32 begin = 0;
	int32 end;
	int32 before;
	int32 i;

	CsBeginUtf16(&spelled, Min(n + 1, 1024));
	if (CsSpellName(&spelled, bytes, n))
	{
		end = spelled.length;
		do
		{
			before = end - begin;
			begin = StripBefore(languages, spelled.units, begin, end);
			end = StripAfter(languages, spelled.units, begin, end);
		} while (end - begin < before);
		for (i = begin; i < end; i++)
			if (spelled.units[i] == '.')
				spelled.units[i] = ' ';
		key = CsUtf16Text(spelled.units + begin, end - begin);
	}
	pfree(spelled.units);
	return key;
}

/* name_key(name, locale DEFAULT NULL) */
Datum
cs_name_key(PG_FUNCTION_ARGS)
{
	text *name;
	char *locale = NULL;
	text *key;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	name = PG_GETARG_TEXT_PP(0);
	if (!PG_ARGISNULL(1))
		locale = text_to_cstring(PG_GETARG_TEXT_PP(1));
	key = CsNameKey(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name), locale);
	if (locale != NULL)
		pfree(locale);
	PG_FREE_IF_COPY(name, 0);
	if (key == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(key);
}

/*
 * form_word(): brings the word of a row of name_word into the form that is looked
 * up, in which what dots join is one word; empty when nothing is left. In C, since
 * who writes to the table has no right to the extension's internal schema.
 */
Datum
cs_form_word(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	TupleDesc descriptor;
	HeapTuple row;
	int column;
	bool none;
	Datum value;
	text *word;
	CsUtf16 spelled;
	int32 length = 0;
	int32 i;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ||
		!TRIGGER_FIRED_BEFORE(trigger->tg_event) || TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("this is the function of a trigger on the words of names"),
						errhint("The extension makes such triggers itself.")));
	descriptor = RelationGetDescr(trigger->tg_relation);
	row = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple;
	column = SPI_fnumber(descriptor, "word");
	value = heap_getattr(row, column, descriptor, &none);
	if (none)
		return PointerGetDatum(row);
	word = DatumGetTextPP(value);
	CsBeginUtf16(&spelled, VARSIZE_ANY_EXHDR(word) + 1);
	if (CsSpellName(&spelled, VARDATA_ANY(word), VARSIZE_ANY_EXHDR(word)))
		for (i = 0; i < spelled.length; i++)
			if (spelled.units[i] != '.')
				spelled.units[length++] = spelled.units[i];
	value = PointerGetDatum(CsUtf16Text(spelled.units, length));
	return PointerGetDatum(heap_modify_tuple_by_cols(row, descriptor, 1, &column, &value, &none));
}
