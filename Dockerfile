# syntax=docker/dockerfile:1

# Built on the machine's own platform; Go cross-compiles for the target.
FROM --platform=$BUILDPLATFORM golang:1.27 AS build
WORKDIR /src

# A layer of its own, so that a change of code does not download again.
COPY go.mod go.sum ./
RUN go mod download

COPY api/ api/
COPY cmd/ cmd/
COPY internal/ internal/

ARG TARGETOS=linux
ARG TARGETARCH
ARG VERSION=dev
ARG REVISION=unknown
RUN CGO_ENABLED=0 GOOS=${TARGETOS} GOARCH=${TARGETARCH} go build -trimpath \
    -ldflags "-s -w \
      -X github.com/nebius/helmrelease-trigger-operator/internal/app.Version=${VERSION} \
      -X github.com/nebius/helmrelease-trigger-operator/internal/app.Revision=${REVISION}" \
    -o /manager ./cmd

FROM gcr.io/distroless/static:nonroot

ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="helmrelease-trigger-operator" \
      org.opencontainers.image.description="Delivers changes of ConfigMaps and Secrets to Flux HelmReleases" \
      org.opencontainers.image.source="https://github.com/nebius/helmrelease-trigger-operator" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

COPY LICENSE /licenses/LICENSE
COPY --from=build /manager /manager

# A number, so that Kubernetes can tell that it is not root.
USER 65532:65532
ENTRYPOINT ["/manager"]
