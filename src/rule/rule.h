/*
 * rule.h
 *		The rules of a rule set, as the trigger and the functions about rules use
 *		them.
 *
 * A rule is of a *kind* (kind.c): the fields of a row that it reads, the
 * parameters it takes, and a function that tells whether a row breaks it. To add
 * a kind is to add a row to the table of a kind_*.c file.
 *
 * A *field* is a name that kinds know; the rule set says which column of the
 * target it is. What a rule is asked about is the *subject*: a row that is being
 * written, or a record in JSON.
 */
#ifndef CUSTOMER_SCORING_RULE_H
#define CUSTOMER_SCORING_RULE_H

#include "executor/tuptable.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/relcache.h"
#include "utils/timestamp.h"

#include "core/compat.h"

/* SQLSTATEs of the class KA. */
#define KA(n1, n2, n3) MAKE_SQLSTATE('K', 'A', n1, n2, n3)
#define CS_MINIMUM_ORDER KA('0', '0', '1')
#define CS_CREDIT_LIMIT KA('0', '0', '2')
#define CS_DISCOUNT_CEILING KA('0', '0', '3')
#define CS_NO_MANAGER KA('0', '0', '4')
#define CS_PROMISE KA('0', '0', '5')
#define CS_NO_CONSENT KA('0', '0', '6')
#define CS_CONTACT_CAP KA('0', '0', '7')
#define CS_OFFER KA('0', '0', '8')
#define CS_BUDGET KA('0', '0', '9')
#define CS_GOODWILL KA('0', '1', '0')
#define CS_COMPLAINT KA('0', '1', '1')
#define CS_DATA_QUALITY KA('0', '1', '2')
#define CS_BAD_RULE KA('0', '2', '0')

#define KIND_FIELDS_MAX 4
#define KIND_PARAMETERS_MAX 8
#define RULE_FIELDS_MAX 64 /* of a rule set: a bit each in a mask */

/* Bytes of a text that is not ended by a zero. */
typedef struct CsText
{
	const char *data;
	int length;
} CsText;

/* As what a field is read. */
typedef enum CsFieldType
{
	FIELD_NUMBER,
	FIELD_MOMENT,
	FIELD_TEXT
} CsFieldType;

/* A field of a rule set. */
typedef struct CsField
{
	const char *name; /* as rules call it */
	const char *column; /* of the target, and key of a record */
	CsFieldType type;
} CsField;

/* Column values of which a row has to have one: each test has to hold. */
typedef struct CsFilter
{
	int ntests;
	struct CsTest
	{
		int field;
		int nvalues;
		CsText *values;
	} * tests;
} CsFilter;

/* Parts of applies_to and waived_for. */
typedef struct CsCondition
{
	bool given;
	uint64 key_account; /* attributes, of which one is enough; 0 where not asked for */
	uint64 tiers;
	uint64 segments;
	CsFilter filter;
} CsCondition;

/* A table that a parameter names, to look figures up in. */
typedef struct CsLookup
{
	Oid table;
	const char *key; /* its columns */
	const char *value;
	int nfilters;
	const char **filter_columns;
	Datum *filter_values; /* text[] each */
} CsLookup;

typedef enum CsParameterType
{
	PARAMETER_NUMBER, /* not negative */
	PARAMETER_COUNT, /* whole, at least 1 */
	PARAMETER_INTERVAL, /* not negative */
	PARAMETER_MOMENT,
	PARAMETER_TEXT,
	PARAMETER_FIELD, /* name of a field to read instead */
	PARAMETER_FLAG,
	PARAMETER_CHOICE,
	PARAMETER_BY_NAME, /* object: name to number that is not negative */
	PARAMETER_NAMES, /* array of texts */
	PARAMETER_FILTER, /* object: column of the row to array of texts */
	PARAMETER_LOOKUP /* object that names a table and its columns */
} CsParameterType;

/* A parameter that a kind takes. */
typedef struct CsKindParameter
{
	const char *name;
	CsParameterType type;
	bool required;
	const char *standard; /* what it is unless given, as text; NULL for nothing */
	const char
		*choices; /* of PARAMETER_CHOICE, separated by blanks; of PARAMETER_LOOKUP, the key of the value */
} CsKindParameter;

/* What was given for it. */
typedef struct CsParameter
{
	bool given; /* or has a standard */
	Numeric number;
	Interval *interval;
	TimestampTz moment;
	char *text;
	bool flag;
	int count; /* also the number of names */
	char **names;
	Numeric *numbers;
	CsFilter filter;
	CsLookup *lookup;
} CsParameter;

/* A field that a kind reads; a parameter of it may name another. */
typedef struct CsKindField
{
	const char *name;
	CsFieldType type;
	const char *parameter;
	bool optional; /* the target need not have it */
} CsKindField;

struct CsRule;
struct CsRuleSet;
struct CsSubject;

/* How a row breaks a rule. Figures are JSON. */
typedef struct CsVerdict
{
	char *message;
	const char *hint;
	char *actual;
	char *limit;
	const char *column;
	Datum value; /* what an action `set` puts into the column of field 0 */
} CsVerdict;

/* For tables of kinds. */
#define FIELD(n, t, ...)                          \
	{                                             \
		.name = n, .type = FIELD_##t, __VA_ARGS__ \
	}
#define TAKES(n, t, ...)                              \
	{                                                 \
		.name = n, .type = PARAMETER_##t, __VA_ARGS__ \
	}

#define ACTION_REJECT 1
#define ACTION_WARN 2
#define ACTION_SET 4

typedef struct CsRuleKind
{
	const char *name;
	int code; /* SQLSTATE */
	int actions; /* those it can have; the first is the standard */
	CsKindField fields[KIND_FIELDS_MAX];
	CsKindParameter parameters[KIND_PARAMETERS_MAX];
	void (*prepare)(struct CsRuleSet *set,
					struct CsRule *rule); /* parameters that contradict each other; or NULL */
	bool (*breaks)(const struct CsRule *rule, struct CsSubject *subject, CsVerdict *verdict);
	const struct CsTotalKind *total; /* kinds that look at more than the row; or NULL */
} CsRuleKind;

typedef struct CsRule
{
	const char *name;
	const CsRuleKind *kind;
	int action;
	int priority;
	CsCondition applies;
	CsCondition waived;
	uint64 reads; /* fields whose change makes an updated row a new question */
	int fields[KIND_FIELDS_MAX]; /* -1: the target has none */
	CsParameter parameters[KIND_PARAMETERS_MAX];
	uint64 *by_name; /* attributes that the kind asks for */
	struct _SPI_plan *plans[3]; /* of totals: the total, the limit, what is owed besides */
} CsRule;

/* What rules ask about a customer: attributes, a bit each in a mask. */
typedef enum CsAttributeType
{
	ATTRIBUTE_KEY_ACCOUNT,
	ATTRIBUTE_MANAGED,
	ATTRIBUTE_TIER,
	ATTRIBUTE_SEGMENT
} CsAttributeType;

typedef struct CsAttribute
{
	CsAttributeType type;
	const char *name; /* of tier or segment */
} CsAttribute;

typedef struct CsRuleSet
{
	const char *name;
	MemoryContext memory;
	int users; /* statements, and the cache while it is current */
	bool current;
	Oid target; /* or InvalidOid */
	Oid segment_table; /* or InvalidOid */
	const char *zone_name;
	struct pg_tz *zone;
	Jsonb *columns;
	int nfields;
	CsField fields[RULE_FIELDS_MAX];
	int customer; /* field, -1 where no rule asks for it */
	List *tables; /* that totals read: the target, and those that parameters name */
	List *tiers; /* names of the segment table's tiers, lowest first; NIL where none are known */
	int nattributes;
	CsAttribute attributes[64];
	int nrules;
	CsRule *rules; /* setters, then by priority and name */
	struct CsAccounts *accounts; /* NULL where they are not loaded */
	List *resolved; /* columns of relations, see rule_set.c */
} CsRuleSet;

/* A column of a relation that a field is read from. */
typedef struct CsColumn
{
	AttrNumber attnum;
	Oid type; /* base type */
	Oid cast; /* function to text, of the server's; InvalidOid for none */
	bool styled; /* the text depends on settings of the session */
	Oid output; /* function, for a text; InvalidOid where the value is its text, or a whole number */
} CsColumn;

typedef struct CsSubject
{
	CsRuleSet *set;
	const CsColumn *columns; /* of the slot; NULL for a record */
	TupleTableSlot *slot;
	TupleTableSlot *old; /* the row before an UPDATE, or NULL */
	Jsonb *record;
	TimestampTz now;
	bool asked; /* mask is known */
	uint64 mask;
} CsSubject;

/* kind.c, kind_*.c */
extern const CsRuleKind *CsFindRuleKind(const char *name);
extern const char *CsKnownKinds(void);
extern const CsRuleKind CsOrderKinds[];
extern const CsRuleKind CsServiceKinds[];
extern const CsRuleKind CsContactKinds[];
extern const CsRuleKind CsTotalKinds[];

/* figure.c */
extern int CsCompareNumbers(Numeric a, Numeric b);
extern char *CsShowNumber(Numeric value);
extern char *CsShowMoment(TimestampTz moment);
extern char *CsJsonText(const char *value);
extern char *CsJsonNumber(Numeric value);
extern char *CsJsonMoment(TimestampTz moment);
extern TimestampTz CsLater(const CsRuleSet *set, TimestampTz moment, const Interval *length);

/* parameter.c */
extern void CsReadParameters(CsRuleSet *set, CsRule *rule, Jsonb *given);
extern const CsParameter *CsParameterOf(const CsRule *rule, const char *name);
extern void CsReadCondition(CsRuleSet *set, const CsRule *rule, const char *which, Jsonb *given,
							CsCondition *condition);
extern void CsReadFilter(CsRuleSet *set, const CsRule *rule, const char *which, JsonbValue *given,
						 CsFilter *filter);
extern void CsBadRule(const CsRuleSet *set, const CsRule *rule, const char *problem,
					  const char *hint) CS_NORETURN;

/* field.c */
extern void CsPinTexts(const CsRuleSet *set);
extern bool CsIsNumber(Oid type);
extern int CsUseField(CsRuleSet *set, const char *name, CsFieldType type);
extern void CsResolveColumns(const CsRuleSet *set, Relation relation, CsColumn *columns);
extern bool CsNumberOf(CsSubject *subject, int field, Numeric *value);
extern bool CsMomentFieldOf(CsSubject *subject, int field, TimestampTz *value);
extern bool CsTextOf(CsSubject *subject, int field, CsText *value);
extern bool CsHasChanged(const CsSubject *subject, int field);
extern bool CsBefore(CsSubject *subject, CsSubject *before);
extern void CsCheckRecord(const CsRuleSet *set, Jsonb *record);
extern bool CsMatches(CsSubject *subject, const CsFilter *filter);
extern char *CsTextSql(const char *column, Oid type);
extern char *CsEqualsText(Oid type, int param);
extern char *CsCString(CsText text);
extern const char *CsFieldColumn(const CsRule *rule, const CsSubject *subject, int i);

/* account.c */
extern uint64 CsUseAttribute(CsRuleSet *set, CsAttributeType type, const char *name);
extern void CsCheckSegmentColumns(const CsRuleSet *set);
extern void CsReadyAccounts(CsRuleSet *set);
extern void CsForgetAccounts(CsRuleSet *set);
extern void CsInvalidateAccounts(CsRuleSet *set);
extern uint64 CsMaskOf(CsSubject *subject);

/* rule_set.c */
extern int CsRuleCacheSize; /* setting, in kB */
extern void CsRuleInit(void);
extern CsRuleSet *CsUseRuleSet(const char *name, MemoryContext user);
extern void CsKeepRuleSet(CsRuleSet *set, MemoryContext user);
extern const CsColumn *CsColumnsFor(CsRuleSet *set, Relation relation);

/* verdict.c */
extern bool CsApplies(const CsRule *rule, CsSubject *subject);
extern const char *CsWaivedBy(const CsRule *rule, CsSubject *subject);
extern char *CsCustomerOf(CsSubject *subject);
extern char *CsDetail(const CsRuleSet *set, const CsRule *rule, const char *customer,
					  const CsVerdict *verdict, const List *waived);
extern void CsRefuse(const CsRuleSet *set, const CsRule *rule, const CsVerdict *verdict, const char *detail);

#endif /* CUSTOMER_SCORING_RULE_H */
