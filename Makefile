## make demo       build, and report on the logs in testdata/logs
## make build      build .build/bouncelog
## make test       all tests, in random order
## make test-all   lint, race detector, other time zones, vulnerabilities, every fuzz target for FUZZTIME (5s)
## make test-chaos N random histories (100) of rotated logs, runs and faults; a failure names its seed: CHAOS_SEED=… make test-chaos
## make check      hold the reports on the logs in testdata against gates and expectations; `make golden` writes the latter anew
## make lint       formatting, go vet, staticcheck, go mod tidy: reads only
## make fmt        format all files
## make golden     write the golden files anew from what the program prints now; read the diff
## make fuzz       run every fuzz target for FUZZTIME (1m)
## make classify-score  how often the labelled replies beside the module get the right category, and which do not
## make compare-score   how often compare calls chance a change, and how often it finds one, in 100 pairs of generated logs
## make bench      benchmarks, then speed and memory on a generated log of BENCH_SIZE (256MiB)
## make man        manual pages into .build/man
## make release    archives for Linux, FreeBSD, macOS and Windows, Debian packages and RPMs into .build/release
## make release-check  build the release twice, the second time from nothing, and compare: some ten minutes
## make test-packages  install and remove the packages in a Debian of their own: takes root and debootstrap
## make clean      remove .build
#
# Go and make are all that is needed. The race detector needs a C compiler too, and is left out with a note where there is none.

GO         ?= go
FUZZTIME   ?= 1m
BENCH_SIZE ?= 256MiB
BENCH_RUNS ?= 5
N          ?= 100

# The time of all files of a release (reproducible-builds.org): that of the commit.
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || date +%s)

BUILD := .build
BIN   := $(BUILD)/bouncelog
TOOLS := $(BUILD)/tools
LOG   := $(BUILD)/bench-$(BENCH_SIZE).log
OTHER := $(foreach f,exim powermta kumomta ses acme,$(BUILD)/bench-$(f)-$(BENCH_SIZE).log)

.DEFAULT_GOAL := help
.PHONY: help demo build test test-all test-chaos race zones vuln lint check fmt golden fuzz classify-score compare-score bench man release release-check test-packages clean

help:
	@sed -n 's/^## //p' $(firstword $(MAKEFILE_LIST))

build:
	$(GO) build -o $(BIN) ./cmd/bouncelog

demo: build
	$(BIN) report --tz UTC testdata/logs

# What the program asks of other people's logs, asked of its own. Nothing of it may depend on the zone of the machine.
check: build
	$(BIN) check --quiet --tz UTC --gates testdata/check/gates.toml testdata/logs
	$(BIN) check --quiet --expect testdata/check/report.json --expect-attempts testdata/check/mail.log

test:
	$(GO) test -shuffle=on ./...

test-chaos:
	CHAOS_N=$(N) $(GO) test ./internal/cli -run TestChaos -count=1 -v -timeout 0

test-all: lint test race zones vuln
	$(MAKE) fuzz FUZZTIME=5s

# Of the scripts, each command reads its rules anew, which the detector makes ten times as slow: what they run together is tested
# in one process too.
race:
	@if [ "$$($(GO) env CGO_ENABLED)" = 1 ]; then \
		set -x; $(GO) test -race -short -shuffle=on -skip '^(TestScript|TestReadme)$$' ./...; \
	else \
		echo 'race: left out, there is no C compiler'; \
	fi

# A day ahead of UTC, and half an hour off: what holds by luck of the zone or of the first run falls here.
zones:
	TZ=Pacific/Kiritimati $(GO) test -short -shuffle=on -count=2 ./...
	TZ=America/St_Johns $(GO) test -short -shuffle=on ./...

lint: $(TOOLS)/staticcheck
	@out=$$("$$($(GO) env GOROOT)/bin/gofmt" -l cmd internal parsers report) || exit 1; \
		if [ -n "$$out" ]; then echo "not formatted, run make fmt:"; echo "$$out"; exit 1; fi
	$(GO) vet ./...
	$(TOOLS)/staticcheck ./...
	$(GO) mod tidy -diff

fmt:
	"$$($(GO) env GOROOT)/bin/gofmt" -w cmd internal parsers report

# govulncheck ends with 3 where it found something. Any other failure means that its database was out of reach.
vuln: $(TOOLS)/govulncheck
	@$(TOOLS)/govulncheck ./... || { [ $$? -ne 3 ] && echo 'vuln: not checked, see above'; }

# Linters are dependencies of nobody: they have a modfile of their own.
$(TOOLS)/staticcheck: .tools/go.mod
	$(GO) build -modfile=.tools/go.mod -o $@ honnef.co/go/tools/cmd/staticcheck

$(TOOLS)/govulncheck: .tools/go.mod
	$(GO) build -modfile=.tools/go.mod -o $@ golang.org/x/vuln/cmd/govulncheck

# What packages are made with has a modfile too: it brings a good deal of modules. Later versions need some that the module
# proxy does not have.
$(TOOLS)/nfpm: .tools/nfpm.mod
	$(GO) build -modfile=.tools/nfpm.mod -o $@ github.com/goreleaser/nfpm/v2/cmd/nfpm

# Golden files belong to the packages whose tests take -update: a flag of their own, or parsertest's.
golden:
	@for dir in $$(grep -rlE --include='*_test.go' 'flag\.(Bool|Lookup)\("update"|parsertest\.Golden\(' cmd internal parsers report | sed 's|/[^/]*$$||' | sort -u); do \
		echo "$(GO) test ./$$dir -update"; $(GO) test ./$$dir -update || exit 1; \
	done
	$(MAKE) build
	$(BIN) check --quiet --update --expect testdata/check/report.json --expect-attempts testdata/check/mail.log

# `go test -list` prints the targets of a package, then a line with its name.
fuzz:
	@out=$$($(GO) test -list '^Fuzz' ./...) || { echo "$$out"; exit 1; }; \
		targets=$$(echo "$$out" | awk '/^Fuzz/ { names[++n] = $$1 } /^ok/ { for (i = 1; i <= n; i++) print $$2 ":" names[i]; n = 0 }'); \
		[ -n "$$targets" ] || { echo 'fuzz: no target found'; exit 1; }; \
		for t in $$targets; do \
			echo "$${t%:*} $${t#*:}"; \
			$(GO) test -run '^$$' -fuzz "^$${t#*:}\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x "$${t%:*}" || exit 1; \
		done

classify-score:
	$(GO) test ./internal/classify -count=1 -run '^(TestScore|TestLeaveOneOut|TestLeaveSourceOut)$$' -v

compare-score:
	$(GO) test ./internal/compare -count=1 -timeout 60m -run '^(TestNoise|TestPower)$$' -full -v

bench: build $(LOG) $(OTHER)
	$(GO) test -run '^$$' -bench . -benchmem ./...
	$(GO) run ./internal/tools/bench -bin $(BIN) -runs $(BENCH_RUNS) $(LOG) $(OTHER)

$(LOG): $(wildcard internal/loggen/*.go internal/tools/loggen/*.go)
	@mkdir -p $(BUILD)
	$(GO) run ./internal/tools/loggen -size $(BENCH_SIZE) -truth $(LOG:.log=.truth.json) -o $@.part
	mv $@.part $@

$(OTHER): $(BUILD)/bench-%-$(BENCH_SIZE).log: $(wildcard internal/loggen/*.go internal/tools/loggen/*.go)
	@mkdir -p $(BUILD)
	$(GO) run ./internal/tools/loggen -log $* -size $(BENCH_SIZE) -truth $(@:.log=.truth.json) -o $@.part
	@[ $* != acme ] || $(GO) run ./internal/tools/loggen -log acme-format > $(@:.log=.toml)
	mv $@.part $@

man:
	SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) $(GO) run ./internal/tools/man -o $(BUILD)/man

release: $(TOOLS)/nfpm
	SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) $(GO) run ./internal/tools/release -nfpm $(TOOLS)/nfpm -out $(BUILD)/release

# With nothing that the first build left, and in another zone.
release-check: release
	rm -rf $(BUILD)/cache
	SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) GOCACHE=$(abspath $(BUILD))/cache TZ=Pacific/Kiritimati \
		$(GO) run ./internal/tools/release -nfpm $(TOOLS)/nfpm -out $(BUILD)/release-again
	rm -rf $(BUILD)/cache
	diff $(BUILD)/release/SHA256SUMS $(BUILD)/release-again/SHA256SUMS

test-packages: release
	internal/packaging/test-packages $(BUILD)/release $(BUILD)/debian

clean:
	rm -rf $(BUILD)
