# Two commands matter: `make run` and `make test`. Both install what is missing first.

SWIFT ?= swift
PREFIX ?= /usr/local
PROGRAMS = redis-replica-init redis-replica-sidecar KVApp kv-local
TOOLS = .build-tools
RELEASE = .build/release

# make images REGISTRY=ghcr.io/you PUSH=1 REDIS_IMAGE=valkey/valkey:8.1.9
# make run PORT=30013 REDIS_PORT=17379 SIDECAR_PORT=19131 APPS=3 REPLICAS=2
RUN_OPTIONS = $(if $(PORT),--port $(PORT)) $(if $(REDIS_PORT),--redis-port $(REDIS_PORT)) \
	$(if $(SIDECAR_PORT),--sidecar-port $(SIDECAR_PORT)) $(if $(APPS),--apps $(APPS)) $(if $(REPLICAS),--replicas $(REPLICAS))

# make drill-lost-disk KEYS=1000000 ON_EMPTY=start, and what make run takes
DRILL_OPTIONS = $(RUN_OPTIONS) $(if $(KEYS),--keys $(KEYS)) $(if $(ON_EMPTY),--on-empty $(ON_EMPTY))

# make bench ROUNDS=5 SECONDS=3 SHAPES=c64,pipeline ALLOCATIONS=1
BENCH_OPTIONS = $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SECONDS),--seconds $(SECONDS)) \
	$(if $(SHAPES),--shapes $(SHAPES)) $(if $(ALLOCATIONS),--allocations)

.DEFAULT_GOAL := help
.PHONY: help run drill-lost-disk test test-fresh e2e build images test-images fuzz-conf bench bench-init bench-reseed lint format install clean

help: ## list these targets
	@echo 'usage: make TARGET'
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  \1|\2/p' $(firstword $(MAKEFILE_LIST)) | \
		while IFS='|' read -r target text; do printf '  %-17s %s\n' "$$target" "$$text"; done

run: ## start a master, two replicas with sidecars and three apps on loopback (PORT= REDIS_PORT= …); Ctrl-C stops all
	@scripts/install-dependencies run
	@$(MAKE) --no-print-directory build
	@exec $(RELEASE)/kv-local $(RUN_OPTIONS)

drill-lost-disk: ## kill the master, remove its disk, and see its replicas bring the data home (KEYS=100000 PORT= …)
	@scripts/install-dependencies run
	@$(MAKE) --no-print-directory build
	@exec $(RELEASE)/kv-local drill-lost-disk $(DRILL_OPTIONS)

test: ## run every test, against real servers, and the checks of `make lint`
	@$(MAKE) --no-print-directory lint
	$(SWIFT) build --build-tests
	$(SWIFT) test --skip-build --disable-xctest --skip IntegrationTests
	@# One after the other: they measure deadlines on real servers, and two cores are few.
	$(SWIFT) test --skip-build --disable-xctest --no-parallel --filter IntegrationTests

test-fresh: ## run both commands on a bare Debian 12, made by debootstrap; needs root (KEEP=1 SWIFT_ROOT= OPTIONS=--run-only)
	@scripts/fresh-machine-test $(OPTIONS)

e2e: ## try the manifests on the cluster that kubectl points at, in a namespace of their own (OPTIONS=--help)
	@scripts/e2e/run $(OPTIONS)

build: ## build the release programs, each one static file
	$(SWIFT) build -c release --product redis-replica-init
	$(SWIFT) build -c release --product redis-replica-sidecar
	$(SWIFT) build -c release --product KVApp
	$(SWIFT) build -c release --product kv-local

images: ## build the images by docker, podman or buildah (KIND=1 REGISTRY= PUSH=1 VERSION= REDIS_IMAGE= PLATFORM=)
	@scripts/build-images

test-images: ## build the images, where no registry can be reached too if somebody provides for that; check their sizes
	@scripts/test-images

fuzz-conf: ## throw N random configurations at the grammar (N=10000000 SEED=1)
	$(SWIFT) build -c release --product fuzz-conf
	$(RELEASE)/fuzz-conf $(or $(N),10000000) $(or $(SEED),1)

bench: ## measure KVApp beside webdis and a C floor, into docs/benchmarks/data-path.md (ROUNDS=5 SECONDS=3)
	@# Before the build, which takes minutes: it says which package is missing and how to install it.
	@Benchmarks/data-path/run --check
	$(SWIFT) build -c release --product KVApp
	Benchmarks/data-path/run $(BENCH_OPTIONS)

bench-init: ## measure redis-replica-init beside C and the shell, into docs/benchmarks/redis-replica-init.md (RUNS=500)
	$(SWIFT) build -c release --product redis-replica-init
	Benchmarks/redis-replica-init/run $(RUNS)

bench-reseed: ## measure how fast a lost master's data comes home, into docs/benchmarks/reseed.md
	$(SWIFT) build -c release --product redis-replica-init
	Benchmarks/reseed/run

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
	rm -rf .build .build-fresh $(TOOLS)
