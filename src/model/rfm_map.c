/*
 * rfm_map.c
 *		rfm_map: rules that name the segment of each RFM cell.
 *
 * A map is written 'bins 5: champions r5 fm4-5, loyal r3-4 fm4-5, …': a number
 * of bins and *rules*, best segment first. A rule names a segment and gives a
 * range for any of the *axes* r, f, m and fm; an axis left out means any score.
 * A cell that no rule matches is a *gap*, one that rules of several segments
 * match an *overlap*. A map with either can be stored and looked into, but names
 * no segment: whether it is complete is found out once, when the value is made.
 *
 * Values are allocated in the current memory context; nothing outlives a call.
 */
#include "postgres.h"

#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "core/check.h"
#include "core/compat.h"
#include "model/rfm_map.h"

static const char MapName[] = "rfm_map";

PG_FUNCTION_INFO_V1(cs_rfm_map_in);
PG_FUNCTION_INFO_V1(cs_rfm_map_out);
PG_FUNCTION_INFO_V1(cs_rfm_map_recv);
PG_FUNCTION_INFO_V1(cs_rfm_map_send);

static const char *const AxisNames[RFM_AXES] = {"r", "f", "m", "fm"};

/* The maps known by a word: each with the usual names and 5 bins. */
static const struct
{
	const char *name;
	const char *text;
} BuiltIn[] = {
	{"rfm11", "bins 5: champions r5 fm4-5, loyal r3-4 fm4-5, potential_loyalist r4-5 fm2-3, new r5 fm1, "
			  "promising r4 fm1, need_attention r3 fm3, about_to_sleep r3 fm1-2, at_risk r1-2 fm3-4, "
			  "cant_lose r1-2 fm5, hibernating r2 fm1-2, hibernating r1 fm2, lost r1 fm1"},
	{"rf10", "bins 5: champions r5 f4-5, loyal r3-4 f4-5, potential_loyalist r4-5 f2-3, new r5 f1, "
			 "promising r4 f1, need_attention r3 f3, about_to_sleep r3 f1-2, at_risk r1-2 f3-4, "
			 "cant_lose r1-2 f5, hibernating r1-2 f1-2"},
};

/* A map being made, of text or of a binary value. */
typedef struct MapDraft
{
	int bins;
	int rules;
	int segments;
	RfmMapRule rule[RFM_MAP_MAX_RULES];
	const char *name[RFM_MAP_MAX_RULES]; /* a segment each */
} MapDraft;

/* A text being read; a word starts at .. at + length. */
typedef struct MapReader
{
	const char *text;
	const char *at;
	int length;
} MapReader;

/* ---- what a map may hold ---- */

/* The axis a word begins with, RFM_AXES if none; the cursor moves behind it. */
static int
FindAxis(const char **cursor)
{
	int letters = strspn(*cursor, "rfm");
	int axis = 0;

	while (axis < RFM_AXES &&
		   (letters != strlen(AxisNames[axis]) || strncmp(*cursor, AxisNames[axis], letters) != 0))
		axis++;
	*cursor += letters;
	return axis;
}

/* Whether a word can be taken for a range of an axis, such as r5 or fm4-5. */
static bool
LooksLikeAxis(const char *word)
{
	return FindAxis(&word) < RFM_AXES && *word != '\0' && word[strspn(word, "0123456789-")] == '\0';
}

/*
 * What is wrong with a segment's name, or NULL. Names are plain identifiers, so
 * that they need no quotes anywhere; a name that reads as an axis would hide
 * that a rule has no name; prospect is what a customer without an order is.
 */
static const char *
NameFault(const char *name)
{
	size_t length = strlen(name);

	if (LooksLikeAxis(name))
		return "A rule starts with the name of a segment, not with an axis";
	if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != length || length == 0 ||
		(name[0] >= '0' && name[0] <= '9'))
		return "A segment name is made of lower-case letters, digits and underscores, and starts with no "
			   "digit";
	if (length > RFM_MAP_MAX_NAME)
		return "A segment name has at most 63 characters";
	if (strcmp(name, "prospect") == 0)
		return "The name prospect is reserved for customers without an order";
	return NULL;
}

/* What is wrong with one range of a rule, or NULL. */
static const char *
RangeFault(RfmRange range, int bins)
{
	if (range.low < 1 || range.high > bins)
		return "A score is between 1 and the number of bins";
	if (range.low > range.high)
		return "A range starts with its lower score";
	return NULL;
}

/* What is wrong with ranges that are right one by one, or NULL. */
static const char *
RuleFault(const RfmRange *axis)
{
	if (axis[RFM_AXIS_FM].low > CsRfmFm(axis[RFM_AXIS_F].high, axis[RFM_AXIS_M].high) ||
		axis[RFM_AXIS_FM].high < CsRfmFm(axis[RFM_AXIS_F].low, axis[RFM_AXIS_M].low))
		return "No cell is within all ranges of the rule";
	return NULL;
}

/* Add a checked rule; its segment is a new one if the name is. */
static void
AddRule(MapDraft *draft, const char *name, const RfmRange *axis)
{
	RfmMapRule *rule = &draft->rule[draft->rules++];
	int segment = 0;

	while (segment < draft->segments && strcmp(draft->name[segment], name) != 0)
		segment++;
	if (segment == draft->segments)
		draft->name[draft->segments++] = name;
	rule->segment = segment;
	memcpy(rule->axis, axis, sizeof(rule->axis));
}

/* Offsets of the names, counted from the first name. */
static inline const uint16 *
NameOffsets(const RfmMap *map)
{
	return (const uint16 *) (map->rule + map->rules);
}

/* The stored value of a draft. */
static RfmMap *
MakeMap(const MapDraft *draft)
{
	Size head = offsetof(RfmMap, rule) + draft->rules * sizeof(RfmMapRule) + draft->segments * sizeof(uint16);
	Size size = head;
	RfmMap *map;
	uint16 *offset;
	char *names;
	uint16 *cells;
	Size ncells;
	Size i;

	for (i = 0; i < draft->segments; i++)
		size += strlen(draft->name[i]) + 1;
	map = palloc0(size);
	SET_VARSIZE(map, size);
	map->version = RFM_MAP_VERSION;
	map->bins = draft->bins;
	map->rules = draft->rules;
	map->segments = draft->segments;
	memcpy(map->rule, draft->rule, draft->rules * sizeof(RfmMapRule));

	offset = (uint16 *) NameOffsets(map);
	names = (char *) map + head;
	size = 0;
	for (i = 0; i < draft->segments; i++)
	{
		offset[i] = size;
		strcpy(names + size, draft->name[i]);
		size += strlen(draft->name[i]) + 1;
	}

	cells = CsRfmMapCells(map);
	ncells = (Size) map->bins * map->bins * map->bins;
	map->complete = true;
	for (i = 0; map->complete && i < ncells; i++)
		map->complete = cells[i] != RFM_CELL_GAP && cells[i] != RFM_CELL_OVERLAP;
	pfree(cells);
	return map;
}

/* ---- text form ---- */

/*
 * A literal that cannot be read: the reason, and where. The text around is cut
 * between characters, whatever the encoding.
 */
static void
BadMap(const MapReader *reader, const char *reason)
{
	int position = pg_mbstrlen_with_len(reader->text, reader->at - reader->text) + 1;
	int shown = pg_mbcliplen(reader->at, strlen(reader->at), 30);

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION), errmsg("invalid input for type %s", MapName),
			 *reader->at == '\0'
				 ? errdetail("%s: found the end of the text.", reason)
				 : errdetail("%s: found \"%.*s\" at character %d.", reason, shown, reader->at, position),
			 errhint("Write 'rfm11', 'rf10', or rules such as 'bins 5: champions r4-5 fm4-5, others r1-3, "
					 "others r4-5 fm1-3'.")));
}

/* Step over the last word and white space to the next word, comma or colon. */
static void
NextWord(MapReader *reader)
{
	reader->at += reader->length;
	reader->at += strspn(reader->at, " \t\r\n\f\v");
	reader->length = strcspn(reader->at, " \t\r\n\f\v,:");
}

/* Step over a comma or colon, which must be there. */
static void
NextSign(MapReader *reader, char sign, const char *reason)
{
	if (*reader->at != sign)
		BadMap(reader, reason);
	reader->length = 1;
	NextWord(reader);
}

static bool
WordIs(const MapReader *reader, const char *word)
{
	return reader->length == strlen(word) && strncmp(reader->at, word, reader->length) == 0;
}

/* Up to three digits at the cursor, which moves on; -1 when there is none. */
static int
ReadNumber(const char **cursor)
{
	int value = -1;
	int digits;

	for (digits = 0; digits < 3 && **cursor >= '0' && **cursor <= '9'; digits++)
		value = Max(value, 0) * 10 + *(*cursor)++ - '0';
	return value;
}

/* The number of bins that opens the text: "bins 5:". */
static int
ReadBins(MapReader *reader)
{
	const char *cursor;
	int bins;

	NextWord(reader);
	if (!WordIs(reader, "bins"))
		BadMap(reader, "A map starts with the word bins");
	NextWord(reader);
	cursor = reader->at;
	bins = ReadNumber(&cursor);
	if (cursor != reader->at + reader->length || bins < CS_MIN_BINS || bins > CS_MAX_BINS)
		BadMap(reader, psprintf("The number of bins is between %d and %d", CS_MIN_BINS, CS_MAX_BINS));
	NextWord(reader);
	NextSign(reader, ':', "The number of bins is followed by a colon");
	return bins;
}

/* Read a word such as r5 or fm4-5 into its place among the ranges of a rule. */
static void
ReadAxis(MapReader *reader, int bins, RfmRange *axis, bool *given)
{
	const char *end = reader->at + reader->length;
	const char *cursor = reader->at;
	int found = FindAxis(&cursor);
	int low;
	int high;
	const char *fault;

	low = ReadNumber(&cursor);
	high = low;
	if (*cursor == '-')
	{
		cursor++;
		high = ReadNumber(&cursor);
	}
	if (found == RFM_AXES || low < 0 || high < 0 || cursor != end)
		BadMap(reader, "An axis is r, f, m or fm with a score or a range of scores, such as r5 or fm4-5");
	if (given[found])
		BadMap(reader, "A rule names an axis once");
	given[found] = true;
	axis[found].low = Min(low, PG_UINT8_MAX);
	axis[found].high = Min(high, PG_UINT8_MAX);
	fault = RangeFault(axis[found], bins);
	if (fault != NULL)
		BadMap(reader, fault);
}

/* Read one rule: the name of a segment and its axes, up to a comma or the end. */
static void
ReadRule(MapReader *reader, MapDraft *draft)
{
	MapReader start = *reader;
	RfmRange axis[RFM_AXES];
	bool given[RFM_AXES] = {false};
	char *name = pnstrdup(reader->at, reader->length);
	const char *fault = NameFault(name);
	int i;

	if (fault != NULL)
		BadMap(reader, fault);
	if (draft->rules == RFM_MAP_MAX_RULES)
		BadMap(reader, psprintf("A map has at most %d rules", RFM_MAP_MAX_RULES));
	for (i = 0; i < RFM_AXES; i++)
	{
		axis[i].low = 1;
		axis[i].high = draft->bins;
	}
	NextWord(reader);
	while (reader->length > 0)
	{
		ReadAxis(reader, draft->bins, axis, given);
		NextWord(reader);
	}
	fault = RuleFault(axis);
	if (fault != NULL)
		BadMap(&start, fault);
	AddRule(draft, name, axis);
}

/* The text itself, or the rules of the built-in map it names. */
static const char *
ExpandBuiltIn(const char *text)
{
	MapReader reader = {text, text, 0};
	MapReader rest;
	int i;

	NextWord(&reader);
	rest = reader;
	NextWord(&rest);
	for (i = 0; i < lengthof(BuiltIn); i++)
		if (*rest.at == '\0' && WordIs(&reader, BuiltIn[i].name))
			return BuiltIn[i].text;
	return text;
}

Datum
cs_rfm_map_in(PG_FUNCTION_ARGS)
{
	const char *text = ExpandBuiltIn(PG_GETARG_CSTRING(0));
	MapReader reader = {text, text, 0};
	MapDraft *draft = palloc(sizeof(MapDraft));

	draft->rules = 0;
	draft->segments = 0;
	draft->bins = ReadBins(&reader);
	ReadRule(&reader, draft);
	while (*reader.at != '\0')
	{
		NextSign(&reader, ',', "Rules are parted by commas");
		ReadRule(&reader, draft);
	}
	PG_RETURN_POINTER(MakeMap(draft));
}

/* The rules as stored; an axis that means any score is left out. */
Datum
cs_rfm_map_out(PG_FUNCTION_ARGS)
{
	const RfmMap *map = PG_GETARG_RFM_MAP(0);
	StringInfoData out;
	int i;
	int axis;

	initStringInfo(&out);
	appendStringInfo(&out, "bins %d:", map->bins);
	for (i = 0; i < map->rules; i++)
	{
		const RfmMapRule *rule = &map->rule[i];

		appendStringInfo(&out, "%s %s", i > 0 ? "," : "", CsRfmSegmentName(map, rule->segment));
		for (axis = 0; axis < RFM_AXES; axis++)
		{
			RfmRange range = rule->axis[axis];

			if (range.low == 1 && range.high == map->bins)
				continue;
			appendStringInfo(&out, " %s%d", AxisNames[axis], range.low);
			if (range.high > range.low)
				appendStringInfo(&out, "-%d", range.high);
		}
	}
	PG_RETURN_CSTRING(out.data);
}

/* ---- binary form: version, bins, number of rules; a rule is its name and four ranges ---- */

Datum
cs_rfm_map_recv(PG_FUNCTION_ARGS)
{
	StringInfo buf = (StringInfo) PG_GETARG_POINTER(0);
	MapDraft *draft = palloc(sizeof(MapDraft));
	int rules;
	int i;

	CsCheckVersion(MapName, pq_getmsgint(buf, 2), RFM_MAP_VERSION);
	draft->rules = 0;
	draft->segments = 0;
	draft->bins = pq_getmsgint(buf, 2);
	rules = pq_getmsgint(buf, 2);
	if (draft->bins < CS_MIN_BINS || draft->bins > CS_MAX_BINS)
		CsBadBinary(MapName, "The number of bins is out of range.");
	if (rules < 1 || rules > RFM_MAP_MAX_RULES)
		CsBadBinary(MapName, "The number of rules is out of range.");
	while (draft->rules < rules)
	{
		int length = pq_getmsgbyte(buf);
		char *name = pnstrdup(pq_getmsgbytes(buf, length), length);
		RfmRange axis[RFM_AXES];
		const char *fault = strlen(name) == length ? NameFault(name) : "A name holds a zero byte";

		for (i = 0; i < RFM_AXES; i++)
		{
			axis[i].low = pq_getmsgbyte(buf);
			axis[i].high = pq_getmsgbyte(buf);
			if (fault == NULL)
				fault = RangeFault(axis[i], draft->bins);
		}
		if (fault == NULL)
			fault = RuleFault(axis);
		if (fault != NULL)
			CsBadBinary(MapName, psprintf("Rule %d: %s.", draft->rules + 1, fault));
		AddRule(draft, name, axis);
	}
	PG_RETURN_POINTER(MakeMap(draft));
}

Datum
cs_rfm_map_send(PG_FUNCTION_ARGS)
{
	const RfmMap *map = PG_GETARG_RFM_MAP(0);
	StringInfoData buf;
	int i;
	int axis;

	pq_begintypsend(&buf);
	pq_sendint16(&buf, map->version);
	pq_sendint16(&buf, map->bins);
	pq_sendint16(&buf, map->rules);
	for (i = 0; i < map->rules; i++)
	{
		const char *name = CsRfmSegmentName(map, map->rule[i].segment);

		pq_sendint8(&buf, strlen(name));
		pq_sendbytes(&buf, name, strlen(name));
		for (axis = 0; axis < RFM_AXES; axis++)
		{
			pq_sendint8(&buf, map->rule[i].axis[axis].low);
			pq_sendint8(&buf, map->rule[i].axis[axis].high);
		}
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/* ---- for other C code ---- */

/* A map that was stored or handed over, refused when another version wrote it. */
const RfmMap *
CsGetRfmMap(Datum value)
{
	const RfmMap *map = (const RfmMap *) PG_DETOAST_DATUM(value);

	CsCheckVersion(MapName, map->version, RFM_MAP_VERSION);
	return map;
}

/* The name of a segment, part of the map's memory. */
const char *
CsRfmSegmentName(const RfmMap *map, int segment)
{
	const uint16 *offset = NameOffsets(map);

	Assert(segment >= 0 && segment < map->segments);
	return (const char *) (offset + map->segments) + offset[segment];
}

/* The segment of a cell. Only for a complete map, and scores within its bins. */
int
CsRfmMapSegment(const RfmMap *map, int r, int f, int m)
{
	int i;

	Assert(map->complete);
	for (i = 0; i < map->rules; i++)
		if (CsRfmRuleMatches(&map->rule[i], r, f, m))
			return map->rule[i].segment;
	elog(ERROR, "rfm_map has no segment for cell %d-%d-%d", r, f, m);
}

/*
 * The segment of every cell, or RFM_CELL_GAP or RFM_CELL_OVERLAP; cells run
 * through m fastest, then f, then r. At most 2 MB.
 */
uint16 *
CsRfmMapCells(const RfmMap *map)
{
	int bins = map->bins;
	Size size = (Size) bins * bins * bins * sizeof(uint16);
	uint16 *cells = palloc(size);
	int i;
	int r;
	int f;
	int m;

	memset(cells, 0xFF, size);
	for (i = 0; i < map->rules; i++)
	{
		const RfmMapRule *rule = &map->rule[i];
		const RfmRange *axis = rule->axis;

		for (r = axis[RFM_AXIS_R].low; r <= axis[RFM_AXIS_R].high; r++)
		{
			CHECK_FOR_INTERRUPTS();
			for (f = axis[RFM_AXIS_F].low; f <= axis[RFM_AXIS_F].high; f++)
				for (m = axis[RFM_AXIS_M].low; m <= axis[RFM_AXIS_M].high; m++)
				{
					uint16 *cell = &cells[((r - 1) * bins + f - 1) * bins + m - 1];

					if (CsRfmFm(f, m) < axis[RFM_AXIS_FM].low || CsRfmFm(f, m) > axis[RFM_AXIS_FM].high ||
						*cell == rule->segment)
						continue;
					*cell = *cell == RFM_CELL_GAP ? rule->segment : RFM_CELL_OVERLAP;
				}
		}
	}
	return cells;
}

/* Name the first few cells of a kind, and how many there are. */
static void
ListCells(StringInfo out, const RfmMap *map, const uint16 *cells, uint16 kind, const char *what)
{
	CsRfmScore score = {.bins = map->bins};
	int n = 0;

	for (score.r = 1; score.r <= map->bins; score.r++)
		for (score.f = 1; score.f <= map->bins; score.f++)
			for (score.m = 1; score.m <= map->bins; score.m++)
			{
				if (*cells++ != kind || ++n > 5)
					continue;
				if (n == 1)
					appendStringInfo(out, "%s%s", out->len > 0 ? " " : "", what);
				appendStringInfoString(out, n == 1 ? " " : ", ");
				CsRfmCellText(out, &score);
			}
	if (n > 5)
		appendStringInfo(out, " and %d more", n - 5);
	if (n > 0)
		appendStringInfoChar(out, '.');
}

/* Refuse a map that does not say for every cell what its segment is. */
void
CsRequireRfmMap(const RfmMap *map)
{
	uint16 *cells;
	StringInfoData detail;

	if (map->complete)
		return;
	cells = CsRfmMapCells(map);
	initStringInfo(&detail);
	ListCells(&detail, map, cells, RFM_CELL_GAP, "Cells without a segment:");
	ListCells(&detail, map, cells, RFM_CELL_OVERLAP, "Cells with several segments:");
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("the rfm_map does not give every cell exactly one segment"),
					errdetail_internal("%s", detail.data),
					errhint("SELECT * FROM customer_scoring.check_rfm_map(map) lists all of them with the "
							"segments that claim them.")));
}

/* A map speaks about scores with its own number of bins only. */
void
CsRequireRfmMapBins(const RfmMap *map, int bins)
{
	if (map->bins != bins)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the score has %d bins, but the rfm_map has %d", bins, map->bins),
						errhint("Score with %d bins, or use a map that starts with \"bins %d:\".", map->bins,
								bins)));
}
