/*
 * kind.c
 *		The kinds of rules, all of them.
 */
#include "postgres.h"

#include "rule/rule.h"

static const CsRuleKind *const Families[] = {CsOrderKinds, CsServiceKinds, CsContactKinds, CsTotalKinds};

/* A kind by its name; NULL if there is none. */
const CsRuleKind *
CsFindRuleKind(const char *name)
{
	int i;
	const CsRuleKind *kind;

	for (i = 0; i < lengthof(Families); i++)
		for (kind = Families[i]; kind->name != NULL; kind++)
			if (strcmp(kind->name, name) == 0)
				return kind;
	return NULL;
}

/* All kinds, for a hint. */
const char *
CsKnownKinds(void)
{
	StringInfoData known;
	int i;
	const CsRuleKind *kind;

	initStringInfo(&known);
	for (i = 0; i < lengthof(Families); i++)
		for (kind = Families[i]; kind->name != NULL; kind++)
			appendStringInfo(&known, "%s%s", known.len > 0 ? ", " : "Kinds are ", kind->name);
	appendStringInfoChar(&known, '.');
	return known.data;
}
