# Two commands matter: `make run` and `make test`. Both install what is missing first.

SWIFT ?= swift
PREFIX ?= /usr/local
PROGRAMS = redis-replica-init redis-replica-sidecar KVApp kv-local
TOOLS = .build-tools
SANITIZER = address
RELEASE = .build/release
# A target that imports what it does not declare builds by luck, when the other one happens to be built first.
IMPORTS = --explicit-target-dependency-import-check error

# make images REGISTRY=ghcr.io/you PUSH=1 REDIS_IMAGE=valkey/valkey:8.1.9
# make run PORT=30013 REDIS_PORT=17379 SIDECAR_PORT=19131 APPS=3 REPLICAS=2
RUN_OPTIONS = $(if $(PORT),--port $(PORT)) $(if $(REDIS_PORT),--redis-port $(REDIS_PORT)) \
	$(if $(SIDECAR_PORT),--sidecar-port $(SIDECAR_PORT)) $(if $(APPS),--apps $(APPS)) $(if $(REPLICAS),--replicas $(REPLICAS))

# make drill-lost-disk KEYS=1000000 ON_EMPTY=start, and what make run takes
DRILL_OPTIONS = $(RUN_OPTIONS) $(if $(KEYS),--keys $(KEYS)) $(if $(ON_EMPTY),--on-empty $(ON_EMPTY))

# make run-failover PORT=30013 REDIS_PORT=17379 SIDECAR_PORT=19131 ETCD_PORT=13379 APPS=3 NODES=5 LEASE_SECONDS=5
FAILOVER_OPTIONS = $(if $(PORT),--port $(PORT)) $(if $(REDIS_PORT),--redis-port $(REDIS_PORT)) \
	$(if $(SIDECAR_PORT),--sidecar-port $(SIDECAR_PORT)) $(if $(ETCD_PORT),--etcd-port $(ETCD_PORT)) \
	$(if $(APPS),--apps $(APPS)) $(if $(NODES),--nodes $(NODES)) $(if $(LEASE_SECONDS),--lease-seconds $(LEASE_SECONDS))

# make bench ROUNDS=5 SECONDS=3 SHAPES=c64,pipeline ALLOCATIONS=1
BENCH_OPTIONS = $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SECONDS),--seconds $(SECONDS)) \
	$(if $(SHAPES),--shapes $(SHAPES)) $(if $(ALLOCATIONS),--allocations)

.DEFAULT_GOAL := help
.PHONY: help run run-failover drill-failover drill-lost-disk unit test test-fresh e2e e2e-failover build images test-images fuzz sanitize simulate bench budgets bench-init bench-reseed bench-failover bench-switchover lint format install clean

help: ## list these targets
	@echo 'usage: make TARGET'
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  \1|\2/p' $(firstword $(MAKEFILE_LIST)) | \
		while IFS='|' read -r target text; do printf '  %-17s %s\n' "$$target" "$$text"; done

run: ## start a master, two replicas with sidecars and three apps on loopback (PORT= REDIS_PORT= …); Ctrl-C stops all
	@scripts/install-dependencies run
	@$(MAKE) --no-print-directory build
	@exec $(RELEASE)/kv-local $(RUN_OPTIONS)

run-failover: ## start three nodes that elect their leader, an etcd and three apps; Ctrl-C stops all (PORT= REDIS_PORT= ETCD_PORT= …)
	@scripts/install-dependencies failover
	@$(MAKE) --no-print-directory build
	@exec $(RELEASE)/kv-local run-failover $(FAILOVER_OPTIONS)

drill-failover: ## kill, freeze and move the leader under load, and count what failed (ROUNDS=3 PORT= …)
	@scripts/install-dependencies failover
	@$(MAKE) --no-print-directory build
	@exec $(RELEASE)/kv-local drill-failover $(FAILOVER_OPTIONS) $(if $(ROUNDS),--rounds $(ROUNDS))

drill-lost-disk: ## kill the master, remove its disk, and restore all keys from its replicas (KEYS=100000 PORT= …)
	@scripts/install-dependencies run
	@$(MAKE) --no-print-directory build
	@exec $(RELEASE)/kv-local drill-lost-disk $(DRILL_OPTIONS)

unit: ## run the tests that start no server, without root (SUITE='TokenTests SeedTests')
	@scripts/run-tests --check --unit $(SUITE)
	@scripts/install-dependencies run
	$(SWIFT) build --build-tests $(IMPORTS)
	@scripts/run-tests --unit $(SUITE)

test: ## run every test, against real servers, and the checks of `make lint`; as root (SUITE='HandTests IfMatchTests' JOBS=4)
	@# Before the build, which takes minutes.
	@scripts/run-tests --check $(SUITE)
	@$(if $(SUITE),scripts/install-dependencies test,$(MAKE) --no-print-directory lint)
	$(SWIFT) build --build-tests $(IMPORTS)
	@scripts/run-tests $(if $(JOBS),--jobs $(JOBS)) $(SUITE)

test-fresh: ## run both commands on a bare Debian 12, made by debootstrap; needs root (KEEP=1 SWIFT_ROOT= OPTIONS=--run-only)
	@scripts/fresh-machine-test $(OPTIONS)

e2e: ## try the manifests on the cluster that kubectl points at, in their own namespace (OPTIONS=--help)
	@scripts/e2e/run $(OPTIONS)

e2e-failover: ## try overlays/ha on that cluster: kill, delete and change the leader under load (OPTIONS=--help)
	@scripts/e2e/run-failover $(OPTIONS)

build: ## build the release programs, each one static file
	$(SWIFT) build -c release --product redis-replica-init
	$(SWIFT) build -c release --product redis-replica-sidecar
	$(SWIFT) build -c release --product KVApp
	$(SWIFT) build -c release --product kv-local

images: ## build the images by docker, podman or buildah (KIND=1 REGISTRY= PUSH=1 VERSION= REDIS_IMAGE= PLATFORM=)
	@scripts/build-images

test-images: ## build the images, with local bases if ../shared/images has them; check their sizes
	@scripts/test-images

fuzz: ## throw random inputs at all that is read, guided by coverage (TIME=600 TARGETS='requests json' INPUT=FILE)
	@scripts/install-dependencies fuzz
	@scripts/fuzz $(if $(INPUT),--input '$(INPUT)',$(if $(TIME),--seconds $(TIME)) $(TARGETS))

simulate: ## run N seeded schedules of faults through the rules of fail-over (N=100000 SEED=1)
	$(SWIFT) build -c release --product simulate-failover
	$(RELEASE)/simulate-failover $(or $(N),100000) $(or $(SEED),1)

sanitize: ## run the unit tests under AddressSanitizer, in a build folder of its own (SANITIZER=thread for ThreadSanitizer)
	@scripts/install-dependencies run
	$(SWIFT) build --build-tests --sanitize=$(SANITIZER) --scratch-path .build-$(SANITIZER)
	$(SWIFT) test --skip-build --disable-xctest --sanitize=$(SANITIZER) --scratch-path .build-$(SANITIZER) --skip IntegrationTests

bench: ## measure KVApp beside webdis and a C floor, into docs/benchmarks/data-path.md (ROUNDS=5 SECONDS=3)
	@# Before the build, which takes minutes: it says which package is missing and how to install it.
	@Benchmarks/data-path/run --check
	$(SWIFT) build -c release --product KVApp
	Benchmarks/data-path/run $(BENCH_OPTIONS)

budgets: ## compare the allocations and instructions of a GET with Benchmarks/data-path/thresholds.json, as CI does
	@scripts/install-dependencies budgets
	Benchmarks/data-path/allocations --check --connections 64 --requests 2048

bench-init: ## measure redis-replica-init beside C and the shell, into docs/benchmarks/redis-replica-init.md (RUNS=500)
	$(SWIFT) build -c release --product redis-replica-init
	Benchmarks/redis-replica-init/run $(RUNS)

bench-reseed: ## measure the restore of a lost master's data from a replica, into docs/benchmarks/reseed.md
	$(SWIFT) build -c release --product redis-replica-init
	Benchmarks/reseed/run

bench-failover: ## measure the fail-over beside three Sentinels, and rewrite table and picture, as root (ROUNDS=10 SECONDS=3 FAULTS=planned,cut)
	@scripts/install-dependencies failover
	@$(MAKE) --no-print-directory build
	@Benchmarks/failover/run --document docs/benchmarks/failover.md --picture docs/benchmarks/failover.svg \
		$(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(FAULTS),--faults $(FAULTS))

bench-switchover: ## measure planned changes of the leader under load, and rewrite the table, as root (ROUNDS=200 SECONDS=5)
	@scripts/install-dependencies failover
	@command -v wrk >/dev/null || scripts/install-dependencies bench
	@$(MAKE) --no-print-directory build
	@Benchmarks/failover/switchovers --document docs/benchmarks/failover.md \
		$(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SECONDS),--seconds $(SECONDS))

lint: ## check the format of the Swift files, the scripts, Dockerfiles, manifests and workflows
	@scripts/install-dependencies test
	$(SWIFT) format lint --strict -r Sources Tests Benchmarks Package.swift
	scripts/lint
	scripts/check-manifests
	scripts/check-workflows

format: ## format the Swift files
	$(SWIFT) format --in-place -r Sources Tests Benchmarks Package.swift

install: build ## copy the programs and manual pages under PREFIX (PREFIX=/usr/local)
	install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PREFIX)/share/man/man1'
	install -m 0644 docs/*.1 '$(DESTDIR)$(PREFIX)/share/man/man1'
	install -m 0755 $(PROGRAMS:%=$(RELEASE)/%) '$(DESTDIR)$(PREFIX)/bin'

clean: ## remove what was built, and the tools
	rm -rf .build .build-fresh .build-fuzz .build-address .build-thread $(TOOLS)
