# The two commands: `make run` and `make test`. The others are for whoever changes the code.
SHELL := /bin/bash
.PHONY: help run test lint fmt bench faults down bootstrap messages
WITH_SERVICES = scripts/bootstrap --dev && scripts/services $(WHERE) start && eval "$$(scripts/services $(WHERE) env)" && source .venv/bin/activate
test lint: WHERE = in-memory

help: ## what there is
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' Makefile | expand -t 16

run: ## the whole command centre at http://127.0.0.1:8000 (PORT=… changes it); Ctrl-C stops it
	@exec scripts/run

test: ## the tests (ARGS=… for pytest)
	@$(WITH_SERVICES) && scripts/messages && pytest -n $${PYTEST_WORKERS:-2} --dist worksteal $(ARGS)

lint: ## what CI checks besides the tests
	@$(WITH_SERVICES) && scripts/lint

fmt: ## format the code
	@scripts/bootstrap --dev && .venv/bin/ruff check -q --fix . ; .venv/bin/ruff format -q .

bench: ## measure the speeds promised (BENCH=… selects)
	@$(WITH_SERVICES) && python benchmarks/run.py $(BENCH)

faults: ## kills, soaks, full-size properties, LibreOffice (REPLAY_FILE=… REPLAY_DAYS=… a whole file)
	@scripts/bootstrap --full && $(WITH_SERVICES) && scripts/messages && FULL_SIZE=1 CALENDAR_EXAMPLES=100000 pytest tests/faults tests/matrix/test_walks.py tests/unit/test_time_limits.py tests/api/evaluation/test_recomputed.py $(ARGS)

down: ## stop everything that runs
	@scripts/down

bootstrap: ## install what the machine lacks
	@scripts/bootstrap --dev
