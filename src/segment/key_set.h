/*
 * key_set.h
 *		Different customers, told apart by their bytes: see key_set.c.
 */
#ifndef CUSTOMER_SCORING_KEY_SET_H
#define CUSTOMER_SCORING_KEY_SET_H

#include "postgres.h"

typedef struct CsKeySet CsKeySet;

extern bool CsSameKeys(Oid type, Oid other);
extern CsKeySet *CsMakeKeySet(MemoryContext context, bool byval, int16 length);
extern bool CsKeySetAdd(CsKeySet *set, Datum key, int limit);
extern Datum *CsKeySetKeys(CsKeySet *set, int *nkeys);
extern bool CsKeySetSame(CsKeySet *set, Datum key, Datum other);
extern Datum CsKeySetCopy(CsKeySet *set, Datum key);
extern int CsKeySetWithout(CsKeySet *set, Datum *keys, int nkeys, Datum key);

#endif /* CUSTOMER_SCORING_KEY_SET_H */
