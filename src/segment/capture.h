/*
 * capture.h
 *		Noticing which customers' rows change: see capture.c.
 */
#ifndef CUSTOMER_SCORING_CAPTURE_H
#define CUSTOMER_SCORING_CAPTURE_H

#include "nodes/pg_list.h"

#define CAPTURE_TABLE "segment_capture"

/* Columns of segment_capture. */
enum
{
	CAPTURE_SEGMENT_TABLE = 1,
	CAPTURE_SOURCE,
	CAPTURE_CUSTOMER,
	CAPTURE_LOG
};

extern List *CsAncestors(Oid relation);
extern void CsFlushCapture(void);
extern void CsForgetCaptured(Oid segment_table, Datum key);
extern void CsNameCustomer(const text *customer);
extern void CsOwnWrites(Oid segment_table);

#endif /* CUSTOMER_SCORING_CAPTURE_H */
