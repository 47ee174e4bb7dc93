// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// Whatever a server sends, there is a value or a reason why there is none, which quotes nothing of it.
func TestService_answers_of_a_hostile_server(t *testing.T) {
	t.Parallel()
	const failed, garbled = `the connection to provider "p" has failed`, `provider "p" does not answer as Prometheus does`
	raw := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			if connection, _, err := w.(http.Hijacker).Hijack(); err == nil {
				_, _ = connection.Write([]byte(text))
				_ = connection.Close()
			}
		}
	}
	bomb := func(w http.ResponseWriter, _ *http.Request) {
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, _ = z.Write(bytes.Repeat([]byte(" "), 64<<20))
		_, _ = z.Write([]byte(scalar))
		_ = z.Close()
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed.Bytes())
	}
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"ends in the middle of the body":     {raw("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + scalar), failed},
		"ends in the middle of a chunk":      {raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\n" + scalar), failed},
		"a bomb in gzip":                     {bomb, garbled},
		"a header without end":               {raw("HTTP/1.1 200 OK\r\nX-Secret: " + strings.Repeat(secret, 1<<16) + "\r\n\r\n" + scalar), failed},
		"preliminary answers without end":    {raw(strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: <"+secret+">\r\n\r\n", 1<<14)), failed},
		"no HTTP":                            {raw("SSH-2.0-" + secret + "\r\n"), failed},
		"two lengths":                        {raw("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n" + secret), failed},
		"an upgrade":                         {raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: " + secret + "\r\nConnection: Upgrade\r\n\r\n"), `provider "p" answers with status 101`},
		"another content type":               {raw("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<html>" + secret), garbled},
		"a redirect to credentials":          {raw("HTTP/1.1 302 Found\r\nLocation: http://me:" + secret + "@127.0.0.1/\r\nContent-Length: 0\r\n\r\n"), `provider "p" answers with status 302, and redirects are not followed`},
		"a redirect to nowhere":              {raw("HTTP/1.1 302 Found\r\nLocation: ://" + secret + "\r\nContent-Length: 0\r\n\r\n"), failed},
		"JSON that is nested without end":    {raw("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + strings.Repeat(`{"data":`, 100_000)), garbled},
		"a value that is no number":          {raw("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + vector(sample(secret))), garbled},
		"a value that is greater than there": {raw("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + vector(sample("1e999"))), garbled},
		"a value without quotes":             {raw("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + `{"status":"success","data":{"resultType":"scalar","result":[1,2]}}`), garbled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			server := httptest.NewServer(c.handler)
			t.Cleanup(server.Close)
			s := newScene(t, providers(provider("p", Prometheus, server.URL)))
			answer := s.one(g)
			g.Expect(answer.Value).To(BeNil())
			g.Expect(answer.Message).To(Equal(c.want))
		})
	}
}

// A certificate that is not for the host of the address is none.
func TestService_TLS_of_another_host(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	ca := newAuthority(g)
	server := ca.serve(t, g, nil, answering(200, scalar))
	address := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	s := newScene(t, providers(provider("p", Prometheus, address, "credentials: DIR/secret"), provider("q", Prometheus, strings.Replace(server.URL, "https", "http", 1))))
	mount(g, fmt.Sprint(s.dir, "/secret"), map[string]string{"ca.crt": ca.pem})
	s.load()
	g.Expect(s.one(g)).To(Equal(unanswered(`the certificate of provider "p" is not valid, or not of an authority that is trusted`)))
	plain := s.measured(g, requestOf(1, metric("errors", "q"))).Metrics["errors"]
	g.Expect(plain).To(Equal(unanswered(`provider "q" answers with status 400`)), "it speaks TLS alone: the query is not what is wrong")
}
