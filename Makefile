PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt
# The index of PyTorch's builds for this machine, if not the package index's own.
TORCH_INDEX ?=

.PHONY: install demo docs test lint floors clean

install: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "avcues needs Python 3.11 or newer, and $(PYTHON) is older: install python3.11, or run make PYTHON=/path/to/it" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(if $(TORCH_INDEX),$(PIP) --index-url $(TORCH_INDEX) torch torchvision)
	$(PIP) --editable ".[dev]"
	touch $@

demo: install
	$(BIN)/avcues demo --out demo

# The documentation as a site; fails at a dead link, or a page without a place.
docs: install
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@echo "open site/index.html, or serve it with: $(BIN)/mkdocs serve"

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint
	$(BIN)/pytest --numprocesses 2 --max-worker-restart 3

# The cheap tests on the oldest versions that pyproject.toml allows, as .ci/floors.txt has them; torch, which takes gigabytes,
# and the tools of the tests are those of .venv.
FLOORS := .venv-floors
EXTRAS := collect dashboard excel hub pandas polars pytorchvideo sentences speech train
floors: install .ci/floors.txt
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(FLOORS)
	grep -vE '^(torch|torchvision|triton|nvidia-.*|cuda-.*)==' .ci/floors.txt > $(FLOORS)/requirements.txt
	$(BIN)/uv pip install --quiet --python $(FLOORS)/bin/python --no-deps --requirement $(FLOORS)/requirements.txt --editable .
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
		> $$($(FLOORS)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/zz_tools_of_tests.pth
	PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 $(FLOORS)/bin/python -m pytest -q -W ignore tests/models_cache tests/pipeline/store \
		tests/pipeline/media tests/pipeline/extraction tests/pipeline/runtime/test_api.py tests/extractors/test_contract.py

# Versions that suit pyproject.toml stay; `rm .ci/floors.txt` renews those that it does not name.
.ci/floors.txt: pyproject.toml
	$(BIN)/uv pip compile --quiet --resolution lowest-direct $(EXTRAS:%=--extra %) --no-annotate --no-header \
		--output-file $@ pyproject.toml

clean:
	rm -rf .venv $(FLOORS) demo site
