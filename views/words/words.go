// Package words is the one catalogue of everything that the console says to
// people. A page asks for a text by its id; the reader's language is in the
// context. Numbers and dates are written as that language writes them.
//
// The catalogue is a folder a language, several JSON files in it. Every id
// stands in exactly one of them. English is the measure: the other languages
// say the same things in files of the same names.
package words

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"sync"
	"time"

	"github.com/go-playground/locales"
	"github.com/go-playground/locales/en_GB"
	"github.com/go-playground/locales/es"
	"github.com/go-playground/locales/pt_BR"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

//go:embed en/*.json pt-BR/*.json es/*.json
var files embed.FS

// fallback is the language of a context that names none, and of a text that a
// catalogue lacks.
const fallback = "en"

// Language is one that has a catalogue. Tag is what the lang attribute wants,
// and Name is what its own speakers call it.
type Language struct{ Tag, Name string }

// Languages returns every language that has a catalogue. The first is the one
// that is spoken where nothing says otherwise.
func Languages() []Language {
	return []Language{{fallback, "English"}, {"pt-BR", "Português (Brasil)"}, {"es", "Español"}}
}

// Args are the values that a text has places for, by name.
type Args map[string]any

// Verbatim is text that stands in its place as it is, without what Isolate adds:
// for a text that is kept as somebody's own, and not shown to them as ours.
type Verbatim string

// book is the catalogue of one language.
type book struct {
	localizer *i18n.Localizer
	locale    locales.Translator
	ids       []string
}

var books = sync.OnceValue(func() map[string]*book {
	// English dates put the day first, which is what en_GB writes.
	return map[string]*book{fallback: open(fallback, en_GB.New()), "pt-BR": open("pt-BR", pt_BR.New()), "es": open("es", es.New())}
})

var matcher = sync.OnceValue(func() language.Matcher {
	var tags []language.Tag
	for _, l := range Languages() {
		tags = append(tags, language.MustParse(l.Tag))
	}
	return language.NewMatcher(tags)
})

// Match returns the tag of the language that suits the value of an
// Accept-Language header best, or English when none does or when it cannot be
// read.
func Match(accepted string) string {
	tags, _, err := language.ParseAcceptLanguage(accepted)
	if err != nil {
		return fallback
	}
	_, best, confidence := matcher().Match(tags...)
	if confidence == language.No {
		return fallback
	}
	return Languages()[best].Tag
}

// Known says whether a tag is that of a language that has a catalogue.
func Known(tag string) bool {
	_, known := books()[tag]
	return known
}

// open reads the catalogue of one language. It panics on a file that is not a
// catalogue, or on an id that stands twice: both are mistakes in the program.
func open(lang string, locale locales.Translator) *book {
	tag := language.MustParse(lang)
	bundle := i18n.NewBundle(tag)
	b := &book{localizer: i18n.NewLocalizer(bundle, lang), locale: locale}

	entries, err := files.ReadDir(lang)
	if err != nil {
		panic(fmt.Sprintf("words: %v", err))
	}
	for _, entry := range entries {
		name := path.Join(lang, entry.Name())
		text, err := files.ReadFile(name)
		if err != nil {
			panic(fmt.Sprintf("words: %v", err))
		}
		file, err := i18n.ParseMessageFileBytes(text, lang+".json", map[string]i18n.UnmarshalFunc{"json": json.Unmarshal})
		if err != nil {
			panic(fmt.Sprintf("words: %s: %v", name, err))
		}
		for _, message := range file.Messages {
			if slices.Contains(b.ids, message.ID) {
				panic(fmt.Sprintf("words: %s: %q stands twice", name, message.ID))
			}
			b.ids = append(b.ids, message.ID)
		}
		if err := bundle.AddMessages(tag, file.Messages...); err != nil {
			panic(fmt.Sprintf("words: %s: %v", name, err))
		}
	}
	slices.Sort(b.ids)
	return b
}

type langKey struct{}

// With returns a context whose texts are in the language of the tag. A language
// that has no catalogue gives English.
func With(ctx context.Context, tag string) context.Context {
	if !Known(tag) {
		tag = fallback
	}
	return context.WithValue(ctx, langKey{}, tag)
}

// Lang returns the language tag of the context, as the lang attribute wants it.
func Lang(ctx context.Context) string {
	if tag, ok := ctx.Value(langKey{}).(string); ok {
		return tag
	}
	return fallback
}

func of(ctx context.Context) *book { return books()[Lang(ctx)] }

// T returns the text with the id, its places filled from args. Text in a place
// cannot turn the words around it: see Isolate. A text that the language lacks
// is said in English. An id that is in no file comes back as it is, which is easy
// to see on a page; tests forbid both.
func T(ctx context.Context, id string, args ...Args) string {
	return of(ctx).text(&i18n.LocalizeConfig{MessageID: id, TemplateData: merge(args)})
}

// N returns the text with the id in the plural form for n. {{.Count}} in the
// text is n, written with its thousands grouped.
func N(ctx context.Context, id string, n int, args ...Args) string {
	data := merge(args)
	data["Count"] = Number(ctx, n)
	return of(ctx).text(&i18n.LocalizeConfig{MessageID: id, TemplateData: data, PluralCount: n})
}

func (b *book) text(config *i18n.LocalizeConfig) string {
	text, err := b.localizer.Localize(config)
	if english := books()[fallback]; err != nil && b != english {
		return english.text(config)
	}
	if err != nil {
		return config.MessageID
	}
	return text
}

func merge(args []Args) map[string]any {
	data := make(map[string]any, 1)
	for _, a := range args {
		for name, value := range a {
			if text, is := value.(string); is {
				value = Isolate(text)
			}
			data[name] = value
		}
	}
	return data
}

// Number writes n with its thousands grouped: "1,240".
func Number(ctx context.Context, n int) string {
	return of(ctx).locale.FmtNumber(float64(n), 0)
}

// Day writes the day of t: "12 Sep 2026". The caller brings t into the reader's
// zone first.
func Day(ctx context.Context, t time.Time) string {
	return of(ctx).locale.FmtDateMedium(t)
}

// ShortDay writes the day of t without its year: "12 Sep". The caller brings t
// into the reader's zone first.
func ShortDay(ctx context.Context, t time.Time) string {
	return T(ctx, "words.short-day", Args{"Day": t.Day(), "Month": of(ctx).locale.MonthAbbreviated(t.Month())})
}

// Moment writes t in full, with its zone: "12 Sep 2026, 15:04 UTC". The caller
// brings t into the reader's zone first.
func Moment(ctx context.Context, t time.Time) string {
	return T(ctx, "words.moment", Args{"Day": Day(ctx, t), "Time": t.Format("15:04"), "Zone": t.Format("MST")})
}

// IDs returns every id of the catalogue, sorted.
func IDs() []string { return slices.Clone(books()[fallback].ids) }
