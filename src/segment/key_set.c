/*
 * key_set.c
 *		Different customers, told apart by their bytes.
 *
 * What a type takes for equal may have several forms of bytes (1.0 and 1.00, or
 * ann and ANN under some collations); such a customer may be held twice, which
 * costs a little and harms nothing. In return no code of users is run, and a
 * writer of orders never fails for a customer's type. Keys are copied into the
 * memory context of the set, whole and uncompressed.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "fmgr.h"
#include "parser/parse_coerce.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#include "core/compat.h"
#include "segment/key_set.h"

typedef struct KeyEntry
{
	Datum key;
	uint32 hash;
	char status;
} KeyEntry;

struct CsKeySet
{
	MemoryContext context;
	bool byval;
	int16 length;
	bool started; /* there is a first key */
	Datum first;
	struct keys_hash *hash; /* all keys, once there are two */
};

#define SH_PREFIX keys
#define SH_ELEMENT_TYPE KeyEntry
#define SH_KEY_TYPE Datum
#define SH_KEY key
#define SH_HASH_KEY(tb, value)                                        \
	datum_image_hash(value, ((CsKeySet *) (tb)->private_data)->byval, \
					 ((CsKeySet *) (tb)->private_data)->length)
#define SH_EQUAL(tb, a, b) \
	datum_image_eq(a, b, ((CsKeySet *) (tb)->private_data)->byval, ((CsKeySet *) (tb)->private_data)->length)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, entry) (entry)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/*
 * Whether customers of two types are the same bytes, compared by the same
 * operator: varchar and text are, integer and bigint are not.
 */
bool
CsSameKeys(Oid type, Oid other)
{
	type = getBaseType(type);
	other = getBaseType(other);
	if (type == other)
		return true;
	return IsBinaryCoercible(type, other) && lookup_type_cache(type, TYPECACHE_EQ_OPR)->eq_opr ==
												 lookup_type_cache(other, TYPECACHE_EQ_OPR)->eq_opr;
}

CsKeySet *
CsMakeKeySet(MemoryContext context, bool byval, int16 length)
{
	CsKeySet *set = MemoryContextAlloc(context, sizeof(CsKeySet));

	set->context = context;
	set->byval = byval;
	set->length = length;
	set->started = false;
	set->hash = NULL;
	return set;
}

/* The hash of a set that has a first key. */
static struct keys_hash *
MakeHash(CsKeySet *set)
{
	bool found;

	set->hash = keys_create(set->context, 16, set);
	(void) keys_insert(set->hash, set->first, &found);
	return set->hash;
}

/* Add a key that is not toasted; see CsKeySetAdd. A first key needs no hash, and often stays alone. */
static bool
AddPlain(CsKeySet *set, Datum key, int limit)
{
	bool found;

	if (!set->started)
	{
		set->first = datumCopy(key, set->byval, set->length);
		set->started = true;
		return true;
	}
	if (set->hash == NULL && datum_image_eq(key, set->first, set->byval, set->length))
		return true;
	if (set->hash == NULL)
		MakeHash(set);
	if (set->hash->members >= limit)
		return keys_lookup(set->hash, key) != NULL;
	if (keys_lookup(set->hash, key) != NULL)
		return true;
	key = datumCopy(key, set->byval, set->length);
	(void) keys_insert(set->hash, key, &found);
	return true;
}

/* Add a key. False if it is new and the set has limit keys already, which is at least one. */
bool
CsKeySetAdd(CsKeySet *set, Datum key, int limit)
{
	MemoryContext old = MemoryContextSwitchTo(set->context);
	Datum plain = !set->byval && set->length == -1 ? PointerGetDatum(PG_DETOAST_DATUM(key)) : key;
	bool room = AddPlain(set, plain, limit);

	if (plain != key)
		pfree(DatumGetPointer(plain));
	MemoryContextSwitchTo(old);
	return room;
}

/* All keys, as an array that shares them. */
Datum *
CsKeySetKeys(CsKeySet *set, int *nkeys)
{
	Datum *keys = MemoryContextAllocHuge(CurrentMemoryContext,
										 sizeof(Datum) * (set->hash == NULL ? 1 : set->hash->members));
	keys_iterator iterator;
	KeyEntry *entry;

	*nkeys = 0;
	if (set->hash == NULL)
	{
		if (set->started)
			keys[(*nkeys)++] = set->first;
		return keys;
	}
	keys_start_iterate(set->hash, &iterator);
	while ((entry = keys_iterate(set->hash, &iterator)) != NULL)
		keys[(*nkeys)++] = entry->key;
	return keys;
}

/* Whether two keys are the same for a set; neither need be in it. */
bool
CsKeySetSame(CsKeySet *set, Datum key, Datum other)
{
	return datum_image_eq(key, other, set->byval, set->length);
}

/* A copy of a key in the memory of a set, which it does not become part of. */
Datum
CsKeySetCopy(CsKeySet *set, Datum key)
{
	MemoryContext old = MemoryContextSwitchTo(set->context);
	Datum copy = datumCopy(key, set->byval, set->length);

	MemoryContextSwitchTo(old);
	return copy;
}

/* Take one of the keys that CsKeySetKeys gave from its array; how many are left. */
int
CsKeySetWithout(CsKeySet *set, Datum *keys, int nkeys, Datum key)
{
	int left = 0;
	int i;

	for (i = 0; i < nkeys; i++)
		if (!CsKeySetSame(set, keys[i], key))
			keys[left++] = keys[i];
	return left;
}
