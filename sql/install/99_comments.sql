-- Support functions are not called by users: what they support says what they are.
DO $$
DECLARE
	f regprocedure;
BEGIN
	FOR f IN SELECT p.oid FROM pg_catalog.pg_proc p
		WHERE p.pronamespace = 'customer_scoring_internal'::pg_catalog.regnamespace
		  AND pg_catalog.obj_description(p.oid, 'pg_proc') IS NULL
	LOOP
		EXECUTE pg_catalog.format('COMMENT ON FUNCTION %s IS ''Internal support function of customer_scoring''', f);
	END LOOP;
END
$$;
