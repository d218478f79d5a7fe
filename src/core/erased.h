/*
 * erased.h
 *		The table that a person is being taken out of: see erased.c.
 */
#ifndef CUSTOMER_SCORING_ERASED_H
#define CUSTOMER_SCORING_ERASED_H

extern Oid CsErasedTable(void);
extern Oid CsSetErasedTable(Oid relation);

#endif /* CUSTOMER_SCORING_ERASED_H */
