// Only the CRD manifests inside these modules are read, nothing is compiled.
module components.invalid/flux-crds

go 1.26.0

require (
	github.com/fluxcd/helm-controller v1.6.4
	github.com/fluxcd/kustomize-controller v1.9.6
	github.com/fluxcd/notification-controller v1.9.2
	github.com/fluxcd/source-controller v1.9.6
)
