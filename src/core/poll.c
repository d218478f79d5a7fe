/*
 * poll.c
 *		What long loops of math/ do in the server: see math/poll.h.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "math/poll.h"

void
cs_math_poll(void)
{
	CHECK_FOR_INTERRUPTS();
}
