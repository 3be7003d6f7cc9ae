# SPDX-License-Identifier: Apache-2.0
#
# Thin on purpose: what needs more than three lines is a script in hack.

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

# VERSION names a build. go build itself must not ask git, which refuses the work tree of another user.
export GOFLAGS += -buildvcs=false
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS = -X github.com/ens-image-operator/ens-image-operator/internal/version.Version=$(VERSION)
IMG ?= ens-image-operator:latest

# Control plane binaries that are there already; without it they are built. Absolute, for "go test" changes directory.
ifneq ($(KUBEBUILDER_ASSETS),)
override KUBEBUILDER_ASSETS := $(abspath $(KUBEBUILDER_ASSETS))
export KUBEBUILDER_ASSETS
endif
# For your own clusters: your own kubectl, or the one built here.
KUBECTL ?= $(or $(shell command -v kubectl),$$(hack/controlplane/build.sh)/kubectl)

# Packages whose tests need no control plane, and those whose tests do.
UNIT := ./api/... ./cmd/... ./controllers/... ./internal/...
CLUSTER := ./test/admission/... ./test/apivalidation/... ./test/bench/... ./test/integration/... ./test/testenv/...
null :=
comma := ,
UNIT_LIST := $(subst $(null) $(null),$(comma),$(UNIT))

##@ Start here

.PHONY: help
help: ## Show this list.
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile

.PHONY: demo
demo: envtest build ## Import an image end to end: real control plane, simulated cloud, operator. KEEP=1 stays up.
	@KEEP=$(KEEP) hack/demo.sh

##@ Develop

.PHONY: generate
generate: ## Generate deepcopy functions, CRD and ClusterRole from the sources.
	@hack/generate.sh

.PHONY: tidy
tidy: ## Tidy go.mod and go.sum of all modules.
	@for module in . hack/controlplane hack/tools; do echo "tidying $$module" && (cd $$module && go mod tidy) || exit 1; done

.PHONY: fmt
fmt: ## Format the Go sources.
	@hack/tools/build.sh golangci-lint
	bin/golangci-lint fmt

.PHONY: lint
lint: ## Lint the Go sources.
	@hack/tools/build.sh golangci-lint
	bin/golangci-lint run

.PHONY: lint-fix
lint-fix: ## Lint, and repair what can be repaired.
	@hack/tools/build.sh golangci-lint
	bin/golangci-lint run --fix

.PHONY: verify
verify: ## Check that generated files, modules, manifests and documents are current. Changes nothing.
	@hack/verify.sh

##@ Test

.PHONY: test
test: race envtest ## Run all tests with the race detector. Of faults and crashes as much as fits in a few minutes; it says what is left out.
	go test -race $(UNIT)
	go test -race -p 1 -timeout 20m $(CLUSTER)
	cd test/faults && go test -timeout 20m -parallel 4
	cd test/crash && go test -race -timeout 20m

.PHONY: faults
faults: envtest ## Run every fault at every site, and all pairs on the way to an image. RUN=TestSingles/C1 plays some.
	cd test/faults && FAULTS=all go test -timeout 60m -parallel 4 $(if $(RUN),-run '$(RUN)')

.PHONY: test-unit
test-unit: ## Run the tests that need no control plane.
	go test $(UNIT)

.PHONY: crash
crash: race model faults ## Everything of docs/exactly-once.md: the model, all faults, the operator killed at every boundary and broken on purpose.
	cd test/crash && go test -race -count=1 -timeout 60m -crash.all

.PHONY: model
model: ## Explore the decisions exhaustively, and those of operators broken on purpose, for some minutes. Ends with a table.
	MODEL=full go test -count=1 -timeout 60m -run '^TestModel$$' -v ./controllers | grep -vE '^ *(===|--- PASS)'

.PHONY: bench
bench: envtest ## Measure the operator against raw writes, a naive controller and a script, for most of an hour. BENCH=1000: imports of so many objects; BENCH=delays: the delays.
	BENCH=$(or $(BENCH),full) go test -count=1 -timeout 120m -run '^TestBench$$' -v ./test/bench | grep --line-buffered -vE '^(=== |---|[IEW][0-9]{4} )|_test.go:[0-9]+: namespace'
	@[[ "$(or $(BENCH),full)" != full ]] || (cd hack/tools && go run ./plot ../../docs/performance.csv ../../docs/performance.svg)

.PHONY: deflake
deflake: race envtest ## Run a test 20 times with the race detector: PKG=./controllers RUN=TestName.
	@[[ -n "$(PKG)" ]] || { echo "make deflake needs PKG, for example: make deflake PKG=./controllers RUN=TestName" >&2; exit 2; }
	go test -race -count=20 -timeout 60m -p 1 $(if $(RUN),-run '$(RUN)') $(PKG)

.PHONY: cover
cover: envtest ## Measure the coverage of all tests together; the profile is bin/cover.out.
	go test -p 1 -timeout 20m -coverpkg=$(UNIT_LIST) -coverprofile=bin/cover.out $(UNIT) $(CLUSTER)
	@go tool cover -func=bin/cover.out | tail -n 1

##@ Build

.PHONY: build
build: ## Build manager, ens-simulator and localcluster into bin.
	go build -ldflags "$(LDFLAGS)" -o bin/ ./cmd/manager ./cmd/ens-simulator ./hack/localcluster

.PHONY: docker-build
docker-build: ## Build the operator's container image IMG.
	docker build --build-arg VERSION=$(VERSION) -t $(IMG) .

.PHONY: envtest
envtest: ## Build kube-apiserver, etcd and kubectl, once (about 7 minutes), or check KUBEBUILDER_ASSETS.
	@directory=$$(hack/controlplane/build.sh) && echo "control plane binaries: $$directory"

.PHONY: tools
tools: ## Build controller-gen and golangci-lint, once.
	@hack/tools/build.sh

.PHONY: race
race: # What the race detector needs.
	@hack/require-gcc.sh

.PHONY: clean
clean: ## Remove everything that was built.
	rm -rf bin

##@ Run

.PHONY: run
run: build ## Run the operator against your current kubeconfig. ARGS are its flags.
	bin/manager $(ARGS)

.PHONY: run-sim
run-sim: build ## Run the simulated cloud on https://127.0.0.1:8443. ARGS are its flags.
	@echo "the simulator's CA certificate: bin/simulator-ca.pem"
	bin/ens-simulator --seed hack/demo/simulator.yaml --tls-self-signed-ca-file bin/simulator-ca.pem --log-calls $(ARGS)

.PHONY: install
install: ## Install the CRD into your current cluster.
	$(KUBECTL) apply -k config/crd

.PHONY: uninstall
uninstall: ## Remove the CRD from your current cluster. Refused while ImageImports exist.
	@left=$$($(KUBECTL) get imageimports.ens.alibabacloud.com -A -o name 2>&1) || [[ $$left == *"doesn't have a resource type"* ]] || { echo "$$left" >&2; exit 1; }; \
	  [[ $$left != imageimport* ]] || { echo "ImageImports exist: delete them first, while the operator runs, or they could never let go of their images" >&2; exit 1; }
	$(KUBECTL) delete --ignore-not-found -k config/crd

.PHONY: deploy
deploy: ## Deploy CRD and operator (image IMG) to your current cluster.
	$(KUBECTL) kustomize config/default | sed 's|image: ens-image-operator:latest|image: $(IMG)|' | $(KUBECTL) apply -f -

.PHONY: undeploy
undeploy: ## Remove the operator from your current cluster. CRD and ImageImports stay.
	$(KUBECTL) delete --ignore-not-found -k config/manager
	$(KUBECTL) delete --ignore-not-found -k config/admission
	$(KUBECTL) delete --ignore-not-found -k config/rbac
