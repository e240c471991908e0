# Two commands are enough: `make demo` and `make test`. Nothing is installed outside .venv, except
# that `make test` as root on a Debian system installs the programs that the tests drive.

PYTHON ?= python3
BIN := .venv/bin

# program:package, the real programs that tests/host drives
DRIVEN := ip:iproute2 iperf3:iperf3 sipp:sip-tester tshark:tshark tcpdump:tcpdump nft:nftables \
	dig:bind9-dnsutils nc:netcat-openbsd ethtool:ethtool ping:iputils-ping hping3:hping3 \
	traceroute:traceroute tmux:tmux ps:procps curl:curl
# and those that only `make bench` compares with
COMPARED := slirp4netns:slirp4netns pasta:passt

.PHONY: setup demo test lint bench system-packages

setup: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

.venv/installed-dev: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: setup
	@$(BIN)/glassnat sim one-way-audio

test: .venv/installed-dev system-packages
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage report --include='nat/*,alg/*' --fail-under=90

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/installed-dev
	@$(MAKE) --no-print-directory system-packages DRIVEN='$(DRIVEN) $(COMPARED)'
	$(BIN)/python -m tests.bench
	$(BIN)/python -m pytest -q tests/bench/micro.py --benchmark-columns=min,median,iqr

system-packages:
	@missing=; for pair in $(DRIVEN); do \
		PATH="$$PATH:/usr/sbin:/sbin" command -v "$${pair%%:*}" >/dev/null 2>&1 \
			|| missing="$$missing $${pair##*:}"; \
	done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
		echo "installing what the tests drive:$$missing"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y \
			--no-install-recommends $$missing >/dev/null \
			|| echo "could not install:$$missing; the tests that need them will be skipped"; \
	else \
		echo "missing, so that some tests will be skipped:$$missing"; \
	fi
