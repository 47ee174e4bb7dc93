// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// auditPolicy records every request once, when it is answered, without bodies but those of
// patches of HelmReleases: of them, some ask for something and others only note something.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: Request
  verbs: [patch]
  resources: [{group: helm.toolkit.fluxcd.io, resources: [helmreleases]}]
- level: Metadata
`

// controllers are those that objects of the API depend on. There are no nodes,
// so nothing that makes or moves pods is of use.
const controllers = "garbage-collector-controller,namespace-controller," +
	"serviceaccount-controller,serviceaccount-token-controller," +
	"root-ca-certificate-publisher-controller,clusterrole-aggregation-controller"

// etcdURL is a socket: no port to look for, and no one else can reach it.
func (w *World) etcdURL() string { return "unix://" + filepath.Join(w.dir, "etcd.sock") }

func (w *World) etcdService() *service {
	// Advertised because etcd insists on a host and a port; no one asks for them.
	const nowhere = "http://etcd.invalid:1"
	return &service{
		program: Etcd,
		args: []string{
			"--data-dir=" + filepath.Join(w.dir, "etcd"),
			"--listen-client-urls=" + w.etcdURL(),
			"--advertise-client-urls=" + nowhere,
			"--listen-peer-urls=unix://" + filepath.Join(w.dir, "peer.sock"),
			"--initial-advertise-peer-urls=" + nowhere,
			"--initial-cluster=default=" + nowhere,
			// The data need not survive the machine, only kill -9.
			"--unsafe-no-fsync",
			"--quota-backend-bytes=8589934592",
			"--log-level=warn",
		},
		ready: func(context.Context) error {
			c, err := net.Dial("unix", filepath.Join(w.dir, "etcd.sock"))
			if err == nil {
				c.Close()
			}
			return err
		},
	}
}

func (w *World) apiServerService(addr string, o Options) (*service, error) {
	pki := filepath.Join(w.dir, "pki")
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("splitting the API server's address: %w", err)
	}
	args := []string{
		"--bind-address=127.0.0.1",
		"--advertise-address=127.0.0.1",
		"--secure-port=" + port,
		"--tls-cert-file=" + filepath.Join(pki, "tls.crt"),
		"--tls-private-key-file=" + filepath.Join(pki, "tls.key"),
		"--etcd-servers=" + w.etcdURL(),
		"--authorization-mode=RBAC",
		"--token-auth-file=" + filepath.Join(pki, "tokens.csv"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + filepath.Join(pki, "sa.key"),
		"--service-account-signing-key-file=" + filepath.Join(pki, "sa.key"),
		"--service-cluster-ip-range=10.0.0.0/24",
		"--endpoint-reconciler-type=none",
		"--profiling=false",
	}
	if os.Getenv(kubernetesVariable) != "oldest" {
		// Ends watches when it is stopped, or the restart takes a minute.
		args = append(args, "--shutdown-watch-termination-grace-period=1s")
	}
	if !o.NoAudit {
		policy := filepath.Join(w.dir, "audit-policy.yaml")
		if err := os.WriteFile(policy, []byte(auditPolicy), 0o600); err != nil {
			return nil, fmt.Errorf("writing the audit policy: %w", err)
		}
		args = append(args,
			"--audit-policy-file="+policy,
			"--audit-log-path="+w.auditPath(),
			"--audit-log-mode=blocking",
			"--audit-log-maxsize=100000", // MB: never rotate
		)
	}
	return &service{
		program: APIServer,
		args:    args,
		extra:   o.APIServerArgs,
		ready:   func(ctx context.Context) error { return w.get(ctx, "/readyz") },
	}, nil
}

func (w *World) controllerManagerService(o Options) *service {
	pki := filepath.Join(w.dir, "pki")
	return &service{
		program: ControllerManager,
		args: []string{
			"--kubeconfig=" + w.userKubeconfig(ControllerManagerUser),
			"--controllers=" + controllers,
			"--root-ca-file=" + filepath.Join(pki, "ca.crt"),
			"--service-account-private-key-file=" + filepath.Join(pki, "sa.key"),
			"--leader-elect=false",
			"--secure-port=0",
			"--concurrent-gc-syncs=20",
			"--concurrent-namespace-syncs=10",
			"--kube-api-qps=1000",
			"--kube-api-burst=2000",
		},
		extra: o.ControllerManagerArgs,
		// Its first visible work: an account in a namespace.
		ready: func(ctx context.Context) error {
			return w.client.Get(ctx, client.ObjectKey{Namespace: "default", Name: "default"}, &corev1.ServiceAccount{})
		},
	}
}

// get succeeds when the API server answers a request for path with success.
func (w *World) get(ctx context.Context, path string) error {
	return w.clientset.RESTClient().Get().RequestURI(path).Do(ctx).Error()
}

func (w *World) waitGet(ctx context.Context, path string) error {
	return poll(ctx, nil, func(ctx context.Context) error { return w.get(ctx, path) })
}

func (w *World) connect(o Options) error {
	var err error
	if w.clientset, err = kubernetes.NewForConfig(w.config); err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	if w.client, err = newClient(w.config, o); err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	return nil
}
