// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// Whatever a user writes: what comes out is well-formed and all that is well-formed, what is
// said about it is a line of a bearable length that names the annotation, and no one who asks
// for one HelmRelease learns otherwise.
func FuzzParse(f *testing.F) {
	f.Add("my-hr1, my-hr2", "apps", uint16(1))
	f.Add(",, a ,A,\x00,\u202e,ü\n", "", uint16(1))
	f.Add(strings.Repeat("a", 254), "flux-system ", uint16(1))
	f.Add("a\xff", "\xff", uint16(1))
	f.Add("a.b-c.0,-a,a-,a..b,.a", " ", uint16(1))
	f.Add("x0,y,", "", uint16(600))
	f.Add("very-long-and-longer,", "", uint16(4000))
	f.Fuzz(func(t *testing.T, names, namespace string, times uint16) {
		if len(names)*int(times) > 2*maxNames {
			return
		}
		if names = strings.Repeat(names, int(times)); times > 1 {
			names = numbered(names)
		}
		annotations := map[string]string{nameKey: names, namespaceKey: namespace}
		b := Parse(annotations)
		if len(b.Targets) > triggerv1.MaxTargetNames || len(b.Targets)+len(b.Problems) == 0 || len(b.Problems) > 3 {
			t.Errorf("%d targets, %d problems", len(b.Targets), len(b.Problems))
		}
		if kept := Parse(Annotations(annotations)); !reflect.DeepEqual(kept, b) {
			t.Errorf("of %+v is kept %+v", b, kept)
		}
		found := map[string]bool{}
		for _, target := range b.Targets {
			if len(validation.IsDNS1123Subdomain(target.Name)) > 0 || len(validation.IsDNS1123Label(target.Namespace)) > 0 || found[target.Name] {
				t.Errorf("%q is a target, once more: %t", target, found[target.Name])
			}
			found[target.Name] = true
		}
		whole := len(names) <= maxNames && len(b.Targets) < triggerv1.MaxTargetNames && len(b.Targets) > 0
		for name := range strings.SplitSeq(names, ",") {
			name = strings.TrimSpace(name)
			wellFormed := len(validation.IsDNS1123Subdomain(name)) == 0
			if isName(name) != wellFormed || whole && found[name] != wellFormed {
				t.Errorf("%q is well-formed: %t, found: %t", name, wellFormed, found[name])
			}
			if len(names) > 4096 {
				break
			}
			for _, in := range []string{strings.TrimSpace(namespace), triggerv1.DefaultFluxcdNamespace, "other"} {
				target := types.NamespacedName{Namespace: in, Name: name}
				if Names(annotations, target) != slices.Contains(b.Targets, target) {
					t.Errorf("%q is named: %t", target, Names(annotations, target))
				}
			}
		}
		for i, target := range b.Targets {
			if i%100 == 0 && !Names(annotations, target) {
				t.Errorf("%q is said not to be named", target)
			}
		}
		for _, problem := range b.Problems {
			if !strings.HasPrefix(problem, "annotation nebius.ai/helmreleases-name") || len(problem) > 4096 || !utf8.ValidString(problem) ||
				strings.ContainsFunc(problem, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("says %q", problem)
			}
		}
	})
}

// numbered makes the names of a list differ.
func numbered(names string) string {
	list := strings.Split(names, ",")
	for i := range list {
		if strings.TrimSpace(list[i]) != "" && i%7 != 0 {
			list[i] = strings.TrimSpace(list[i]) + strconv.Itoa(i)
		}
	}
	return strings.Join(list, ",")
}

func FuzzParseBaseline(f *testing.F) {
	f.Add("9f86d081884c7d65")
	f.Add("sha256:" + strings.Repeat("0a", 32))
	f.Add("sha256:")
	f.Add("\n0")
	f.Fuzz(func(t *testing.T, value string) {
		b := ParseBaseline(map[string]string{digestKey: value})
		if b.Digest != "" && (b.Legacy || b.Digest != value || len(value) != len("sha256:")+64) {
			t.Errorf("%q is read as %+v", value, b)
		}
		if b.Legacy && strings.ContainsAny(value, ":\n ") {
			t.Errorf("%q is taken over as a baseline", value)
		}
	})
}
