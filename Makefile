# make         builds the exporter into bin/
# make demo    shows it at work on two private database servers, until Ctrl-C
# make test    runs everything that has to hold, from the formatting to the tests; it is what CI runs
# make test PACKAGE=./collector/cron RUN=TestFind    runs a part of the tests, and starts what that needs
# make stress  runs all tests five times on a busy machine
# make soak    runs at full length what measures memory, load, reloads and faults
# make release makes the release files of HEAD in dist/

GO ?= go
# A release is a tag like v0.1.0; without one this is the version in CHANGELOG.md.
VERSION ?= $(or $(patsubst v%,%,$(shell git describe --tags --dirty 2>/dev/null)),0.1.0)
REVISION ?= $(shell git rev-parse HEAD 2>/dev/null)
BRANCH ?= $(shell git rev-parse --abbrev-ref HEAD 2>/dev/null)
# The commit's date, not today's: the same commit makes the same binary.
BUILD_DATE ?= $(shell git log -1 --format=%cI 2>/dev/null)
# A number of runs for each target, or a time; on a busy machine Go's fuzzer takes the end of a short time for a failure.
FUZZTIME ?= 20000x
TEST_TIMEOUT ?= 30m
# How many mutated seeds of each fuzz target make test tries.
FUZZ_RUNS ?= 2000
# How long each soak test lasts.
SOAK ?= 60s
# What to measure, and how long each: make bench BENCH=Scrape. BENCH_CONFIG names a configuration whose migrations are evaluated too,
# BENCH_MYSQLD_EXPORTER the mysqld_exporter to stand beside, if not Debian's.
BENCH ?= .
BENCHTIME ?= 2s
# What to test or measure.
PACKAGE ?=
RUN ?=

GOLANGCI_LINT_VERSION := v2.15.0
GOVULNCHECK_VERSION := v1.9.0

GOLANGCI_LINT := .cache/golangci-lint-$(GOLANGCI_LINT_VERSION)/golangci-lint

# The programs that are used and the Debian packages that have them.
DEMO_PACKAGES := mariadbd:mariadb-server mariadb-dump:mariadb-client
DOCKER_TEST_PACKAGES := buildah:buildah capsh:libcap2-bin
BENCH_PACKAGES := mariadbd:mariadb-server prometheus-mysqld-exporter:prometheus-mysqld-exporter
PACKAGE_TEST_PACKAGES := debootstrap:debootstrap curl:curl
RELEASE_PACKAGES := npm:npm node:nodejs

version_package := github.com/prometheus/common/version
ldflags := -s -w -X $(version_package).Version=$(VERSION) -X $(version_package).Revision=$(REVISION) \
	-X $(version_package).Branch=$(BRANCH) -X $(version_package).BuildDate=$(BUILD_DATE)

# Some CI runners set no HOME, and Go and npm keep their caches there.
ifndef HOME
export HOME := $(CURDIR)/.cache/home
endif

.NOTPARALLEL:
.PHONY: build demo test test-tools stress format lint fuzz-short soak fuzz vuln release bench docker docker-test package-test chart-test clean

build:
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '$(ldflags)' -o bin/ ./cmd/magento_migration_exporter

demo: build
	@.ci/packages $(DEMO_PACKAGES)
	@$(GO) build -o bin/ ./cmd/magento_migration_demo
	@bin/magento_migration_demo --exporter=bin/magento_migration_exporter

test:
	@PACKAGE='$(PACKAGE)' RUN='$(RUN)' FUZZ_RUNS='$(FUZZ_RUNS)' TEST_TIMEOUT='$(TEST_TIMEOUT)' .ci/test

stress:
	@PACKAGE='$(PACKAGE)' RUN='$(RUN)' TEST_TIMEOUT=5h GOMAXPROCS_ROUNDS='1 2 4 1 2' .ci/test

# What make test needs beside Debian's packages.
test-tools: .cache/tools/gotestsum .cache/tools/toxiproxy .cache/tools/deadcode .cache/tools/jsonnet .cache/tools/jsonnetfmt .cache/tools/chart \
	$(GOLANGCI_LINT)

format:
	@files=$$(gofmt -l $(wildcard cmd collector config dashboards docs)); if [ -n "$$files" ]; then echo "run gofmt -w on:" >&2; echo "$$files" >&2; exit 1; fi
	@$(GO) mod tidy -diff || { echo "run go mod tidy" >&2; exit 1; }
	@cd cmd/acceptance && $(GO) mod tidy -diff || { echo "run go mod tidy in cmd/acceptance" >&2; exit 1; }

# The linters have go vet's checks among theirs. What they passed once they look at again after a change.
lint: .cache/linted .cache/deadcode

# A folder changes with the list of its files.
code := $(shell find cmd collector config dashboards docs .ci/tools -type d -o -name '*.go' -o -name go.mod -o -name go.sum) go.mod go.sum

.cache/linted: $(code) .golangci.yml $(GOLANGCI_LINT)
	$(GOLANGCI_LINT) run --allow-parallel-runners ./...
	$(GOLANGCI_LINT) run --allow-parallel-runners --enable-only unused --tests=false ./...
	cd cmd/acceptance && $(CURDIR)/$(GOLANGCI_LINT) run --allow-parallel-runners ./...
	cd .ci/tools/chart && $(CURDIR)/$(GOLANGCI_LINT) run --allow-parallel-runners ./...
	@touch $@

# What no program calls, and only tests do, is dead: but for what is there for tests, such as what the databases' load is measured with.
.cache/deadcode: $(code) .cache/tools/deadcode
	@.cache/tools/deadcode ./... >$@.new
	@dead=$$(grep -v -e '^collector/mysqltest/' -e '^collector/shoptest/' -e '^collector/leaktest/' \
		-e '^docs/' -e '^dashboards/' -e ' Evaluator.DatabaseCost$$' $@.new); \
		if [ -n "$$dead" ]; then echo "no program calls these functions:" >&2; echo "$$dead" >&2; exit 1; fi
	@mv $@.new $@

# Without the race detector, which makes everything slow, and by itself, since it measures. What the tests do less of is done in full.
soak: .cache/tools/toxiproxy
	@.ci/packages $(DEMO_PACKAGES)
	@.ci/servers
	$(GO) test ./collector ./cmd/magento_migration_exporter -v -count=1 -p=1 -parallel=1 -timeout $(TEST_TIMEOUT) \
		-run '^TestSoak' -soak=$(SOAK)
	$(GO) test ./collector/backup -v -count=1 -parallel=1 -timeout $(TEST_TIMEOUT) -run '^(TestMemory|TestArchiveMemory|TestEveryCut)$$' -full

# Without the fuzzer's instrumentation, for which everything would be compiled again.
fuzz-short:
	.ci/fuzz $(FUZZ_RUNS) $(or $(PACKAGE),./...)

# Each fuzz target of each package for FUZZTIME.
fuzz:
	@set -e; for package in $$($(GO) list ./...); do \
		list=$$($(GO) test -list '^Fuzz' $$package); \
		for target in $$(echo "$$list" | grep '^Fuzz'); do \
			echo "$$package $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$package; \
		done; \
	done

# Known vulnerabilities in what is called; it asks vuln.go.dev.
vuln:
	$(GO) run golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION) ./...

# Binaries with their bills of materials, and packages, each built twice to see that the bytes are the same.
release: .cache/tools/cyclonedx-gomod .cache/tools/nfpm
	@.ci/packages $(RELEASE_PACKAGES)
	.ci/release $(VERSION)

# All that docs/performance.md shows, of the program as it is released: half an hour on a machine that does nothing else.
bench: build
	@.ci/packages $(BENCH_PACKAGES)
	BENCH_EXPORTER=$(CURDIR)/bin/magento_migration_exporter BENCH_CONFIG=$(abspath $(BENCH_CONFIG)) BENCH_MYSQLD_EXPORTER=$(abspath $(BENCH_MYSQLD_EXPORTER)) \
		$(GO) test -ldflags '$(ldflags)' -run '^$$' -bench '$(BENCH)' -benchtime $(BENCHTIME) -benchmem -timeout 3h $(or $(PACKAGE),./...)

docker:
	docker build --build-arg VERSION=$(VERSION) --build-arg REVISION=$(REVISION) --build-arg BRANCH=$(BRANCH) --build-arg BUILD_DATE=$(BUILD_DATE) \
		--tag magento_migration_exporter:$(VERSION) .

# Builds the image from HEAD without a registry and without an engine, and runs it.
docker-test:
	@.ci/packages $(DOCKER_TEST_PACKAGES)
	.ci/docker-test

# Installs, starts, upgrades and removes the Debian and the RPM package in a small Debian system of its own. It needs root.
package-test: .cache/tools/nfpm
	@.ci/packages $(PACKAGE_TEST_PACKAGES)
	.ci/package-test

# Helm's own word on the chart, which make test renders without it.
chart-test: .cache/tools/helm .cache/tools/chart
	.ci/chart-test

clean:
	rm -rf bin dist test-output
	$(GO) clean -testcache

$(GOLANGCI_LINT):
	GOBIN=$(CURDIR)/$(@D) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)

# Programs for tests and releases, of the versions in .ci/tools/go.mod.
.cache/tools/toxiproxy: tool := github.com/Shopify/toxiproxy/v2/cmd/server
.cache/tools/gotestsum: tool := gotest.tools/gotestsum
.cache/tools/deadcode: tool := golang.org/x/tools/cmd/deadcode
# Its hash is in the bills of materials, which have to be the same on each machine.
.cache/tools/cyclonedx-gomod: tool := -trimpath -buildvcs=false github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod
.cache/tools/cyclonedx-gomod: export CGO_ENABLED := 0
# These have versions of their own, in modules below .ci/tools. Helm takes minutes to compile.
.cache/tools/jsonnet .cache/tools/jsonnetfmt: .ci/tools/jsonnet/go.mod .ci/tools/jsonnet/go.sum
	$(GO) build -C .ci/tools/jsonnet -ldflags '-s -w' -o $(CURDIR)/$@ github.com/google/go-jsonnet/cmd/$(@F)
.cache/tools/chart: $(wildcard .ci/tools/chart/*)
	$(GO) build -C .ci/tools/chart -ldflags '-s -w' -o $(CURDIR)/$@ .
.cache/tools/helm: .ci/tools/helm/go.mod .ci/tools/helm/go.sum
	$(GO) build -C .ci/tools/helm -ldflags '-s -w' -o $(CURDIR)/$@ helm.sh/helm/v3/cmd/helm
.cache/tools/nfpm: .ci/tools/nfpm/go.mod .ci/tools/nfpm/go.sum
	$(GO) build -C .ci/tools/nfpm -ldflags '-s -w' -o $(CURDIR)/$@ github.com/goreleaser/nfpm/v2/cmd/nfpm
.cache/tools/%: .ci/tools/go.mod .ci/tools/go.sum
	$(GO) build -C .ci/tools -ldflags '-s -w' -o $(CURDIR)/$@ $(tool)
