// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package digest

import (
	"maps"
	"math/rand"
	"reflect"
	"slices"
	"testing"
	"testing/quick"
)

// word is a short text. There are few, so that equal ones meet.
type word string

func (word) Generate(random *rand.Rand, _ int) reflect.Value {
	text := ""
	for range random.Intn(4) {
		text += []string{"a", "b", "\x00", "\x01", "é"}[random.Intn(5)]
	}
	return reflect.ValueOf(word(text))
}

// contents returns a ConfigMap's content with one key set to a value.
func contents(data map[word]word, edit ...word) Content {
	plain := text{}
	for key, value := range data {
		plain[string(key)] = string(value)
	}
	for i := 0; i < len(edit); i += 2 {
		plain[string(edit[i])] = string(edit[i+1])
	}
	return configMap(plain, nil)
}

// holds checks a property on random contents, the same each time.
func holds(t *testing.T, property any) {
	t.Helper()
	t.Parallel()
	if err := quick.Check(property, &quick.Config{MaxCount: 500, Rand: rand.New(rand.NewSource(1))}); err != nil {
		t.Error(err)
	}
}

func TestProperty_equalContentsHaveEqualDigests(t *testing.T) {
	holds(t, func(data map[word]word, keys []word) bool {
		var forth []string
		for _, key := range keys {
			forth = append(forth, string(key))
		}
		back := slices.Clone(forth)
		slices.Reverse(back)
		one, two := contents(data), contents(data) // A map is walked in another order each time.
		return one.Digest() == two.Digest() && one.Digest(forth...) == two.Digest(back...) && len(one.ChangedSince(two)) == 0
	})
}

func TestProperty_anyEditChangesTheDigest(t *testing.T) {
	holds(t, func(data map[word]word, key, value word) bool {
		before, now := contents(data), contents(data, key, value)
		if old, found := data[key]; found && old == value {
			return now.Digest() == before.Digest()
		}
		return now.Digest() != before.Digest() && now.Digest(string(key)) != before.Digest(string(key)) &&
			slices.Equal(now.ChangedSince(before), []string{string(key)}) && slices.Equal(before.ChangedSince(now), []string{string(key)})
	})
}

func TestProperty_otherKeysDoNotMatter(t *testing.T) {
	holds(t, func(data map[word]word, key, value, selected word) bool {
		return key == selected || contents(data, key, value).Digest(string(selected)) == contents(data).Digest(string(selected))
	})
}

func TestProperty_differentContentsHaveDifferentDigests(t *testing.T) {
	holds(t, func(one, two map[word]word) bool {
		return (contents(one).Digest() == contents(two).Digest()) == maps.Equal(one, two)
	})
}

func TestProperty_combineKeepsPartsApart(t *testing.T) {
	plain := func(parts map[word]word) text {
		out := text{}
		for id, part := range parts {
			out[string(id)] = string(part)
		}
		return out
	}
	holds(t, func(one, two map[word]word) bool {
		return (Combine(plain(one)) == Combine(plain(two))) == maps.Equal(one, two)
	})
}
