/*
 * customer_scoring.c
 *		Module magic and start-up. Each room initialises itself.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/guc.h"

#include "privacy/retention.h"
#include "rule/rule.h"
#include "text/lexicon.h"
#include "text/remember.h"
#include "worker/worker.h"

PG_MODULE_MAGIC;

void _PG_init(void);

/* Called once in each process that loads the library. */
void
_PG_init(void)
{
	CsRuleInit();
	CsPrivacyInit();
	CsLexiconInit();
	CsRememberInit();
	CsWorkerInit();
	MarkGUCPrefixReserved("customer_scoring");
}
