-- segment/: segment tables

-- Settings. Dumped with the database and readable by all, so nothing private is here.
CREATE TABLE customer_scoring.segment_table_definition (
	segment_table regclass PRIMARY KEY,
	current_view regclass NOT NULL,
	overview_view regclass NOT NULL,
	source_schema name NOT NULL,
	source_name name NOT NULL,
	customer name NOT NULL,
	ordered_at name NOT NULL,
	amount name NOT NULL,
	only_values jsonb,
	lookback interval,
	time_zone text NOT NULL,
	money_scale integer,
	segment_map customer_scoring.rfm_map NOT NULL,
	row_security boolean NOT NULL,
	refresh_every interval,
	next_refresh_at timestamptz,
	as_of timestamptz,
	breaks text NOT NULL,
	frozen_breaks customer_scoring.rfm_model,
	history boolean NOT NULL DEFAULT false,
	keep_history interval,
	history_table regclass,
	snapshot_table regclass,
	migration_view regclass,
	clv jsonb,
	tiers text,
	suppress_below integer,
	quality jsonb
);
COMMENT ON TABLE customer_scoring.segment_table_definition IS 'Settings of segment tables; change them with alter_segment_table';
COMMENT ON COLUMN customer_scoring.segment_table_definition.segment_table IS 'The segment table';
COMMENT ON COLUMN customer_scoring.segment_table_definition.current_view IS 'Its view with what moves with the day';
COMMENT ON COLUMN customer_scoring.segment_table_definition.overview_view IS 'Its view with a row a segment';
COMMENT ON COLUMN customer_scoring.segment_table_definition.source_schema IS 'Schema of the source: the source is bound by name, so that it may be swapped';
COMMENT ON COLUMN customer_scoring.segment_table_definition.source_name IS 'Name of the source table or view';
COMMENT ON COLUMN customer_scoring.segment_table_definition.customer IS 'Source column with the customer';
COMMENT ON COLUMN customer_scoring.segment_table_definition.ordered_at IS 'Source column with the time of the order';
COMMENT ON COLUMN customer_scoring.segment_table_definition.amount IS 'Source column with the amount';
COMMENT ON COLUMN customer_scoring.segment_table_definition.only_values IS 'Source column to allowed values; NULL for all rows';
COMMENT ON COLUMN customer_scoring.segment_table_definition.lookback IS 'Only orders of this length of time before as_of; NULL for all';
COMMENT ON COLUMN customer_scoring.segment_table_definition.time_zone IS 'Zone in which days are counted and times without zone are read';
COMMENT ON COLUMN customer_scoring.segment_table_definition.money_scale IS 'Decimals of money columns; NULL for those of the source column, else 2';
COMMENT ON COLUMN customer_scoring.segment_table_definition.segment_map IS 'Map from scores to segments';
COMMENT ON COLUMN customer_scoring.segment_table_definition.row_security IS 'Whether a source with row-level security was asked for, read with the rights of the owner';
COMMENT ON COLUMN customer_scoring.segment_table_definition.refresh_every IS 'Time between refreshes by a worker; NULL for by hand';
COMMENT ON COLUMN customer_scoring.segment_table_definition.next_refresh_at IS 'Moment that anchors the schedule; NULL to count from the last refresh';
COMMENT ON COLUMN customer_scoring.segment_table_definition.as_of IS 'Moment the rows are about; NULL before the first refresh';
COMMENT ON COLUMN customer_scoring.segment_table_definition.breaks IS 'each_refresh, or frozen: whether breaks of scores are found anew';
COMMENT ON COLUMN customer_scoring.segment_table_definition.frozen_breaks IS 'Breaks that are frozen; NULL when they are not (yet)';
COMMENT ON COLUMN customer_scoring.segment_table_definition.history IS 'Whether moves and daily snapshots are written';
COMMENT ON COLUMN customer_scoring.segment_table_definition.keep_history IS 'Time for which they are kept; NULL for ever';
COMMENT ON COLUMN customer_scoring.segment_table_definition.history_table IS 'Its table with a row a move; NULL when there is none';
COMMENT ON COLUMN customer_scoring.segment_table_definition.snapshot_table IS 'Its table with a row a day and segment; NULL when there is none';
COMMENT ON COLUMN customer_scoring.segment_table_definition.migration_view IS 'Its view of moves by day; NULL when there is none';
COMMENT ON COLUMN customer_scoring.segment_table_definition.clv IS 'Options of customer lifetime values, defaults left out; NULL without them';
COMMENT ON COLUMN customer_scoring.segment_table_definition.suppress_below IS 'Least customers of a segment whose figures its overview shows; NULL for any number';
COMMENT ON COLUMN customer_scoring.segment_table_definition.tiers IS 'The tier_policy of its customers'' tiers; NULL without them';
COMMENT ON COLUMN customer_scoring.segment_table_definition.quality IS 'Options of the data-quality report, see segment_table_quality: columns to look at, false for no report; NULL for what every table has';
GRANT SELECT ON customer_scoring.segment_table_definition TO PUBLIC;
-- a table that was dropped behind our back would be dumped as a number that means another table elsewhere
SELECT pg_catalog.pg_extension_config_dump('customer_scoring.segment_table_definition',
	'WHERE segment_table IN (SELECT c.oid FROM pg_catalog.pg_class c)');

-- Their sources besides the orders.
CREATE TABLE customer_scoring.segment_source_definition (
	segment_table regclass NOT NULL,
	kind text NOT NULL,
	source_schema name NOT NULL,
	source_name name NOT NULL,
	customer name NOT NULL,
	columns jsonb NOT NULL,
	position integer NOT NULL,
	PRIMARY KEY (segment_table, kind)
);
COMMENT ON TABLE customer_scoring.segment_source_definition IS 'Sources of segment tables besides their orders; change them with add_segment_source and drop_segment_source';
COMMENT ON COLUMN customer_scoring.segment_source_definition.segment_table IS 'The segment table';
COMMENT ON COLUMN customer_scoring.segment_source_definition.kind IS 'What the source holds: customers or ratings';
COMMENT ON COLUMN customer_scoring.segment_source_definition.source_schema IS 'Schema of the source: the source is bound by name, so that it may be swapped';
COMMENT ON COLUMN customer_scoring.segment_source_definition.source_name IS 'Name of the source table or view';
COMMENT ON COLUMN customer_scoring.segment_source_definition.customer IS 'Source column with the customer';
COMMENT ON COLUMN customer_scoring.segment_source_definition.columns IS 'Further source columns and numbers, as given';
COMMENT ON COLUMN customer_scoring.segment_source_definition.position IS 'Order in which sources were added, as their columns are';
GRANT SELECT ON customer_scoring.segment_source_definition TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('customer_scoring.segment_source_definition',
	'WHERE segment_table IN (SELECT c.oid FROM pg_catalog.pg_class c)');

-- What a refresh leaves behind for the next one; absent after a restore.
CREATE TABLE customer_scoring_internal.segment_state (
	segment_table regclass PRIMARY KEY,
	source regclass,
	source_columns text,
	coverage bytea,
	extension_version text,
	full_reason text,
	map_changed boolean NOT NULL DEFAULT false,
	settling boolean NOT NULL DEFAULT false,
	settle_before xid8,
	customers bigint NOT NULL DEFAULT 0,
	due_at timestamptz,
	requested_run_id bigint,
	refreshed_at timestamptz,
	last_run_id bigint,
	failures integer NOT NULL DEFAULT 0,
	broken text,
	clv_as_of timestamptz,
	clv_due_at timestamptz,
	clv_refit boolean NOT NULL DEFAULT false,
	clv_model_id bigint,
	clv_breaks numeric[],
	tier_terms customer_scoring.tier_terms
);
COMMENT ON TABLE customer_scoring_internal.segment_state IS 'State of segment tables';
COMMENT ON COLUMN customer_scoring_internal.segment_state.source IS 'Relation that was read last';
COMMENT ON COLUMN customer_scoring_internal.segment_state.source_columns IS 'Numbers and types of the columns that were read, those of other sources too';
COMMENT ON COLUMN customer_scoring_internal.segment_state.coverage IS 'What capture of changes hung by at the last refresh of everybody; NULL when there was none';
COMMENT ON COLUMN customer_scoring_internal.segment_state.extension_version IS 'Version of the extension that did that';
COMMENT ON COLUMN customer_scoring_internal.segment_state.full_reason IS 'Why the next refresh recomputes everybody; NULL when it need not';
COMMENT ON COLUMN customer_scoring_internal.segment_state.map_changed IS 'Whether the map was altered since';
COMMENT ON COLUMN customer_scoring_internal.segment_state.settling IS 'Whether transactions may be open that went unlogged';
COMMENT ON COLUMN customer_scoring_internal.segment_state.settle_before IS 'They began before this one; NULL when it is not known yet';
COMMENT ON COLUMN customer_scoring_internal.segment_state.customers IS 'Customers in the segment table';
COMMENT ON COLUMN customer_scoring_internal.segment_state.due_at IS 'When a worker has to look at the table; NULL for never';
COMMENT ON COLUMN customer_scoring_internal.segment_state.requested_run_id IS 'Run that was asked for and not started yet';
COMMENT ON COLUMN customer_scoring_internal.segment_state.refreshed_at IS 'End of the last successful refresh';
COMMENT ON COLUMN customer_scoring_internal.segment_state.last_run_id IS 'Run that recorded the last outcome';
COMMENT ON COLUMN customer_scoring_internal.segment_state.failures IS 'Runs started since the last success, for the back-off';
COMMENT ON COLUMN customer_scoring_internal.segment_state.broken IS 'Why the source cannot be read as defined; NULL when it can';
COMMENT ON COLUMN customer_scoring_internal.segment_state.clv_as_of IS 'Moment at which lifetime values of everybody were scored last';
COMMENT ON COLUMN customer_scoring_internal.segment_state.clv_due_at IS 'From when on they are to be scored again; NULL for at once';
COMMENT ON COLUMN customer_scoring_internal.segment_state.clv_model_id IS 'Model they are scored with; NULL when there is none';
COMMENT ON COLUMN customer_scoring_internal.segment_state.clv_refit IS 'Whether the model is to be fitted anew then, as it was to somebody who was erased';
COMMENT ON COLUMN customer_scoring_internal.segment_state.clv_breaks IS 'Lifetime values above which the second and each further band begins; NULL when there are none';
COMMENT ON COLUMN customer_scoring_internal.segment_state.tier_terms IS 'Terms that tiers of everybody were worked out with last; NULL without tiers';

-- A row a run. Whether an unfinished one is running is told by its lock.
CREATE TABLE customer_scoring_internal.segment_run (
	run_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	segment_table regclass NOT NULL,
	cause text NOT NULL,
	mode text,
	reason text,
	requested_at timestamptz,
	started_at timestamptz,
	finished_at timestamptz,
	as_of timestamptz,
	customers bigint,
	recomputed bigint,
	inserted bigint,
	updated bigint,
	deleted bigint,
	skipped_no_customer bigint,
	skipped_no_time bigint,
	skipped_no_amount bigint,
	skipped_not_finite bigint,
	skipped_future bigint,
	skipped_opted_out bigint,
	pid integer,
	error_code text,
	error_message text,
	error_detail text,
	error_hint text,
	batches integer,
	changes_left bigint,
	clv_report text,
	key_account_report text
);
COMMENT ON TABLE customer_scoring_internal.segment_run IS 'Runs of refreshes';
CREATE INDEX segment_run_table ON customer_scoring_internal.segment_run (segment_table, run_id);
COMMENT ON INDEX customer_scoring_internal.segment_run_table IS 'Runs of one table, latest last';

COMMENT ON SEQUENCE customer_scoring_internal.segment_run_run_id_seq IS 'Numbers of runs';

-- Who follows which source. Read by triggers, so it is only ever inserted into and deleted from.
CREATE TABLE customer_scoring_internal.segment_capture (
	segment_table oid NOT NULL,
	source oid NOT NULL,
	customer smallint NOT NULL,
	log oid NOT NULL
);
COMMENT ON TABLE customer_scoring_internal.segment_capture IS 'Sources whose changes are captured, a row for each segment table';
COMMENT ON COLUMN customer_scoring_internal.segment_capture.segment_table IS 'The segment table';
COMMENT ON COLUMN customer_scoring_internal.segment_capture.source IS 'The source';
COMMENT ON COLUMN customer_scoring_internal.segment_capture.customer IS 'Its column with the customer';
COMMENT ON COLUMN customer_scoring_internal.segment_capture.log IS 'The change log of the segment table';

CREATE UNLOGGED TABLE customer_scoring_internal.change_log_overflow (
	segment_table oid NOT NULL
);
COMMENT ON TABLE customer_scoring_internal.change_log_overflow IS 'Segment tables whose change log is full: everybody is to be recomputed';
COMMENT ON COLUMN customer_scoring_internal.change_log_overflow.segment_table IS 'The segment table';

-- Every model that a segment table was scored with.
CREATE TABLE customer_scoring_internal.segment_model (
	model_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	segment_table regclass NOT NULL,
	kind text NOT NULL,
	model text NOT NULL,
	run_id bigint NOT NULL,
	frozen boolean NOT NULL,
	as_of timestamptz NOT NULL,
	spend_model text,
	fingerprint text
);
COMMENT ON TABLE customer_scoring_internal.segment_model IS 'Models that segment tables were scored with';
COMMENT ON COLUMN customer_scoring_internal.segment_model.segment_table IS 'The segment table';
COMMENT ON COLUMN customer_scoring_internal.segment_model.kind IS 'rfm or clv';
COMMENT ON COLUMN customer_scoring_internal.segment_model.model IS 'An rfm_model, or a clv_model';
COMMENT ON COLUMN customer_scoring_internal.segment_model.run_id IS 'Run that found it';
COMMENT ON COLUMN customer_scoring_internal.segment_model.frozen IS 'Whether it stays until it is frozen anew';
COMMENT ON COLUMN customer_scoring_internal.segment_model.as_of IS 'Moment it is about';
COMMENT ON COLUMN customer_scoring_internal.segment_model.spend_model IS 'Of kind clv: a spend_model; NULL when nobody tells what is spent';
COMMENT ON COLUMN customer_scoring_internal.segment_model.fingerprint IS 'Of kind clv: of the data it was fitted to';
CREATE INDEX segment_model_table ON customer_scoring_internal.segment_model (segment_table, model_id);
COMMENT ON INDEX customer_scoring_internal.segment_model_table IS 'Models of one table, latest last';
COMMENT ON SEQUENCE customer_scoring_internal.segment_model_model_id_seq IS 'Numbers of models';
