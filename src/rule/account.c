/*
 * account.c
 *		What rules ask about customers: whether they are key accounts, have an
 *		account manager, and which tier or segment is theirs.
 *
 * Each thing that some rule of a set asks for is an *attribute*, a bit. The
 * *accounts* of a rule set are the customers who have any of them, with their
 * bits: mostly few of all customers, so a row costs a look into memory. Where
 * they need more than customer_scoring.rule_cache_size they are not kept, and
 * each row is looked up by index.
 *
 * Accounts are loaded under the latest snapshot, never that of the transaction,
 * and are marked current before they are loaded: what changes meanwhile is not
 * lost. A session hears of changes through the relation account_signal and the
 * segment table itself, which triggers invalidate on every table that accounts
 * come from (signal.c); those on segment tables are looked for, and without them
 * nothing is kept. Periods begin and end by time alone: the next such moment is
 * remembered.
 *
 * A segment table is read as its owner, the tables of the extension as the
 * extension's owner. SPI is connected here.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "core/owner.h"
#include "core/signal.h"
#include "rule/rule.h"
#include "segment/definition.h"
#include "segment/view.h"

/* A customer with attributes: its text begins at `place` of the texts. */
typedef struct Account
{
	uint64 mask; /* 0: a free place of the table */
	uint32 hash;
	uint32 place;
} Account;

/*
 * The accounts of a rule set. The table is open: a customer is at the first
 * place from that of its hash on that has it. Texts are ended by zeros.
 */
typedef struct CsAccounts
{
	bool current; /* nothing they come from has changed since loading began */
	bool loaded;
	bool kept; /* or each row is looked up */
	int limit; /* the setting they were loaded with */
	TimestampTz until; /* when time changes them */
	uint32 size; /* a power of two */
	uint32 count;
	Account *table;
	char *texts;
	Size texts_size;
	Size texts_used;
	MemoryContext memory;
	SPIPlanPtr plans[3]; /* that look up one customer */
} CsAccounts;

static bool
HasTier(const CsRuleSet *set, const char *name)
{
	ListCell *cell;

	foreach (cell, set->tiers)
		if (strcmp(lfirst(cell), name) == 0)
			return true;
	return false;
}

/* An attribute of the rule set, as a mask. */
uint64
CsUseAttribute(CsRuleSet *set, CsAttributeType type, const char *name)
{
	int i;

	for (i = 0; i < set->nattributes; i++)
		if (set->attributes[i].type == type && strcmp(set->attributes[i].name, name) == 0)
			return UINT64CONST(1) << i;
	if (set->nattributes == lengthof(set->attributes))
		CsBadRule(set, NULL, psprintf("its rules name more than %d tiers and segments", i),
				  "Divide them among several rule sets, each with a trigger of its own.");
	if ((type == ATTRIBUTE_TIER || type == ATTRIBUTE_SEGMENT) && !OidIsValid(set->segment_table))
		CsBadRule(set, NULL, psprintf("\"%s\" cannot be looked up without a segment table", name),
				  "Name one in account_rule_set.segment_table.");
	if (type == ATTRIBUTE_TIER && set->tiers != NIL && !HasTier(set, name))
		CsBadRule(set, NULL, psprintf("its segment table has no tier \"%s\"", name),
				  "The tiers are those of the scheme in customer_scoring.tier_policy.");
	set->attributes[i] = (CsAttribute){type, pstrdup(name)};
	set->nattributes++;
	return UINT64CONST(1) << i;
}

static bool
Asks(const CsRuleSet *set, CsAttributeType type)
{
	int i;

	for (i = 0; i < set->nattributes; i++)
		if (set->attributes[i].type == type)
			return true;
	return false;
}

/* The column of the segment table with tiers or segments must be there. */
void
CsCheckSegmentColumns(const CsRuleSet *set)
{
	static const struct
	{
		CsAttributeType type;
		const char *column;
	} needed[] = {{ATTRIBUTE_TIER, "tier"}, {ATTRIBUTE_SEGMENT, "segment"}};
	int i;

	for (i = 0; i < lengthof(needed); i++)
		if (Asks(set, needed[i].type) &&
			get_attnum(set->segment_table, needed[i].column) == InvalidAttrNumber)
			CsBadRule(set, NULL,
					  get_rel_name(set->segment_table) == NULL
						  ? pstrdup("its segment table was dropped")
						  : psprintf("segment table \"%s\" has no column \"%s\"",
									 get_rel_name(set->segment_table), needed[i].column),
					  needed[i].type == ATTRIBUTE_TIER
						  ? "Give the segment table the option tiers."
						  : "Name another one in account_rule_set.segment_table.");
}

/* The bits of a tier or segment. */
static uint64
BitsOf(const CsRuleSet *set, CsAttributeType type, const char *name)
{
	uint64 mask = 0;
	int i;

	for (i = 0; i < set->nattributes && name != NULL; i++)
		if (set->attributes[i].type == type && strcmp(set->attributes[i].name, name) == 0)
			mask |= UINT64CONST(1) << i;
	return mask;
}

/* The names of tiers or segments that are asked for, as text[]. */
static Datum
NamesAsked(const CsRuleSet *set, CsAttributeType type)
{
	Datum names[lengthof(set->attributes)];
	int n = 0;
	int i;

	for (i = 0; i < set->nattributes; i++)
		if (set->attributes[i].type == type)
			names[n++] = CStringGetTextDatum(set->attributes[i].name);
	return PointerGetDatum(construct_array(names, n, TEXTOID, -1, false, TYPALIGN_INT));
}

static uint32
HashOf(CsText customer)
{
	return hash_bytes((const unsigned char *) customer.data, customer.length);
}

/* The place of a customer in the table, or the free one where it would be. */
static Account *
FindAccount(const CsAccounts *accounts, CsText customer, uint32 hash)
{
	uint32 i;

	for (i = hash & (accounts->size - 1);; i = (i + 1) & (accounts->size - 1))
	{
		Account *account = &accounts->table[i];
		const char *text = accounts->texts + account->place;

		if (account->mask == 0 ||
			(account->hash == hash && strncmp(text, customer.data, customer.length) == 0 &&
			 text[customer.length] == '\0'))
			return account;
	}
}

/* Double the table. */
static void
GrowTable(CsAccounts *accounts)
{
	Account *old = accounts->table;
	uint32 old_size = accounts->size;
	uint32 i;

	accounts->size = old_size * 2;
	accounts->table = MemoryContextAllocExtended(accounts->memory, sizeof(Account) * accounts->size,
												 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (i = 0; i < old_size; i++)
		if (old[i].mask != 0)
		{
			uint32 place = old[i].hash & (accounts->size - 1);

			while (accounts->table[place].mask != 0)
				place = (place + 1) & (accounts->size - 1);
			accounts->table[place] = old[i];
		}
	pfree(old);
}

/* Give a customer attributes. False when that takes more memory than there may be. */
static bool
AddAccount(CsAccounts *accounts, const char *customer, uint64 mask)
{
	CsText text = {customer, strlen(customer)};
	uint32 hash = HashOf(text);
	Account *account = FindAccount(accounts, text, hash);

	if (account->mask != 0)
	{
		account->mask |= mask;
		return true;
	}
	if ((accounts->count + 1) * 4 > accounts->size * 3)
	{
		if (sizeof(Account) * accounts->size * 2 + accounts->texts_size > (Size) accounts->limit * 1024 ||
			accounts->size >= PG_INT32_MAX / 2)
			return false;
		GrowTable(accounts);
		account = FindAccount(accounts, text, hash);
	}
	while (accounts->texts_used + text.length + 1 > accounts->texts_size)
	{
		if (sizeof(Account) * accounts->size + accounts->texts_size * 2 > (Size) accounts->limit * 1024 ||
			accounts->texts_size >= PG_UINT32_MAX / 2)
			return false;
		accounts->texts_size *= 2;
		accounts->texts = repalloc_huge(accounts->texts, accounts->texts_size);
	}
	*account = (Account){mask, hash, (uint32) accounts->texts_used};
	memcpy(accounts->texts + accounts->texts_used, customer, text.length + 1);
	accounts->texts_used += text.length + 1;
	accounts->count++;
	return true;
}

/* Add the customers that a query gave, by portions of its cursor. */
static bool
AddCustomers(CsRuleSet *set, CsAccounts *accounts, Portal portal, CsAttributeType type)
{
	bool fits = true;

	while (fits)
	{
		uint64 i;

		SPI_cursor_fetch(portal, true, 10000);
		if (SPI_processed == 0)
			break;
		for (i = 0; i < SPI_processed && fits; i++)
		{
			HeapTuple row = SPI_tuptable->vals[i];
			TupleDesc descriptor = SPI_tuptable->tupdesc;
			char *customer = SPI_getvalue(row, descriptor, 1);
			uint64 mask;

			if (type == ATTRIBUTE_TIER)
				mask = BitsOf(set, ATTRIBUTE_SEGMENT, SPI_getvalue(row, descriptor, 2)) |
					   BitsOf(set, ATTRIBUTE_TIER, SPI_getvalue(row, descriptor, 3));
			else
				mask = BitsOf(set, type, "");
			fits = AddAccount(accounts, customer, mask);
			pfree(customer);
		}
		SPI_freetuptable(SPI_tuptable);
		CHECK_FOR_INTERRUPTS();
	}
	SPI_cursor_close(portal);
	return fits;
}

/* SQL for the segment and tier of customers, as far as they are asked for. */
static char *
SegmentsSql(const CsRuleSet *set, const char *condition)
{
	return psprintf("SELECT t.customer_id::pg_catalog.text, %s, %s FROM ONLY %s t WHERE %s",
					Asks(set, ATTRIBUTE_SEGMENT) ? "t.segment" : "NULL::pg_catalog.text",
					Asks(set, ATTRIBUTE_TIER) ? "t.tier" : "NULL::pg_catalog.text",
					CsQualifiedName(set->segment_table), condition);
}

/* Customers of the tiers and segments that are asked for. */
static bool
LoadSegments(CsRuleSet *set, CsAccounts *accounts)
{
	Oid types[2] = {TEXTARRAYOID, TEXTARRAYOID};
	Datum values[2] = {NamesAsked(set, ATTRIBUTE_SEGMENT), NamesAsked(set, ATTRIBUTE_TIER)};
	const char *condition =
		Asks(set, ATTRIBUTE_SEGMENT)
			? Asks(set, ATTRIBUTE_TIER)
				  ? "t.segment OPERATOR(pg_catalog.=) ANY ($1) OR t.tier OPERATOR(pg_catalog.=) ANY ($2)"
				  : "t.segment OPERATOR(pg_catalog.=) ANY ($1)"
			: "t.tier OPERATOR(pg_catalog.=) ANY ($2)";
	Portal portal = SPI_cursor_open_with_args(NULL, SegmentsSql(set, condition), 2, types, values, NULL, true,
											  CURSOR_OPT_NO_SCROLL);

	return AddCustomers(set, accounts, portal, ATTRIBUTE_TIER);
}

/* Customers with a period now in a table of periods; the next moment at which one begins or ends. */
static bool
LoadPeriods(CsRuleSet *set, CsAccounts *accounts, CsAttributeType type, TimestampTz now)
{
	const char *table = type == ATTRIBUTE_KEY_ACCOUNT ? "customer_scoring.key_account"
													  : "customer_scoring.account_manager";
	Oid types[1] = {TIMESTAMPTZOID};
	Datum values[1] = {TimestampTzGetDatum(now)};
	Portal portal;
	bool isnull;
	Datum next;

	if (SPI_execute_with_args(psprintf("SELECT pg_catalog.min(x.moment) FROM %s p CROSS JOIN LATERAL"
									   " (VALUES (p.valid_from), (p.valid_until)) x (moment)"
									   " WHERE x.moment OPERATOR(pg_catalog.>) $1",
									   table),
							  1, types, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "periods cannot be read");
	next = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (!isnull && DatumGetTimestampTz(next) < accounts->until)
		accounts->until = DatumGetTimestampTz(next);
	portal = SPI_cursor_open_with_args(
		NULL,
		psprintf("SELECT p.customer FROM %s p WHERE p.valid_from OPERATOR(pg_catalog.<=) $1"
				 " AND (p.valid_until IS NULL OR p.valid_until OPERATOR(pg_catalog.>) $1)",
				 table),
		1, types, values, NULL, true, CURSOR_OPT_NO_SCROLL);
	return AddCustomers(set, accounts, portal, type);
}

/* Run a function that reads, as a role and under the latest snapshot. */
static bool
ReadAs(Oid role, bool (*read)(CsRuleSet *set, CsAccounts *accounts), CsRuleSet *set, CsAccounts *accounts)
{
	CsIdentity saved;
	bool result;

	CsBecome(&saved, role);
	PushActiveSnapshot(GetLatestSnapshot());
	result = read(set, accounts);
	PopActiveSnapshot();
	CsResume(&saved);
	return result;
}

static bool
LoadKeyAccounts(CsRuleSet *set, CsAccounts *accounts)
{
	return LoadPeriods(set, accounts, ATTRIBUTE_KEY_ACCOUNT, GetCurrentTimestamp());
}

static bool
LoadManaged(CsRuleSet *set, CsAccounts *accounts)
{
	return LoadPeriods(set, accounts, ATTRIBUTE_MANAGED, GetCurrentTimestamp());
}

/* The role that owns a relation. */
static Oid
OwnerOf(Oid relation)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Oid owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relation);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/* Give up the accounts of a rule set. */
void
CsForgetAccounts(CsRuleSet *set)
{
	CsAccounts *accounts = set->accounts;
	int i;

	if (accounts == NULL)
		return;
	set->accounts = NULL;
	for (i = 0; i < lengthof(accounts->plans); i++)
		if (accounts->plans[i] != NULL)
			SPI_freeplan(accounts->plans[i]);
	MemoryContextDelete(accounts->memory);
}

/* Something changed that accounts may come from. */
void
CsInvalidateAccounts(CsRuleSet *set)
{
	if (set->accounts != NULL)
		set->accounts->current = false;
}

static CsAccounts *
NewAccounts(void)
{
	MemoryContext memory = AllocSetContextCreate(CacheMemoryContext, "customer_scoring accounts",
												 ALLOCSET_DEFAULT_SIZES);
	CsAccounts *accounts = MemoryContextAllocZero(memory, sizeof(CsAccounts));

	accounts->memory = memory;
	accounts->current = accounts->kept = true;
	accounts->limit = CsRuleCacheSize;
	accounts->until = DT_NOEND;
	accounts->size = 1024;
	accounts->table = MemoryContextAllocZero(memory, sizeof(Account) * accounts->size);
	accounts->texts_size = 8192;
	accounts->texts = MemoryContextAlloc(memory, accounts->texts_size);
	return accounts;
}

/*
 * Have the accounts of a rule set as they are now, for a statement that begins;
 * the caller has accepted invalidations.
 */
void
CsReadyAccounts(CsRuleSet *set)
{
	CsAccounts *accounts = set->accounts;
	Oid own;

	if (set->nattributes == 0 ||
		(accounts != NULL && accounts->current && accounts->loaded && accounts->limit == CsRuleCacheSize &&
		 GetCurrentTimestamp() < accounts->until))
		return;
	CsForgetAccounts(set);
	set->accounts = accounts = NewAccounts();
	own = CsExtensionOwner();
	CsCheckSegmentColumns(set);
	SPI_connect();
	if (Asks(set, ATTRIBUTE_TIER) || Asks(set, ATTRIBUTE_SEGMENT))
		accounts->kept = CsSignalFires(set->segment_table) == TRIGGER_FIRES_ALWAYS &&
						 ReadAs(OwnerOf(set->segment_table), LoadSegments, set, accounts);
	if (accounts->kept && Asks(set, ATTRIBUTE_KEY_ACCOUNT))
		accounts->kept = ReadAs(own, LoadKeyAccounts, set, accounts);
	if (accounts->kept && Asks(set, ATTRIBUTE_MANAGED))
		accounts->kept = ReadAs(own, LoadManaged, set, accounts);
	SPI_finish();
	if (!accounts->kept)
	{
		pfree(accounts->table);
		pfree(accounts->texts);
	}
	accounts->loaded = true;
}

/* Run a plan about one customer, as a role and under the latest snapshot; the number of rows. */
static uint64
AskAs(Oid role, SPIPlanPtr *plan, const char *sql, const char *customer, TimestampTz now)
{
	Oid types[2] = {TEXTOID, TIMESTAMPTZOID};
	Datum values[2] = {CStringGetTextDatum(customer), TimestampTzGetDatum(now)};
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
	CsIdentity saved;

	CsBecome(&saved, role);
	if (*plan == NULL)
	{
		SPIPlanPtr fresh = SPI_prepare(sql, 2, types);

		if (fresh == NULL || SPI_keepplan(fresh) != 0)
			elog(ERROR, "a look-up could not be prepared");
		*plan = fresh;
	}
	if (SPI_execute_snapshot(*plan, values, NULL, snapshot, InvalidSnapshot, true, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "a look-up failed");
	CsResume(&saved);
	UnregisterSnapshot(snapshot);
	return SPI_processed;
}

/* SQL that gives a row if a customer has a period in a table at a moment. */
static char *
PeriodSql(const char *table)
{
	return psprintf("SELECT FROM customer_scoring.%s p WHERE p.customer OPERATOR(pg_catalog.=) $1"
					" AND p.valid_from OPERATOR(pg_catalog.<=) $2"
					" AND (p.valid_until IS NULL OR p.valid_until OPERATOR(pg_catalog.>) $2)",
					table);
}

/* Look the attributes of one customer up. */
static uint64
LookUp(CsRuleSet *set, const char *customer, TimestampTz now)
{
	CsAccounts *accounts = set->accounts;
	Oid own = CsExtensionOwner();
	uint64 mask = 0;

	SPI_connect();
	if (Asks(set, ATTRIBUTE_TIER) || Asks(set, ATTRIBUTE_SEGMENT))
	{
		Oid type = get_atttype(set->segment_table, get_attnum(set->segment_table, "customer_id"));

		if (AskAs(OwnerOf(set->segment_table), &accounts->plans[0],
				  SegmentsSql(set, psprintf("t.customer_id %s AND $2 IS NOT NULL", CsEqualsText(type, 1))),
				  customer, now) > 0)
			mask |= BitsOf(set, ATTRIBUTE_SEGMENT,
						   SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2)) |
					BitsOf(set, ATTRIBUTE_TIER,
						   SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 3));
	}
	if (Asks(set, ATTRIBUTE_KEY_ACCOUNT) &&
		AskAs(own, &accounts->plans[1], PeriodSql("key_account"), customer, now) > 0)
		mask |= BitsOf(set, ATTRIBUTE_KEY_ACCOUNT, "");
	if (Asks(set, ATTRIBUTE_MANAGED) &&
		AskAs(own, &accounts->plans[2], PeriodSql("account_manager"), customer, now) > 0)
		mask |= BitsOf(set, ATTRIBUTE_MANAGED, "");
	SPI_finish();
	return mask;
}

/* The attributes of the subject's customer; none without a customer. */
uint64
CsMaskOf(CsSubject *subject)
{
	CsRuleSet *set = subject->set;
	CsText customer;

	if (subject->asked)
		return subject->mask;
	subject->asked = true;
	subject->mask = 0;
	if (set->nattributes == 0 || set->customer < 0 || !CsTextOf(subject, set->customer, &customer))
		return 0;
	if (set->accounts == NULL || !set->accounts->loaded)
		CsReadyAccounts(set);
	if (set->accounts->kept)
		subject->mask = FindAccount(set->accounts, customer, HashOf(customer))->mask;
	else
		subject->mask = LookUp(set, CsCString(customer), subject->now);
	return subject->mask;
}
