/*
 * tokens.c
 *		The words of a comment.
 *
 * A *token* is a word, a number, an emoticon or emoji, or an address, folded to
 * the normal form of comparison. Word breaks are ICU's; what people write in
 * shops and chats needs more:
 *
 *	  * emoticons of the lexicon and addresses are looked for first, as breaks
 *		would take them apart, and are blank to ICU;
 *	  * words that are written twice are one token ("ramah-ramah", "warna-warni"),
 *		also by the short form with a 2 ("sangat2", "barang2nya");
 *	  * an amount keeps its currency ("rp 1.250.000");
 *	  * a full stop without a space after it ends a word too ("bagus.cepat").
 *
 * A comment is read in pieces of at most 32 kB that end at white space, so that
 * memory does not grow with it. A piece's tokens last until the next piece; they
 * lie in its text, in the lexicon, or in the piece's memory.
 */
#include "postgres.h"

#include <unicode/uchar.h>
#include <unicode/utf16.h>

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "core/compat.h"
#include "text/icu.h"
#include "text/tokens.h"

#define PIECE 32768 /* bytes */
#define LOCAL_PART_MAX 64 /* of the address of a mailbox */
#define HALF_MAX 40 /* units of half a word whose other half is similar */

/* What has been found before ICU sees the text. */
typedef struct Mark
{
	int32 place;
	CsToken token;
} Mark;

typedef struct Marks
{
	Mark *list;
	int n;
	int room;
	int next; /* not yet among the tokens */
} Marks;

/* Where the reading of a piece is. */
typedef struct Reader
{
	CsTokens *tokens;
	Marks marks;
	CsPause pause; /* since the last token */
	int32 hyphen; /* where a hyphen right after a word ends; -1 */
	int32 currency; /* where a currency sign begins that ends here; -1 */
} Reader;

/* Begin to read a comment. The lexicon must last as long as the tokens are used. */
void
CsBeginTokens(CsTokens *tokens, const CsLexicon *lexicon, const char *locale, const text *comment)
{
	memset(tokens, 0, sizeof(*tokens));
	tokens->lexicon = lexicon;
	tokens->rest = VARDATA_ANY(comment);
	tokens->nrest = VARSIZE_ANY_EXHDR(comment);
	tokens->breaks = CsWordBreaks(locale);
	tokens->in_pieces = tokens->nrest > PIECE;
	tokens->memory = CurrentMemoryContext;
	if (tokens->in_pieces)
		tokens->memory = AllocSetContextCreate(CurrentMemoryContext, "customer_scoring tokens",
											   ALLOCSET_DEFAULT_SIZES);
}

/* How much of the rest is the next piece: to its last white space, or to a character if it has none. */
static size_t
PieceLength(const CsTokens *tokens)
{
	int i;

	if (tokens->nrest <= PIECE)
		return tokens->nrest;
	for (i = PIECE; i > 0; i--)
		if (tokens->rest[i - 1] == ' ' || tokens->rest[i - 1] == '\n' || tokens->rest[i - 1] == '\t')
			return i;
	return pg_mbcliplen(tokens->rest, tokens->nrest, PIECE);
}

static bool
IsAlnum(UChar unit)
{
	if (unit < 128)
		return (unit >= 'a' && unit <= 'z') || (unit >= '0' && unit <= '9');
	return u_isalnum(unit) || CsStandsForByte(unit);
}

static bool
IsBlank(UChar unit)
{
	return unit <= ' ' || (unit >= 0x80 && u_isUWhiteSpace(unit));
}

static bool
StartsWith(const CsUtf16 *text, int32 at, const char *ascii)
{
	for (; *ascii != '\0'; ascii++, at++)
		if (at >= text->length || text->units[at] != (UChar) *ascii)
			return false;
	return true;
}

/* Note a token and blank it out. */
static void
AddMark(Marks *marks, CsUtf16 *text, int32 place, int32 length, CsToken token)
{
	int32 i;

	if (marks->n == marks->room)
	{
		marks->room = Max(marks->room * 2, 8);
		marks->list = marks->list == NULL ? palloc(sizeof(Mark) * marks->room)
										  : repalloc_huge(marks->list, sizeof(Mark) * (Size) marks->room);
	}
	marks->list[marks->n].place = place;
	marks->list[marks->n++].token = token;
	for (i = place; i < place + length; i++)
		text->units[i] = ' ';
}

/* Equal units that follow each other, as they were found last. */
typedef struct Run
{
	int32 begin;
	int32 end;
} Run;

/* Where the run that a place is in ends, looked for once however often it is asked for. */
static int32
RunEnd(const CsUtf16 *text, int32 place, Run *run)
{
	if (place < run->begin || place >= run->end)
	{
		run->begin = place;
		for (run->end = place + 1; run->end < text->length && text->units[run->end] == text->units[place];)
			run->end++;
	}
	return run->end;
}

/*
 * The length of an emoticon at a place, the longest that the lexicon has, with
 * repetitions of its last character; 0 for none. One that begins or ends with a
 * letter stands alone, and a bracket before a word is only that: "isi:(satu)".
 */
static int32
EmoticonAt(const CsLexicon *lexicon, const CsUtf16 *text, int32 place, Run *run, CsToken *token)
{
	const UChar *units = text->units + place;
	int32 most = Min(lexicon->emoticon_longest, text->length - place);
	int32 n;

	if (IsAlnum(units[0]) && place > 0 && IsAlnum(units[-1]))
		return 0;
	for (n = most; n > 0; n--)
	{
		CsWord *word = CsFindWord(lexicon, units, n);
		int32 end;

		if (word == NULL || word->role != ROLE_EMOTICON)
			continue;
		end = RunEnd(text, place + n - 1, run) - place;
		if ((IsAlnum(units[n - 1]) || units[n - 1] == '(') && place + end < text->length &&
			IsAlnum(units[end]))
			continue;
		token->units = word->units;
		token->length = word->length;
		token->kind = TOKEN_SYMBOL;
		return end;
	}
	return 0;
}

/* The length of the address of a page that begins at a place; 0 for none. */
static int32
PageAt(const CsUtf16 *text, int32 place)
{
	int32 end = place;

	if (!StartsWith(text, place, "http://") && !StartsWith(text, place, "https://") &&
		!StartsWith(text, place, "www."))
		return 0;
	while (end < text->length && !IsBlank(text->units[end]))
		end++;
	while (end > place && !IsAlnum(text->units[end - 1]) && text->units[end - 1] != '/')
		end--;
	return end - place;
}

/* The length of the address of a mailbox that begins at a place; 0 for none. */
static int32
MailboxAt(const CsUtf16 *text, int32 place)
{
	const UChar *units = text->units;
	int32 at = place;
	int32 end;

	while (
		at < text->length && at - place <= LOCAL_PART_MAX &&
		(IsAlnum(units[at]) || units[at] == '.' || units[at] == '_' || units[at] == '-' || units[at] == '+'))
		at++;
	if (at == place || at + 1 >= text->length || units[at] != '@' || !IsAlnum(units[at + 1]))
		return 0;
	for (end = at + 1; end < text->length && (IsAlnum(units[end]) || units[end] == '.' || units[end] == '-');)
		end++;
	while (!IsAlnum(units[end - 1]))
		end--;
	return end - place;
}

/* Find what ICU would take apart, and make apostrophes of all kinds one. */
static void
FindMarks(CsTokens *tokens, Marks *marks)
{
	const CsLexicon *lexicon = tokens->lexicon;
	CsUtf16 *text = &tokens->folded;
	bool word = false; /* whether the character before belongs to one */
	Run run = {0, 0};
	int32 i = 0;

	while (i < text->length)
	{
		UChar unit = text->units[i];
		bool begins = !word && IsAlnum(unit);
		CsToken token = {0};
		int32 length = 0;

		if (unit == 0x2018 || unit == 0x2019 || unit == 0x02BC)
			text->units[i] = '\'';
		if (begins && (unit == 'h' || unit == 'w'))
			length = PageAt(text, i);
		if (begins && length == 0)
			length = MailboxAt(text, i);
		if (length > 0)
		{
			token.units = memcpy(palloc(sizeof(UChar) * length), text->units + i, sizeof(UChar) * length);
			token.length = length;
			token.kind = TOKEN_ADDRESS;
		}
		else if (lexicon != NULL && unit < 128 && lexicon->emoticon_begins[unit])
			length = EmoticonAt(lexicon, text, i, &run, &token);
		word = length == 0 && IsAlnum(unit);
		if (length > 0)
			AddMark(marks, text, i, length, token);
		i += Max(length, 1);
	}
}

/* Add a token after the pause there was. */
static void
AddToken(Reader *reader, CsToken token)
{
	CsTokens *tokens = reader->tokens;

	if (tokens->n == tokens->room)
	{
		tokens->room = Max(tokens->room * 2, 64);
		tokens->list = tokens->list == NULL
						   ? palloc(sizeof(CsToken) * tokens->room)
						   : repalloc_huge(tokens->list, sizeof(CsToken) * (Size) tokens->room);
	}
	token.pause = reader->pause;
	tokens->list[tokens->n++] = token;
	reader->pause = PAUSE_NONE;
	reader->hyphen = -1;
	reader->currency = -1;
}

static void
Pause(Reader *reader, CsPause pause)
{
	reader->pause = Max(reader->pause, pause);
}

/* The last token, if it lies in the text of the piece and ends at a place. */
static CsToken *
TokenEndingAt(const Reader *reader, int32 place)
{
	const CsTokens *tokens = reader->tokens;
	CsToken *last = tokens->n == 0 ? NULL : &tokens->list[tokens->n - 1];

	if (last == NULL || last->units + last->length != tokens->folded.units + place)
		return NULL;
	return last;
}

static bool
IsVowel(UChar unit)
{
	return unit == 'a' || unit == 'e' || unit == 'i' || unit == 'o' || unit == 'u';
}

/* Whether two words have the same consonants: "warna-warni", "bolak-balik". */
static bool
SameConsonants(const UChar *a, int32 na, const UChar *b, int32 nb)
{
	int32 i = 0;
	int32 j = 0;
	int common = 0;

	for (;;)
	{
		while (i < na && IsVowel(a[i]))
			i++;
		while (j < nb && IsVowel(b[j]))
			j++;
		if (i == na || j == nb)
			return i == na && j == nb && common >= 2;
		if (a[i++] != b[j++])
			return false;
		common++;
	}
}

/* The length of the longest part that two words share: "berulang-ulang". */
static int32
LongestShared(const UChar *a, int32 na, const UChar *b, int32 nb)
{
	int32 longest = 0;
	int32 i;
	int32 j;

	for (i = 0; i < na; i++)
		for (j = 0; j < nb; j++)
		{
			int32 n = 0;

			while (i + n < na && j + n < nb && a[i + n] == b[j + n])
				n++;
			longest = Max(longest, n);
		}
	return longest;
}

/* Whether two words with a hyphen between them are one word written twice. */
static bool
IsTwice(const UChar *a, int32 na, const UChar *b, int32 nb)
{
	if (na == nb && memcmp(a, b, sizeof(UChar) * na) == 0)
		return true;
	if (na > HALF_MAX || nb > HALF_MAX)
		return false;
	return SameConsonants(a, na, b, nb) || LongestShared(a, na, b, nb) >= Max(3, (2 * Min(na, nb) + 2) / 3);
}

/* Whether units are one of some ASCII words. */
static bool
IsOneOf(const UChar *units, int32 length, const char *const *words)
{
	for (; *words != NULL; words++)
	{
		int32 n = strlen(*words);
		int32 i;

		for (i = 0; i < n && n == length && units[i] == (UChar) (*words)[i];)
			i++;
		if (i == n && n == length)
			return true;
	}
	return false;
}

/* Whether a currency stands at the beginning of a word: its length, 0 for none. */
static int32
CurrencyLength(const UChar *units, int32 length)
{
	static const char *const currencies[] = {"rp", "idr", "usd", "eur", "sgd", "myr", NULL};
	int32 n = 0;

	while (n < length && units[n] >= 'a' && units[n] <= 'z')
		n++;
	return IsOneOf(units, n, currencies) ? n : 0;
}

/* An amount after a currency with at most a stop and a space between; false if it is none. */
static bool
JoinCurrency(Reader *reader, int32 begin, int32 end)
{
	CsTokens *tokens = reader->tokens;
	const UChar *text = tokens->folded.units;
	CsToken *last;
	UChar *joined;
	int32 gap = begin;

	if (reader->currency >= 0)
	{
		CsToken token = {text + reader->currency, end - reader->currency, TOKEN_NUMBER, PAUSE_NONE};

		AddToken(reader, token);
		return true;
	}
	if (gap > 0 && text[gap - 1] == ' ')
		gap--;
	if (gap > 0 && text[gap - 1] == '.')
		gap--;
	last = TokenEndingAt(reader, gap);
	if (last == NULL || last->kind != TOKEN_WORD || CurrencyLength(last->units, last->length) != last->length)
		return false;
	joined = palloc(sizeof(UChar) * (last->length + end - begin));
	memcpy(joined, last->units, sizeof(UChar) * last->length);
	memcpy(joined + last->length, text + begin, sizeof(UChar) * (end - begin));
	last->length += end - begin;
	last->units = joined;
	last->kind = TOKEN_NUMBER;
	reader->pause = PAUSE_NONE;
	return true;
}

/*
 * Where the stem ends of a word that a 2 says twice, perhaps with a suffix:
 * "barang2nya"; 0 for other words, such as "mp3" and "h2o".
 */
static int32
StemBeforeTwo(const UChar *units, int32 length)
{
	static const char *const suffixes[] = {"", "an", "nya", "ku", "mu", "lah", "kah", NULL};
	int32 n = 0;

	while (n < length && u_isalpha(units[n]))
		n++;
	if (n < 3 || n == length || units[n] != '2' || !IsOneOf(units + n + 1, length - n - 1, suffixes))
		return 0;
	return n;
}

/* A word without punctuation in it. */
static void
AddWord(Reader *reader, int32 begin, int32 end)
{
	const UChar *units = reader->tokens->folded.units + begin;
	CsToken token = {units, end - begin, TOKEN_WORD, PAUSE_NONE};
	CsToken *first = reader->hyphen == begin ? TokenEndingAt(reader, begin - 1) : NULL;
	int32 stem;

	if (first != NULL && IsTwice(first->units, first->length, units, token.length))
	{
		first->length += 1 + token.length;
		reader->hyphen = -1;
		return;
	}
	stem = StemBeforeTwo(units, token.length);
	if (stem > 0)
	{
		UChar *twice = palloc(sizeof(UChar) * (stem + token.length));

		memcpy(twice, units, sizeof(UChar) * stem);
		twice[stem] = '-';
		memcpy(twice + stem + 1, units, sizeof(UChar) * stem);
		memcpy(twice + 2 * stem + 1, units + stem + 1, sizeof(UChar) * (token.length - stem - 1));
		token.units = twice;
		token.length += stem;
	}
	AddToken(reader, token);
}

/* Whether a mark inside a word parts it, as ICU does not. */
static bool
PartsWord(UChar unit)
{
	return unit == '.' || unit == ':' || unit == '_';
}

/* Whether a word is an abbreviation: "u.s.a", one letter between two stops. */
static bool
IsAbbreviation(const UChar *units, int32 length)
{
	int32 i;

	for (i = 0; i < length; i++)
		if (PartsWord(units[i]) != (i % 2 == 1))
			return false;
	return length > 1;
}

/* What ICU takes for a word or a number. */
static void
AddWordOrNumber(Reader *reader, int32 begin, int32 end)
{
	const UChar *text = reader->tokens->folded.units;
	int32 currency = CurrencyLength(text + begin, end - begin);
	int32 at;

	if (u_isdigit(text[begin]) ||
		(currency > 0 && begin + currency < end && u_isdigit(text[begin + currency])))
	{
		CsToken token = {text + begin, end - begin, TOKEN_NUMBER, PAUSE_NONE};

		if (currency > 0 || !JoinCurrency(reader, begin, end))
			AddToken(reader, token);
		return;
	}
	if (IsAbbreviation(text + begin, end - begin))
	{
		AddWord(reader, begin, end);
		return;
	}
	for (at = begin; at <= end; at++)
		if (at == end || PartsWord(text[at]))
		{
			if (at > begin)
				AddWord(reader, begin, at);
			if (at < end && text[at] != '_')
				Pause(reader, PAUSE_SENTENCE);
			begin = at + 1;
		}
}

/* An emoji, without the colour of its skin. */
static void
AddSymbol(Reader *reader, int32 begin, int32 end)
{
	const UChar *text = reader->tokens->folded.units;
	UChar *plain = palloc(sizeof(UChar) * (end - begin));
	CsToken token = {plain, 0, TOKEN_SYMBOL, PAUSE_NONE};
	UChar32 character;

	while (begin < end)
	{
		U16_NEXT(text, begin, end, character);
		if (!u_hasBinaryProperty(character, UCHAR_EMOJI_MODIFIER))
			U16_APPEND_UNSAFE(plain, token.length, character);
	}
	if (token.length > 0)
		AddToken(reader, token);
}

/* What ICU takes for no word: white space, punctuation, symbols. */
static void
SkipOrAddSymbol(Reader *reader, int32 begin, int32 end)
{
	const UChar *text = reader->tokens->folded.units;
	UChar32 character;
	bool hyphen = end - begin == 1 && (text[begin] == '-' || text[begin] == 0x2010);

	if (text[begin] == ' ')
		return;
	U16_GET(text, begin, begin, end, character);
	if (hyphen && TokenEndingAt(reader, begin) != NULL && end < reader->tokens->folded.length &&
		IsAlnum(text[end]))
		reader->hyphen = end;
	else if (character == '\n' || character == '\r' || character == ':' || character == ';' ||
			 u_hasBinaryProperty(character, UCHAR_S_TERM))
		Pause(reader, PAUSE_SENTENCE);
	else if (u_charType(character) == U_CURRENCY_SYMBOL)
		reader->currency = begin;
	else if (character >= 0x80 && (u_hasBinaryProperty(character, UCHAR_EXTENDED_PICTOGRAPHIC) ||
								   u_hasBinaryProperty(character, UCHAR_REGIONAL_INDICATOR) ||
								   u_charType(character) == U_OTHER_SYMBOL))
		AddSymbol(reader, begin, end);
	else if (hyphen || character == '/' || character == '(' || character == ')' ||
			 u_hasBinaryProperty(character, UCHAR_TERMINAL_PUNCTUATION) ||
			 u_hasBinaryProperty(character, UCHAR_DASH))
		Pause(reader, PAUSE_CLAUSE);
}

/*
 * The text of a piece as ICU breaks it. To ICU, what stands for a byte without a
 * character is no letter; it is one here, so that words of a database that does
 * not know its encoding stay whole.
 */
static const UChar *
BreakableText(const CsUtf16 *text)
{
	UChar *letters;
	int32 i;

	for (i = 0; i < text->length && !CsStandsForByte(text->units[i]);)
		i++;
	if (i == text->length)
		return text->units;
	letters = memcpy(palloc(sizeof(UChar) * text->length), text->units, sizeof(UChar) * text->length);
	for (; i < text->length; i++)
		if (CsStandsForByte(letters[i]))
			letters[i] = 'x';
	return letters;
}

/* The tokens of a piece, from the breaks of ICU. */
static void
ReadPiece(Reader *reader)
{
	CsTokens *tokens = reader->tokens;
	Marks *marks = &reader->marks;
	UErrorCode status = U_ZERO_ERROR;
	int32 begin = 0;
	int32 end;

	ubrk_setText(tokens->breaks, BreakableText(&tokens->folded), tokens->folded.length, &status);
	CsCheckIcu(status, "ubrk_setText");
	while ((end = ubrk_next(tokens->breaks)) != UBRK_DONE)
	{
		while (marks->next < marks->n && marks->list[marks->next].place < end)
			AddToken(reader, marks->list[marks->next++].token);
		if (ubrk_getRuleStatus(tokens->breaks) < UBRK_WORD_NONE_LIMIT)
			SkipOrAddSymbol(reader, begin, end);
		else
			AddWordOrNumber(reader, begin, end);
		if (reader->currency >= 0 && reader->currency != begin)
			reader->currency = -1;
		begin = end;
	}
}

/* Read the tokens of the next piece; false when there is none. */
bool
CsNextPiece(CsTokens *tokens)
{
	Reader reader = {.tokens = tokens, .pause = PAUSE_SENTENCE, .hyphen = -1, .currency = -1};
	MemoryContext old;
	size_t length;

	if (tokens->nrest == 0)
		return false;
	if (tokens->in_pieces)
		MemoryContextReset(tokens->memory);
	old = MemoryContextSwitchTo(tokens->memory);
	tokens->list = NULL;
	tokens->n = tokens->room = 0;
	length = PieceLength(tokens);
	CsBeginUtf16(&tokens->raw, length);
	CsBeginUtf16(&tokens->folded, length + length / 8);
	CsAppendUtf16(&tokens->raw, tokens->rest, length);
	CsFoldUtf16(&tokens->folded, tokens->raw.units, tokens->raw.length);
	FindMarks(tokens, &reader.marks);
	ReadPiece(&reader);
	tokens->rest += length;
	tokens->nrest -= length;
	MemoryContextSwitchTo(old);
	return true;
}
