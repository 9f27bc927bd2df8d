# One command a chore; each works on a bare checkout with Python, make and gcc.
PYTHON ?= python3
BIN := .venv/bin
# Named after the lock's content: the same lock is never installed twice.
stamp = .venv/$(1)-$(shell cksum $(1) | cut -d' ' -f1).installed
RUNTIME := $(call stamp,requirements.lock)
DEVELOPMENT := $(call stamp,requirements-dev.lock)
CLIENTS := tests/clients/node_modules/$(shell cksum tests/clients/package-lock.json | cut -d' ' -f1).installed

.PHONY: run test lint bench drill soak lock dashboard messages screenshots audit

run: $(RUNTIME)
	@exec $(BIN)/python -m bff.launch

test: $(DEVELOPMENT) $(CLIENTS)
	$(BIN)/python -m coverage run -m pytest -n auto --dist worksteal $(TESTS)
	$(BIN)/coverage combine -q
	$(BIN)/coverage report

lint: $(DEVELOPMENT)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	DEBUG=1 $(BIN)/mypy
	$(BIN)/lint-imports

audit: $(DEVELOPMENT)
	@$(BIN)/python .ci/audit.py

LOCK := -q --universal --fork-strategy fewest --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

lock: $(DEVELOPMENT)
	$(BIN)/uv pip compile $(LOCK) -o requirements.lock pyproject.toml
	$(BIN)/uv pip compile $(LOCK) -o requirements-dev.lock -c requirements.lock --group dev --extra otel pyproject.toml

.venv/%.installed:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "chat-bff needs Python 3.11 or newer")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing $(word 1,$(subst -, ,$*)) packages…"
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r $(LOCKFILE)
	@touch $@

# The JavaScript clients. Without npm their tests say so: they are skipped, and fail in CI.
tests/clients/node_modules/%.installed:
	@if command -v npm >/dev/null; then echo "Installing JavaScript clients…" \
	  && npm ci --prefix tests/clients --silent && touch $@; fi

$(RUNTIME): LOCKFILE := requirements.lock
$(DEVELOPMENT): LOCKFILE := requirements-dev.lock

bench: $(DEVELOPMENT)
	@$(BIN)/python -m benchmarks $(ARGS)

drill: $(DEVELOPMENT)
	@DEBUG=1 $(BIN)/python manage.py drill $(ARGS)

soak: $(DEVELOPMENT)
	@$(BIN)/python -m benchmarks.soak $(ARGS)

dashboard: $(DEVELOPMENT)
	$(BIN)/python docs/grafana_dashboard.py

messages: $(DEVELOPMENT)
	DEBUG=1 $(BIN)/python manage.py makemessages -l fr -l en --add-location file --no-wrap --no-obsolete \
	  -i .venv -i var -i tests -i ai_service -i benchmarks
	DEBUG=1 $(BIN)/python manage.py compilemessages -i .venv

screenshots: $(DEVELOPMENT)
	$(BIN)/python -m pytest -q tests/e2e/pictures.py $(if $(PICTURES),-k "$(PICTURES)")
