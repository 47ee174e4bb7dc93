// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/fluxcd/pkg/ssa/utils"
)

// Document is a manifest in a file.
type Document struct {
	File string

	// Line is where it begins, from 1.
	Line int

	// Object is the manifest itself.
	Object map[string]any

	// Written is the name in the file, if kustomize has given the object another one.
	Written string

	text []byte
}

// LineOf returns the line of the first occurrence of a text in the document, as a word or
// as words, or where it begins.
func (d Document) LineOf(text string) int {
	if text == "" {
		return d.Line
	}
	for from := 0; ; {
		i := bytes.Index(d.text[from:], []byte(text))
		if i < 0 {
			return d.Line
		}
		start, end := from+i, from+i+len(text)
		if !(start > 0 && isWord(d.text[start-1]) && isWord(text[0])) && !(end < len(d.text) && isWord(d.text[end]) && isWord(text[len(text)-1])) {
			return d.Line + bytes.Count(d.text[:start], []byte("\n"))
		}
		from = end
	}
}

// isWord reports whether a letter can be part of a name.
func isWord(letter byte) bool {
	return letter == '-' || letter == '.' || letter == '/' || letter == '_' ||
		'0' <= letter && letter <= '9' || 'a' <= letter && letter <= 'z' || 'A' <= letter && letter <= 'Z'
}

// maxDepth bounds how deep lists may be nested in lists.
const maxDepth = 16

// Parse returns the manifests in a file of YAML or JSON, and what cannot be read. What
// is not a manifest, such as values of a chart, is left out. An error names the line and
// repeats no content.
func Parse(file string, content []byte) (documents []Document, problems []Finding) {
	for _, part := range split(content) {
		object, err := decode(part.text, isKustomization(file))
		if err != nil {
			problems = append(problems, Finding{
				File: file, Line: part.line + min(lineIn(err), bytes.Count(part.text, []byte("\n"))+1) - 1, Severity: Error, Rule: "syntax",
				Message: "not read: " + describe(err),
			})
			continue
		}
		documents = append(documents, expand(Document{File: file, Line: part.line, Object: object, text: part.text}, 0)...)
	}
	return documents, problems
}

func isKustomization(file string) bool {
	switch path.Base(filepath.ToSlash(file)) {
	case "kustomization.yaml", "kustomization.yml", "Kustomization":
		return true
	}
	return false
}

// part is one document of a file.
type part struct {
	line int
	text []byte
}

// split cuts a file at the lines that begin a document. Comments and blank lines before
// one do not belong to it.
func split(content []byte) []part {
	var parts []part
	current := part{}
	flush := func() {
		if len(bytes.TrimSpace(current.text)) > 0 {
			parts = append(parts, current)
		}
		current = part{}
	}
	line := 0
	for text := range bytes.Lines(bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))) {
		line++
		trimmed := bytes.TrimSpace(text)
		switch {
		case bytes.HasPrefix(text, []byte("---")) && (len(trimmed) == 3 || text[3] == ' ' || text[3] == '\t'):
			flush()
			if rest := trimmed[3:]; len(bytes.TrimSpace(rest)) > 0 && bytes.TrimSpace(rest)[0] != '#' {
				current = part{line: line, text: append(bytes.Clone(rest), '\n')}
			}
		case bytes.Equal(trimmed, []byte("...")):
			flush()
		case current.text == nil && (len(trimmed) == 0 || trimmed[0] == '#'):
		default:
			if current.text == nil {
				current.line = line
			}
			current.text = append(current.text, text...)
		}
	}
	flush()
	return parts
}

var errNoMap = errors.New("a manifest is a map")

// decode returns a document as an object, nil for one that holds no manifest. The library of
// Flux's controllers takes a key that is there twice, and quotes what it cannot read: what is
// no YAML, or no map, does not get there.
func decode(text []byte, kustomization bool) (map[string]any, error) {
	raw, err := yaml.YAMLToJSONStrict(text)
	switch {
	case err != nil:
		return nil, err
	case bytes.Equal(raw, []byte("null")):
		return nil, nil
	case !bytes.HasPrefix(raw, []byte("{")):
		return nil, errNoMap
	}
	object, err := utils.ReadObject(bytes.NewReader(raw))
	switch {
	case err == nil:
		return object.Object, nil
	case !runtime.IsMissingKind(err):
		return nil, err
	case !kustomization:
		return nil, nil
	}
	fields := map[string]any{"kind": "Kustomization", "apiVersion": "kustomize.config.k8s.io/v1beta1"} // Their defaults.
	return fields, json.Unmarshal(raw, &fields)
}

// expand returns the manifests in a document: itself, the items of a list, or none.
func expand(d Document, depth int) []Document {
	kind, _ := d.Object["kind"].(string)
	version, _ := d.Object["apiVersion"].(string)
	if kind == "" || version == "" {
		return nil
	}
	items, list := d.Object["items"].([]any)
	if !strings.HasSuffix(kind, "List") || !list {
		return []Document{d}
	}
	var documents []Document
	for _, item := range items {
		if object, ok := item.(map[string]any); ok && depth < maxDepth {
			// Where in the list an item is, is not known.
			documents = append(documents, expand(Document{File: d.File, Line: d.Line, Object: object}, depth+1)...)
		}
	}
	return documents
}

var (
	linePattern      = regexp.MustCompile(`\bline ([0-9]+)`)
	duplicatePattern = regexp.MustCompile(`key (".*") already set in map`)
)

// lineIn returns the line that an error of the parser names, from 1. The parser counts
// some lines that no one else does.
func lineIn(err error) int {
	if match := linePattern.FindStringSubmatch(err.Error()); match != nil {
		if n, err := strconv.Atoi(match[1]); err == nil && n > 0 {
			return n
		}
	}
	return 1
}

var quotedPattern = regexp.MustCompile("`[^`]*`|\"[^\"\n]{80,}\"")

// Quotes returns a message without the content that a parser may have quoted.
func Quotes(message string) string { return quotedPattern.ReplaceAllString(message, "…") }

// describe says what is wrong without content, which the errors of the parser repeat.
func describe(err error) string {
	if errors.Is(err, errNoMap) {
		return err.Error()
	}
	if match := duplicatePattern.FindStringSubmatch(err.Error()); match != nil && len(match[1]) < 80 {
		return fmt.Sprintf("the key %s is there twice", match[1])
	}
	return "no valid YAML"
}
