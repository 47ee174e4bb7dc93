// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Users of the API server that are no service accounts, as the audit log
// names them. All of them may do everything.
const (
	AdminUser                  = "world-admin"
	ControllerManagerUser      = "system:kube-controller-manager"
	HelmControllerUser         = "helm-controller"
	NotificationControllerUser = "notification-controller"
	SourceControllerUser       = "source-controller"
	KustomizeControllerUser    = "kustomize-controller"
)

// writeUsers makes a token for every user, and a kubeconfig file that carries it.
func (w *World) writeUsers(addr string, ca []byte) error {
	var tokens strings.Builder
	for _, user := range []string{
		AdminUser, ControllerManagerUser, HelmControllerUser, NotificationControllerUser, SourceControllerUser, KustomizeControllerUser,
	} {
		token := rand.Text()
		fmt.Fprintf(&tokens, "%s,%s,%s,system:masters\n", token, user, user)
		config := &rest.Config{
			Host:            "https://" + addr,
			BearerToken:     token,
			TLSClientConfig: rest.TLSClientConfig{CAData: ca},
			// A test must never wait for its own client.
			QPS:   -1,
			Burst: -1,
		}
		if user == AdminUser {
			w.config = config
		}
		if err := writeKubeconfig(w.userKubeconfig(user), config, metav1.NamespaceDefault); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(w.dir, "pki", "tokens.csv"), []byte(tokens.String()), 0o600); err != nil {
		return fmt.Errorf("writing tokens: %w", err)
	}
	return nil
}

func (w *World) userKubeconfig(user string) string {
	return filepath.Join(w.dir, "kubeconfig", strings.ReplaceAll(user, ":", "-"))
}

// Config returns the access of a cluster admin, without a rate limit on the
// client's side.
func (w *World) Config() *rest.Config { return rest.CopyConfig(w.config) }

// Kubeconfig returns the path of a kubeconfig file of the cluster admin.
func (w *World) Kubeconfig() string { return w.userKubeconfig(AdminUser) }

// ConfigForServiceAccount returns the access of a service account, with a real
// token that is valid for a day. The account must exist.
func (w *World) ConfigForServiceAccount(ctx context.Context, namespace, name string) (*rest.Config, error) {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	day := int64(24 * 60 * 60)
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &day}}
	if err := w.client.SubResource("token").Create(ctx, account, request); err != nil {
		return nil, fmt.Errorf("requesting a token of service account %s/%s: %w", namespace, name, err)
	}
	config := w.Config()
	config.BearerToken = request.Status.Token
	return config, nil
}

// KubeconfigForServiceAccount writes a kubeconfig file of a service account,
// whose current namespace is the account's, and returns its path.
func (w *World) KubeconfigForServiceAccount(ctx context.Context, namespace, name string) (string, error) {
	config, err := w.ConfigForServiceAccount(ctx, namespace, name)
	if err != nil {
		return "", err
	}
	path := w.userKubeconfig(namespace + ":" + name)
	return path, writeKubeconfig(path, config, namespace)
}

// Redirect has a component, from its next start on, ask a server in front of the API
// server, such as a proxy that fails requests.
func (w *World) Redirect(component, url string, ca []byte) error {
	users := map[string]string{
		ControllerManager: ControllerManagerUser, HelmController: HelmControllerUser, NotificationController: NotificationControllerUser,
		SourceController: SourceControllerUser, KustomizeController: KustomizeControllerUser,
	}
	path := w.userKubeconfig(users[component])
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		return fmt.Errorf("redirecting %s: %w", component, err)
	}
	config.Host, config.CAData = url, ca
	return writeKubeconfig(path, config, metav1.NamespaceDefault)
}

func writeKubeconfig(path string, config *rest.Config, namespace string) error {
	const name = "world"
	c := clientcmdapi.NewConfig()
	c.Clusters[name] = &clientcmdapi.Cluster{Server: config.Host, CertificateAuthorityData: config.CAData}
	c.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: config.BearerToken}
	c.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name, Namespace: namespace}
	c.CurrentContext = name
	if err := clientcmd.WriteToFile(*c, path); err != nil {
		return fmt.Errorf("writing a kubeconfig file: %w", err)
	}
	return nil
}
