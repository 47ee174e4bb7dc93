// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/chartutil"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// readers are releases that read what is edited, each with its generated trigger.
func readers() []client.Object {
	values := valuesFrom("ConfigMap", "values")
	password := meta.ValuesReference{Kind: "Secret", Name: "db", ValuesKey: "password", TargetPath: "db.password"}
	byName := map[string]*helmv2.HelmRelease{}
	var objects []client.Object
	for _, hr := range []*helmv2.HelmRelease{
		release("one", values), release("two", values), release("three", values),
		release("secretive", values, password, valuesFrom("Secret", "db")),
		release("fixed", values), release("suspended", values), release("strict", values),
		release("other-key", meta.ValuesReference{Kind: "ConfigMap", Name: "values", ValuesKey: "other"}),
	} {
		byName[hr.Name] = hr
		key := "values.yaml"
		if hr.Name == "other-key" {
			key = "other"
		}
		objects = append(objects, hr, fine(automatic(trigger("apps", hr.Name, []triggerv1.SourceReference{
			from("ConfigMap", "apps", "values", key), from("Secret", "apps", "db", "password", "values.yaml"),
		}, target("apps", hr.Name, triggerv1.TargetDelivered, "")))))
	}
	byName["fixed"].Spec.Values = &apiextensionsv1.JSON{Raw: []byte(`{"replicas":1,"image":{"tag":"v1"},"config":"x","list":[1]}`)}
	byName["suspended"].Spec.Suspend = true
	byName["strict"].Spec.ValuesFrom = append(byName["strict"].Spec.ValuesFrom, meta.ValuesReference{Kind: "ConfigMap", Name: "values", ValuesKey: "extra", TargetPath: "extra"})

	ignored := release("ignored", values)
	ignored.Labels = map[string]string{triggerv1.LabelReconcilerNameSourceKey: "false"}
	forced := release("forced")
	return append(objects, ignored, forced,
		fine(trigger("apps", "forced", []triggerv1.SourceReference{from("ConfigMap", "apps", "values")}, target("apps", "forced", triggerv1.TargetDelivered, ""))),
		configMap("apps", "values", map[string]string{
			"values.yaml": "replicas: 1\nimage: {tag: v1}\nlist: [1]\nconfig: |\n  a: 1\n  b: 2\n  c: 3\n", "extra": "x", "other": "o: 1",
		}),
		secret("apps", "db", map[string]string{"password": "hunter2", "values.yaml": "db: {user: hunter3}\ntoken: hunter4\nreplicas: 1\n"}),
	)
}

const editedConfigMap = `apiVersion: v1
kind: ConfigMap
metadata: {name: values, namespace: apps}
data:
  values.yaml: |
    replicas: 3
    image: {tag: v2}
    list: [1, 2]
    host: example.com
    config: |
      a: 1
      b: 20
      c: 3
  other: "o: 1"
`

const editedSecret = `apiVersion: v1
kind: Secret
metadata: {name: db, namespace: apps}
stringData:
  password: "hunter5,hunter6=hunter7"
  values.yaml: |
    db: {user: hunter8}
    admin: {name: hunter9}
`

func TestPreview(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		golden, args, in string
		code             int
	}{
		{"preview-configmap.txt", "preview -f -", editedConfigMap, 1},
		{"preview-configmap-all.txt", "preview -f - --all", editedConfigMap, 1},
		{"preview-configmap.json", "preview -f - -o json", editedConfigMap, 1},
		{"preview-secret.txt", "preview -f -", editedSecret, 0},
		{"preview-secret.json", "preview -f - -o json", editedSecret, 0},
		{"preview-both.txt", "preview -f -", editedConfigMap + "---\n" + editedSecret, 1},
		{"preview-broken.txt", "preview -f -", strings.Replace(editedConfigMap, "replicas: 3", "replicas: hunter2: 3", 1), 1},
		{"preview-broken-secret.txt", "preview -f -", strings.Replace(editedSecret, "hunter6=hunter7", "hunter6", 1), 1},
		{"preview-same.txt", "preview -f -", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: unread}\ndata: {a: b}\n", 0},
	} {
		t.Run(c.golden, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			got := (&call{objects: readers(), in: c.in}).run(t, strings.Fields(c.args)...)
			g.Expect(got.err).To(BeEmpty())
			g.Expect(got.code).To(Equal(c.code))
			g.Expect(got.out).NotTo(ContainSubstring("hunter"), "what comes out of a Secret, or out of an error about it")
			golden(t, c.golden, got.out)
		})
	}
}

func TestPreview_shows_values_as_they_are_written(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	in := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: values, namespace: apps}\ndata: {values.yaml: 'rule: a < b && c > d'}\n"
	for _, format := range []string{"text", "json", "yaml"} {
		got := (&call{objects: readers(), in: in}).run(t, "preview", "-f", "-", "-o", format)
		g.Expect(got.out).To(And(ContainSubstring("a < b && c > d"), Not(ContainSubstring(`\u00`))), format)
	}
	result, err := assistant(t, interceptor.Funcs{}, readers()...).CallTool(t.Context(), &mcp.CallToolParams{Name: "preview", Arguments: map[string]any{"manifest": in}})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(result.Content).To(ConsistOf(HaveField("Text", ContainSubstring("a < b && c > d"))))
}

func TestPreview_of_what_runs_already(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	objects := readers()
	one := objects[0].(*helmv2.HelmRelease)
	one.Status.History = helmv2.Snapshots{{Version: 4, ConfigDigest: chartutil.DigestValues(digest.Canonical, map[string]any{"replicas": float64(9)}).String()}}
	in := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: values, namespace: apps}\ndata: {values.yaml: 'replicas: 9'}\n"
	g.Expect((&call{objects: objects, in: in}).run(t, "preview", "-f", "-").out).To(ContainSubstring("NoUpgrade (it runs these values already): HelmRelease apps/one\n"))
}

func TestPreview_without_permission_on_Secrets(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	forbidden := interceptor.Funcs{Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
		if _, secret := obj.(*corev1.Secret); secret {
			return apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, key.Name, nil)
		}
		return c.Get(ctx, key, obj, opts...)
	}}
	got := (&call{objects: readers(), in: editedConfigMap, funcs: forbidden}).run(t, "preview", "-f", "-")
	golden(t, "preview-forbidden.txt", got.out)
	got = (&call{objects: readers(), in: editedSecret, funcs: forbidden}).run(t, "preview", "-f", "-")
	g.Expect(got.code).To(Equal(1))
	g.Expect(got.err).To(ContainSubstring("forbidden"))
}

func TestPreview_mistakes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, args, in string
		code           int
		want           string
	}{
		{"no file", "preview", "", 2, "error: give a file: -f FILE\n"},
		{"a name without --pending", "preview platform", "", 2, "error: give a file, or --pending: preview --pending platform\n"},
		{"a file with --pending", "preview --pending platform -f -", "", 2, "error: give one name and no file: preview --pending NAME\n"},
		{"no such trigger", "preview --pending platform -n apps", "", 1, "error: valuestriggers.trigger.nebius.ai \"platform\" not found\n"},
		{"an object twice", "preview -f -", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n", 2, "error: -:5: ConfigMap default/a is there twice"},
		{"no such file", "preview -f absent.yaml", "", 2, "error: stat absent.yaml: no such file or directory\n"},
		{"nothing in it", "preview -f -", "kind: Namespace\napiVersion: v1\n", 2, "error: there is no ConfigMap, Secret or HelmRelease in the files\n"},
		{"no YAML", "preview -f -", "a: hunter2: b", 1, "error: -:1: not read: no valid YAML\n"},
		{"encrypted", "preview -f -", "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nsops: {}\n", 1, "error: -:1: encrypted by SOPS; decrypt it first"},
		{"no base64", "preview -f -", "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {a: '!hunter2'}\n", 1, "error: -:1: json: cannot unmarshal string into Go struct field Secret.data.a of type []uint8: illegal base64 data"},
		{"a number", "preview -f -", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: 77}\n", 1, "error: -:1: json: cannot unmarshal number"},
		{"a variable", "preview -f -", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: '${b}'}\n", 0, "warning: -:1: what Flux would fill in"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			got := (&call{in: c.in}).run(t, strings.Fields(c.args)...)
			g.Expect(got.err).To(HavePrefix(c.want))
			g.Expect(got.code).To(Equal(c.code))
			g.Expect(got.err).NotTo(ContainSubstring("hunter2"))
		})
	}
}

func TestPreview_puts_300_releases_with_the_same_fate_together(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	objects := []client.Object{configMap("apps", "values", map[string]string{"values.yaml": "replicas: 1"})}
	for i := range 300 {
		objects = append(objects, release(fmt.Sprintf("release-%03d", i), valuesFrom("ConfigMap", "values")))
	}
	got := (&call{objects: objects, in: editedConfigMap}).run(t, "preview", "-f", "-")
	g.Expect(strings.Count(got.out, "\n")).To(BeNumerically("<", 20))
	g.Expect(got.out).To(ContainSubstring("release-004 and 295 more"))
}
