// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/board"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
)

// output can be read while it is written.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// watching is a watch that runs.
type watching struct {
	client.WithWatch
	out  output
	keys *io.PipeWriter
	stop context.CancelFunc
	code chan int
}

// startWatch starts a watch. The cluster is a fake one, of which calls can be intercepted.
func startWatch(t *testing.T, terminal bool, funcs interceptor.Funcs, args []string, objects ...client.Object) *watching {
	t.Helper()
	w := &watching{code: make(chan int, 1)}
	w.WithWatch = fake.NewClientBuilder().WithScheme(newScheme()).WithRESTMapper(newMapper()).WithObjects(objects...).
		WithStatusSubresource(&triggerv1.ValuesTrigger{}).WithInterceptorFuncs(funcs).
		WithIndex(&triggerv1.ValuesTrigger{}, "metadata.name", func(obj client.Object) []string { return []string{obj.GetName()} }).Build()
	in, keys := io.Pipe()
	w.keys = keys
	ctx, stop := context.WithCancel(t.Context())
	w.stop = stop
	t.Cleanup(stop)
	go func() {
		w.code <- Run(ctx, append([]string{"watch"}, args...), Env{
			In: in, Out: &w.out, Err: &w.out, Terminal: terminal, Width: 100, Now: func() time.Time { return now },
			Getenv:  func(key string) string { return map[string]string{"NO_COLOR": "1"}[key] },
			Connect: func() (client.Client, error) { return w.WithWatch, nil },
		})
	}()
	return w
}

func (w *watching) set(g Gomega, vt *triggerv1.ValuesTrigger) {
	stored := &triggerv1.ValuesTrigger{}
	g.Expect(w.Get(context.Background(), client.ObjectKeyFromObject(vt), stored)).To(Succeed())
	stored.Status = vt.Status
	g.Expect(w.Status().Update(context.Background(), stored)).To(Succeed())
}

func TestWatch_on_a_screen_follows_and_ends_by_q(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	w := startWatch(t, true, interceptor.Funcs{}, []string{"platform", "-n", "platform"}, soaking())
	g.Eventually(w.out.String).Should(And(ContainSubstring("stage staging soaks until 04:09:05 CET"), ContainSubstring("12 Held")))
	w.set(g, halted())
	g.Eventually(w.out.String).Should(ContainSubstring("UpgradeFailed: Helm upgrade failed for release staging/shop"))
	g.Expect(w.Delete(t.Context(), soaking())).To(Succeed())
	g.Eventually(w.out.String).Should(ContainSubstring("It has been deleted."))
	_, err := w.keys.Write([]byte("q"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Eventually(w.code).Should(Receive(Equal(0)))
	g.Expect(w.out.String()).To(ContainSubstring("\x1b[?1049l"), "the screen before is back")
}

func TestWatch_on_a_screen_ends_by_a_signal(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	w := startWatch(t, true, interceptor.Funcs{}, []string{"-A"}, soaking())
	g.Eventually(w.out.String).Should(ContainSubstring("1 ValuesTrigger in all namespaces"))
	w.stop()
	g.Eventually(w.code).Should(Receive(Equal(0)))
}

func TestWatch_without_a_terminal_writes_a_line_for_each_change(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	w := startWatch(t, false, interceptor.Funcs{}, []string{"-A"}, soaking())
	lines := func() []string { return strings.Split(strings.TrimSpace(w.out.String()), "\n") }
	g.Eventually(lines).Should(HaveExactElements(And(HavePrefix("2026-01-02T03:04:05Z   platform/platform   Progressing   2/14 delivered   stage 2/3 staging Soaking 1/1"))))
	same := soaking()
	same.Status.LastDigest = "sha256:2"
	w.set(g, same)
	w.set(g, rollingOut())
	g.Eventually(lines).Should(HaveExactElements(Not(BeEmpty()), ContainSubstring("AwaitingApproval   2/14 delivered   stage 3/3 prod Waiting 0/12")), "what changes nothing that is shown makes no line")
	g.Expect(w.Delete(t.Context(), soaking())).To(Succeed())
	g.Eventually(lines).Should(HaveExactElements(Not(BeEmpty()), Not(BeEmpty()), HaveSuffix("platform/platform   deleted")))
	w.stop()
	g.Eventually(w.code).Should(Receive(Equal(0)))
	g.Expect(w.out.String()).NotTo(ContainSubstring("\x1b"))
}

// A watch that ends is begun again, by a list: nothing is missed. While the cluster does not answer, that is said.
func TestWatch_survives_a_cluster_that_goes_away(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	var down atomic.Bool
	first := make(chan *watch.FakeWatcher, 1)
	w := startWatch(t, false, interceptor.Funcs{
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			if down.Load() {
				return &url.Error{Op: "Get", URL: "https://127.0.0.1:6443/apis/trigger.nebius.ai/v1beta1/valuestriggers", Err: errors.New("connection refused")}
			}
			return c.List(ctx, list, opts...)
		},
		Watch: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) (watch.Interface, error) {
			one := watch.NewFake()
			select {
			case first <- one:
				return one, nil
			default:
				return c.Watch(ctx, list, opts...)
			}
		},
	}, []string{"platform", "-n", "platform"}, soaking())
	g.Eventually(w.out.String).Should(ContainSubstring("Soaking"))
	down.Store(true)
	w.set(g, halted())
	(<-first).Stop()
	g.Eventually(w.out.String, 5*time.Second).Should(ContainSubstring("no answer from the cluster: connection refused"))
	g.Expect(w.out.String()).NotTo(ContainSubstring("Stalled"))
	down.Store(false)
	g.Eventually(w.out.String, 5*time.Second).Should(And(ContainSubstring("the cluster answers again"), ContainSubstring("platform/platform   Stalled")))
}

func TestWatch_says_at_once_what_cannot_be_watched(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args  string
		funcs interceptor.Funcs
		code  int
		want  string
	}{
		{"absent -n platform", interceptor.Funcs{}, 1, `"absent" not found`},
		{"platform -A", interceptor.Funcs{}, 2, "a name is of one namespace"},
		{"configmap/values", interceptor.Funcs{}, 2, "give the name of a ValuesTrigger"},
		{"-A", interceptor.Funcs{List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
			return apierrors.NewForbidden(schema.GroupResource{Resource: "valuestriggers"}, "", errors.New("no"))
		}}, 1, "forbidden"},
	} {
		t.Run(c.args, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			for _, terminal := range []bool{true, false} {
				w := startWatch(t, terminal, c.funcs, strings.Fields(c.args), soaking())
				g.Eventually(w.code).Should(Receive(Equal(c.code)))
				g.Expect(w.out.String()).To(ContainSubstring(c.want))
			}
		})
	}
}

func TestScreenModel_scrolls_and_takes_the_size_of_the_terminal(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	at := now
	c := &cli{Env: Env{Name: "kubectl-vt", Now: func() time.Time { return at }}, namespace: "platform"}
	m := &screenModel{style: layout.Style{}, now: c.Now, width: 80, height: 10, text: func(s scene, to board.Screen) (string, int) { return c.showScene(s, "platform", to) }}
	g.Expect(m.Init()).NotTo(BeNil())
	g.Expect(m.View().Content).To(Equal("looking …"))
	vt := *halted()
	m.Update(scene{triggers: []triggerv1.ValuesTrigger{vt}})
	lines := func() []string { return strings.Split(m.View().Content, "\n") }
	g.Expect(lines()).To(HaveLen(10))
	top := lines()
	m.Update(tea.KeyPressMsg{Code: tea.KeyDown})
	g.Expect(lines()[1]).To(Equal(top[2]))
	m.Update(tea.KeyPressMsg{Code: tea.KeyPgDown})
	m.Update(tea.KeyPressMsg{Code: tea.KeyPgDown})
	m.Update(tea.KeyPressMsg{Code: tea.KeyPgDown})
	m.Update(tea.KeyPressMsg{Code: tea.KeyPgDown})
	bottom := lines()
	m.Update(tea.KeyPressMsg{Code: tea.KeyDown})
	g.Expect(lines()).To(Equal(bottom), "not beyond its end")
	m.Update(tea.KeyPressMsg{Code: tea.KeyHome})
	g.Expect(lines()).To(Equal(top))
	m.Update(tea.WindowSizeMsg{Width: 120, Height: 60})
	g.Expect(m.View().Content).To(And(ContainSubstring("kubectl vt retry platform -n platform"), ContainSubstring("Required value")))
	g.Expect(m.View().AltScreen).To(BeTrue())

	m.Update(scene{triggers: []triggerv1.ValuesTrigger{vt}, stale: at.Add(-12 * time.Second), why: "connection refused"})
	g.Expect(lines()[0]).To(HaveSuffix("STALE: no answer for 12s: connection refused"))
	vt = *soaking()
	m.Update(scene{triggers: []triggerv1.ValuesTrigger{vt}})
	g.Expect(m.View().Content).To(ContainSubstring("(in 5m)"))
	at = at.Add(time.Second)
	_, again := m.Update(tickMsg{})
	g.Expect(again).NotTo(BeNil())
	g.Expect(m.View().Content).To(ContainSubstring("(in 4m59s)"), "the clock counts down")
	_, quit := m.Update(tea.KeyPressMsg{Code: 'c', Mod: tea.ModCtrl})
	g.Expect(quit()).To(Equal(tea.Quit()))
}
