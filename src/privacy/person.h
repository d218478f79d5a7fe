/*
 * person.h
 *		A customer's text as a value of a column: see person.c.
 */
#ifndef CUSTOMER_SCORING_PERSON_H
#define CUSTOMER_SCORING_PERSON_H

#include "utils/uuid.h"

/* Length of a pseudonym as text. */
#define PSEUDONYM_LENGTH 36

/* What stands for a person in rows that stay: random, so that nothing leads from one to the other. */
typedef struct CsPseudonym
{
	pg_uuid_t uuid;
} CsPseudonym;

extern bool CsReadAs(Oid type, const char *text, Datum *value);
extern bool CsPersonAs(Oid type, const text *customer, Datum *value);
extern char *CsPersonCondition(const char *column, Oid type, int param);
extern void CsMakePseudonym(CsPseudonym *pseudonym);
extern bool CsCanHoldPseudonym(Oid type, int32 typmod);
extern Datum CsPseudonymAs(const CsPseudonym *pseudonym, Oid type);

#endif /* CUSTOMER_SCORING_PERSON_H */
