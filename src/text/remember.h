/*
 * remember.h
 *		What a session remembers of a table: see remember.c.
 */
#ifndef CUSTOMER_SCORING_REMEMBER_H
#define CUSTOMER_SCORING_REMEMBER_H

#include "access/htup.h"
#include "access/tupdesc.h"

/* What is remembered of a table, in a memory of its own. */
typedef struct CsRemembered
{
	const char *table; /* in the schema customer_scoring */
	const char *signal; /* relation that tells of changes, in customer_scoring_internal */
	void (*begin)(void); /* start anew, in the current memory */
	void (*row)(TupleDesc descriptor, HeapTuple tuple); /* take a row, in the current memory */
	void (*end)(void); /* all rows are there */
	MemoryContext memory; /* NULL until it is read */
	Oid signal_id;
	bool current; /* nothing has changed since it was read */
	bool overtaken; /* something has changed since reading began */
	bool known; /* it is among all that are remembered */
	struct CsRemembered *next;
} CsRemembered;

extern void CsRememberInit(void);
extern void CsReadyRemembered(CsRemembered *what, bool accept);
extern char *CsColumnText(TupleDesc descriptor, HeapTuple tuple, const char *column);
extern bool CsColumnBool(TupleDesc descriptor, HeapTuple tuple, const char *column);

#endif /* CUSTOMER_SCORING_REMEMBER_H */
