/*
 * rfm_model.h
 *		Frozen breaks: see rfm_model.c.
 */
#ifndef CUSTOMER_SCORING_RFM_MODEL_H
#define CUSTOMER_SCORING_RFM_MODEL_H

#include "model/rfm_customers.h"

#define RFM_MODEL_VERSION 1

/*
 * The stored value. There are bins - 1 breaks of each figure, one column after
 * the other: ages in microseconds (falling), orders (rising), and the lower and
 * upper halves of revenue values (rising), see RfmCustomer.
 */
typedef struct RfmModel
{
	int32 vl_len_;
	uint16 version;
	uint8 kind; /* RfmKind */
	uint8 scale; /* decimals that money shows */
	TimestampTz as_of;
	int64 customers; /* that the breaks were found among */
	int32 bins;
	int32 unused; /* zero */
	uint64 breaks[FLEXIBLE_ARRAY_MEMBER];
} RfmModel;

StaticAssertDecl(offsetof(RfmModel, breaks) == 32, "RfmModel has no padding");

#define RFM_MODEL_SIZE(bins) (offsetof(RfmModel, breaks) + 4 * ((bins) -1) * sizeof(uint64))

static inline uint64 *
CsRfmModelAges(const RfmModel *model)
{
	return (uint64 *) model->breaks;
}

static inline int64 *
CsRfmModelOrders(const RfmModel *model)
{
	return (int64 *) model->breaks + (model->bins - 1);
}

static inline int128
CsRfmModelRevenue(const RfmModel *model, int k)
{
	const uint64 *lower = model->breaks + 2 * (model->bins - 1);

	return ((int128) (int64) lower[k + model->bins - 1] << 64) | lower[k];
}

extern RfmModel *CsRfmMakeModel(const RfmBreaks *breaks, TimestampTz as_of);
extern RfmModel *CsRfmModelArg(Datum value);
extern void CsRfmFrozenScores(const RfmModel *model, const RfmCustomer *customer, TimestampTz as_of, int *r,
							  int *f, int *m);
extern int CsBinsOfBreaks(const char *model);
extern bool CsSameBreaks(const char *one, const char *other);

#endif /* CUSTOMER_SCORING_RFM_MODEL_H */
