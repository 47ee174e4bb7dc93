// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// words are the ones that no message, page, comment or name has, with what to write in their place.
// A linter of prose reads pages and comments, and not the messages that people get at night, so
// that the whole repository is read here.
var words = []word{
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

// habits are turns of phrase that a reader has to read twice, or words of which one is enough.
var habits = []word{
	{regexp.MustCompile(`(?i)\b(comes?|came|coming) to rest\b|\bat rest\b`), "settle, idle"},
	{regexp.MustCompile(`(?i)\bunder way\b|\bon its way\b`), "in progress, being rolled out"},
	{regexp.MustCompile(`(?i)\b(is|are|was|were|be|been) asked\b`), "triggered, requested"},
	{regexp.MustCompile(`(?i)\blooked at\b`), "evaluated, read, checked"},
	{regexp.MustCompile(`(?i)\b(take|takes|taken|taking|took) up\b`), "apply, act on"},
	{regexp.MustCompile(`(?i)\bgone back to\b|\bway back\b`), "restored, rollback"},
	{regexp.MustCompile(`(?i)\bpassed (by|over)\b`), "bypassed, skipped"},
	{regexp.MustCompile(`(?i)\b(anybody|everybody)\b`), "anyone, everyone"},
	{regexp.MustCompile(`(?i)\bof which nothing\b|\bwhat it does not\b|\bwhat is to be\b|\bin (the )?place of which\b`), "a noun"},
	{regexp.MustCompile(`(?i)\bbe it\b|\bnone any more\b|\bis none of (its|the|their|our)\b`), "whether, no longer"},
	{regexp.MustCompile(`(?i)\blets? go of\b`), "no longer own, remove"},
	{regexp.MustCompile(`\bmend[A-Z]`), "fix"},
}

type word struct {
	pattern *regexp.Regexp
	instead string
}

// beingRewritten are packages whose sentences change with their code. Habits are not checked there yet.
var beingRewritten = regexp.MustCompile(`^internal/(controller|delivery|core/plan)/`)

// notProse is what is not written here: checksums, the licence, and this list.
var notProse = regexp.MustCompile(`\.sum$|^LICENSE$|\.png$|/vendor/|^tests/ui/testdata/|^tests/docs/words_test\.go$`)

func TestWords(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "git", "-C", "../..", "ls-files").Output()
	if err != nil {
		t.Skip("not in a checkout")
	}
	all := slices.Concat(words, habits)
	inAll, inWords := oneOf(all), oneOf(words)
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
		list, suspect := all, inAll
		if beingRewritten.MatchString(path) {
			list, suspect = words, inWords
		}
		if !suspect.Match(text) {
			continue
		}
		for i, line := range strings.Split(string(text), "\n") {
			for _, word := range list {
				if found := word.pattern.FindString(line); found != "" {
					t.Errorf("%s:%d: %q; write: %s", path, i+1, found, word.instead)
				}
			}
		}
	}
}

// oneOf matches what any of the words matches, so that most files are read once.
func oneOf(list []word) *regexp.Regexp {
	patterns := make([]string, len(list))
	for i, word := range list {
		patterns[i] = word.pattern.String()
	}
	return regexp.MustCompile("(?:" + strings.Join(patterns, ")|(?:") + ")")
}
