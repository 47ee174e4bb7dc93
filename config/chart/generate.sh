#!/usr/bin/env sh
# Copies the generated CRDs into the chart: config/chart/generate.sh [ROOT], where
# ROOT is the directory that holds config/, default this repository. A symbolic
# link would save the copy, but Flux's source-controller refuses charts that link
# to outside themselves.
set -eu

root=${1:-$(dirname -- "$0")/../..}
from=$root/config/crd/bases
to=$root/config/chart/files/crds

rm -rf "$to"
mkdir -p "$to"
cp "$from"/*.yaml "$to/"
