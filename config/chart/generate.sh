#!/usr/bin/env sh
# Copies the generated CRDs into the chart. A symbolic link would save the copy,
# but Flux's source-controller refuses charts that link to outside themselves.
# `make generate` runs this, so a stale copy shows as a dirty tree.
set -eu

chart=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

rm -rf "$chart/files/crds"
mkdir -p "$chart/files/crds"
cp "$chart"/../crd/bases/*.yaml "$chart/files/crds/"
chmod 0644 "$chart"/files/crds/*.yaml
