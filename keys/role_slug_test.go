package keys_test

import (
	"strings"
	"testing"

	"latchkey/keys"
)

func TestNewRoleSlug(t *testing.T) {
	taken := []string{"orders-viewer", "orders-viewer-2", "role"}
	for name, want := range map[string]string{
		"Catalog editor":          "catalog-editor",
		"  Catalog -- editor!  ":  "catalog-editor",
		"Orders viewer":           "orders-viewer-3",
		"Conciliação e Preços":    "conciliacao-e-precos",
		"Conciliac\u0327a\u0303o": "conciliacao",
		"Señal Ñandú":             "senal-nandu",
		"Straße Ærø":              "strasse-aero",
		"日本 \U0001F511":           "role-2",
		"":                        "role-2",
		"New":                     "new-2",
		"permissions":             "permissions-2",
		"\u202Eevil<b>":           "evil-b",
		"a,b;c\r\nd":              "a-b-c-d",
		strings.Repeat("x", 64):   strings.Repeat("x", 48),
	} {
		if got := keys.NewRoleSlug(name, taken); got != want {
			t.Errorf("%q: %q, not %q", name, got, want)
		}
	}
}
