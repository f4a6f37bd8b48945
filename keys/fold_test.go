package keys

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestFoldIgnoresCaseAccentsAndSpace(t *testing.T) {
	for text, want := range map[string]string{
		"Order Sync":               "order sync",
		"São Paulo":                "sao paulo",
		"SA\u0303O PAULO":          "sao paulo",
		"  Preço \t médio\n":       "preco medio",
		"Łódź":                     "lodz",
		"Straße":                   "strasse",
		"Œuvre Ægir Øre":           "oeuvre aegir ore",
		"ΟΔΟΣ":                     Fold("οδος"),
		"ﬁn":                       "ﬁn",
		"İstanbul ısı":             "istanbul isi",
		"\u202eabc\u202c\u200b":    "abc",
		"🔑 Clé":                    "🔑 cle",
		"\u0301":                   "",
		"50%_off\\":                "50%_off\\",
		"appkey-acme-QKZWPD4T":     "appkey-acme-qkzwpd4t",
		"a" + "\u0301\u0302\u0303": "a",
	} {
		if got := Fold(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func FuzzFold(f *testing.F) {
	for _, seed := range []string{"São", "Ω\u0301", "\u1e9e", "\u0130", "각", "\ufdfa", "ŉ", "ǰ"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !IsText(text) {
			return
		}
		once := Fold(text)
		if !IsText(once) || Fold(once) != once {
			t.Errorf("%q becomes %q and then %q", text, once, Fold(once))
		}
		// What is kept of a name must fit in an index.
		if len(once) > 9*utf8.RuneCountInString(text) {
			t.Errorf("%q of %d bytes becomes one of %d", text, len(text), len(once))
		}
	})
}

func TestASearchIsCut(t *testing.T) {
	if got := FoldSearch(strings.Repeat("É", 5000)); got != strings.Repeat("e", MaxSearch) {
		t.Errorf("it is %d long", len(got))
	}
}
