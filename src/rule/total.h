/*
 * total.h
 *		Rules that look at more than the row: see total.c.
 */
#ifndef CUSTOMER_SCORING_TOTAL_H
#define CUSTOMER_SCORING_TOTAL_H

#include "rule/rule.h"

#define TOTAL_GROUPS_MAX 2

/* What a kind adds up, and of which rows. */
typedef struct CsTotalKind
{
	int ngroups; /* the first fields of the kind: rows are added up that have the same */
	int amount; /* field that is added up; -1 to count rows */
	int moment; /* field that has to be within some days; -1 for all rows */
	const char *only; /* parameter that says which rows count, or NULL */
	const char *except; /* parameter that says which do not, or NULL */
	const char *limit; /* parameter with the limit, NULL for 1 */
	const char *days; /* parameter with the number of calendar days, NULL for one */
	const char *noun; /* what is too much, for the message: "… of %s would be" */
	const char *hint;
} CsTotalKind;

/* A total that has to be looked at. */
typedef struct CsNeed
{
	CsRuleSet *set;
	const CsRule *rule;
	int place; /* of the guard */
	char *groups[TOTAL_GROUPS_MAX]; /* texts, NULL for null */
	char *customer; /* NULL for none */
	TimestampTz from; /* moments within which rows count */
	TimestampTz until;
	Numeric amount; /* of the row that needs it */
} CsNeed;

typedef struct CsTotalBatch CsTotalBatch;

/* total.c */
extern void CsAwaitTotal(CsTotalBatch **batch, MemoryContext query, const CsRule *rule, CsSubject *subject);
extern int CsPlaceOf(const CsNeed *need);
extern void CsTakeGuards(const CsNeed *needs, int n);
extern int CsCompareNeeds(const void *a, const void *b);

/* kind_total.c */
extern bool CsNeedsTotal(const CsRule *rule, CsSubject *subject, CsNeed *need);
extern bool CsBreaksTotal(const CsNeed *need, bool stored, CsVerdict *verdict);

#endif /* CUSTOMER_SCORING_TOTAL_H */
