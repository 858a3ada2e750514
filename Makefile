.DEFAULT_GOAL := help
.PHONY: help demo up test test-all faults check lock clean
BIN := .venv/bin

help: ## show this list
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18

demo: .venv/runtime.stamp ## a song in, a music video out: out/demo.mp4
	@mkdir -p out
	@$(BIN)/python demo/song.py out/demo.wav out/demo.json
	@$(BIN)/vibecraft render out/demo.wav -o out/demo.mp4 --resolution 720p
	@$(BIN)/vibecraft sheet out/demo.mp4 -o out/demo.png
	@echo "The film is $(CURDIR)/out/demo.mp4; play it with any player, for instance: mpv out/demo.mp4"

up: .venv/runtime.stamp ## the HTTP service on http://127.0.0.1:8000 (Ctrl-C stops it)
	@$(BIN)/vibecraft up

test: .venv/dev.stamp check ## checks and the tests that every change must pass
	@$(BIN)/pytest -m "not full"

test-all: .venv/dev.stamp check ## everything, the long ones too
	@.ci/browser
	@$(BIN)/pytest

faults: .venv/dev.stamp ## kill everything, row by row, and print what it cost
	@$(BIN)/python -m tests.faults

check: .venv/dev.stamp ## ruff, mypy, import-linter and deptry
	@$(BIN)/ruff format --check --quiet --no-cache .
	@$(BIN)/ruff check --quiet --no-cache .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/deptry .

lock: .venv/runtime.stamp ## renew requirements.lock and requirements-dev.lock
	@.ci/lock

clean: ## remove the environment, caches and out/
	rm -rf .venv out .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/runtime.stamp: requirements.lock requirements-dev.lock pyproject.toml .ci/bootstrap
	@if [ -f .venv/dev.stamp ]; then .ci/bootstrap dev; else .ci/bootstrap runtime; fi
	@touch $@

.venv/dev.stamp: requirements-dev.lock pyproject.toml .ci/bootstrap
	@.ci/bootstrap dev
	@touch $@ .venv/runtime.stamp
