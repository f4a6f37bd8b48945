package secret_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"latchkey/keys/secret"
)

func TestPasswordLengthCountsCodePoints(t *testing.T) {
	const base = "žluťoučký kůň úpěl ďábelské ódy " // 31 letters and spaces, more bytes
	fill := func(n int) string { return string([]rune(strings.Repeat(base, 10))[:n]) }
	for _, test := range []struct {
		password string
		want     error
	}{
		{"", secret.ErrPasswordShort},
		{fill(14), secret.ErrPasswordShort},
		{fill(15), nil},
		{fill(256), nil},
		{fill(257), secret.ErrPasswordLong},
		{"🦊🚀🎺🧀🌋🪁🧭🐙🎲🪵🥐🛶🦔🧂", secret.ErrPasswordShort},
		{"🦊🚀🎺🧀🌋🪁🧭🐙🎲🪵🥐🛶🦔🧂🪐", nil},
		{"\x80\x81\x82\x83\x84\x85\x86\x87", secret.ErrPasswordShort},
	} {
		if err := secret.CheckPassword(test.password); !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
			t.Errorf("%d code points in %d bytes: %v, want %v", utf8.RuneCountInString(test.password), len(test.password), err, test.want)
		}
	}
}

// common is written apart from the embedded list, so that a list that has lost
// its words fails.
var common = strings.Fields(`password passwort contrasena senha secret admin administrator root login welcome
	letmein qwerty azerty asdfgh zxcvbn iloveyou princess sunshine dragon monkey football baseball soccer hockey
	master shadow superman batman starwars pokemon michael jennifer jessica ashley daniel jordan thomas robert
	charlie andrew summer winter spring autumn january december monday friday london chelsea liverpool arsenal
	barcelona america canada computer internet google facebook samsung apple banana cookie chocolate flower
	butterfly angel jesus freedom whatever trustno1 mustang ferrari porsche harley hunter killer ninja samurai
	guitar metallica nirvana purple orange silver diamond tigger ginger pepper peanut cheese coffee`)

var forms = []func(word string) string{
	func(w string) string { return strings.Repeat(w, 15/len(w)+1) },
	func(w string) string { return w + "1234567890" },
	func(w string) string { return "1234567890" + w },
	func(w string) string { return strings.ToUpper(w[:1]) + w[1:] + "-" + w + "-" + w },
	func(w string) string { return strings.ToUpper(w) + " " + w + " 2024!" },
	func(w string) string { return strings.ToUpper(w[:1]) + w[1:] + "Password1!" },
	func(w string) string { return w + "admin" + "20252025" },
	func(w string) string { return "my" + w + "is" + w + "123" },
	func(w string) string {
		return strings.NewReplacer("a", "@", "e", "3", "i", "1", "o", "0", "s", "$").Replace(w + w + w + w)
	},
	func(w string) string { return strings.Join(strings.Split(w+w+w, ""), ".") },
	func(w string) string { return reverse(w) + reverse(w) + reverse(w) + "99" },
	func(w string) string { return w + "qwertyuiop" },
	func(w string) string { return w + "!!!!!!!!!!!!" },
	func(w string) string { return "jjjjjjjj" + w + "jjjjj" },
	func(w string) string { return w + "0987654321" },
	func(w string) string { return "the " + w + " and the " + w },
	func(w string) string { return w + "1qaz2wsx3edc" },
}

func reverse(s string) string {
	out := []rune{}
	for _, r := range s {
		out = append([]rune{r}, out...)
	}
	return string(out)
}

func TestThousandsOfCommonPasswordsAreRefused(t *testing.T) {
	refused := map[string]bool{}
	try := func(password string) {
		if utf8.RuneCountInString(password) < 15 {
			return
		}
		if err := secret.CheckPassword(password); !errors.Is(err, secret.ErrPasswordCommon) {
			t.Errorf("%q: %v, want ErrPasswordCommon", password, err)
			return
		}
		refused[password] = true
	}
	for i, word := range common {
		for _, form := range forms {
			try(form(word))
		}
		for _, other := range common[i+1:] {
			try(word + other + "123")
			try(other + "_" + word + "_!")
		}
	}
	t.Logf("%d different common passwords are refused", len(refused))
	if len(refused) < 3000 {
		t.Errorf("%d different common passwords are refused, want at least 3,000", len(refused))
	}
}

func TestFamousPhrasesAndPatternsAreRefused(t *testing.T) {
	for _, password := range []string{
		"correct horse battery staple", "correcthorsebatterystaple", "Correct-Horse-Battery-Staple!", "C0rrect_H0rse_B@ttery_St@ple",
		"elpats yrettab esroh tcerroc", "correct horse battery staple 2024",
		"to be, or not to be: that is the question", "May the Force be with you!", "thequickbrownfoxjumpsoverthelazydog",
		"Tr0ub4dor&3 Tr0ub4dor&3", "lorem ipsum dolor sit amet", "You'll never walk alone", "winter is coming!!!",
		"111111111111111", "aaaaaaaaaaaaaaaaa", "abababababababab", "xkqvzjmxkqvzjmxkqvzjm", "qqqqqqqqzzzzzzzz", "xkvxxqkvqkxvvqk",
		"123456789012345", "987654321987654321", "abcdefghijklmnop", "zyxwvutsrqponmlkjih", "qwertyuiopasdfghjkl", "1q2w3e4r5t6y7u8i9o0p",
		"1qaz2wsx3edc4rfv", "!@#$%^&*()_+!@#$", "112233445566778899", "147258369147258369", "january february march",
		"MondayTuesdayWednesday", "one two three four five", "314159265358979323", "йцукенгшщзфывап", "p a s s w o r d 1 2 3 4",
		"P@55w0rd-P@55w0rd", "Summer2024Winter2025!", "Chocolates & Bananas", "chocolate poiuytrewq",
	} {
		if err := secret.CheckPassword(password); !errors.Is(err, secret.ErrPasswordCommon) {
			t.Errorf("%q: %v, want ErrPasswordCommon", password, err)
		}
	}
}

func TestPasswordsMadeOfWhatIsKnownOfTheUserAreRefused(t *testing.T) {
	about := []string{"northwind", "ana.kowalczyk@northwind.example"}
	for _, password := range []string{
		"northwindnorthwind", "Northwind2024!!", "kowalczyk-northwind", "ana.kowalczyk@northwind.example", "4n4k0walczyk1234",
		"Password-Kowalczyk-99", "kowalczyk loves northwind", "dniwhtron-dniwhtron",
	} {
		if err := secret.CheckPassword(password, about...); !errors.Is(err, secret.ErrPasswordCommon) {
			t.Errorf("%q: %v, want ErrPasswordCommon", password, err)
		}
	}
	for _, password := range []string{"kowalczyk loves northwind", "kowalczyk-northwind"} {
		if err := secret.CheckPassword(password); err != nil {
			t.Errorf("%q of somebody else: %v", password, err)
		}
	}
	for _, password := range []string{"northwind kettle sings at dawn", "the kettle of Kowalczyk sings"} {
		if err := secret.CheckPassword(password, about...); err != nil {
			t.Errorf("%q: %v", password, err)
		}
	}
	if err := secret.CheckPassword("vi-pa-lo-vi-lo-pa-vi-vi", "vi", "pa@lo"); err != nil {
		t.Errorf("context words of two characters count: %v", err)
	}
	if err := secret.CheckPassword("violet kettle sings at dawn", "", "a", "@", "..."); err != nil {
		t.Errorf("with empty context words: %v", err)
	}
}

func TestGoodPasswordsAreAccepted(t *testing.T) {
	for _, password := range []string{
		"violet kettle sings at dawn", "VIOLET KETTLE SINGS AT DAWN", "six cold geese in march", "my kettle plays the trombone",
		"hunter2 is my 4th dog", "paper lantern over the viaduct", "k7J9!mQz#4Lw2Rx", "correct mule voltage hinge",
		"4821 7730 9915 2046", "žluťoučký kůň úpěl", "七つの海を渡る白い猫の夢を見た日", "password for the rusty barge", "xkqvzjmw xkqvzjmw",
		"qwerty plumbing hedgehogs", "velvet-harbour-tuning-fork",
	} {
		if err := secret.CheckPassword(password, "acme", "ana@acme.example"); err != nil {
			t.Errorf("%q: %v", password, err)
		}
	}
}

func TestRandomPasswordsAreAccepted(t *testing.T) {
	for range 300 {
		for _, password := range []string{secret.NewPassword(), secret.NewNonce()} {
			if err := secret.CheckPassword(password, "acme", "ana@acme.example"); err != nil {
				t.Errorf("%q: %v", password, err)
			}
		}
	}
}

// Two strong words of three random ones must stay acceptable: the list may not
// grow until it holds the language.
func TestPassphrasesOfUncommonWordsAreAccepted(t *testing.T) {
	uncommon := strings.Fields(`kettle viaduct trombone hinge barge plumbing hedgehog lantern gravel mortgage
		walnut furnace tapestry oyster ledger compost thimble scaffold turnip brochure`)
	count := 0
	for i, one := range uncommon {
		for _, other := range uncommon[i+1:] {
			count++
			password := fmt.Sprintf("%s dragon %s sings", one, other)
			if err := secret.CheckPassword(password); err != nil {
				t.Errorf("%q: %v", password, err)
			}
		}
	}
	if count != 190 {
		t.Errorf("%d passphrases, want 190", count)
	}
}

func TestTheListHasNoPieceThatCoversEverything(t *testing.T) {
	shortest, entries := secret.ShortestPieces()
	if shortest < 2 || entries < 3000 {
		t.Errorf("the shortest of %d entries has %d characters", entries, shortest)
	}
}

func FuzzCheckPassword(f *testing.F) {
	seeds := []string{"violet kettle sings at dawn", "correct horse battery staple", "\xff\x00 password 123456", strings.Repeat("1!2@", 64), ""}
	for _, seed := range seeds {
		f.Add(seed, "acme")
	}
	f.Fuzz(func(t *testing.T, password, about string) {
		err := secret.CheckPassword(password, about)
		n := utf8.RuneCountInString(password)
		if errors.Is(err, secret.ErrPasswordShort) != (n < 15) || errors.Is(err, secret.ErrPasswordLong) != (n > 256) {
			t.Fatalf("%d code points: %v", n, err)
		}
		if err == nil && secret.CheckPassword(reverse(password), reverse(about)) != nil && about == "" && utf8.ValidString(password) {
			t.Fatalf("%q is accepted and refused backwards", password)
		}
	})
}
