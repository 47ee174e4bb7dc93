// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// keys are what the list of a comment may say. Do is what a person does about it, See a heading of a
// page below docs, the others where it is reported and how.
var keys = []string{
	"Do", "Continues", "See", "Ready", "Gated",
	"ValuesTrigger", "HelmRelease", "ConfigMap or Secret", "CustomResourceDefinition", "Pod",
}

// states are the types of which all constants are on the page.
var states = []string{"TargetState", "RolloutPhase", "StagePhase", "ChangeOutcome"}

type constant struct {
	name     string
	typeName string
	value    string
	meaning  string
	facts    map[string]string
}

func (c constant) isReason() bool { return c.typeName == "" }

// more links the page that says more.
func (c constant) more() string {
	if c.facts["See"] == "" {
		return ""
	}
	return fmt.Sprintf(" ([more](../../%s))", c.facts["See"])
}

// constantsOf returns the reasons and states of a package, in the order of files and lines.
func constantsOf(dir string) ([]constant, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	var all []constant
	var errs []error
	for _, path := range paths {
		source, err := os.ReadFile(path) //nolint:gosec // A file of the checkout.
		if err != nil {
			return nil, err
		}
		found, err := constantsIn(path, source)
		all, errs = append(all, found...), append(errs, err)
	}
	if len(all) == 0 {
		errs = append(errs, fmt.Errorf("%s has no reasons", dir))
	}
	return all, errors.Join(errs...)
}

// constantsIn reports every fault of a file, not the first one alone.
func constantsIn(path string, source []byte) ([]constant, error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, source, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	var all []constant
	var errs []error
	for _, declaration := range file.Decls {
		group, is := declaration.(*ast.GenDecl)
		if !is || group.Tok != token.CONST {
			continue
		}
		for _, spec := range group.Specs {
			spec := spec.(*ast.ValueSpec)
			c, is := documented(spec)
			if !is {
				continue
			}
			text := spec.Doc
			if !group.Lparen.IsValid() {
				text = group.Doc
			}
			if err := c.read(text.Text()); err != nil {
				errs = append(errs, fmt.Errorf("%s: %s %w", set.Position(spec.Pos()), c.name, err))
			}
			all = append(all, c)
		}
	}
	return all, errors.Join(errs...)
}

// documented reports whether a constant is a reason or a state.
func documented(spec *ast.ValueSpec) (constant, bool) {
	if len(spec.Values) != 1 {
		return constant{}, false
	}
	literal, is := spec.Values[0].(*ast.BasicLit)
	if !is || literal.Kind != token.STRING {
		return constant{}, false
	}
	text, err := strconv.Unquote(literal.Value)
	if err != nil {
		return constant{}, false
	}
	c := constant{name: spec.Names[0].Name, value: text}
	if typeName, is := spec.Type.(*ast.Ident); is {
		c.typeName = typeName.Name
	}
	return c, slices.Contains(states, c.typeName) || c.isReason() && strings.HasSuffix(c.name, "Reason")
}

// read takes meaning and facts from a comment.
func (c *constant) read(text string) error {
	var reader comment.Parser
	c.facts = map[string]string{}
	for i, block := range reader.Parse(text).Content {
		switch block := block.(type) {
		case *comment.Paragraph:
			if i > 0 {
				return errors.New("has a second paragraph: put what it says into the first, or into the list")
			}
			if err := c.mean(plain(block.Text)); err != nil {
				return err
			}
		case *comment.List:
			for _, item := range block.Items {
				if err := c.learn(item); err != nil {
					return err
				}
			}
		default:
			return fmt.Errorf("has a %T in its comment", block)
		}
	}
	switch {
	case c.meaning == "":
		return errors.New("has no comment that says what it means")
	case c.isReason() && c.facts["Do"] == "":
		return errors.New(`has no "Do: ..." in its comment that says what a person does about it`)
	case c.isReason() && len(c.facts) == 1+count(c.facts, "See"):
		return errors.New("says by no condition and no event that it is reported")
	}
	return nil
}

// mean takes the sentence of Go, which begins with the name, for what a table says.
func (c *constant) mean(sentence string) error {
	rest, found := strings.CutPrefix(sentence, c.name+" ")
	if !found {
		return errors.New("has a comment that does not begin with its name")
	}
	c.meaning = upper(strings.TrimSuffix(strings.TrimPrefix(rest, "reports that "), "."))
	return nil
}

func (c *constant) learn(item *comment.ListItem) error {
	paragraph, is := item.Content[0].(*comment.Paragraph)
	if !is || len(item.Content) != 1 {
		return errors.New("has an item that is not one line of key and value")
	}
	key, text, found := strings.Cut(plain(paragraph.Text), ": ")
	if !found || !slices.Contains(keys, key) {
		return fmt.Errorf("has an item %q, which is not one of %s", key, strings.Join(keys, ", "))
	}
	if c.facts[key] != "" {
		return fmt.Errorf("says %s twice", key)
	}
	c.facts[key] = strings.TrimSuffix(text, ".")
	return nil
}

func count(facts map[string]string, key string) int {
	if facts[key] == "" {
		return 0
	}
	return 1
}

// plain joins the lines of a text.
func plain(texts []comment.Text) string {
	var all strings.Builder
	for _, text := range texts {
		switch text := text.(type) {
		case comment.Plain:
			all.WriteString(string(text))
		case comment.Italic:
			all.WriteString(string(text))
		case *comment.Link:
			all.WriteString(plain(text.Text))
		case *comment.DocLink:
			all.WriteString(plain(text.Text))
		}
	}
	return strings.Join(strings.Fields(all.String()), " ")
}

func upper(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:]
}
