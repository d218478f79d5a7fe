/*
 * tokens.h
 *		The words of a comment: see tokens.c.
 */
#ifndef CUSTOMER_SCORING_TOKENS_H
#define CUSTOMER_SCORING_TOKENS_H

#include <unicode/ubrk.h>

#include "text/lexicon.h"

typedef enum CsTokenKind
{
	TOKEN_WORD,
	TOKEN_NUMBER, /* with its currency, if that is written */
	TOKEN_SYMBOL, /* emoticon or emoji */
	TOKEN_ADDRESS, /* of a page or a mailbox */
} CsTokenKind;

/* What lies between a token and the one before. */
typedef enum CsPause
{
	PAUSE_NONE,
	PAUSE_CLAUSE, /* comma, bracket, dash */
	PAUSE_SENTENCE, /* stop, question mark, end of line */
} CsPause;

typedef struct CsToken
{
	const UChar *units;
	int32 length;
	CsTokenKind kind;
	CsPause pause; /* before it */
} CsToken;

/* A comment being read, in pieces. */
typedef struct CsTokens
{
	const CsLexicon *lexicon; /* NULL for no emoticons */
	const char *rest;
	size_t nrest;
	UBreakIterator *breaks;
	MemoryContext memory; /* of the tokens of a piece */
	bool in_pieces;
	CsUtf16 raw;
	CsUtf16 folded;
	CsToken *list; /* of the piece */
	int n;
	int room;
} CsTokens;

extern void CsBeginTokens(CsTokens *tokens, const CsLexicon *lexicon, const char *locale,
						  const text *comment);
extern bool CsNextPiece(CsTokens *tokens);
extern CsToken CsShorten(const CsLexicon *lexicon, const CsToken *token);
extern CsWord **CsResolveAll(const CsLexicon *lexicon, const CsTokens *tokens);
extern int CsPhrasesAt(const CsLexicon *lexicon, const CsTokens *tokens, CsWord *const *words, int at,
					   CsWord *found[LEXICON_WORDS_MAX]);

#endif /* CUSTOMER_SCORING_TOKENS_H */
