/*
 * signal.h
 *		Telling all sessions that what they remember may be out of date: see signal.c.
 */
#ifndef CUSTOMER_SCORING_SIGNAL_H
#define CUSTOMER_SCORING_SIGNAL_H

/* The trigger on segment tables. */
#define CS_SIGNAL_TRIGGER "customer_scoring_signal"

extern Oid CsSignalRelation(const char *name);

#endif /* CUSTOMER_SCORING_SIGNAL_H */
