/*
 * complaint.c
 *		What a comment is about, by the words that categories of complaints have.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "core/compat.h"
#include "text/tokens.h"

PG_FUNCTION_INFO_V1(cs_complaint_categories);

/* A category and how often its words occur. */
typedef struct Mentions
{
	int category;
	int64 n;
} Mentions;

/* What is mentioned most first; names in order of their bytes among equals. */
static int
CompareMentions(const void *a, const void *b)
{
	const Mentions *x = a;
	const Mentions *y = b;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return x->category - y->category;
}

/* Count the words and phrases of categories in a piece, each place once for each phrase that is there. */
static void
CountMentions(Mentions *mentions, const CsLexicon *lexicon, const CsTokens *tokens)
{
	CsWord **words = CsResolveAll(lexicon, tokens);
	CsWord *found[LEXICON_WORDS_MAX];
	int i;

	for (i = 0; i < tokens->n; i++)
	{
		int n = CsPhrasesAt(lexicon, tokens, words, i, found);

		while (n-- > 0)
		{
			ListCell *cell;

			if (found[n] != NULL)
				foreach (cell, found[n]->categories)
					mentions[lfirst_int(cell)].n++;
		}
	}
}

/* complaint_categories(comment) */
Datum
cs_complaint_categories(PG_FUNCTION_ARGS)
{
	CsLexicon *lexicon = CsUseLexicon();
	Mentions *mentions = palloc(sizeof(Mentions) * Max(lexicon->ncategories, 1));
	Datum *names = palloc(sizeof(Datum) * Max(lexicon->ncategories, 1));
	CsTokens tokens;
	int n = 0;
	int i;

	for (i = 0; i < lexicon->ncategories; i++)
	{
		mentions[i].category = i;
		mentions[i].n = 0;
	}
	CsBeginTokens(&tokens, lexicon, "root", PG_GETARG_TEXT_PP(0));
	while (CsNextPiece(&tokens))
		CountMentions(mentions, lexicon, &tokens);
	qsort(mentions, lexicon->ncategories, sizeof(Mentions), CompareMentions);
	for (; n < lexicon->ncategories && mentions[n].n > 0; n++)
		names[n] = PointerGetDatum(lexicon->categories[mentions[n].category]);
	PG_RETURN_POINTER(construct_array(names, n, TEXTOID, -1, false, TYPALIGN_INT));
}
