package secret_test

import (
	"regexp"
	"strings"
	"testing"

	"latchkey/keys/secret"
)

func TestRedactReplacesEverySecretInAText(t *testing.T) {
	body := strings.Repeat("0aZ", 16) + "9"
	for in, want := range map[string]string{
		sampleToken:                          "lkt_[redacted]",
		"a " + sampleToken + ",b":            "a lkt_[redacted],b",
		sampleToken + sampleToken:            "lkt_[redacted]lkt_[redacted]",
		"x" + sampleToken + "tail":           "xlkt_[redacted]tail",
		"lkt_" + sampleToken:                 "lkt_lkt_[redacted]",
		"?token=lkz_" + body + "&x":          "?token=lkz_[redacted]&x",
		"lkt_" + body[1:]:                    "lkt_" + body[1:],
		"LKT_" + body:                        "LKT_" + body,
		"nothing to see, lkt_ and lkt_…93G3": "nothing to see, lkt_ and lkt_…93G3",
		"":                                   "",
		"$1 ${1} lkt_" + body + "\nlks_" + body + "é": "$1 ${1} lkt_[redacted]\nlks_[redacted]é",
	} {
		if got := secret.Redact(in); got != want {
			t.Errorf("Redact(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestRedactKnowsEveryKind(t *testing.T) {
	for _, k := range kinds {
		if got, want := secret.Redact(secret.New(k).Reveal()), string(k)+"[redacted]"; got != want {
			t.Errorf("Redact of %q gives %q", k, got)
		}
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("", "")
	f.Add("Bearer ", "\n")
	f.Add("lkt_", "lkt_")
	rest := regexp.MustCompile(`lk[a-z]_[0-9A-Za-z]{49}`)
	f.Fuzz(func(t *testing.T, before, after string) {
		once := secret.Redact(before + sampleToken + after)
		if rest.MatchString(once) || secret.Redact(once) != once {
			t.Fatalf("a secret is left in %q", once)
		}
		if !rest.MatchString(before) && secret.Redact(before) != before {
			t.Fatalf("%q was changed", before)
		}
	})
}
