# What people type. Each target works from a bare clone: it installs what it needs first, and only what has changed.
# `make help` lists them.

PYTHON3 ?= python3
VENV := .venv/bin/python

# Each can be given on the command line: make up GATEWAY_PORT=9080
GATEWAY_PORT ?=
AUTHSERVER_PORT ?=
MCPSERVER_PORT ?=
ENTRA_PORT ?=
ENTRA_BACK_CHANNEL_PORT ?=
STATE_DIR ?=
NO_GATEWAY ?=
# The tools, resources and prompts that the MCP conformance suite asks a server for: make up CONFORMANCE=1
CONFORMANCE ?=
# More of pytest's options: make test PYTEST="-k consent". Not with xdist: its workers stop in a process patched for gevent.
PYTEST ?=

STACK_OPTIONS = \
	$(if $(GATEWAY_PORT),--gateway-port=$(GATEWAY_PORT)) \
	$(if $(AUTHSERVER_PORT),--authserver-port=$(AUTHSERVER_PORT)) \
	$(if $(MCPSERVER_PORT),--mcpserver-port=$(MCPSERVER_PORT)) \
	$(if $(ENTRA_PORT),--entra-port=$(ENTRA_PORT)) \
	$(if $(ENTRA_BACK_CHANNEL_PORT),--entra-back-channel-port=$(ENTRA_BACK_CHANNEL_PORT)) \
	$(if $(STATE_DIR),--state-dir=$(STATE_DIR)) \
	$(if $(NO_GATEWAY),--no-gateway)

.DEFAULT_GOAL := help
.PHONY: help up doctor test test-model bench docs lint format clean environment dev-environment

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' Makefile | expand -t 10

up: environment ## run the whole stack; Ctrl-C stops it
	@$(if $(CONFORMANCE),MCPSERVER_TOOL_MODULES='["tests.conformance"]') exec $(VENV) -m devstack.cli up --stop-with-parent $(STACK_OPTIONS)

doctor: environment ## check each part of the stack and say what to do
	@exec $(VENV) -m devstack.cli doctor $(STACK_OPTIONS)

test: dev-environment ## run the tests
	@$(VENV) scripts/prerequisites.py
	@exec $(if $(PYTEST),$(VENV) -m pytest $(PYTEST),$(VENV) scripts/run_tests.py)

test-model: dev-environment ## ask a real model server, which is compiled first: minutes
	@exec $(VENV) -m pytest tests/llama/real_model.py $(PYTEST)

bench: dev-environment ## measure speed and memory against a fixed reference
	@exec $(VENV) -m benchmarks

docs: dev-environment ## the documentation as a site, in site/
	@$(VENV) -m tests.support.mermaid
	@NO_MKDOCS_2_WARNING=1 $(VENV) -m mkdocs build --strict
	@echo "open site/index.html"

lint: dev-environment ## ruff, mypy and the layers between the packages
	@$(VENV) -m ruff check .
	@$(VENV) -m ruff format --check .
	@$(VENV) -m mypy
	@.venv/bin/lint-imports

format: dev-environment ## rewrite the code in the house's format, and docs/settings.md
	@$(VENV) -m ruff check --fix-only .
	@$(VENV) -m ruff format .
	@$(VENV) scripts/settings_page.py

clean: ## remove the environment, caches and the local state
	@rm -rf .venv .mcpstack tests/node/node_modules tests/kubectl/node_modules tests/docs/node_modules site tests/fastmcp/.venv tests/mcp1/.venv tests/llama/.venv *.egg-info build dist
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis test-results
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

define find_python
	@command -v $(PYTHON3) >/dev/null || { \
		echo "mcpstack: python3 (3.11 or newer, with venv) is needed." >&2; \
		echo "  Debian, Ubuntu: apt-get install python3 python3-venv    macOS: brew install python" >&2; exit 1; }
endef

environment:
	$(find_python)
	@$(PYTHON3) scripts/environment.py run

dev-environment:
	$(find_python)
	@$(PYTHON3) scripts/environment.py dev
