/*
 * customer_text.c
 *		Customers of segment tables by their texts.
 *
 * Tables about customers of any kind, like key_account, name a customer by the
 * text output of the key. Where keys are whole numbers or uuids, the text is
 * read back here, by the reading of sources and by the capture of changes alike.
 * Only what the type itself would write is a customer: ' 7', '07' and '+7' are
 * nobody's, so that two texts never mean one customer. Nothing here fails for a
 * text, however hostile: a writer of such a table knows nothing of segment
 * tables.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/int.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/uuid.h"

#include "core/compat.h"
#include "segment/customer_text.h"

PG_FUNCTION_INFO_V1(cs_segment_customer);

/* The most that a whole number takes: a sign and 19 digits. */
#define NUMBER_LENGTH 20

/* A uuid as it is written: 32 digits and four dashes. */
#define UUID_TEXT_LENGTH (2 * UUID_LEN + 4)

/* Whether a column of a type holds texts, and may name customers of other types. */
bool
CsIsText(Oid type)
{
	type = getBaseType(type);
	return type == TEXTOID || type == VARCHAROID;
}

/* Whether customers of a type, which is no domain, are found by their texts. */
bool
CsHasTexts(Oid key_type)
{
	return key_type == INT2OID || key_type == INT4OID || key_type == INT8OID || key_type == UUIDOID;
}

/* A whole number between two others, as it is written without spaces, zeros or a plus before it. */
static bool
ReadNumber(const char *digits, int length, int64 lowest, int64 highest, int64 *number)
{
	bool negative = length > 0 && digits[0] == '-';
	int first = negative ? 1 : 0;
	int i;

	if (length <= first || length > NUMBER_LENGTH)
		return false;
	if (digits[first] == '0' && length > 1)
		return false;
	*number = 0;
	for (i = first; i < length; i++)
	{
		if (digits[i] < '0' || digits[i] > '9')
			return false;
		/* downwards, where there is one more */
		if (pg_mul_s64_overflow(*number, 10, number) || pg_sub_s64_overflow(*number, digits[i] - '0', number))
			return false;
	}
	if (!negative && (*number == PG_INT64_MIN))
		return false;
	if (!negative)
		*number = -*number;
	return *number >= lowest && *number <= highest;
}

/* The value of a hexadecimal digit as a uuid is written, -1 for anything else. */
static int
Digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A uuid in small letters, with its dashes. */
static bool
ReadUuid(const char *digits, int length, pg_uuid_t *uuid)
{
	int place = 0;
	int i;

	if (length != UUID_TEXT_LENGTH)
		return false;
	for (i = 0; i < UUID_LEN; i++)
	{
		int high;
		int low;

		if ((i == 4 || i == 6 || i == 8 || i == 10) && digits[place++] != '-')
			return false;
		high = Digit(digits[place++]);
		low = Digit(digits[place++]);
		if (high < 0 || low < 0)
			return false;
		uuid->data[i] = high << 4 | low;
	}
	return true;
}

/* The customer that a text names, if it names one. */
bool
CsCustomerOfText(Oid key_type, const text *given, Datum *customer)
{
	const char *digits = VARDATA_ANY(given);
	int length = VARSIZE_ANY_EXHDR(given);
	pg_uuid_t uuid;
	int64 number;

	switch (key_type)
	{
		case INT2OID:
			if (!ReadNumber(digits, length, PG_INT16_MIN, PG_INT16_MAX, &number))
				return false;
			*customer = Int16GetDatum((int16) number);
			return true;
		case INT4OID:
			if (!ReadNumber(digits, length, PG_INT32_MIN, PG_INT32_MAX, &number))
				return false;
			*customer = Int32GetDatum((int32) number);
			return true;
		case INT8OID:
			if (!ReadNumber(digits, length, PG_INT64_MIN, PG_INT64_MAX, &number))
				return false;
			*customer = Int64GetDatum(number);
			return true;
		case UUIDOID:
			if (!ReadUuid(digits, length, &uuid))
				return false;
			*customer = UUIDPGetDatum(memcpy(palloc(sizeof(uuid)), &uuid, sizeof(uuid)));
			return true;
		default:
			return false;
	}
}

/*
 * segment_customer(customer, sample): the customer of the type of the second
 * argument that a text names; NULL when it names none.
 */
Datum
cs_segment_customer(PG_FUNCTION_ARGS)
{
	Oid type = get_fn_expr_argtype(fcinfo->flinfo, 1);
	Datum customer;

	if (!CsHasTexts(type))
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("customers of type %s are not read from texts",
							   OidIsValid(type) ? format_type_be(type) : "unknown"),
						errhint("The type is smallint, integer, bigint or uuid.")));
	if (PG_ARGISNULL(0) || !CsCustomerOfText(type, PG_GETARG_TEXT_PP(0), &customer))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(customer);
}
