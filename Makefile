# Two commands are enough: `make demo` and `make test`. Nothing is installed outside .venv, except
# that `make test` as root on a Debian system installs the programs that the tests drive.

PYTHON ?= python3
BIN := .venv/bin

# program:package, the real programs that tests/host drives
DRIVEN := ip:iproute2 iperf3:iperf3 sipp:sip-tester tshark:tshark tcpdump:tcpdump nft:nftables \
	dig:bind9-dnsutils nc:netcat-openbsd ethtool:ethtool ping:iputils-ping hping3:hping3 \
	delv:bind9-dnsutils traceroute:traceroute tmux:tmux ps:procps curl:curl nsenter:util-linux \
	dnsmasq:dnsmasq-base \
	qemu-system-x86_64:qemu-system-x86 busybox:busybox-static /vmlinuz:linux-image-amd64 \
	baresip:baresip-core
# and those that only `make bench` compares with
COMPARED := slirp4netns:slirp4netns pasta:passt

# Bytecode is kept, whatever the environment says: without it the sources and the tests would be
# compiled anew by every process, which takes longer than many a test.
unexport PYTHONDONTWRITEBYTECODE

# What needs no root runs on two processors. (--cov measures in both; `coverage run` would in neither.)
ON_TWO := -n 2 --dist worksteal
# Half of the files for each of two processes: pytest-xdist would have both collect all files, and
# hand on what becomes of each test, which is a fifth of the time that these take.
HALF := $(BIN)/python -m pytest -q -m "not host and not sweep and not slow" --half
# What tests nat/ and alg/, with the streams and the changed settings that only the appliance makes:
# only that is traced, which takes twice the time.
TRACED := tests/nat tests/alg tests/spec tests/appliance/test_engine.py \
	tests/appliance/gateway/test_streams.py tests/appliance/gateway/test_stream_delivery.py

.PHONY: setup demo test fast lint pictures bench soak system-packages

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

# What failed is tried once more, with nothing beside it. A machine that stumbles for a second fails a
# test that measures it once; a fault of the program fails twice. Both results are printed.
define tried
$(BIN)/python -m pytest $(1); \
	case $$? in \
	0) ;; \
	1) echo "What failed, once more and alone:"; \
		$(BIN)/python -m pytest --last-failed --last-failed-no-failures=none -rA --tb=short $(2) \
			|| failed=1 ;; \
	*) failed=1 ;; \
	esac
endef

# Host tests come first and run one after the other: they use up the machine, and some measure it.
test: .venv/installed-dev system-packages
	$(BIN)/coverage erase
	@failed=0; \
	$(call tried,-m host,-m host); \
	$(call tried,$(ON_TWO) -m "not host" --cov --cov-report= $(TRACED),-m "not host" $(TRACED)); \
	$(call tried,$(ON_TWO) -m "not host" $(TRACED:%=--ignore=%),-m "not host" $(TRACED:%=--ignore=%)); \
	$(BIN)/coverage report --include='nat/*,alg/*' --fail-under=90 || failed=1; \
	exit $$failed

# After every change. Of a sweep (the same thing said of everything there is) it tries a sample.
# What is slow by itself it leaves out.
fast: .venv/installed-dev
	@other=$$(mktemp); failed=0; \
	$(HALF) 2 >$$other 2>&1 & second=$$!; \
	$(HALF) 1 || failed=1; \
	wait $$second || failed=1; \
	cat $$other; rm -f $$other; exit $$failed

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

pictures: .venv/installed-dev
	.venv/bin/python -m tui.picture docs

bench: .venv/installed-dev
	@$(MAKE) --no-print-directory system-packages DRIVEN='$(DRIVEN) $(COMPARED)'
	$(BIN)/python -m tests.bench
	$(BIN)/python -m pytest -q tests/bench/micro.py --benchmark-columns=min,median,iqr

# Ten minutes of mixed traffic, and as long as it takes until nothing of it is left.
SECONDS ?= 600
soak: .venv/installed-dev system-packages
	$(BIN)/python -m tests.soak --seconds $(SECONDS)

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
