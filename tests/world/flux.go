// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"context"
	"fmt"
	"net/http"
)

// addFlux prepares Flux's controllers. They get no leader election, so that
// they work from the first moment, and short retries, since nothing here is
// ever worth waiting for.
func (w *World) addFlux(o Options) error {
	health, err := w.ReservePort()
	if err != nil {
		return err
	}
	helm := &service{
		program: HelmController,
		args: []string{
			"--health-addr=" + health,
			"--metrics-addr=0",
			"--kube-api-qps=1000",
			"--kube-api-burst=2000",
			"--concurrent=10",
			// Also the pause after a finalizer is set, 750 ms by default.
			"--min-retry-delay=100ms",
			"--requeue-dependency=1s",
			"--http-retry=2",
			"--graceful-shutdown-timeout=5s",
		},
		extra: o.HelmControllerArgs,
		env:   []string{"KUBECONFIG=" + w.userKubeconfig(HelmControllerUser)},
		ready: func(ctx context.Context) error { return getOK(ctx, "http://"+health+"/readyz") },
	}
	w.services[HelmController] = helm

	var addrs [3]string
	for i := range addrs {
		if addrs[i], err = w.ReservePort(); err != nil {
			return err
		}
	}
	w.eventsURL = "http://" + addrs[0]
	w.services[NotificationController] = &service{
		program: NotificationController,
		args: []string{
			"--events-addr=" + addrs[0],
			"--receiverAddr=" + addrs[1],
			"--health-addr=" + addrs[2],
			"--metrics-addr=0",
		},
		extra: o.NotificationControllerArgs,
		env:   []string{"KUBECONFIG=" + w.userKubeconfig(NotificationControllerUser)},
		ready: func(ctx context.Context) error { return getOK(ctx, "http://"+addrs[2]+"/readyz") },
	}
	if o.NotificationController {
		helm.args = append(helm.args, "--events-addr="+w.eventsURL)
	}
	return nil
}

// EventsURL returns where notification-controller receives events, the value
// of a Flux controller's --events-addr.
func (w *World) EventsURL() string { return w.eventsURL }

func getOK(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, resp.Status)
	}
	return nil
}
