\echo Use "CREATE EXTENSION customer_scoring" to load this file. \quit

-- Plain CREATE SCHEMA on purpose: a schema somebody prepared under one of these
-- names makes the installation fail instead of being trusted.
CREATE SCHEMA customer_scoring;
COMMENT ON SCHEMA customer_scoring IS 'Customer scores: RFM, surveys, segment tables (extension customer_scoring)';
GRANT USAGE ON SCHEMA customer_scoring TO PUBLIC;

CREATE SCHEMA customer_scoring_internal;
COMMENT ON SCHEMA customer_scoring_internal IS 'State and logs of the extension customer_scoring: not for direct use';

