/*
 * sentiment.c
 *		What opinion a comment has, by the words of the lexicon.
 *
 * Each word of *opinion* and each emoticon counts with its weight. A *negator*
 * turns the opinion that follows within a few words, and others of the same kind
 * after it; an *intensifier* multiplies the opinion that follows, or the one
 * right before it; a word of *contrast* ("tapi", "but") makes less of what was
 * said before it in the sentence, one of *concession* ("meski", "although") of
 * what follows up to a comma. Phrases go before words: of "tidak sesuai" as a
 * phrase, neither word counts by itself. The score of a sum s is s / √(s² + 1),
 * which is above −1 and below 1; without opinions 0.
 *
 * All is added up in the order of the text, so a score is the same everywhere.
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "core/compat.h"
#include "text/tokens.h"

PG_FUNCTION_INFO_V1(cs_sentiment);
PG_FUNCTION_INFO_V1(cs_sentiment_words);

#define NEGATION_WINDOW 4 /* tokens after a negator */
#define INTENSIFIER_WINDOW 2 /* tokens after an intensifier */
#define INTENSIFIED_MAX 2.0 /* however many intensifiers there are */

/* A word that counts. */
typedef struct Hit
{
	const CsWord *word;
	double weight; /* with all that changed it */
	bool negated;
	bool intensified;
} Hit;

/* The reading of one piece. */
typedef struct Opinion
{
	Hit *hits;
	int n;
	int sentence; /* the first hit that a word of contrast can still weaken */
	double negation; /* what a negator multiplies by */
	int negation_left; /* tokens it still reaches; 0 for none */
	double negated_kind; /* weight of the first opinion it has turned; 0 before */
	double intensity; /* what an intensifier multiplies by */
	int intensity_left; /* tokens it still reaches; 0 for none */
	Hit *intensified_before; /* opinion right before it; NULL */
	double concession; /* what a word of concession multiplies by; 1 without one */
	Hit *before; /* opinion right before this token; NULL */
} Opinion;

/* A weight multiplied, within limits. */
static double
Intensified(double weight, double intensity)
{
	double result = weight * intensity;

	return Max(Min(result, INTENSIFIED_MAX), -INTENSIFIED_MAX);
}

/* An intensifier that no opinion has followed belongs to the one right before it. */
static void
SettleIntensity(Opinion *opinion)
{
	Hit *hit = opinion->intensified_before;

	if (opinion->intensity_left > 0 && hit != NULL && !hit->intensified)
	{
		hit->weight = Intensified(hit->weight, opinion->intensity);
		hit->intensified = true;
	}
	opinion->intensity_left = 0;
	opinion->intensified_before = NULL;
}

/* Nothing reaches over a pause; a contrast reaches back to the beginning of its sentence. */
static void
BeginClause(Opinion *opinion, bool sentence)
{
	SettleIntensity(opinion);
	opinion->negation_left = 0;
	opinion->concession = 1;
	opinion->before = NULL;
	if (sentence)
		opinion->sentence = opinion->n;
}

/* An opinion, with what waits for one. */
static void
CountOpinion(Opinion *opinion, const CsWord *word)
{
	Hit *hit = &opinion->hits[opinion->n++];

	hit->word = word;
	hit->weight = word->weight * opinion->concession;
	hit->negated = hit->intensified = false;
	if (opinion->intensity_left > 0)
	{
		hit->weight = Intensified(hit->weight, opinion->intensity);
		hit->intensified = true;
		opinion->intensity_left = 0;
		opinion->intensified_before = NULL;
	}
	if (opinion->negation_left > 0 && word->weight * opinion->negated_kind >= 0)
	{
		opinion->negated_kind = word->weight;
		hit->weight *= opinion->negation;
		hit->negated = true;
	}
	opinion->before = hit;
}

/* A token that says nothing makes windows one token shorter. */
static void
PassToken(Opinion *opinion)
{
	if (opinion->negation_left > 0)
		opinion->negation_left--;
	if (opinion->intensity_left == 1)
		SettleIntensity(opinion);
	else if (opinion->intensity_left > 0)
		opinion->intensity_left--;
	opinion->before = NULL;
}

/* Whether a negator has not found an opinion yet. */
static bool
Negating(const Opinion *opinion)
{
	return opinion->negation_left > 0 && opinion->negated_kind == 0;
}

/*
 * A negator after another turns it round. An intensifier right before it that
 * has no opinion of its own reaches over it: "sangat tidak ramah".
 */
static void
TakeNegator(Opinion *opinion, const CsWord *word)
{
	if (opinion->intensity_left > 0 && opinion->intensified_before == NULL)
		opinion->intensity_left = NEGATION_WINDOW;
	else
		SettleIntensity(opinion);
	opinion->negation = Negating(opinion) ? opinion->negation * word->weight : word->weight;
	opinion->negation_left = NEGATION_WINDOW;
	opinion->negated_kind = 0;
	opinion->before = NULL;
}

/* An intensifier; none after a negator, as "not very good" is no more than "not good". */
static void
TakeIntensifier(Opinion *opinion, const CsWord *word)
{
	if (Negating(opinion))
		return;
	if (opinion->intensity_left > 0)
		opinion->intensity *= word->weight;
	else
	{
		opinion->intensity = word->weight;
		opinion->intensified_before = opinion->before;
	}
	opinion->intensity_left = INTENSIFIER_WINDOW;
	opinion->before = NULL;
}

/* Take in a word or phrase of the lexicon. */
static void
TakeWord(Opinion *opinion, const CsWord *word)
{
	int i;

	switch (word->role)
	{
		case ROLE_OPINION:
			if (word->weight != 0)
				CountOpinion(opinion, word);
			else
				PassToken(opinion);
			break;
		case ROLE_EMOTICON:
			BeginClause(opinion, false);
			CountOpinion(opinion, word);
			opinion->before = NULL;
			break;
		case ROLE_NEGATOR:
			TakeNegator(opinion, word);
			break;
		case ROLE_INTENSIFIER:
			TakeIntensifier(opinion, word);
			break;
		case ROLE_CONTRAST:
			BeginClause(opinion, false);
			for (i = opinion->sentence; i < opinion->n; i++)
				opinion->hits[i].weight *= word->weight;
			opinion->sentence = opinion->n;
			break;
		case ROLE_CONCESSION:
			BeginClause(opinion, false);
			opinion->concession = word->weight;
			break;
		case ROLE_NONE:
		case ROLE_VARIANT:
			PassToken(opinion);
			break;
	}
}

/* The longest phrase at a token that has a role; the number of its tokens, 1 where there is none. */
static int
LongestAt(const CsLexicon *lexicon, const CsTokens *tokens, CsWord *const *words, int at, CsWord **longest)
{
	CsWord *found[LEXICON_WORDS_MAX];
	int n = CsPhrasesAt(lexicon, tokens, words, at, found);

	for (; n > 0; n--)
		if (found[n - 1] != NULL && found[n - 1]->role != ROLE_NONE)
		{
			*longest = found[n - 1];
			return n;
		}
	*longest = NULL;
	return 1;
}

/* The opinions in the tokens of a piece, in the piece's memory. */
static void
ReadOpinion(Opinion *opinion, const CsLexicon *lexicon, const CsTokens *tokens)
{
	MemoryContext old = MemoryContextSwitchTo(tokens->memory);
	CsWord **words = CsResolveAll(lexicon, tokens);
	int i = 0;

	memset(opinion, 0, sizeof(*opinion));
	opinion->concession = 1;
	opinion->hits = palloc_extended(sizeof(Hit) * Max(tokens->n, 1), MCXT_ALLOC_HUGE);
	while (i < tokens->n)
	{
		CsWord *word;

		if (tokens->list[i].pause != PAUSE_NONE)
			BeginClause(opinion, tokens->list[i].pause == PAUSE_SENTENCE);
		i += LongestAt(lexicon, tokens, words, i, &word);
		if (word == NULL)
			PassToken(opinion);
		else
			TakeWord(opinion, word);
	}
	SettleIntensity(opinion);
	MemoryContextSwitchTo(old);
}

/* sentiment(comment) */
Datum
cs_sentiment(PG_FUNCTION_ARGS)
{
	CsLexicon *lexicon = CsUseLexicon();
	CsTokens tokens;
	Opinion opinion;
	double sum = 0;
	int i;

	CsBeginTokens(&tokens, lexicon, "root", PG_GETARG_TEXT_PP(0));
	while (CsNextPiece(&tokens))
	{
		ReadOpinion(&opinion, lexicon, &tokens);
		for (i = 0; i < opinion.n; i++)
			sum += opinion.hits[i].weight;
	}
	PG_RETURN_FLOAT8(sum / sqrt(sum * sum + 1));
}

/* sentiment_words(comment): the words that sentiment counts, in their order. */
Datum
cs_sentiment_words(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	CsLexicon *lexicon = CsUseLexicon();
	CsTokens tokens;
	Opinion opinion;
	int i;

	InitMaterializedSRF(fcinfo, 0);
	CsBeginTokens(&tokens, lexicon, "root", PG_GETARG_TEXT_PP(0));
	while (CsNextPiece(&tokens))
	{
		MemoryContext old = MemoryContextSwitchTo(tokens.memory);

		ReadOpinion(&opinion, lexicon, &tokens);
		for (i = 0; i < opinion.n; i++)
		{
			Hit *hit = &opinion.hits[i];
			bool nulls[4] = {false, false, false, false};
			Datum values[4];

			values[0] = PointerGetDatum(CsUtf16Text(hit->word->units, hit->word->length));
			values[1] = Float8GetDatum(hit->weight);
			values[2] = BoolGetDatum(hit->negated);
			values[3] = BoolGetDatum(hit->intensified);
			tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
			pfree(DatumGetPointer(values[0]));
		}
		MemoryContextSwitchTo(old);
	}
	return (Datum) 0;
}
