/*
 * identity.h
 *		Keys by which persons are found again.
 *
 * Each function takes a text in the server's encoding and gives its key in the
 * current memory, or NULL for what has none. Words and regions are those of now,
 * see remember.c.
 */
#ifndef CUSTOMER_SCORING_IDENTITY_H
#define CUSTOMER_SCORING_IDENTITY_H

#include "text/utf16.h"

/* Changes when keys of the same input do: see text_key_version. */
#define CS_KEY_RULES 1

extern text *CsNameKey(const char *bytes, size_t n, const char *locale);
extern text *CsEmailKey(const char *bytes, size_t n, bool without_tag);
extern text *CsPhoneKey(const char *bytes, size_t n, const char *region);

/* Words of names, in name_word.c. */
#define CS_BEFORE 1
#define CS_AFTER 2
extern uint64 CsUseNameWords(const char *locale);
extern int CsWordPlaces(uint64 languages, const UChar *units, int32 n);
extern int32 CsLongestWord(void);
extern uint64 CsNameWordsPrint(void);

/* Regions of phone numbers, in phone_region.c. */
typedef struct CsPhoneRegion
{
	char *region;
	char *calling_code;
	char *national_prefix;
	char *international_prefix;
} CsPhoneRegion;
extern const CsPhoneRegion *CsUsePhoneRegion(const char *region);
extern const CsPhoneRegion *CsRegionOfNumber(const char *digits);
extern uint64 CsPhoneRegionsPrint(void);

/* The text without its form, in name_key.c: words of letters and digits; see there. */
extern bool CsSpellName(CsUtf16 *to, const char *bytes, size_t n);

#endif /* CUSTOMER_SCORING_IDENTITY_H */
