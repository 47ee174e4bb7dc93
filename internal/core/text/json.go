// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package text

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
)

// JSON returns a value as JSON for a person, who reads "a < b" and not "a \u003c b". What is not seen, or has what is
// beside it shown elsewhere than it is, is escaped. Each level is on lines of its own with an indent, all is on one line
// without.
func JSON(value any, indent string) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", indent)
	err := encoder.Encode(value)
	return visible(bytes.TrimSuffix(out.Bytes(), []byte("\n"))), err
}

// visible escapes what is not printable: beside strings, JSON has nothing of that but the ends of lines.
func visible(content []byte) []byte {
	hidden := func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }
	if !bytes.ContainsFunc(content, hidden) {
		return content
	}
	var out strings.Builder
	for _, r := range string(content) {
		if !hidden(r) {
			out.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&out, `\u%04x`, unit)
		}
	}
	return []byte(out.String())
}
