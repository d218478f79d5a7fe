/*
 * test_btyd.c
 *		Models of purchases and spend, and the gamma functions below them,
 *		against the table of btyd_values.py.
 */
#include "math/btyd.h"
#include "math/spend.h"
#include "math/special.h"

#include <math.h>
#include <string.h>

#include "math/poll.h"

#include "btyd_values.h"
#include "check.h"

/* Largest relative errors; a difference up to a negligible one is none. */
#define NEGLIGIBLE_LOG_LIKELIHOOD 1e-12
#define NEGLIGIBLE 1e-15
#define TOLERANCE_LOG_LIKELIHOOD 1e-10
#define TOLERANCE_P_ALIVE 1e-10
#define TOLERANCE_EXPECTED 1e-10
#define TOLERANCE_DISCOUNTED 1e-10
#define TOLERANCE_PROBABILITY 1e-10
#define TOLERANCE_DERT 1e-10
#define TOLERANCE_WAIT 1e-9
#define TOLERANCE_PMF 1e-10
#define TOLERANCE_SPEND 1e-10
#define TOLERANCE_PSI 1e-13
#define TOLERANCE_GAMMA_DIFFERENCE 1e-11

#define LENGTH(array) ((int) (sizeof(array) / sizeof((array)[0])))

void
cs_math_poll(void)
{
}

/* What one function's values come to. */
typedef struct
{
	const char *name;
	double tolerance;
	double negligible;
	int n_values;
	int n_wrong;
	double worst;
	char worst_row[256];
} Outcome;

static void
compare(Outcome *outcome, double value, double expected, const char *row)
{
	double error;

	if (isnan(expected))
		return;
	outcome->n_values++;
	error = fabs(value - expected);
	if (value == expected || error <= outcome->negligible)
		error = 0;
	else
		error /= fabs(expected);
	if (isnan(error))
		error = INFINITY;
	if (error > outcome->worst)
	{
		outcome->worst = error;
		snprintf(outcome->worst_row, sizeof(outcome->worst_row), "%s: %.17g, not %.17g", row, value,
				 expected);
	}
	if (error > outcome->tolerance)
	{
		outcome->n_wrong++;
		fprintf(stderr, "# %s of %s: %.17g, not %.17g\n", outcome->name, row, value, expected);
	}
}

/* One line a function; the process ends after all of a table are shown. */
static void
check_outcomes(const Outcome *outcomes, int n)
{
	char name[128];
	int i;

	for (i = 0; i < n; i++)
		printf("# %s: %d of %d wrong, worst relative error %.2g at %s\n", outcomes[i].name,
			   outcomes[i].n_wrong, outcomes[i].n_values, outcomes[i].worst,
			   outcomes[i].worst > 0 ? outcomes[i].worst_row : "none");
	fflush(stdout);
	for (i = 0; i < n; i++)
	{
		snprintf(name, sizeof(name), "%s within %g", outcomes[i].name, outcomes[i].tolerance);
		check(outcomes[i].n_values > 0 && outcomes[i].n_wrong == 0, name);
	}
}

static const char *const kind_names[] = {"", "MBG/NBD", "BG/NBD", "Pareto/NBD"};

/* Every value of every customer, one model at a time. */
static void
test_customers(int kind)
{
	Outcome o[] = {
		{.name = "log-likelihood", .tolerance = TOLERANCE_LOG_LIKELIHOOD},
		{.name = "p_alive", .tolerance = TOLERANCE_P_ALIVE},
		{.name = "expected", .tolerance = TOLERANCE_EXPECTED},
		{.name = "discounted", .tolerance = TOLERANCE_DISCOUNTED},
		{.name = "probability", .tolerance = TOLERANCE_PROBABILITY},
		{.name = "wait", .tolerance = TOLERANCE_WAIT},
		{.name = "DERT", .tolerance = TOLERANCE_DERT},
	};
	int n = kind == CS_PARETO_NBD ? LENGTH(o) : LENGTH(o) - 1;
	char names[LENGTH(o)][64];
	char row[160];
	int i;

	for (i = 0; i < n; i++)
	{
		snprintf(names[i], sizeof(names[i]), "%s %s", kind_names[kind], o[i].name);
		o[i].name = names[i];
		o[i].negligible = i == 0 ? NEGLIGIBLE_LOG_LIKELIHOOD : NEGLIGIBLE;
	}
	for (i = 0; i < LENGTH(BtydValues); i++)
	{
		const BtydValue *v = &BtydValues[i];

		if (v->kind != kind)
			continue;
		snprintf(row, sizeof(row), "row %d (%.12g %.12g %.12g %.12g, %d %g %g, t %g, delta %g)", i, v->p[0],
				 v->p[1], v->p[2], v->p[3], v->x, v->tx, v->T, v->t, v->delta);
		compare(&o[0], cs_btyd_log_likelihood(kind, v->p, v->x, v->tx, v->T), v->log_likelihood, row);
		compare(&o[1], cs_btyd_p_alive(kind, v->p, v->x, v->tx, v->T), v->p_alive, row);
		compare(&o[2], cs_btyd_expected(kind, v->p, v->x, v->tx, v->T, v->t), v->expected, row);
		compare(&o[3], cs_btyd_discounted(kind, v->p, v->x, v->tx, v->T, v->t, v->delta), v->discounted, row);
		compare(&o[4], cs_btyd_probability(kind, v->p, v->x, v->tx, v->T, v->t), v->probability, row);
		compare(&o[5], cs_btyd_wait(kind, v->p, v->x, v->tx, v->T, 0.5), v->wait50, row);
		compare(&o[5], cs_btyd_wait(kind, v->p, v->x, v->tx, v->T, 0.9), v->wait90, row);
		if (kind == CS_PARETO_NBD && v->delta > 0)
			compare(&o[6], cs_btyd_dert(v->p, v->x, v->tx, v->T, v->delta), v->dert, row);
	}
	check_outcomes(o, n);
}

static void
test_pmf(void)
{
	Outcome o = {.name = "P(X(t) = n)", .tolerance = TOLERANCE_PMF, .negligible = NEGLIGIBLE};
	char row[160];
	int i;

	for (i = 0; i < LENGTH(PmfValues); i++)
	{
		const PmfValue *v = &PmfValues[i];

		snprintf(row, sizeof(row), "row %d (%s %.12g %.12g %.12g %.12g, t %g, n %d)", i, kind_names[v->kind],
				 v->p[0], v->p[1], v->p[2], v->p[3], v->t, v->n);
		compare(&o, cs_btyd_pmf(v->kind, v->p, v->t, v->n), v->pmf, row);
	}
	check_outcomes(&o, 1);
}

static void
test_spend(void)
{
	Outcome o[] = {
		{.name = "spend log-likelihood",
		 .tolerance = TOLERANCE_SPEND,
		 .negligible = NEGLIGIBLE_LOG_LIKELIHOOD},
		{.name = "expected spend", .tolerance = TOLERANCE_SPEND, .negligible = NEGLIGIBLE},
	};
	char row[160];
	int i;

	for (i = 0; i < LENGTH(SpendValues); i++)
	{
		const SpendValue *v = &SpendValues[i];

		snprintf(row, sizeof(row), "row %d (%.12g %.12g %.12g, %d %g)", i, v->p[0], v->p[1], v->p[2], v->x,
				 v->m);
		if (v->x > 0)
			compare(&o[0], cs_spend_log_likelihood(v->p, v->x, v->m), v->log_likelihood, row);
		if (!isnan(v->expected))
			compare(&o[1], cs_spend_expected(v->p, v->x, v->m), v->expected, row);
	}
	check_outcomes(o, LENGTH(o));
}

static void
test_gamma(void)
{
	Outcome o[] = {
		{.name = "digamma", .tolerance = TOLERANCE_PSI, .negligible = NEGLIGIBLE},
		{.name = "trigamma", .tolerance = TOLERANCE_PSI},
		{.name = "difference of lgamma", .tolerance = TOLERANCE_GAMMA_DIFFERENCE, .negligible = NEGLIGIBLE},
		{.name = "difference of digamma", .tolerance = TOLERANCE_GAMMA_DIFFERENCE},
		{.name = "difference of trigamma", .tolerance = TOLERANCE_GAMMA_DIFFERENCE},
	};
	char row[160];
	int i;

	for (i = 0; i < LENGTH(PsiValues); i++)
	{
		const PsiValue *v = &PsiValues[i];

		snprintf(row, sizeof(row), "row %d (%.17g)", i, v->z);
		compare(&o[0], cs_digamma(v->z), v->digamma, row);
		compare(&o[1], cs_trigamma(v->z), v->trigamma, row);
	}
	for (i = 0; i < LENGTH(GammaDifferenceValues); i++)
	{
		const GammaDifferenceValue *v = &GammaDifferenceValues[i];

		snprintf(row, sizeof(row), "row %d (z %g, h %g)", i, v->z, v->h);
		compare(&o[2], cs_lgamma_difference(v->z, v->h), v->lgamma, row);
		compare(&o[3], cs_digamma_difference(v->z, v->h), v->digamma, row);
		compare(&o[4], cs_trigamma_difference(v->z, v->h), v->trigamma, row);
	}
	check_outcomes(o, LENGTH(o));
}

int
main(void)
{
	test_gamma();
	test_spend();
	test_customers(CS_MBGNBD);
	test_customers(CS_BGNBD);
	test_customers(CS_PARETO_NBD);
	test_pmf();
	return 0;
}
