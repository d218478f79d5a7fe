/*
 * quality_option.c
 *		The option quality of a segment table: what it must be.
 *
 * The option is a JSON object that names columns, kept as it was given; nothing
 * is kept of one that names none. Its columns are looked up when it is given,
 * and again by each refresh, which goes on without them when they are gone.
 */
#include "postgres.h"

#include "access/relation.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "core/compat.h"
#include "segment/kind.h"
#include "segment/quality.h"

#define QUALITY_HINT                                                                                       \
	"It is true, false, or an object with some of the keys \"currency\" and \"order_id\", columns of the " \
	"orders, \"name\", \"email\", \"phone\" and \"birth_date\", columns of the source \"customers\", and " \
	"\"region\", for example {\"currency\": \"currency\"}."

static void
BadQuality(const char *problem)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("option \"quality\" %s", problem),
					errhint(QUALITY_HINT)));
}

const char *const CsPersonKeys[4] = {"name", "email", "phone", "birth_date"};

/* Where the option keeps the value of a key. */
static char **
ValueOfKey(QualityOption *option, const char *key)
{
	int i;

	if (strcmp(key, "currency") == 0)
		return &option->currency;
	if (strcmp(key, "order_id") == 0)
		return &option->order_id;
	if (strcmp(key, "region") == 0)
		return &option->region;
	for (i = 0; i < lengthof(CsPersonKeys); i++)
		if (strcmp(key, CsPersonKeys[i]) == 0)
			return &option->person[i];
	BadQuality(psprintf("has an unknown key \"%s\"", key));
	return NULL;
}

/* The option from JSON; NULL for what it is by default. */
QualityOption *
CsParseQuality(Jsonb *given)
{
	QualityOption *option = palloc0(sizeof(QualityOption));
	JsonbIterator *iterator;
	JsonbValue value;
	int persons = 0;
	int i;

	if (given == NULL)
		return option;
	if (JB_ROOT_IS_SCALAR(given) && JsonbExtractScalar(&given->root, &value) && value.type == jbvBool)
	{
		option->off = !value.val.boolean;
		option->given = option->off ? given : NULL;
		return option;
	}
	if (!JB_ROOT_IS_OBJECT(given))
		BadQuality("is neither true, false nor a JSON object");
	if (JB_ROOT_COUNT(given) == 0)
		return option;
	option->given = given;
	iterator = JsonbIteratorInit(&given->root);
	(void) JsonbIteratorNext(&iterator, &value, true);
	while (JsonbIteratorNext(&iterator, &value, true) == WJB_KEY)
	{
		char *key = pnstrdup(value.val.string.val, value.val.string.len);
		char **text = ValueOfKey(option, key);

		(void) JsonbIteratorNext(&iterator, &value, true);
		if (value.type != jbvString)
			BadQuality(psprintf("has something else than a text for \"%s\"", key));
		*text = pnstrdup(value.val.string.val, value.val.string.len);
	}
	for (i = 0; i < lengthof(CsPersonKeys); i++)
		persons += option->person[i] != NULL;
	if (persons == 1)
		BadQuality("names one column to tell persons by, which is too few: it takes two to agree");
	return option;
}

/*
 * The columns that the option names are read too: which they are, and that one
 * is gone, has everybody looked at anew.
 */
void
CsReadQualityColumns(SegmentSource *source, const SegmentDefinition *definition, Relation relation)
{
	const char *names[] = {definition->quality->currency, definition->quality->order_id};
	int i;

	for (i = 0; i < lengthof(names); i++)
	{
		SourceColumn column = {.attnum = InvalidAttrNumber};

		if (names[i] == NULL)
			continue;
		column.attnum = get_attnum(RelationGetRelid(relation), names[i]);
		if (column.attnum > 0)
			get_atttypetypmodcoll(RelationGetRelid(relation), column.attnum, &column.declared,
								  &column.declared_typmod, &column.collation);
		CsReadColumn(source, &column);
	}
}

/* A column that the option names must be there. */
static SourceColumn
CheckColumn(Relation relation, const char *name, const char *key)
{
	return CsFindColumn(relation, name,
						psprintf("Name the column with the key \"%s\" of the option \"quality\" of "
								 "customer_scoring.create_segment_table or alter_segment_table.",
								 key));
}

/* The columns of the orders. */
static void
CheckOrders(const SegmentDefinition *definition)
{
	const QualityOption *option = definition->quality;
	Relation relation = CsOpenSourceRelation(
		definition->source_schema, definition->source_name, definition->table,
		"Create it again, or call customer_scoring.alter_segment_table with another one.");

	if (option->currency != NULL)
		(void) CheckColumn(relation, option->currency, "currency");
	if (option->order_id != NULL)
	{
		SourceColumn column = CheckColumn(relation, option->order_id, "order_id");

		if (CsEqualityOperator(column.type) == NULL)
			BadQuality(psprintf("names column \"%s\", whose type %s cannot be compared", option->order_id,
								format_type_be(column.declared)));
	}
	relation_close(relation, NoLock);
}

/* The columns of the customers, once there is such a source. */
static void
CheckCustomers(const SegmentDefinition *definition, const OtherDefinition *customers)
{
	const QualityOption *option = definition->quality;
	Relation relation = CsOpenSourceRelation(
		customers->source_schema, customers->source_name, definition->table,
		"Create it again, or call customer_scoring.drop_segment_source.");
	int i;

	for (i = 0; i < lengthof(CsPersonKeys); i++)
		if (option->person[i] != NULL)
			(void) CheckColumn(relation, option->person[i], CsPersonKeys[i]);
	relation_close(relation, NoLock);
}

/* Check what the option names, with the rights of the segment table's owner. */
void
CsCheckQuality(const SegmentDefinition *definition)
{
	CsIdentity saved;
	ListCell *cell;

	CsActAsOwner(&saved, definition);
	CheckOrders(definition);
	foreach (cell, definition->others)
	{
		const OtherDefinition *other = lfirst(cell);

		if (strcmp(other->kind->name, "customers") == 0)
			CheckCustomers(definition, other);
	}
	CsResume(&saved);
}
