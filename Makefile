# Each target works on a bare checkout with Python, its venv, make and gcc; `make help` lists them.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
# The stamp's name has the lock file's checksum: an unchanged lock is not installed again.
stamp = .venv/$(1)-$(shell cksum $(1) | cut -d' ' -f1).installed
RUNTIME := $(call stamp,requirements-run.lock)
DEVELOPMENT := $(call stamp,requirements-dev.lock)
TRAINING := .venv-training/.installed
CLIENTS := tests/clients/node_modules/$(shell cksum tests/clients/package-lock.json | cut -d' ' -f1).installed

.PHONY: help run test test-fast lint format audit lock bench drill soak real-services conformance conversations documents distress-model date-kinds paraphrases dashboard collection messages lighthouse screenshots

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(RUNTIME) ## start everything and serve the chat page at http://127.0.0.1:8000
	@exec $(BIN)/python -m bff.dev.server

# Coverage doubles a test's time: those that run in programs of their own, or the same lines thousands of times, run
# without it.
test: $(DEVELOPMENT) $(CLIENTS) ## run the test suite (TESTS=path for a part)
ifdef TESTS
	$(BIN)/python -m pytest -n auto --dist worksteal $(TESTS)
else
	$(BIN)/python -m coverage run -m pytest -n auto --dist worksteal -m "not without_coverage"
	$(BIN)/coverage combine -q
	$(BIN)/coverage report
	$(BIN)/python -m pytest -n auto --dist worksteal -m without_coverage
endif

test-fast: $(DEVELOPMENT) ## run the tests that start no server, browser or other program: for use while writing
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not slow" $(TESTS)

lint: $(DEVELOPMENT) ## check style, types and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	DEBUG=1 $(BIN)/mypy
	$(BIN)/lint-imports

format: $(DEVELOPMENT) ## fix what ruff can fix, and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

audit: $(DEVELOPMENT) ## look up known vulnerabilities of the locked packages
	@$(BIN)/python .ci/audit.py

LOCK := -q --universal --fork-strategy fewest --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

lock: $(DEVELOPMENT) ## compile the lock files; after a change of dependencies in pyproject.toml
	$(BIN)/uv pip compile $(LOCK) -o requirements.lock pyproject.toml
	$(BIN)/uv pip compile $(LOCK) -o requirements-run.lock -c requirements.lock --group run pyproject.toml
	$(BIN)/uv pip compile $(LOCK) -o requirements-dev.lock -c requirements.lock --group dev --extra otel pyproject.toml
	$(BIN)/uv pip compile $(LOCK) -o requirements-otel.lock -c requirements-dev.lock --extra otel pyproject.toml

.venv/%.installed:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "chat-bff needs Python 3.11 or newer")'
	@test -x $(BIN)/pip || $(PYTHON) -m venv --clear .venv
	@echo "Installing $(word 1,$(subst -, ,$*)) packages…"
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r $(LOCKFILE)
	@touch $@

# The JavaScript clients. Without npm their tests are skipped, and fail in CI.
tests/clients/node_modules/%.installed:
	@if command -v npm >/dev/null; then echo "Installing JavaScript clients…" \
	  && npm ci --prefix tests/clients --silent && touch $@; fi

$(RUNTIME): LOCKFILE := requirements-run.lock
$(DEVELOPMENT): LOCKFILE := requirements-dev.lock

bench: $(DEVELOPMENT) ## measure CPU and time of a message, a layer, a stream, a scrape (8 minutes; ARGS=streams for a part)
	@$(BIN)/python -m benchmarks $(ARGS)

drill: $(DEVELOPMENT) ## inject faults under load and measure the answers (ARGS=…)
	@$(BIN)/python -m benchmarks.drill $(ARGS)

soak: $(DEVELOPMENT) ## run ten minutes of mixed load and check that nothing grows (ARGS="--seconds 60" for less)
	@$(BIN)/python -m benchmarks.soak $(ARGS)

real-services: $(DEVELOPMENT) ## ask services that people run, llama.cpp and LiteLLM (compiles for minutes; ARGS=--write)
	@test -x .venv-upstreams/bin/python || $(PYTHON) -m venv .venv-upstreams
	@nice .venv-upstreams/bin/pip install -q --disable-pip-version-check gguf 'llama-cpp-python[server]' 'litellm[proxy]'
	@$(BIN)/python -m benchmarks.real_services $(ARGS)

conformance: $(DEVELOPMENT) ## write what people get of each service's quirks into docs/conformance.md
	$(BIN)/python -m pytest -q tests/chat/upstream/conformance_page.py

conversations: $(DEVELOPMENT) ## write what people read in hard conversations into docs/conversations.md
	$(BIN)/python -m pytest -q tests/chat/pipeline/conversations_page.py

documents: $(DEVELOPMENT) ## write which files of families are read whole into docs/documents.md
	$(BIN)/python -m tests.chat.documents.files_table

paraphrases: $(TRAINING) ## learn which entry a question asks for; after a change of paraphrases or of a lexicon
	@DJANGO_SETTINGS_MODULE=bff.settings DEBUG=1 .venv-training/bin/python -m benchmarks.knowledge.paraphrases
	@DJANGO_SETTINGS_MODULE=bff.settings DEBUG=1 .venv-training/bin/python -m benchmarks.knowledge.train

distress-model: $(TRAINING) ## learn to recognise distress; after a change of benchmarks/distress/sentences
	@DJANGO_SETTINGS_MODULE=bff.settings DEBUG=1 .venv-training/bin/python -m benchmarks.distress.train

date-kinds: $(TRAINING) ## learn what the dates of letters are; after a change of benchmarks/date_kinds/texts
	@.venv-training/bin/python -m benchmarks.date_kinds.train

$(TRAINING): requirements.lock
	@test -x .venv-training/bin/python || $(PYTHON) -m venv .venv-training
	@.venv-training/bin/pip install -q --disable-pip-version-check -r requirements.lock
	@.venv-training/bin/pip install -q --disable-pip-version-check scikit-learn && touch $@

dashboard: $(DEVELOPMENT) ## write docs/grafana-dashboard.json; after a change of docs/grafana-dashboard.yaml
	$(BIN)/python docs/grafana_dashboard.py

collection: $(DEVELOPMENT) ## write the Postman collection, which Bruno imports too; after a change of the API
	DEBUG=1 $(BIN)/python -m docs.api_collection

messages: $(DEVELOPMENT) ## collect and compile the translations; after a change of texts for people (needs gettext)
	DEBUG=1 $(BIN)/python manage.py makemessages -l fr -l en --add-location file --no-wrap --no-obsolete \
	  -i ".venv*" -i var -i tests -i ai_service -i benchmarks
	DEBUG=1 $(BIN)/python manage.py compilemessages -i ".venv*"

lighthouse: $(DEVELOPMENT) ## have Lighthouse judge the first page (downloads it with npx)
	$(BIN)/python -m pytest -q -s tests/e2e/lighthouse.py

screenshots: $(DEVELOPMENT) ## take the screenshots of docs/; after a change of the page (PICTURES=dark for some)
	$(BIN)/python -m pytest -q tests/e2e/screenshots.py $(if $(PICTURES),-k "$(PICTURES)")
