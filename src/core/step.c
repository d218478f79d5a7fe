/*
 * step.c
 *		A transaction of a worker, which nobody's statement has begun.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "utils/snapmgr.h"

#include "core/step.h"

/* Begin one as a statement would, connected to SPI. */
void
CsBeginStep(void)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	SPI_connect();
	PushActiveSnapshot(GetTransactionSnapshot());
}

/* Commit it. */
void
CsEndStep(void)
{
	PopActiveSnapshot();
	SPI_finish();
	CommitTransactionCommand();
}
