/*
 * run_status.c
 *		Whether a run has told its outcome by now, for the views about runs.
 *
 * These read runs under the snapshot of their statement, and which processes go
 * on under none: a run that ends between the two would look as if its process
 * had died. Read by the heap API, so whoever looks needs no rights, and without
 * snapshot: a process lets go of its lock after the commit, so what has told its
 * outcome before the lock was missed is seen.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/skey.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "fmgr.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/snapmgr.h"

#include "core/compat.h"

PG_FUNCTION_INFO_V1(cs_run_has_ended);

/* run_has_ended(run_id): false for a run that there is not. */
Datum
cs_run_has_ended(PG_FUNCTION_ARGS)
{
	Oid namespace = get_namespace_oid("customer_scoring_internal", false);
	Relation runs = table_open(get_relname_relid("segment_run", namespace), AccessShareLock);
	AttrNumber finished_at = get_attnum(RelationGetRelid(runs), "finished_at");
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	bool ended = false;

	ScanKeyInit(&key, get_attnum(RelationGetRelid(runs), "run_id"), BTEqualStrategyNumber, F_INT8EQ,
				PG_GETARG_DATUM(0));
	scan = systable_beginscan(runs, RelationGetPrimaryKeyIndex(runs), true, SnapshotSelf, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		ended = ended || !heap_attisnull(tuple, finished_at, RelationGetDescr(runs));
	systable_endscan(scan);
	table_close(runs, AccessShareLock);
	PG_RETURN_BOOL(ended);
}
