/*
 * owner.c
 *		Acting with the rights of another role, and nothing more.
 *
 * A refresh runs with the rights of the segment table's owner, a statement on
 * the extension's own tables with those of the extension's owner. Both are
 * security-restricted operations: code of users that is reached on the way can
 * neither change the role back nor leave anything behind that runs later. When
 * an error is thrown, the end of the transaction restores role and settings.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/rel.h"

#include "core/compat.h"
#include "core/owner.h"

/* Set a setting until CsResume. */
void
CsPinSetting(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

/*
 * Wait for locks less long than others take to look for a deadlock with us, until
 * CsResume: whoever holds one may hold it for days.
 */
void
CsWaitBriefly(void)
{
	if (LockTimeout == 0 || LockTimeout > DeadlockTimeout / 2)
		CsPinSetting("lock_timeout", psprintf("%d", Max(DeadlockTimeout / 2, 1)));
}

/*
 * Become a role, security-restricted, with a search_path that users cannot put
 * anything into.
 */
void
CsBecome(CsIdentity *saved, Oid role)
{
	GetUserIdAndSecContext(&saved->role, &saved->context);
	SetUserIdAndSecContext(role, saved->context | SECURITY_RESTRICTED_OPERATION);
	saved->settings = NewGUCNestLevel();
	CsPinSetting("search_path", "pg_catalog, pg_temp");
}

/* Become who one was before, with the settings of then. */
void
CsResume(const CsIdentity *saved)
{
	AtEOXact_GUC(false, saved->settings);
	SetUserIdAndSecContext(saved->role, saved->context);
}

/* The role that owns the extension and with it the extension's tables. */
Oid
CsExtensionOwner(void)
{
	Relation catalog = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	Oid owner;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum("customer_scoring"));
	scan = systable_beginscan(catalog, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "extension customer_scoring is not installed");
	owner = ((Form_pg_extension) GETSTRUCT(tuple))->extowner;
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return owner;
}

/* Run a statement as the extension's owner. */
static uint64
RunOwn(const char *sql, int nargs, Oid *types, Datum *values, const char *nulls, bool read_only)
{
	CsIdentity saved;
	int result;

	CsBecome(&saved, CsExtensionOwner());
	result = SPI_execute_with_args(sql, nargs, types, values, nulls, read_only, 0);
	if (result < 0)
		elog(ERROR, "statement on internal table failed: %s", SPI_result_code_string(result));
	CsResume(&saved);
	return SPI_processed;
}

/*
 * One fixed statement on the extension's own tables, which users may not touch.
 * Values are passed as parameters, never as text. SPI must be connected; rows
 * are left in SPI_tuptable, and their number is returned.
 */
uint64
CsOwnSql(const char *sql, int nargs, Oid *types, Datum *values, const char *nulls)
{
	return RunOwn(sql, nargs, types, values, nulls, false);
}

/* The same for a query under the active snapshot, which may be older than now. */
uint64
CsOwnQuery(const char *sql, int nargs, Oid *types, Datum *values, const char *nulls)
{
	return RunOwn(sql, nargs, types, values, nulls, true);
}
