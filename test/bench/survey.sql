-- survey.sql: NPS beside the formula people write, and beside a mere average.

SELECT bench.check_equal('nps', (
	SELECT count(*) FROM (
		SELECT nps(score) AS ours, 100.0 * (count(*) FILTER (WHERE score >= 9) - count(*) FILTER (WHERE score <= 6)) / count(score) AS formula
		FROM answers) n
	WHERE abs(ours - formula) > 1e-9 OR ours IS NULL));

CALL bench.compare('nps beside the formula', 1.2,
	'SELECT nps(score) FROM answers',
	'SELECT 100.0 * (count(*) FILTER (WHERE score >= 9) - count(*) FILTER (WHERE score <= 6)) / count(score) FROM answers',
	'Aggregate.*Seq Scan');
CALL bench.compare('nps beside avg', 1.0,
	'SELECT nps(score) FROM answers',
	'SELECT avg(score) FROM answers',
	'Aggregate.*Seq Scan');
