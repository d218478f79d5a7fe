/*
 * step.h
 *		A transaction of a worker: see step.c.
 */
#ifndef CUSTOMER_SCORING_STEP_H
#define CUSTOMER_SCORING_STEP_H

extern void CsBeginStep(void);
extern void CsEndStep(void);

#endif /* CUSTOMER_SCORING_STEP_H */
