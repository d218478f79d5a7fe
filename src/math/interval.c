/*
 * interval.c
 *		Confidence intervals and two-sided tests of the normal distribution.
 *
 * Words: a *deviate* is the distance from the mean, in standard deviations,
 * within which a share `confidence` of a normal population lies: 1.96 for 95
 * percent. Pure C: callers check their arguments, nothing is allocated and no
 * error is raised.
 */
#include <math.h>

#include "math/interval.h"

/*
 * The deviate of a confidence above 0 and below 1. A rational approximation
 * (Abramowitz and Stegun 26.2.23, good to 4.5e-4) is the start of Halley steps
 * on the upper tail erfc(x / sqrt 2) / 2, each of which triples the number of
 * good digits: two reach the precision of a double, the third is reserve.
 */
double
CsNormalDeviate(double confidence)
{
	double tail = (1.0 - confidence) / 2.0;
	double t = sqrt(-2.0 * log(tail));
	double x = t - (2.515517 + t * (0.802853 + t * 0.010328)) /
					   (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
	int step;

	for (step = 0; step < 3; step++)
	{
		double density = exp(-x * x / 2.0) / sqrt(2.0 * M_PI);
		double off = (erfc(x / M_SQRT2) / 2.0 - tail) / density;

		x += off / (1.0 - off * x / 2.0);
	}
	return x > 0.0 ? x : 0.0;
}

/*
 * The probability that a standard normal variable lies at least as far from
 * zero as z. Through erfc, which keeps its digits where 1 - erf has none left.
 */
double
CsTwoSidedP(double z)
{
	return erfc(fabs(z) / M_SQRT2);
}

/*
 * Wilson's score interval (1927) of a share, for at least one trial. Unlike
 * the textbook interval it stays within 0 and 1 and has a width when all trials
 * agree. The ends that are exact, 0 and 1, are set and not computed.
 */
void
CsWilsonInterval(double successes, double trials, double deviate, double *lower, double *upper)
{
	double share = successes / trials;
	double weight = deviate * deviate / trials;
	double centre = (share + weight / 2.0) / (1.0 + weight);
	double half = deviate / (1.0 + weight) * sqrt((share * (1.0 - share) + weight / 4.0) / trials);

	*lower = successes <= 0.0 ? 0.0 : fmax(centre - half, 0.0);
	*upper = successes >= trials ? 1.0 : fmin(centre + half, 1.0);
}
