# Daybook. `make help` lists what there is.
GO ?= go
BIN := bin/daybook
DIR ?= ./daybook-data
HTTP ?= 127.0.0.1:8480

.PHONY: build run test test-external test-interop browser mariadb tidy check bench fuzz help

build: ## compile the one program into bin/
	@mkdir -p bin
	$(GO) build -o bin/ ./cmd/...

run: build ## start the whole system with real records, in ./daybook-data
	$(BIN) serve --dir $(DIR) --http $(HTTP) --seed

test: browser ## every test
	$(GO) test -timeout 15m ./...

# The modules below testdata whose tests need other people's programs.
EXTERNAL := interop external

test-external: mariadb ## the tests against other people's programs, in modules of their own
	@set -e; for m in $(EXTERNAL); do echo "testdata/$$m"; (cd testdata/$$m && $(GO) test -timeout 30m ./...); done

test-interop: ## of these, the programs that read the log and take it over
	cd testdata/interop && $(GO) test -timeout 30m ./...

mariadb: # Debian's server, for Trillian's database; no service of the system is started
	@command -v mariadbd >/dev/null || [ -x /usr/sbin/mariadbd ] || { command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] && \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends mariadb-server-core mariadb-client-core >/dev/null; } || \
	  echo "MariaDB is not here and could not be installed: the tests against an external Trillian are skipped"

browser: # Debian's chromium, for the tests that open pages
	@command -v chromium >/dev/null || { command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] && \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; } || \
	  echo "chromium is not here and could not be installed: the browser tests are skipped"

check: ## formatting, vet, staticcheck, the types of the scripts, the modules below testdata, the guards
	@test -z "$$($(GO) tool gofumpt -l api cmd events ledger projections testdata)" || { $(GO) tool gofumpt -l api cmd events ledger projections testdata; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) tool tsgo -p api/web/verify
	@set -e; for m in $(EXTERNAL); do echo "testdata/$$m"; (cd testdata/$$m && $(GO) vet ./...); done
	$(GO) test -count=1 -run TestGuard ./cmd/daybook

tidy: ## go.mod and go.sum of every module here
	$(GO) mod tidy
	@set -e; for m in $(EXTERNAL); do (cd testdata/$$m && $(GO) mod tidy); done

bench: ## the benchmarks beside the code, then load on the whole system
	$(GO) test -run '^$$' -bench . -benchmem ./...
	$(GO) run ./cmd/hammer

FUZZTIME ?= 20s
fuzz: ## every fuzz target for FUZZTIME
	@set -e; for p in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz' || true); do \
	    echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x $$p; done; done

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'
