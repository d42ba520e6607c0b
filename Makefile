# The tasks of a developer; `make demo` and `make test` set everything up by themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
MLFLOW := .mlflow
CLIENTS := .clients
OPENAI := $(shell sed -n 's/^openai.*==//p' tests/clients/requirements.txt)
# Without bytecode each of the many processes of a test run would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: install mlflow clients prometheus chromium demo test check bench soak clean

install: $(STAMP)

$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Sutdol needs Python 3.11 or newer; set PYTHON=...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --disable-pip-version-check -q -e '.[dev]'
	touch $@

# An MLflow server and the mirror that tells it, in an environment of its own, 0.9 GB, for tests.
mlflow: $(MLFLOW)/.installed

$(MLFLOW)/.installed: pyproject.toml
	test -x $(MLFLOW)/bin/python || $(PYTHON) -m venv $(MLFLOW)
	$(MLFLOW)/bin/pip install --disable-pip-version-check -q --no-compile -e '.[mlflow]' mlflow
	touch $@

# Clients that others wrote, with their own tests, in an environment of its own, 0.2 GB, for tests:
# the tests of OpenAI's client are in its source alone.
clients: $(CLIENTS)/.installed

$(CLIENTS)/.installed: tests/clients/requirements.txt
	test -x $(CLIENTS)/bin/python || $(PYTHON) -m venv $(CLIENTS)
	$(CLIENTS)/bin/pip install --disable-pip-version-check -q --no-compile -r $<
	$(CLIENTS)/bin/pip download --disable-pip-version-check -q -d $(CLIENTS) --no-deps \
		--no-binary :all: --no-build-isolation openai==$(OPENAI)
	rm -rf $(CLIENTS)/openai-*/
	tar -xzf $(CLIENTS)/openai-$(OPENAI).tar.gz -C $(CLIENTS) \
		openai-$(OPENAI)/tests openai-$(OPENAI)/pyproject.toml
	touch $@

# Prometheus and promtool out of Debian's package, for tests: its service stays uninstalled.
prometheus: .prometheus/.unpacked

.prometheus/.unpacked:
	mkdir -p .prometheus
	command -v prometheus >/dev/null || (apt-get update -q && cd .prometheus && apt-get download -q prometheus && dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin && rm prometheus_*.deb)
	touch $@

# The browser in which the pages are tested.
chromium:
	command -v chromium >/dev/null || (apt-get update -q && apt-get install -y -q --no-install-recommends chromium)

demo: install
	$(BIN)/sutdol demo

test: install
	$(BIN)/pytest -n auto --dist loadgroup

check: install
	$(BIN)/ruff format --check src tests benchmarks scripts
	$(BIN)/ruff check src tests benchmarks scripts
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

# Other guards are installed for the comparison alone, into .sutdol/bench. The last three need the
# Redis and PostgreSQL of the tests. Real texts, if you have some:
# make soak DATA="en.jsonl.gz ko.jsonl.gz"
bench: install
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/guard.py
	$(BIN)/python benchmarks/arena.py
	$(BIN)/python benchmarks/gate.py --quick
	$(BIN)/python benchmarks/cache.py
	$(BIN)/python benchmarks/flows.py
	$(BIN)/python benchmarks/durable.py
	$(BIN)/python benchmarks/gateway.py --quick

soak: install
	$(BIN)/python -m tests.flow.soak --kills 100
	$(BIN)/python -m tests.serve.soak
	$(BIN)/python benchmarks/gate.py
	$(BIN)/python benchmarks/gate.py --series 0 --real 200
	$(if $(DATA),$(BIN)/python benchmarks/guard.py --texts 1000 --data $(DATA))
	$(if $(DATA),$(BIN)/python benchmarks/arena.py --times 2 --data $(DATA))

clean:
	rm -rf $(VENV) $(MLFLOW) $(CLIENTS) .prometheus .sutdol .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist build
