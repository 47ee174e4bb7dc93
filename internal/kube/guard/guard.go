// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package guard authenticates and authorizes requests for metrics. The filter of controller-runtime does the same, with the code of a whole API
// server: more than a third of the operator's program, and of its memory.
package guard

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-logr/logr"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/cache"
	authenticationclient "k8s.io/client-go/kubernetes/typed/authentication/v1"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
	"k8s.io/client-go/rest"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

const (
	// allowedFor and refusedFor are how long an answer of the API server holds: what is
	// scraped twice a minute costs it two requests in that time.
	allowedFor = time.Minute
	refusedFor = 30 * time.Second

	// maxAnswers bounds the answers that are remembered, and maxAsking the requests that
	// find out at a time: anyone may knock.
	maxAnswers = 1024
	maxAsking  = 10

	// askTimeout is how long to wait for the API server. Prometheus itself waits for ten
	// seconds.
	askTimeout = 10 * time.Second
)

// guard knows who may read what.
type guard struct {
	tokens  authenticationclient.TokenReviewInterface
	access  authorizationclient.SubjectAccessReviewInterface
	answers *cache.LRUExpireCache
	asking  chan struct{}
}

// Filter returns a filter for the server of metrics: who sends no token that the API
// server knows gets 401, who may not do what was requested gets 403. It needs permission to
// create TokenReviews and SubjectAccessReviews.
func Filter(config *rest.Config, httpClient *http.Client) (metricsserver.Filter, error) {
	g, err := newGuard(config, httpClient)
	if err != nil {
		return nil, err
	}
	return g.filter, nil
}

func newGuard(config *rest.Config, httpClient *http.Client) (*guard, error) {
	authentication, err := authenticationclient.NewForConfigAndClient(config, httpClient)
	if err != nil {
		return nil, err
	}
	authorization, err := authorizationclient.NewForConfigAndClient(config, httpClient)
	if err != nil {
		return nil, err
	}
	return &guard{
		tokens:  authentication.TokenReviews(),
		access:  authorization.SubjectAccessReviews(),
		answers: cache.NewLRUExpireCache(maxAnswers),
		asking:  make(chan struct{}, maxAsking),
	}, nil
}

// filter puts the guard before a handler.
func (g *guard) filter(log logr.Logger, next http.Handler) (http.Handler, error) {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		status, err := g.admit(req)
		switch {
		case err != nil:
			log.Error(err, "cannot find out who reads the metrics")
			http.Error(w, "cannot authenticate the request: the API server did not answer", http.StatusInternalServerError)
		case status == http.StatusUnauthorized:
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "needs the token of a Kubernetes account", status)
		case status == http.StatusForbidden:
			http.Error(w, "the account of this token has no permission on this URL", status)
		default:
			next.ServeHTTP(w, req)
		}
	}), nil
}

// admit returns the status for a request: 200, 401 or 403.
func (g *guard) admit(req *http.Request) (int, error) {
	scheme, token, _ := strings.Cut(strings.TrimSpace(req.Header.Get("Authorization")), " ")
	if token = strings.TrimSpace(token); token == "" || !strings.EqualFold(scheme, "Bearer") {
		return http.StatusUnauthorized, nil
	}
	verb, path := strings.ToLower(req.Method), req.URL.Path

	// Neither a token nor a method holds a zero. The memory keeps no token.
	key := sha256.Sum256([]byte(token + "\x00" + verb + "\x00" + path))
	if answer, found := g.answers.Get(key); found {
		return answer.(int), nil
	}
	answer, err := g.ask(req.Context(), token, verb, path)
	if err != nil {
		return 0, err
	}
	holds := refusedFor
	if answer == http.StatusOK {
		holds = allowedFor
	}
	g.answers.Add(key, answer, holds)
	return answer, nil
}

// ask has the API server say whose token this is, and whether that account may.
func (g *guard) ask(ctx context.Context, token, verb, path string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	select {
	case g.asking <- struct{}{}:
		defer func() { <-g.asking }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}

	review, err := g.tokens.Create(ctx, &authenticationv1.TokenReview{
		Spec: authenticationv1.TokenReviewSpec{Token: token},
	}, metav1.CreateOptions{})
	if err != nil {
		return 0, fmt.Errorf("TokenReview: %w", err)
	}
	if !review.Status.Authenticated {
		return http.StatusUnauthorized, nil
	}

	user := review.Status.User
	extra := make(map[string]authorizationv1.ExtraValue, len(user.Extra))
	for name, value := range user.Extra {
		extra[name] = authorizationv1.ExtraValue(value)
	}
	decision, err := g.access.Create(ctx, &authorizationv1.SubjectAccessReview{
		Spec: authorizationv1.SubjectAccessReviewSpec{
			User:                  user.Username,
			UID:                   user.UID,
			Groups:                user.Groups,
			Extra:                 extra,
			NonResourceAttributes: &authorizationv1.NonResourceAttributes{Path: path, Verb: verb},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return 0, fmt.Errorf("SubjectAccessReview: %w", err)
	}
	if !decision.Status.Allowed || decision.Status.Denied {
		return http.StatusForbidden, nil
	}
	return http.StatusOK, nil
}
