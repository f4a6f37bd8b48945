# Every target that a person calls has a text behind ##; `make help` prints them.

SHELL := /bin/bash
GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
LINT := $(GO) tool -modfile=.ci/tools/go.mod golangci-lint

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show what can be made
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: build ## Build Latchkey and serve it on http://127.0.0.1:8080 from ./data
	exec bin/latchkey serve

.PHONY: demo
demo: build ## Serve a throw-away installation with 132 keys
	exec bin/latchkey demo

.PHONY: build
build: ## Build bin/latchkey
	$(GO) build -trimpath -ldflags "-X main.buildVersion=$(VERSION)" -o bin/latchkey ./cmd/latchkey

.PHONY: dev
dev: ## Serve from ./data and rebuild at every change of a template; the browser reloads by itself
	$(GO) tool templ generate --watch --proxy=http://127.0.0.1:8080 --cmd="$(GO) run ./cmd/latchkey serve"

.PHONY: deps
deps: ## Install what the tests need (Chromium, PostgreSQL, nginx, Caddy and others), or say what is missing
	.ci/deps

.PHONY: test
test: ## Run all tests; what needs a missing program is skipped and named at the end
	$(GO) run .ci/gotest.go $(if $(CI),-count=1) -timeout 20m ./...

.PHONY: test-postgres
test-postgres: ## Run the tests of the pages and of the verifier on PostgreSQL
	LATCHKEY_TEST_DATABASE=postgres $(GO) run .ci/gotest.go $(if $(CI),-count=1) -timeout 20m ./web ./keys/verifier

.PHONY: race
race: ## Run all tests but the slow ones (testing.Short) under the race detector
	CGO_ENABLED=1 $(GO) run .ci/gotest.go -race -short $(if $(CI),-count=1) -timeout 20m ./...

.PHONY: fuzz
fuzz: ## Run every fuzz target for five seconds, or for FUZZ=1m
	.ci/fuzz

ROUNDS ?= 1000

.PHONY: torture
torture: ## Kill the server under load 1,000 times, or ROUNDS=n times; nothing acknowledged may be lost
	$(GO) test ./cmd/latchkey -run '^TestNothingAcknowledgedIsLostWhenTheServerIsKilled$$' -v -count=1 -timeout 3h -torture.rounds $(ROUNDS)

.PHONY: check
check: deps test test-postgres lint fresh race fuzz ## Do everything that CI does
	@echo "check: everything passed"

.PHONY: lint
lint: ## Run the linters; the first time this builds them, for some minutes
	$(LINT) run ./...

.PHONY: generate
generate: ## Make the generated files again: templates and packed static files
	$(GO) tool templ generate
	$(GO) run static/pack.go

.PHONY: fmt
fmt: ## Format Go files and templates
	$(GO) tool templ fmt .
	$(LINT) fmt ./...

.PHONY: fresh
fresh: ## Fail when a formatted or generated file is not what its source makes
	.ci/fresh

.PHONY: bench
bench: ## Measure; a figure past its bound fails
	$(GO) test -run '^$$' -bench . -skip 'LoadFeed|VerifyHTTP|Proxy|Restart|Export|Capacity|Change$$' -benchtime 100x -timeout 30m ./...
	$(GO) test -run '^$$' -bench 'LoadFeed|VerifyHTTP|Proxy|Restart|Export|Capacity' -benchtime 20x -timeout 30m ./store ./cmd/latchkey
	$(GO) test -run '^$$' -bench 'Change$$' -benchtime 1000x -timeout 30m ./store

LARGE ?= 10000000

.PHONY: bench-large
bench-large: ## Measure memory and start with 10,000,000 keys, or LARGE=n
	$(GO) test ./cmd/latchkey -run '^$$' -bench '^BenchmarkLarge$$' -benchtime 3x -timeout 60m -large.keys $(LARGE)

.PHONY: cover
cover: ## Measure how much of the code the tests run, into coverage.out
	$(GO) test -coverprofile=coverage.out -coverpkg=./... ./...
	$(GO) tool cover -func=coverage.out | tail -n 1

.PHONY: assets
assets: ## Fetch the vendored files of static/ again, at their pinned versions
	static/assets.sh
	$(GO) run static/pack.go
