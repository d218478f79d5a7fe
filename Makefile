# customer_scoring: build with PGXS.
#
#   make && make install     build and install into the PostgreSQL of PG_CONFIG
#   make installcheck        SQL and isolation tests against a running server
#   make demo test bench     throwaway cluster in a private folder; see README
#   make lint                layout and static checks

EXTENSION = customer_scoring
EXTVERSION = $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" customer_scoring.control)

MODULE_big = customer_scoring
OBJS = $(sort $(patsubst %.c,%.o,$(wildcard src/*.c src/*/*.c)))
PGFILEDESC = "customer_scoring - customer scores inside the database"

INSTALL_SQL = sql/customer_scoring--$(EXTVERSION).sql
DATA_built = $(INSTALL_SQL)
DOCS = README.md

# Tests in the order of the product: what is installed, each room, the whole.
REGRESS = install purchase_summary purchase_plans clv_summary clv_textbook clv_model rating_summary survey survey_overloads survey_plans \
	rfm_window rfm_model rfm_map pareto_class tier_scheme tier_fold rebate points tier_points key_account overloads \
	consent rule_kinds rule_bad rule_targets rule_totals rule_holds rule_ask \
	segment_table segment_capture segment_incremental segment_fallback segment_options segment_sources segment_more_sources segment_clv segment_tiers tier_policy segment_key_accounts segment_opt_out small_groups row_security \
	segment_security segment_status job_surface segment_history segment_leftovers segment_quality \
	name_key contact_keys duplicates label number_text feedback_tokens sentiment sentiment_quality sentiment_summary feedback_queue \
	privacy_register privacy_hostile privacy_erase privileges drop_extension bi_lint
ISOLATION = segment_readers segment_writers segment_refresh_twice segment_table_written \
	segment_isolation_levels segment_definition segment_verify segment_running segment_notify segment_leftovers \
	segment_capture_overlap segment_capture_waits segment_overflow segment_tiers \
	opt_out key_accounts points feedback rule_credit rule_limits rule_bulk_order rule_cache rule_consent rule_same_customer name_words privacy_erase
REGRESS_OPTS = --inputdir=.
ISOLATION_OPTS = --inputdir=test/isolation --outputdir=test/isolation
EXTRA_CLEAN = test/isolation/output_iso results regression.out regression.diffs

# Contraction would let a compiler fuse a*b+c, and scores differ between machines.
# Nobody replaces our functions one by one, so calls between them can be direct.
PG_CPPFLAGS = -I$(srcdir)/src -DCS_EXTVERSION=\"$(EXTVERSION)\"
PG_CFLAGS = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -ffp-contract=off \
	-fno-semantic-interposition
SHLIB_LINK += -lm $(ICU_LINK)

# ICU, for src/text.
ICU_LINK := $(or $(shell pkg-config --libs icu-i18n icu-uc 2>/dev/null),-licui18n -licuuc)
PG_CPPFLAGS += $(shell pkg-config --cflags icu-i18n icu-uc 2>/dev/null)

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

$(OBJS): $(wildcard src/*.h src/*/*.h)

$(INSTALL_SQL): $(sort $(wildcard sql/install/*.sql))
	cat $^ > $@

.PHONY: demo test bench lint
demo:
	@demo/run.sh

test:
	@test/run.sh

bench:
	@test/bench/run.sh

# Layout, and what the compiler does not look for.
lint:
	clang-format --dry-run -Werror src/*.c src/*/*.[ch] $(wildcard test/math/*.c)
	cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 --enable=warning,portability \
		--suppress=missingInclude --suppress=unknownMacro -I src src
