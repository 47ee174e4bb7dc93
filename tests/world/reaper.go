// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// reaperScript owns the world's directory. It waits for the end of its
// standard input, which only the parent holds open: that end comes when the
// world stops, and just as surely when the parent is killed. Then it kills
// every process group that is on record and removes the directory.
//
// The directory is renamed first. A process being started at that moment is
// either on record already or fails to record itself, and gives up.
const reaperScript = `
trap '' HUP INT TERM PIPE
umask 077
mkdir "$1" "$1/run" || exit 1
echo ready
exec >/dev/null
while read -r _; do :; done
mv "$1" "$1.gone"
for f in "$1.gone"/run/*; do kill -KILL "-${f##*/}"; done
if [ -n "$2" ]; then mv "$1.gone" "$1"; exit; fi
for _ in 1 2 3 4 5 6 7 8 9 10; do
	rm -rf "$1.gone" && exit
	sleep 0.1
done
`

// runScript puts the process on the reaper's record, then becomes the program.
const runScript = `: >"$0/run/$$" && exec "$@"`

// reaper cleans up after a world, whatever becomes of the process that made it.
type reaper struct {
	dir  string
	keep bool
	cmd  *exec.Cmd
	pipe io.WriteCloser
}

// startReaper makes a world's directory. With TESTWORLD_KEEP in the
// environment, the directory stays behind for a look at the logs.
func startReaper() (*reaper, error) {
	dir, err := filepath.Abs(filepath.Join(os.TempDir(), "world-"+strings.ToLower(rand.Text()[:8])))
	if err != nil {
		return nil, fmt.Errorf("resolving the temporary directory: %w", err)
	}
	// Sockets have short names: 103 bytes on macOS, 107 on Linux.
	if len(dir)+len("/etcd.sock") > 103 {
		return nil, fmt.Errorf("the temporary directory's name is too long for a socket inside, set a shorter TMPDIR: %s", dir)
	}
	keep := os.Getenv("TESTWORLD_KEEP")
	cmd := exec.Command("/bin/sh", "-c", reaperScript, "world-reaper", dir, keep)
	cmd.Dir = "/"
	// Its own session: Ctrl-C and a closing terminal are not for the reaper.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("starting the reaper: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("starting the reaper: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the reaper: %w", err)
	}
	r := &reaper{dir: dir, keep: keep != "", cmd: cmd, pipe: pipe}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		r.reap()
		return nil, fmt.Errorf("making the directory %s: %w", dir, err)
	}
	return r, nil
}

// command prepares a program that the reaper will know of from before its
// first instruction. It gets a process group of its own, so that Ctrl-C
// reaches only the parent, which can then stop things in order.
func (r *reaper) command(path string, args ...string) *exec.Cmd {
	cmd := exec.Command("/bin/sh", append([]string{"-c", runScript, r.dir, path}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// forget takes an ended process off the record, lest its number be reused.
func (r *reaper) forget(pid int) {
	_ = os.Remove(filepath.Join(r.dir, "run", fmt.Sprint(pid)))
}

// reap kills all processes, removes the directory and returns when that is done.
func (r *reaper) reap() {
	r.pipe.Close()
	_ = r.cmd.Wait()
	if r.keep {
		fmt.Fprintln(os.Stderr, "world: kept", r.dir)
	}
}
