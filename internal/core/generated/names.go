// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package generated

import (
	"fmt"
	"hash/fnv"
	"strings"
)

const (
	// suffix ends the name of a generated trigger. People name their own like the release.
	suffix = "-auto"

	// maxName is the bound of the API server on names of custom resources.
	maxName = 253

	// alternatives is how many names there are for a release whose name is taken.
	alternatives = 3
)

// Names returns the names that the trigger generated for a HelmRelease may have, in the order in
// which they are tried. They do not change. Two releases do not share one by chance; if they do,
// it is taken for the second.
func Names(release string) []string {
	var names []string
	if len(release)+len(suffix) <= maxName {
		names = append(names, release+suffix)
	} else {
		names = append(names, hashed(release, 0))
	}
	for n := range alternatives {
		names = append(names, hashed(release, n+1))
	}
	return names
}

// hashed returns a name that ends in a hash of the release and a number. It is not a release's
// name with the suffix: hexadecimal digits do not spell that.
func hashed(release string, n int) string {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%s/%d", release, n) // Never fails.
	end := fmt.Sprintf("%s-%016x", suffix, h.Sum64())
	return strings.TrimRight(release[:min(len(release), maxName-len(end))], "-.") + end
}

// AllNames returns Names, and those that earlier versions gave.
func AllNames(release string) []string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(release)) // Never fails.
	end := fmt.Sprintf("-generated-%08x", h.Sum32())
	return append(Names(release), release, strings.TrimRight(release[:min(len(release), maxName-len(end))], ".")+end)
}

// ReleaseOf returns the HelmRelease for which a trigger of that name would be generated. Empty if
// the name does not say.
func ReleaseOf(name string) string {
	release, found := strings.CutSuffix(name, suffix)
	if !found {
		return ""
	}
	return release
}
