/*
 * customer_scoring.c
 *		Module magic and start-up. Each room initialises itself.
 */
#include "postgres.h"

#include "fmgr.h"

PG_MODULE_MAGIC;
