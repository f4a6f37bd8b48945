package keys_test

import (
	"errors"
	"testing"

	"latchkey/keys"
)

func TestPreferencesAreEmptyOrOfTheList(t *testing.T) {
	for _, good := range []keys.Preferences{
		{}, {Language: "en"}, {Language: "pt-BR", Zone: "America/Sao_Paulo", Theme: keys.ThemeDark}, {Language: "es", Theme: keys.ThemeLight}, {Zone: "UTC"},
	} {
		if err := keys.CheckPreferences(good); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
	for bad, want := range map[keys.Preferences]keys.FieldProblem{
		{Language: "pt"}:            {Field: "language", Reason: keys.ReasonLanguageUnknown},
		{Language: "<script>"}:      {Field: "language", Reason: keys.ReasonLanguageUnknown},
		{Zone: "Mars/Olympus"}:      {Field: "zone", Reason: keys.ReasonZoneUnknown},
		{Zone: "Local"}:             {Field: "zone", Reason: keys.ReasonZoneUnknown},
		{Theme: "system"}:           {Field: "theme", Reason: keys.ReasonThemeUnknown},
		{Theme: `dark" onload="x"`}: {Field: "theme", Reason: keys.ReasonThemeUnknown},
	} {
		e, ok := errors.AsType[*keys.Error](keys.CheckPreferences(bad))
		if !ok || e.Kind != keys.KindInvalid || len(e.Problems) != 1 || e.Problems[0] != want {
			t.Errorf("%+v: %v, want %v", bad, e, want)
		}
	}
}
