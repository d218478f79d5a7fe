/*
 * test_interval.c
 *		Published values, inverses and limits of math/interval.c.
 */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "math/interval.h"

/* One check: a name and whether it holds. */
static void
Check(const char *name, int holds)
{
	if (!holds)
	{
		printf("not ok %s\n", name);
		exit(1);
	}
	printf("ok %s\n", name);
}

static int
Near(double a, double b, double relative)
{
	return fabs(a - b) <= relative * fmax(fabs(a), fabs(b));
}

/* Percentage points of the normal distribution, as tables print them. */
static void
TestPublishedDeviates(void)
{
	Check("deviate of 50 %", Near(CsNormalDeviate(0.5), 0.674489750196081743, 1e-14));
	Check("deviate of 80 %", Near(CsNormalDeviate(0.80), 1.281551565544600467, 1e-14));
	Check("deviate of 90 %", Near(CsNormalDeviate(0.90), 1.644853626951472715, 1e-14));
	Check("deviate of 95 %", Near(CsNormalDeviate(0.95), 1.959963984540054236, 1e-14));
	Check("deviate of 99 %", Near(CsNormalDeviate(0.99), 2.575829303548900761, 1e-14));
	Check("deviate of 99.9 %", Near(CsNormalDeviate(0.999), 3.290526731491925795, 1e-14));
}

/* P(deviate) is the confidence left over, over the whole range; it only grows. */
static void
TestDeviateInvertsP(void)
{
	int inverse = 1;
	int rising = 1;
	double before = -1.0;
	int i;

	for (i = 1; i < 100000; i++)
	{
		double confidence = i / 100000.0;
		double deviate = CsNormalDeviate(confidence);

		inverse &= fabs(CsTwoSidedP(deviate) - (1.0 - confidence)) <= 4 * DBL_EPSILON;
		rising &= deviate > before;
		before = deviate;
	}
	for (i = 2; i < 53; i++)
	{
		double rest = ldexp(1.0, -i);

		inverse &= Near(CsTwoSidedP(CsNormalDeviate(1.0 - rest)), rest, 1e-12);
	}
	Check("deviate inverts p", inverse);
	Check("deviate rises with confidence", rising);
	Check("deviate of almost no confidence",
		  CsNormalDeviate(DBL_MIN) >= 0.0 && CsNormalDeviate(DBL_MIN) < 1e-15);
	Check("deviate of almost full confidence",
		  CsNormalDeviate(1.0 - DBL_EPSILON / 2) > 8.0 && CsNormalDeviate(1.0 - DBL_EPSILON / 2) < 9.0);
}

static void
TestTwoSidedP(void)
{
	Check("p of 0", CsTwoSidedP(0.0) == 1.0);
	Check("p of 1.96", Near(CsTwoSidedP(1.959963984540054236), 0.05, 1e-14));
	Check("p is even", CsTwoSidedP(-2.5) == CsTwoSidedP(2.5));
	Check("p keeps its digits far out", Near(CsTwoSidedP(10.0), 1.523970604832105e-23, 1e-12));
	Check("p of infinity", CsTwoSidedP(INFINITY) == 0.0);
}

/*
 * Wilson's interval is where the score test just rejects: both ends p solve
 * (share - p)^2 = z^2 p (1 - p) / n.
 */
static void
TestWilson(void)
{
	double deviate = CsNormalDeviate(0.95);
	double lower;
	double upper;
	int solves = 1;
	int inside = 1;
	int n;
	int x;

	CsWilsonInterval(81, 263, deviate, &lower, &upper);
	Check("Wilson 81 of 263 (Newcombe 1998)", fabs(lower - 0.2553) < 5e-5 && fabs(upper - 0.3662) < 5e-5);
	CsWilsonInterval(15, 148, deviate, &lower, &upper);
	Check("Wilson 15 of 148 (Newcombe 1998)", fabs(lower - 0.0624) < 5e-5 && fabs(upper - 0.1605) < 5e-5);
	CsWilsonInterval(0, 20, deviate, &lower, &upper);
	Check("Wilson 0 of 20 (Newcombe 1998)", lower == 0.0 && fabs(upper - 0.1611) < 5e-5);
	CsWilsonInterval(1, 29, deviate, &lower, &upper);
	Check("Wilson 1 of 29 (Newcombe 1998)", fabs(lower - 0.0061) < 5e-5 && fabs(upper - 0.1718) < 5e-5);
	CsWilsonInterval(29, 29, deviate, &lower, &upper);
	Check("Wilson of all", lower > 0.88 && lower < 0.89 && upper == 1.0);

	for (n = 1; n <= 200; n++)
		for (x = 0; x <= n; x++)
		{
			double share = (double) x / n;

			CsWilsonInterval(x, n, deviate, &lower, &upper);
			inside &= lower >= 0.0 && lower <= share && share <= upper && upper <= 1.0;
			solves &= fabs(pow(share - lower, 2) - deviate * deviate * lower * (1 - lower) / n) < 1e-14;
			solves &= fabs(pow(share - upper, 2) - deviate * deviate * upper * (1 - upper) / n) < 1e-14;
		}
	Check("Wilson solves the score test", solves);
	Check("Wilson holds the share", inside);
	CsWilsonInterval(9e18, 9.2e18, deviate, &lower, &upper);
	Check("Wilson of very many", lower < 9.0 / 9.2 && upper > 9.0 / 9.2 && upper - lower < 1e-8);
}

int
main(void)
{
	TestPublishedDeviates();
	TestDeviateInvertsP();
	TestTwoSidedP();
	TestWilson();
	return 0;
}
