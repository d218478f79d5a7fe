/*
 * compat.h
 *		The only place that knows which PostgreSQL major the extension is
 *		built for. Everything else is written for the newest interface.
 */
#ifndef CUSTOMER_SCORING_COMPAT_H
#define CUSTOMER_SCORING_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "customer_scoring needs PostgreSQL 15 or later"
#endif

#ifndef PG_INT128_TYPE
#error "customer_scoring needs a compiler with 128-bit integers"
#endif

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* The server's own word for this changed name and place with 18. */
#define CS_NORETURN __attribute__((noreturn))

/* Whether a role owns a relation, or acts as its owner; needs utils/acl.h. */
#if PG_VERSION_NUM >= 160000
#define CsOwnsRelation(relation, role) object_ownercheck(RelationRelationId, relation, role)
#else
#define CsOwnsRelation(relation, role) pg_class_ownercheck(relation, role)
#endif

/* A role that may not log in can own a worker's session from 17 on. */
#if PG_VERSION_NUM >= 170000
#define CS_BYPASS_LOGIN_CHECK BGWORKER_BYPASS_ROLELOGINCHECK
#else
#define CS_BYPASS_LOGIN_CHECK 0
#endif

/* From 19 on, workers that say so give way to DROP DATABASE and its like. */
#if PG_VERSION_NUM >= 190000
#define CS_BGWORKER_INTERRUPTIBLE BGWORKER_INTERRUPTIBLE
#else
#define CS_BGWORKER_INTERRUPTIBLE 0
#endif

/* Waits of an extension have names from 17 on. */
#if PG_VERSION_NUM >= 170000
#define CsWaitEvent(name) WaitEventExtensionNew(name)
#else
#define CsWaitEvent(name) PG_WAIT_EXTENSION
#endif

/* Rights on objects without a column list: one function from 16 on. */
#if PG_VERSION_NUM >= 160000
#define CsDatabaseAcl(database, role, mode) object_aclcheck(DatabaseRelationId, database, role, mode)
#else
#define CsDatabaseAcl(database, role, mode) pg_database_aclcheck(database, role, mode)
#endif

/* Columns that are generated when read, which trigger functions do not see, are there from 18 on. */
#if PG_VERSION_NUM >= 180000
#define CsIsVirtual(generated) ((generated) == ATTRIBUTE_GENERATED_VIRTUAL)
#else
#define CsIsVirtual(generated) false
#endif

/* A database whose DROP was interrupted; minor releases brought the name. */
#ifndef DATCONNLIMIT_INVALID_DB
#define DATCONNLIMIT_INVALID_DB (-2)
#endif

/* Ignoring a signal has a name of its own from 19 on, as handlers have changed. */
#ifndef PG_SIG_IGN
#define PG_SIG_IGN SIG_IGN
#endif

#endif /* CUSTOMER_SCORING_COMPAT_H */
