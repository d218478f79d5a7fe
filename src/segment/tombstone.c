/*
 * tombstone.c
 *		Customers who were erased.
 *
 * A *tombstone* keeps an erased customer out of segment tables, should his
 * orders be loaded again. It is a hash of the customer's text and a *salt*, 32
 * random bytes that each database makes for its first one (or for privacy_audit,
 * which hashes alike): nobody who has only the tombstones can tell whom they are
 * of, and whoever has both can but try. The text is hashed in UTF-8, so that a dump may be restored into another
 * encoding.
 *
 * Who has a tombstone is told to segment tables by the capture of changes, which
 * is given the customer's text, as the row does not name him.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "core/compat.h"
#include "core/owner.h"
#include "segment/capture.h"
#include "segment/option.h"
#include "segment/tombstone.h"

PG_FUNCTION_INFO_V1(cs_tombstone_hash);
PG_FUNCTION_INFO_V1(cs_add_tombstone);
PG_FUNCTION_INFO_V1(cs_readmit_customer);

#define SALT_LENGTH 32

/* Bytes as a bytea, in the current context. */
static bytea *
Bytes(const void *bytes, int length)
{
	bytea *result = palloc(VARHDRSZ + length);

	SET_VARSIZE(result, VARHDRSZ + length);
	memcpy(VARDATA(result), bytes, length);
	return result;
}

/* The salt, as the latest snapshot or that of the transaction has it; NULL before the first tombstone. */
bytea *
CsTombstoneSalt(void)
{
	bool isnull;
	bytea *salt;

	if (CsOwnSql("SELECT salt FROM customer_scoring.tombstone_salt", 0, NULL, NULL, NULL) == 0)
		return NULL;
	salt = DatumGetByteaPP(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	return Bytes(VARDATA_ANY(salt), VARSIZE_ANY_EXHDR(salt));
}

/* What stands for a customer among the tombstones. */
bytea *
CsTombstoneHash(const bytea *salt, const text *customer)
{
	const char *raw = VARDATA_ANY(customer);
	int length = VARSIZE_ANY_EXHDR(customer);
	char *utf8 = pg_server_to_any(raw, length, PG_UTF8);
	pg_cryptohash_ctx *context = pg_cryptohash_create(PG_SHA256);
	uint8 digest[PG_SHA256_DIGEST_LENGTH];

	if (utf8 != raw)
		length = strlen(utf8);
	if (pg_cryptohash_init(context) < 0 ||
		pg_cryptohash_update(context, (const uint8 *) VARDATA_ANY(salt), VARSIZE_ANY_EXHDR(salt)) < 0 ||
		pg_cryptohash_update(context, (const uint8 *) utf8, length) < 0 ||
		pg_cryptohash_final(context, digest, sizeof(digest)) < 0)
		elog(ERROR, "could not compute a hash: %s", pg_cryptohash_error(context));
	pg_cryptohash_free(context);
	if (utf8 != raw)
		pfree(utf8);
	return Bytes(digest, sizeof(digest));
}

/* The salt, made now if there is none. Of two who make the first one, the later takes that of the other. */
bytea *
CsEnsureTombstoneSalt(void)
{
	bytea *salt = CsTombstoneSalt();
	uint8 bytes[SALT_LENGTH];
	Oid types[1] = {BYTEAOID};
	Datum values[1];

	if (salt != NULL)
		return salt;
	if (!pg_strong_random(bytes, sizeof(bytes)))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not make random bytes for tombstones"),
						errhint("Try again.")));
	values[0] = PointerGetDatum(Bytes(bytes, sizeof(bytes)));
	CsOwnSql("INSERT INTO customer_scoring.tombstone_salt (salt) VALUES ($1) ON CONFLICT DO NOTHING", 1,
			 types, values, NULL);
	return CsTombstoneSalt();
}

/* A statement about a customer's tombstone, $1 of which is the hash; how many rows it wrote. */
static uint64
WriteTombstone(const text *customer, bytea *hash, const char *sql)
{
	Oid types[1] = {BYTEAOID};
	Datum values[1] = {PointerGetDatum(hash)};
	volatile uint64 written = 0;

	CsNameCustomer(customer);
	PG_TRY();
	{
		written = CsOwnSql(sql, 1, types, values, NULL);
	}
	PG_FINALLY();
	{
		CsNameCustomer(NULL);
	}
	PG_END_TRY();
	return written;
}

/* tombstone_hash(customer): NULL as long as there is no salt. */
Datum
cs_tombstone_hash(PG_FUNCTION_ARGS)
{
	MemoryContext context = CurrentMemoryContext;
	bytea *salt;
	bytea *hash = NULL;

	SPI_connect();
	salt = CsTombstoneSalt();
	if (salt != NULL)
	{
		MemoryContextSwitchTo(context);
		hash = CsTombstoneHash(salt, PG_GETARG_TEXT_PP(0));
	}
	SPI_finish();
	if (hash == NULL)
		PG_RETURN_NULL();
	PG_RETURN_BYTEA_P(hash);
}

/* add_tombstone(customer): its hash. One that is there stays as it is. */
Datum
cs_add_tombstone(PG_FUNCTION_ARGS)
{
	MemoryContext context = CurrentMemoryContext;
	bytea *salt;
	bytea *hash;

	SPI_connect();
	salt = CsEnsureTombstoneSalt();
	MemoryContextSwitchTo(context);
	hash = CsTombstoneHash(salt, PG_GETARG_TEXT_PP(0));
	(void) WriteTombstone(PG_GETARG_TEXT_PP(0), hash,
						  "INSERT INTO customer_scoring." TOMBSTONE_TABLE
						  " (customer_hash) VALUES ($1) ON CONFLICT DO NOTHING");
	SPI_finish();
	PG_RETURN_BYTEA_P(hash);
}

/* readmit_customer(customer): whether there was a tombstone to take away. */
Datum
cs_readmit_customer(PG_FUNCTION_ARGS)
{
	bytea *salt;
	uint64 taken = 0;

	CsRequireArgument(fcinfo, 0, "customer");
	SPI_connect();
	salt = CsTombstoneSalt();
	if (salt != NULL)
		taken = WriteTombstone(PG_GETARG_TEXT_PP(0), CsTombstoneHash(salt, PG_GETARG_TEXT_PP(0)),
							   "DELETE FROM customer_scoring." TOMBSTONE_TABLE " WHERE customer_hash = $1");
	SPI_finish();
	PG_RETURN_BOOL(taken > 0);
}
