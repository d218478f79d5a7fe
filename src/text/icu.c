/*
 * icu.c
 *		ICU objects that a session keeps, and locales.
 *
 * Opening an object of ICU costs from microseconds to 25 milliseconds, so a
 * session opens each once and keeps the ones used last. ICU allocates outside of
 * PostgreSQL's memory contexts: each object has a small context of its own whose
 * reset closes it, made before the object is, so that no error leaves one behind.
 *
 * Whoever gets an object uses it until the current function of the server
 * returns, no longer, and leaves nothing in it that others rely on: the next
 * call, of whichever query, may be given the same one. At least OBJECTS_MAX - 1
 * others can be asked for before an object is closed.
 *
 * Only U_FAILURE tells failure; negative codes are remarks. Nothing here looks
 * into the server's own locales.
 */
#include "postgres.h"

#include <unicode/uchar.h>
#include <unicode/uloc.h>
#include <unicode/ustring.h>

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/ilist.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "core/compat.h"
#include "text/icu.h"

PG_FUNCTION_INFO_V1(cs_icu_version);

#define OBJECTS_MAX 16

/* A kind of object. */
typedef struct IcuKind
{
	const char *what; /* for messages */
	void *(*open)(const char *name, UErrorCode *status);
	void (*close)(void *object);
} IcuKind;

/* An object that is open, in its own memory. */
typedef struct IcuObject
{
	dlist_node node;
	MemoryContext memory;
	MemoryContextCallback on_reset;
	const IcuKind *kind;
	void *object; /* NULL until it is open */
	char *name;
} IcuObject;

static dlist_head objects = DLIST_STATIC_INIT(objects); /* last used first */
static int nobjects = 0;

/* An error of ICU that no input of users explains. */
void
CsCheckIcu(UErrorCode status, const char *what)
{
	if (U_FAILURE(status))
		ereport(ERROR, (errcode(status == U_MEMORY_ALLOCATION_ERROR ? ERRCODE_OUT_OF_MEMORY
																	: ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
						errmsg("ICU failed in %s: %s", what, u_errorName(status))));
}

/*
 * The name of a locale in ICU's spelling. ICU answers for any name, by the root
 * locale where it knows none: that is an error here.
 */
char *
CsCheckLocale(const char *name)
{
	char full[ULOC_FULLNAME_CAPACITY];
	char language[ULOC_LANG_CAPACITY];
	char country[ULOC_COUNTRY_CAPACITY];
	const char *const *known;
	UErrorCode status = U_ZERO_ERROR;
	bool found = false;
	int i;

	(void) uloc_canonicalize(name, full, sizeof(full), &status);
	if (U_SUCCESS(status) && status != U_STRING_NOT_TERMINATED_WARNING)
		(void) uloc_getLanguage(full, language, sizeof(language), &status);
	if (U_SUCCESS(status) && status != U_STRING_NOT_TERMINATED_WARNING)
		(void) uloc_getCountry(full, country, sizeof(country), &status);
	if (U_SUCCESS(status) && status != U_STRING_NOT_TERMINATED_WARNING && language[0] != '\0')
	{
		for (i = 0; i < uloc_countAvailable() && !found; i++)
			found = strcmp(uloc_getAvailable(i), language) == 0;
		if (found && country[0] != '\0')
		{
			found = false;
			for (known = uloc_getISOCountries(); *known != NULL && !found; known++)
				found = strcmp(*known, country) == 0;
		}
	}
	if (!found)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("\"%s\" is no known locale", name),
						errhint("Give a language, with or without a country, such as id, en or id-ID.")));
	return pstrdup(full);
}

/* Tell once if the library at run time is another than the one compiled with. */
static void
CompareVersions(void)
{
	UVersionInfo running;
	char text[U_MAX_VERSION_STRING_LENGTH];

	u_getVersion(running);
	u_versionToString(running, text);
	if (running[0] != U_ICU_VERSION_MAJOR_NUM || running[1] != U_ICU_VERSION_MINOR_NUM)
		ereport(WARNING,
				(errmsg("customer_scoring was built with ICU %s and runs with %s", U_ICU_VERSION, text),
				 errdetail("Keys of texts may differ from those made before."),
				 errhint("Build and install the extension again, then see stale_keys.")));
}

/* The normal form of comparison: compatibility forms and case are alike, and what has no look is gone. */
const UNormalizer2 *
CsCasefold(void)
{
	static const UNormalizer2 *instance = NULL; /* ICU's own: never closed */

	if (instance == NULL)
	{
		UErrorCode status = U_ZERO_ERROR;
		const UNormalizer2 *found = unorm2_getNFKCCasefoldInstance(&status);

		CsCheckIcu(status, "unorm2_getNFKCCasefoldInstance");
		CompareVersions();
		instance = found;
	}
	return instance;
}

/* Reset of an object's memory. */
static void
CloseObject(void *argument)
{
	IcuObject *object = argument;

	if (object->object == NULL)
		return;
	object->kind->close(object->object);
	dlist_delete(&object->node);
	nobjects--;
}

/* The object of a kind and name, opened if need be. */
static void *
UseObject(const IcuKind *kind, const char *name)
{
	UErrorCode status = U_ZERO_ERROR;
	MemoryContext memory;
	IcuObject *object;
	void *opened;
	dlist_iter iter;

	dlist_foreach(iter, &objects)
	{
		object = dlist_container(IcuObject, node, iter.cur);
		if (object->kind == kind && strcmp(object->name, name) == 0)
		{
			dlist_move_head(&objects, &object->node);
			return object->object;
		}
	}
	if (nobjects >= OBJECTS_MAX)
		MemoryContextDelete(dlist_tail_element(IcuObject, node, &objects)->memory);
	if (nobjects == 0)
		(void) CsCasefold(); /* which compares versions */
	memory = AllocSetContextCreate(TopMemoryContext, "customer_scoring ICU object", ALLOCSET_SMALL_SIZES);
	object = MemoryContextAllocZero(memory, sizeof(IcuObject));
	object->memory = memory;
	object->kind = kind;
	object->name = MemoryContextStrdup(memory, name);
	object->on_reset.func = CloseObject;
	object->on_reset.arg = object;
	MemoryContextRegisterResetCallback(memory, &object->on_reset);
	opened = kind->open(name, &status);
	if (U_FAILURE(status) || opened == NULL)
	{
		MemoryContextDelete(memory);
		CsCheckIcu(U_FAILURE(status) ? status : U_MEMORY_ALLOCATION_ERROR, kind->what);
	}
	object->object = opened;
	dlist_push_head(&objects, &object->node);
	nobjects++;
	return opened;
}

static void *
OpenWordBreaks(const char *name, UErrorCode *status)
{
	return ubrk_open(UBRK_WORD, name, NULL, 0, status);
}

static void
CloseWordBreaks(void *object)
{
	ubrk_close(object);
}

static const IcuKind WordBreaks = {"ubrk_open", OpenWordBreaks, CloseWordBreaks};

/* Breaks between words by the rules of a locale; the user sets the text. */
UBreakIterator *
CsWordBreaks(const char *locale)
{
	return UseObject(&WordBreaks, locale);
}

static void *
OpenTransliterator(const char *name, UErrorCode *status)
{
	UChar id[64];
	UParseError where;

	u_uastrncpy(id, name, lengthof(id) - 1);
	id[lengthof(id) - 1] = 0;
	return utrans_openU(id, -1, UTRANS_FORWARD, NULL, 0, &where, status);
}

static void
CloseTransliterator(void *object)
{
	utrans_close(object);
}

static const IcuKind Transliterators = {"utrans_openU", OpenTransliterator, CloseTransliterator};

/* A transliterator by its name in ICU, of at most 63 letters. */
UTransliterator *
CsTransliterator(const char *id)
{
	return UseObject(&Transliterators, id);
}

/* A formatter of numbers by its locale, a bar, and its skeleton. */
static void *
OpenNumberFormatter(const char *name, UErrorCode *status)
{
	const char *skeleton = strchr(name, '|') + 1;
	char *locale = pnstrdup(name, skeleton - 1 - name);
	int32 n = strlen(skeleton);
	UChar *units = palloc(sizeof(UChar) * (n + 1));

	u_charsToUChars(skeleton, units, n + 1);
	return unumf_openForSkeletonAndLocale(units, n, locale, status);
}

static void
CloseNumberFormatter(void *object)
{
	unumf_close(object);
}

static const IcuKind NumberFormatters = {"unumf_openForSkeletonAndLocale", OpenNumberFormatter,
										 CloseNumberFormatter};

/* What writes numbers of a locale, in ICU's spelling, by a skeleton. */
UNumberFormatter *
CsNumberFormatter(const char *locale, const char *skeleton)
{
	char *name = psprintf("%s|%s", locale, skeleton);
	UNumberFormatter *formatter = UseObject(&NumberFormatters, name);

	pfree(name);
	return formatter;
}

static void *
OpenFormattedNumber(const char *name, UErrorCode *status)
{
	return unumf_openResult(status);
}

static void
CloseFormattedNumber(void *object)
{
	unumf_closeResult(object);
}

static const IcuKind FormattedNumbers = {"unumf_openResult", OpenFormattedNumber, CloseFormattedNumber};

/* Where a formatter writes to; whoever formats next writes over it. */
UFormattedNumber *
CsFormattedNumber(void)
{
	return UseObject(&FormattedNumbers, "");
}

/* icu_version(): of the build, of the library that runs, and of its Unicode. */
Datum
cs_icu_version(PG_FUNCTION_ARGS)
{
	TupleDesc descriptor;
	UVersionInfo version;
	char text[U_MAX_VERSION_STRING_LENGTH];
	Datum values[3];
	bool nulls[3] = {false, false, false};

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = CStringGetTextDatum(U_ICU_VERSION);
	u_getVersion(version);
	u_versionToString(version, text);
	values[1] = CStringGetTextDatum(text);
	u_getUnicodeVersion(version);
	u_versionToString(version, text);
	values[2] = CStringGetTextDatum(text);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls)));
}
