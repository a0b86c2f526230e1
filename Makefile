# Daybook. `make help` lists what there is.
GO ?= go
BIN := bin/daybook
DIR ?= ./daybook-data
HTTP ?= 127.0.0.1:8480

.PHONY: build run test browser check bench fuzz help

build: ## compile the one program into bin/
	@mkdir -p bin
	$(GO) build -o bin/ ./cmd/...

run: build ## start the whole system with real records, in ./daybook-data
	$(BIN) serve --dir $(DIR) --http $(HTTP) --seed

test: browser ## every test
	$(GO) test -timeout 15m ./...

browser: # Debian's chromium, for the tests that open pages
	@command -v chromium >/dev/null || { command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] && \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; } || \
	  echo "chromium is not here and could not be installed: the browser tests are skipped"

check: ## formatting, vet, staticcheck and the guards
	@test -z "$$($(GO) tool gofumpt -l api cmd events ledger projections testdata)" || { $(GO) tool gofumpt -l api cmd events ledger projections testdata; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) test -count=1 -run TestGuard ./cmd/daybook

bench: ## the benchmarks beside the code, then load on the whole system
	$(GO) test -run '^$$' -bench . -benchmem ./...
	$(GO) run ./cmd/hammer

FUZZTIME ?= 20s
fuzz: ## every fuzz target for FUZZTIME
	@set -e; for p in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz' || true); do \
	    echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x $$p; done; done

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'
