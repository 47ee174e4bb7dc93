// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"

	"github.com/nebius/helmrelease-trigger-operator/internal/core/analysis"
)

// Type is what a provider speaks.
type Type string

const (
	// Prometheus is the HTTP API of Prometheus, which others have as well: Thanos, Mimir, VictoriaMetrics.
	Prometheus Type = "Prometheus"

	// HTTP is an endpoint that is sent a JSON object. See payload.
	HTTP Type = "HTTP"
)

const (
	maxProviders   = 64
	maxFile        = 1 << 20
	defaultTimeout = 10 * time.Second
	maxTimeout     = analysis.MaxTimeout
)

// Provider is what is queried, as the administrator of the operator configures it.
type Provider struct {
	// Name by which triggers refer to it.
	Name string `json:"name"`
	Type Type   `json:"type"`

	// Address is an http or https URL. Of Prometheus, without the path of its API.
	Address string `json:"address"`

	// Timeout of a request. Defaults to 10s.
	Timeout metav1.Duration `json:"timeout,omitzero"`

	// Namespaces whose triggers may use it: names, or what they begin with and a *. Defaults to all.
	Namespaces []string `json:"namespaces,omitempty"`

	// Headers to send, without any credential.
	Headers map[string]string `json:"headers,omitempty"`

	// Credentials is the directory in which a Secret is mounted. See files.
	Credentials string `json:"credentials,omitempty"`

	// InsecureSkipVerify accepts any certificate.
	InsecureSkipVerify bool `json:"insecureSkipVerify,omitempty"`

	// ProxyURL is the proxy to connect by. Those of the environment are not used.
	ProxyURL string `json:"proxyURL,omitempty"`
}

// parse reads the configuration. Its errors hold no value of a header.
func parse(content []byte) ([]Provider, error) {
	if len(content) > maxFile {
		return nil, fmt.Errorf("it is longer than %d bytes", maxFile)
	}
	var file struct {
		Providers []Provider `json:"providers"`
	}
	if err := yaml.UnmarshalStrict(content, &file); err != nil {
		return nil, withoutValues(err)
	}
	if len(file.Providers) > maxProviders {
		return nil, fmt.Errorf("providers: must be at most %d", maxProviders)
	}
	names := map[string]bool{}
	for i := range file.Providers {
		p := &file.Providers[i]
		if p.Timeout.Duration == 0 {
			p.Timeout.Duration = defaultTimeout
		}
		if err := p.validate(); err != nil {
			return nil, fmt.Errorf("providers[%d]%w", i, err)
		}
		if names[p.Name] {
			return nil, fmt.Errorf("providers[%d].name: %q is there twice", i, p.Name)
		}
		names[p.Name] = true
	}
	return file.Providers, nil
}

var (
	// quoting is where the error of a parser begins to quote a value, as of a header that begins with a * or
	// of a key that is an object.
	quoting = regexp.MustCompile("['\"`]|map\\[interface")

	// naming is an error that quotes the name of a field, which says what to correct.
	naming = regexp.MustCompile(`(unknown field|key) "[^"]*"( already set in map)?$`)
)

// withoutValues returns the error of a parser without what it quotes of a value.
func withoutValues(err error) error {
	text := err.Error()
	if at := quoting.FindStringIndex(text); at != nil && !naming.MatchString(text) {
		return errors.New(text[:at[0]] + "…")
	}
	return err
}

func (p *Provider) validate() error {
	switch {
	case len(validation.IsDNS1123Label(p.Name)) > 0:
		return fmt.Errorf(".name: %q must be lower-case letters, digits and '-', at most 63, with a letter or digit at both ends", p.Name)
	case p.Type != Prometheus && p.Type != HTTP:
		return fmt.Errorf(".type: must be %s or %s", Prometheus, HTTP)
	case p.Timeout.Duration < time.Millisecond || p.Timeout.Duration > maxTimeout:
		return fmt.Errorf(".timeout: must be from 1ms to %s", maxTimeout)
	case p.Credentials != "" && !filepath.IsAbs(p.Credentials):
		return errors.New(".credentials: must be the absolute path of a directory")
	}
	if err := p.validateAddresses(); err != nil {
		return err
	}
	if err := p.validateNamespaces(); err != nil {
		return err
	}
	for name, value := range p.Headers {
		if err := validateHeader(name, value); err != nil {
			return fmt.Errorf(".headers[%q]: %w", name, err)
		}
		if http.CanonicalHeaderKey(name) == "Authorization" {
			return fmt.Errorf(".headers[%q]: belongs into the Secret of the provider", name)
		}
	}
	return nil
}

func (p *Provider) validateNamespaces() error {
	for i, pattern := range p.Namespaces {
		prefix, open := strings.CutSuffix(pattern, "*")
		if (!open || prefix != "") && len(validation.IsDNS1123Label(strings.TrimSuffix(prefix, "-"))) > 0 {
			return fmt.Errorf(".namespaces[%d]: must be the name of a namespace, or what names begin with and a *", i)
		}
	}
	return nil
}

func (p *Provider) validateAddresses() error {
	if err := validateURL(p.Address); err != nil {
		return fmt.Errorf(".address: %w", err)
	}
	if p.ProxyURL != "" {
		if err := validateURL(p.ProxyURL); err != nil {
			return fmt.Errorf(".proxyURL: %w", err)
		}
	}
	return nil
}

// validateURL refuses what would hold a credential, or be ignored.
func validateURL(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") ||
		u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Opaque != "" {
		return errors.New("must be an http or https URL with a host, and without user, query and fragment")
	}
	return nil
}

var (
	token   = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
	content = regexp.MustCompile(`^[\t\x20-\x7e\x80-\xff]*$`)

	// reserved are the headers that say where a request goes and where it ends.
	reserved = []string{
		"Connection", "Content-Length", "Content-Type", "Expect", "Host", "Keep-Alive", "Proxy-Authorization", "Te", "Trailer",
		"Transfer-Encoding", "Upgrade",
	}
)

func validateHeader(name, value string) error {
	switch {
	case !token.MatchString(name):
		return errors.New("is no valid name of a header")
	case slices.Contains(reserved, http.CanonicalHeaderKey(name)):
		return errors.New("is set by the operator itself")
	case !content.MatchString(value):
		return errors.New("has a value with control characters or others that a header cannot have")
	}
	return nil
}

// serves reports whether triggers of a namespace may use the provider.
func (p *Provider) serves(namespace string) bool {
	return len(p.Namespaces) == 0 || slices.ContainsFunc(p.Namespaces, func(pattern string) bool {
		prefix, open := strings.CutSuffix(pattern, "*")
		return pattern == namespace || open && strings.HasPrefix(namespace, prefix)
	})
}
