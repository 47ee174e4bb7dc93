// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/util/cache"
	"k8s.io/client-go/rest"
	clocktesting "k8s.io/utils/clock/testing"
)

// reader is whom the API server of these tests knows.
var reader = authenticationv1.UserInfo{
	Username: "system:serviceaccount:monitoring:prometheus", UID: "the-uid",
	Groups: []string{"system:authenticated"}, Extra: map[string]authenticationv1.ExtraValue{"pod": {"prometheus-0"}},
}

// apiServer knows one token, "good", and lets its owner get /metrics.
type apiServer struct {
	arrived                     atomic.Int32 // requests
	tokenReviews, accessReviews atomic.Int32
	broken                      atomic.Bool
	hold                        chan struct{} // answers wait while it is open
	denies                      atomic.Bool   // and allows at once

	mu   sync.Mutex
	last authorizationv1.SubjectAccessReviewSpec
}

func (a *apiServer) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	a.arrived.Add(1)
	if a.hold != nil {
		<-a.hold
	}
	if a.broken.Load() {
		http.Error(w, "broken", http.StatusInternalServerError)
		return
	}
	var answer any
	switch {
	case strings.HasSuffix(req.URL.Path, "/tokenreviews"):
		a.tokenReviews.Add(1)
		review := &authenticationv1.TokenReview{}
		_ = json.NewDecoder(req.Body).Decode(review)
		if review.Spec.Token == "good" {
			review.Status = authenticationv1.TokenReviewStatus{Authenticated: true, User: reader}
		} else {
			review.Status = authenticationv1.TokenReviewStatus{Error: "unknown"}
		}
		answer = review
	case strings.HasSuffix(req.URL.Path, "/subjectaccessreviews"):
		a.accessReviews.Add(1)
		review := &authorizationv1.SubjectAccessReview{}
		_ = json.NewDecoder(req.Body).Decode(review)
		a.mu.Lock()
		a.last = review.Spec
		a.mu.Unlock()
		asked := review.Spec.NonResourceAttributes
		review.Status.Allowed = asked.Path == "/metrics" && asked.Verb == "get"
		review.Status.Denied = a.denies.Load()
		answer = review
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

func (a *apiServer) reviews() []int32 { return []int32{a.tokenReviews.Load(), a.accessReviews.Load()} }

// guarded returns the answer to a request for a path with this authorization.
func guarded(t *testing.T, api *apiServer) (get func(path, authorization string) int, clock *clocktesting.FakeClock) {
	t.Helper()
	g := NewWithT(t)
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	config := &rest.Config{Host: server.URL, ContentConfig: rest.ContentConfig{ContentType: "application/json"}, QPS: -1}
	guard, err := newGuard(config, server.Client())
	g.Expect(err).NotTo(HaveOccurred())
	clock = clocktesting.NewFakeClock(time.Now())
	guard.answers = cache.NewLRUExpireCacheWithClock(maxAnswers, clock)
	handler, err := guard.filter(logr.Discard(), http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	g.Expect(err).NotTo(HaveOccurred())

	return func(path, authorization string) int {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody)
		if authorization != "" {
			req.Header.Set("Authorization", authorization)
		}
		resp := httptest.NewRecorder()
		handler.ServeHTTP(resp, req)
		return resp.Code
	}, clock
}

func TestGuard_lets_in_who_is_known_and_permitted(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		path, authorization string
		want                int
		reviews             []int32
	}{
		{"/metrics", "", 401, []int32{0, 0}},
		{"/metrics", "good", 401, []int32{0, 0}},
		{"/metrics", "Basic good", 401, []int32{0, 0}},
		{"/metrics", "Bearer", 401, []int32{0, 0}},
		{"/metrics", "Bearer  ", 401, []int32{0, 0}},
		{"/metrics", "Bearer bad", 401, []int32{1, 0}},
		{"/metrics", "Bearer good", 200, []int32{1, 1}},
		{"/metrics", "bearer  good ", 200, []int32{1, 1}},
		{"/debug/pprof/heap", "Bearer good", 403, []int32{1, 1}},
	} {
		t.Run(tt.path+" "+tt.authorization, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			api := &apiServer{}
			get, _ := guarded(t, api)
			g.Expect(get(tt.path, tt.authorization)).To(Equal(tt.want))
			g.Expect(api.reviews()).To(Equal(tt.reviews))
		})
	}
}

func TestGuard_asks_for_all_that_the_user_is(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	api := &apiServer{}
	get, _ := guarded(t, api)
	g.Expect(get("/metrics", "Bearer good")).To(Equal(200))
	g.Expect(api.last).To(Equal(authorizationv1.SubjectAccessReviewSpec{
		User: reader.Username, UID: reader.UID, Groups: reader.Groups,
		Extra:                 map[string]authorizationv1.ExtraValue{"pod": {"prometheus-0"}},
		NonResourceAttributes: &authorizationv1.NonResourceAttributes{Path: "/metrics", Verb: "get"},
	}))
}

func TestGuard_a_denial_wins(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	api := &apiServer{}
	api.denies.Store(true)
	get, _ := guarded(t, api)
	g.Expect(get("/metrics", "Bearer good")).To(Equal(403))
}

func TestGuard_remembers_answers_for_a_while(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	api := &apiServer{}
	get, clock := guarded(t, api)
	for range 3 {
		g.Expect(get("/metrics", "Bearer good")).To(Equal(200))
	}
	g.Expect(api.reviews()).To(Equal([]int32{1, 1}))
	g.Expect(get("/debug/pprof/heap", "Bearer good")).To(Equal(403), "another path is another question")
	g.Expect(get("/metrics", "Bearer bad")).To(Equal(401), "another token, too")
	g.Expect(api.reviews()).To(Equal([]int32{3, 2}))

	clock.Step(refusedFor + time.Second)
	g.Expect(get("/debug/pprof/heap", "Bearer good")).To(Equal(403))
	g.Expect(get("/metrics", "Bearer bad")).To(Equal(401))
	g.Expect(get("/metrics", "Bearer good")).To(Equal(200))
	g.Expect(api.reviews()).To(Equal([]int32{5, 3}), "refusals are forgotten first")

	clock.Step(allowedFor)
	g.Expect(get("/metrics", "Bearer good")).To(Equal(200))
	g.Expect(api.reviews()).To(Equal([]int32{6, 4}))
}

func TestGuard_lets_nobody_in_when_the_api_server_fails(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	api := &apiServer{}
	get, _ := guarded(t, api)
	api.broken.Store(true)
	g.Expect(get("/metrics", "Bearer good")).To(Equal(500))
	api.broken.Store(false)
	g.Expect(get("/metrics", "Bearer good")).To(Equal(200), "a failure is not remembered")
}

func TestGuard_asks_a_few_at_a_time(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	api := &apiServer{hold: make(chan struct{})}
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	guard, err := newGuard(&rest.Config{Host: server.URL, QPS: -1}, server.Client())
	g.Expect(err).NotTo(HaveOccurred())

	done := make(chan int, 5*maxAsking)
	for range cap(done) {
		go func() {
			status, _ := guard.ask(t.Context(), "bad", "get", "/metrics")
			done <- status
		}()
	}
	g.Eventually(api.arrived.Load).Should(BeEquivalentTo(maxAsking))
	g.Consistently(api.arrived.Load, "100ms").Should(BeEquivalentTo(maxAsking))
	close(api.hold)
	for range cap(done) {
		g.Eventually(done).Should(Receive(Equal(401)))
	}
}
