/*
 * tier_fold.c
 *		Who holds which tier, and until when: one pass over a customer's rows.
 *
 * Words: the *basis* at a moment is the sum of the amounts, or the number of
 * those above zero, in the *window* that ends with the moment. A tier is *held*
 * from an upgrade on, until the end of its *hold*; then the basis as it stood
 * just before decides whether it is *renewed*. If not, it is kept for the time of
 * *grace*, in which a row can still renew it, and after that the terms say what
 * becomes of it. The window of a rolling period leaves out the moment that lies
 * its length ago; that of a calendar period begins with the period.
 *
 * What happens depends on rows and terms only, never on who looks when: things
 * that time does come before rows of the same moment, and rows of one moment
 * come together. A tier that takes nothing, as its threshold is zero or less, has
 * no end, and neither has any where nothing is ever taken away. So a customer
 * without rows comes to rest after as many steps as there are tiers; only in a
 * lifetime period, or while rows are in the window, renewals go on.
 *
 * Nothing is allocated. Starts of months are remembered for the session in
 * static memory: time zones do not change in it.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/datetime.h"

#include "core/compat.h"
#include "core/moment.h"
#include "core/money.h"
#include "loyalty/tier_fold.h"

/* By how much months and days of a zone can differ from their means, in all. */
#define CALENDAR_SLACK (8 * USECS_PER_DAY)
#define MEAN_MONTH INT64CONST(2629746000000)

#define KNOWN_MONTHS 64

/* When a month begins in a zone. */
typedef struct KnownMonth
{
	pg_tz *zone; /* NULL in an empty place */
	int month; /* counted from January of year 0 */
	TimestampTz start;
} KnownMonth;

static KnownMonth known_months[KNOWN_MONTHS];

/* The pass: rows from lo to hi, without the latter, are in the window. */
typedef struct Fold
{
	const TierTerms *terms;
	const TierScheme *scheme;
	pg_tz *zone;
	const TierRow *row;
	int lo;
	int hi;
	int128 sum;
	int64 orders;
	TierHeld held;
	bool in_grace;
	TimestampTz grace_end; /* set in grace */
	TierListener listener;
	void *context;
} Fold;

/* ---- the calendar ---- */

static void
OutOfRange(void)
{
	ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range"),
					errdetail("A length, a hold or grace reaches beyond all timestamps.")));
}

/* The moment at which clocks of a zone show a time of a day, which may be one that timestamps do not reach. */
static TimestampTz
MomentOfDay(int64 day, int64 time, pg_tz *zone)
{
	if (day < DATETIME_MIN_JULIAN || day >= TIMESTAMP_END_JULIAN)
		OutOfRange();
	return CsMomentOf((day - POSTGRES_EPOCH_JDATE) * USECS_PER_DAY + time, zone);
}

/* When a month begins in a zone; months count from January of year 0. */
static TimestampTz
MonthStart(pg_tz *zone, int month)
{
	KnownMonth *known = &known_months[(uint32) month % KNOWN_MONTHS];

	if (known->zone != zone || known->month != month)
	{
		int year = (int) CsFloorDiv(month, MONTHS_PER_YEAR);

		known->zone = NULL;
		known->start = MomentOfDay(date2j(year, month - year * MONTHS_PER_YEAR + 1, 1), 0, zone);
		known->month = month;
		known->zone = zone;
	}
	return known->start;
}

/* The month that a moment lies in. */
static int
MonthOf(TimestampTz moment, pg_tz *zone)
{
	int year;
	int month;
	int day;

	j2date(Max(CsDayInZone(moment, zone), 0), &year, &month, &day);
	return year * MONTHS_PER_YEAR + month - 1;
}

/*
 * A moment with a length added, or taken off if sign is -1: months, then days,
 * as clocks of the zone show them, then what is shorter, as time that passes.
 */
static TimestampTz
MomentPlus(TimestampTz moment, const Interval *length, int sign, pg_tz *zone)
{
	TimestampTz result = moment;

	if (length->month != 0 || length->day != 0)
	{
		Timestamp clock = CsClockOf(moment, zone);
		int64 time = clock - CsFloorDiv(clock, USECS_PER_DAY) * USECS_PER_DAY;
		int64 date = CsFloorDiv(clock, USECS_PER_DAY) + POSTGRES_EPOCH_JDATE;

		if (length->month != 0)
		{
			int year;
			int month;
			int day;

			j2date((int) date, &year, &month, &day);
			month += year * MONTHS_PER_YEAR - 1 + sign * length->month;
			year = (int) CsFloorDiv(month, MONTHS_PER_YEAR);
			month -= year * MONTHS_PER_YEAR;
			date = date2j(year, month + 1, Min(day, day_tab[isleap(year)][month]));
		}
		date += sign * length->day;
		result = MomentOfDay(date, time, zone);
	}
	result += sign * length->time;
	if (!IS_VALID_TIMESTAMP(result))
		OutOfRange();
	return result;
}

/* ---- the window ---- */

/* Add a row to the window's figures, or take it off if sign is -1. */
static void
CountRow(Fold *fold, const TierRow *row, int sign)
{
	int128 units = CsTierRowUnits(row);

	if (__builtin_add_overflow(fold->sum, sign * units, &fold->sum))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("the total of a customer's amounts is out of range"),
						errhint("Use a larger unit of money, for example round(amount / 1000, 2).")));
	fold->orders += units > 0 ? sign : 0;
}

/* Let the window begin after a moment. */
static void
BeginAfter(Fold *fold, TimestampTz start)
{
	while (fold->lo < fold->hi && fold->row[fold->lo].at <= start)
		CountRow(fold, &fold->row[fold->lo++], -1);
	while (fold->lo > 0 && fold->row[fold->lo - 1].at > start)
		CountRow(fold, &fold->row[--fold->lo], 1);
}

/*
 * Let a rolling window end with a moment. The calendar is asked only when a row
 * is so near to the start that it matters.
 */
static void
RollTo(Fold *fold, TimestampTz moment)
{
	const Interval *length = &fold->terms->length;
	int64 about = length->month * MEAN_MONTH + length->day * USECS_PER_DAY + length->time;

	BeginAfter(fold, moment - about - CALENDAR_SLACK);
	if (fold->lo < fold->hi && fold->row[fold->lo].at <= moment - about + CALENDAR_SLACK)
		BeginAfter(fold, MomentPlus(moment, length, -1, fold->zone));
}

/* The first month of the calendar period of some months that a moment lies in. */
static int
PeriodMonth(const Fold *fold, TimestampTz moment, int months)
{
	int shift = fold->terms->start_month - 1;

	return (int) CsFloorDiv(MonthOf(moment, fold->zone) - shift, months) * months + shift;
}

/* The basis at a moment, of the rows up to hi. */
static int128
BasisAt(Fold *fold, TimestampTz moment)
{
	switch ((TierPeriod) fold->terms->period)
	{
		case TIER_PERIOD_ROLLING:
			RollTo(fold, moment);
			break;
		case TIER_PERIOD_YEAR:
			BeginAfter(fold, MonthStart(fold->zone, PeriodMonth(fold, moment, MONTHS_PER_YEAR)) - 1);
			break;
		case TIER_PERIOD_QUARTER:
			BeginAfter(fold, MonthStart(fold->zone, PeriodMonth(fold, moment, 3)) - 1);
			break;
		case TIER_PERIOD_LIFETIME:
			break;
	}
	if (fold->terms->basis == TIER_BASIS_ORDERS)
		return (int128) fold->orders * INT64CONST(1000000000000);
	return fold->sum;
}

static int
RankAt(Fold *fold, TimestampTz moment)
{
	return CsTierRank(fold->scheme, BasisAt(fold, moment));
}

/* ---- what happens ---- */

/*
 * When a hold ends that begins at a moment. One that time begins counts from the
 * moment before: who is renewed at the turn of a year is so for what he did in
 * the old one.
 */
static TimestampTz
HoldEnd(const Fold *fold, int rank, TimestampTz moment, bool by_time)
{
	if (rank == 0 || fold->terms->downgrade == TIER_DOWNGRADE_NONE ||
		CsTierThreshold(fold->scheme, rank) <= 0)
		return DT_NOEND;
	if (fold->terms->has_hold)
		return MomentPlus(moment, &fold->terms->hold, 1, fold->zone);
	if (by_time)
		moment--;
	return MonthStart(fold->zone, PeriodMonth(fold, moment, MONTHS_PER_YEAR) + 2 * MONTHS_PER_YEAR);
}

/* From a moment on a rank is held anew. */
static void
Hold(Fold *fold, TimestampTz at, int rank, TierReason reason, bool by_time)
{
	int from_rank = fold->held.rank;

	fold->in_grace = false;
	fold->held.at = at;
	if (rank != from_rank)
		fold->held.since = at;
	fold->held.rank = rank;
	fold->held.until = HoldEnd(fold, rank, at, by_time);
	fold->held.reason = reason;
	if (fold->listener != NULL)
		fold->listener(fold->context, &fold->held, from_rank);
}

/* Grace begins, which changes nothing but what is to be told. */
static void
BeginGrace(Fold *fold)
{
	fold->in_grace = true;
	fold->grace_end = MomentPlus(fold->held.until, &fold->terms->grace, 1, fold->zone);
	fold->held.at = fold->held.until;
	fold->held.reason = TIER_REASON_GRACE;
	if (fold->listener != NULL)
		fold->listener(fold->context, &fold->held, fold->held.rank);
}

/* Hold and grace are over. */
static void
Downgrade(Fold *fold, TimestampTz at)
{
	bool one_down = fold->terms->downgrade == TIER_DOWNGRADE_ONE_DOWN;
	int rank = Min(RankAt(fold, at - 1), fold->held.rank);

	if (one_down)
		rank = Max(rank, fold->held.rank - 1);
	if (rank == fold->held.rank)
		Hold(fold, at, rank, TIER_REASON_RENEWED, true);
	else
		Hold(fold, at, rank, one_down ? TIER_REASON_ONE_DOWN : TIER_REASON_REQUALIFY, true);
}

static bool
HasGrace(const TierTerms *terms)
{
	return terms->grace.month != 0 || terms->grace.day != 0 || terms->grace.time != 0;
}

/* Let everything happen that time does up to a moment. */
static void
PassTime(Fold *fold, TimestampTz moment)
{
	for (;;)
	{
		TimestampTz next = fold->in_grace ? fold->grace_end : fold->held.until;

		if (next > moment)
			return;
		CHECK_FOR_INTERRUPTS();
		if (fold->in_grace || !HasGrace(fold->terms))
			Downgrade(fold, next);
		else if (RankAt(fold, next - 1) >= fold->held.rank)
			Hold(fold, next, fold->held.rank, TIER_REASON_RENEWED, true);
		else
			BeginGrace(fold);
	}
}

/* Rows came: the basis may take a customer up, or back out of grace. */
static void
TakeRows(Fold *fold, TimestampTz at)
{
	int rank = RankAt(fold, at);

	if (rank > fold->held.rank)
		Hold(fold, at, rank, TIER_REASON_UPGRADE, false);
	else if (fold->in_grace && rank == fold->held.rank)
		Hold(fold, at, rank, TIER_REASON_RENEWED, false);
}

/*
 * What a customer holds at a moment, by his rows up to it; each thing that
 * happened on the way is told to the listener, if there is one.
 */
void
CsTierFold(const TierTerms *terms, const TierLedger *ledger, TimestampTz as_of, TierListener listener,
		   void *context, TierOutcome *outcome)
{
	Fold fold = {.terms = terms,
				 .scheme = CsTermsScheme(terms),
				 .zone = CsTermsZone(terms),
				 .row = ledger->row,
				 .listener = listener,
				 .context = context};

	fold.held.until = DT_NOEND;
	while (fold.hi < ledger->rows && ledger->row[fold.hi].at <= as_of)
	{
		TimestampTz at = ledger->row[fold.hi].at;

		CHECK_FOR_INTERRUPTS();
		PassTime(&fold, at);
		while (fold.hi < ledger->rows && ledger->row[fold.hi].at == at)
			CountRow(&fold, &ledger->row[fold.hi++], 1);
		TakeRows(&fold, at);
	}
	PassTime(&fold, as_of);
	outcome->held = fold.held;
	outcome->basis = BasisAt(&fold, as_of);
	outcome->changes_at = fold.in_grace ? fold.grace_end : fold.held.until;
}
