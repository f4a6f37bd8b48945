package words

import (
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/bidi"
)

// The marks of Unicode that set text apart from the direction of its sentence.
const (
	firstStrongIsolate = "\u2068"
	popIsolate         = "\u2069"
)

// Isolate returns text in a form that can stand in a sentence without turning the
// words around it, whatever letters and direction marks it holds. Text that runs
// from left to right comes back as it is.
func Isolate(text string) string {
	if !strings.ContainsFunc(text, turns) {
		return text
	}
	var out strings.Builder
	begin := 0
	for at, r := range text {
		if classOf(r) == bidi.B { // everything that was set apart ends here
			out.WriteString(isolateLine(text[begin:at]))
			out.WriteRune(r)
			begin = at + utf8.RuneLen(r)
		}
	}
	return out.String() + isolateLine(text[begin:])
}

// isolateLine gives each end of an isolate in the line a beginning before it, and
// each beginning an end behind it: one that is left over would meet ours.
func isolateLine(line string) string {
	if line == "" {
		return ""
	}
	begins, ends := 1, 1
	for _, r := range line {
		if class := classOf(r); class == bidi.PDI {
			begins++
		} else if slices.Contains(isolates, class) {
			ends++
		}
	}
	return strings.Repeat(firstStrongIsolate, begins) + line + strings.Repeat(popIsolate, ends)
}

func classOf(r rune) bidi.Class {
	properties, _ := bidi.LookupRune(r)
	return properties.Class()
}

var isolates = []bidi.Class{bidi.LRI, bidi.RLI, bidi.FSI}

// turning are the classes of what can turn the direction of what stands beside it.
var turning = append([]bidi.Class{
	bidi.R, bidi.AL, bidi.AN, bidi.B, bidi.LRE, bidi.RLE, bidi.LRO, bidi.RLO, bidi.PDF, bidi.PDI,
}, isolates...)

func turns(r rune) bool { return slices.Contains(turning, classOf(r)) }
