#!/usr/bin/env sh
# Copies into the chart what is shared with the kustomization: config/chart/generate.sh
# [ROOT], where ROOT is the directory that gets config/, default this repository. A
# symbolic link would save the copies, but Flux's source-controller refuses charts that
# link to outside themselves.
set -eu

here=$(dirname -- "$0")/../..
root=${1:-$here}
files=$root/config/chart/files

# The CRDs were generated into the same ROOT.
rm -rf "$files/crds"
mkdir -p "$files/crds"
cp "$root"/config/crd/bases/*.yaml "$files/crds/"

sed -n '/^spec:/,$p' "$here/config/prometheus/rules.yaml" >"$files/rules.yaml"
cp "$here/config/grafana/dashboard.json" "$files/dashboard.json"

for policies in approvals four-eyes; do
	rm -rf "${files:?}/$policies"
	mkdir -p "$files/$policies"
	for file in "$here/config/$policies"/*.yaml; do
		case $file in
		*/kustomization.yaml | */name-reference.yaml | */*_role.yaml) ;;
		*) cp "$file" "$files/$policies/" ;;
		esac
	done
done
