/*
 * test_fit.c
 *		Fits of math/: at the maximum the likelihood is level and bends as the
 *		covariance says, whatever the rows look like; limits are told.
 */
#include <math.h>
#include <string.h>

#include "math/btyd.h"
#include "math/poll.h"
#include "math/rows.h"
#include "math/spend.h"

#include "check.h"

#define MOST 200000

void
cs_math_poll(void)
{
}

static CsFigures rows[MOST];
static CsWeightedFigures weighted[MOST];
static uint64_t packed[MOST];
static uint64_t space[MOST];
static CsTime times[CS_PACKED_TIMES];

static double
Uniform(void)
{
	return ((next_random() >> 11) + 0.5) / 9007199254740992.0;
}

/* A Gamma variable of a whole or half shape, by sums of exponentials and a squared normal. */
static double
Gamma(double shape, double rate)
{
	double sum = 0.0;

	for (; shape >= 1.0; shape -= 1.0)
		sum -= log(Uniform());
	if (shape > 0.0)
		sum -= log(Uniform()) * pow(cos(M_PI * Uniform()), 2);
	return sum / rate;
}

static int
ByFrequency(const void *a, const void *b)
{
	const CsFigures *one = a;
	const CsFigures *other = b;

	if (one->frequency != other->frequency)
		return one->frequency < other->frequency ? -1 : 1;
	if (one->first != other->first)
		return one->first < other->first ? -1 : 1;
	return one->second < other->second ? -1 : one->second > other->second;
}

/* Customers who buy at their own rate, and at each purchase may leave for good; times are whole if so wished. */
static void
Simulate(int n, bool whole)
{
	int i;

	for (i = 0; i < n; i++)
	{
		double rate = Gamma(0.5, 20.0);
		double one = Gamma(1.0, 1.0);
		double chance = one / (one + Gamma(2.5, 1.0));
		double age = 50 + 400 * Uniform();
		double at = 0.0;

		memset(&rows[i], 0, sizeof(CsFigures));
		rows[i].count = 1;
		rows[i].second = whole ? floor(age) : age;
		while (Uniform() > chance)
		{
			at += whole ? 1 + floor(-log(Uniform()) / rate) : -log(Uniform()) / rate;
			if (at > rows[i].second)
				break;
			rows[i].frequency++;
			rows[i].first = at;
		}
	}
	qsort(rows, n, sizeof(CsFigures), ByFrequency);
}

/* Values of purchases of customers with one mean each. */
static void
SimulateSpend(int n)
{
	int i;
	int k;

	for (i = 0; i < n; i++)
	{
		double rate = Gamma(3.5, 15.0);
		double sum = 0.0;

		memset(&rows[i], 0, sizeof(CsFigures));
		rows[i].count = 1;
		rows[i].frequency = 1 + next_random() % 6;
		for (k = 0; k < rows[i].frequency; k++)
			sum += Gamma(6.0, rate);
		rows[i].first = sum / rows[i].frequency;
	}
	qsort(rows, n, sizeof(CsFigures), ByFrequency);
}

static CsPopulation
Plain(CsBtydKind kind, int n)
{
	CsPopulation population = {.kind = kind, .format = CS_ROWS_PLAIN, .n = n, .step = 1, .rows = rows};

	return population;
}

/* The likelihood of the rows, by what is asked of one customer at a time; kind 0 is of spend. */
static double
Total(int kind, const double *p, int n)
{
	double sum = 0.0;
	int i;

	for (i = 0; i < n; i++)
		sum += kind == 0 ? cs_spend_log_likelihood(p, rows[i].frequency, rows[i].first)
						 : cs_btyd_log_likelihood(kind, p, rows[i].frequency, rows[i].first, rows[i].second);
	return sum;
}

/* The likelihood with two parameters moved, each by a part of its standard error. */
static double
Moved(int kind, const CsMaximum *maximum, int n, int i, double by_i, int j, double by_j)
{
	double p[CS_MAX_PARAMETERS];

	memcpy(p, maximum->parameters, sizeof(p));
	p[i] += by_i * sqrt(maximum->covariance[CS_AT(i, i)]);
	p[j] += by_j * sqrt(maximum->covariance[CS_AT(j, j)]);
	return Total(kind, p, n);
}

/*
 * That a maximum is one: no move by a thousandth of a standard error gains, slopes
 * are zero, and the bends, by differences, times the covariance are one.
 */
static void
CheckMaximum(const char *name, int kind, const CsMaximum *maximum, int n, int nparameters)
{
	char label[100];
	double bend[CS_MAX_PARAMETERS][CS_MAX_PARAMETERS];
	double h = 0.05;
	int level = 1;
	int unit = 1;
	int i;
	int j;
	int k;

	for (i = 0; i < nparameters; i++)
	{
		double up = Moved(kind, maximum, n, i, h, i, 0);
		double down = Moved(kind, maximum, n, i, -h, i, 0);

		double ahead = Moved(kind, maximum, n, i, 1e-3, i, 0);
		double behind = Moved(kind, maximum, n, i, -1e-3, i, 0);

		level &= fabs(ahead - behind) / 2e-3 < 1e-4 && ahead < maximum->value && behind < maximum->value;
		for (j = 0; j <= i; j++)
			bend[i][j] = bend[j][i] = i == j ? -(up - 2 * maximum->value + down) / (h * h)
											 : -(Moved(kind, maximum, n, i, h, j, h) -
												 Moved(kind, maximum, n, i, h, j, -h) -
												 Moved(kind, maximum, n, i, -h, j, h) +
												 Moved(kind, maximum, n, i, -h, j, -h)) /
												   (4 * h * h);
	}
	for (i = 0; i < nparameters; i++)
		for (j = 0; j < nparameters; j++)
		{
			double sum = 0.0;

			for (k = 0; k < nparameters; k++)
				sum += bend[i][k] * maximum->covariance[CS_AT(k, j)] /
					   sqrt(maximum->covariance[CS_AT(k, k)] * maximum->covariance[CS_AT(j, j)]);
			unit &= fabs(sum - (i == j)) < 0.05;
		}
	snprintf(label, sizeof(label), "%s: converged", name);
	check(maximum->converged, label);
	snprintf(label, sizeof(label), "%s: the value is the likelihood of all", name);
	check(fabs(maximum->value - Total(kind, maximum->parameters, n)) < 1e-9 * fabs(maximum->value), label);
	snprintf(label, sizeof(label), "%s: no move gains", name);
	check(level, label);
	snprintf(label, sizeof(label), "%s: the covariance is the inverse of the bends", name);
	check(unit, label);
}

static int
Same(const CsMaximum *one, const CsMaximum *other, double tolerance)
{
	int same = 1;
	int i;

	for (i = 0; i < CS_MAX_PARAMETERS; i++)
		same &= fabs(one->parameters[i] - other->parameters[i]) <= tolerance * one->parameters[i];
	return same && fabs(one->value - other->value) <= tolerance * fabs(one->value);
}

/* Every kind of model finds a maximum. */
static void
TestMaxima(void)
{
	static const char *const names[] = {"", "MBG/NBD", "BG/NBD", "Pareto/NBD"};
	CsMaximum maximum;
	CsPopulation population;
	int kind;

	for (kind = CS_MBGNBD; kind <= CS_PARETO_NBD; kind++)
	{
		Simulate(3000, false);
		population = Plain(kind, 3000);
		cs_btyd_fit(&population, &maximum);
		CheckMaximum(names[kind], kind, &maximum, 3000, CS_BTYD_PARAMETERS);
	}
	SimulateSpend(3000);
	population = Plain(0, 3000);
	cs_spend_fit(&population, &maximum);
	CheckMaximum("Gamma-Gamma", 0, &maximum, 3000, CS_SPEND_PARAMETERS);
}

/* Rows packed, plain, or with weights of one, and rows in pairs with half the weight, give the same. */
static void
TestFormats(void)
{
	CsMaximum plain;
	CsMaximum other;
	CsPopulation population;
	int n = 5000;
	int kind;
	int i;

	for (kind = CS_MBGNBD; kind <= CS_PARETO_NBD; kind++)
	{
		Simulate(n, true);
		population = Plain(kind, n);
		cs_btyd_fit(&population, &plain);

		for (i = 0; i < n; i++)
			packed[i] = (uint64_t) rows[i].frequency << (64 - CS_PACKED_FREQUENCY_BITS) |
						(uint64_t) rows[i].first << (CS_PACKED_COUNT_BITS + CS_PACKED_TIME_BITS) |
						(uint64_t) rows[i].second << CS_PACKED_COUNT_BITS | 1;
		population.format = CS_ROWS_PACKED;
		population.rows = packed;
		population.times = times;
		population.longest = 450;
		cs_btyd_fit(&population, &other);
		check(Same(&plain, &other, 1e-9), "packed rows give the same fit");

		for (i = 0; i < n; i++)
		{
			weighted[2 * i].figures = weighted[2 * i + 1].figures = rows[i];
			weighted[2 * i].weight = 0.25;
			weighted[2 * i + 1].weight = 0.75;
		}
		population.format = CS_ROWS_WEIGHTED;
		population.rows = weighted;
		population.n = 2 * n;
		cs_btyd_fit(&population, &other);
		check(Same(&plain, &other, 1e-9), "weights that add up to one give the same fit");
	}
}

/* Many rows, of which a part is fitted first, end at the same maximum. */
static void
TestManyRows(void)
{
	CsMaximum many;
	CsMaximum one;
	CsPopulation population;
	int n = MOST;
	int i;

	Simulate(n, true);
	for (i = 0; i < n; i++)
	{
		rows[i].first = 10 * ceil(rows[i].first / 10);
		rows[i].second = 50 * ceil(rows[i].second / 50);
	}
	qsort(rows, n, sizeof(CsFigures), ByFrequency);
	population = Plain(CS_MBGNBD, n);
	cs_btyd_fit(&population, &many);
	/* the same customers in few rows: too few to begin with a part */
	for (population.n = 1, i = 1; i < n; i++)
		if (ByFrequency(&rows[population.n - 1], &rows[i]) == 0)
			rows[population.n - 1].count++;
		else
			rows[population.n++] = rows[i];
	cs_btyd_fit(&population, &one);
	check(many.converged && one.converged, "many rows converge");
	check(many.iterations <= 5, "few steps are left on all rows");
	check(population.n < 10000 && Same(&many, &one, 1e-9), "many rows end at the same maximum");
}

/* What data do not tell is said, and is no failure. */
static void
TestLimits(void)
{
	CsMaximum maximum;
	CsPopulation population;
	int n = 100;
	int kind;
	int i;

	for (kind = CS_MBGNBD; kind <= CS_PARETO_NBD; kind++)
	{
		for (i = 0; i < n; i++)
			rows[i] = (CsFigures){.first = 30, .second = 30, .frequency = 1 + i / 10, .count = 1};
		population = Plain(kind, n);
		cs_btyd_fit(&population, &maximum);
		check(maximum.converged && maximum.identified[0] && maximum.identified[1] &&
				  !(maximum.identified[2] && maximum.identified[3]),
			  "nobody who has left: dropping out is not identified");
		for (i = 0; i < n; i++)
			rows[i] = (CsFigures){.first = 0, .second = i + 1, .frequency = 0, .count = 1};
		cs_btyd_fit(&population, &maximum);
		check(maximum.converged && !(maximum.identified[0] && maximum.identified[1]),
			  "nobody who came back: the rate is not identified");
		check(cs_btyd_expected(kind, maximum.parameters, 0, 0, 50, 100) < 1e-3,
			  "nobody who came back: nobody will");
	}
	for (i = 0; i < n; i++)
		rows[i] = (CsFigures){.first = 20, .frequency = 1 + i / 10, .count = 1};
	population = Plain(0, n);
	cs_spend_fit(&population, &maximum);
	check(maximum.converged && !maximum.identified[1],
		  "one value for all: how values vary is not identified");
	check(fabs(cs_spend_expected(maximum.parameters, 3, 20) - 20) < 1e-3,
		  "one value for all: it is expected");
}

/* Rows of x, t_x and how many, all of one age. */
static CsPopulation
Few(CsBtydKind kind, double age, const int (*figures)[3], int n)
{
	int i;

	for (i = 0; i < n; i++)
		rows[i] = (CsFigures){
			.first = figures[i][1], .second = age, .frequency = figures[i][0], .count = figures[i][2]};
	return Plain(kind, n);
}

/* Of few customers the likelihood has several maxima: the highest is found, and a bound on the way is no end. */
static void
TestSeveralMaxima(void)
{
	static const int one[][3] = {{0, 0, 22}, {3, 4, 1},	  {5, 18, 1},  {6, 9, 1},  {6, 19, 1},
								 {9, 20, 1}, {10, 17, 1}, {13, 20, 1}, {17, 20, 1}};
	static const int two[][3] = {{0, 0, 42},  {1, 1, 1},   {1, 3, 1},	{2, 2, 2},	 {2, 3, 1},
								 {2, 8, 1},	  {5, 8, 1},   {5, 10, 1},	{6, 19, 1},	 {9, 18, 1},
								 {11, 19, 1}, {12, 17, 1}, {13, 20, 1}, {17, 20, 3}, {19, 20, 2}};
	static const int three[][3] = {{0, 0, 29}, {1, 2, 1}, {1, 4, 1}, {2, 4, 1},	 {2, 6, 1},	 {2, 9, 1},
								   {3, 6, 1},  {5, 6, 1}, {5, 9, 1}, {5, 10, 1}, {7, 10, 1}, {8, 10, 1}};
	CsMaximum maximum;
	CsPopulation population;

	population = Few(CS_MBGNBD, 20, one, 9);
	cs_btyd_fit(&population, &maximum);
	check(maximum.converged && fabs(maximum.value + 140.513515) < 1e-6, "MBG/NBD: the higher of two maxima");
	population = Few(CS_PARETO_NBD, 20, two, 15);
	cs_btyd_fit(&population, &maximum);
	check(maximum.converged && fabs(maximum.value + 290.027035) < 1e-6,
		  "Pareto/NBD: the higher of two maxima");
	population = Few(CS_MBGNBD, 10, three, 12);
	cs_btyd_fit(&population, &maximum);
	check(maximum.converged && fabs(maximum.value + 103.671598) < 1e-6, "MBG/NBD: beyond a bound on the way");
}

/* Packed rows sort as numbers. */
static void
TestSort(void)
{
	int sorted = 1;
	uint64_t sum = 0;
	int n;
	int i;

	for (n = 0; n < 3000; n += 1 + n / 7)
	{
		for (i = 0; i < n; i++)
		{
			packed[i] = n % 3 == 0 ? next_random() : n % 3 == 1 ? next_random() % 50 << 30 : 7;
			sum += packed[i];
		}
		cs_sort_packed(packed, n, space);
		for (i = 0; i < n; i++)
		{
			sorted &= i == 0 || packed[i - 1] <= packed[i];
			sum -= packed[i];
		}
	}
	check(sorted, "packed rows are sorted");
	check(sum == 0, "sorting keeps every row");
}

int
main(void)
{
	TestSort();
	TestMaxima();
	TestFormats();
	TestManyRows();
	TestLimits();
	TestSeveralMaxima();
	return 0;
}
