/*
 * form.h
 *		Text forms of stored values: JSON objects, see form.c.
 */
#ifndef CUSTOMER_SCORING_FORM_H
#define CUSTOMER_SCORING_FORM_H

#include "lib/stringinfo.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

/* An object being read: every key must be asked for exactly once. */
typedef struct CsForm
{
	const char *type_name;
	JsonbContainer *object;
	int read; /* keys found so far */
} CsForm;

extern void CsFormOpen(CsForm *form, const char *type_name, const char *text);
extern void CsFormInner(CsForm *form, const char *key, CsForm *inner);
extern bool CsFormHas(CsForm *form, const char *key);
extern int64 CsFormInt64(CsForm *form, const char *key, int64 lowest, int64 highest);
extern Numeric CsFormNumeric(CsForm *form, const char *key);
extern bool CsFormMoment(CsForm *form, const char *key, TimestampTz *moment);
extern char *CsFormString(CsForm *form, const char *key);
extern char **CsFormStringArray(CsForm *form, const char *key, int *n);
extern TimestampTz *CsFormMomentArray(CsForm *form, const char *key, int *n);
extern int64 *CsFormInt64Array(CsForm *form, const char *key, int64 lowest, int64 highest, int *n);
extern double CsFormFloat8(CsForm *form, const char *key);
extern double *CsFormFloat8Array(CsForm *form, const char *key, int *n);
extern Numeric *CsFormNumericArray(CsForm *form, const char *key, int *n);
extern void CsFormClose(CsForm *form);
extern void CsFloatText(StringInfo out, double value);

#endif /* CUSTOMER_SCORING_FORM_H */
