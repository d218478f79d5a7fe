/*
 * own.h
 *		Persons in the extension's own tables: see own.c.
 */
#ifndef CUSTOMER_SCORING_OWN_H
#define CUSTOMER_SCORING_OWN_H

#include "nodes/pg_list.h"

/* A row of personal_table. */
typedef struct CsOwnTable
{
	char *relation; /* qualified */
	Oid id;
	char *customer;
	bool deletes; /* rows; else the customer becomes a pseudonym */
	char *after; /* column before the customer in the index, or NULL */
	char *mentions; /* column with words that may mention him, or NULL */
	bool on_export;
} CsOwnTable;

extern List *CsReadOwnTables(void);
extern char *CsOwnCondition(const CsOwnTable *table);

#endif /* CUSTOMER_SCORING_OWN_H */
