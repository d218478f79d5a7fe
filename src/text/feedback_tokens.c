/*
 * feedback_tokens.c
 *		The words of a comment for queries, and the checks of what is written to the lexicon.
 *
 * Rows of the lexicon hold words in the form that tokens have, so that a comment
 * and the lexicon meet: a trigger writes them so.
 */
#include "postgres.h"

#include <unicode/uchar.h>

#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "core/compat.h"
#include "text/icu.h"
#include "text/tokens.h"

PG_FUNCTION_INFO_V1(cs_feedback_tokens);
PG_FUNCTION_INFO_V1(cs_check_lexicon);

#define SHOWN_MAX 60 /* bytes of a word in a message */

/* An array that grows by doubling must stay within what the server can allocate. */
#define TOKENS_MAX ((int) (MaxAllocSize / sizeof(Datum) / 2))

/* A text of the server; most tokens are plain ASCII. */
static text *
UnitsText(const UChar *units, int32 length)
{
	text *result = palloc(VARHDRSZ + length);
	int32 i;

	for (i = 0; i < length; i++)
	{
		if (units[i] >= 128)
		{
			pfree(result);
			return CsUtf16Text(units, length);
		}
		VARDATA(result)[i] = (char) units[i];
	}
	SET_VARSIZE(result, VARHDRSZ + length);
	return result;
}

/* feedback_tokens(comment, locale) */
Datum
cs_feedback_tokens(PG_FUNCTION_ARGS)
{
	char *locale = CsCheckLocale(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	CsLexicon *lexicon = CsUseLexicon();
	ArrayBuildState *result = initArrayResult(TEXTOID, CurrentMemoryContext, true);
	CsTokens tokens;
	int total = 0;
	int i;

	CsBeginTokens(&tokens, lexicon, locale, PG_GETARG_TEXT_PP(0));
	while (CsNextPiece(&tokens))
	{
		total += tokens.n;
		if (total > TOKENS_MAX)
			ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
							errmsg("comment has more than %d tokens", TOKENS_MAX),
							errhint("Use a part of it: left(comment, 1000000).")));
		for (i = 0; i < tokens.n; i++)
		{
			MemoryContext old = MemoryContextSwitchTo(tokens.memory);
			CsToken token = CsShorten(lexicon, &tokens.list[i]);
			text *word = UnitsText(token.units, token.length);

			MemoryContextSwitchTo(old);
			(void) accumArrayResult(result, PointerGetDatum(word), false, TEXTOID, CurrentMemoryContext);
		}
	}
	PG_RETURN_DATUM(makeArrayResult(result, CurrentMemoryContext));
}

/* A word that the lexicon cannot hold; what is long is not shown whole. */
static void CS_NORETURN
BadWord(const text *word, const char *detail, const char *hint)
{
	int length = VARSIZE_ANY_EXHDR(word);
	int shown = pg_mbcliplen(VARDATA_ANY(word), length, SHOWN_MAX);

	ereport(ERROR, (errcode(ERRCODE_CHECK_VIOLATION),
					errmsg("\"%.*s%s\" cannot be a word of the lexicon", shown, VARDATA_ANY(word),
						   shown < length ? "..." : ""),
					errdetail_internal("%s", detail), errhint("%s", hint)));
}

/* A word or phrase in the form of tokens, with one space between them. */
static text *
NormalPhrase(const text *word)
{
	CsUtf16 phrase;
	CsTokens tokens;
	int i;

	CsBeginUtf16(&phrase, LEXICON_UNITS_MAX);
	CsBeginTokens(&tokens, NULL, "root", word);
	while (CsNextPiece(&tokens))
	{
		if (tokens.in_pieces || tokens.n > LEXICON_WORDS_MAX)
			BadWord(word, psprintf("A phrase has at most %d words.", LEXICON_WORDS_MAX),
					"Give the part of it that matters.");
		for (i = 0; i < tokens.n; i++)
		{
			CsReserveUtf16(&phrase, tokens.list[i].length + 1);
			if (i > 0)
				phrase.units[phrase.length++] = ' ';
			memcpy(phrase.units + phrase.length, tokens.list[i].units, sizeof(UChar) * tokens.list[i].length);
			phrase.length += tokens.list[i].length;
		}
	}
	if (phrase.length == 0)
		BadWord(word, "It has no letter, digit or symbol.", "Emoticons have the role emoticon.");
	if (phrase.length > LEXICON_UNITS_MAX)
		BadWord(word, psprintf("It is longer than %d characters.", LEXICON_UNITS_MAX),
				"Give the part of it that matters.");
	return UnitsText(phrase.units, phrase.length);
}

/* An emoticon, folded as texts are; without white space, which parts tokens. */
static text *
NormalEmoticon(const text *word)
{
	CsUtf16 raw;
	CsUtf16 folded;
	int32 i;

	CsBeginUtf16(&raw, VARSIZE_ANY_EXHDR(word));
	CsBeginUtf16(&folded, VARSIZE_ANY_EXHDR(word));
	CsAppendUtf16(&raw, VARDATA_ANY(word), VARSIZE_ANY_EXHDR(word));
	CsFoldUtf16(&folded, raw.units, raw.length);
	for (i = 0; i < folded.length; i++)
		if (u_isUWhiteSpace(folded.units[i]))
			break;
	if (folded.length == 0 || i < folded.length || folded.length > LEXICON_UNITS_MAX)
		BadWord(word, "An emoticon has no white space in it, and is not empty.",
				"Other words have another role than emoticon.");
	return UnitsText(folded.units, folded.length);
}

/* A column of the row; NULL for NULL and for a table without it. */
static text *
TextColumn(TupleDesc descriptor, HeapTuple row, const char *column)
{
	int number = SPI_fnumber(descriptor, column);
	bool isnull = true;
	Datum value = number > 0 ? SPI_getbinval(row, descriptor, number, &isnull) : (Datum) 0;

	return isnull ? NULL : DatumGetTextPP(value);
}

static bool
IsShipped(TupleDesc descriptor, HeapTuple row)
{
	bool isnull;
	Datum value = SPI_getbinval(row, descriptor, SPI_fnumber(descriptor, "shipped"), &isnull);

	return !isnull && DatumGetBool(value);
}

/*
 * check_lexicon(): trigger on the tables of words. What was shipped stays as it
 * is, as it is not dumped; what users write gets the form of tokens.
 */
Datum
cs_check_lexicon(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	TupleDesc descriptor;
	HeapTuple row;
	text *word;
	text *meaning;
	text *role;
	int columns[2];
	Datum values[2];
	int n = 0;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ||
		!TRIGGER_FIRED_BEFORE(trigger->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("this is the function of a trigger on the tables of words"),
						errhint("The extension makes such triggers itself.")));
	descriptor = RelationGetDescr(trigger->tg_relation);
	row = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple;
	if (!creating_extension && (IsShipped(descriptor, row) || IsShipped(descriptor, trigger->tg_trigtuple)))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("words that were shipped with the extension stay as they are"),
						errhint("Insert a row of your own for the word, which counts instead: with weight 0, "
								"or applies false, the word means nothing.")));
	if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		return PointerGetDatum(row);
	word = TextColumn(descriptor, row, "word");
	role = TextColumn(descriptor, row, "role");
	meaning = TextColumn(descriptor, row, "stands_for");
	if (word != NULL)
	{
		bool emoticon = role != NULL && strcmp(text_to_cstring(role), "emoticon") == 0;

		columns[n] = SPI_fnumber(descriptor, "word");
		values[n++] = PointerGetDatum(emoticon ? NormalEmoticon(word) : NormalPhrase(word));
	}
	if (meaning != NULL)
	{
		columns[n] = SPI_fnumber(descriptor, "stands_for");
		values[n++] = PointerGetDatum(NormalPhrase(meaning));
	}
	row = heap_modify_tuple_by_cols(row, descriptor, n, columns, values, (bool[]){false, false});
	return PointerGetDatum(row);
}
