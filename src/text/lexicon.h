/*
 * lexicon.h
 *		Words of opinion and of complaint that a session knows: see lexicon.c.
 */
#ifndef CUSTOMER_SCORING_LEXICON_H
#define CUSTOMER_SCORING_LEXICON_H

#include "nodes/pg_list.h"

#include "text/utf16.h"

#define LEXICON_WORDS_MAX 6 /* of a phrase */
#define LEXICON_UNITS_MAX 100 /* of a word or phrase, in UTF-16 */

/* What a word does to the opinion of a text. */
typedef enum CsRole
{
	ROLE_NONE, /* nothing: part of a phrase, word of a complaint, neither */
	ROLE_OPINION,
	ROLE_EMOTICON,
	ROLE_NEGATOR,
	ROLE_INTENSIFIER,
	ROLE_CONTRAST, /* what was said before matters less */
	ROLE_CONCESSION, /* what follows matters less */
	ROLE_VARIANT, /* another spelling; only while the lexicon is read */
} CsRole;

/* A word or phrase, its words with one space between them. */
typedef struct CsWord
{
	const UChar *units;
	int32 length;
	CsRole role;
	double weight;
	bool begins; /* a longer phrase begins with it */
	struct CsWord *stands_for; /* what it is another spelling of; NULL */
	List *categories; /* numbers of categories of complaints */
} CsWord;

typedef struct CsLexicon
{
	MemoryContext memory;
	struct wordhash_hash *words;
	bool emoticon_begins[128]; /* whether an emoticon begins with an ASCII character */
	int32 emoticon_longest;
	int ncategories;
	text **categories; /* names, in order of their bytes */
} CsLexicon;

extern void CsLexiconInit(void);
extern CsLexicon *CsUseLexicon(void);
extern CsWord *CsFindWord(const CsLexicon *lexicon, const UChar *units, int32 length);

#endif /* CUSTOMER_SCORING_LEXICON_H */
