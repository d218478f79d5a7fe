/*
 * erased.c
 *		The table that this session takes a person out of, by erasing or retention.
 *
 * The privacy room sets it for a statement, in a PG_TRY, and rules that would
 * refuse the statement ask for it.
 */
#include "postgres.h"

#include "core/erased.h"

static Oid erased = InvalidOid;

/* The table, or InvalidOid for none. */
Oid
CsErasedTable(void)
{
	return erased;
}

/* Set it; the one before, to be set again. */
Oid
CsSetErasedTable(Oid relation)
{
	Oid before = erased;

	erased = relation;
	return before;
}
