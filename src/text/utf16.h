/*
 * utf16.h
 *		Texts as ICU reads them: see utf16.c.
 */
#ifndef CUSTOMER_SCORING_UTF16_H
#define CUSTOMER_SCORING_UTF16_H

#include <unicode/utypes.h>

#define CS_BYTE_BASE 0xF700 /* what a byte without a character becomes, plus the byte */

/* A text in UTF-16 that grows, in the memory it was begun in; no zero at its end. */
typedef struct CsUtf16
{
	UChar *units;
	int32 length;
	int32 room;
} CsUtf16;

/* Whether a unit is what a byte without a character has become. */
static inline bool
CsStandsForByte(UChar unit)
{
	return unit >= CS_BYTE_BASE + 0x80 && unit <= CS_BYTE_BASE + 0xFF;
}

extern bool CsIsAscii(const char *bytes, size_t n);
extern void CsBeginUtf16(CsUtf16 *to, int32 room);
extern void CsReserveUtf16(CsUtf16 *to, int64 more);
extern void CsAppendUtf16(CsUtf16 *to, const char *bytes, size_t n);
extern void CsFoldUtf16(CsUtf16 *to, const UChar *units, int32 n);
extern text *CsUtf16Text(const UChar *units, int32 n);

#endif /* CUSTOMER_SCORING_UTF16_H */
