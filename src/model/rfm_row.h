/*
 * rfm_row.h
 *		Making values of the composite type rfm_score: see rfm_row.c.
 */
#ifndef CUSTOMER_SCORING_RFM_ROW_H
#define CUSTOMER_SCORING_RFM_ROW_H

#include "access/htup_details.h"
#include "fmgr.h"

/* The four columns as they lie in a row. */
typedef struct RfmScoreColumns
{
	int16 r;
	int16 f;
	int16 m;
	int16 bins;
} RfmScoreColumns;

/* A finished row to copy, and where its columns begin. */
typedef struct RfmScoreForm
{
	HeapTupleHeader row;
	Size length;
} RfmScoreForm;

extern const RfmScoreForm *CsRfmScoreForm(FunctionCallInfo fcinfo);

/* A score in the current memory context. */
static inline Datum
CsRfmScoreDatum(const RfmScoreForm *form, int r, int f, int m, int bins)
{
	HeapTupleHeader row = palloc(form->length);
	RfmScoreColumns *columns;

	memcpy(row, form->row, form->length);
	columns = (RfmScoreColumns *) ((char *) row + row->t_hoff);
	columns->r = r;
	columns->f = f;
	columns->m = m;
	columns->bins = bins;
	return PointerGetDatum(row); /* no column can be out of line */
}

#endif /* CUSTOMER_SCORING_RFM_ROW_H */
