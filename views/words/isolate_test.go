package words

import "testing"

func TestTextInASentenceIsSetApartWhenItCouldTurnIt(t *testing.T) {
	for text, want := range map[string]string{
		"":                      "",
		"Order sync":            "Order sync",
		`"><b>=1+1 🔑 é 日本`:      `"><b>=1+1 🔑 é 日本`,
		"left\u200emark":        "left\u200emark",
		"שלום":                  "\u2068שלום\u2069",
		"عربي 5":                "\u2068عربي 5\u2069",
		"a\u200fb":              "\u2068a\u200fb\u2069",
		"a\u061cb":              "\u2068a\u061cb\u2069",
		"\u202egnp.exe":         "\u2068\u202egnp.exe\u2069",
		"a\u2069\u202eb":        "\u2068\u2068a\u2069\u202eb\u2069",
		"a\u2066b":              "\u2068a\u2066b\u2069\u2069",
		"a\u2067b\u2069c":       "\u2068\u2068a\u2067b\u2069c\u2069\u2069",
		"a\u2029\u202eb\n":      "\u2068a\u2069\u2029\u2068\u202eb\u2069\n",
		"\u0085\u0085a\u202cb":  "\u0085\u0085\u2068a\u202cb\u2069",
		"\u2068already\u2069":   "\u2068\u2068\u2068already\u2069\u2069\u2069",
		"broken \xff \u202etxt": "\u2068broken \xff \u202etxt\u2069",
	} {
		if got := Isolate(text); got != want {
			t.Errorf("%q becomes %q, not %q", text, got, want)
		}
	}
}

func TestASentenceSetsItsPlacesApart(t *testing.T) {
	for _, got := range []string{
		T(t.Context(), "keys.menu", Args{"Name": "\u202eevil"}), N(t.Context(), "role.keys-of", 2, Args{"Name": "\u202eevil"}),
	} {
		if got != "Actions for \u2068\u202eevil\u2069" && got != "2 keys with the role \u2068\u202eevil\u2069" {
			t.Errorf("%q", got)
		}
	}
	if got := T(t.Context(), "keys.menu", Args{"Name": "Order sync"}); got != "Actions for Order sync" {
		t.Errorf("%q", got)
	}
}
