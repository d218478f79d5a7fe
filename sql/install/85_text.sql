
-- text/: texts, by ICU

CREATE FUNCTION customer_scoring.icu_version(OUT built text, OUT running text, OUT unicode text)
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_icu_version';
COMMENT ON FUNCTION customer_scoring.icu_version() IS
	'Versions of ICU: the one the extension was built with, the one that runs, and the Unicode that it knows';
