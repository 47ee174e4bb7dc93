# Run "make" for a list of targets.

SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

MODULE   := github.com/nebius/helmrelease-trigger-operator
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
REVISION ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
IMG      ?= helmrelease-trigger-operator:$(VERSION)
KUBECTL  ?= kubectl

# The Go that all commands use, whatever is installed: the go command fetches it. Tests that
# start the go command pass it on.
export GOTOOLCHAIN := $(shell awk '$$1 == "toolchain" {print $$2}' go.mod)

# Programs started by "go test" and the packages that start them share the cores.
PARALLEL ?= 2
FUZZTIME ?= 10s
SOAK     ?= 30m
COUNT    ?= 10

# Where generated files go; "verify" generates into another directory.
OUT ?= .

# Tools are built from their modules, outside the checkout. Their version and that of Go, which
# golangci-lint depends on, are part of the path: others are other files and get built by themselves.
TOOLS := $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/helmrelease-trigger-operator/tools/$(GOTOOLCHAIN)
# renovate: sigs.k8s.io/controller-tools
CONTROLLER_GEN_VERSION := v0.23.0
# renovate: github.com/elastic/crd-ref-docs
CRD_REF_DOCS_VERSION := v0.3.0
# renovate: github.com/golangci/golangci-lint/v2
GOLANGCI_LINT_VERSION := v2.15.0
CONTROLLER_GEN := $(TOOLS)/controller-gen-$(CONTROLLER_GEN_VERSION)
CRD_REF_DOCS   := $(TOOLS)/crd-ref-docs-$(CRD_REF_DOCS_VERSION)
GOLANGCI_LINT  := $(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION)

##@ General

.PHONY: help
help: ## Show this list.
	@awk 'BEGIN {FS = ":.*##"} \
		/^[a-z0-9-]+:.*##/ {printf "  %-18s %s\n", $$1, $$2} \
		/^##@/ {printf "\n%s\n", substr($$0, 5)}' $(MAKEFILE_LIST)

##@ Generate

.PHONY: generate
generate: $(CONTROLLER_GEN) $(CRD_REF_DOCS) ## Write all generated files: deepcopy functions, CRDs, RBAC role, the chart's copies, the API reference, the page of reasons.
	@mkdir -p $(OUT)/api/v1beta1 $(OUT)/config/crd/bases $(OUT)/config/rbac $(OUT)/docs/api/v1beta1
	@$(CONTROLLER_GEN) object:headerFile=api/boilerplate.go.txt crd:allowDangerousTypes=true paths=./api/... \
		output:object:dir=$(OUT)/api/v1beta1 output:crd:dir=$(OUT)/config/crd/bases
	@$(CONTROLLER_GEN) rbac:roleName=manager-role paths=./internal/controller/... \
		output:rbac:dir=$(OUT)/config/rbac
	@config/chart/generate.sh $(OUT)
	@$(CRD_REF_DOCS) --source-path=api --config=docs/api/config.yaml --renderer=markdown --log-level=ERROR \
		--output-path=$(OUT)/docs/api/v1beta1/trigger.md
	@go run ./docs/api/reasons api/v1beta1 $(OUT)/docs/api/v1beta1/reasons.md

.PHONY: verify
verify: ## Fail if a generated file or go.mod is not up to date, or a vendored file is changed.
	@out=$$(mktemp -d); trap 'rm -rf "$$out"' EXIT; \
	$(MAKE) --no-print-directory generate OUT="$$out"; \
	[[ -f "$$out/config/rbac/role.yaml" ]] || { echo 'internal/controller has no RBAC markers that controller-gen sees' >&2; exit 1; }; \
	stale=0; \
	for file in $$(cd "$$out" && find . -type f | sort); do \
		diff -u "$$file" "$$out/$$file" || stale=1; \
	done; \
	if [[ $$stale == 1 ]]; then echo 'generated files are stale: run "make generate"' >&2; exit 1; fi
	@go test -run '^TestAssets_are_as_published$$' ./internal/ui >/dev/null || { echo 'a file in internal/ui/assets/vendor is not as it was published' >&2; exit 1; }
	@for dir in . config/release; do \
		(cd "$$dir" && go mod tidy -diff) || { echo "$$dir/go.mod is not tidy: run \"make tidy\"" >&2; exit 1; }; \
	done

##@ Check

.PHONY: fmt
fmt: $(GOLANGCI_LINT) ## Format the Go code.
	@$(GOLANGCI_LINT) fmt

.PHONY: vet
vet: ## Run go vet.
	@go vet ./...

.PHONY: lint
lint: $(GOLANGCI_LINT) ## Run all linters, formatting included.
	@$(GOLANGCI_LINT) run
	@cd config/release && $(GOLANGCI_LINT) run --config ../../.golangci.yml

.PHONY: tidy
tidy: ## Bring go.mod and go.sum up to date.
	@go mod tidy
	@cd config/release && go mod tidy

# flux-crds builds nothing: to Go, none of its modules is needed.
.PHONY: tidy-pins
tidy-pins: ## Bring the pins of the test world up to date, after a version in tests/world/components was changed.
	@for mod in tests/world/components/*.mod; do \
		dir=$$(mktemp -d); cp "$$mod" "$$dir/go.mod"; cp "$${mod%.mod}.sum" "$$dir/go.sum"; \
		if grep -q '^tool' "$$mod"; then (cd "$$dir" && go mod tidy); \
		else \
			: >"$$dir/go.sum"; (cd "$$dir" && go mod download $$(awk '/^\t/ {print $$1}' go.mod)); \
		fi; \
		cp "$$dir/go.mod" "$$mod"; cp "$$dir/go.sum" "$${mod%.mod}.sum"; rm -rf "$$dir"; \
	done

##@ Test

# step,<name>,<command>: run a command, saying what runs and how long it took.
step = @echo '==> $(1)'; start=$$SECONDS; $(2); echo "<== $(1): $$((SECONDS - start)) s"
submake = $(MAKE) --no-print-directory

.PHONY: test
test: ## Run everything: verify, lint, unit tests with the race detector, tests in a real world.
	$(call step,verify,$(submake) verify)
	$(call step,lint,$(submake) lint)
	$(call step,unit tests,$(submake) test-unit)
	$(call step,components of the test world,$(submake) components)
	$(call step,tests in the test world,$(submake) test-e2e)
	$(call step,tests of the pages,$(submake) test-ui)

.PHONY: test-unit
test-unit: ## Run the tests that need nothing but Go, those of the product with the race detector.
	@go test -race -short -p $(PARALLEL) $$(go list ./... | grep -v /tests/) ./tests/world
	@# They read the repository, one after the other.
	@go test -short -p $(PARALLEL) ./tests/arch ./tests/bench ./tests/docs ./tests/faults
	@# A module of its own, so that the operator does not depend on what packs it.
	@cd config/release && go test ./...

.PHONY: test-e2e
test-e2e: components ## Run the tests that need a Kubernetes API and Flux, which they start.
	@# Never from the cache: go test does not see that they run the manager and the chart. The linters vet them.
	@# They wait, for helm-controller, a lease or an interval, as much as they compute: more of them than cores go
	@# side by side. The packages that take longest begin first.
	@go test -vet=off -count=1 -timeout 30m -parallel 6 -p $(PARALLEL) ./tests/e2e ./tests/chart ./tests/model ./tests/bench ./tests/gitops \
		./internal/app/... ./internal/controller ./internal/delivery $$(go list ./tests/... | grep -v /tests/ui$$)
	@# As unit tests, they have smaller bounds.
	@go test -run '^Test(Explore|Stories|Run)' ./internal/core/plan ./internal/core/rollout ./internal/core/simulate

.PHONY: test-ui
test-ui: components ## Drive the pages of the plugin in Chromium; without one, say that they did not run.
	@go test -count=1 -v -timeout 20m ./tests/ui

.PHONY: test-repeats
test-repeats: components ## Run the tests of crashes and restoring at length: each crash by itself, and all orders.
	@go test ./tests/e2e -run 'TestCrash|_a_crash_at_every_write|TestRestore' -count=1 -timeout 120m -parallel 4 -args -crash.singly -e2e.all

.PHONY: test-compat
test-compat: components ## Run the tests of schema and chart on the oldest and the newest Kubernetes.
	@# Each is built the first time, which takes about five minutes.
	@for kubernetes in oldest newest; do \
		echo "==> Kubernetes, the $$kubernetes"; export TESTWORLD_KUBERNETES=$$kubernetes; \
		go run ./tests/world/build kube-apiserver; \
		go test -count=1 -timeout 30m -parallel 4 -p $(PARALLEL) ./tests/schema ./tests/chart; \
	done

.PHONY: fuzz-smoke
fuzz-smoke: ## Run every fuzz target for a few seconds (FUZZTIME).
	@{ grep -rE --include='*_test.go' '^func Fuzz' . || true; } | sed -E 's/^(.*)\/[^/]+:func (Fuzz[A-Za-z0-9_]*).*/\1 \2/' | sort | \
	while read -r dir target; do \
		echo "$$dir $$target"; go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 2s "$$dir"; \
	done

.PHONY: soak
soak: components ## Run the model test with new seeds for as long as SOAK says; RACE=1 with the race detector.
	@go test ./tests/model -run '^TestModel$$' -count=1 -v -timeout 0 -args -model.duration=$(SOAK) -model.ops=80

.PHONY: test-gitops
test-gitops: components ## Drive twenty Git commits through each case of tests/gitops; about ten minutes.
	@go test ./tests/gitops -count=1 -v -timeout 60m -parallel 4 -args -gitops.commits=20

.PHONY: components
components: ## Build the programs of the test world; about fifteen minutes the first time.
	@echo 'preparing the test world (the first time, this compiles for some minutes)'
	@go run ./tests/world/build

.PHONY: demo
demo: ## Show delivery, rollback and approval in a test world; KEEP=1 leaves it running.
	@echo 'compiling the demo (the first time, this takes some minutes)'
	@KEEP=$(KEEP) go run ./tests/demo

.PHONY: pictures
pictures: components ## Draw the picture of the dashboard for the documentation; about five minutes.
	@go run ./tests/monitoring/pictures docs/images/dashboard.svg

.PHONY: screenshots
screenshots: components ## Take the pictures of the pages for the documentation, by their tests; needs Chromium.
	@go test -count=1 -timeout 20m ./tests/ui -args -pictures "$(CURDIR)/docs/images"

##@ Measure

.PHONY: bench
bench: ## Measure side by side with Flux's watch and the limit; QUICK=1 in minutes; ONLY=fanout,cpu some of it.
	@go run ./tests/bench $(if $(filter-out 0,$(QUICK)),-quick) $(if $(ONLY),-only $(ONLY))

.PHONY: bench-commits
bench-commits: components ## Measure from Git commits to what is rendered, side by side with Flux's watch and plain Flux; some minutes.
	@go test ./tests/gitops -run '^TestLatency' -count=1 -v -timeout 30m -args -gitops.latency -gitops.commits=20

.PHONY: bench-micro
bench-micro: ## Run the Go benchmarks of digest and plan, in the form that benchstat compares.
	@go test -run '^$$' -bench . -count $(COUNT) ./internal/core/digest ./internal/core/plan

##@ Build

# stamps,<package>: linker flags that set the version of a program.
stamps = -s -w -X $(MODULE)/internal/$(1).Version=$(VERSION) -X $(MODULE)/internal/$(1).Revision=$(REVISION)

.PHONY: build
build: ## Build bin/manager and the plugin of kubectl, bin/kubectl-valuestrigger, with its short name kubectl-vt.
	@# With the flags of "make demo" and of the tests, so that what they have compiled is linked, in seconds.
	@go build -ldflags '$(call stamps,app)' -o bin/manager ./cmd
	@go build -ldflags '$(call stamps,cli)' -o bin/kubectl-valuestrigger ./cmd/kubectl-valuestrigger
	@for name in kubectl-vt kubectl_complete-valuestrigger kubectl_complete-vt; do ln -sf kubectl-valuestrigger bin/$$name; done

.PHONY: docker-build
docker-build: ## Build the image IMG.
	@docker build --build-arg VERSION=$(VERSION) --build-arg REVISION=$(REVISION) -t $(IMG) .

# Where the image of a release lives; its tag is VERSION.
RELEASE_IMAGE ?= cr.eu-north1.nebius.cloud/soperator/helmrelease-trigger-operator

.PHONY: release-artifacts
release-artifacts: ## Build all that a release consists of into dist, for amd64 and arm64.
	@cd config/release && GOFLAGS= go run . -root ../.. -out ../../dist -version $(VERSION) -revision $(REVISION) \
		-epoch $$(git log -1 --format=%ct) -image $(RELEASE_IMAGE)

##@ Deploy

.PHONY: install
install: ## Install the CRDs into the current cluster.
	@$(KUBECTL) apply --server-side -k config/crd

.PHONY: uninstall
uninstall: ## Remove the CRDs, and with them every ValuesTrigger.
	@$(KUBECTL) delete --ignore-not-found -k config/crd

.PHONY: deploy
deploy: ## Deploy the operator and its CRDs to the current cluster.
	@$(KUBECTL) kustomize config/default | $(KUBECTL) apply --server-side -f -

.PHONY: undeploy
undeploy: ## Remove the operator and its CRDs from the current cluster.
	@$(KUBECTL) kustomize config/default | $(KUBECTL) delete --ignore-not-found -f -

# Tools. go install cannot choose the file name.
install-tool = @echo 'building $(notdir $@)'; dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; \
	GOBIN="$$dir" GOFLAGS= go install $(1); mkdir -p $(TOOLS); mv "$$dir"/* $@

$(CONTROLLER_GEN):
	$(call install-tool,sigs.k8s.io/controller-tools/cmd/controller-gen@$(CONTROLLER_GEN_VERSION))

$(CRD_REF_DOCS):
	$(call install-tool,github.com/elastic/crd-ref-docs@$(CRD_REF_DOCS_VERSION))

$(GOLANGCI_LINT):
	$(call install-tool,github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION))
