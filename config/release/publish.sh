#!/usr/bin/env bash
# Publishes what "make release-artifacts" made: pushes image and chart, signs them and the checksums without a
# key (the identity is that of the workflow that runs this), attests the bills of materials, and makes the
# release. DRY_RUN=1 checks what is there, prints the commands and runs none.
#
#   VERSION  the tag, such as v1.2.3        DIST    directory of the artifacts, default dist
#   IMAGE    repository of the image        CHARTS  repository of charts, without oci://
set -euo pipefail

: "${VERSION:?}" "${IMAGE:?}" "${CHARTS:?}"
DIST=${DIST:-dist}
cd "$DIST"

run() {
  printf '+ %s\n' "$*"
  [[ -n ${DRY_RUN:-} ]] || "$@"
}

sha256sum --check --strict --quiet checksums.txt
digest=$(cat image-digest.txt)
chart=$(ls helm-helmrelease-trigger-operator-*.tgz)

run crane push --index image "$IMAGE:$VERSION"
run cosign sign --yes "$IMAGE@$digest"
for arch in amd64 arm64; do
  run cosign attest --yes --type cyclonedx --predicate "manager_linux_$arch.cdx.json" "$IMAGE@$digest"
done

run helm push "$chart" "oci://$CHARTS"
name=${chart%.tgz}
run cosign sign --yes "$CHARTS/helm-helmrelease-trigger-operator:${name#helm-helmrelease-trigger-operator-}"

run cosign sign-blob --yes --bundle checksums.txt.sigstore.json checksums.txt
assets=()
for file in *.tar.gz *.zip *.cdx.json *.tgz valuestrigger.yaml install.yaml image-digest.txt checksums.txt; do
  assets+=("$file")
done
run gh release create "$VERSION" --verify-tag --title "$VERSION" --notes "See docs/CHANGELOG.md." "${assets[@]}" checksums.txt.sigstore.json
