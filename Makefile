# Grange. `make run` tries it out, `make test` proves it; CI runs nothing else.

PROFILE ?= debug
CARGO ?= cargo
RELEASE = $(if $(filter release,$(PROFILE)),--release,)
OUT = target/$(PROFILE)
PREFIX ?= /usr
SYSCONFDIR ?= /etc
DESTDIR ?=
INSTALL ?= install

.PHONY: all build test check lint man-lint unit system rfc docs deny tools run bench bench-quick bench-micro bench-baseline flame-graph fuzz chaos power-cut check-portable install clean

all: build

## build: all programs, laid out as they are installed
build:
	$(CARGO) build --workspace $(RELEASE)
	scripts/layout $(OUT)

## run: build, start in a scratch directory, deliver a first message, say what to try next
run: build
	scripts/try $(OUT)

## test: everything that must hold; installs the Debian tools it needs when it is root
test: tools lint build unit docs man-lint deny

tools:
	scripts/tools

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --quiet -- -D warnings
	! command -v python3 >/dev/null || PYTHONPYCACHEPREFIX=target/pycache python3 -m py_compile bench/*.py

unit:
	$(CARGO) test --workspace --quiet

## rfc: how many of the demands of each RFC are proved, by what in tests/rfc
rfc:
	$(CARGO) test --quiet -p system-tests --test rfc_ledger -- --nocapture the_table_is_printed

docs:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --quiet --document-private-items

man-lint:
	scripts/man-lint

deny:
	scripts/deny

## chaos: kill random processes of the farm under load for CHAOS_SECONDS (60), and count
chaos: build
	CHAOS_SECONDS=$${CHAOS_SECONDS:-60} $(CARGO) test -p system-tests --test chaos -- --nocapture

## fuzz: each fuzz target for FUZZ_SECONDS (60), all of them or FUZZ_TARGETS; installs cargo-fuzz in target/tools
fuzz:
	scripts/fuzz $${FUZZ_SECONDS:-60} $(FUZZ_TARGETS)

# What the micro benches write, and the crates that have some.
MICRO = $(CURDIR)/target/micro
MICRO_CRATES = -p proto -p router -p scheduler -p spool

## bench-micro: criterion benches of the pure cores, and the change against bench/baseline.json; under 90 seconds once built
bench-micro:
	rm -rf $(MICRO)
	mkdir -p $(MICRO)
	CRITERION_HOME=$(MICRO) $(CARGO) bench --quiet $(MICRO_CRATES) --bench '*' >$(MICRO)/output.txt 2>&1 || { cat $(MICRO)/output.txt; exit 1; }
	bench/compare.py $(MICRO)

## bench-baseline: the same, and make it the baseline
bench-baseline: bench-micro
	bench/compare.py $(MICRO) --save | tail -1

## bench-quick: bench-micro, then Grange beside Postfix in one run, under five minutes once built (root; bench/setup-peers.sh once)
bench-quick: bench-micro
	$(MAKE) build PROFILE=release
	cd bench && ulimit -n 20000 && ./bench.py --quick --sections proof,accept,relay,cost,latency,fanout postfix grange

## bench: the full harness against all peers, about an hour; ends with our goals and whether they are met
bench:
	$(MAKE) build PROFILE=release
	rm -rf target/bench
	cd bench && ulimit -n 20000 && ./bench.py --out ../target/bench postfix exim opensmtpd:fsync grange && ./goals.py ../target/bench

## flame-graph: where the CPU time of a relay run goes, as bench/flame.svg (root; perf; installs inferno in target/tools)
flame-graph:
	$(MAKE) build PROFILE=release
	[ -x target/tools/bin/inferno-flamegraph ] || $(CARGO) install --quiet --locked --root target/tools inferno
	cd bench && ulimit -n 20000 && ./flame.py ../target/tools/bin flame.svg

## power-cut: POWER_CUTS (20,000) seeded power cuts of the spool model
power-cut:
	POWER_CUTS=$${POWER_CUTS:-20000} $(CARGO) test --release -p spool power_cut -- --nocapture

## check-portable: type-check for the other Unix systems whose standard library is installed
check-portable:
	scripts/check-portable

## install: programs, man pages and examples under DESTDIR
install:
	$(MAKE) build PROFILE=release
	DESTDIR="$(DESTDIR)" PREFIX="$(PREFIX)" SYSCONFDIR="$(SYSCONFDIR)" scripts/install target/release

clean:
	$(CARGO) clean

help:
	@sed -n 's/^## //p' Makefile
