# ingestd: `make help` says what there is. One Makefile, no recursion into directories; each variant
# builds into its own build/$(V)/, so they live side by side.

V ?= release
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
SBINDIR ?= $(PREFIX)/sbin
MANDIR ?= $(PREFIX)/share/man
BASH_COMPLETION_DIR ?= $(PREFIX)/share/bash-completion/completions
ZSH_COMPLETION_DIR ?= $(PREFIX)/share/zsh/site-functions
FISH_COMPLETION_DIR ?= $(PREFIX)/share/fish/vendor_completions.d
B := build/$(V)

# ---- flags ----

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wconversion
CFLAGS_release := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection
LDFLAGS_release := -pie -Wl,-z,relro,-z,now
CFLAGS_asan := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
LDFLAGS_asan := -pie -fsanitize=address,undefined
CFLAGS_tsan := -O1 -g -fno-omit-frame-pointer -fsanitize=thread
LDFLAGS_tsan := -pie -fsanitize=thread

# Needs clang; `make fuzz` uses it.
CFLAGS_fuzz := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=all
LDFLAGS_fuzz := -fsanitize=fuzzer,address,undefined

ifeq ($(filter release asan tsan fuzz,$(V)),)
$(error V=$(V) is not one of release, asan, tsan, fuzz)
endif
ifdef CI
WARNINGS += -Werror
endif

# Recursive variables: pkg-config may only be there after `make deps`.
COMMON_PKGS := libcjson libcrypto
DAEMON_PKGS := libevent_core libevent_pthreads sqlite3 libpq libcurl
PKG_CFLAGS = $(shell pkg-config --cflags $(COMMON_PKGS) $(DAEMON_PKGS))
COMMON_LIBS = $(shell pkg-config --libs $(COMMON_PKGS)) -lm
DAEMON_LIBS = $(shell pkg-config --libs $(DAEMON_PKGS))

ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -fPIE -pthread $(WARNINGS) $(CFLAGS_$(V)) $(CFLAGS) $(CPPFLAGS)
ALL_LDFLAGS = -pthread -Wl,--as-needed $(LDFLAGS_$(V)) $(LDFLAGS)

# Short lines unless VERBOSE=1; all cores unless a -j is given.
Q := $(if $(VERBOSE),,@)
say = $(if $(VERBOSE),,@printf '  %-5s %s\n' $(1) '$(2)')
PARALLEL := $(if $(findstring j,$(filter-out --%,$(MAKEFLAGS))),,-j$(shell nproc))

# ---- sources ----

COMMON_SRC := $(sort $(wildcard common/*.c))
DAEMON_SRC := $(sort $(wildcard daemon/*.c))
CLI_SRC := $(sort $(wildcard cli/*.c))
UNIT_SRC := $(sort $(wildcard tests/unit/test_*.c))
STORE_SRC := $(sort $(wildcard tests/store/*.c))
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))
SIM_SRC := $(sort $(wildcard tests/sim/*.c))
BENCH_SRC := $(sort $(wildcard tests/bench/*.c))
PRELOAD_SRC := $(sort $(wildcard tests/preload/*.c))
HANDLER_SRC := $(sort $(wildcard tests/postgres/*.c))
HTTP_TEST_SRC := $(sort $(wildcard tests/http/*.c))
HEADERS := $(sort $(wildcard common/*.h daemon/*.h cli/*.h tests/*/*.h))
C_FILES := $(COMMON_SRC) $(DAEMON_SRC) $(CLI_SRC) $(UNIT_SRC) $(STORE_SRC) $(SIM_SRC) $(BENCH_SRC) \
	$(PRELOAD_SRC) $(HANDLER_SRC) $(HTTP_TEST_SRC) $(FUZZ_SRC) $(HEADERS)
SHELL_FILES := $(sort $(wildcard .ci/* tests/*.sh tests/*/*.sh tests/*/*.bash tests/*/*.bats) tests/run tests/bench/run \
	tests/bench/postgres)

obj = $(patsubst %.c,$(B)/obj/%.o,$(1))
COMMON_OBJ := $(call obj,$(COMMON_SRC))
DAEMON_OBJ := $(call obj,$(DAEMON_SRC))
CLI_OBJ := $(call obj,$(CLI_SRC))
# What tests link: the whole daemon but main().
DAEMON_LIB_OBJ := $(filter-out $(B)/obj/daemon/main%.o,$(DAEMON_OBJ))
# Stores and helpers that several test programs share.
STORE_MEM_OBJ := $(call obj,$(sort $(wildcard tests/store/store_mem*.c)))
HTTP_TEST_OBJ := $(call obj,$(HTTP_TEST_SRC))

UNIT_BIN := $(patsubst tests/%.c,$(B)/tests/%,$(UNIT_SRC))
STORE_BIN := $(if $(STORE_SRC),$(B)/tests/store/test_store)
SIM_BIN := $(if $(SIM_SRC),$(B)/tests/sim/test_sim)
BENCH_BIN := $(patsubst tests/%.c,$(B)/tests/%,$(BENCH_SRC))
PRELOAD_BIN := $(patsubst tests/%.c,$(B)/tests/%.so,$(PRELOAD_SRC))
# Commands that batches are given to.
HANDLER_BIN := $(patsubst tests/%.c,$(B)/tests/%,$(HANDLER_SRC))
TEST_BIN := $(UNIT_BIN) $(STORE_BIN) $(SIM_BIN)

# ---- programs ----

.PHONY: all deps demo test test-postgres bench bench-postgres fuzz lint format asan tsan install uninstall clean help test-build
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

all: $(B)/ingestd $(B)/ingestctl

$(B)/ingestd: $(DAEMON_OBJ) $(COMMON_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(DAEMON_LIBS) $(COMMON_LIBS)

$(B)/ingestctl: $(CLI_OBJ) $(COMMON_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(COMMON_LIBS)

# Completion scripts, made from the option tables of the program.
COMPLETIONS := $(patsubst %,$(B)/completion/ingestctl.%,bash zsh fish)

$(COMPLETIONS): $(B)/completion/ingestctl.%: $(B)/ingestctl
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q)$(B)/ingestctl completion $* >$@

# The schemas, the description of the HTTP interface and its page are files for people and C strings for
# the compiler. A '?' is escaped, too: two of them may begin a trigraph.
$(B)/gen/%.h: %
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q)sed -e 's/[\\"?]/\\&/g' -e 's/.*/"&\\n"/' $< >$@

$(B)/obj/daemon/store_sqlite_schema.o: $(B)/gen/daemon/schema_sqlite.sql.h
$(B)/obj/daemon/store_postgres_schema.o: $(B)/gen/daemon/schema_postgres.sql.h
$(B)/obj/daemon/http_pages.o: $(B)/gen/daemon/openapi.json.h $(B)/gen/daemon/docs.html.h

# Objects are made again when the flags change.
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(ALL_CFLAGS)' | cmp -s - $@ || echo '$(CC) $(ALL_CFLAGS)' >$@
.PHONY: FORCE

$(B)/obj/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -iquote common $(INCLUDES) $(PKG_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/obj/daemon/%.o: INCLUDES = -iquote $(B)/gen/daemon
$(B)/obj/tests/%.o: INCLUDES = -iquote daemon -iquote tests/store -iquote tests/http -iquote tests/fuzz

# ---- test programs ----

TEST_LIBS = $(DAEMON_LIBS) $(COMMON_LIBS) $(shell pkg-config --libs cmocka)

$(UNIT_BIN): $(B)/tests/%: $(B)/obj/tests/%.o $(DAEMON_LIB_OBJ) $(COMMON_OBJ)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(TEST_LIBS)

$(B)/tests/unit/test_http_parser $(B)/tests/unit/test_fuzz_http: $(HTTP_TEST_OBJ)
$(B)/tests/unit/test_fuzz_http: $(B)/obj/tests/fuzz/fuzz_http.o
$(B)/tests/unit/test_fuzz: $(filter-out %/fuzz_http.o,$(call obj,$(FUZZ_SRC)))

$(STORE_BIN): $(call obj,$(STORE_SRC)) $(DAEMON_LIB_OBJ) $(COMMON_OBJ)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(TEST_LIBS)

$(SIM_BIN): $(call obj,$(SIM_SRC)) $(STORE_MEM_OBJ) $(DAEMON_LIB_OBJ) $(COMMON_OBJ)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(TEST_LIBS)

$(BENCH_BIN): $(B)/tests/%: $(B)/obj/tests/%.o $(DAEMON_LIB_OBJ) $(COMMON_OBJ)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(DAEMON_LIBS) $(COMMON_LIBS)

# A fuzzer calls fuzz_NAME(const uint8_t *, size_t) of tests/fuzz/fuzz_NAME.c.
$(B)/fuzz_%: $(B)/obj/tests/fuzz/fuzz_%.o $(HTTP_TEST_OBJ) $(DAEMON_LIB_OBJ) $(COMMON_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -Wl,--defsym=LLVMFuzzerTestOneInput=fuzz_$* -o $@ $^ \
	    $(DAEMON_LIBS) $(COMMON_LIBS)

# Preloaded libraries are never sanitized: they come before the runtime.
$(PRELOAD_BIN): $(B)/tests/%.so: tests/%.c
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE $(WARNINGS) -O1 -g -fPIC -shared -o $@ $< -ldl

# Static and never sanitized: they are to begin as soon as they are started.
$(HANDLER_BIN): $(B)/tests/%: tests/%.c
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE $(WARNINGS) -O1 -g -static -o $@ $<

test-build: all $(TEST_BIN) $(PRELOAD_BIN) $(HANDLER_BIN)

-include $(patsubst %.o,%.d,$(wildcard $(B)/obj/*/*.o $(B)/obj/*/*/*.o))

# ---- targets for people ----

deps:
	@.ci/deps build test lint

demo:
	@.ci/deps build
	@$(MAKE) $(PARALLEL) all
	@tests/demo.sh $(B)

test:
	@.ci/deps build test
	@$(MAKE) $(PARALLEL) test-build
	@tests/run $(B)

# The suites of the stores with RANDOM_SEEDS=20 random runs, those end-to-end tests for which the store
# matters, and several nodes on one store. `make test` has a slice of this.
test-postgres:
	@.ci/deps build test
	@$(MAKE) $(PARALLEL) test-build
	@tests/run --postgres $(B)

bench-postgres:
	@.ci/deps build test
	@$(MAKE) $(PARALLEL) all $(BENCH_BIN)
	@tests/bench/postgres $(B)

# Figures, as ratios to something in the same run. BENCH_N=10000000 fills a bigger store.
bench:
	@.ci/deps build test
	@$(MAKE) $(PARALLEL) all $(BENCH_BIN)
	@tests/bench/run $(B)

# FUZZ=http is tests/fuzz/fuzz_http.c. New inputs stay in build/fuzz/corpus/, faults are
# build/fuzz/NAME-*.
FUZZ ?= $(patsubst tests/fuzz/fuzz_%.c,%,$(FUZZ_SRC))
FUZZ_S ?= 60
fuzz:
	@.ci/deps build fuzz
	@$(MAKE) $(PARALLEL) V=fuzz CC=clang $(addprefix build/fuzz/fuzz_,$(FUZZ))
	@for target in $(FUZZ); do \
	    mkdir -p build/fuzz/corpus/$$target && \
	    build/fuzz/fuzz_$$target -max_total_time=$(FUZZ_S) -timeout=10 -verbosity=0 -print_final_stats=1 \
	        -artifact_prefix=build/fuzz/$$target- \
	        build/fuzz/corpus/$$target tests/fuzz/corpus/$$target || exit 1; \
	done

asan tsan:
	@$(MAKE) V=$@ test

lint:
	@.ci/deps build lint
	@$(MAKE) $(PARALLEL) all
	@tests/lint/run.sh $(C_FILES) -- $(SHELL_FILES)

format:
	clang-format -i $(C_FILES)

install: all $(COMPLETIONS)
	install -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(BINDIR) $(DESTDIR)$(MANDIR)/man1 \
	    $(DESTDIR)$(MANDIR)/man5 $(DESTDIR)$(MANDIR)/man7 $(DESTDIR)$(MANDIR)/man8 \
	    $(DESTDIR)$(BASH_COMPLETION_DIR) $(DESTDIR)$(ZSH_COMPLETION_DIR) $(DESTDIR)$(FISH_COMPLETION_DIR)
	install -m 755 $(B)/ingestd $(DESTDIR)$(SBINDIR)/ingestd
	install -m 755 $(B)/ingestctl $(DESTDIR)$(BINDIR)/ingestctl
	install -m 644 man/ingestctl.1 $(DESTDIR)$(MANDIR)/man1/
	install -m 644 man/ingestd.conf.5 $(DESTDIR)$(MANDIR)/man5/
	install -m 644 man/ingestd-handlers.7 $(DESTDIR)$(MANDIR)/man7/
	install -m 644 man/ingestd-http.7 $(DESTDIR)$(MANDIR)/man7/
	install -m 644 man/ingestd-postgresql.7 $(DESTDIR)$(MANDIR)/man7/
	install -m 644 man/ingestd-protocol.7 $(DESTDIR)$(MANDIR)/man7/
	install -m 644 man/ingestd.8 $(DESTDIR)$(MANDIR)/man8/
	install -m 644 $(B)/completion/ingestctl.bash $(DESTDIR)$(BASH_COMPLETION_DIR)/ingestctl
	install -m 644 $(B)/completion/ingestctl.zsh $(DESTDIR)$(ZSH_COMPLETION_DIR)/_ingestctl
	install -m 644 $(B)/completion/ingestctl.fish $(DESTDIR)$(FISH_COMPLETION_DIR)/ingestctl.fish

uninstall:
	rm -f $(DESTDIR)$(SBINDIR)/ingestd $(DESTDIR)$(BINDIR)/ingestctl \
	    $(DESTDIR)$(MANDIR)/man1/ingestctl.1 $(DESTDIR)$(MANDIR)/man5/ingestd.conf.5 \
	    $(DESTDIR)$(MANDIR)/man7/ingestd-handlers.7 $(DESTDIR)$(MANDIR)/man7/ingestd-http.7 \
	    $(DESTDIR)$(MANDIR)/man7/ingestd-postgresql.7 $(DESTDIR)$(MANDIR)/man7/ingestd-protocol.7 \
	    $(DESTDIR)$(MANDIR)/man8/ingestd.8 \
	    $(DESTDIR)$(BASH_COMPLETION_DIR)/ingestctl $(DESTDIR)$(ZSH_COMPLETION_DIR)/_ingestctl \
	    $(DESTDIR)$(FISH_COMPLETION_DIR)/ingestctl.fish

clean:
	rm -rf build

help:
	@echo 'make            build build/release/ingestd and build/release/ingestctl'
	@echo 'make deps       install the Debian packages that building and testing need'
	@echo 'make demo       install what is missing, build, and show one ingestion from start to end'
	@echo 'make test       install what is missing, build, and run all tests'
	@echo 'make test-postgres  all that concerns the store in PostgreSQL; it is unpacked, not installed'
	@echo 'make asan tsan  the same tests with ASan+UBSan, with TSan'
	@echo 'make bench      measure, in ratios: an empty store and one with a million ingestions'
	@echo 'make bench-postgres  measure: nodes that share a store, next to plain inserts'
	@echo 'make fuzz       fuzz what reads bytes of strangers, FUZZ_S=60 seconds each (needs clang)'
	@echo 'make lint       layers, manuals, formatting, shell scripts'
	@echo 'make format     format the C files'
	@echo 'make install    install below PREFIX=$(PREFIX) (DESTDIR= is honoured); make uninstall'
	@echo 'make clean      remove build/'
	@echo
	@echo 'Variables: V=release|asan|tsan, CC, CFLAGS, LDFLAGS, PREFIX, DESTDIR, VERBOSE=1 (show whole'
	@echo 'commands), CI=1 (warnings are errors), NO_INSTALL=1 (install no packages, name them).'
