/*
 * erase.h
 *		An erasure that goes on: see erase.c.
 */
#ifndef CUSTOMER_SCORING_ERASE_H
#define CUSTOMER_SCORING_ERASE_H

#include "nodes/pg_list.h"

#include "privacy/person.h"

typedef struct CsErasure
{
	const text *customer;
	CsPseudonym pseudonym;
	List *counts; /* what was done, by table */
} CsErasure;

extern void CsEraseCount(CsErasure *erasure, const char *relation, uint64 deleted, uint64 anonymised);
extern void CsRefuseLeft(const char *relation);
extern void CsAddTombstone(const text *customer);

/* own.c */
extern void CsEraseOwn(CsErasure *erasure);
/* segment_rows.c */
extern List *CsLockSegmentTables(List *locked);
extern void CsEraseSegmentRows(CsErasure *erasure, const List *definitions);
extern void CsEraseTraces(CsErasure *erasure, const List *definitions);

#endif /* CUSTOMER_SCORING_ERASE_H */
