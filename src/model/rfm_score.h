/*
 * rfm_score.h
 *		A customer's RFM score as C code sees it.
 */
#ifndef CUSTOMER_SCORING_RFM_SCORE_H
#define CUSTOMER_SCORING_RFM_SCORE_H

#include "access/htup_details.h"
#include "fmgr.h"
#include "lib/stringinfo.h"

/* Three scores from 1 to bins. */
typedef struct CsRfmScore
{
	int r;
	int f;
	int m;
	int bins;
} CsRfmScore;

extern bool CsGetRfmScore(HeapTupleHeader row, CsRfmScore *score);
extern void CsCheckRfmScore(const CsRfmScore *score);
extern void CsRfmCellText(StringInfo out, const CsRfmScore *score);

#endif /* CUSTOMER_SCORING_RFM_SCORE_H */
