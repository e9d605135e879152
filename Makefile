# make lab: open the course.   make test: check everything.   make help: more.

VENV := .venv
RUN := $(VENV)/bin/python
# Extra flags, for example: make lab LAB_ARGS="--no-browser --port=9999"
LAB_ARGS ?=
PYTEST_ARGS ?=
WORKERS ?= 2
CELL_SECONDS := 900
ROOT_FLAG := $(if $(filter 0,$(shell id -u)),--allow-root)

.DEFAULT_GOAL := help
.PHONY: help setup lab test ruff pytest chromium notebooks links bench pins

help:
	@echo 'make lab        install what is needed into .venv, open JupyterLab'
	@echo 'make test       the same set-up, then every check there is'
	@echo 'make notebooks  build and execute notebooks/ from lessons/'
	@echo 'make links      renew badges and links after a change of address'
	@echo 'make pins       write constraints.txt from what .venv holds'
	@echo 'make bench      speed and memory, as ratios within one run'
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

test: setup chromium ruff pytest

ruff: setup
	$(RUN) -m ruff check .

# One run over tests and notebooks; a file stays with one worker.
pytest: setup chromium ruff
	$(RUN) -m pytest -n $(WORKERS) --dist loadfile \
		--nbval-lax --nbval-cell-timeout=$(CELL_SECONDS) \
		--nbval-sanitize-with tests/nbval_sanitize.cfg \
		tests notebooks $(PYTEST_ARGS)

# The browser tests need a real browser, and a library that Playwright's
# driver links to. What cannot be had is said; the tests are then skipped.
BROWSER_PACKAGES := chromium fonts-dejavu fonts-liberation libatomic1
DRIVER := $(VENV)/lib/python3*/site-packages/playwright/driver/node
HAS_BROWSER := { command -v chromium || command -v google-chrome; } \
	>/dev/null && $(DRIVER) --version >/dev/null 2>&1

chromium: setup
	@if $(HAS_BROWSER); then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo 'Installing chromium for the browser tests.'; \
		{ apt-get update -qq && apt-get install -qq -y \
			--no-install-recommends $(BROWSER_PACKAGES); } \
			>$(VENV)/chromium.log 2>&1; \
	fi; \
	$(HAS_BROWSER) || echo 'No browser for the browser tests. On Debian' \
		'or Ubuntu: apt-get install $(BROWSER_PACKAGES)'

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
