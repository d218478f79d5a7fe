
-- worker/: what refreshes segment tables unattended

CREATE FUNCTION customer_scoring.scheduler_running() RETURNS boolean
	AS 'MODULE_PATHNAME', 'cs_scheduler_running' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION customer_scoring.scheduler_running() IS
	'Whether the launcher that refreshes segment tables by schedule is alive and switched on in this cluster; false without shared_preload_libraries';
