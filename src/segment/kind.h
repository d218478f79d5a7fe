/*
 * kind.h
 *		The kinds of sources besides orders: see kind.c.
 */
#ifndef CUSTOMER_SCORING_KIND_H
#define CUSTOMER_SCORING_KIND_H

#include "utils/jsonb.h"

#include "segment/column.h"

/* What a key in the argument columns names. */
typedef enum KindSettingType
{
	SETTING_TIME, /* column with the time of a row; a kind has one at most, which is its first setting */
	SETTING_SCORE, /* column with a whole number; a row without one does not count */
	SETTING_FROM, /* column with the first moment of a period; a row without one does not count */
	SETTING_UNTIL, /* column with the first moment after it, NULL for none; comes right after SETTING_FROM */
	SETTING_WORDS, /* column that is read as text */
	SETTING_WORDS_IF_ANY, /* the same; NULL where it is not given and the source has no column of its name */
	SETTING_NUMBER /* a whole number itself */
} KindSettingType;

/* The most that an answer, and with it a bound of its scale, can be away from zero. */
#define KIND_NUMBER_MAX 1000

/* A key in the argument columns. */
typedef struct KindSetting
{
	const char *name;
	KindSettingType type;
	int number; /* what a number is unless given; a column has the name of the setting then */
} KindSetting;

#define KIND_SETTINGS_MAX 8

/*
 * A kind of source. Figures are SQL of aggregates over the rows s of a customer,
 * each named like a column, which reads it from c. There, %name% stands for a
 * setting, %CUSTOMER% for the customer, %HELD% for whether the period of a row
 * has begun and not ended, and %PAST% follows each aggregate.
 */
typedef struct SegmentKind
{
	const char *name;
	bool makes_rows; /* a customer in it has a row, with orders or without */
	bool by_text; /* customers may be texts, whatever type those of orders have */
	int nsettings;
	const KindSetting *settings;
	const char *figures;
	int ncolumns;
	const SegmentColumn *columns;
	void (*check)(char **values); /* settings that contradict each other */
} SegmentKind;

extern const SegmentKind *CsFindKind(const char *name);
extern char **CsKindValues(const SegmentKind *kind, Jsonb *columns);

#endif /* CUSTOMER_SCORING_KIND_H */
