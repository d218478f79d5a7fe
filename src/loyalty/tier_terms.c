/*
 * tier_terms.c
 *		tier_terms: a scheme and the terms on which its tiers are held.
 *
 * All that decides about a customer's tier besides his rows is one value, so
 * that what is worked out from it can be worked out again. It is made by the
 * function make_tier_terms, which tier_policy calls for every row that is written, or
 * read from a JSON object. Lengths are intervals without a negative part; those
 * of months and days follow the calendar of the zone.
 *
 * Values are allocated in the current memory context; nothing outlives a call.
 */
#include "postgres.h"

#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/json.h"

#include "core/check.h"
#include "core/compat.h"
#include "core/form.h"
#include "core/moment.h"
#include "loyalty/tier_terms.h"

PG_FUNCTION_INFO_V1(cs_tier_terms_in);
PG_FUNCTION_INFO_V1(cs_tier_terms_out);
PG_FUNCTION_INFO_V1(cs_tier_terms_recv);
PG_FUNCTION_INFO_V1(cs_tier_terms_send);
PG_FUNCTION_INFO_V1(cs_tier_terms_make);

#define MAX_YEARS 1000

/* The words of the parameters, in the order of their enums; NULL ends them. */
static const char *const BasisWords[] = {"spend", "orders", "points", NULL};
static const char *const PeriodWords[] = {"rolling", "year", "quarter", "lifetime", NULL};
static const char *const DowngradeWords[] = {"none", "one_down", "requalify", NULL};

/* Terms as they are given. */
typedef struct TermsDraft
{
	const TierScheme *scheme;
	const char *basis;
	const char *period;
	const char *downgrade;
	bool has_hold;
	int start_month;
	Interval length;
	Interval hold;
	Interval grace;
	const char *zone_name;
	pg_tz *zone; /* NULL when there is none of that name */
} TermsDraft;

/* The place of a word in a list, -1 when it has none. */
static int
FindWord(const char *const *words, const char *word)
{
	int i;

	for (i = 0; words[i] != NULL; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	return -1;
}

static bool
IsZero(const Interval *length)
{
	return length->month == 0 && length->day == 0 && length->time == 0;
}

static bool
IsRolling(const TermsDraft *draft)
{
	return strcmp(draft->period, PeriodWords[TIER_PERIOD_ROLLING]) == 0;
}

static bool
IsLifetime(const TermsDraft *draft)
{
	return strcmp(draft->period, PeriodWords[TIER_PERIOD_LIFETIME]) == 0;
}

static char *
LengthWords(const Interval *length)
{
	return DatumGetCString(DirectFunctionCall1(interval_out, IntervalPGetDatum(length)));
}

/* What is wrong with a length, or NULL. */
static const char *
LengthFault(const char *name, const Interval *length, bool may_be_zero)
{
	int64 days = (int64) length->month * 31 + length->day + length->time / USECS_PER_DAY;

	if (length->month < 0 || length->day < 0 || length->time < 0 || days > MAX_YEARS * INT64CONST(372) ||
		(IsZero(length) && !may_be_zero))
		return psprintf("%s must be %s and at most %d years, without a negative part, not %s", name,
						may_be_zero ? "zero or longer" : "longer than zero", MAX_YEARS, LengthWords(length));
	return NULL;
}

/* What is wrong with the terms, or NULL. */
static const char *
TermsFault(const TermsDraft *draft)
{
	const char *fault = NULL;

	if (FindWord(BasisWords, draft->basis) < 0)
		return psprintf("basis must be spend, orders or points, not \"%s\"", draft->basis);
	if (FindWord(PeriodWords, draft->period) < 0)
		return psprintf("period must be rolling, year, quarter or lifetime, not \"%s\"", draft->period);
	if (FindWord(DowngradeWords, draft->downgrade) < 0)
		return psprintf("downgrade must be none, one_down or requalify, not \"%s\"", draft->downgrade);
	if (draft->start_month < 1 || draft->start_month > MONTHS_PER_YEAR)
		return psprintf("start_month must be between 1 and 12, not %d", draft->start_month);
	if (IsRolling(draft))
		fault = LengthFault("length", &draft->length, false);
	if (fault == NULL && draft->has_hold)
		fault = LengthFault("hold", &draft->hold, false);
	if (fault == NULL && draft->has_hold && draft->hold.month == 0 && draft->hold.day == 0 &&
		draft->hold.time < USECS_PER_DAY)
		return psprintf("hold must be at least one day, not %s", LengthWords(&draft->hold));
	if (fault == NULL)
		fault = LengthFault("grace", &draft->grace, true);
	if (fault == NULL && draft->zone == NULL)
		return psprintf("time zone \"%s\" not recognized", draft->zone_name);
	return fault;
}

/* The stored value of terms without a fault; what the period has no use for is left out. */
static TierTerms *
MakeTerms(const TermsDraft *draft)
{
	const char *zone = pg_get_timezone_name(draft->zone);
	int zone_size = MAXALIGN(strlen(zone) + 1);
	Size size = offsetof(TierTerms, zone) + zone_size + VARSIZE(draft->scheme);
	TierTerms *terms = palloc0(size);

	SET_VARSIZE(terms, size);
	terms->version = TIER_TERMS_VERSION;
	terms->basis = FindWord(BasisWords, draft->basis);
	terms->period = FindWord(PeriodWords, draft->period);
	terms->downgrade = FindWord(DowngradeWords, draft->downgrade);
	terms->has_hold = draft->has_hold;
	terms->start_month = 1;
	if (IsRolling(draft))
		terms->length = draft->length;
	else if (!IsLifetime(draft))
		terms->start_month = draft->start_month;
	if (draft->has_hold)
		terms->hold = draft->hold;
	terms->grace = draft->grace;
	terms->zone_size = zone_size;
	strcpy(terms->zone, zone);
	memcpy(terms->zone + zone_size, draft->scheme, VARSIZE(draft->scheme));
	return terms;
}

/* Terms that were stored or handed over, refused when another version wrote them. */
const TierTerms *
CsGetTierTerms(Datum value)
{
	const TierTerms *terms = (const TierTerms *) PG_DETOAST_DATUM(value);

	CsCheckVersion(TIER_TERMS_NAME, terms->version, TIER_TERMS_VERSION);
	CsCheckVersion(TIER_SCHEME_NAME, CsTermsScheme(terms)->version, TIER_SCHEME_VERSION);
	return terms;
}

/* The zone of terms: the server could have been given others since they were made. */
pg_tz *
CsTermsZone(const TierTerms *terms)
{
	return CsZone(terms->zone);
}

/* ---- made by SQL ---- */

static char *
WordArgument(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		CsNullParameter(name);
	return text_to_cstring(PG_GETARG_TEXT_PP(n));
}

static Interval
LengthArgument(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		CsNullParameter(name);
	return *PG_GETARG_INTERVAL_P(n);
}

/*
 * make_tier_terms(scheme, basis, period, length, start_month, hold, grace, downgrade,
 * time_zone); only hold may be NULL.
 */
Datum
cs_tier_terms_make(PG_FUNCTION_ARGS)
{
	TermsDraft draft = {0};
	const char *fault;

	if (PG_ARGISNULL(0))
		CsNullParameter("scheme");
	draft.scheme = PG_GETARG_TIER_SCHEME(0);
	draft.basis = WordArgument(fcinfo, 1, "basis");
	draft.period = WordArgument(fcinfo, 2, "period");
	draft.length = LengthArgument(fcinfo, 3, "length");
	if (PG_ARGISNULL(4))
		CsNullParameter("start_month");
	draft.start_month = PG_GETARG_INT32(4);
	draft.has_hold = !PG_ARGISNULL(5);
	if (draft.has_hold)
		draft.hold = LengthArgument(fcinfo, 5, "hold");
	draft.grace = LengthArgument(fcinfo, 6, "grace");
	draft.downgrade = WordArgument(fcinfo, 7, "downgrade");
	draft.zone_name = WordArgument(fcinfo, 8, "time_zone");
	draft.zone = CsFindZone(draft.zone_name);
	fault = TermsFault(&draft);
	if (fault != NULL)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg_internal("%s", fault),
			 draft.zone == NULL
				 ? errhint("Use a name of pg_timezone_names, for example 'Asia/Jakarta'.")
				 : errhint("Leave a parameter out for its default: spend, rolling over 12 months, held to "
						   "the end of the next calendar year, no grace, one_down.")));
	PG_RETURN_POINTER(MakeTerms(&draft));
}

/* ---- text form ---- */

/* Append a length under its key, as ISO 8601. */
static void
AppendLength(StringInfo out, const char *key, const Interval *length)
{
	struct pg_itm parts;
	char text[MAXDATELEN + 1];

	interval2itm(*length, &parts);
	EncodeInterval(&parts, INTSTYLE_ISO_8601, text);
	appendStringInfo(out, ",\"%s\":\"%s\"", key, text);
}

/*
 * Text form: {"v":1,"scheme":"bronze 0, silver 500","basis":"spend",
 * "period":"rolling","length":"P1Y","grace":"PT0S","downgrade":"one_down",
 * "time_zone":"UTC"}; with start_month for a year or quarter, with hold if it is
 * a length.
 */
Datum
cs_tier_terms_out(PG_FUNCTION_ARGS)
{
	const TierTerms *terms = PG_GETARG_TIER_TERMS(0);
	StringInfoData out;
	StringInfoData scheme;

	initStringInfo(&out);
	initStringInfo(&scheme);
	CsTierSchemeText(&scheme, CsTermsScheme(terms));
	appendStringInfo(&out, "{\"v\":%d,\"scheme\":", terms->version);
	escape_json(&out, scheme.data);
	appendStringInfo(&out, ",\"basis\":\"%s\",\"period\":\"%s\"", BasisWords[terms->basis],
					 PeriodWords[terms->period]);
	if (terms->period == TIER_PERIOD_ROLLING)
		AppendLength(&out, "length", &terms->length);
	else if (terms->period != TIER_PERIOD_LIFETIME)
		appendStringInfo(&out, ",\"start_month\":%d", terms->start_month);
	if (terms->has_hold)
		AppendLength(&out, "hold", &terms->hold);
	AppendLength(&out, "grace", &terms->grace);
	appendStringInfo(&out, ",\"downgrade\":\"%s\",\"time_zone\":", DowngradeWords[terms->downgrade]);
	escape_json(&out, terms->zone);
	appendStringInfoChar(&out, '}');
	PG_RETURN_CSTRING(out.data);
}

static Interval
LengthFromForm(CsForm *form, const char *key)
{
	return *DatumGetIntervalP(DirectFunctionCall3(interval_in, CStringGetDatum(CsFormString(form, key)),
												  ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

Datum
cs_tier_terms_in(PG_FUNCTION_ARGS)
{
	CsForm form;
	TermsDraft draft = {.start_month = 1};
	const char *fault;

	CsFormOpen(&form, TIER_TERMS_NAME, PG_GETARG_CSTRING(0));
	CsCheckVersion(TIER_TERMS_NAME, (int) CsFormInt64(&form, "v", 0, PG_UINT16_MAX), TIER_TERMS_VERSION);
	draft.scheme = CsTierSchemeFromText(CsFormString(&form, "scheme"));
	draft.basis = CsFormString(&form, "basis");
	draft.period = CsFormString(&form, "period");
	if (IsRolling(&draft))
		draft.length = LengthFromForm(&form, "length");
	else if (!IsLifetime(&draft))
		draft.start_month = (int) CsFormInt64(&form, "start_month", 1, MONTHS_PER_YEAR);
	draft.has_hold = CsFormHas(&form, "hold");
	if (draft.has_hold)
		draft.hold = LengthFromForm(&form, "hold");
	draft.grace = LengthFromForm(&form, "grace");
	draft.downgrade = CsFormString(&form, "downgrade");
	draft.zone_name = CsFormString(&form, "time_zone");
	draft.zone = CsFindZone(draft.zone_name);
	CsFormClose(&form);
	fault = TermsFault(&draft);
	if (fault != NULL)
		CsBadText(TIER_TERMS_NAME, psprintf("The %s.", fault));
	PG_RETURN_POINTER(MakeTerms(&draft));
}

/* ---- binary form: version, the words, start_month, whether there is a hold, three lengths, zone, scheme ---- */

static void
SendLength(StringInfo buf, const Interval *length)
{
	pq_sendint64(buf, length->time);
	pq_sendint32(buf, length->day);
	pq_sendint32(buf, length->month);
}

static Interval
RecvLength(StringInfo buf)
{
	Interval length;

	length.time = pq_getmsgint64(buf);
	length.day = (int32) pq_getmsgint(buf, 4);
	length.month = (int32) pq_getmsgint(buf, 4);
	return length;
}

Datum
cs_tier_terms_send(PG_FUNCTION_ARGS)
{
	const TierTerms *terms = PG_GETARG_TIER_TERMS(0);
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendint16(&buf, terms->version);
	pq_sendint8(&buf, terms->basis);
	pq_sendint8(&buf, terms->period);
	pq_sendint8(&buf, terms->downgrade);
	pq_sendint8(&buf, terms->start_month);
	pq_sendint8(&buf, terms->has_hold);
	SendLength(&buf, &terms->length);
	SendLength(&buf, &terms->hold);
	SendLength(&buf, &terms->grace);
	pq_sendstring(&buf, terms->zone);
	CsTierSchemeSend(&buf, CsTermsScheme(terms));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

Datum
cs_tier_terms_recv(PG_FUNCTION_ARGS)
{
	StringInfo buf = (StringInfo) PG_GETARG_POINTER(0);
	TermsDraft draft = {0};
	int basis;
	int period;
	int downgrade;
	const char *fault;

	CsCheckVersion(TIER_TERMS_NAME, pq_getmsgint(buf, 2), TIER_TERMS_VERSION);
	basis = pq_getmsgbyte(buf);
	period = pq_getmsgbyte(buf);
	downgrade = pq_getmsgbyte(buf);
	if (basis > TIER_BASIS_POINTS || period > TIER_PERIOD_LIFETIME || downgrade > TIER_DOWNGRADE_REQUALIFY)
		CsBadBinary(TIER_TERMS_NAME, "A basis, period or downgrade is not known.");
	draft.basis = BasisWords[basis];
	draft.period = PeriodWords[period];
	draft.downgrade = DowngradeWords[downgrade];
	draft.start_month = pq_getmsgbyte(buf);
	draft.has_hold = pq_getmsgbyte(buf) != 0;
	draft.length = RecvLength(buf);
	draft.hold = RecvLength(buf);
	draft.grace = RecvLength(buf);
	draft.zone_name = pstrdup(pq_getmsgstring(buf));
	draft.zone = CsFindZone(draft.zone_name);
	draft.scheme = CsTierSchemeRecv(buf);
	fault = TermsFault(&draft);
	if (fault != NULL)
		CsBadBinary(TIER_TERMS_NAME, psprintf("The %s.", fault));
	PG_RETURN_POINTER(MakeTerms(&draft));
}
