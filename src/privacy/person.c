/*
 * person.c
 *		A customer's text as a value of a column, and what takes its place.
 *
 * Erasing and exporting name a customer by text, while columns hold customers of
 * any type with a default equality. The text is read as the type once, and the
 * column compared with the value, so that an index serves. A text that the type
 * would not write is nobody's: no two texts mean one customer of a type.
 *
 * A *pseudonym* is a random uuid: itself, its text, or a negative bigint made of
 * its bytes. All values are in the caller's memory.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

#include "core/attempt.h"
#include "core/compat.h"
#include "core/owner.h"
#include "privacy/person.h"
#include "segment/customer_text.h"
#include "segment/source.h"

/* A text to be read as a type. */
typedef struct Reading
{
	Oid type;
	const char *text;
	Datum value;
	char *written; /* the value, as the type writes it */
} Reading;

static void
Read(void *argument)
{
	Reading *reading = argument;
	Oid function;
	Oid ioparam;
	bool varlena;

	getTypeInputInfo(reading->type, &function, &ioparam);
	reading->value = OidInputFunctionCall(function, unconstify(char *, reading->text), ioparam, -1);
	getTypeOutputInfo(reading->type, &function, &varlena);
	reading->written = OidOutputFunctionCall(function, reading->value);
}

/* Read a text as a type. An error that lies in the text is no error: it returns false. */
static bool
Attempt(Reading *reading)
{
	ErrorData *error = CsAttempt(Read, reading);

	if (error != NULL && CsMustEnd(error))
		ReThrowError(error);
	return error == NULL;
}

/* A text as a value of a type; false if it is none. */
bool
CsReadAs(Oid type, const char *text, Datum *value)
{
	Reading reading = {.type = getBaseType(type), .text = text};

	if (!Attempt(&reading))
		return false;
	*value = reading.value;
	return true;
}

/*
 * A customer as a value of a type; false if none of that type has this text. How
 * the session writes dates and fractions is of no account.
 */
bool
CsPersonAs(Oid type, const text *customer, Datum *value)
{
	Reading reading = {.type = getBaseType(type)};
	bool found;
	int settings;

	if (CsIsText(type))
	{
		*value = PointerGetDatum(customer);
		return true;
	}
	if (CsHasTexts(reading.type))
		return CsCustomerOfText(reading.type, customer, value);
	reading.text = text_to_cstring(customer);
	settings = NewGUCNestLevel();
	CsPinSetting("DateStyle", "ISO");
	CsPinSetting("IntervalStyle", "postgres");
	CsPinSetting("extra_float_digits", "1");
	found = Attempt(&reading) && strcmp(reading.written, reading.text) == 0;
	AtEOXact_GUC(false, settings);
	*value = reading.value;
	return found;
}

/* SQL: whether a column of table t, of a type that CsEqualityOperator knows, holds the customer. */
char *
CsPersonCondition(const char *column, Oid type, int param)
{
	return psprintf("t.%s %s $%d", quote_identifier(column), CsEqualityOperator(getBaseType(type)), param);
}

void
CsMakePseudonym(CsPseudonym *pseudonym)
{
	pseudonym->uuid = *DatumGetUUIDP(OidFunctionCall0(F_GEN_RANDOM_UUID));
}

/* Whether a column has room for a pseudonym. */
bool
CsCanHoldPseudonym(Oid type, int32 typmod)
{
	type = getBaseTypeAndTypmod(type, &typmod);
	switch (type)
	{
		case TEXTOID:
		case UUIDOID:
		case INT8OID:
			return true;
		case VARCHAROID:
		case BPCHAROID:
			return typmod < (int32) VARHDRSZ || typmod - (int32) VARHDRSZ >= PSEUDONYM_LENGTH;
		default:
			return false;
	}
}

/* A pseudonym as a value of such a column. */
Datum
CsPseudonymAs(const CsPseudonym *pseudonym, Oid type)
{
	int64 number;
	char *written;

	switch (getBaseType(type))
	{
		case UUIDOID:
			return UUIDPGetDatum(&pseudonym->uuid);
		case INT8OID:
			/* below zero, where customers have no numbers as a rule; 62 bits of these are random */
			memcpy(&number, &pseudonym->uuid.data[8], sizeof(number));
			return Int64GetDatum(-1 - (number & PG_INT64_MAX));
		default:
			written = DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&pseudonym->uuid)));
			return CStringGetTextDatum(written);
	}
}
