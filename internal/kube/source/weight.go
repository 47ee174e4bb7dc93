// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package source

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	yamlv3 "go.yaml.in/yaml/v3"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
)

// An object holds 1 MiB at most, but composing what it holds can take gigabytes: a
// hundred thousand aliases of one long text, half a million empty lists, an index of
// 65536. So values are weighed before they are composed.
const (
	// maxEntries bounds the lines and list items of all values of a release together.
	// Each takes 1 to 2 KB while values are composed and compared.
	maxEntries = 20_000

	// maxParsed bounds those of a document that is parsed to count them. That takes a
	// tenth of the memory.
	maxParsed = 8 * maxEntries

	// maxComposed bounds their bytes, with aliases resolved.
	maxComposed = 2 << 20

	// refEntries is what a reference by itself weighs.
	refEntries = 10

	// emptyItems of a list weigh as much as one entry.
	emptyItems = 16
)

// tooLarge says that values are not composed because that could take too much memory.
var tooLarge = Unreadable(fmt.Sprintf("values of more than %d lines or %d MiB are not composed", maxEntries, maxComposed>>20))

// weight is what is known of values before they are composed.
type weight struct{ entries, bytes int }

func (w *weight) add(more weight) {
	w.entries = min(w.entries+more.entries, maxEntries+1)
	w.bytes = min(w.bytes+more.bytes, maxComposed+1)
}

func (w weight) tooLarge() bool { return w.entries > maxEntries || w.bytes > maxComposed }

// weigh returns tooLarge if the values of a release must not be composed of the given
// contents, one for each reference.
func weigh(hr *helmv2.HelmRelease, contents [][]byte) error {
	var inline, total weight
	if hr.Spec.Values != nil {
		inline = weight{entries: entriesOf(hr.Spec.Values.Raw), bytes: len(hr.Spec.Values.Raw)}
	}
	total.add(inline)
	for i, content := range contents {
		ref := hr.Spec.ValuesFrom[i]
		total.add(weight{entries: refEntries, bytes: len(content)})
		if ref.TargetPath != "" {
			total.add(weight{entries: inline.entries}) // The inline values are merged each time.
			total.add(weight{entries: assigned([]byte(ref.TargetPath)) + assigned(content)})
		} else if !total.tooLarge() {
			total.add(weighYAML(content))
		}
		if total.tooLarge() {
			return tooLarge
		}
	}
	return nil
}

// weighYAML returns what a document weighs. Most are weighed by their separators alone. A
// parser tells more of those that have many, perhaps inside of texts, or aliases, which may
// stand for each other.
func weighYAML(data []byte) weight {
	most := weight{entries: maxEntries + 1}
	w := weight{entries: entriesOf(data)}
	aliases := bytes.IndexByte(data, '&') >= 0 && bytes.IndexByte(data, '*') >= 0
	switch {
	case !utf8.Valid(data): // Perhaps in another encoding, which the parser understands.
		return most
	case w.entries > maxParsed:
		return most
	case w.entries <= maxEntries && !aliases:
		return w
	}
	var document yamlv3.Node
	if err := yamlv3.Unmarshal(data, &document); err != nil {
		return most
	}
	w, err := resolved(&document, map[*yamlv3.Node]*weight{})
	if err != nil {
		return most
	}
	return w
}

var errCycle = errors.New("an alias refers to itself")

// resolved returns what a node weighs with its aliases resolved.
func resolved(node *yamlv3.Node, known map[*yamlv3.Node]*weight) (weight, error) {
	if node.Kind == yamlv3.AliasNode {
		node = node.Alias
	}
	if w, found := known[node]; found {
		if w == nil {
			return weight{}, errCycle
		}
		return *w, nil
	}
	known[node] = nil
	w := weight{entries: len(node.Content), bytes: len(node.Value)}
	if node.Kind == yamlv3.MappingNode {
		w.entries /= 2 // Keys and values.
	}
	for _, child := range node.Content {
		part, err := resolved(child, known)
		if err != nil {
			return weight{}, err
		}
		w.add(part)
	}
	known[node] = &w
	return w, nil
}

// entriesOf returns no fewer than half of the entries that YAML or JSON without aliases
// can have: what separates or begins them, wherever it is.
func entriesOf(data []byte) int {
	entries, begun := 1, false // begun: a list has begun in this line, and nothing else.
	start := true              // Nothing but blanks and lists so far.
	for i, c := range string(data) {
		switch {
		case strings.ContainsRune("\n\r\u0085\u2028\u2029", c):
			if i == 0 || data[i-1] != ',' {
				entries++
			}
			start, begun = true, false
		case strings.ContainsRune(",[{", c):
			entries++
			start = false
		case c == ' ' || c == '\t':
		case start && strings.ContainsRune("-?:", c) && endsWord(data[i+1:]):
			if begun {
				entries++
			}
			begun = true
		default:
			start = false
		}
	}
	return entries
}

func endsWord(rest []byte) bool {
	return len(rest) == 0 || bytes.IndexByte([]byte(" \t\r\n"), rest[0]) >= 0
}

var index = regexp.MustCompile(`\[[0-9]+`)

// assigned returns the entries that a text in the syntax of helm --set can have: names with
// dots, and indexes, which make lists as long as they say.
func assigned(data []byte) int {
	entries := entriesOf(data) + bytes.Count(data, []byte("."))
	for _, match := range index.FindAll(data, maxEntries) {
		n, err := strconv.Atoi(string(match[1:]))
		if err != nil {
			continue // Helm refuses what is larger than 65536.
		}
		entries += min(n, 1<<16) / emptyItems
	}
	return entries
}
