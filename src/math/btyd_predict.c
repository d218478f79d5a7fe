/*
 * btyd_predict.c
 *		What buy-till-you-die models say of one customer: repeat periods x, recency
 *		t_x, age T; a new customer has none of them.
 *
 * Under MBG/NBD and BG/NBD a customer who is alive has a rate of Gamma(r + x,
 * alpha + T) and a chance to drop out at a purchase of Beta(a, b'), independent
 * of each other; b' is b + x, one more under MBG/NBD. Everything follows from
 * means over these two. They are hypergeometric series in z = t/(alpha + T + t),
 * transformed so that no parameter grows with x. Where a series would be long or
 * cancel, the mean over the chance to drop out is summed up at nodes instead,
 * which is slower and always good.
 */
#include <float.h>
#include <math.h>

#include "math/btyd.h"
#include "math/pareto.h"
#include "math/special.h"

/* A series of more terms, or one that loses more digits than this leaves, is not used. */
#define MOST_TERMS 400
#define LARGEST_LOSS 1e4

/* Chances that spread over less log-odds than this are one chance, to double precision. */
#define NARROW 1e-8

/* More events than this are not summed up from the side where they never end. */
#define MOST_EVENTS 1e6

/* Panels of integrals over time: in logarithms of time, in how fast rates can fall at first, and in how much discounts change. */
#define LONGEST_PANEL 1.0
#define STEEPEST 8.0
#define LONGEST_DISCOUNT 3.0
#define MOST_PANELS 200

/* What is known of a customer who is alive, under MBG/NBD or BG/NBD. */
typedef struct Alive
{
	double a; /* of the chance to drop out */
	double b;
	double n; /* of the rate */
	double scale;
} Alive;

static Alive
IfAlive(CsBtydKind kind, const double *p, int x, double T)
{
	Alive alive = {.a = p[2], .b = p[3] + x + (kind == CS_MBGNBD), .n = p[0] + x, .scale = p[1] + T};

	return alive;
}

/* A function of the chance to drop out at a purchase, with a time in units of the scale. */
typedef double (*ChanceFunction)(const Alive *alive, double tau, double chance);

/* Purchases until tau: (1 - (1 + chance tau)^-n) / chance. */
static double
PurchasesUntil(const Alive *alive, double tau, double chance)
{
	if (chance < DBL_MIN)
		return alive->n * tau;
	return -expm1(-alive->n * log1p(chance * tau)) / chance;
}

/* Purchases a unit of the scale at tau: n (1 + chance tau)^-(n + 1). */
static double
PurchasesAt(const Alive *alive, double tau, double chance)
{
	return alive->n * exp(-(alive->n + 1) * log1p(chance * tau));
}

/*
 * The mean of a function over chances, by the trapezoidal rule on the scale of
 * log-odds, which converges faster than any power of its step. The weight has to
 * fall fast on both sides of its mode: where that of Beta(a, b) does not, what is
 * linear in the chance is taken off the function, which leaves Beta(a + 1, b + 1).
 */
static double
MeanOverChances(const Alive *alive, ChanceFunction function, double tau)
{
	bool flat = alive->a < 1.0 || alive->b < 1.0;
	double a = alive->a + flat;
	double b = alive->b + flat;
	double low = flat ? function(alive, tau, 0.0) : 0.0;
	double high = flat ? function(alive, tau, 1.0) : 0.0;
	double step = fmin(0.25, sqrt(1.0 / a + 1.0 / b) / 3.0);
	double mode = log(a / b);
	double peak = -a * log1p(b / a) - b * log1p(a / b);
	double weights = 0.0;
	double sum = 0.0;
	int direction;

	if (step < NARROW)
		return function(alive, tau, a / (a + b));
	for (direction = -1; direction <= 1; direction += 2)
	{
		double place = direction < 0 ? mode : mode + step;
		double weight = 1.0;

		for (; weight > 1e-18; place += direction * step)
		{
			double odds = exp(place);
			double chance = odds / (1.0 + odds);
			double rest = 1.0 / (1.0 + odds);
			double value = function(alive, tau, chance);

			weight = exp(-a * log1p(1.0 / odds) - b * log1p(odds) - peak);
			weights += weight;
			sum += weight * (flat ? (value - low * rest - high * chance) / (chance * rest) : value);
		}
	}
	if (!flat)
		return sum / weights;
	a = alive->a;
	b = alive->b;
	return (low * b + high * a) / (a + b) + sum / weights * (a / (a + b)) * (b / (a + b + 1));
}

/*
 * Purchases until t of a customer who is alive.
 *
 * With c = a + b - 1 and k = c - n this is c/(a-1) (1 - (1-z)^(a-1) F(k, a-1; c;
 * z)). The first term of F is taken out, which leaves nothing to divide zero by
 * at a = 1 or c = 0.
 */
static double
ExpectedAlive(const Alive *alive, double t)
{
	double z = t / (alive->scale + t);
	double log_rest = -log1p(t / alive->scale);
	double c = alive->a + alive->b - 1;
	double k = c - alive->n;
	double term = k * z;
	double series = term;
	double largest = fabs(term);
	double first = -c * cs_expm1_over(alive->a - 1, log_rest);
	double rest = exp((alive->a - 1) * log_rest);
	double result;
	double i;

	if (t <= 0)
		return 0.0;
	for (i = 1.0; i < MOST_TERMS && fabs(term) > 1e-17 * fabs(series); i++)
	{
		term *= (k + i) * (alive->a - 1 + i) * z / ((c + i) * (i + 1));
		series += term;
		largest = fabs(term) > largest ? fabs(term) : largest;
	}
	result = first - rest * series;
	if (i < MOST_TERMS && fmax(fabs(first), rest * largest) < LARGEST_LOSS * result)
		return result;
	return MeanOverChances(alive, PurchasesUntil, t / alive->scale);
}

/*
 * The same with each purchase discounted by e^(-delta u), as the integral over
 * the rate of purchases at u, n/scale (1-z)^a F(a, k; c + 1; z). Nodes of a panel
 * share the coefficients of the series.
 */
static double
DiscountedAlive(const Alive *alive, double t, double delta)
{
	double c = alive->a + alive->b - 1;
	double k = c - alive->n;
	double length = log1p(t / alive->scale);
	double from = 0.0;
	double result = 0.0;
	int panels = 0;

	while (from < length && panels++ < MOST_PANELS)
	{
		double to = fmin(from + fmin(LONGEST_PANEL, fmax(STEEPEST / (alive->n + 1), from)), length);
		double now = delta * alive->scale * exp(from);
		double place[CS_NODES_SHORT];
		double z[CS_NODES_SHORT];
		double power[CS_NODES_SHORT];
		double series[CS_NODES_SHORT];
		double coefficient = 1.0;
		double largest = 1.0;
		double i;
		int j;

		if (now * expm1(to - from) > LONGEST_DISCOUNT)
			to = from + log1p(LONGEST_DISCOUNT / now);
		if (panels == MOST_PANELS)
			to = length;
		for (j = 0; j < CS_NODES_SHORT; j++)
		{
			place[j] = 0.5 * (from + to + (j % 2 ? 1.0 : -1.0) * (to - from) * cs_nodes_short[j / 2].place);
			z[j] = -expm1(-place[j]);
			power[j] = series[j] = 1.0;
		}
		/* place 1 is the last of all nodes, which needs most terms */
		for (i = 0.0; i < MOST_TERMS; i++)
		{
			double size;

			coefficient *= (alive->a + i) * (k + i) / ((c + 1 + i) * (i + 1));
			for (j = 0; j < CS_NODES_SHORT; j++)
			{
				power[j] *= z[j];
				series[j] += coefficient * power[j];
			}
			size = fabs(coefficient * power[1]);
			largest = size > largest ? size : largest;
			if (size <= 1e-17 * fabs(series[1]))
				break;
		}
		for (j = 0; j < CS_NODES_SHORT; j++)
		{
			double passed = place[j] < 1.0 ? z[j] / (1.0 - z[j]) : expm1(place[j]);
			double log_rate = -alive->a * place[j];
			double rate = alive->n * series[j];

			if (!(i < MOST_TERMS && largest < LARGEST_LOSS * series[j]))
			{
				rate = MeanOverChances(alive, PurchasesAt, passed);
				log_rate = 0.0;
			}
			/* the time that passes is (1 + passed) dplace */
			result += 0.5 * (to - from) * cs_nodes_short[j / 2].weight * rate *
					  exp(log_rate + place[j] - delta * alive->scale * passed);
		}
		if (delta * alive->scale * expm1(to) > 45.0)
			break;
		from = to;
	}
	return result;
}

/* The odds to have dropped out until T. */
static double
OddsOut(CsBtydKind kind, const double *p, int x, double tx, double T)
{
	double by_alpha = cs_log1p((T - tx) / (p[1] + tx));
	double n = p[0] + x;
	CsParetoNode nodes[CS_PARETO_NODES];
	double by_beta;
	double out = 0.0;
	int count;
	int i;

	if (kind == CS_BGNBD && x == 0)
		return 0.0;
	if (kind != CS_PARETO_NBD)
		return p[2] / (p[3] + (x - (kind == CS_BGNBD))) * exp(n * by_alpha);
	if (T <= tx)
		return 0.0;
	by_beta = log1p((T - tx) / (p[3] + tx));
	count = cs_pareto_nodes(p[1], p[3], tx, T, n, p[2] + 1, 0.0, nodes);
	for (i = 0; i < count; i++)
		out += exp(nodes[i].log_weight - n * nodes[i].by_alpha - p[2] * nodes[i].by_beta);
	return p[2] * out * exp(n * by_alpha + p[2] * by_beta);
}

/* The chance that a customer has not dropped out until T. */
double
cs_btyd_p_alive(CsBtydKind kind, const double *p, int x, double tx, double T)
{
	return 1.0 / (1.0 + OddsOut(kind, p, x, tx, T));
}

/* Purchases of a customer alive at T under Pareto/NBD, until t, which may be infinite, discounted. */
static double
ParetoDiscounted(const double *p, int x, double T, double t, double delta)
{
	CsParetoNode nodes[CS_PARETO_NODES];
	double beta = p[3] + T;
	/* the rate of purchases falls with beta + u alone */
	int count = cs_pareto_nodes(beta, beta, 0.0, t, 0.0, p[2], delta, nodes);
	double sum = 0.0;
	int i;

	for (i = 0; i < count; i++)
		sum += exp(nodes[i].log_weight - (p[2] - 1) * nodes[i].by_beta - delta * nodes[i].u);
	return sum * beta * ((p[0] + x) / (p[1] + T));
}

/* Purchases in (T, T + t] of a customer who is alive at T. */
double
cs_btyd_alive_expected(CsBtydKind kind, const double *p, int x, double T, double t)
{
	Alive customer;

	if (kind == CS_PARETO_NBD)
		return (p[0] + x) * ((p[3] + T) / (p[1] + T)) * -cs_expm1_over(p[2] - 1, -log1p(t / (p[3] + T)));
	customer = IfAlive(kind, p, x, T);
	return ExpectedAlive(&customer, t);
}

/* The same, each discounted by e^(-delta u) for the time u to it. */
double
cs_btyd_alive_discounted(CsBtydKind kind, const double *p, int x, double T, double t, double delta)
{
	Alive customer;

	if (t <= 0)
		return 0.0;
	if (kind == CS_PARETO_NBD)
		return ParetoDiscounted(p, x, T, t, delta);
	customer = IfAlive(kind, p, x, T);
	return DiscountedAlive(&customer, t, delta);
}

/* Purchases in (T, T + t]. */
double
cs_btyd_expected(CsBtydKind kind, const double *p, int x, double tx, double T, double t)
{
	return cs_btyd_p_alive(kind, p, x, tx, T) * cs_btyd_alive_expected(kind, p, x, T, t);
}

/* The same, each discounted. */
double
cs_btyd_discounted(CsBtydKind kind, const double *p, int x, double tx, double T, double t, double delta)
{
	return cs_btyd_p_alive(kind, p, x, tx, T) * cs_btyd_alive_discounted(kind, p, x, T, t, delta);
}

/* All purchases to come after T under Pareto/NBD, discounted at a rate above zero. */
double
cs_btyd_dert(const double *p, int x, double tx, double T, double delta)
{
	return cs_btyd_p_alive(CS_PARETO_NBD, p, x, tx, T) * ParetoDiscounted(p, x, T, HUGE_VAL, delta);
}

/* The chance of a purchase in (T, T + t], which may be infinite, of a customer alive at T. */
static double
ChanceAlive(CsBtydKind kind, const double *p, int x, double T, double t)
{
	double alpha = p[1] + T;
	double n = p[0] + x;
	CsParetoNode nodes[CS_PARETO_NODES];
	double sum = 0.0;
	int count;
	int i;

	if (t <= 0)
		return 0.0;
	if (kind != CS_PARETO_NBD)
		return -expm1(-n * log1p(t / alpha));
	count = cs_pareto_nodes(alpha, p[3] + T, 0.0, t, n + 1, p[2], 0.0, nodes);
	for (i = 0; i < count; i++)
		sum += exp(nodes[i].log_weight - (n + 1) * nodes[i].by_alpha - (p[2] - 1) * nodes[i].by_beta);
	return fmin(sum * n * ((p[3] + T) / alpha), 1.0);
}

double
cs_btyd_probability(CsBtydKind kind, const double *p, int x, double tx, double T, double t)
{
	return cs_btyd_p_alive(kind, p, x, tx, T) * ChanceAlive(kind, p, x, T, t);
}

/* The time until the chance of a purchase reaches a level; -1 if it never does. */
double
cs_btyd_wait(CsBtydKind kind, const double *p, int x, double tx, double T, double level)
{
	double chance = level / cs_btyd_p_alive(kind, p, x, tx, T);
	double alpha = p[1] + T;
	double low = 0.0;
	double high = 1.0;
	int i;

	if (!(chance < ChanceAlive(kind, p, x, T, HUGE_VAL)))
		return -1.0;
	if (kind != CS_PARETO_NBD)
		return alpha * expm1(-log1p(-chance) / (p[0] + x));

	/* on the scale of ln(1 + t/alpha) */
	while (high < 500 && ChanceAlive(kind, p, x, T, alpha * expm1(high)) < chance)
		high *= 2;
	for (i = 0; i < 60 && high - low > 1e-15 * high; i++)
	{
		double middle = 0.5 * (low + high);

		if (ChanceAlive(kind, p, x, T, alpha * expm1(middle)) < chance)
			low = middle;
		else
			high = middle;
	}
	return alpha * expm1(high);
}

/* The chance of n events at t: negative binomial. */
static double
EventsAt(const double *p, double t, int n)
{
	if (t <= 0)
		return n == 0;
	return exp(cs_lgamma_difference(p[0], n) - cs_lgamma_difference(1.0, n) - p[0] * log1p(t / p[1]) -
			   n * log1p(p[1] / t));
}

/* The chance of n events or more until t: from the side on which less has to be summed. */
static double
EventsUntil(const double *p, double t, int n)
{
	double ratio = t / (p[1] + t);
	bool tail = n > p[0] * t / p[1] && t / p[1] < MOST_EVENTS / 40;
	double term;
	double sum = 0.0;
	int j;

	if (n == 0)
		return 1.0;
	term = EventsAt(p, t, tail ? n : n - 1);
	if (tail)
		for (j = n; term > 1e-18 * sum && term > 0; term *= (p[0] + j) / (j + 1) * ratio, j++)
			sum += term;
	else
		for (j = n - 1; j >= 0 && term > 1e-18 * sum; term *= j / ((p[0] + (j - 1)) * ratio), j--)
			sum += term;
	return tail ? sum : fmax(1.0 - sum, 0.0);
}

/* The chance that a new customer has n repeat purchases within t. */
double
cs_btyd_pmf(CsBtydKind kind, const double *p, double t, int n)
{
	CsParetoNode nodes[CS_PARETO_NODES];
	double a = p[2];
	double b = p[3];
	double alive;
	double sum = 0.0;
	int count;
	int last = n + (kind == CS_MBGNBD);
	int i;

	if (kind != CS_PARETO_NBD)
	{
		/* to stay through the purchases, or to leave at the last of them */
		alive = exp(cs_lgamma_difference(b, last) - cs_lgamma_difference(a + b, last));
		if (last > 0)
			sum = a / (b + (last - 1)) * alive * EventsUntil(p, t, n);
		return alive * EventsAt(p, t, n) + sum;
	}
	if (t <= 0)
		return n == 0;
	count = cs_pareto_nodes(p[1], b, 0.0, t, 0.0, a + 1, 0.0, nodes);
	for (i = 0; i < count; i++)
		sum += exp(nodes[i].log_weight - a * nodes[i].by_beta) * EventsAt(p, nodes[i].u, n);
	return exp(-a * log1p(t / b)) * EventsAt(p, t, n) + a * sum;
}
