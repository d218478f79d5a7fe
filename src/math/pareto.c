/*
 * pareto.c
 *		Integrals over the time at which a customer of the Pareto/NBD model drops
 *		out.
 *
 * They are of (alpha+u)^-n (beta+u)^-s e^(-delta u), and come as differences of
 * hypergeometric functions in the literature, which cancel. All of it is
 * positive, so it is summed at nodes instead: places are logarithms of the
 * smaller of alpha+u and beta+u, in which the integrand is smooth whatever the
 * parameters are, in panels short enough for 20 nodes to give 13 digits, up to
 * where what is left is below e^-38 of the whole.
 */
#include <math.h>

#include "math/pareto.h"
#include "math/special.h"

#define NEGLIGIBLE 38.0
#define LONGEST_PANEL 2.5
#define MOST_PANELS (CS_PARETO_NODES / CS_NODES_LONG)

/*
 * The nodes for u from `from` to `to`, which may be infinite; n, s and delta only
 * tell where the integrand becomes negligible. Returns how many there are.
 */
int
cs_pareto_nodes(double alpha, double beta, double from, double to, double n, double s, double delta,
				CsParetoNode *nodes)
{
	double least = fmin(alpha, beta) + from;
	double most = fmax(alpha, beta) + from;
	double falls = alpha < beta ? n + s * least / most : s + n * least / most;
	double length = log1p((to - from) / least);
	double half;
	double log_unit;
	int panels;
	int count = 0;
	int i;
	int k;

	/* by one less than the powers say, as du grows with the place */
	falls += delta * least - 1.0;
	if (falls > 0.0)
		length = fmin(length, NEGLIGIBLE / falls);
	if (delta > 0.0)
		length = fmin(length, log1p(NEGLIGIBLE / (delta * least)));
	length = fmin(length, MOST_PANELS * LONGEST_PANEL);
	panels = fmax(ceil(length / LONGEST_PANEL), 1.0);
	half = 0.5 * length / panels;
	log_unit = log(half * least / (beta + from));
	for (i = 0; i < panels; i++)
		for (k = 0; k < CS_NODES_LONG; k++)
		{
			const CsNode *rule = &cs_nodes_long[k / 2];
			double place = half * (2 * i + 1 + (k % 2 ? rule->place : -rule->place));
			double passed = least * expm1(place);
			double other = cs_log1p(passed / most);
			CsParetoNode *node = &nodes[count++];

			node->u = from + passed;
			node->by_alpha = alpha < beta ? place : other;
			node->by_beta = alpha < beta ? other : place;
			/* du is least e^place dplace, and beta + u is (beta + from) e^by_beta */
			node->log_weight = log_unit + rule->log_weight + place - node->by_beta;
		}
	return count;
}
