/*
 * key_version.c
 *		What keys of texts depend on, so that keys made before can be told apart.
 */
#include "postgres.h"

#include <unicode/uchar.h>

#include "fmgr.h"
#include "utils/builtins.h"

#include "core/compat.h"
#include "text/identity.h"

PG_FUNCTION_INFO_V1(cs_text_key_version);

/*
 * text_key_version(): rules of this library, Unicode, ICU, and a fingerprint of
 * the words and regions. It says what the keys before it in the same row were
 * made with: it does not look for changes itself.
 */
Datum
cs_text_key_version(PG_FUNCTION_ARGS)
{
	UVersionInfo version;
	char icu[U_MAX_VERSION_STRING_LENGTH];
	char unicode[U_MAX_VERSION_STRING_LENGTH];
	uint64 print = CsNameWordsPrint() * 31 + CsPhoneRegionsPrint();

	u_getVersion(version);
	u_versionToString(version, icu);
	u_getUnicodeVersion(version);
	u_versionToString(version, unicode);
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("%d unicode %s icu %s words %08x", CS_KEY_RULES, unicode, icu,
											  (uint32) (print ^ (print >> 32)))));
}
