package keys

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// MaxSearch is the greatest length of what is searched for, in code points. What is longer is cut: no
// name and no key is as long.
const MaxSearch = 100

// strokes are the letters that the eye takes for others and that Unicode does not take apart.
var strokes = strings.NewReplacer("ø", "o", "ł", "l", "đ", "d", "ħ", "h", "ŧ", "t", "æ", "ae", "œ", "oe", "ß", "ss")

// Fold returns a text in the form in which texts are searched and ordered: two texts that differ only in
// case, in accents, in white space or in marks that are not seen have the same one. It is idempotent.
func Fold(text string) string {
	plain := strings.Map(foldRune, norm.NFD.String(text))
	return strings.Join(strings.Fields(strokes.Replace(plain)), " ")
}

// foldRune is the lower case of a letter, or -1 for a mark. The way over the upper case makes one of letters
// that share it, such as the two forms of the Greek sigma.
func foldRune(r rune) rune {
	if unicode.In(r, unicode.Mn, unicode.Cf) {
		return -1
	}
	return unicode.ToLower(unicode.ToUpper(r))
}

// FoldSearch is Fold of what somebody searches for, cut to MaxSearch.
func FoldSearch(text string) string {
	if utf8.RuneCountInString(text) > MaxSearch {
		text = string([]rune(text)[:MaxSearch])
	}
	return Fold(text)
}
