/*
 * key_account.h
 *		Assessing key accounts after a refresh: see key_account.c.
 */
#ifndef CUSTOMER_SCORING_KEY_ACCOUNT_H
#define CUSTOMER_SCORING_KEY_ACCOUNT_H

#include "segment/definition.h"

extern void CsAssessKeyAccounts(const SegmentDefinition *definition, TimestampTz as_of, int64 run_id);

#endif /* CUSTOMER_SCORING_KEY_ACCOUNT_H */
