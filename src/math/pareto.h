/*
 * pareto.h
 *		Integrals over the time at which a customer of the Pareto/NBD model drops
 *		out: see pareto.c.
 */
#ifndef CUSTOMER_SCORING_PARETO_H
#define CUSTOMER_SCORING_PARETO_H

/*
 * A node of an integral over u from t on: places as ln((alpha+u)/(alpha+t)) and
 * ln((beta+u)/(beta+t)), and the logarithm of the weight of du, divided by beta+u.
 */
typedef struct CsParetoNode
{
	double u;
	double by_alpha;
	double by_beta;
	double log_weight;
} CsParetoNode;

#define CS_PARETO_NODES 600

extern int cs_pareto_nodes(double alpha, double beta, double from, double to, double n, double s,
						   double delta, CsParetoNode *nodes);

#endif /* CUSTOMER_SCORING_PARETO_H */
