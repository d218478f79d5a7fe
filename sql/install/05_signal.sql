-- core/signal.c: telling sessions that what they remember may be out of date

CREATE FUNCTION customer_scoring.signal_accounts() RETURNS trigger
	LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'cs_signal_accounts';
COMMENT ON FUNCTION customer_scoring.signal_accounts() IS 'Trigger on segment tables: tells rules that customers may have changed';
