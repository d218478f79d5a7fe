/*
 * attempt.c
 *		Doing what may fail, and going on when it does.
 *
 * The action is a subtransaction: when it fails, nothing of it is left, no lock
 * of it is held, and role and settings are those of before.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "core/attempt.h"
#include "core/compat.h"

/* Whether an error may not be passed over: somebody wants an end, or it lost against another transaction. */
bool
CsMustEnd(const ErrorData *error)
{
	int category = ERRCODE_TO_CATEGORY(error->sqlerrcode);

	return category == ERRCODE_OPERATOR_INTERVENTION || category == ERRCODE_TRANSACTION_ROLLBACK;
}

/*
 * Do something: NULL if it was done, else the error, in the caller's memory,
 * for the caller to raise again if it is none that may be passed over. What the
 * action sets and is looked at afterwards goes through the argument.
 */
ErrorData *
CsAttempt(void (*action)(void *argument), void *argument)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		action(argument);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return error;
}
