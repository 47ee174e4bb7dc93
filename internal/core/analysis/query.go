// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// maxQuery bounds a query with the names of all releases in it.
const maxQuery = 1 << 20

// Query returns the query of a metric with what it refers to in place. It is an error if no release is
// measured, or if there are more than a query has room for.
func Query(query string, request Request) (string, error) {
	releases := request.Subject.Releases
	if len(releases) == 0 {
		return "", errors.New("the stage has no release to measure")
	}
	namespaces := alternatives(releases, func(release types.NamespacedName) string { return release.Namespace })
	names := alternatives(releases, func(release types.NamespacedName) string { return release.Name })
	size := len(query) + strings.Count(query, "{{ .Namespaces }}")*len(namespaces) + strings.Count(query, "{{ .Releases }}")*len(names)
	if size > maxQuery {
		return "", fmt.Errorf("the query is longer than %d bytes with the names of all releases in it", maxQuery)
	}
	return strings.NewReplacer(
		"{{ .Namespaces }}", namespaces,
		"{{ .Releases }}", names,
		"{{ .Stage }}", escape(request.Stage),
		"{{ .Interval }}", Interval(request.Interval),
	).Replace(query), nil
}

// alternatives returns an expression for all names, each once, which is the same in whatever order the
// releases come.
func alternatives(releases []types.NamespacedName, of func(types.NamespacedName) string) string {
	names := make([]string, 0, len(releases))
	for _, release := range releases {
		names = append(names, of(release))
	}
	slices.Sort(names)
	names = slices.Compact(names)
	for i, name := range names {
		names[i] = escape(name)
	}
	return strings.Join(names, "|")
}

// inString escapes what has a meaning in a string of PromQL, of which a regular expression is the content.
var inString = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// escape returns a name as it stands for itself in a regular expression in a string in double quotes.
func escape(name string) string {
	return inString.Replace(regexp.QuoteMeta(name))
}

// Interval writes a duration as Prometheus reads it: whole numbers with units, none of which is 0.
func Interval(d time.Duration) string {
	var text strings.Builder
	for _, unit := range []struct {
		name string
		size time.Duration
	}{{"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}} {
		if n := d / unit.size; n > 0 {
			fmt.Fprintf(&text, "%d%s", n, unit.name)
			d %= unit.size
		}
	}
	return text.String()
}
