# make PYTHON=/usr/bin/python3 setup    another interpreter for .venv
# make demo ARGS=--no-serve             arguments for a target's command

PYTHON ?= python3
ARGS ?=
python := .venv/bin/python
export PYTHON

.PHONY: help setup demo test chaos lint worker bench

help: ## what can be made
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1	\2/p' Makefile

setup: .venv/.installed ## make .venv with everything in it

.venv/.installed: requirements.txt requirements-dev.txt
	@bin/install-packages && bin/make-venv

demo: setup ## real servers, two sync sessions, the site; until Ctrl-C
	@$(python) -m whalefall.demo $(ARGS)

test: setup ## every check and test, as continuous integration runs them
	@bin/install-packages --tests && $(python) -m tests.tiers $(ARGS)

chaos: setup ## kill, stop and cut off real workers, at length
	@bin/install-packages --tests && CHAOS_RECORDS=2000 CHAOS_KILLS=20 CHAOS_OUTAGE_RECORDS=400 \
		CHAOS_HUNG=40 CHAOS_HEALTHY=200 CHAOS_AT_LENGTH=1 \
		$(python) -m pytest -m chaos -s --timeout=1200 $(ARGS)

lint: setup ## the checks that need no database
	@$(python) -m tests.tiers --only format --only lint --only types --only architecture $(ARGS)

worker: setup ## work on sync sessions until Ctrl-C
	@$(python) manage.py worker $(ARGS)

bench: setup ## measure against the floor, e.g. ARGS="accounts --json"
	@$(python) -m benchmarks $(ARGS)
