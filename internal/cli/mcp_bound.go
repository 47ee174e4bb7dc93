// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// maxAnswer bounds an answer, in bytes: what an assistant reads costs, and crowds out what else it knows.
const maxAnswer = 64 * 1024

// listLengths are tried one after the other, until an answer is short enough.
var listLengths = []int{100, 50, 20, 10, 5, 2, 1}

// bounded returns an answer that is not too long: of its lists, in which what matters comes first, the
// first entries. It says which were cut.
func bounded(document []byte) (answer any, cut []string, err error) {
	if err := json.Unmarshal(document, &answer); err != nil {
		return nil, nil, err
	}
	if len(document) <= maxAnswer {
		return answer, nil, nil
	}
	for _, length := range listLengths {
		counts := map[string][2]int{}
		short := shortened(answer, "", length, counts)
		text, err := json.Marshal(short)
		if err != nil {
			return nil, nil, err
		}
		if len(text) > maxAnswer {
			continue
		}
		for _, path := range slices.Sorted(maps.Keys(counts)) {
			cut = append(cut, fmt.Sprintf("%s: %d of %d", path, counts[path][0], counts[path][1]))
		}
		return short, cut, nil
	}
	return nil, nil, errors.New("the answer is too long: ask for a name, or for one namespace")
}

// shortened returns a value with lists of a length at most. It counts what is left of all lists at a path.
func shortened(value any, path string, length int, counts map[string][2]int) any {
	switch v := value.(type) {
	case []any:
		kept := min(length, len(v))
		if kept < len(v) {
			sum := counts[path]
			counts[path] = [2]int{sum[0] + kept, sum[1] + len(v)}
		}
		out := make([]any, 0, kept)
		for _, one := range v[:kept] {
			out = append(out, shortened(one, path, length, counts))
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, one := range v {
			below := key
			if path != "" {
				below = path + "." + key
			}
			out[key] = shortened(one, below, length, counts)
		}
		return out
	}
	return value
}
