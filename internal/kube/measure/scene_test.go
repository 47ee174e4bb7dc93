// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/analysis"
)

// secret is in all that a provider answers in these tests, and in all credentials.
const secret = "p4ssw0rd"

// meter remembers what was counted.
type meter struct {
	mu     sync.Mutex
	counts map[string]int
	ok     bool
}

func newMeter() *meter { return &meter{counts: map[string]int{}} }

func (m *meter) Asked(provider, result string, _ time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts[provider+" "+result]++
}

func (m *meter) Configured(_, _ []string, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ok = ok
}

func (m *meter) count(of string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.counts[of]
}

// logged collects what is logged.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) logger() logr.Logger {
	return funcr.New(func(prefix, args string) {
		l.mu.Lock()
		defer l.mu.Unlock()
		fmt.Fprintln(&l.text, prefix, args)
	}, funcr.Options{Verbosity: 9})
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// scene is a service, and the files that it reads.
type scene struct {
	*Service
	dir   string
	meter *meter
	log   *logged

	// events are about the operator. They hold no secret.
	events *record.FakeRecorder
}

// config is where a test writes what the administrator configures.
func (s *scene) config(g Gomega, text string) {
	g.Expect(os.WriteFile(filepath.Join(s.dir, "providers.yaml"), []byte(text), 0o600)).To(Succeed())
}

// newScene starts a service with a configuration, in which DIR is the directory for files, and ends it
// with the test.
func newScene(t *testing.T, text string, triggers ...client.Object) *scene {
	t.Helper()
	g := NewWithT(t)
	scheme := runtime.NewScheme()
	g.Expect(triggerv1.AddToScheme(scheme)).To(Succeed())
	s := &scene{dir: t.TempDir(), meter: newMeter(), log: &logged{}, events: record.NewFakeRecorder(100)}
	s.config(g, strings.ReplaceAll(text, "DIR", s.dir))
	reader := fake.NewClientBuilder().WithScheme(scheme).WithObjects(triggers...).Build()
	s.Service = New(filepath.Join(s.dir, "providers.yaml"), reader, s.meter, s.events, &corev1.Pod{}, s.log.logger())
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		g.Eventually(ended).Should(Receive(Succeed()))
		close(s.events.Events)
		for event := range s.events.Events {
			s.log.logger().Info(event)
		}
		g.Expect(s.log.String()).NotTo(ContainSubstring(secret))
	})
	return s
}

// provider is one entry of a configuration.
func provider(name string, kind Type, address string, more ...string) string {
	lines := append([]string{"name: " + name, "type: " + string(kind), "address: " + address}, more...)
	return "- " + strings.Join(lines, "\n  ") + "\n"
}

func providers(entries ...string) string { return "providers:\n" + strings.Join(entries, "") }

// requestOf asks one metric of a provider.
func requestOf(number int64, metrics ...triggerv1.AnalysisMetric) analysis.Request {
	return analysis.Request{
		Key: analysis.Key{Trigger: "uid", Digest: "sha256:abc", Stage: "canary", Purpose: analysis.Check, Number: number},
		Subject: analysis.Subject{
			Trigger: types.NamespacedName{Namespace: "apps", Name: "platform"},
			Cause:   "ConfigMap apps/values sha256:abc by kubectl-edit", GitRevision: "main@sha1:1",
			Releases: []types.NamespacedName{{Namespace: "apps", Name: "web"}},
		},
		Interval: time.Minute, Metrics: metrics,
	}
}

func metric(name, provider string) triggerv1.AnalysisMetric {
	return triggerv1.AnalysisMetric{Name: name, Provider: provider, Query: `errors{release=~"{{ .Releases }}"}`}
}

func webhook(name, provider string, kind triggerv1.WebhookType) triggerv1.AnalysisWebhook {
	return triggerv1.AnalysisWebhook{Name: name, Provider: provider, Type: kind}
}

// measured returns the answers to a request as soon as the trigger is to be reconciled.
func (s *scene) measured(g Gomega, request analysis.Request) analysis.Measurement {
	_, done := s.Measure(request)
	g.Expect(done).To(BeFalse(), "nothing waits")
	g.Eventually(s.Measured()).WithTimeout(10 * time.Second).Should(Receive(HaveField("Object", request.Subject.Trigger)))
	out, done := s.Measure(request)
	g.Expect(done).To(BeTrue())
	return out
}

// one returns the answer to a request for one metric of provider "p".
func (s *scene) one(g Gomega) analysis.Answer {
	return s.measured(g, requestOf(time.Now().UnixNano(), metric("errors", "p"))).Metrics["errors"]
}

func successful(value float64) analysis.Answer {
	return analysis.Answer{Result: triggerv1.AnalysisSuccessful, Value: &value}
}

func unanswered(message string) analysis.Answer {
	return analysis.Answer{Result: triggerv1.AnalysisInconclusive, Message: message}
}

// serve is a server that answers each request alike.
func serve(t *testing.T, status int, body string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(answering(status, body))
	t.Cleanup(server.Close)
	return server
}

func answering(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Secret", secret)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// hang answers nothing until the client has gone.
func hang(r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // A server notices that only when the body has been read.
	<-r.Context().Done()
}

const scalar = `{"status":"success","data":{"resultType":"scalar","result":[1700000000,"0.25"]}}`

// authority issues certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  string
}

func newAuthority(g Gomega) authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	g.Expect(err).NotTo(HaveOccurred())
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	g.Expect(err).NotTo(HaveOccurred())
	cert, err := x509.ParseCertificate(der)
	g.Expect(err).NotTo(HaveOccurred())
	return authority{cert: cert, key: key, pem: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))}
}

// issue returns a certificate and its key.
func (a authority) issue(g Gomega) (string, string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	g.Expect(err).NotTo(HaveOccurred())
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, &key.PublicKey, a.key)
	g.Expect(err).NotTo(HaveOccurred())
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	g.Expect(err).NotTo(HaveOccurred())
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))
}

// serve answers over TLS with a certificate of the authority, to those who have one of the other if that
// is given.
func (a authority) serve(t *testing.T, g Gomega, clients *authority, handler http.Handler) *httptest.Server {
	t.Helper()
	cert, key := a.issue(g)
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	g.Expect(err).NotTo(HaveOccurred())
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if clients != nil {
		server.TLS.ClientAuth, server.TLS.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
		server.TLS.ClientCAs.AddCert(clients.cert)
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// mount makes a directory what the kubelet makes of a Secret: links to files that are all replaced at once.
func mount(g Gomega, dir string, files map[string]string) {
	g.Expect(os.MkdirAll(dir, 0o700)).To(Succeed())
	version, err := os.MkdirTemp(dir, "..")
	g.Expect(err).NotTo(HaveOccurred())
	for name, text := range files {
		g.Expect(os.WriteFile(filepath.Join(version, name), []byte(text), 0o600)).To(Succeed())
		_ = os.Symlink(filepath.Join(generation, name), filepath.Join(dir, name))
	}
	former, _ := os.Readlink(filepath.Join(dir, generation))
	g.Expect(os.Symlink(filepath.Base(version), filepath.Join(dir, "..next"))).To(Succeed())
	g.Expect(os.Rename(filepath.Join(dir, "..next"), filepath.Join(dir, generation))).To(Succeed())
	entries, err := os.ReadDir(dir)
	g.Expect(err).NotTo(HaveOccurred())
	for _, entry := range entries {
		if _, found := files[entry.Name()]; !found && !strings.HasPrefix(entry.Name(), "..") {
			g.Expect(os.Remove(filepath.Join(dir, entry.Name()))).To(Succeed())
		}
	}
	if former != "" {
		g.Expect(os.RemoveAll(filepath.Join(dir, former))).To(Succeed())
	}
}

// stacks returns the goroutines that are in a function.
func stacks(of string) string {
	var all bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&all, 2)
	var found []string
	for stack := range strings.SplitSeq(all.String(), "\n\n") {
		if strings.Contains(stack, of) {
			found = append(found, stack)
		}
	}
	return strings.Join(found, "\n\n")
}

// triggerWith returns a ValuesTrigger with an analysis.
func triggerWith(name string, a *triggerv1.Analysis) *triggerv1.ValuesTrigger {
	return &triggerv1.ValuesTrigger{
		ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: name},
		Spec:       triggerv1.ValuesTriggerSpec{Rollout: &triggerv1.Rollout{Stages: []triggerv1.Stage{{Name: "canary", Analysis: a}}}},
	}
}
