/*
 * name_word.c
 *		Words that are no part of a name: titles, degrees, legal forms.
 *
 * They come from the table name_word and are remembered as one hash table of
 * all languages, in which each language has a bit. A row of the user goes before
 * a shipped one of the same word and language.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/memutils.h"

#include "core/compat.h"
#include "text/icu.h"
#include "text/identity.h"
#include "text/remember.h"

#define LANGUAGES_MAX 64

/* A word as it stands in a key. */
typedef struct Spelling
{
	const UChar *units;
	int32 n;
} Spelling;

/* What languages say of it, a bit each. */
typedef struct NameWord
{
	Spelling word;
	uint64 own; /* a row of the user says it */
	uint64 before;
	uint64 after;
	uint32 hash;
	char status;
} NameWord;

#define SH_PREFIX words
#define SH_ELEMENT_TYPE NameWord
#define SH_KEY_TYPE Spelling
#define SH_KEY word
#define SH_HASH_KEY(table, key) hash_bytes((const unsigned char *) (key).units, (key).n * sizeof(UChar))
#define SH_EQUAL(table, a, b) ((a).n == (b).n && memcmp((a).units, (b).units, (a).n * sizeof(UChar)) == 0)
#define SH_STORE_HASH
#define SH_GET_HASH(table, element) (element)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

static words_hash *table; /* while it is remembered */
static char *languages[LANGUAGES_MAX];
static int nlanguages;
static int32 longest; /* units of the longest word */
static uint64 print;
static char asked[64]; /* the locale that was asked for last, and its language */
static uint64 asked_bit;

static void
BeginWords(void)
{
	table = words_create(CurrentMemoryContext, 512, NULL);
	nlanguages = 0;
	longest = 0;
	asked[0] = '\0';
}

/* The bit of a language; 0 if it has no words. */
static uint64
LanguageBit(const char *language)
{
	int i;

	for (i = 0; i < nlanguages; i++)
		if (strcmp(languages[i], language) == 0)
			return UINT64CONST(1) << i;
	return 0;
}

static uint64
AddLanguage(char *language)
{
	if (LanguageBit(language) == 0)
	{
		if (nlanguages == LANGUAGES_MAX)
			ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
							errmsg("name_word has words of more than %d languages", LANGUAGES_MAX),
							errhint("DELETE FROM customer_scoring.name_word those you do not need.")));
		languages[nlanguages++] = language;
	}
	return LanguageBit(language);
}

static void
TakeWord(TupleDesc descriptor, HeapTuple tuple)
{
	char *word = CsColumnText(descriptor, tuple, "word");
	char *place = CsColumnText(descriptor, tuple, "place");
	uint64 bit = AddLanguage(CsColumnText(descriptor, tuple, "locale"));
	bool shipped = CsColumnBool(descriptor, tuple, "shipped");
	bool both = strcmp(place, "both") == 0;
	CsUtf16 spelled;
	Spelling key;
	NameWord *entry;
	bool found;

	CsBeginUtf16(&spelled, strlen(word));
	CsAppendUtf16(&spelled, word, strlen(word));
	key.units = spelled.units;
	key.n = spelled.length;
	entry = words_insert(table, key, &found);
	if (!found)
		entry->own = entry->before = entry->after = 0;
	if (shipped && (entry->own & bit))
		return;
	if (!shipped)
		entry->own |= bit;
	entry->before = both || strcmp(place, "before") == 0 ? entry->before | bit : entry->before & ~bit;
	entry->after = both || strcmp(place, "after") == 0 ? entry->after | bit : entry->after & ~bit;
	longest = Max(longest, key.n);
}

/* A fingerprint of what was read, whatever its order. */
static void
EndWords(void)
{
	words_iterator iterator;
	NameWord *entry;
	int i;

	print = 0;
	words_start_iterate(table, &iterator);
	while ((entry = words_iterate(table, &iterator)) != NULL)
		for (i = 0; i < nlanguages; i++)
		{
			int places = ((entry->before >> i) & 1 ? CS_BEFORE : 0) |
						 ((entry->after >> i) & 1 ? CS_AFTER : 0);

			if (places != 0)
				print += hash_bytes_extended(
					(const unsigned char *) entry->word.units, entry->word.n * sizeof(UChar),
					hash_bytes_extended((const unsigned char *) languages[i], strlen(languages[i]), places));
		}
}

static CsRemembered name_words = {
	.table = "name_word", .signal = "name_signal", .begin = BeginWords, .row = TakeWord, .end = EndWords};

/*
 * The words as they are now, of the language of a locale, or of all of them for
 * NULL. An unknown locale is an error; one without words is not.
 */
uint64
CsUseNameWords(const char *locale)
{
	char *language;

	CsReadyRemembered(&name_words, true);
	if (locale == NULL)
		return PG_UINT64_MAX;
	if (asked[0] == '\0' || strcmp(asked, locale) != 0)
	{
		language = CsCheckLocale(locale);
		language[strcspn(language, "_@")] = '\0';
		asked_bit = LanguageBit(language);
		pfree(language);
		strlcpy(asked, strlen(locale) < sizeof(asked) ? locale : "", sizeof(asked));
	}
	return asked_bit;
}

/* Where a word, or a few with a blank between, is no part of a name in one of these languages: CS_BEFORE, CS_AFTER. */
int
CsWordPlaces(uint64 of, const UChar *units, int32 n)
{
	Spelling key = {units, n};
	NameWord *entry = words_lookup(table, key);

	if (entry == NULL)
		return 0;
	return (entry->before & of ? CS_BEFORE : 0) | (entry->after & of ? CS_AFTER : 0);
}

/* Units of the longest word. */
int32
CsLongestWord(void)
{
	return longest;
}

/* A fingerprint of the words that keys were last made with, read now if there are none. */
uint64
CsNameWordsPrint(void)
{
	CsReadyRemembered(&name_words, false);
	return print;
}
