/*
 * lookup.c
 *		What the lexicon says of the tokens of a comment.
 *
 * A token that the lexicon does not have as it is written is looked for by other
 * forms: letters drawn out ("bangeeet"), one of two halves ("ramah-ramah"),
 * without a particle at its end ("ramahnya"), without a last letter that is
 * doubled ("bagusss" is drawn out, "baguss" is this). A form found stands for
 * the token in phrases too.
 */
#include "postgres.h"

#include <unicode/uchar.h>

#include "core/compat.h"
#include "text/tokens.h"

#define STEM_MIN 4 /* letters before a particle, but before one of three two are enough more */

/* Particles that change nothing about the meaning of an Indonesian word. */
static const char *const Particles[] = {"nya", "lah", "kah", "pun", "ku", "mu"};

/* Whether three equal letters stand in a row somewhere. */
static bool
IsDrawnOut(const CsToken *token)
{
	int32 i;

	for (i = 2; i < token->length; i++)
		if (token->units[i] == token->units[i - 1] && token->units[i] == token->units[i - 2] &&
			u_isalpha(token->units[i]))
			return true;
	return false;
}

/* Write a token with so many of that many or more equal letters in a row; its new length. */
static int32
Squeeze(UChar *to, const CsToken *token, int32 many, int32 keep)
{
	int32 n = 0;
	int32 i = 0;

	while (i < token->length)
	{
		int32 run = 1;

		while (i + run < token->length && token->units[i + run] == token->units[i])
			run++;
		i += run;
		if (run >= many && u_isalpha(token->units[i - 1]))
			run = keep;
		while (run-- > 0)
			to[n++] = token->units[i - 1];
	}
	return n;
}

/*
 * A token without letters that are drawn out: as a word that the lexicon knows,
 * of "gooood" the one with two of them, of "baguusss" that without any; else with
 * one of three or more.
 */
CsToken
CsShorten(const CsLexicon *lexicon, const CsToken *token)
{
	CsToken shorter = *token;
	UChar *units;

	if (token->kind != TOKEN_WORD || !IsDrawnOut(token))
		return shorter;
	units = palloc(sizeof(UChar) * token->length);
	shorter.units = units;
	shorter.length = Squeeze(units, token, 3, 2);
	if (CsFindWord(lexicon, units, shorter.length) != NULL)
		return shorter;
	shorter.length = Squeeze(units, token, 2, 1);
	if (CsFindWord(lexicon, units, shorter.length) == NULL)
		shorter.length = Squeeze(units, token, 3, 1);
	return shorter;
}

static bool
EndsWith(const UChar *units, int32 length, const char *ascii, int32 n)
{
	int32 i;

	if (length < n)
		return false;
	for (i = 0; i < n; i++)
		if (units[length - n + i] != (UChar) ascii[i])
			return false;
	return true;
}

/* A word as it is, without a particle, or without a doubled last letter. */
static CsWord *
FindForm(const CsLexicon *lexicon, const UChar *units, int32 length)
{
	CsWord *word;
	int i;

	if (length > LEXICON_UNITS_MAX)
		return NULL;
	word = CsFindWord(lexicon, units, length);
	for (i = 0; word == NULL && i < lengthof(Particles); i++)
	{
		int32 n = strlen(Particles[i]);

		if (length >= n + STEM_MIN && EndsWith(units, length, Particles[i], n))
			word = CsFindWord(lexicon, units, length - n);
	}
	if (word == NULL && length > STEM_MIN && units[length - 1] == units[length - 2])
		word = CsFindWord(lexicon, units, length - 1);
	return word;
}

/* The word of the lexicon that a token is, in the spelling that has a meaning; NULL for none. */
static CsWord *
Resolve(const CsLexicon *lexicon, const CsToken *token)
{
	CsWord *word;
	CsToken shorter;
	int32 half;

	if (token->kind != TOKEN_WORD)
		return CsFindWord(lexicon, token->units, token->length);
	word = FindForm(lexicon, token->units, token->length);
	if (word == NULL)
	{
		shorter = CsShorten(lexicon, token);
		if (shorter.length < token->length)
			word = FindForm(lexicon, shorter.units, shorter.length);
	}
	if (word == NULL)
		for (half = 1; half < token->length - 1 && word == NULL; half++)
			if (token->units[half] == '-')
			{
				word = FindForm(lexicon, token->units, half);
				if (word == NULL)
					word = FindForm(lexicon, token->units + half + 1, token->length - half - 1);
			}
	return word == NULL || word->stands_for == NULL ? word : word->stands_for;
}

/* Append a word to a phrase that is being looked for; false when no phrase is that long. */
static bool
Extend(UChar *phrase, int32 *length, const CsWord *word)
{
	if (*length + 1 + word->length > LEXICON_UNITS_MAX)
		return false;
	if (*length > 0)
		phrase[(*length)++] = ' ';
	memcpy(phrase + *length, word->units, sizeof(UChar) * word->length);
	*length += word->length;
	return true;
}

/*
 * The word and the phrases that begin at a token, by the number of their tokens
 * less one; NULL where the lexicon has none. Nothing goes across a pause. words
 * are those of all tokens. The number of lengths looked at.
 */
int
CsPhrasesAt(const CsLexicon *lexicon, const CsTokens *tokens, CsWord *const *words, int at,
			CsWord *found[LEXICON_WORDS_MAX])
{
	UChar phrase[LEXICON_UNITS_MAX];
	int32 length = 0;
	const CsWord *last = words[at];
	int n = 0;

	if (last == NULL)
		return 0;
	found[n++] = words[at];
	if (!last->begins || !Extend(phrase, &length, last))
		return n;
	while (last != NULL && last->begins && n < LEXICON_WORDS_MAX && at + n < tokens->n &&
		   words[at + n] != NULL && tokens->list[at + n].pause == PAUSE_NONE &&
		   Extend(phrase, &length, words[at + n]))
	{
		last = found[n++] = CsFindWord(lexicon, phrase, length);
		if (last != NULL && last->stands_for != NULL)
			found[n - 1] = last->stands_for;
	}
	return n;
}

/* The words of the lexicon that the tokens of a piece are, in the piece's memory. */
CsWord **
CsResolveAll(const CsLexicon *lexicon, const CsTokens *tokens)
{
	MemoryContext old = MemoryContextSwitchTo(tokens->memory);
	CsWord **words = palloc_extended(sizeof(CsWord *) * Max(tokens->n, 1), MCXT_ALLOC_HUGE);
	int i;

	for (i = 0; i < tokens->n; i++)
		words[i] = Resolve(lexicon, &tokens->list[i]);
	MemoryContextSwitchTo(old);
	return words;
}
