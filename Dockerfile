# SPDX-License-Identifier: Apache-2.0
ARG BUILD=golang:1.26
ARG BASE=gcr.io/distroless/static:nonroot

# Built on the builder's own platform and compiled for the target's: no emulation.
FROM --platform=${BUILDPLATFORM} ${BUILD} AS build
ARG TARGETOS=linux TARGETARCH
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY api api
COPY cmd cmd
COPY controllers controllers
COPY internal internal
ARG VERSION=dev
RUN CGO_ENABLED=0 GOOS=${TARGETOS} GOARCH=${TARGETARCH} go build -buildvcs=false -trimpath \
    -ldflags "-s -w -X github.com/ens-image-operator/ens-image-operator/internal/version.Version=${VERSION}" \
    -o /out/manager ./cmd/manager

FROM ${BASE}
COPY --from=build /out/manager /manager
# nonroot, as a number: kubelet cannot check runAsNonRoot against a name.
USER 65532:65532
ENTRYPOINT ["/manager"]
