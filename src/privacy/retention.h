/*
 * retention.h
 *		Rows that are kept too long: see retention.c.
 */
#ifndef CUSTOMER_SCORING_RETENTION_H
#define CUSTOMER_SCORING_RETENTION_H

extern void CsPrivacyInit(void);

#endif /* CUSTOMER_SCORING_RETENTION_H */
