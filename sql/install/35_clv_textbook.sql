-- model/clv_textbook.c: customer lifetime value by the formulas of textbooks

CREATE FUNCTION customer_scoring.clv_historic(revenue numeric, margin numeric DEFAULT 1, acquisition_cost numeric DEFAULT 0, service_cost numeric DEFAULT 0)
	RETURNS numeric
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_historic';
COMMENT ON FUNCTION customer_scoring.clv_historic(numeric, numeric, numeric, numeric) IS
	'What a customer has been worth: revenue * margin - acquisition_cost - service_cost';
CREATE FUNCTION customer_scoring.clv_lifespan(average_order_value numeric, orders_per_period numeric, lifetime numeric, margin numeric DEFAULT 1,
		acquisition_cost numeric DEFAULT 0, service_cost numeric DEFAULT 0) RETURNS numeric
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_lifespan';
COMMENT ON FUNCTION customer_scoring.clv_lifespan(numeric, numeric, numeric, numeric, numeric, numeric) IS
	'Value of a lifetime of equal periods: average_order_value * orders_per_period * lifetime * margin - acquisition_cost - service_cost * lifetime';
CREATE FUNCTION customer_scoring.clv_simple(margin numeric, retention numeric, discount numeric, acquisition_cost numeric DEFAULT 0) RETURNS numeric
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_simple';
COMMENT ON FUNCTION customer_scoring.clv_simple(numeric, numeric, numeric, numeric) IS
	'Value of a subscriber whose first margin comes a period from now: margin * retention / (1 + discount - retention) - acquisition_cost';
CREATE FUNCTION customer_scoring.clv_simple_due(margin numeric, retention numeric, discount numeric, acquisition_cost numeric DEFAULT 0) RETURNS numeric
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_clv_simple_due';
COMMENT ON FUNCTION customer_scoring.clv_simple_due(numeric, numeric, numeric, numeric) IS
	'Value of a subscriber whose first margin comes now: margin * (1 + discount) / (1 + discount - retention) - acquisition_cost';
