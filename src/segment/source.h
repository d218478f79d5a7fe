/*
 * source.h
 *		Where a segment table's purchases come from: see source.c.
 */
#ifndef CUSTOMER_SCORING_SOURCE_H
#define CUSTOMER_SCORING_SOURCE_H

#include "executor/spi.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"
#include "utils/tuplestore.h"

#include "segment/definition.h"

/* Parameters of every statement on a source; those of `only` follow. */
enum
{
	PARAM_AS_OF = 1,
	PARAM_EARLIEST,
	PARAM_RUN,
	PARAM_KEYS,
	PARAM_LOOKBACK,
	PARAM_LEFT_OUT,
	PARAM_NAMES,
	PARAM_SALT,
	PARAM_TOMBSTONES,
	SOURCE_PARAMS = PARAM_TOMBSTONES
};

/* Reasons to leave a row out, in the order in which they are looked for. */
typedef enum SkipReason
{
	SKIP_NO_CUSTOMER,
	SKIP_NO_TIME,
	SKIP_NO_AMOUNT,
	SKIP_NOT_FINITE,
	SKIP_FUTURE,
	SKIP_LEFT_OUT
} SkipReason;

#define SKIP_REASONS 6

/* A relation whose changes concern a segment table, and its column with the customer. */
typedef struct CsFollowed
{
	Oid relation;
	AttrNumber customer;
} CsFollowed;

/*
 * A source that has been found, with what is needed to read it. Parameters are
 * $1 as_of, $2 the moment after which orders count, $3 the run, NULL but for a
 * refresh, $4 an array of customers
 * (of their texts, if there are no arrays of the type), $5 the lookback, $6 an array like $4 of customers who
 * are left out, $7 to $9 by what they are found, see left_out.c, and one array for each column of `only`.
 */
typedef struct SegmentSource
{
	Oid relation;
	char *columns; /* numbers and types of all columns that are read, to tell whether they have changed */
	int nothers;
	struct OtherSource *others;
	bool periods; /* some of them have periods, whose ends change rows by time alone */
	Oid customer_type;
	int32 customer_typmod;
	Oid customer_collation;
	char *customer_equals; /* OPERATOR(…) of the customer's type */
	Oid key_type; /* base type of the customer */
	int32 key_typmod;
	char *keys; /* SQL: those in $4, as what ANY takes */
	int nleft_out; /* customers who are left out, see left_out.c, */
	Datum *left_out;
	TimestampTz *returns_at; /* and when each is no more; DT_NOEND for never */
	int scale; /* decimals of money */
	char *from; /* SQL: the relation */
	char *customer; /* SQL of a row s: its customer, */
	char *time; /* time, */
	char *amount; /* amount, */
	char *finite; /* whether that is a number, */
	char *filter; /* and whether `only` lets it in */
	bool tiers; /* whether tiers are worked out */
	char *clv_zone; /* SQL: the zone in which lifetime values count days, NULL without them */
	const char *uncaptured; /* why its changes cannot be captured at all, or NULL */
	int nfollowed;
	CsFollowed *followed;
	int nparams;
	Oid *types;
	Datum *values;
	char *nulls;
} SegmentSource;

/* A column of the source as the catalog has it. */
typedef struct SourceColumn
{
	AttrNumber attnum;
	Oid type; /* of a domain: what it is based on */
	int32 typmod;
	Oid declared; /* as declared */
	int32 declared_typmod;
	Oid collation;
	char *sql;
} SourceColumn;

extern Relation CsOpenSourceRelation(const char *schema, const char *name, Oid segment_table,
									 const char *hint);
extern char *CsEqualityOperator(Oid type);
extern SourceColumn CsFindColumn(Relation relation, const char *name, const char *hint);
extern char *CsTimeExpression(const SourceColumn *column, const char *name);
extern void CsReadColumn(SegmentSource *source, const SourceColumn *column);
extern void CsFollow(SegmentSource *source, Oid relation, AttrNumber customer);
extern char *CsCustomerCondition(const SegmentSource *source, const char *customer, bool keyed);
extern SegmentSource *CsOpenSource(const SegmentDefinition *definition);
extern void CsMakeParams(SegmentSource *source, int more);
extern void CsSetParam(SegmentSource *source, int param, Datum value);
extern char *CsKeysParam(const SegmentSource *source, int param);
extern char *CsKeysSql(const SegmentSource *source);
extern Datum CsKeyArray(const SegmentSource *source, Datum *keys, int nkeys);
extern TimestampTz CsEarliest(TimestampTz as_of, const Interval *lookback, const char *time_zone);
extern void CsSourceMoments(SegmentSource *source, const SegmentDefinition *definition, TimestampTz as_of);
extern char *CsOrdersSql(const SegmentSource *source, bool keyed, bool future);
extern char *CsEverybodySql(const SegmentSource *source, bool keyed);
extern char *CsCustomersSql(const SegmentSource *source, bool keyed, bool future);
extern char *CsWaitingSql(const SegmentSource *source, bool keyed);
extern char *CsSkippedSql(const SegmentSource *source, bool keyed);
extern void CsCheckSourcePolicies(SegmentSource *source, const SegmentDefinition *definition);
extern SPIPlanPtr CsPrepareOnSource(const SegmentSource *source, const char *sql);
extern TupleDesc CsReadInto(Tuplestorestate *rows, Snapshot snapshot, const SegmentSource *source,
							const char *sql);

#endif /* CUSTOMER_SCORING_SOURCE_H */
