// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"embed"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
)

//go:embed assets all:templates
var files embed.FS

const (
	// requestTime bounds a request, but for the stream of changes.
	requestTime = 30 * time.Second

	// maxHeader and maxBody bound what a request brings, in bytes. A form names a decision and the facts by which
	// it was made.
	maxHeader = 16 << 10
	maxBody   = 64 << 10
)

// Options of the server.
type Options struct {
	Client client.WithWatch

	// Namespace that is shown, "" for all. Fallback is the one that is shown where those of all may not be listed.
	Namespace, Fallback string

	// Commands are what the pages do.
	Commands Commands

	// Answers are what the pages read beside what they follow.
	Answers Answers

	Now func() time.Time

	// Log is where it is said what goes wrong. Never content.
	Log io.Writer
}

// Server serves the pages.
type Server struct {
	Options
	cluster *cluster
	rights  *rights
	guard   *guard
	handler http.Handler

	subjects  cache[binding.Object, Subject]
	deletions cache[binding.Object, Deletion]
	releases  cache[types.NamespacedName, ReleaseAnswer]
}

// New returns a server for an address of loopback, as "127.0.0.1:8080".
func New(o Options, address string) (*Server, error) {
	g, err := newGuard(address)
	if err != nil {
		return nil, err
	}
	s := &Server{Options: o, guard: g, cluster: newCluster(o), rights: newRights(o.Client, o.Now)}
	mux := http.NewServeMux()
	for _, p := range pages() {
		mux.HandleFunc("GET "+p.path, bounded(s.servePage(p)))
		mux.HandleFunc("GET /events"+p.path, s.serveEvents(p))
	}
	mux.HandleFunc("GET /timeline/{format}", bounded(s.serveExport))
	mux.HandleFunc("GET /assets/", bounded(serveAsset))
	mux.HandleFunc("GET /differences/{namespace}/{name}", bounded(s.serveDifferences))
	mux.HandleFunc("GET /do/{action}/{namespace}/{name}", bounded(s.serveQuestion))
	mux.HandleFunc("POST /do/{action}/{namespace}/{name}", bounded(s.serveDeed))
	s.handler = http.MaxBytesHandler(g.protect(mux), maxBody)
	return s, nil
}

// bounded bounds the time of a request: what is read of the cluster for it, and what is written.
func bounded(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), requestTime)
		defer cancel()
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(requestTime + requestTime)) // A recorder of a test has none.
		next(w, r.WithContext(ctx))
	}
}

// Address is what a browser is to open first: it holds the token.
func (s *Server) Address() string { return s.guard.entry() }

// Handler serves the pages, behind the guard.
func (s *Server) Handler() http.Handler { return s.handler }

// Follow follows the cluster until ctx ends. The error is why it cannot be followed.
func (s *Server) Follow(ctx context.Context) error { return s.cluster.follow(ctx) }

// Serve follows the cluster and serves the pages until ctx ends.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	server := &http.Server{
		Handler: s.handler, ReadHeaderTimeout: requestTime, ReadTimeout: requestTime, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: maxHeader,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	ended := make(chan error, 2)
	go func() { ended <- s.Follow(ctx) }()
	go func() { ended <- server.Serve(listener) }()
	var err error
	select {
	case <-ctx.Done():
	case err = <-ended:
	}
	cancel() // Streams end with it.
	stop, done := context.WithTimeout(context.Background(), time.Second)
	defer done()
	_ = server.Shutdown(stop)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Listen listens on loopback, on a free port for 0.
func Listen(ctx context.Context, port int) (net.Listener, error) {
	return (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}
