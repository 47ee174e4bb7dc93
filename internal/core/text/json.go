// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package text

import (
	"bytes"
	"encoding/json"
)

// JSON returns a value as JSON for a person, who reads "a < b" and not "a \u003c b". Each level is on lines of its own
// with an indent, all is on one line without.
func JSON(value any, indent string) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", indent)
	err := encoder.Encode(value)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), err
}
