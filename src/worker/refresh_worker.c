/*
 * refresh_worker.c
 *		A short-lived process that refreshes segment tables as their owner.
 *
 * It has the rights of the owner and no more. What a refresh does, and what is
 * recorded of its outcome, is the business of segment/. SIGTERM ends it wherever
 * it is, and the unfinished refresh leaves no trace.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "core/compat.h"
#include "segment/job.h"
#include "worker/worker.h"

/*
 * Show in pg_stat_activity what is being done. False if the table is gone or
 * belongs to somebody else by now: then this session must not touch it.
 */
static bool
Announce(Oid segment_table)
{
	HeapTuple tuple;
	bool own = false;

	StartTransactionCommand();
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(segment_table));
	if (HeapTupleIsValid(tuple))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);
		char *schema = get_namespace_name(form->relnamespace);
		StringInfoData activity;

		own = form->relowner == GetUserId();
		initStringInfo(&activity);
		appendStringInfo(&activity, "refreshing segment table %s",
						 quote_qualified_identifier(schema, NameStr(form->relname)));
		pgstat_report_activity(STATE_RUNNING, activity.data);
		ReleaseSysCache(tuple);
	}
	CommitTransactionCommand();
	return own;
}

/*
 * See to each table of the order. A table that is not due costs next to nothing.
 * Failures are in segment_table_run; the server log hears of few.
 */
static void
RefreshAll(const CsOrder *order)
{
	for (int i = 0; i < order->ntables; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (Announce(order->tables[i]))
		{
			const char *failure = CsRefreshJob(order->tables[i]);

			if (failure != NULL &&
				CsMayTell(CS_NEWS_FAILED, order->database, order->tables[i], GetCurrentTimestamp()))
				ereport(LOG,
						(errmsg("refresh of segment table with OID %u failed: %s", order->tables[i], failure),
						 errhint("See customer_scoring.segment_table_run.")));
		}
		pgstat_report_stat(true);
		pgstat_report_activity(STATE_IDLE, NULL);
	}
}

void
CsRefreshWorkerMain(Datum arg)
{
	CsOrder order;

	CsAcceptOrder(&order);
	CsConnectOrder(&order);
	RefreshAll(&order);
	/* a request that came meanwhile found the table taken, and has no launcher */
	if (order.slot < 0)
		RefreshAll(&order);
	if (cs_owner_hook != NULL)
		cs_owner_hook();
	CsReportDone(&order);
	proc_exit(0);
}
