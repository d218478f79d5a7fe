/*
 * owner.h
 *		Acting with the rights of another role: see owner.c.
 */
#ifndef CUSTOMER_SCORING_OWNER_H
#define CUSTOMER_SCORING_OWNER_H

/* Who to become again. */
typedef struct CsIdentity
{
	Oid role;
	int context;
	int settings; /* nest level of settings */
} CsIdentity;

extern Oid CsExtensionOwner(void);
extern void CsBecome(CsIdentity *saved, Oid role);
extern void CsResume(const CsIdentity *saved);
extern void CsWaitBriefly(void);
extern void CsPinSetting(const char *name, const char *value);
extern uint64 CsOwnQuery(const char *sql, int nargs, Oid *types, Datum *values, const char *nulls);
extern uint64 CsOwnSql(const char *sql, int nargs, Oid *types, Datum *values, const char *nulls);

#endif /* CUSTOMER_SCORING_OWNER_H */
