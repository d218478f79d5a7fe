-- The extension installs, says what each object is for, and hides its internals.
CREATE EXTENSION customer_scoring;

-- every object has a comment
SELECT pg_describe_object(classid, objid, objsubid) AS without_comment
FROM pg_depend d
WHERE refclassid = 'pg_extension'::regclass
  AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'customer_scoring')
  AND deptype = 'e'
  AND obj_description(objid, (SELECT relname FROM pg_class WHERE oid = classid)) IS NULL
  AND NOT EXISTS (SELECT FROM pg_type t WHERE d.classid = 'pg_type'::regclass AND t.oid = d.objid
                  AND (t.typelem <> 0 OR t.typrelid <> 0))
ORDER BY 1;

-- no function runs with the rights of its owner, and none depends on search_path
SELECT p.oid::regprocedure
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname IN ('customer_scoring', 'customer_scoring_internal')
  AND (p.prosecdef OR (p.prolang NOT IN (SELECT oid FROM pg_language WHERE lanname IN ('c', 'internal')) AND p.prokind <> 'a'
                       AND p.proconfig IS NULL AND p.prosqlbody IS NULL));

-- names are fixed: installing twice or over a prepared schema is refused
CREATE EXTENSION customer_scoring;
DROP EXTENSION customer_scoring;
CREATE SCHEMA customer_scoring;
CREATE EXTENSION customer_scoring;
DROP SCHEMA customer_scoring;
CREATE SCHEMA customer_scoring_internal;
CREATE EXTENSION customer_scoring;
DROP SCHEMA customer_scoring_internal;
CREATE EXTENSION customer_scoring;

-- an ordinary role sees the product and not its internals
CREATE ROLE regress_cs_analyst;
SELECT has_schema_privilege('regress_cs_analyst', 'customer_scoring', 'USAGE') AS product,
       has_schema_privilege('regress_cs_analyst', 'customer_scoring_internal', 'USAGE') AS internals;
DROP ROLE regress_cs_analyst;
