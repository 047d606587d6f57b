# Everything here needs Python 3.11 or newer, make and the package index, and nothing else.
# Versions and hashes come from requirements/*.lock; stamp files make a second run quick.

PYTHON ?= python3
SAMPLE ?= samples/meeting.flac
BENCH ?=
TESTS ?=
# Many tests wait: for a worker, or for sound to be played at its own speed.
TOGETHER ?= --numprocesses 2 --dist loadfile --no-loadscope-reorder

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq install --no-input
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links
CHECKED := echocli tools benchmarks tests

# A user-wide `pip config set global.user true` would break every install into a virtual environment.
export PIP_USER := 0

.DEFAULT_GOAL := help
.PHONY: help demo test check docs picture bench bench-peers bench-live bench-ladder bench-kills bench-server soak soak-server lock samples clean

help: ## Show what there is.
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-20s%s\n", $$1, $$2 }'

demo: $(VENV)/.run ## Install, then transcribe a sample with the bundled model.
	$(BIN)/echocli transcribe $(SAMPLE)

test: $(VENV)/.dev ## Install with test tools, then run the tests (TESTS=... narrows).
	$(BIN)/python -m pytest $(TOGETHER) $(TESTS)

check: $(VENV)/.dev ## Lint, types, layers, and whether docs and completions are up to date.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(CHECKED)
	$(BIN)/python -m tools.generate --check
	$(BIN)/python -m pytest -q tests/test_layers.py

docs: $(VENV)/.dev ## Write references, manual pages, schemas and completions again.
	$(BIN)/python -m tools.generate

picture: $(VENV)/.dev ## Run the program and draw docs/terminal.svg again.
	$(BIN)/python -m tools.terminal_picture

bench: $(VENV)/.dev ## Accuracy and speed beside faster-whisper; ECHOCLI_CORPUS names the recordings.
	$(BIN)/python -m benchmarks.accuracy $(BENCH)

bench-peers: $(VENV)/.peers ## Everything beside every peer; BENCH="--model base ..." are its options.
	$(BIN)/python -m benchmarks.peers $(BENCH)

bench-live: $(VENV)/.dev ## What a reader of the live mode waits for; twelve minutes, BENCH="--limit 60" for one.
	$(BIN)/python -m benchmarks.live $(BENCH)

bench-ladder: $(VENV)/.dev ## Live speech on a machine that is too slow for a while; needs base, eight minutes.
	$(BIN)/python -m benchmarks.ladder $(BENCH)

bench-kills: $(VENV)/.dev ## A long recording while its worker is killed fifty times; needs base, six minutes.
	$(BIN)/python -m benchmarks.kills $(BENCH)

bench-server: $(VENV)/.dev ## Live sessions held, and requests a second beside a naive server; fifteen minutes.
	$(BIN)/python -m benchmarks.server $(BENCH)

soak-server: $(VENV)/.dev ## Five minutes of a bad network, then an hour of sessions, uploads and disconnects.
	ECHOCLI_CHAOS_SECONDS=300 $(BIN)/python -m pytest -o faulthandler_timeout=900 tests/server/test_process_network.py -k cuts
	$(BIN)/python -m benchmarks.server_soak $(BENCH)

soak: $(VENV)/.dev ## Two hours of speech, sped up, twice: does anything grow? BENCH="--hours 0.5" is shorter.
	$(BIN)/python -m benchmarks.soak $(BENCH)

lock: $(VENV)/.dev ## Resolve the dependencies again and write requirements/*.lock.
	$(LOCK) --upgrade pyproject.toml --extra bundled --extra test --extra dev --extra server --extra remote --group build -o requirements/dev.lock
	$(LOCK) --upgrade pyproject.toml --extra bundled --group build -c requirements/dev.lock -o requirements/run.lock

samples: $(VENV)/.dev ## Speak the samples again.
	$(BIN)/python -m tools.make_samples

clean: ## Remove what was installed and cached.
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.made:
	@command -v "$(PYTHON)" >/dev/null 2>&1 || { \
		printf '%s\n' "$(PYTHON) was not found. Install Python 3.11 or newer, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		printf '%s\n' "$(PYTHON) is older than Python 3.11. Name a newer one: make PYTHON=python3.12" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
		printf '%s\n' "$(PYTHON) cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	"$(PYTHON)" -m venv --clear $(VENV)
	@touch $@

$(VENV)/.run: $(VENV)/.made requirements/run.lock pyproject.toml
	$(PIP) --require-hashes -r requirements/run.lock
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.made requirements/dev.lock pyproject.toml
	$(PIP) --require-hashes -r requirements/dev.lock
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.run

$(VENV)/.peers: $(VENV)/.dev
	$(PIP) --no-build-isolation -e '.[peers]'
	@touch $@
