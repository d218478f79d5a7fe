/*
 * clv.h
 *		The option clv, customer lifetime values in a segment table: see clv.c and
 *		clv_option.c.
 */
#ifndef CUSTOMER_SCORING_CLV_H
#define CUSTOMER_SCORING_CLV_H

#include "utils/snapshot.h"

#include "segment/column.h"
#include "segment/refresh.h"

/* The option as given, with its defaults; numbers and lengths as they are written in SQL. */
typedef struct ClvOption
{
	Jsonb *given; /* an object */
	char *model; /* mbgnbd, bgnbd or pareto_nbd */
	char *horizon;
	char *discount;
	char *margin;
	Interval *score_every;
	Interval *fit_every;
} ClvOption;

/* What the last refresh that scored everybody left behind. */
typedef struct ClvState
{
	TimestampTz as_of; /* of that refresh, or DT_NOBEGIN when there was none */
	TimestampTz due_at; /* when everybody is to be scored again, or DT_NOBEGIN for at once */
	bool refit; /* and to be fitted to, as somebody was erased */
	char *breaks; /* of lifetime values, text of an array, or NULL */
	int64 model_id; /* 0 when there is none; then the others are NULL */
	TimestampTz fitted_as_of;
	char *kind; /* what ClvOption calls model */
	char *model; /* text of a clv_model */
	char *spend; /* text of a spend_model, NULL also when nobody tells what is spent */
} ClvState;

/* Bands of customers by lifetime value. */
#define CLV_BANDS 5

extern const SegmentColumn CsClvColumns[];
extern const int CsClvColumnCount;

/* clv_option.c: what the option must be, and the columns that come and go with it */
extern ClvOption *CsParseClv(Jsonb *given);
extern void CsTurnClv(SegmentDefinition *definition);
extern void CsAlterClv(const SegmentDefinition *definition, const ClvOption *before);

/* clv.c: scoring */
extern ClvState *CsNewClvState(void);
extern ClvState *CsReadClvState(Oid table, bool visible);
extern bool CsClvIsDue(const SegmentDefinition *definition, TimestampTz as_of);
extern bool CsClvMustForget(const SegmentDefinition *definition, const SegmentSource *source,
							Snapshot snapshot);
extern void CsScoreClv(SegmentDefinition *definition, SegmentSource *source, Snapshot snapshot, int64 run_id,
					   bool fit, RefreshResult *result);
extern void CsClvForget(Oid table);
extern char *CsClvFigures(const SegmentSource *source, const char *past);
extern char *CsWithClv(const SegmentDefinition *definition, const SegmentSource *source, char *customers);

#endif /* CUSTOMER_SCORING_CLV_H */
