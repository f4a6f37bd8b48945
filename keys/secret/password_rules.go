package secret

import (
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	shortestPassword = 15
	longestPassword  = 256
)

var (
	// ErrPasswordShort says that a password has fewer than 15 characters.
	ErrPasswordShort = errors.New("password is too short")
	// ErrPasswordLong says that a password has more than 256 characters.
	ErrPasswordLong = errors.New("password is too long")
	// ErrPasswordCommon says that a password is easy to guess.
	ErrPasswordCommon = errors.New("password is too common")
)

// CheckPassword returns nil when password may become somebody's password, else
// [ErrPasswordShort], [ErrPasswordLong] or [ErrPasswordCommon]. Length counts
// Unicode code points. Any characters may be used and none must be.
//
// A password is common when nothing of it is left after taking away at most two
// common words, famous phrases or runs, each as often as it occurs, and what
// adds little to them: at most eight digits, signs, years and small words such
// as "my", a sign that repeats counting once and spaces not at all. Case, leet
// spelling, plurals, signs inside words and backward spelling hide nothing.
// A password is also common when it repeats a piece of less than eight
// characters, or has less than five different characters.
//
// about holds what an attacker knows of the user, such as the account's slug
// and the e-mail address. The words of all of it together count as one common
// word.
func CheckPassword(password string, about ...string) error {
	switch n := utf8.RuneCountInString(password); {
	case n < shortestPassword:
		return ErrPasswordShort
	case n > longestPassword:
		return ErrPasswordLong
	}
	text := []rune(strings.ToLower(password))
	if different(text) < 5 || period(text) < 8 {
		return ErrPasswordCommon
	}
	context := contextWords(about)
	if coveredByTwo(text, context) {
		return ErrPasswordCommon
	}
	slices.Reverse(text)
	if coveredByTwo(text, context) {
		return ErrPasswordCommon
	}
	return nil
}

// contextWords takes whole texts and their parts of three characters or more:
// shorter ones occur in too many good passwords.
func contextWords(about []string) *wordTree {
	tree := &wordTree{}
	for _, text := range about {
		text = strings.ToLower(text)
		parts := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		for _, part := range append(parts, text) {
			if utf8.RuneCountInString(part) >= 3 {
				tree.add(part, contextWord)
			}
		}
	}
	return tree
}

// piece is something common that begins at a known place of a password.
type piece struct{ end, identity int }

// mostFiller is how much filler two words may carry. Two words of the list
// and eight digits are about 2^48 guesses: less than three good words.
const mostFiller = 8

// coveredByTwo reports whether pieces of at most two identities and the allowed
// filler cover the whole text.
func coveredByTwo(text []rune, context *wordTree) bool {
	list := commonWords()
	pieces := make([][]piece, len(text))
	var identities []int
	for at := range text {
		found := func(length, identity int) {
			pieces[at] = append(pieces[at], piece{at + length, identity})
			if identity != glue && !slices.Contains(identities, identity) {
				identities = append(identities, identity)
			}
		}
		list.words.find(text[at:], found)
		list.plain.findExact(text[at:], found)
		context.find(text[at:], found)
		for end := at + 3; end <= repeatEnd(text, at); end++ {
			found(end-at, sameCharacter)
		}
	}
	filler := fillerCosts(text)
	if len(identities) == 0 {
		return covered(pieces, filler, noPiece, noPiece)
	}
	for i, one := range identities {
		for _, other := range identities[i:] {
			if covered(pieces, filler, one, other) {
				return true
			}
		}
	}
	return false
}

// covered finds, for every place, the least filler with which the text up to
// there is covered.
func covered(pieces [][]piece, filler []int, one, other int) bool {
	const unreachable = mostFiller + 1
	least := make([]int, len(pieces)+1)
	for at := range least[1:] {
		least[at+1] = unreachable
	}
	for at, here := range pieces {
		if least[at] >= unreachable {
			continue
		}
		least[at+1] = min(least[at+1], least[at]+filler[at])
		for _, p := range here {
			switch p.identity {
			case one, other:
				least[p.end] = min(least[p.end], least[at])
			case glue:
				least[p.end] = min(least[p.end], least[at]+1)
			}
		}
	}
	return least[len(pieces)] <= mostFiller
}

// fillerCosts says for every character what it costs as filler.
func fillerCosts(text []rune) []int {
	costs := make([]int, len(text))
	for at, r := range text {
		switch {
		case !isFiller(r):
			costs[at] = mostFiller + 1
		case unicode.IsSpace(r):
			costs[at] = 0
		case unicode.IsDigit(r), !slices.Contains(text[:at], r):
			costs[at] = 1
		}
	}
	return costs
}

func repeatEnd(text []rune, at int) int {
	end := at
	for end < len(text) && text[end] == text[at] {
		end++
	}
	return end
}

func different(text []rune) int {
	seen := map[rune]bool{}
	for _, r := range text {
		seen[r] = true
	}
	return len(seen)
}

// period returns the length of the shortest piece that text repeats from its
// beginning to its end, which may cut the last one.
func period(text []rune) int {
	for n := 1; n < len(text); n++ {
		if slices.Equal(text[n:], text[:len(text)-n]) {
			return n
		}
	}
	return len(text)
}
