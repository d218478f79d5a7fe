/*
 * poll.h
 *		Long loops of math/ call cs_math_poll() every CS_MATH_STRIDE elements.
 *
 * The server checks for interrupts there and may leave by a long jump, so the
 * functions of math/ own nothing that would have to be given back. Stand-alone
 * programs define their own.
 */
#ifndef CUSTOMER_SCORING_POLL_H
#define CUSTOMER_SCORING_POLL_H

#define CS_MATH_STRIDE 65536

extern void cs_math_poll(void);

#endif /* CUSTOMER_SCORING_POLL_H */
