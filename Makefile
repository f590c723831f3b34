# The two commands: `make demo` and `make test`. Both set up a virtual environment in .venv first.
# `make help` lists the rest.

VENV := .venv
RUN := $(VENV)/bin/python
PEERS := benchmarks/.peers
DEMO := runs/demo
# Up to four processes, each of which holds a TensorFlow; tests/conftest.py says how many, and in which order the files
# come. Files stay whole, since their tests share models.
ON_ALL_CORES := --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# The first Python from 3.10 to 3.13 that starts; say `make PYTHON=/path/to/python` to choose another.
PYTHON ?= $(shell for each in python3 python3.13 python3.12 python3.11 python3.10 python; do \
	$$each -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$each && break; done)

.DEFAULT_GOAL := help
.PHONY: help setup demo test browser test-slow lint format results bench bench-peers clean

help: ## list what make can do
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(VENV)/.ready: requirements.txt
	@test -n "$(PYTHON)" || { echo "error: no Python 3.10 to 3.13 found. Install one, or say: make PYTHON=/path/to/python" >&2; exit 2; }
	@echo "Setting up $(VENV) with $$($(PYTHON) --version): downloads about 500 MB once, takes a minute or two ..."
	@test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	@$(RUN) -m pip install --quiet --disable-pip-version-check --upgrade pip  # that of Python 3.10 searches for minutes
	@$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.ready-dev: requirements-dev.txt $(VENV)/.ready
	@echo "Adding the test tools ..."
	@$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

setup: $(VENV)/.ready ## virtual environment with everything the translator needs

demo: $(VENV)/.ready ## train on the built-in corpus, evaluate, translate, draw heat maps; use a shipped model (about 5 minutes)
	@rm -rf $(DEMO)
	@$(RUN) train.py --config configs/starter.yaml --run $(DEMO)
	@$(RUN) evaluate.py --model $(DEMO) --split test
	@$(RUN) translate.py --model $(DEMO) --input examples/starter_sentences.txt --plots $(DEMO)/plots/examples --heat-map
	@printf '%s\n' '' 'And with a model that ships with the project:'
	@$(RUN) translate.py --input examples/everyday_sentences.txt --plots $(DEMO)/plots/shipped --heat-map
	@printf '%s\n' '' 'Everything lies in $(DEMO):' \
		'  model.keras, tokenizer/, config.yaml    the trained model' \
		'  plots/examples/, plots/shipped/         a heat map for each sentence above' \
		'  plots/learning_curve.png, metrics.csv   how training went' \
		'  evaluation/                             scores and all translations of the test split' \
		'Next:' \
		'  . $(VENV)/bin/activate' \
		'  python translate.py --model $(DEMO)                        translate your own sentences, interactively' \
		'  python translate.py --list-models                          models that need no training' \
		'  python serve.py --model $(DEMO)                            look inside: alignment as it emerges, alternatives, the beam' \
		'  tensorboard --logdir $(DEMO)/tensorboard                   the curves of the training' \
		'  python train.py --config configs/multi30k_en_de.yaml      train on a real corpus (see README.md)'

test: $(VENV)/.ready-dev browser ## all tests but the slow ones
	@$(RUN) -m pytest $(ON_ALL_CORES)

# Without a browser the tests that need one are skipped, and say so. The names are those of tests/browser/chromium.py.
browser:
	@[ -z "$$CHROMIUM" ] || exit 0; \
	for each in chromium chromium-browser google-chrome google-chrome-stable; do \
		command -v $$each >/dev/null && exit 0; done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing Chromium for the browser tests ..."; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null && exit 0; \
	fi; \
	echo "warning: there is no Chromium, and it could not be installed; the browser tests will be skipped." \
		"Install it (Debian, as root: apt-get install chromium) or name one in the variable CHROMIUM" >&2

test-slow: $(VENV)/.ready-dev ## the slow tests: real trainings that are killed and resumed
	@$(RUN) -m pytest -m slow

lint: $(VENV)/.ready-dev ## style and types
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy

format: $(VENV)/.ready-dev ## rewrite the code in the project's style
	@$(RUN) -m ruff check --fix .
	@$(RUN) -m ruff format .

# A file of docs/scores is what evaluate.py --summary wrote of a system: docs/evaluate.md.
results: $(VENV)/.ready ## write docs/results.md anew from the scores in docs/scores
	@$(RUN) -m seq2seq.results_page --page docs/results.md --published docs/published_results.yaml \
		$$(test -f docs/results_examples.yaml && echo --examples docs/results_examples.yaml) docs/scores/*.json

bench: $(VENV)/.ready ## measure speed and memory, write benchmarks/results/own.json (about 15 minutes)
	@$(RUN) -m benchmarks

# pymarian 1.12 has no builds for Python 3.13.
PEER_PYTHON ?= $(shell for each in python3 python3.12 python3.11 python3.10; do \
	$$each -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 13))' 2>/dev/null && echo $$each && break; done)

$(PEERS)/.ready: benchmarks/peers/requirements.txt
	@test -n "$(PEER_PYTHON)" || { echo "error: no Python 3.10 to 3.12 found. Install one, or say: make bench-peers PEER_PYTHON=/path/to/python" >&2; exit 2; }
	@echo "Setting up $(PEERS) with $$($(PEER_PYTHON) --version): 1 GB at least, several minutes ..."
	@test -x $(PEERS)/bin/python || $(PEER_PYTHON) -m venv $(PEERS)
	@$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check $$(grep -o '^torch==[^ ]*' $<)
	@$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

bench-peers: $(VENV)/.ready $(PEERS)/.ready ## speed beside Joey NMT and Marian, in turn (about 20 minutes)
	@$(RUN) -m benchmarks.peers.compare

clean: ## remove the virtual environment and caches; your runs stay
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache
