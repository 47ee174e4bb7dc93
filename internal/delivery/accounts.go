// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"fmt"
	"sync"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fluxcd/pkg/apis/acl"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fault"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/metrics"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/refusal"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/source"
)

// maxClients bounds the clients that are kept. Anyone who may write ValuesTriggers may name as
// many accounts as there are words.
const maxClients = 512

// Accounts makes the clients with which triggers act.
type Accounts struct {
	own            client.Client
	config         *rest.Config
	defaultAccount string
	meter          *metrics.Metrics

	mu      sync.Mutex
	clients map[string]client.Client
}

// NewAccounts makes clients like the operator's own for the accounts that triggers name, or that is
// the default of those which name none.
func NewAccounts(own client.Client, config *rest.Config, defaultAccount string, meter *metrics.Metrics) *Accounts {
	return &Accounts{own: own, config: config, defaultAccount: defaultAccount, meter: meter, clients: map[string]client.Client{}}
}

// name returns the account that a trigger acts as, empty for the operator's own.
func (a *Accounts) name(vt *triggerv1.ValuesTrigger) string {
	if vt.Spec.ServiceAccountName != "" {
		return vt.Spec.ServiceAccountName
	}
	return a.defaultAccount
}

// of returns the account as which the sources and targets of a trigger are read, and
// the client with which targets are written. A generated trigger reads on the
// operator's word: it holds only what the contract and valuesFrom give.
func (a *Accounts) of(vt *triggerv1.ValuesTrigger, generated bool) (source.Account, client.Client, error) {
	name := a.name(vt)
	if name == "" {
		return source.Account{}, a.own, nil
	}
	user := fmt.Sprintf("system:serviceaccount:%s:%s", vt.Namespace, name)
	c, err := a.impersonate(user)
	if err != nil {
		return source.Account{}, nil, fault.Stalled(acl.AccessDeniedReason, "%s", a.message(vt, fmt.Errorf("account not usable: %s: %w", user, err)))
	}
	if generated {
		return source.Account{}, c, nil
	}
	return source.Account{Name: user, Reader: a.meter.Reader(c)}, c, nil
}

// impersonate returns a client without a cache that acts as the user.
func (a *Accounts) impersonate(user string) (client.Client, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c, found := a.clients[user]; found {
		return c, nil
	}
	config := rest.CopyConfig(a.config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user}
	c, err := client.New(config, client.Options{Scheme: a.own.Scheme(), Mapper: a.own.RESTMapper()})
	if err != nil {
		return nil, err
	}
	if len(a.clients) >= maxClients {
		clear(a.clients) // Anyone who uses one keeps it.
	}
	a.clients[user] = c
	return c, nil
}

// actor names as whom a trigger acts.
func (a *Accounts) actor(vt *triggerv1.ValuesTrigger) string {
	if name := a.name(vt); name != "" {
		return fmt.Sprintf("ServiceAccount %s/%s", vt.Namespace, name)
	}
	return "the operator"
}

// message says who was refused what, and what to do if it is permission that lacks.
func (a *Accounts) message(vt *triggerv1.ValuesTrigger, err error) string {
	return refusal.Unpermitted(a.actor(vt), err)
}

// refusalOf returns the reason of a refusal and what is reported of it, or nothing if an error
// is none.
func (a *Accounts) refusalOf(vt *triggerv1.ValuesTrigger, err error) (reason, message string) {
	switch {
	case fault.ReasonOf(err) != "":
		return fault.ReasonOf(err), refusal.Text(err)
	case refusal.IsUnauthorized(err):
		return acl.AccessDeniedReason, a.message(vt, err)
	case refusal.Is(err):
		return triggerv1.DeliveryFailedReason, "refused by the API server, and retried: " + refusal.Words(err)
	case refusal.IsUnadmitted(err):
		return triggerv1.DeliveryFailedReason, "refused, and retried: " + refusal.Words(err)
	}
	return "", ""
}
