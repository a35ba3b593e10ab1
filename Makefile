# The two commands are `make up` and `make test`; `make help` lists the rest.
# Cargo builds where CARGO_TARGET_DIR says, else in target/.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# `dev` compiles fastest; `ci` is optimised without the link-time work of a release. PROFILE=release for figures.
PROFILE ?= ci
# Options of `lxp local up`: in the background, unless UP="" or UP="--shards 3" says otherwise.
UP ?= -d

.PHONY: help up down build test soak bench deps deps-test deps-bench

help: ## say what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /make \1\t/' | expand -t 16

up: deps build ## install what is missing, build, start the platform, print what to try
	@bin/lxp local up $(UP)

down: ## stop the platform; its data stays in .lxp (bin/lxp local down --purge deletes it)
	@bin/lxp local down

build: ## build everything; the command is left at bin/lxp
	@scripts/build "$(PROFILE)"

test: deps deps-test ## run all that CI runs
	@scripts/test

soak: deps deps-test ## run the fault suite with more repetitions and for longer
	@scripts/soak

bench: deps deps-bench ## measure what a request costs, beside yardsticks; BENCH="a e" selects (docs/PERFORMANCE.md)
	@scripts/bench "$(if $(filter file,$(origin PROFILE)),release,$(PROFILE))"

deps:
	@scripts/install-missing

deps-test:
	@scripts/install-missing test

deps-bench:
	@scripts/install-missing bench
