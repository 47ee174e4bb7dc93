// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package applier

import (
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	fluxmeta "github.com/fluxcd/pkg/apis/meta"

	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// Status is what the status of a Kustomization says about what it applies.
type Status struct {
	Conditions            []metav1.Condition `json:"conditions"`
	LastAttemptedRevision string             `json:"lastAttemptedRevision"`
	Inventory             struct {
		Entries []entry `json:"entries"`
	} `json:"inventory"`
}

type entry struct {
	ID string `json:"id"`
}

// Applies reports whether a ConfigMap or Secret is in the inventory. Labels are easily copied;
// the inventory is kustomize-controller's own.
func (s Status) Applies(kind string, object types.NamespacedName) bool {
	id := strings.Join([]string{object.Namespace, object.Name, "", kind}, "_") // Of the group "".
	return slices.Contains(s.Inventory.Entries, entry{ID: id})
}

// Revision returns the revision that is being applied or was applied last, such as
// main@sha1:<12 digits>. It is empty while kustomize-controller has noted a revision as attempted
// and has not begun to apply it: what it changed before is of another one. The status must be read
// after the change was seen.
func (s Status) Revision() string {
	if says(meta.FindStatusCondition(s.Conditions, fluxmeta.ReconcilingCondition), preparingMessages) {
		return ""
	}
	return shortRevision(s.LastAttemptedRevision)
}

// maxBranch bounds what a revision names before its hash, in bytes.
const maxBranch = 40

// longHash matches the hash that ends a revision, of which the digits from the 13th on are not shown.
var longHash = regexp.MustCompile(`((?:^|@)[a-z0-9]+:[0-9a-f]{12})[0-9a-f]*$`)

// shortRevision returns a revision such as main@sha1:<hash> or latest@sha256:<hash> with a short
// hash, and without the name of the branch if that is long.
func shortRevision(revision string) string {
	revision = longHash.ReplaceAllString(revision, "$1")
	if at := strings.LastIndex(revision, "@"); at > maxBranch {
		revision = revision[at+1:]
	}
	return text.Word(revision)
}
