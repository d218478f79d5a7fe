/*
 * customer_text.h
 *		Customers of segment tables by their texts: see customer_text.c.
 */
#ifndef CUSTOMER_SCORING_CUSTOMER_TEXT_H
#define CUSTOMER_SCORING_CUSTOMER_TEXT_H

#include "postgres.h"

extern bool CsIsText(Oid type);
extern bool CsHasTexts(Oid key_type);
extern bool CsCustomerOfText(Oid key_type, const text *given, Datum *customer);

#endif /* CUSTOMER_SCORING_CUSTOMER_TEXT_H */
