-- How often sentiment is right, on labelled comments. "tuning": failures were looked at while words were chosen, "held out":
-- they were not, "other trades": looked at once, after which words of many trades were added, "fresh": written after that.
SET search_path = public, customer_scoring;
\getenv abs_srcdir PG_ABS_SRCDIR
\set id :abs_srcdir '/test/data/sentiment_id.csv'
\set en :abs_srcdir '/test/data/sentiment_en.csv'
CREATE TEMP TABLE labelled (language text DEFAULT 'id', number int, part text, expected text, comment text);
COPY labelled (number, part, expected, comment) FROM :'id' (FORMAT csv, HEADER);
ALTER TABLE labelled ALTER language SET DEFAULT 'en';
COPY labelled (number, part, expected, comment) FROM :'en' (FORMAT csv, HEADER);
CREATE TEMP VIEW judged AS SELECT *, sentiment_bucket(sentiment(comment)) AS given FROM labelled;

-- percent_of_given: of those that were given an opinion
SELECT language, part, count(*) AS comments, round(100.0 * count(*) FILTER (WHERE given = expected) / count(*), 1) AS percent_right,
       round(100.0 * count(*) FILTER (WHERE given = expected AND given <> 'neutral') / count(*) FILTER (WHERE given <> 'neutral'), 1) AS percent_of_given
FROM judged GROUP BY language, part ORDER BY language, min(number);
-- what was expected against what was given
SELECT language, part, expected, count(*) FILTER (WHERE given = 'negative') AS negative, count(*) FILTER (WHERE given = 'neutral') AS neutral, count(*) FILTER (WHERE given = 'positive') AS positive
FROM judged GROUP BY language, part, expected ORDER BY language, min(min(number)) OVER (PARTITION BY language, part), expected;
-- the failures by name
SELECT language, number, expected, given, comment FROM judged WHERE given <> expected ORDER BY language, number;
