/*
 * clv_model.h
 *		Fitted models of purchases and of spend: see clv_model.c.
 */
#ifndef CUSTOMER_SCORING_CLV_MODEL_H
#define CUSTOMER_SCORING_CLV_MODEL_H

#include "fmgr.h"

#include "core/check.h"
#include "math/btyd.h"
#include "math/spend.h"
#include "summary/clv_summary.h"

#define CLV_MODEL_VERSION 1

/* Models of purchases have the numbers that math/ gives them. */
typedef enum ClvKind
{
	CLV_MBGNBD = CS_MBGNBD,
	CLV_BGNBD = CS_BGNBD,
	CLV_PARETO_NBD = CS_PARETO_NBD,
	CLV_GAMMA_GAMMA
} ClvKind;

/* Why a fit leaves a row out. */
typedef enum ClvRejection
{
	CLV_REJECT_NULL,
	CLV_REJECT_WEIGHT,
	CLV_REJECT_NO_REPEAT,
	CLV_REJECT_VALUE
} ClvRejection;

#define CLV_REJECTIONS 4

/* What is to be known about a model, as bits. */
typedef enum ClvWarning
{
	CLV_NOT_CONVERGED = 1,
	CLV_NO_REPEAT_PURCHASES = 2,
	CLV_RATE_NOT_IDENTIFIED = 4,
	CLV_DROPOUT_NOT_IDENTIFIED = 8,
	CLV_SPEND_NOT_IDENTIFIED = 16,
	CLV_INFINITE_MEAN_SPEND = 32
} ClvWarning;

#define CLV_WARNINGS 6

/*
 * The stored value of clv_model and spend_model. A model that was written by hand
 * has parameters only: customers is 0 then.
 */
typedef struct ClvModel
{
	uint16 version;
	uint8 kind;
	uint8 warnings;
	int32 iterations;
	int64 unit;
	int64 customers; /* rows that were taken in */
	int64 rejected[CLV_REJECTIONS];
	uint64 fingerprint; /* of the data */
	double weight; /* of all customers */
	double log_likelihood;
	double parameters[CS_MAX_PARAMETERS];
	double covariance[CS_TRIANGLE(CS_MAX_PARAMETERS)]; /* zero where errors are not known */
} ClvModel;

StaticAssertDecl(sizeof(ClvModel) == 192, "the types are declared with 192 bytes");

/* What distinguishes the kinds. */
typedef struct ClvKindInfo
{
	const char *name;
	int nparameters;
	const char *parameters[CS_MAX_PARAMETERS];
} ClvKindInfo;

extern const ClvKindInfo *CsClvKindInfo(int kind);
extern const char *CsClvWarningName(int bit);
extern const char *CsClvRejectionName(int reason);
extern const char *CsClvTypeName(const ClvModel *model);
extern void CsClvOtherUnit(int64 unit, int64 other, const char *what) CS_NORETURN;

/* Bits with which there are no standard errors. */
#define CLV_NO_ERRORS \
	(CLV_NOT_CONVERGED | CLV_RATE_NOT_IDENTIFIED | CLV_DROPOUT_NOT_IDENTIFIED | CLV_SPEND_NOT_IDENTIFIED)

static inline bool
CsClvHasErrors(const ClvModel *model)
{
	return model->customers > 0 && (model->warnings & CLV_NO_ERRORS) == 0;
}

/* An argument of either type, refused when another version wrote it. */
static inline const ClvModel *
CsClvModelArg(Datum value)
{
	const ClvModel *model = (const ClvModel *) DatumGetPointer(value);

	if (unlikely(model->version != CLV_MODEL_VERSION))
		CsWrongVersion(CsClvTypeName(model), model->version, CLV_MODEL_VERSION);
	return model;
}

/* Models and summaries must count time alike. */
static inline void
CsClvCheckUnit(const ClvModel *model, const ClvSummary *summary)
{
	if (unlikely(model->unit != summary->unit))
		CsClvOtherUnit(summary->unit, model->unit, "the summary");
}

#endif /* CUSTOMER_SCORING_CLV_MODEL_H */
