// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"encoding/xml"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
)

// Pictures are shown somewhere with a text in their place, say what they show to those who
// do not see them, and load nothing from elsewhere.
func TestDocs_every_picture_is_shown_and_described(t *testing.T) {
	g := NewWithT(t)
	shown := map[string]string{}
	image := regexp.MustCompile(`!\[([^\]]*)\]\(([^)\s]+)\)`)
	for _, page := range pages(t) {
		for _, match := range image.FindAllStringSubmatch(read(t, page), -1) {
			g.Expect(match[2]).NotTo(ContainSubstring("://"), "%s shows a picture from elsewhere", page)
			shown[filepath.Join(filepath.Dir(page), match[2])] = match[1]
		}
	}
	for path, alternative := range shown {
		g.Expect(path).To(BeARegularFile())
		g.Expect(alternative).NotTo(BeEmpty(), "the text in place of %s", path)
	}
	walk(t, filepath.Join(operator.Root(), "docs"), ".svg", func(path string) {
		g.Expect(shown).To(HaveKey(path), "a picture that no page shows")
		text := read(t, path)
		var svg struct {
			XMLName xml.Name `xml:"http://www.w3.org/2000/svg svg"`
			Role    string   `xml:"role,attr"`
			Title   string   `xml:"title"`
			Desc    string   `xml:"desc"`
		}
		g.Expect(xml.Unmarshal([]byte(text), &svg)).To(Succeed(), path)
		g.Expect([]string{svg.Role, svg.Title, svg.Desc}).To(And(Not(ContainElement("")), ContainElement("img")), "%s: role, title and desc", path)
		content := strings.ReplaceAll(text, `xmlns="http://www.w3.org/2000/svg"`, "")
		g.Expect(content).NotTo(MatchRegexp(`https?://|@import|@font-face|<script|<image|url\(`), path)
	})
}
