# Everything goes through here. `make` lists what there is.
# Each target works as the first command on a machine with git, make and Python 3.11+:
# it makes .venv from requirements.lock first, and only when that is needed.

BIN := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
PY := $(BIN)/python

export PYTHONUTF8 := 1

.DEFAULT_GOAL := help
.PHONY: help setup serve labs book epub pdf test check budget lint lint-fast bench soak replay measure coverage new-chapter new-exercise lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

setup: ## Make .venv from the lock (the others do it when needed)
	@sh tools/dev/setup.sh

serve: setup ## Build the book and serve it, with JupyterLab beside it
	@$(PY) -m tools.site.serve

labs: setup ## JupyterLab alone, on labs/
	@$(PY) -m tools.dev.labs

book: setup ## Build the book into book/_build/dirhtml
	@$(PY) -m tools.site.build

epub: setup ## Make book/_build/moving-parts.epub
	@$(PY) -m tools.print.epub

pdf: setup ## Print the book as book/_build/moving-parts.pdf (needs Chromium)
	@$(PY) -m tools.print.pdf

test: setup ## Run all tests, or those of one chapter: CHAPTER=03
	@$(PY) -m tools.dev.test $(CHAPTER)

check: setup ## Run what your change touches, in three minutes or less
	@$(PY) -m tools.dev.check

budget: setup ## What each chapter costs, in lines and in seconds of the last test
	@$(PY) -m tools.dev.budget

lint: lint-fast ## Look at the code without running it
	@$(PY) -m mypy
	@$(BIN)/lint-imports --no-logo

lint-fast: setup
	@$(PY) -m ruff check
	@$(PY) -m ruff format --check

bench: setup ## Print the table of ratios, each against a peer or a floor
	@$(PY) -m bench

soak: setup ## Kill real processes 2,200 times, or SOAK=20; count what becomes of events
	@$(PY) -m tools.dev.soak $(SOAK)
	@$(PY) -m tools.dev.soak_stores $(SOAK)
	@$(PY) -m tools.dev.soak_functions $(SOAK)

replay: setup ## Replay a city's trips as events: TRIPS=202406-tripdata.csv.zip ZONE=America/New_York
	@$(PY) -m tools.dev.replay $(if $(TRIPS),"$(TRIPS)") $(if $(ZONE),--zone "$(ZONE)")

measure: setup ## Measure again what pages show (bench/measured)
	@$(PY) -m bench --measure

coverage: setup ## Which branches of the package no test takes
	@$(PY) -m coverage erase
	@$(PY) -m coverage run -m pytest -q
	@$(PY) -m coverage combine --quiet
	@$(PY) -m coverage report

new-chapter: setup ## Start a chapter: NN=18 SLUG=my-topic TITLE="My topic"
	@$(PY) -m tools.dev.new_chapter "$(NN)" "$(SLUG)" "$(TITLE)"

new-exercise: setup ## Start an exercise: ID=3.6 SLUG=my-exercise TITLE="My exercise"
	@$(PY) -m tools.dev.exercises "$(ID)" "$(SLUG)" "$(TITLE)"

lock: setup ## Compile the lock from pyproject.toml (needs uv; UPGRADE=1 for newer)
	@$(PY) -m tools.dev.lock

clean: ## Remove what was built and installed
	@rm -rf .venv node_modules book/_build book/_static/vendor .movingparts build dist
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@rm -f .coverage .coverage.*
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
