/*
 * attempt.h
 *		Doing what may fail: see attempt.c.
 */
#ifndef CUSTOMER_SCORING_ATTEMPT_H
#define CUSTOMER_SCORING_ATTEMPT_H

extern bool CsMustEnd(const ErrorData *error);
extern ErrorData *CsAttempt(void (*action)(void *argument), void *argument);

#endif /* CUSTOMER_SCORING_ATTEMPT_H */
