// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
)

func TestQuery(t *testing.T) {
	t.Parallel()
	two := []types.NamespacedName{{Namespace: "shop", Name: "web.v2"}, {Namespace: "pay", Name: "api"}, {Namespace: "shop", Name: "api"}}
	for name, c := range map[string]struct {
		query    string
		releases []types.NamespacedName
		interval time.Duration
		want     string
	}{
		"nothing to replace": {"vector(1)", two, time.Minute, "vector(1)"},
		"all": {
			`sum(rate(errors{namespace=~"{{ .Namespaces }}",release=~"{{ .Releases }}",stage="{{ .Stage }}"}[{{ .Interval }}]))`, two, time.Minute,
			`sum(rate(errors{namespace=~"pay|shop",release=~"api|web\\.v2",stage="canary-1"}[1m]))`,
		},
		"twice":             {"{{ .Stage }}/{{ .Stage }}", two, time.Minute, "canary-1/canary-1"},
		"once":              {"{{ .Namespaces }}", two[2:], time.Minute, "shop"},
		"written otherwise": {"{{.Stage}}", two, time.Minute, "{{.Stage}}"},
		"replaced once": {
			"{{ .Releases }}", []types.NamespacedName{{Namespace: "a", Name: "{{ .Stage }}"}}, time.Minute, `\\{\\{ \\.Stage \\}\\}`,
		},
		"long interval":  {"{{ .Interval }}", two, 25*time.Hour + 30*time.Minute, "25h30m"},
		"short interval": {"{{ .Interval }}", two, 5500 * time.Millisecond, "5s500ms"},
		"odd interval":   {"{{ .Interval }}", two, 90*time.Second + time.Microsecond, "1m30s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			request := Request{Key: Key{Stage: "canary-1"}, Subject: Subject{Releases: c.releases}, Interval: c.interval}
			query, err := Query(c.query, request)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(query).To(Equal(c.want))
		})
	}
}

func TestQuery_is_bounded(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	_, err := Query("up", Request{})
	g.Expect(err).To(MatchError("the stage has no release to measure"))

	var many []types.NamespacedName
	for i := range 10_000 {
		many = append(many, types.NamespacedName{Namespace: "apps", Name: fmt.Sprintf("%s%05d", strings.Repeat("n", 48), i)})
	}
	request := Request{Subject: Subject{Releases: many}}
	query, err := Query("{{ .Releases }}", request)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(len(query)).To(BeNumerically("<", maxQuery))
	_, err = Query("{{ .Releases }}{{ .Releases }}", request)
	g.Expect(err).To(MatchError(ContainSubstring("longer than 1048576 bytes")))
}

// What stands in place of the names matches them and nothing else, by the rules of Prometheus: the content
// of a string has Go's escapes, and an expression is anchored.
func FuzzQuery_matches_no_other_release(f *testing.F) {
	f.Add("web.v2", "api", "webxv2")
	f.Add(`a"} or up{x="`, "b", "a")
	f.Add("a|b", "c", "b")
	f.Add("a\\", "\n", "")
	f.Add(".*", "(?i)x", "X")
	f.Fuzz(func(t *testing.T, one, two, other string) {
		g := NewWithT(t)
		if !utf8.ValidString(one) || !utf8.ValidString(two) || !utf8.ValidString(other) {
			return // Names are UTF-8: what is in an object is.
		}
		query, err := Query(`"{{ .Releases }}"`, Request{Subject: Subject{Releases: []types.NamespacedName{{Name: one}, {Name: two}}}})
		g.Expect(err).NotTo(HaveOccurred())
		content, err := strconv.Unquote(query)
		g.Expect(err).NotTo(HaveOccurred(), "%s is one string", query)
		matcher, err := regexp.Compile("^(?s:" + content + ")$")
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(matcher.MatchString(one)).To(BeTrue())
		g.Expect(matcher.MatchString(two)).To(BeTrue())
		g.Expect(matcher.MatchString(other)).To(Equal(other == one || other == two))
	})
}
