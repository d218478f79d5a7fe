/*
 * notify.c
 *		What a commit that made segment tables due sets off.
 *
 * With the launcher: its shared memory gets a mark and it is woken. Without it,
 * refreshes somebody asked for are served by workers started right here, so
 * that request_segment_refresh needs no preloading; schedules do need it.
 *
 * What a transaction asks for is kept in TopTransactionContext. A savepoint that
 * is rolled back leaves its part in: a look or a worker that finds nothing due
 * does no harm. A prepared transaction is unknown to the session that commits
 * it, so only its preparation marks the database, and the rest is found when the
 * launcher comes by.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "core/compat.h"
#include "segment/job.h"
#include "worker/worker.h"

/* Orders of this transaction, one for each owner and some tables. */
typedef struct Orders
{
	int n;
	int size;
	CsOrder *order;
} Orders;

static bool due = false;
static Orders orders = {0, 0, NULL};

/* Start what was asked for. Nothing here may raise an error. */
static void
StartOrders(void)
{
	bool all = true;

	for (int i = 0; i < orders.n && all; i++)
		all = CsRegisterOrder(&orders.order[i], 0, NULL);
	if (!all)
		ereport(WARNING, (errcode(ERRCODE_INSUFFICIENT_RESOURCES),
						  errmsg("no background worker slot is free: the requested refresh stays queued"),
						  errhint("Increase max_worker_processes, or preload customer_scoring so that a "
								  "scheduler waits for a free slot.")));
}

static void
AtTransactionEnd(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_COMMIT:
			if (due && CsSchedulerActive())
				CsWantLook(MyDatabaseId, DT_NOBEGIN);
			else if (due)
				StartOrders();
			break;
		case XACT_EVENT_PREPARE:
			if (due && CsSchedulerActive())
				CsWantLook(MyDatabaseId, DT_NOBEGIN);
			break;
		case XACT_EVENT_ABORT:
			break;
		default:
			return;
	}
	due = false;
	orders = (Orders){0, 0, NULL};
}

/* Add a table to the orders of this transaction, once. */
static void
AddOrder(Oid segment_table, Oid owner)
{
	CsOrder *open = NULL;

	for (int i = 0; i < orders.n; i++)
	{
		CsOrder *order = &orders.order[i];

		if (order->owner != owner)
			continue;
		for (int j = 0; j < order->ntables; j++)
		{
			if (order->tables[j] == segment_table)
				return;
		}
		if (order->ntables < CS_ORDER_TABLES)
			open = order;
	}
	if (open == NULL)
	{
		if (orders.n == orders.size)
		{
			int size = Max(4, orders.size * 2);
			CsOrder *larger = MemoryContextAllocZero(TopTransactionContext, size * sizeof(CsOrder));

			if (orders.n > 0)
				memcpy(larger, orders.order, orders.n * sizeof(CsOrder));
			orders.order = larger;
			orders.size = size;
		}
		open = &orders.order[orders.n++];
		open->database = MyDatabaseId;
		open->owner = owner;
		open->slot = -1;
	}
	open->tables[open->ntables++] = segment_table;
}

/*
 * cs_due_hook. Says at once what a worker started later could only write to
 * the server log: that its owner cannot connect.
 */
static void
MadeDue(Oid segment_table, Oid owner, bool requested)
{
	static bool registered = false;

	if (IsBinaryUpgrade)
		return;
	if (!registered)
	{
		RegisterXactCallback(AtTransactionEnd, NULL);
		registered = true;
	}
	if (requested && !CsOwnerMayConnect(owner, MyDatabaseId))
		ereport(WARNING, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						  errmsg("no worker can refresh \"%s\": its owner may not connect",
								 get_rel_name(segment_table)),
						  errhint("Give the owner LOGIN and CONNECT on the database, or call "
								  "refresh_segment_table.")));
	else if (requested)
		AddOrder(segment_table, owner);
	due = true;
}

void
CsNotifyInit(void)
{
	cs_due_hook = MadeDue;
}
