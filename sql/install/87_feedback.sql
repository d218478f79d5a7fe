-- text/: what customers write: tokens, sentiment, complaints

CREATE TABLE customer_scoring_internal.lexicon_signal ();
COMMENT ON TABLE customer_scoring_internal.lexicon_signal IS 'Tells sessions that words have changed; never has rows';

CREATE TABLE customer_scoring.sentiment_lexicon (
	word text COLLATE "C" NOT NULL,
	locale text,
	role text NOT NULL DEFAULT 'opinion',
	weight double precision NOT NULL DEFAULT 0,
	stands_for text COLLATE "C",
	shipped boolean NOT NULL DEFAULT false,
	PRIMARY KEY (word, shipped),
	CONSTRAINT sentiment_lexicon_role CHECK (role IN ('opinion', 'emoticon', 'negator', 'intensifier', 'contrast', 'concession', 'variant')),
	CONSTRAINT sentiment_lexicon_weight CHECK (CASE role WHEN 'opinion' THEN weight BETWEEN -1 AND 1 WHEN 'emoticon' THEN weight BETWEEN -1 AND 1
		WHEN 'negator' THEN weight BETWEEN -1 AND 0 WHEN 'intensifier' THEN weight BETWEEN 0 AND 2 WHEN 'contrast' THEN weight BETWEEN 0 AND 1
		WHEN 'concession' THEN weight BETWEEN 0 AND 1 ELSE weight = 0 END),
	CONSTRAINT sentiment_lexicon_stands_for CHECK ((role = 'variant') = (stands_for IS NOT NULL))
);
COMMENT ON TABLE customer_scoring.sentiment_lexicon IS 'Words that sentiment knows: those that were shipped, and yours, which count instead';
COMMENT ON COLUMN customer_scoring.sentiment_lexicon.word IS 'Word, phrase of at most six words, or emoticon, in the form of feedback_tokens';
COMMENT ON COLUMN customer_scoring.sentiment_lexicon.locale IS 'Language it belongs to, for readers: a comment is read in all languages at once';
COMMENT ON COLUMN customer_scoring.sentiment_lexicon.role IS 'opinion, emoticon, negator, intensifier, contrast, concession, or variant: another spelling';
COMMENT ON COLUMN customer_scoring.sentiment_lexicon.weight IS 'Of opinions and emoticons -1 to 1; else what an opinion is multiplied by';
COMMENT ON COLUMN customer_scoring.sentiment_lexicon.stands_for IS 'Of variants: the word that is meant';
COMMENT ON COLUMN customer_scoring.sentiment_lexicon.shipped IS 'Whether it came with the extension, and stays as it is';
SELECT pg_catalog.pg_extension_config_dump('customer_scoring.sentiment_lexicon', 'WHERE NOT shipped');

CREATE TABLE customer_scoring.complaint_lexicon (
	category text COLLATE "C" NOT NULL,
	word text COLLATE "C" NOT NULL,
	locale text,
	applies boolean NOT NULL DEFAULT true,
	shipped boolean NOT NULL DEFAULT false,
	PRIMARY KEY (category, word, shipped),
	CONSTRAINT complaint_lexicon_category CHECK (category <> '')
);
COMMENT ON TABLE customer_scoring.complaint_lexicon IS 'Words by which complaint_categories knows what a comment is about: those that were shipped, and yours';
COMMENT ON COLUMN customer_scoring.complaint_lexicon.category IS 'Category of complaints';
COMMENT ON COLUMN customer_scoring.complaint_lexicon.word IS 'Word or phrase of at most six words, in the form of feedback_tokens';
COMMENT ON COLUMN customer_scoring.complaint_lexicon.locale IS 'Language it belongs to, for readers: a comment is read in all languages at once';
COMMENT ON COLUMN customer_scoring.complaint_lexicon.applies IS 'false in a row of yours takes a word out that was shipped';
COMMENT ON COLUMN customer_scoring.complaint_lexicon.shipped IS 'Whether it came with the extension, and stays as it is';
SELECT pg_catalog.pg_extension_config_dump('customer_scoring.complaint_lexicon', 'WHERE NOT shipped');

GRANT SELECT ON customer_scoring.sentiment_lexicon, customer_scoring.complaint_lexicon TO PUBLIC;
GRANT INSERT, UPDATE, DELETE ON customer_scoring.sentiment_lexicon, customer_scoring.complaint_lexicon TO pg_database_owner;

CREATE FUNCTION customer_scoring_internal.check_lexicon() RETURNS trigger
	LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'cs_check_lexicon';
CREATE FUNCTION customer_scoring_internal.signal_lexicon() RETURNS trigger
	LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'cs_signal_lexicon';

CREATE TRIGGER check_lexicon BEFORE INSERT OR UPDATE OR DELETE ON customer_scoring.sentiment_lexicon
	FOR EACH ROW EXECUTE FUNCTION customer_scoring_internal.check_lexicon();
CREATE TRIGGER check_lexicon BEFORE INSERT OR UPDATE OR DELETE ON customer_scoring.complaint_lexicon
	FOR EACH ROW EXECUTE FUNCTION customer_scoring_internal.check_lexicon();
CREATE TRIGGER customer_scoring_signal AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON customer_scoring.sentiment_lexicon
	FOR EACH STATEMENT EXECUTE FUNCTION customer_scoring_internal.signal_lexicon();
ALTER TABLE customer_scoring.sentiment_lexicon ENABLE ALWAYS TRIGGER customer_scoring_signal;
CREATE TRIGGER customer_scoring_signal AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON customer_scoring.complaint_lexicon
	FOR EACH STATEMENT EXECUTE FUNCTION customer_scoring_internal.signal_lexicon();
ALTER TABLE customer_scoring.complaint_lexicon ENABLE ALWAYS TRIGGER customer_scoring_signal;

CREATE FUNCTION customer_scoring.feedback_tokens(comment text, locale text DEFAULT 'id') RETURNS text[]
	LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_feedback_tokens';
COMMENT ON FUNCTION customer_scoring.feedback_tokens(text, text) IS
	'Words, amounts, emoticons and addresses of a comment, in their order and in one normal form';
CREATE FUNCTION customer_scoring.sentiment(comment text) RETURNS double precision
	LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_sentiment';
COMMENT ON FUNCTION customer_scoring.sentiment(text) IS
	'Opinion of a comment by the words of sentiment_lexicon: from -1, bad, to 1, good; 0 without an opinion';
CREATE FUNCTION customer_scoring.sentiment_words(comment text)
	RETURNS TABLE (word text, weight double precision, negated boolean, intensified boolean)
	LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_sentiment_words';
COMMENT ON FUNCTION customer_scoring.sentiment_words(text) IS
	'The words that sentiment counts, in their order: sentiment is s / sqrt(s * s + 1) of the sum s of their weights';
CREATE FUNCTION customer_scoring.complaint_categories(comment text) RETURNS text[]
	LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_complaint_categories';
COMMENT ON FUNCTION customer_scoring.complaint_categories(text) IS
	'What a comment is about, by the words of complaint_lexicon: the category with most words first; empty without any';

-- summary/sentiment.c: sentiment_summary

CREATE TYPE customer_scoring.sentiment_summary;

CREATE FUNCTION customer_scoring_internal.sentiment_summary_in(cstring) RETURNS customer_scoring.sentiment_summary
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_sentiment_summary_in';
CREATE FUNCTION customer_scoring_internal.sentiment_summary_out(customer_scoring.sentiment_summary) RETURNS cstring
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_sentiment_summary_out';
CREATE FUNCTION customer_scoring_internal.sentiment_summary_recv(internal) RETURNS customer_scoring.sentiment_summary
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_sentiment_summary_recv';
CREATE FUNCTION customer_scoring_internal.sentiment_summary_send(customer_scoring.sentiment_summary) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_sentiment_summary_send';

CREATE TYPE customer_scoring.sentiment_summary (
	INPUT = customer_scoring_internal.sentiment_summary_in,
	OUTPUT = customer_scoring_internal.sentiment_summary_out,
	RECEIVE = customer_scoring_internal.sentiment_summary_recv,
	SEND = customer_scoring_internal.sentiment_summary_send,
	INTERNALLENGTH = 40,
	ALIGNMENT = double,
	STORAGE = plain
);
COMMENT ON TYPE customer_scoring.sentiment_summary IS
	'How many comments are negative, neutral and positive, and the exact sum of their sentiments; mergeable with rollup';

CREATE FUNCTION customer_scoring_internal.sentiment_accum(customer_scoring.sentiment_summary, double precision) RETURNS customer_scoring.sentiment_summary
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_sentiment_accum';
CREATE FUNCTION customer_scoring_internal.sentiment_combine(customer_scoring.sentiment_summary, customer_scoring.sentiment_summary) RETURNS customer_scoring.sentiment_summary
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_sentiment_combine';
CREATE AGGREGATE customer_scoring.sentiment_summary(sentiment double precision) (
	SFUNC = customer_scoring_internal.sentiment_accum, STYPE = customer_scoring.sentiment_summary, SSPACE = 40,
	COMBINEFUNC = customer_scoring_internal.sentiment_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.sentiment_summary(double precision) IS 'Summary of sentiments from -1 to 1; NULL is skipped';
CREATE AGGREGATE customer_scoring.rollup(summary customer_scoring.sentiment_summary) (
	SFUNC = customer_scoring_internal.sentiment_combine, STYPE = customer_scoring.sentiment_summary, SSPACE = 40,
	COMBINEFUNC = customer_scoring_internal.sentiment_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE customer_scoring.rollup(customer_scoring.sentiment_summary) IS 'Merge summaries of different comments';

CREATE FUNCTION customer_scoring.sentiment_bucket(sentiment double precision) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_sentiment_bucket';
COMMENT ON FUNCTION customer_scoring.sentiment_bucket(double precision) IS 'positive from 0.1 up, negative from -0.1 down, neutral between';
CREATE FUNCTION customer_scoring.comments(summary customer_scoring.sentiment_summary) RETURNS bigint
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_sentiment_comments';
COMMENT ON FUNCTION customer_scoring.comments(customer_scoring.sentiment_summary) IS 'Number of comments';
CREATE FUNCTION customer_scoring.average_sentiment(summary customer_scoring.sentiment_summary) RETURNS double precision
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_sentiment_average';
COMMENT ON FUNCTION customer_scoring.average_sentiment(customer_scoring.sentiment_summary) IS 'Mean sentiment, -1 to 1; NULL without comments';
CREATE FUNCTION customer_scoring.positive(summary customer_scoring.sentiment_summary) RETURNS bigint
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_sentiment_positive';
COMMENT ON FUNCTION customer_scoring.positive(customer_scoring.sentiment_summary) IS 'Number of comments with a sentiment from 0.1 up';
CREATE FUNCTION customer_scoring.neutral(summary customer_scoring.sentiment_summary) RETURNS bigint
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_sentiment_neutral';
COMMENT ON FUNCTION customer_scoring.neutral(customer_scoring.sentiment_summary) IS 'Number of comments with a sentiment between -0.1 and 0.1';
CREATE FUNCTION customer_scoring.negative(summary customer_scoring.sentiment_summary) RETURNS bigint
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_sentiment_negative';
COMMENT ON FUNCTION customer_scoring.negative(customer_scoring.sentiment_summary) IS 'Number of comments with a sentiment from -0.1 down';
