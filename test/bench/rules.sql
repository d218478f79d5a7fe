-- rules.sql: what rules cost a writer, beside PL/pgSQL that does the same.
--
-- Variables: scale, empty (the library of empty_trigger.c). Six tables alike are
-- written to in turn; costs are those a trigger adds to the table without one.
-- Of all accounts 2 in 100 are key accounts and 10 in 100 above the lowest tier.

CREATE TABLE account_order (customer_id integer, ordered_at timestamptz, amount numeric(12, 2));
INSERT INTO account_order SELECT i, timestamptz '2024-06-01' + i % 100 * interval '1 hour', CASE WHEN i % 10 = 3 THEN 900 ELSE 90 END
FROM generate_series(1, greatest(1000, (1000000 * :scale)::integer)) i;
SELECT create_segment_table('account', 'account_order', time_zone => 'UTC', breaks => 'frozen');
INSERT INTO tier_policy (name, scheme, basis, segment_table, period, time_zone) VALUES ('bench', 'bronze 0, silver 500, gold 2000', 'spend', 'account', 'lifetime', 'UTC');
SELECT alter_segment_table('account', tiers => 'bench');
SELECT refresh_segment_table('account', '2024-08-01');
INSERT INTO key_account (customer, valid_from) SELECT customer_id, '2024-01-01' FROM account WHERE customer_id % 50 = 0;
INSERT INTO account_manager (customer, manager, valid_from) SELECT customer, 'm', '2024-01-01' FROM key_account;
VACUUM ANALYZE account, key_account, account_manager;

CREATE TABLE written (customer_id integer NOT NULL, ordered_at timestamptz NOT NULL, amount numeric(12, 2) NOT NULL, discount numeric(5, 2), promised_at timestamptz, status text);
CREATE TABLE ruled (LIKE written);
CREATE TABLE looked_up (LIKE written);
CREATE TABLE scripted (LIKE written);
CREATE TABLE idle (LIKE written);
CREATE TABLE emptied (LIKE written);

-- Four rules with look-ups; where they do not apply, nothing is looked up.
INSERT INTO account_rule_set (name, target, segment_table, time_zone, columns)
SELECT name, name::regclass, 'account', 'UTC', '{"customer": "customer_id"}' FROM unnest(ARRAY['ruled', 'looked_up', 'idle']) name;
INSERT INTO account_rule (rule_set, name, kind, parameters, applies_to, waived_for)
SELECT s.name, r.name, r.kind, r.parameters::jsonb, CASE WHEN s.name = 'idle' THEN '{"fields": {"status": ["held"]}}'::jsonb END, r.waived_for::jsonb
FROM account_rule_set s, (VALUES
	('minimum', 'min_order', '{"minimum": 50}', '{"key_accounts": true}'),
	('manager', 'manager_required', '{}', NULL),
	('discount', 'discount_ceiling', '{"ceiling": 5, "by_tier": {"silver": 10, "gold": 20}}', NULL),
	('promise', 'promise_lead_time', '{"lead_time": "2 days"}', '{"tiers": ["gold"]}')) r (name, kind, parameters, waived_for);
CREATE TRIGGER rules BEFORE INSERT OR UPDATE ON ruled FOR EACH ROW EXECUTE FUNCTION enforce_account_rules('ruled');
CREATE TRIGGER rules BEFORE INSERT OR UPDATE ON looked_up FOR EACH ROW EXECUTE FUNCTION enforce_account_rules('looked_up');
CREATE TRIGGER rules BEFORE INSERT OR UPDATE ON idle FOR EACH ROW EXECUTE FUNCTION enforce_account_rules('idle');

-- The same in PL/pgSQL: each rule asks what it has to know.
CREATE FUNCTION scripted() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	held text;
BEGIN
	IF new.amount < 50 AND NOT EXISTS (SELECT FROM key_account k WHERE k.customer = new.customer_id::text AND k.valid_from <= now() AND (k.valid_until IS NULL OR k.valid_until > now())) THEN
		RAISE EXCEPTION 'minimum';
	END IF;
	IF EXISTS (SELECT FROM key_account k WHERE k.customer = new.customer_id::text AND k.valid_from <= now() AND (k.valid_until IS NULL OR k.valid_until > now()))
	   AND NOT EXISTS (SELECT FROM account_manager k WHERE k.customer = new.customer_id::text AND k.valid_from <= now() AND (k.valid_until IS NULL OR k.valid_until > now())) THEN
		RAISE EXCEPTION 'manager';
	END IF;
	SELECT a.tier INTO held FROM account a WHERE a.customer_id = new.customer_id;
	IF new.discount > (CASE held WHEN 'gold' THEN 20 WHEN 'silver' THEN 10 ELSE 5 END) THEN
		RAISE EXCEPTION 'discount';
	END IF;
	SELECT a.tier INTO held FROM account a WHERE a.customer_id = new.customer_id;
	IF held IS DISTINCT FROM 'gold' AND new.promised_at < new.ordered_at + interval '2 days' THEN
		RAISE EXCEPTION 'promise';
	END IF;
	RETURN new;
END $$;
CREATE TRIGGER rules BEFORE INSERT OR UPDATE ON scripted FOR EACH ROW EXECUTE FUNCTION scripted();
CREATE FUNCTION bench.empty_trigger() RETURNS trigger LANGUAGE c AS :'empty', 'empty_trigger';
CREATE TRIGGER rules BEFORE INSERT OR UPDATE ON emptied FOR EACH ROW EXECUTE FUNCTION bench.empty_trigger();

-- Rows that all rules let pass: what is small comes from key accounts, half a per cent has a silver discount.
CREATE TABLE offered (LIKE written);
INSERT INTO offered SELECT customer_id, '2024-08-01', CASE WHEN customer_id % 50 = 0 THEN 20 ELSE 120.50 END, CASE WHEN tier_rank > 1 THEN 8 ELSE 5 END, '2024-08-05', 'open'
FROM (SELECT customer_id, tier_rank FROM account ORDER BY hashint4(customer_id) LIMIT greatest(1000, (200000 * :scale)::integer)) a;
VACUUM ANALYZE offered;
SET customer_scoring.rule_cache_size = '8MB';

CREATE PROCEDURE bench.compare_rules() LANGUAGE plpgsql AS $$
DECLARE
	tables text[] := ARRAY['written', 'ruled', 'scripted', 'idle', 'emptied', 'looked_up'];
	began double precision;
	cost double precision[];
BEGIN
	FOR round IN 0 .. (SELECT rounds FROM bench.setting) LOOP
		FOR i IN 1 .. 6 LOOP
			PERFORM set_config('customer_scoring.rule_cache_size', CASE WHEN tables[i] = 'looked_up' THEN '64kB' ELSE '8MB' END, false);
			-- the statement is planned, and what it looks up is in memory
			EXECUTE format('INSERT INTO %I SELECT * FROM offered LIMIT 10', tables[i]);
			EXECUTE format('TRUNCATE %I', tables[i]);
			COMMIT;
			began := bench.cpu();
			EXECUTE format('INSERT INTO %I SELECT * FROM offered', tables[i]);
			COMMIT;
			cost[i] := bench.cpu() - began;
		END LOOP;
		IF round > 0 THEN
			INSERT INTO bench.timing VALUES
				('four rules in a bulk insert, beside PL/pgSQL', 15, round, cost[2] - cost[1], cost[3] - cost[1]),
				('the same with look-ups by index', NULL, round, cost[6] - cost[1], cost[3] - cost[1]),
				('rules that do not apply, beside an empty C trigger', 0.33, round, cost[4] - cost[1], cost[5] - cost[1]);
			COMMIT;
		END IF;
	END LOOP;
END $$;
CALL bench.compare_rules();
SELECT bench.check_equal('rules', (SELECT count(*) FROM ((TABLE written EXCEPT ALL TABLE ruled) UNION ALL (TABLE ruled EXCEPT ALL TABLE written)
	UNION ALL (TABLE written EXCEPT ALL TABLE scripted) UNION ALL (TABLE written EXCEPT ALL TABLE looked_up)) d));

-- The first row after an account changed, which loads the accounts anew, beside the next row.
CREATE PROCEDURE bench.compare_first_row() LANGUAGE plpgsql AS $$
DECLARE
	began double precision;
	first_ms double precision;
BEGIN
	FOR round IN 0 .. (SELECT rounds FROM bench.setting) LOOP
		UPDATE key_account SET note = round WHERE customer = '50';
		COMMIT;
		began := bench.cpu();
		INSERT INTO ruled SELECT * FROM offered LIMIT 1;
		first_ms := bench.cpu() - began;
		COMMIT;
		began := bench.cpu();
		INSERT INTO ruled SELECT * FROM offered LIMIT 1;
		IF round > 0 THEN
			INSERT INTO bench.timing VALUES ('the first row after a change of accounts, beside the next', NULL, round, first_ms, bench.cpu() - began);
		END IF;
		COMMIT;
	END LOOP;
END $$;
CALL bench.compare_first_row();

-- Portions of 100 single rows, as prepared statements of a client, into one table after the other.
CREATE TABLE bench.rule_mark (place integer GENERATED ALWAYS AS IDENTITY, cpu double precision);
SELECT string_agg(E'INSERT INTO bench.rule_mark (cpu) VALUES (bench.cpu());\n'
	|| repeat(format(E'\\set customer random(1, %s)\nINSERT INTO %s VALUES (:customer, ''2024-08-01'', 120.50, 5, ''2024-08-05'', ''open'');\n', customers, name), 100), '' ORDER BY place)
	|| 'INSERT INTO bench.rule_mark (cpu) VALUES (bench.cpu());'
FROM unnest(ARRAY['written', 'ruled', 'scripted', 'idle', 'emptied']) WITH ORDINALITY t (name, place), (SELECT max(customer_id) AS customers FROM account) c
\g (format=unaligned tuples_only=on) |pgbench -n -M prepared -t $((40 * ROUNDS + 1)) -f - >/dev/null
INSERT INTO bench.timing
SELECT job, goal, portion, cpu[ours + 1] - cpu[ours] - (cpu[2] - cpu[1]), cpu[alternative + 1] - cpu[alternative] - (cpu[2] - cpu[1])
FROM (SELECT (place - 1) / 6 AS portion, array_agg(cpu ORDER BY place) AS cpu FROM bench.rule_mark GROUP BY 1) p,
     (VALUES ('four rules, single rows, beside PL/pgSQL', 15, 2, 3), ('rules that do not apply, single rows, beside an empty C trigger', NULL, 4, 5)) j (job, goal, ours, alternative)
WHERE portion > 0;

DROP TABLE written, ruled, looked_up, scripted, idle, emptied, offered;
DELETE FROM account_rule_set;
SELECT drop_segment_table('account');
DROP TABLE account_order;
