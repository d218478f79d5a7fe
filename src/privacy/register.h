/*
 * register.h
 *		What privacy_register says of tables: see register.c.
 */
#ifndef CUSTOMER_SCORING_REGISTER_H
#define CUSTOMER_SCORING_REGISTER_H

#include "nodes/pg_list.h"
#include "utils/timestamp.h"

/* What becomes of a column, or of a row. */
typedef enum CsFate
{
	CS_KEEP,
	CS_DELETE,
	CS_ANONYMISE,
	CS_PSEUDONYMISE
} CsFate;

/* A row of the register. */
typedef struct CsEntry
{
	char *column; /* NULL for the row */
	Oid type; /* of the column */
	CsFate fate;
	char *replacement; /* of an anonymised column, NULL for NULL */
	bool on_export;
	Interval *retention; /* NULL for none */
	char *time_column;
} CsEntry;

/* What the register says of a table, by one of its columns with customers. */
typedef struct CsRegistered
{
	Oid relation;
	char *name; /* qualified, quoted */
	char *customer; /* the column */
	Oid type; /* of the customer */
	List *entries;
} CsRegistered;

extern List *CsReadRegister(void);
extern void CsResolve(CsRegistered *registered);
extern Datum CsReplacement(const CsRegistered *registered, const CsEntry *entry, bool *isnull);
extern const CsEntry *CsEntryOfCustomer(const CsRegistered *registered);
extern void CsRefuseHidden(Oid relation, Oid role);
extern uint64 CsChangeRegistered(const CsRegistered *registered, const char *sql, int nparams, Oid *types,
								 Datum *values, const char *nulls);

#endif /* CUSTOMER_SCORING_REGISTER_H */
