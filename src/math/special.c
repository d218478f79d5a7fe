/*
 * special.c
 *		Gamma and its kin, and quadrature.
 *
 * Models need differences, such as ln Gamma(z + h) - ln Gamma(z), that keep their
 * digits when both terms are large or h is small; so differences are what is
 * computed. Arguments are raised to where the asymptotic series holds by adding
 * what the recurrence gives, and the series are differenced term by term.
 */
#include <math.h>

#include "math/special.h"

/* From here on the series below give full precision. */
#define ASYMPTOTIC 16.0

const CsNode cs_nodes_short[CS_NODES_SHORT / 2] = {
	{0.97390652851717172, 0.066671344308688138, -2.7079800389333104},
	{0.86506336668898451, 0.14945134915058059, -1.900784362855128},
	{0.67940956829902441, 0.21908636251598204, -1.5182892775128745},
	{0.43339539412924719, 0.26926671930999636, -1.3120528690146536},
	{0.14887433898163121, 0.29552422471475287, -1.2190044667659286},
};

const CsNode cs_nodes_long[CS_NODES_LONG / 2] = {
	{0.99312859918509492, 0.017614007139152118, -4.0390608332877154},
	{0.96397192727791379, 0.040601429800386941, -3.2039519962362464},
	{0.91223442825132591, 0.062672048334109064, -2.7698397308356206},
	{0.83911697182221882, 0.083276741576704749, -2.4855859815611301},
	{0.74633190646015079, 0.10193011981724044, -2.2834678003169731},
	{0.63605368072651503, 0.11819453196151842, -2.1354234359810671},
	{0.5108670019508271, 0.13168863844917663, -2.0273149423735477},
	{0.37370608871541956, 0.14209610931838205, -1.9512516241386326},
	{0.22778585114164508, 0.14917298647260375, -1.902648663418707},
	{0.076526521133497334, 0.15275338713072585, -1.8789305068343753},
};

/* ln Gamma(z) without its large terms: 1/(12 z) - 1/(360 z^3) + ... */
static double
LogGammaRest(double z)
{
	double q = 1.0 / (z * z);

	return (1.0 / 12 - q * (1.0 / 360 - q * (1.0 / 1260 - q * (1.0 / 1680 - q / 1188)))) / z;
}

/* ln(z) - digamma(z) - 1/(2 z): 1/(12 z^2) - 1/(120 z^4) + ... */
static double
DigammaRest(double z)
{
	double q = 1.0 / (z * z);

	return q * (1.0 / 12 - q * (1.0 / 120 - q * (1.0 / 252 - q * (1.0 / 240 - q / 132))));
}

/* trigamma(z) - 1/z: 1/(2 z^2) + 1/(6 z^3) - ... */
static double
TrigammaRest(double z)
{
	double q = 1.0 / (z * z);

	return q * (0.5 + (1.0 / 6 - q * (1.0 / 30 - q * (1.0 / 42 - q * (1.0 / 30 - q * 5 / 66)))) / z);
}

/* ln Gamma(z); z > 0. The C library's own writes to a global variable. */
double
cs_lgamma(double z)
{
	double below = 1.0;

	for (; z < ASYMPTOTIC; z++)
		below *= z;
	return (z - 0.5) * log(z) - z + 0.5 * log(2 * M_PI) + LogGammaRest(z) - log(below);
}

/* The derivative of ln Gamma; z > 0. */
double
cs_digamma(double z)
{
	double below = 0.0;

	while (z < ASYMPTOTIC)
		below += 1.0 / z++;
	return log(z) - 0.5 / z - DigammaRest(z) - below;
}

/* The derivative of digamma; z > 0. */
double
cs_trigamma(double z)
{
	double below = 0.0;

	for (; z < ASYMPTOTIC; z++)
		below += 1.0 / (z * z);
	return 1.0 / z + TrigammaRest(z) + below;
}

/* ln Gamma(z + h) - ln Gamma(z); z > 0, h >= 0. */
double
cs_lgamma_difference(double z, double h)
{
	double below = 0.0;

	for (; z < ASYMPTOTIC; z++)
		below += log1p(h / z);
	return (z - 0.5) * log1p(h / z) + h * (log(z + h) - 1.0) + (LogGammaRest(z + h) - LogGammaRest(z)) -
		   below;
}

/* digamma(z + h) - digamma(z); z > 0, h >= 0. */
double
cs_digamma_difference(double z, double h)
{
	double below = 0.0;

	for (; z < ASYMPTOTIC; z++)
		below += h / (z * (z + h));
	return log1p(h / z) + 0.5 * h / (z * (z + h)) + (DigammaRest(z) - DigammaRest(z + h)) + below;
}

/* trigamma(z) - trigamma(z + h); z > 0, h >= 0. */
double
cs_trigamma_difference(double z, double h)
{
	double below = 0.0;

	for (; z < ASYMPTOTIC; z++)
		below += (h / z) / (z + h) * (1.0 / z + 1.0 / (z + h));
	return (h / z) / (z + h) + (TrigammaRest(z) - TrigammaRest(z + h)) + below;
}

double
cs_expm1_over(double c, double y)
{
	return fabs(c) < 1e-300 ? y : expm1(c * y) / c;
}
