// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package world_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// doomed is the variable that makes this test binary start a world and wait
// to be killed.
const doomed = "WORLD_TEST_DOOMED"

func startDoomed() {
	if _, err := world.Start(context.Background(), world.Options{}); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("up")
	select {}
}

// A killed test binary, at whatever moment, leaves nothing behind.
func TestKilledParentLeavesNothingBehind(t *testing.T) {
	shared(t)
	for name, moment := range map[string]func(g Gomega, tmp string, out string){
		"starting": func(g Gomega, tmp string, _ string) { g.Expect(recorded(tmp)).NotTo(BeEmpty()) },
		"up":       func(g Gomega, _ string, out string) { g.Expect(out).To(ContainSubstring("up")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			tmp := t.TempDir()
			var out syncBuffer
			child := exec.Command(os.Args[0])
			child.Env = append(os.Environ(), doomed+"=1", "TMPDIR="+tmp)
			child.Stdout, child.Stderr = &out, &out
			g.Expect(child.Start()).To(Succeed())
			t.Cleanup(func() { _ = child.Process.Kill() })

			g.Eventually(func(g Gomega) { moment(g, tmp, out.String()) }, 30*time.Second, time.Millisecond).Should(Succeed())
			pids := recorded(tmp)
			g.Expect(pids).NotTo(BeEmpty())
			g.Expect(child.Process.Kill()).To(Succeed())
			_ = child.Wait()

			g.Eventually(func(g Gomega) {
				left, err := os.ReadDir(tmp)
				g.Expect(err).NotTo(HaveOccurred())
				g.Expect(left).To(BeEmpty())
				for _, pid := range append(pids, mentioning(tmp)...) {
					g.Expect(syscall.Kill(pid, 0)).To(Equal(syscall.ESRCH), "process %d is alive", pid)
				}
			}, 10*time.Second, 10*time.Millisecond).Should(Succeed(), out.String)
		})
	}
}

// recorded returns the processes that run in the world below tmp.
func recorded(tmp string) (pids []int) {
	files, _ := filepath.Glob(filepath.Join(tmp, "world-*", "run", "*"))
	for _, file := range files {
		if pid, err := strconv.Atoi(filepath.Base(file)); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// mentioning returns the processes with text on their command line, where the
// system has a /proc.
func mentioning(text string) (pids []int) {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		line, _ := os.ReadFile(file)
		if bytes.Contains(line, []byte(text)) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			pids = append(pids, pid)
		}
	}
	return pids
}

// syncBuffer is a buffer to read while a child process writes.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
