/*
 * change_log.h
 *		The log of customers whose rows have changed: see change_log.c.
 */
#ifndef CUSTOMER_SCORING_CHANGE_LOG_H
#define CUSTOMER_SCORING_CHANGE_LOG_H

#include "storage/itemptr.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"
#include "utils/timestamp.h"

/* Columns of a log. */
enum
{
	LOG_KEY = 1,
	LOG_EVERYTHING,
	LOG_LOGGED_AT,
	LOG_DUE_AT,
	LOG_COLUMNS = LOG_DUE_AT
};

/* More keys than this in one transaction count as everything. */
#define LOG_KEYS_A_TRANSACTION 100000

/* More blocks than this, 64 MB, and further changes are no longer told apart. */
#define LOG_BLOCKS 8192

/* What a refresh takes from the log. */
typedef struct ChangeList
{
	bool fresh; /* the log has not lost its rows */
	bool everything; /* a change too large to tell customers */
	bool edited; /* the segment table itself was written to by others */
	int left; /* rows left for later */
	int nkeys;
	Datum *keys; /* different ones */
	int ntids;
	ItemPointer tids; /* rows to clear */
} ChangeList;

extern Oid CsInternalTable(const char *name);
extern Oid CsCreateChangeLog(Oid segment_table, Oid type, int32 typmod);
extern void CsDropChangeLog(Oid log, bool wait);
extern void CsLogKeys(Relation log, const Datum *keys, int nkeys, const TimestampTz *due_at);
extern void CsLogEverything(Relation log);
extern void CsLogEdited(Relation log);
extern bool CsLogIsFull(Relation log);
extern bool CsLogHasOverflowed(Oid segment_table, Snapshot snapshot);
extern void CsMarkOverflow(Oid segment_table);
extern void CsMarkFresh(Oid log);
extern bool CsResetChangeLog(Oid segment_table, Oid log);
extern ChangeList *CsReadChanges(Oid log, Snapshot snapshot, TimestampTz as_of, int limit);
extern ChangeList *CsReadWholeLog(Oid log, Snapshot snapshot);
extern void CsForgetKey(Oid log, Datum key);
extern void CsClearChanges(Oid log, const ChangeList *changes);

#endif /* CUSTOMER_SCORING_CHANGE_LOG_H */
