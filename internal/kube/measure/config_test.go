// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestParse(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	got, err := parse([]byte(providers(
		provider("prometheus", Prometheus, "https://prometheus.monitoring.svc:9090/base", "timeout: 20s", "namespaces: [team-*, apps, '*']",
			"headers: {X-Scope-OrgID: a}", "credentials: /etc/analysis-secrets/prometheus", "proxyURL: http://proxy:3128"),
		provider("board", HTTP, "http://board", "insecureSkipVerify: true"))))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(got).To(Equal([]Provider{{
		Name: "prometheus", Type: Prometheus, Address: "https://prometheus.monitoring.svc:9090/base", Timeout: metav1.Duration{Duration: 20 * time.Second},
		Namespaces: []string{"team-*", "apps", "*"}, Headers: map[string]string{"X-Scope-OrgID": "a"},
		Credentials: "/etc/analysis-secrets/prometheus", ProxyURL: "http://proxy:3128",
	}, {
		Name: "board", Type: HTTP, Address: "http://board", Timeout: metav1.Duration{Duration: 10 * time.Second}, InsecureSkipVerify: true,
	}}))
	for _, empty := range []string{"", "providers: []", "{}"} {
		g.Expect(parse([]byte(empty))).To(BeEmpty())
	}
}

func TestParse_refuses_what_is_wrong(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"providers: [{name: p, token: " + secret + "}]":              `unknown field "token"`,
		"providers: [{name: p, name: q}]":                            `key "name" already set in map`,
		"providers: [{name: p, headers: {a: *" + secret + "}}]":      "unknown anchor …",
		"providers: [{name: p, headers: {a: !!int " + secret + "}}]": "cannot decode !!str …",
		"providers: [{name: p, ? {a: " + secret + "} : 1}]":          "invalid map key: …",
		"providers: [{name: p, timeout: " + secret + "}]":            "invalid duration …",
		"providers: 1": "cannot unmarshal",
		providers(provider("P", HTTP, "http://x")):                                         "providers[0].name: ",
		providers(provider("p", "Datadog", "http://x")):                                    "providers[0].type: must be Prometheus or HTTP",
		providers(provider("p", HTTP, "ftp://x")):                                          "providers[0].address: must be an http or https URL",
		providers(provider("p", HTTP, "http://me:"+secret+"@x")):                           "providers[0].address: must be an http or https URL with a host, and without user",
		providers(provider("p", HTTP, "http://x?token="+secret)):                           "providers[0].address: ",
		providers(provider("p", HTTP, "http://x#"+secret)):                                 "providers[0].address: ",
		providers(provider("p", HTTP, "/x")):                                               "providers[0].address: ",
		providers(provider("p", HTTP, "http://x", "timeout: 61s")):                         "providers[0].timeout: must be from 1ms to 1m0s",
		providers(provider("p", HTTP, "http://x", "timeout: -1s")):                         "providers[0].timeout: ",
		providers(provider("p", HTTP, "http://x", "namespaces: ['']")):                     "providers[0].namespaces[0]: ",
		providers(provider("p", HTTP, "http://x", "namespaces: [a, '*b']")):                "providers[0].namespaces[1]: ",
		providers(provider("p", HTTP, "http://x", "credentials: secret")):                  "providers[0].credentials: ",
		providers(provider("p", HTTP, "http://x", "proxyURL: 'http://a:"+secret+"@x'")):    "providers[0].proxyURL: ",
		providers(provider("p", HTTP, "http://x", "headers: {authorization: "+secret+"}")): `providers[0].headers["authorization"]: belongs into the Secret of the provider`,
		providers(provider("p", HTTP, "http://x", "headers: {host: "+secret+"}")):          `providers[0].headers["host"]: is set by the operator itself`,
		providers(provider("p", HTTP, "http://x", "headers: {'a b': "+secret+"}")):         `providers[0].headers["a b"]: is no valid name`,
		providers(provider("p", HTTP, "http://x", `headers: {a: "`+secret+`\r\nx"}`)):      `providers[0].headers["a"]: has a value`,
		providers(provider("p", HTTP, "http://x"), provider("p", HTTP, "http://y")):        `providers[1].name: "p" is there twice`,
		"providers:\n" + strings.Repeat(provider("p", HTTP, "http://x"), 65):               "providers: must be at most 64",
		"#" + strings.Repeat("x", maxFile):                                                 "longer than 1048576 bytes",
	} {
		g := NewWithT(t)
		_, err := parse([]byte(text))
		g.Expect(err).To(MatchError(And(ContainSubstring(want), Not(ContainSubstring(secret)))))
	}
}
