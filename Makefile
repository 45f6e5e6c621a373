# `make lab` and `make test` are all a newcomer needs.
# For CI: EXTRAS=oracle installs what some tests and bench compare with, VENV=... is where.
# With it pip installs even where uv is: pip takes the small build of torch where it is told of one,
# uv would fetch the one for CUDA and its libraries, several GB.

VENV   = .venv
EXTRAS = $(if $(filter bench,$(MAKECMDGOALS)),oracle)
PINS   = -c constraints.txt
PYTHON = python3

READY  = $(VENV)/.ready$(addprefix -,$(EXTRAS))
UV     = $(shell command -v uv 2>/dev/null)
PIP    = $(if $(if $(EXTRAS),,$(UV)),uv pip install --python $(VENV)/bin/python,\
             $(VENV)/bin/python -m pip install)
NEEDS  = $(PINS) -e '.$(addprefix [,$(addsuffix ],$(EXTRAS)))' --group dev
# The stamp is written last.  Without any, what is there is half-made and goes.
AGAIN  = $(wildcard $(VENV)/.ready*)
# MathJax and reveal.js, which the book and the slides carry with them; npm brings them.
WEB    = build/web/.ready

.PHONY: help lab slides lecturer book web test test-latest bench clean

help:
	@echo 'make lab          make the environment, open the course in JupyterLab'
	@echo 'make slides       a deck of each lesson, in build/slides; LESSONS="03 04" for two'
	@echo 'make lecturer     solved copies, outlines and sheets, in lecturer/; LESSONS="03 04" for two'
	@echo 'make book         the reading edition, a static site in build/book'
	@echo 'make test         make the environment, run every check'
	@echo 'make test-latest  the same checks on the newest versions allowed'
	@echo 'make bench        the times and rates that the course promises, measured here'
	@echo 'make clean        remove what make made; my_course/ and lecturer/ stay'

lab: $(READY)
	@$(VENV)/bin/course

slides: $(READY) $(WEB)
	@$(VENV)/bin/python -m course_utils.author slides $(LESSONS)

lecturer: $(READY)
	@$(VENV)/bin/python -m course_utils.author lecturer $(LESSONS)

book: $(READY) $(WEB)
	@$(VENV)/bin/python -m course_utils.author book

web: $(WEB)

test: $(READY) $(if $(shell command -v npm),$(WEB))
	$(VENV)/bin/python -m pytest

test-latest:
	rm -rf build/latest
	$(MAKE) test VENV=build/latest PINS= EXTRAS=$(EXTRAS)

bench: $(READY)
	@PYTHONPATH=tests $(VENV)/bin/python -m benchmarks

clean:
	rm -rf .venv build variants .pytest_cache .ruff_cache .hypothesis

$(READY): pyproject.toml constraints.txt overrides.json
	@echo 'Making $(VENV): a minute or two, once.'
	@if [ -n "$(UV)" ]; then \
	    uv venv --quiet $(if $(EXTRAS),--seed) $(if $(AGAIN),--allow-existing,--clear) $(VENV); \
	else \
	    $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	        "The course needs Python 3.11 or newer; name one with make PYTHON=...")' && \
	    $(PYTHON) -m venv $(if $(AGAIN),,--clear) $(VENV) && \
	    $(VENV)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'; \
	fi
	@$(PIP) --quiet $(NEEDS)
	@touch $@

$(WEB): package.json
	@command -v npm >/dev/null || { \
	    echo 'make $(or $(MAKECMDGOALS),web) needs npm for its browser programs;' \
	        'install Node.js (Debian: apt-get install npm)' >&2; exit 1; }
	@mkdir -p $(@D)
	@cp package.json $(@D)
	@npm install --prefix $(@D) --no-package-lock --no-audit --no-fund --silent
	@touch $@
