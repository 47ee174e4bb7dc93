// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package source

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/chartutil"
)

// mib is what the API server takes of one object, roughly.
const mib = 1<<20 - 1024

// lines returns a text of the given size made of numbered lines.
func lines(size int, format string) string {
	var b strings.Builder
	for i := 0; b.Len() < size-len(format)-8; i++ {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// hostileValues are 1 MiB or less each, and need up to 20 GiB when they are composed.
func hostileValues() map[string]string {
	return map[string]string{
		"empty lists":           "a: [" + strings.Repeat("[],", mib/3-10) + "]",
		"empty maps":            "a: [" + strings.Repeat("{},", mib/3-10) + "]",
		"numbers":               "a: [" + strings.Repeat("1,", mib/2-10) + "]",
		"lists in lists":        "a: [" + strings.Repeat("[[[]]],", mib/7-10) + "]",
		"list items":            "a:\n" + strings.Repeat("- \n", mib/3-10),
		"lists in a line":       "a:\n" + strings.Repeat(strings.Repeat("- ", 9000)+"x\n", mib/18002-1),
		"lines of another kind": "a:\n" + strings.Repeat("- \u2028", mib/5-10),
		"keys":                  lines(mib, "k%d: 1\n"),
		"a text many times":     "x: &x " + strings.Repeat("y", 10000) + "\na: [" + strings.Repeat("*x,", (mib-11000)/3) + "]",
		"a text a few times":    "x: &x " + strings.Repeat("y", 500000) + "\na: [" + strings.Repeat("*x,", 1000) + "]",
		"a text in aliases": "x: &x " + strings.Repeat("y", 10000) + "\na: &a [*x,*x,*x,*x,*x,*x,*x,*x,*x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n" +
			"c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\n",
		"an alias of itself": "x: &x [*x, *x]\n",
	}
}

// allocated returns how much memory something took altogether.
func allocated(run func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	run()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

func valuesOf(text string, modify ...func(*helmv2.HelmRelease)) *helmv2.HelmRelease {
	hr := &helmv2.HelmRelease{
		ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "app"},
		Spec:       helmv2.HelmReleaseSpec{ValuesFrom: []meta.ValuesReference{{Kind: "ConfigMap", Name: "values"}}},
	}
	for _, m := range modify {
		m(hr)
	}
	_ = text
	return hr
}

const anyDigest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// Not parallel: they measure memory.
func TestStore_ValuesMatch_composesNothingThatCouldTakeTooMuchMemory(t *testing.T) {
	path := func(path string) func(*helmv2.HelmRelease) {
		return func(hr *helmv2.HelmRelease) { hr.Spec.ValuesFrom[0].TargetPath = path }
	}
	type attack struct {
		data   string
		modify func(*helmv2.HelmRelease)
	}
	attacks := map[string]attack{
		"indexes in a value": {data: "1," + lines(mib, "k%d[65536]=1,"), modify: path("a")},
		"names in a value":   {data: "1," + lines(mib, "k%d.b.c.d.e.f.g.h=1,"), modify: path("a")},
		"the same object many times": {data: lines(500_000, "key-number-%d: a value\n"), modify: func(hr *helmv2.HelmRelease) {
			for range 10 {
				hr.Spec.ValuesFrom = append(hr.Spec.ValuesFrom, hr.Spec.ValuesFrom[0])
			}
		}},
		"indexes in paths": {data: "1", modify: func(hr *helmv2.HelmRelease) {
			hr.Spec.ValuesFrom = nil
			for i := range 1000 {
				hr.Spec.ValuesFrom = append(hr.Spec.ValuesFrom, meta.ValuesReference{Kind: "ConfigMap", Name: "values", TargetPath: fmt.Sprintf("k%d[65536]", i)})
			}
		}},
		"inline values": {data: "a: 1", modify: func(hr *helmv2.HelmRelease) {
			hr.Spec.Values = &apiextensionsv1.JSON{Raw: []byte(`{"a":[` + strings.Repeat("[],", mib/3-10) + `[]]}`)}
		}},
	}
	for name, data := range hostileValues() {
		attacks[name] = attack{data: data}
	}
	for name, a := range attacks {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			hr := valuesOf(a.data)
			if a.modify != nil {
				a.modify(hr)
			}
			c := newCounted(t, testConfigMap("values", map[string]string{"values.yaml": a.data}))
			taken := allocated(func() {
				_, err := c.ValuesMatch(t.Context(), hr, anyDigest, true)
				g.Expect(errors.Is(err, tooLarge)).To(BeTrue(), "%v", err)
			})
			// Garbage included, and more with the race detector. Unweighed, it is 400 MiB to 20 GiB.
			g.Expect(taken>>20).To(BeNumerically("<", 128), "MiB")
		})
	}
}

func TestStore_ValuesMatch_composesWhatIsOrdinary(t *testing.T) {
	for name, data := range map[string]string{
		"as many lines as may be": lines(400_000, "key-number-%06d: a value\n"),
		"one long text":           "a: " + strings.Repeat("x", mib-10),
		"a long text of lines":    "a: |\n" + lines(900_000, "  %d all the lines of a dashboard or of a script, with [brackets], & and *\n"),
		"anchors":                 "x: &x {a: 1, b: 2}\ny: *x\nz:\n  <<: *x\n  b: 3\n",
		"what looks like aliases": "x: 'a && b *'\ny: \"*.example.com\"\nz: |\n  * one\n  * two & three\n",
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			c := newCounted(t, testConfigMap("values", map[string]string{"values.yaml": data}))
			taken := allocated(func() {
				_, err := c.ValuesMatch(t.Context(), valuesOf(data), anyDigest, true)
				g.Expect(err).NotTo(HaveOccurred())
			})
			g.Expect(taken>>20).To(BeNumerically("<", 150), "MiB")
		})
	}
}

// However many want it, few values are in memory at a time.
func TestStore_ValuesMatch_isDoneForFewAtATime(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c, hr, digest := valuesFixture(t)
	for range cap(c.composing) {
		c.composing <- struct{}{}
	}
	done := make(chan bool)
	go func() {
		match, _ := c.ValuesMatch(t.Context(), hr, digest, true)
		done <- match
	}()
	g.Eventually(func() bool { return free(c.Store) }).Should(BeFalse(), "what has been read is counted until it is composed")
	g.Consistently(done, "100ms").ShouldNot(Receive())
	<-c.composing
	g.Eventually(done).Should(Receive(BeTrue()))
	g.Eventually(func() bool { return free(c.Store) }).Should(BeTrue())
}

// free reports whether no content is in memory.
func free(s *Store) bool {
	part := s.budget.Try(maxContent)
	if part != nil {
		part.Return()
	}
	return part != nil
}

// Whatever content is read for, it waits for its part of one budget.
func TestStore_reads_nothing_beyond_the_budget(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c, hr, digest := valuesFixture(t)
	all := c.budget.Try(maxContent)
	done := make(chan error, 2)
	go func() {
		_, err := c.Get(t.Context(), Account{}, Ref{Kind: "ConfigMap", Namespace: "apps", Name: "values"}, time.Hour)
		done <- err
	}()
	go func() {
		_, err := c.ValuesMatch(t.Context(), hr, digest, true)
		done <- err
	}()
	g.Consistently(done, "100ms").ShouldNot(Receive())
	g.Expect(c.reads.Load()).To(BeZero())
	all.Return()
	for range 2 {
		g.Eventually(done).Should(Receive(BeNil()))
	}
	g.Expect(free(c.Store)).To(BeTrue())
}

// size2 returns the entries and bytes of decoded values.
func decoded(in any) (entries, size int) {
	switch in := in.(type) {
	case map[string]any:
		for key, value := range in {
			e, s := decoded(value)
			entries, size = entries+e+1, size+s+len(key)
		}
	case []any:
		for _, value := range in {
			e, s := decoded(value)
			entries, size = entries+e+1, size+s
		}
	case string:
		size = len(in)
	}
	return entries, size
}

// Whatever the text is: it does not become larger than it was said to become.
func FuzzWeigh(f *testing.F) {
	for _, seed := range hostileValues() {
		f.Add([]byte(seed[:min(len(seed), 2000)]))
	}
	f.Add([]byte("\xff\xfea\x00:\x00 \x00" + strings.Repeat("-\x00 \x00", 100)))
	f.Add([]byte("a: &a [1,2]\nb: *a\n? - - ? c\n: d\n"))
	f.Add([]byte("{a: [b: 1, c: 2], ? d : e}"))
	f.Add([]byte("- - a: 1\r- - - b\n"))
	f.Add([]byte("x: &x {<<: {a: b}}\ny: {<<: *x, <<: *x}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		w := weighYAML(data)
		w.add(weight{bytes: len(data)})
		if w.tooLarge() {
			return
		}
		var values map[string]any
		if yaml.Unmarshal(data, &values) != nil {
			return
		}
		if entries, size := decoded(values); entries > 2*w.entries || size > 8*w.bytes {
			t.Errorf("%q weighs %+v and becomes %d entries of %d bytes", data, w, entries, size)
		}
	})
}

// Whatever is assigned: it does not become larger than it was said to become.
func FuzzWeighAssignments(f *testing.F) {
	f.Add("a.b", "1,c[3]=2,d.e.f=3")
	f.Add("a[9].b", "{1,2,3}")
	f.Add("a", "1,b[65536]=1,b[65536][7]={}")
	f.Fuzz(func(t *testing.T, path, value string) {
		hr := valuesOf(value, func(hr *helmv2.HelmRelease) { hr.Spec.ValuesFrom[0].TargetPath = path })
		if weigh(hr, [][]byte{[]byte(value)}) != nil {
			return
		}
		weighed := assigned([]byte(path)) + assigned([]byte(value))
		values := map[string]any{}
		if chartutil.ReplacePathValue(values, path, value) != nil {
			return
		}
		if entries, _ := decoded(values); entries > emptyItems*(weighed+bytes.Count([]byte(path+value), []byte("["))+1) {
			t.Errorf("%q=%q weighs %d and becomes %d entries", path, value, weighed, entries)
		}
	})
}
