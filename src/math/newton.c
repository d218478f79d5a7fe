/*
 * newton.c
 *		Maximum likelihood by Newton steps.
 *
 * Parameters are above zero and are searched by their logarithms, within bounds
 * around a scale that leave room for every meaningful value. A step is taken
 * along the axes of the Hessian, uphill whether the likelihood bends down along
 * an axis or, far from its maximum, up; along each axis it is no longer than a
 * reach, which shrinks when a step does not climb.
 *
 * What counts as the maximum is the *decrement*, the step times the gradient,
 * per unit of weight: it measures the distance from the maximum in standard
 * errors, whatever the scale of data and parameters, and no line search can stop
 * short of it. Once it is small, steps go on until rounding keeps it from
 * falling.
 *
 * A parameter is *identified* unless the maximum is at a bound, or the
 * likelihood is so flat that its logarithm has a standard error above
 * WIDEST_ERROR: then the data do not tell it from a limit.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "math/newton.h"

#define MOST_ITERATIONS 300
#define MOST_SWEEPS 50

/* Bounds of logarithms, from the scale; larger values lose digits and mean nothing else. */
#define LOWEST_LOG (-25.0)
#define HIGHEST_LOG 14.0

/* How far a step reaches along an axis; not far at first, to keep to the maximum next to the start. */
#define FIRST_REACH 1.0
#define LONGEST_REACH 3.0
#define SHORTEST_REACH 1e-9

/* Curvatures below this part of the largest are rounding. */
#define FLAT 1e-15

/*
 * Decrements per unit of weight: from here on gains may be rounding, and a step
 * that does not lower it is at the maximum; below the last, one step more is all
 * there is to gain. Likelihoods are known but for that part that is rounding.
 */
#define NEAR_DECREMENT 1e-8
#define LAST_DECREMENT 1e-14
#define ROUNDING 1e-13

#define WIDEST_ERROR 10.0

/* The search: logarithms of the parameters, and what the likelihood is there. */
typedef struct Search
{
	CsLikelihoodFunction function;
	const void *data;
	int n;
	double lowest[CS_MAX_PARAMETERS];
	double highest[CS_MAX_PARAMETERS];
	double place[CS_MAX_PARAMETERS];
	bool held[CS_MAX_PARAMETERS]; /* at a bound, and to stay there */
	CsLikelihood here;
	int evaluations;
} Search;

/* The axes of a Hessian, and how much the likelihood bends down along each. */
typedef struct Axes
{
	double bend[CS_MAX_PARAMETERS];
	double axis[CS_MAX_PARAMETERS][CS_MAX_PARAMETERS]; /* [parameter][axis] */
} Axes;

/* Add the likelihood of other data. */
void
cs_add_likelihood(CsLikelihood *sum, const CsLikelihood *part)
{
	int i;

	sum->value += part->value;
	for (i = 0; i < CS_MAX_PARAMETERS; i++)
		sum->gradient[i] += part->gradient[i];
	for (i = 0; i < CS_TRIANGLE(CS_MAX_PARAMETERS); i++)
		sum->hessian[i] += part->hessian[i];
}

static void
Evaluate(Search *search, const double *place, CsLikelihood *result)
{
	double parameters[CS_MAX_PARAMETERS];
	int i;

	for (i = 0; i < search->n; i++)
		parameters[i] = exp(place[i]);
	memset(result, 0, sizeof(CsLikelihood));
	search->function(search->data, parameters, result);
	search->evaluations++;
}

/* Hold the parameters at a bound that the likelihood pushes against. */
static void
Hold(Search *search)
{
	int i;

	for (i = 0; i < search->n; i++)
		search->held[i] = (search->place[i] <= search->lowest[i] && search->here.gradient[i] <= 0) ||
						  (search->place[i] >= search->highest[i] && search->here.gradient[i] >= 0);
}

/* Turn two axes so that the matrix has a zero where their rows and columns meet. */
static void
Rotate(int n, double matrix[][CS_MAX_PARAMETERS], Axes *axes, int p, int q)
{
	double theta = (matrix[q][q] - matrix[p][p]) / (2.0 * matrix[p][q]);
	double t = (theta >= 0 ? 1.0 : -1.0) / (fabs(theta) + sqrt(theta * theta + 1.0));
	double c = 1.0 / sqrt(t * t + 1.0);
	double s = t * c;
	int k;

	for (k = 0; k < n; k++)
	{
		double one = matrix[k][p];
		double other = matrix[k][q];

		matrix[k][p] = c * one - s * other;
		matrix[k][q] = s * one + c * other;
	}
	for (k = 0; k < n; k++)
	{
		double one = matrix[p][k];
		double other = matrix[q][k];

		matrix[p][k] = c * one - s * other;
		matrix[q][k] = s * one + c * other;
		one = axes->axis[k][p];
		other = axes->axis[k][q];
		axes->axis[k][p] = c * one - s * other;
		axes->axis[k][q] = s * one + c * other;
	}
}

/* Find the axes by Jacobi's rotations, which keep the digits of small curvatures; held parameters have none. */
static void
FindAxes(const Search *search, Axes *axes)
{
	double matrix[CS_MAX_PARAMETERS][CS_MAX_PARAMETERS];
	int n = search->n;
	int sweep;
	int p;
	int q;

	memset(axes, 0, sizeof(Axes));
	for (p = 0; p < n; p++)
		for (q = 0; q < n; q++)
		{
			matrix[p][q] = search->held[p] || search->held[q] ? 0.0 : -search->here.hessian[CS_AT(p, q)];
			axes->axis[p][q] = (p == q);
		}
	for (sweep = 0; sweep < MOST_SWEEPS; sweep++)
	{
		bool turned = false;

		for (p = 0; p < n; p++)
			for (q = p + 1; q < n; q++)
				if (fabs(matrix[p][q]) >
						DBL_EPSILON / 8 * sqrt(fabs(matrix[p][p])) * sqrt(fabs(matrix[q][q])) &&
					fabs(matrix[p][q]) > DBL_MIN)
				{
					Rotate(n, matrix, axes, p, q);
					turned = true;
				}
		if (!turned)
			break;
	}
	for (p = 0; p < n; p++)
		axes->bend[p] = matrix[p][p];
}

static double
LargestBend(const Search *search, const Axes *axes)
{
	double largest = DBL_MIN;
	int i;

	for (i = 0; i < search->n; i++)
		largest = fmax(largest, fabs(axes->bend[i]));
	return largest;
}

/* A step within reach, from where the search is; the decrement is that of the whole step. */
static double
Step(const Search *search, const Axes *axes, double reach, double *step)
{
	double least = FLAT * LargestBend(search, axes);
	double decrement = 0.0;
	int i;
	int j;

	memset(step, 0, sizeof(search->place));
	for (j = 0; j < search->n; j++)
	{
		double slope = 0.0;
		double length;

		for (i = 0; i < search->n; i++)
			slope += search->held[i] ? 0.0 : axes->axis[i][j] * search->here.gradient[i];
		length = slope / fmax(fabs(axes->bend[j]), least);
		decrement += length * slope;
		length = fmin(fmax(length, -reach), reach);
		for (i = 0; i < search->n; i++)
			step[i] += length * axes->axis[i][j];
	}
	return decrement;
}

/* What part of a step there is room for; a parameter that has none is held, and false returned. */
static bool
Room(Search *search, const double *step, double *part)
{
	int i;

	*part = 1.0;
	for (i = 0; i < search->n; i++)
	{
		double room = (step[i] < 0 ? search->lowest[i] : search->highest[i]) - search->place[i];

		if (!search->held[i] && room == 0.0 && step[i] != 0.0)
		{
			search->held[i] = true;
			return false;
		}
		if (!search->held[i] && fabs(step[i]) * *part > fabs(room))
			*part = room / step[i];
	}
	return true;
}

/*
 * Climb until the decrement is as small as rounding lets it be. A step that does
 * not climb shortens the reach; near the maximum, where gains cannot be told
 * from rounding, steps are taken as long as the decrement falls.
 */
static bool
Climb(Search *search, double weight)
{
	double reach = FIRST_REACH;
	double before = HUGE_VAL;

	while (search->evaluations < MOST_ITERATIONS)
	{
		double noise = ROUNDING * fabs(search->here.value) / weight;
		double step[CS_MAX_PARAMETERS];
		double place[CS_MAX_PARAMETERS];
		double part;
		CsLikelihood there;
		double decrement;
		bool near;
		Axes axes;
		int i;

		Hold(search);
		do
		{
			FindAxes(search, &axes);
			decrement = Step(search, &axes, reach, step) / weight;
		} while (!Room(search, step, &part));
		for (i = 0; i < search->n; i++)
			place[i] = fmin(fmax(search->place[i] + part * step[i], search->lowest[i]), search->highest[i]);
		near = decrement <= fmax(NEAR_DECREMENT, noise);
		if (near && (decrement >= 0.9 * before || decrement == 0.0))
			return true;
		/* a step that a bound has cut short says nothing of the next */
		before = near && part == 1.0 ? decrement : HUGE_VAL;
		if (decrement <= LAST_DECREMENT)
		{
			memcpy(search->place, place, sizeof(place));
			return true;
		}
		Evaluate(search, place, &there);
		if (isfinite(there.value) && (near || there.value > search->here.value))
		{
			memcpy(search->place, place, sizeof(place));
			search->here = there;
			reach = fmin(2.0 * reach, LONGEST_REACH);
		}
		else if (reach < SHORTEST_REACH)
			return false;
		else
			reach /= 4.0;
	}
	return false;
}

/* The covariance of the logarithms, from the axes; what is flat has none to speak of. */
static void
Covariance(const Search *search, double *covariance)
{
	Axes axes;
	double least;
	int i;
	int j;
	int k;

	FindAxes(search, &axes);
	least = FLAT * LargestBend(search, &axes);
	for (i = 0; i < search->n; i++)
		for (j = 0; j <= i; j++)
		{
			covariance[CS_AT(i, j)] = 0.0;
			for (k = 0; k < search->n; k++)
				covariance[CS_AT(i, j)] += axes.axis[i][k] * axes.axis[j][k] / fmax(axes.bend[k], least);
		}
}

/*
 * Find the maximum from a start above zero. The scale tells what parameters are
 * about; weight is the size of the data, by which the decrement is measured.
 */
void
cs_maximise(CsLikelihoodFunction function, const void *data, int n, const double *scale, const double *start,
			double weight, CsMaximum *maximum)
{
	Search search = {.function = function, .data = data, .n = n};
	int i;
	int j;

	memset(maximum, 0, sizeof(CsMaximum));
	for (i = 0; i < n; i++)
	{
		search.place[i] = log(start[i]);
		search.lowest[i] = log(scale[i]) + LOWEST_LOG;
		search.highest[i] = log(scale[i]) + HIGHEST_LOG;
	}
	Evaluate(&search, search.place, &search.here);
	maximum->converged = Climb(&search, weight);
	maximum->value = search.here.value;
	maximum->iterations = search.evaluations;

	Hold(&search);
	Covariance(&search, maximum->covariance);
	for (i = 0; i < n; i++)
	{
		maximum->parameters[i] = exp(search.place[i]);
		maximum->identified[i] = !search.held[i] && sqrt(maximum->covariance[CS_AT(i, i)]) <= WIDEST_ERROR;
	}
	for (i = 0; i < n; i++)
		for (j = 0; j <= i; j++)
			maximum->covariance[CS_AT(i, j)] *= maximum->parameters[i] * maximum->parameters[j];
}
