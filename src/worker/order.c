/*
 * order.c
 *		Starting a probe, a refresh worker or a recorder, and how it finds its place.
 *
 * The order travels in bgw_extra. Each process is short-lived and never
 * restarted: whoever ordered it orders again. Settings that a role or a database
 * brings along are overruled where they would stop a worker or change what it
 * sees.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/syscache.h"

#include "core/compat.h"
#include "worker/worker.h"

StaticAssertDecl(sizeof(CsOrder) <= BGW_EXTRALEN, "an order must fit into bgw_extra");

static CsOrder accepted;

static const struct
{
	const char *name;
	const char *value;
} SessionSettings[] = {
	{"search_path", "pg_catalog, pg_temp"},
	{"role", "none"},
	{"statement_timeout", "0"},
	{"lock_timeout", "10s"},
	{"idle_in_transaction_session_timeout", "0"},
	{"idle_session_timeout", "0"},
#if PG_VERSION_NUM >= 170000
	{"transaction_timeout", "0"},
#endif
	{"default_transaction_isolation", "read committed"},
	{"default_transaction_read_only", "off"},
	{"default_transaction_deferrable", "off"},
};

/*
 * Have the postmaster start the process. Does not allocate when no handle is
 * wanted, and raises nothing. False if no slot for a background worker is free.
 */
bool
CsRegisterOrder(const CsOrder *order, pid_t notify, BackgroundWorkerHandle **handle)
{
	BackgroundWorker worker;
	const char *type = "customer_scoring probe";
	const char *function = "CsProbeMain";

	if (order->failure != DSM_HANDLE_INVALID)
	{
		type = "customer_scoring recorder";
		function = "CsRecorderMain";
	}
	else if (order->ntables > 0)
	{
		type = "customer_scoring refresh";
		function = "CsRefreshWorkerMain";
	}

	memset(&worker, 0, sizeof(worker));
	strlcpy(worker.bgw_name, type, BGW_MAXLEN);
	strlcpy(worker.bgw_type, type, BGW_MAXLEN);
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION |
					   CS_BGWORKER_INTERRUPTIBLE;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "customer_scoring", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, function, sizeof(worker.bgw_function_name));
	memcpy(worker.bgw_extra, order, sizeof(CsOrder));
	worker.bgw_notify_pid = notify;
	return RegisterDynamicBackgroundWorker(&worker, handle);
}

/* The last thing of a process that has a slot: locks and transaction are gone. */
static void
LeaveSlot(int code, Datum arg)
{
	(void) CsSlotAdvance(&accepted, CS_SLOT_ENDED);
}

/*
 * First step of a started process: take signals, read the order, take the slot
 * reserved for it. A process that comes too late ends here.
 */
void
CsAcceptOrder(CsOrder *order)
{
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();

	memcpy(order, MyBgworkerEntry->bgw_extra, sizeof(CsOrder));
	accepted = *order;
	if (order->slot < 0)
		return;
	if (!CsSlotAdvance(order, CS_SLOT_CONNECTING))
		proc_exit(0);
	on_shmem_exit(LeaveSlot, (Datum) 0);
}

/*
 * Second step: connect by oid, so that a renamed or new namesake is not met.
 * Without an owner as the bootstrap superuser.
 */
void
CsConnectOrder(const CsOrder *order)
{
	BackgroundWorkerInitializeConnectionByOid(order->database, order->owner, CS_BYPASS_LOGIN_CHECK);
	for (int i = 0; i < lengthof(SessionSettings); i++)
		SetConfigOption(SessionSettings[i].name, SessionSettings[i].value, PGC_SUSET, PGC_S_OVERRIDE);
	SetConfigOption("application_name", MyBgworkerEntry->bgw_name, PGC_USERSET, PGC_S_OVERRIDE);
	if (order->slot >= 0 && !CsSlotAdvance(order, CS_SLOT_WORKING))
		proc_exit(0);
}

/*
 * Whether a worker could connect to the database as this role. Workers that
 * try in vain would end with a FATAL each.
 */
bool
CsOwnerMayConnect(Oid owner, Oid database)
{
	HeapTuple tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(owner));
	bool login;

	if (!HeapTupleIsValid(tuple))
		return false;
	login = CS_BYPASS_LOGIN_CHECK != 0 || ((Form_pg_authid) GETSTRUCT(tuple))->rolcanlogin;
	ReleaseSysCache(tuple);
	return login && CsDatabaseAcl(database, owner, ACL_CONNECT) == ACLCHECK_OK;
}
