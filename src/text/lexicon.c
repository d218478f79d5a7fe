/*
 * lexicon.c
 *		Words of opinion and of complaint that a session knows.
 *
 * The *lexicon* is what sentiment_lexicon and complaint_lexicon say, a row of the
 * user's before one that was shipped: words and phrases in the form that tokens
 * have, in a hash table of UTF-16. It is read when a session first needs it and
 * kept until the relation lexicon_signal tells that words have changed; it is
 * marked current before it is read, so that what changes meanwhile is not lost.
 *
 * It is read under the latest snapshot. A parallel query may not take one: its
 * processes read under the snapshot of the query, and keep what they read for
 * parallel queries of the same statement alone. Nobody holds a lexicon between
 * two calls.
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "core/compat.h"
#include "core/owner.h"
#include "core/signal.h"
#include "text/lexicon.h"

/* What a word is found by. */
typedef struct WordKey
{
	const UChar *units;
	int32 length;
} WordKey;

typedef struct WordEntry
{
	WordKey key;
	CsWord *word;
	uint32 hash;
	char status;
} WordEntry;

#define SH_PREFIX wordhash
#define SH_ELEMENT_TYPE WordEntry
#define SH_KEY_TYPE WordKey
#define SH_KEY key
#define SH_HASH_KEY(tb, k) hash_bytes((const unsigned char *) (k).units, (k).length *(int) sizeof(UChar))
#define SH_EQUAL(tb, a, b) \
	((a).length == (b).length && memcmp((a).units, (b).units, (a).length * sizeof(UChar)) == 0)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, a) (a)->hash
#define SH_SCOPE static inline
#define SH_DEFINE
#define SH_DECLARE
#include "lib/simplehash.h"

static CsLexicon *lexicon = NULL;
static bool current = false;
static bool overtaken = false; /* words have changed since reading them began */
static TimestampTz of_statement = 0; /* the only one that may use it; 0 for all */
static Oid lexicon_signal = InvalidOid;

/* Called for each relcache entry that is invalidated; InvalidOid is all of them. */
static void
Invalidated(Datum argument, Oid relation)
{
	if (!OidIsValid(relation) || relation == lexicon_signal)
	{
		current = false;
		overtaken = true;
	}
}

/* Called once by each process. */
void
CsLexiconInit(void)
{
	CacheRegisterRelcacheCallback(Invalidated, (Datum) 0);
}

/* The word or phrase that is written like this; NULL when the lexicon has none. */
CsWord *
CsFindWord(const CsLexicon *known, const UChar *units, int32 length)
{
	WordKey key = {units, length};
	WordEntry *entry = wordhash_lookup(known->words, key);

	return entry == NULL ? NULL : entry->word;
}

/* A word of a lexicon being read, made if need be. */
static CsWord *
EnterWord(CsLexicon *reading, const UChar *units, int32 length)
{
	WordKey key = {units, length};
	WordEntry *entry;
	CsWord *word;
	bool found;

	entry = wordhash_insert(reading->words, key, &found);
	if (found)
		return entry->word;
	word = palloc0(sizeof(CsWord));
	word->units = memcpy(palloc(sizeof(UChar) * Max(length, 1)), units, sizeof(UChar) * length);
	word->length = length;
	entry->key.units = word->units;
	entry->word = word;
	return word;
}

/*
 * A word or phrase, with all that it begins with, and with its words. Words of a
 * phrase that are other spellings are those that they stand for, as they are in
 * comments.
 */
static CsWord *
EnterPhrase(CsLexicon *reading, const text *phrase)
{
	CsUtf16 written;
	CsUtf16 meant;
	int32 begin = 0;
	int32 end;

	CsBeginUtf16(&written, VARSIZE_ANY_EXHDR(phrase));
	CsBeginUtf16(&meant, VARSIZE_ANY_EXHDR(phrase));
	CsAppendUtf16(&written, VARDATA_ANY(phrase), VARSIZE_ANY_EXHDR(phrase));
	for (end = 0; end <= written.length; end++)
		if (end == written.length || written.units[end] == ' ')
		{
			CsWord *word = EnterWord(reading, written.units + begin, end - begin);

			if (word->stands_for != NULL && end - begin < written.length)
				word = word->stands_for;
			CsReserveUtf16(&meant, word->length + 1);
			if (begin > 0)
			{
				EnterWord(reading, meant.units, meant.length)->begins = true;
				meant.units[meant.length++] = ' ';
			}
			memcpy(meant.units + meant.length, word->units, sizeof(UChar) * word->length);
			meant.length += word->length;
			begin = end + 1;
		}
	pfree(written.units);
	return EnterWord(reading, meant.units, meant.length);
}

/* An emoticon, which is looked for at each character that one begins with. */
static void
EnterEmoticon(CsLexicon *reading, const CsWord *word)
{
	if (word->length > 0 && word->units[0] < lengthof(reading->emoticon_begins))
		reading->emoticon_begins[word->units[0]] = true;
	reading->emoticon_longest = Max(reading->emoticon_longest, word->length);
}

static CsRole
ReadRole(const text *name)
{
	static const char *const names[] = {NULL,		   "opinion",  "emoticon",	 "negator",
										"intensifier", "contrast", "concession", "variant"};
	int i;

	for (i = ROLE_OPINION; i < lengthof(names); i++)
		if (strlen(names[i]) == VARSIZE_ANY_EXHDR(name) &&
			memcmp(names[i], VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name)) == 0)
			return i;
	elog(ERROR, "unknown role in sentiment_lexicon");
}

static Datum
Column(uint64 row, int column)
{
	bool isnull;
	Datum value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull);

	return isnull ? (Datum) 0 : value;
}

/* Run a query for rows of the lexicon; the memory that is current then is the lexicon's. */
static uint64
Ask(const CsLexicon *reading, const char *sql)
{
	uint64 n = CsOwnQuery(sql, 0, NULL, NULL, NULL);

	(void) MemoryContextSwitchTo(reading->memory);
	return n;
}

/* Words of opinion: one meaning each, that of the user before the shipped one; other spellings first. */
static void
ReadSentiments(CsLexicon *reading)
{
	uint64 n;
	uint64 i;

	n = Ask(reading, "SELECT s.word, s.role, s.weight, s.stands_for FROM (SELECT DISTINCT ON (l.word) "
					 "l.word, l.role, l.weight, l.stands_for"
					 " FROM customer_scoring.sentiment_lexicon l ORDER BY l.word, l.shipped) s ORDER BY "
					 "s.role OPERATOR(pg_catalog.<>) 'variant', s.word");
	for (i = 0; i < n; i++)
	{
		CsWord *word = EnterPhrase(reading, DatumGetTextPP(Column(i, 1)));

		word->role = ReadRole(DatumGetTextPP(Column(i, 2)));
		word->weight = DatumGetFloat8(Column(i, 3));
		if (word->role == ROLE_EMOTICON)
			EnterEmoticon(reading, word);
		else if (word->role == ROLE_VARIANT)
		{
			word->role = ROLE_NONE;
			word->stands_for = EnterPhrase(reading, DatumGetTextPP(Column(i, 4)));
		}
		CHECK_FOR_INTERRUPTS();
	}
}

/* Words of complaints, but those a user has taken out, with categories in the order of their names. */
static void
ReadComplaints(CsLexicon *reading)
{
	text *name = NULL;
	uint64 n;
	uint64 i;

	n = Ask(reading, "SELECT c.category, c.word FROM (SELECT DISTINCT ON (l.category, l.word) l.category, "
					 "l.word, l.applies"
					 " FROM customer_scoring.complaint_lexicon l ORDER BY l.category, l.word, l.shipped) c"
					 " WHERE c.applies ORDER BY c.category COLLATE \"C\", c.word");
	reading->categories = palloc(sizeof(text *) * Max(n, 1));
	for (i = 0; i < n; i++)
	{
		text *category = DatumGetTextPP(Column(i, 1));
		CsWord *word = EnterPhrase(reading, DatumGetTextPP(Column(i, 2)));

		if (name == NULL || VARSIZE_ANY_EXHDR(name) != VARSIZE_ANY_EXHDR(category) ||
			memcmp(VARDATA_ANY(name), VARDATA_ANY(category), VARSIZE_ANY_EXHDR(name)) != 0)
		{
			name = cstring_to_text_with_len(VARDATA_ANY(category), VARSIZE_ANY_EXHDR(category));
			reading->categories[reading->ncategories++] = name;
		}
		word->categories = lappend_int(word->categories, reading->ncategories - 1);
		CHECK_FOR_INTERRUPTS();
	}
}

/* Read the lexicon in memory that the session keeps once all is read. */
static CsLexicon *
ReadLexicon(void)
{
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "customer_scoring lexicon",
												 ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;
	CsLexicon *reading;

	lexicon_signal = CsSignalRelation("lexicon_signal");
	SPI_connect();
	old = MemoryContextSwitchTo(memory);
	reading = palloc0(sizeof(CsLexicon));
	reading->memory = memory;
	reading->words = wordhash_create(memory, 4096, NULL);
	if (!IsInParallelMode())
		PushActiveSnapshot(GetLatestSnapshot());
	ReadSentiments(reading);
	ReadComplaints(reading);
	if (!IsInParallelMode())
		PopActiveSnapshot();
	MemoryContextSwitchTo(old);
	SPI_finish();
	MemoryContextSetParent(memory, CacheMemoryContext);
	return reading;
}

/* The lexicon as it is now, for a call of a function that begins. */
CsLexicon *
CsUseLexicon(void)
{
	bool parallel = IsInParallelMode();
	TimestampTz statement = GetCurrentStatementStartTimestamp();
	CsLexicon *found;

	if (!parallel)
		AcceptInvalidationMessages();
	if (current && (of_statement == 0 || (parallel && of_statement == statement)))
		return lexicon;
	overtaken = false;
	found = ReadLexicon();
	if (lexicon != NULL)
		MemoryContextDelete(lexicon->memory);
	lexicon = found;
	current = !overtaken;
	of_statement = parallel ? statement : 0;
	return lexicon;
}
