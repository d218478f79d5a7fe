/*
 * tombstone.h
 *		Customers who were erased: see tombstone.c.
 */
#ifndef CUSTOMER_SCORING_TOMBSTONE_H
#define CUSTOMER_SCORING_TOMBSTONE_H

#define TOMBSTONE_TABLE "tombstone"

extern bytea *CsTombstoneSalt(void);
extern bytea *CsEnsureTombstoneSalt(void);
extern bytea *CsTombstoneHash(const bytea *salt, const text *customer);

#endif /* CUSTOMER_SCORING_TOMBSTONE_H */
