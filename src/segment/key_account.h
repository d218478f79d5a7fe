/*
 * key_account.h
 *		Key accounts of a segment table by class: see key_account.c.
 */
#ifndef CUSTOMER_SCORING_KEY_ACCOUNT_H
#define CUSTOMER_SCORING_KEY_ACCOUNT_H

#include "segment/definition.h"

extern void CsAssessKeyAccounts(const SegmentDefinition *definition, TimestampTz as_of);

#endif /* CUSTOMER_SCORING_KEY_ACCOUNT_H */
