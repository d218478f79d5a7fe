/*
 * audit.h
 *		Who did what, in privacy_audit: see audit.c.
 */
#ifndef CUSTOMER_SCORING_AUDIT_H
#define CUSTOMER_SCORING_AUDIT_H

#include "commands/trigger.h"
#include "lib/stringinfo.h"

extern bool CsIsCopy(const TriggerData *data);
extern void CsAudit(const char *action, const char *relation, const text *customer, const char *details);
extern void CsPauseAudit(bool pause);

#endif /* CUSTOMER_SCORING_AUDIT_H */
