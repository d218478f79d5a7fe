/*
 * icu.h
 *		ICU objects that a session keeps, and locales: see icu.c.
 */
#ifndef CUSTOMER_SCORING_ICU_H
#define CUSTOMER_SCORING_ICU_H

#include <unicode/ubrk.h>
#include <unicode/unorm2.h>
#include <unicode/unumberformatter.h>
#include <unicode/utrans.h>

extern void CsCheckIcu(UErrorCode status, const char *what);
extern char *CsCheckLocale(const char *name);
extern const UNormalizer2 *CsCasefold(void);
extern UBreakIterator *CsWordBreaks(const char *locale);
extern UTransliterator *CsTransliterator(const char *id);
extern UNumberFormatter *CsNumberFormatter(const char *locale, const char *skeleton);
extern UFormattedNumber *CsFormattedNumber(void);

#endif /* CUSTOMER_SCORING_ICU_H */
