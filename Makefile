# make lab: open the course.   make test: check everything.   make help: more.

VENV := .venv
RUN := $(VENV)/bin/python
# Extra flags, for example: make lab LAB_ARGS="--no-browser --port=9999"
LAB_ARGS ?=
PYTEST_ARGS ?=
GRADE_ARGS ?=
WORKERS ?= 2
CELL_SECONDS := 900
# What tests need besides Python; where it cannot be had, they are skipped.
FOR_TESTS := chromium bubblewrap postgresql
ROOT_FLAG := $(if $(filter 0,$(shell id -u)),--allow-root)

.DEFAULT_GOAL := help
.PHONY: lab test notebooks links pins bench release grade feedback grades similar
.PHONY: help setup ruff pytest chromium bubblewrap postgresql

help:
	@echo 'make lab        install what is needed into .venv, open JupyterLab'
	@echo 'make test       the same set-up, then every check there is'
	@echo 'make notebooks  build and execute notebooks/ from lessons/'
	@echo 'make links      renew badges and links after a change of address'
	@echo 'make pins       write constraints.txt from what .venv holds'
	@echo 'make bench      speed and memory, as ratios within one run'
	@echo 'For instructors (docs/instructor.md):'
	@echo 'make release WEEK=5           write the notebook students get'
	@echo 'make grade WEEK=5 FROM=place  grade what they handed in, sandboxed'
	@echo 'make feedback WEEK=5          write a page for each student'
	@echo 'make grades                   write all points into one table'
	@echo 'make similar WEEK=5           report answers that look alike'
	@echo 'PYTHON=/path    before or after any of them: the Python to use'

# Python: the one given, else the finished environment's own, else the first
# suitable one on the PATH. Everything after that is bootstrap.py's.
SUITABLE := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
ifdef PYTHON
CANDIDATES := "$(PYTHON)"
else
CANDIDATES := $(if $(wildcard $(VENV)/complete),$(RUN)) \
	python3 python3.13 python3.12 python3.11
endif

setup:
	@for python in $(CANDIDATES); do \
		if "$$python" -c '$(SUITABLE)' 2>/dev/null; then \
			exec "$$python" lessons/authoring/bootstrap.py; \
		fi; \
		version=$$("$$python" --version 2>/dev/null) && \
			found="$$found $$python is $$version,"; \
	done; \
	echo "Cannot set up: Python 3.11, 3.12 or 3.13 is needed," \
		"but$${found:- there is none}. Install one, or name one:" \
		"make lab PYTHON=/path/to/python3.12" | sed 's/,\././' >&2; \
	exit 1

lab: setup
	@echo 'Opening JupyterLab; Ctrl-C here ends it.'
	@$(RUN) -m jupyter lab $(ROOT_FLAG) --log-level=WARN \
		--LabApp.default_url=/lab/tree/notebooks/index.ipynb $(LAB_ARGS)

test: setup $(FOR_TESTS) ruff pytest

ruff: setup
	$(RUN) -m ruff check .

# One run over tests and notebooks; a file stays with one worker.
pytest: setup $(FOR_TESTS) ruff
	$(RUN) -m pytest -n $(WORKERS) --dist loadfile \
		--nbval-lax --nbval-cell-timeout=$(CELL_SECONDS) \
		--nbval-sanitize-with tests/nbval_sanitize.cfg \
		tests notebooks $(PYTEST_ARGS)

# $(call debian,PRESENT,PACKAGES,PURPOSE): install packages that are not
# PRESENT, if that may be done without asking; else say what they are for.
AS_ROOT := $(if $(filter 0,$(shell id -u)),env,$(if $(CI),sudo -n,false))
define debian
	@if $(1); then exit 0; fi; \
	log=$(VENV)/$(firstword $(2)).log; \
	if command -v apt-get >/dev/null && $(AS_ROOT) true 2>/dev/null; then \
		echo 'Installing $(firstword $(2)) for $(3).'; \
		{ $(AS_ROOT) apt-get update -qq && $(AS_ROOT) \
			env DEBIAN_FRONTEND=noninteractive apt-get install -qq \
			-y --no-install-recommends $(2); } >"$$log" 2>&1; \
	fi; \
	$(1) || echo 'No $(firstword $(2)) for $(3). On Debian' \
		'or Ubuntu: apt-get install $(2)'
endef

# A real browser, and a library that Playwright's driver links to.
BROWSER_PACKAGES := chromium fonts-dejavu fonts-liberation libatomic1
DRIVER := $(VENV)/lib/python3*/site-packages/playwright/driver/node
HAS_BROWSER := { command -v chromium || command -v google-chrome; } \
	>/dev/null && $(DRIVER) --version >/dev/null 2>&1

chromium: setup
	$(call debian,$(HAS_BROWSER),$(BROWSER_PACKAGES),the browser tests)

HAS_SANDBOX := command -v bwrap >/dev/null

bubblewrap: setup
	$(call debian,$(HAS_SANDBOX),bubblewrap,the sandbox that grading needs)

HAS_POSTGRES := { ls /usr/lib/postgresql/*/bin/initdb || \
	command -v initdb; } >/dev/null 2>&1

postgresql: setup
	$(call debian,$(HAS_POSTGRES),postgresql,the test of a shared gradebook)

# Said while make reads this, so before anything runs.
ifneq ($(filter release grade feedback similar,$(MAKECMDGOALS)),)
ifeq ($(filter 1 2 3 4 5 6,$(WEEK)),)
$(error Which week? Add WEEK=1, or 2, 3, 4, 5, 6)
endif
endif
ifneq ($(filter grade,$(MAKECMDGOALS)),)
ifeq ($(FROM),)
$(error Where is what students handed in? Add FROM=folder, or FROM=file.zip)
endif
endif

release: setup
	$(RUN) -m course_utils.grading release week$(WEEK)

grade: setup bubblewrap
	$(RUN) -m course_utils.grading grade week$(WEEK) \
		--from "$(FROM)" $(GRADE_ARGS)

feedback: setup
	$(RUN) -m course_utils.grading feedback week$(WEEK)

grades: setup
	$(RUN) -m course_utils.grading grades

similar: setup
	$(RUN) -m course_utils.grading similar week$(WEEK)

notebooks: setup
	$(RUN) lessons/authoring/build.py $(LESSONS)

links: setup
	$(RUN) lessons/authoring/links.py

bench: setup
	@for script in benchmarks/*.py; do \
		echo "== $$script"; $(RUN) "$$script" || exit 1; \
	done

pins: setup
	$(RUN) lessons/authoring/pins.py
