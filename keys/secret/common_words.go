package secret

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
)

//go:embed common_words.txt
var commonWordsText string

// wordList holds the embedded list. Small words, years and runs stand apart,
// because leet spelling is not undone in them: "152" is no "1s2" and "73" no
// "te", or little would be left of any row of digits.
type wordList struct{ words, plain wordTree }

// commonWords is read at the first use: most runs of the program check no new
// password.
var commonWords = sync.OnceValue(func() *wordList {
	list := &wordList{}
	identity := aloneFromHere
	known := map[string]bool{} // a word may stand under two headings
	for year := 1940; year < 2040; year++ {
		list.plain.add(strconv.Itoa(year), glue)
	}
	section := ""
	for line := range strings.Lines(commonWordsText) {
		line = strings.TrimSpace(line)
		switch {
		case line == "[glue]", line == "[words]", line == "[phrases]", line == "[runs]":
			section = line
		case line == "", strings.HasPrefix(line, "# "):
		case section == "[glue]":
			for _, word := range strings.Fields(line) {
				list.plain.add(word, glue)
			}
		case section == "[words]":
			for _, word := range strings.Fields(line) {
				if known[word] {
					continue
				}
				known[word] = true
				list.words.add(word, identity)
				list.words.add(word+"s", identity)
				identity++
			}
		case section == "[phrases]":
			list.words.add(line, identity)
			identity++
		case section == "[runs]":
			list.plain.addRun(line, identity)
			identity++
		}
	}
	return list
})

// Identities of pieces. Two pieces with the same identity count as one.
const (
	noPiece = iota
	glue
	contextWord
	sameCharacter
	aloneFromHere // every word, phrase and run of the list has its own
)

// wordTree is a prefix tree of lower-case letters and digits.
type wordTree struct {
	next  []wordBranch
	words []int // identities of the entries that end here
}

type wordBranch struct {
	letter rune
	tree   *wordTree
}

// add enters word without its spaces and punctuation, unless it is nothing else.
func (t *wordTree) add(word string, identity int) {
	letters := strings.Map(func(r rune) rune {
		if isFiller(r) && !unicode.IsDigit(r) {
			return -1
		}
		return r
	}, word)
	if letters == "" {
		letters = word
	}
	for _, letter := range letters {
		child := t.child(letter)
		if child == nil {
			child = &wordTree{}
			t.next = append(t.next, wordBranch{letter, child})
		}
		t = child
	}
	if !slices.Contains(t.words, identity) {
		t.words = append(t.words, identity)
	}
}

// addRun enters every piece of a run, forwards and backwards: at least three
// characters, or two words.
func (t *wordTree) addRun(line string, identity int) {
	items, least := strings.Fields(line), 2
	if len(items) == 1 {
		items, least = strings.Split(line, ""), 3
	}
	for range 2 {
		for from := range items {
			for to := from + least; to <= len(items); to++ {
				t.add(strings.Join(items[from:to], ""), identity)
			}
		}
		slices.Reverse(items)
	}
}

func (t *wordTree) child(letter rune) *wordTree {
	for _, branch := range t.next {
		if branch.letter == letter {
			return branch.tree
		}
	}
	return nil
}

// find calls yield for every entry that text begins with: how many characters
// of text it takes and its identity. Leet spellings are read as the letters
// they stand for, and punctuation inside an entry is skipped.
func (t *wordTree) find(text []rune, yield func(length, identity int)) {
	t.walk(text, 0, 0, leet, yield)
}

// findExact is find without leet spellings.
func (t *wordTree) findExact(text []rune, yield func(length, identity int)) {
	t.walk(text, 0, 0, func(rune) string { return "" }, yield)
}

// mostSkipped is how many signs in a row may separate the letters of an entry.
// Without a limit a long row of signs, each skipped or read as a letter, could
// be walked in millions of ways.
const mostSkipped = 3

func (t *wordTree) walk(text []rune, at, skipped int, readings func(rune) string, yield func(length, identity int)) {
	if skipped == 0 {
		for _, identity := range t.words {
			yield(at, identity)
		}
	}
	if at == len(text) || len(t.next) == 0 {
		return
	}
	letter := text[at]
	if child := t.child(letter); child != nil {
		child.walk(text, at+1, 0, readings, yield)
	}
	for _, other := range readings(letter) {
		if child := t.child(other); child != nil {
			child.walk(text, at+1, 0, readings, yield)
		}
	}
	if at > 0 && skipped < mostSkipped && isFiller(letter) && !unicode.IsDigit(letter) {
		t.walk(text, at+1, skipped+1, readings, yield)
	}
}

// leet returns the letters that a digit or sign is written for.
func leet(r rune) string {
	switch r {
	case '0':
		return "o"
	case '1', '!', '|':
		return "il"
	case '2':
		return "z"
	case '3', '€':
		return "e"
	case '4', '@':
		return "a"
	case '5', '$', '§':
		return "s"
	case '6', '9':
		return "g"
	case '7':
		return "t"
	case '+':
		return "t"
	case '8':
		return "b"
	case '(':
		return "c"
	}
	return ""
}

// isFiller reports whether r is what people put around and between words.
func isFiller(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) }
