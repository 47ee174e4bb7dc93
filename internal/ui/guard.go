// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"slices"
)

// policy lets a page load what this server serves, and nothing else: no script or style in a page.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guard lets only the person in who started the server. It remembers nothing: what it hands out follows from
// a key that is made when it starts.
type guard struct {
	key   []byte
	port  string
	hosts []string
}

func newGuard(address string) (*guard, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("%s is not an address of loopback", host)
	}
	g := &guard{key: make([]byte, 32), port: port}
	_, _ = rand.Read(g.key) // It never fails.
	for _, name := range []string{host, "127.0.0.1", "localhost", "::1"} {
		g.hosts = append(g.hosts, net.JoinHostPort(name, port))
	}
	return g, nil
}

// derive returns a secret for a purpose.
func (g *guard) derive(purpose string) string {
	mac := hmac.New(sha256.New, g.key)
	_, _ = mac.Write([]byte(purpose))
	return hex.EncodeToString(mac.Sum(nil))
}

func (g *guard) token() string   { return g.derive("token")[:32] }
func (g *guard) session() string { return g.derive("session") }

// csrf is what each form carries.
func (g *guard) csrf() string { return g.derive("csrf") }

// cookie is named after the port, since cookies are of a host.
func (g *guard) cookie() string { return "valuestrigger-ui-" + g.port }

func (g *guard) entry() string { return "http://" + g.hosts[0] + "/?token=" + g.token() }

func equal(a, b string) bool { return hmac.Equal([]byte(a), []byte(b)) }

// protect serves what comes from the person's browser, and from pages of this server.
func (g *guard) protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		for name, value := range map[string]string{
			"Content-Security-Policy": policy, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
			"Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
			"Permissions-Policy": "camera=(), geolocation=(), microphone=()",
		} {
			header.Set(name, value)
		}
		switch {
		case !slices.Contains(g.hosts, r.Host): // Another name that leads here: DNS rebinding.
			refuse(w, http.StatusMisdirectedRequest, "This server has another name.")
		case r.Method != http.MethodGet && r.Method != http.MethodPost:
			refuse(w, http.StatusMethodNotAllowed, "Only GET and POST.")
		case !fromHere(r):
			refuse(w, http.StatusForbidden, "Another site asks for this.")
		case r.Method == http.MethodGet && r.URL.Path == "/" && r.URL.Query().Has("token"):
			g.enter(w, r)
		case !g.has(r):
			refuse(w, http.StatusForbidden, "Open the address that kubectl valuestrigger ui has printed: it holds a token.")
		case r.Method == http.MethodPost && !equal(r.PostFormValue("csrf"), g.csrf()):
			refuse(w, http.StatusForbidden, "This form is of an earlier start of the server: load the page again.")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// fromHere reports whether a request is of a page of this server, or of a person who goes to one: browsers say so. What
// writes has to prove it.
func fromHere(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	if r.Method != http.MethodGet {
		return r.Header.Get("Origin") == "http://"+r.Host && (site == "" || site == "same-origin")
	}
	return site == "" || site == "same-origin" || site == "none" || r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}

// has reports whether a request is of the session.
func (g *guard) has(r *http.Request) bool {
	cookie, err := r.Cookie(g.cookie())
	return err == nil && equal(cookie.Value, g.session())
}

// enter exchanges the token for the cookie of the session. It answers with a page that leads on: a redirect of a
// link on another site would go without the cookie.
func (g *guard) enter(w http.ResponseWriter, r *http.Request) {
	if !equal(r.URL.Query().Get("token"), g.token()) {
		refuse(w, http.StatusForbidden, "The token is of an earlier start of the server: open the address that it has printed.")
		return
	}
	http.SetCookie(w, &http.Cookie{Name: g.cookie(), Value: g.session(), Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode}) //nolint:gosec // There is no TLS on loopback.
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = fmt.Fprint(w, `<!doctype html><html lang="en"><meta charset="utf-8"><link rel="icon" href="/assets/icon.svg"><meta http-equiv="refresh" content="0;url=/"><title>ValuesTriggers</title><p><a href="/">ValuesTriggers</a></p></html>`)
}

func refuse(w http.ResponseWriter, code int, why string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = fmt.Fprintln(w, why) //nolint:gosec // It is plain text.
}
