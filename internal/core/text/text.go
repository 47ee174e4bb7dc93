// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package text writes what others chose, such as the messages of charts and the names
// of field managers, so that it can do no harm where the operator repeats it: in
// status, events, annotations and logs.
package text

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxMessage bounds the message of a condition or an event, in bytes as stored. The
	// newer API of events takes no more.
	MaxMessage = 1024

	// maxWord bounds a word, in characters.
	maxWord = 64

	ellipsis = "…"
)

// Line returns a text as one line of printable characters that takes at most the given
// number of bytes where it is stored. What is too long is cut.
func Line(text string, bound int) string {
	if stored(text) <= bound && printable(text) {
		return text
	}
	// More than this is never kept, and need not be checked.
	short := len(text) > 8*bound
	if short {
		text = text[:8*bound]
	}
	text = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "\uFFFD"), func(r rune) bool { return !unicode.IsPrint(r) || r == ' ' }), " ")
	if !short && stored(text) <= bound {
		return text
	}
	end, size := 0, len(ellipsis)
	for i, r := range text {
		if size += storedRune(r); size > bound {
			break
		}
		end = i + utf8.RuneLen(r)
	}
	return text[:end] + ellipsis
}

// Word returns a text as one word of ASCII, without a comma: no one can write with it what
// would be taken for the operator's own words, or what is shown elsewhere than it is.
func Word(text string) string {
	runes := []rune(text[:min(len(text), utf8.UTFMax*(maxWord+1))])
	cut := len(runes) > maxWord
	runes = runes[:min(len(runes), maxWord)]
	for i, r := range runes {
		if r <= ' ' || r >= unicode.MaxASCII || r == ',' {
			runes[i] = '_'
		}
	}
	if cut {
		return string(runes) + ellipsis
	}
	return string(runes)
}

// Some returns the first few of a list, and how many there are beside them.
func Some(list []string, most int) string {
	text := strings.Join(list[:min(len(list), most)], ", ")
	if more := len(list) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// HasWords reports whether each word of a query is in one of some texts, in any case.
func HasWords(query string, texts ...string) bool {
	return !slices.ContainsFunc(strings.Fields(strings.ToLower(query)), func(word string) bool {
		return !slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(strings.ToLower(text), word) })
	})
}

func printable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

// stored returns how many bytes a text takes in an object: the API server stores JSON, in
// which some characters are escaped.
func stored(text string) int {
	size := 0
	for _, r := range text {
		size += storedRune(r)
	}
	return size
}

func storedRune(r rune) int {
	switch {
	case r == '"', r == '\\':
		return 2
	case r == '<', r == '>', r == '&':
		return 6
	default:
		return utf8.RuneLen(r)
	}
}
