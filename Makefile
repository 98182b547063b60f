# make run      the service on 127.0.0.1:8084, the web on 127.0.0.1:8088, with a Redis of its own and a few mailboxes to try
# make test     the tests
# make demo     ring a mailbox from this terminal
# make lint     what the tools check
# make live     the tests that need a real FreeSWITCH
# make docs-check  follow the pages literally, on hosts made for it
# make bench    what an application, a call, a mailbox cost, beside a plain greenswitch application; into bench-out/
# make listen   a speech recogniser hears some 400 sentences and menus, and messages over a telephone; into docs/listening.md and
#               docs/transcription.md. Some twenty minutes
# make dist     the wheel, the source archive and Debian's packages, into dist/
# Each makes what it needs in .venv first. The service's data lies in ./var (DATA=DIR for elsewhere); PORT=8084 and WEB=8088 are
# where `make run` takes calls and browsers.

VENV ?= .venv
DATA ?= var
PORT ?= 8084
WEB  ?= 8088
BIN  := $(VENV)/bin
CALL ?= *97

.NOTPARALLEL:
.PHONY: run test lint live bench demo chaos docs-check listen dist format clean
.DEFAULT_GOAL := run

# One stamp for each set of packages; made again when setup.cfg changes.
$(VENV)/.has-run: setup.cfg pyproject.toml scripts/setup-venv
	@scripts/setup-venv $(VENV)
	@touch $@
$(VENV)/.has-test: setup.cfg pyproject.toml scripts/setup-venv
	@scripts/setup-venv $(VENV) test
	@touch $@ $(VENV)/.has-run
$(VENV)/.has-lint: setup.cfg pyproject.toml scripts/setup-venv
	@scripts/setup-venv $(VENV) lint
	@touch $@ $(VENV)/.has-run

$(VENV)/.has-listen: setup.cfg pyproject.toml scripts/setup-venv
	@scripts/setup-venv $(VENV) listen
	@touch $@ $(VENV)/.has-run

$(VENV)/.has-dist: setup.cfg pyproject.toml scripts/setup-venv
	@scripts/setup-venv $(VENV) dist
	@touch $@ $(VENV)/.has-run

run: $(VENV)/.has-run
	@$(BIN)/esl-vm --data-dir $(DATA) serve --demo --listen 127.0.0.1:$(PORT) --web 127.0.0.1:$(WEB) || \
	    { echo "make run PORT=N WEB=N DATA=DIR chooses other ports, another folder" >&2; exit 1; }

# A caller leaves a message; then its owner hears it: on a terminal its keyboard dials (1234#, 1), elsewhere by itself.
demo: $(VENV)/.has-run
	@$(BIN)/esl-vm --data-dir $(DATA) phone 1001 --from 1002 --keys '# # 1' --demo && if [ -t 0 ]; then \
	    echo "Now hear it: the PIN is 1234, then #, and 1"; \
	    $(BIN)/esl-vm --data-dir $(DATA) phone '$(CALL)' --from 1001; \
	else \
	    $(BIN)/esl-vm --data-dir $(DATA) phone '$(CALL)' --from 1001 --keys '1234# 1 #'; \
	fi

test: $(VENV)/.has-test
	@$(BIN)/python -m pytest -n 4 --dist worksteal

lint: $(VENV)/.has-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

live: $(VENV)/.has-test
	$(BIN)/python -m pytest -m live tests/live
	$(BIN)/python -m pytest -m live --ignore tests/live

# A failure at every point of a call, and the kinds beside it: what was announced must hold. Half an hour; root for disks, partitions, pages.
chaos: $(VENV)/.has-test
	ESL_VM_FUZZ=100 $(BIN)/python -m pytest -q tests/web/test_openapi.py
	ESL_VM_HOSTILE=1 $(BIN)/python -m pytest -q tests/notify/test_hostile_mail.py tests/notify/test_hostile_events.py tests/ops/test_outlets.py \
	    tests/cli/test_hostile_names_shown.py
	PYTHONPATH=tests $(BIN)/python -m chaos.campaign
	PYTHONPATH=tests $(BIN)/python -m chaos.clocks
	PYTHONPATH=tests $(BIN)/python -m chaos.disks
	PYTHONPATH=tests $(BIN)/python -m chaos.silence
	PYTHONPATH=tests $(BIN)/python -m chaos.transcripts
	PYTHONPATH=tests $(BIN)/python -m chaos.copies
	PYTHONPATH=tests $(BIN)/python -m chaos.notice_calls
	PYTHONPATH=tests $(BIN)/python -m chaos.gone --short
	PYTHONPATH=tests $(BIN)/python -m chaos.partitions --short
	$(BIN)/python -m pytest -m slow
	$(BIN)/python -m pytest -q tests/recordings/test_spool_rubbish.py tests/calls/test_who_gets_in.py
	PYTHONPATH=tests $(BIN)/python -m docs_check

# The pages' commands as they are written, on hosts made for them (network namespaces; root is needed). About ten minutes.
docs-check: $(VENV)/.has-test
	PYTHONPATH=tests $(BIN)/python -m docs_check

bench: $(VENV)/.has-run
	@PYTHONPATH=scripts:tests $(BIN)/python -m bench $(BENCH)

listen: $(VENV)/.has-listen
	@PYTHONPATH=scripts $(BIN)/python -m listening $(LISTEN)
	@PYTHONPATH=scripts $(BIN)/python -m listening.messages

dist: $(VENV)/.has-dist
	@$(BIN)/python packaging/make-dist
	@$(BIN)/python packaging/make-deb

format: $(VENV)/.has-lint
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
