// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// words are the ones that no message, page, comment or name has, with what to write in their place.
// A linter of prose reads pages and comments, and not the messages that people get at night, so
// that the whole repository is read here.
var words = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`(?i)\bmend(s|ed|ing)?\b`), "fix"},
	{regexp.MustCompile(`(?i)\bwhoever\b`), "anyone who, or name the caller"},
	{regexp.MustCompile(`\b[Nn]obody\b`), "no one"},
	{regexp.MustCompile(`(?i)\bsomebody\b`), "someone, a person, another client"},
	{regexp.MustCompile(`(?i)\banew\b`), "again"},
	{regexp.MustCompile(`\b[Tt]old\b`), "reported, logged, notified, documented"},
	{regexp.MustCompile(`(?i)\btaken back\b`), "rolled back, withdrawn"},
	{regexp.MustCompile(`(?i)\btells? whether\b`), "reports whether"},
	{regexp.MustCompile(`(?i)\b(it|this|that) is no (error|name|value|proof|gate|copy|source|digest|manifest|string)\b`), "is not a"},
}

// notProse is what is not written here: checksums, the licence, and this list.
var notProse = regexp.MustCompile(`\.sum$|^LICENSE$|\.png$|^tests/docs/words_test\.go$`)

func TestWords(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "git", "-C", "../..", "ls-files").Output()
	if err != nil {
		t.Skip("not in a checkout")
	}
	for _, path := range strings.Fields(string(out)) {
		if notProse.MatchString(path) {
			continue
		}
		text, err := os.ReadFile("../../" + path)
		if os.IsNotExist(err) {
			continue // Removed, and not committed yet.
		}
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			for _, word := range words {
				if found := word.pattern.FindString(line); found != "" {
					t.Errorf("%s:%d: %q; write: %s", path, i+1, found, word.instead)
				}
			}
		}
	}
}
