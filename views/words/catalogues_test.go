package words

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// message is one text of a file: of a plural, each of its forms; else the one form "".
type message map[string]string

// catalogue reads the files of a language, each message with the name of its file.
func catalogue(t *testing.T, tag string) (texts map[string]message, fileOf map[string]string) {
	t.Helper()
	names, err := filepath.Glob(tag + "/*.json")
	if err != nil || len(names) < 15 {
		t.Fatalf("catalogue files of %s: %q, %v", tag, names, err)
	}
	texts, fileOf = map[string]message{}, map[string]string{}
	for _, name := range names {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var file map[string]json.RawMessage
		if err := json.Unmarshal(source, &file); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for id, raw := range file {
			var text string
			forms := message{}
			if json.Unmarshal(raw, &text) == nil {
				forms[""] = text
			} else if err := json.Unmarshal(raw, &forms); err != nil {
				t.Fatalf("%s: %s: %v", name, id, err)
			}
			texts[id], fileOf[id] = forms, filepath.Base(name)
		}
	}
	return texts, fileOf
}

var place = regexp.MustCompile(`\{\{[^}]*\}\}`)

// places are the places of a text, sorted.
func places(text string) []string {
	found := place.FindAllString(text, -1)
	slices.Sort(found)
	return slices.Compact(found)
}

// sameAsEnglish are the texts that read the same in another language.
var sameAsEnglish = map[string][]string{
	"pt-BR": {
		"audit.field.backup", "audit.field.link", "audit.kind.backup", "find.status", "find.tokens", "users.col-status",
		"generated.token", "keys.col-status", "keys.duration-of", "shell.product", "shell.title", "shell.title-account", "shell.version",
		"show.tokens", "usage.total", "words.moment",
	},
	"es": {
		"audit.field.roles", "audit.field.size", "audit.value.no", "find.status", "find.tokens", "role.heading", "role.tab.roles", "users.col-roles",
		"generated.token", "keys.col-roles", "keys.col-status", "keys.duration-of", "roles.legend", "shell.product", "shell.title",
		"shell.title-account", "shell.title-failed", "shell.version", "show.tokens", "usage.total", "users.col-status", "words.moment",
		"words.short-day",
	},
}

// formsOf are the plural forms that a language has.
var formsOf = map[string][]string{"en": {"one", "other"}, "pt-BR": {"many", "one", "other"}, "es": {"many", "one", "other"}}

func TestQ33TheCataloguesSayTheSameInEveryLanguage(t *testing.T) {
	english, fileOf := catalogue(t, "en")
	if len(english) < 450 {
		t.Fatalf("only %d texts", len(english))
	}
	for _, l := range Languages() {
		texts, files := catalogue(t, l.Tag)
		for id, file := range fileOf {
			if files[id] != file {
				t.Errorf("%s: %s stands in %q, want %q", l.Tag, id, files[id], file)
			}
		}
		for id, forms := range texts {
			if english[id] == nil {
				t.Errorf("%s: %s is not in the English catalogue", l.Tag, id)
				continue
			}
			for _, fault := range faultsOf(l.Tag, english[id], forms) {
				t.Errorf("%s: %s %s", l.Tag, id, fault)
			}
			same := l.Tag != "en" && maps.Equal(forms, english[id])
			if same != slices.Contains(sameAsEnglish[l.Tag], id) {
				t.Errorf("%s: %s reads as in English: %v: %q", l.Tag, id, same, forms[""])
			}
		}
	}
}

// faultsOf is what is wrong with a text, given the English one.
func faultsOf(tag string, english, forms message) (faults []string) {
	want := []string{""}
	if english[""] == "" {
		want = formsOf[tag]
	}
	if got := slices.Sorted(maps.Keys(forms)); !slices.Equal(got, want) {
		return []string{"has the forms [" + strings.Join(got, " ") + "], want [" + strings.Join(want, " ") + "]"}
	}
	for form, text := range forms {
		model := english[form]
		if form == "many" {
			model = english["other"]
		}
		if got, want := places(text), places(model); !slices.Equal(got, want) {
			faults = append(faults, form+" has the places ["+strings.Join(got, " ")+"], want ["+strings.Join(want, " ")+"]")
		}
		if text == "" || text != strings.TrimSpace(text) || strings.Contains(text, "  ") {
			faults = append(faults, form+" is empty or has stray spaces")
		}
		if ends(text) != ends(model) {
			faults = append(faults, form+" ends otherwise than the English text: "+text)
		}
	}
	return faults
}

// ends is the mark that a text ends with, if it is one of those of a sentence.
func ends(text string) string {
	if last := text[max(0, len(text)-1):]; strings.Contains(".:?", last) {
		return last
	}
	return ""
}

func TestAFaultyTranslationIsFound(t *testing.T) {
	for name, c := range map[string][2]message{
		"a form is missing":      {{"one": "{{.Count}} key", "other": "{{.Count}} keys"}, {"one": "{{.Count}} chave", "other": "{{.Count}} chaves"}},
		"a place is missing":     {{"": "By {{.Email}}"}, {"": "Por"}},
		"a place is made up":     {{"": "Tokens"}, {"": "{{.Count}} tokens"}},
		"a place is misspelt":    {{"": "By {{.Email}}"}, {"": "Por {{.Mail}}"}},
		"it is no sentence here": {{"": "Saved."}, {"": "Salvo"}},
		"nothing is said":        {{"": "Saved"}, {"": ""}},
	} {
		if len(faultsOf("pt-BR", c[0], c[1])) == 0 {
			t.Errorf("%s is not found", name)
		}
	}
}

// TestOfficialLabels has the labels as the platform's own documentation writes them.
func TestOfficialLabels(t *testing.T) {
	for id, want := range map[string][3]string{
		"shell.account-settings": {"Account Settings", "Configurações da conta", "Configuración de la cuenta"},
		"shell.api-keys":         {"API Keys", "Chaves de API", "Claves de API"},
		"keys.heading":           {"API Keys", "Chaves de API", "Claves de API"},
		"keys.tab.generated":     {"Generated", "Geradas", "Generadas"},
		"keys.tab.external":      {"External", "Externas", "Externas"},
		"keys.tab.settings":      {"Settings", "Configurações", "Configuración"},
		"keys.col-key":           {"Key/Name", "Chave/Nome", "Clave/Nombre"},
		"keys.col-duration":      {"Token duration", "Duração do token", "Duración del token"},
		"keys.col-roles":         {"Roles", "Perfil de acesso", "Roles"},
		"keys.col-created":       {"Created date", "Data de criação", "Fecha de creación"},
		"keys.col-status":        {"Status", "Status", "Status"},
		"find.status":            {"Status", "Status", "Status"},
		"users.col-status":       {"Status", "Status", "Status"},
		"users.col-roles":        {"Roles", "Perfil de acesso", "Roles"},
		"keys.active":            {"Active", "Ativo", "Activa"},
		"keys.inactive":          {"Inactive", "Inativo", "Inactiva"},
		"keys.generate":          {"Generate Key", "Gerar chave", "Generar clave"},
		"generate.name":          {"Key identification", "Identificação da chave", "Identificación de la clave"},
		"generate.submit":        {"Generate", "Gerar", "Generar"},
		"keys.edit":              {"Edit", "Editar", "Editar"},
		"keys.deactivate":        {"Deactivate", "Inativar", "Desactivar"},
		"keys.activate":          {"Activate", "Ativar", "Activar"},
		"edit.submit":            {"Save", "Salvar", "Guardar"},
		"keys.renew":             {"Renew Token", "Renovar token", "Renovar token"},
		"keys.undo":              {"Undo Renewal", "Desfazer renovação", "Deshacer renovación"},
		"undo.submit":            {"Undo", "Desfazer", "Deshacer"},
		"renewed.submit":         {"Complete", "Finalizar", "Finalizar"},
		"renewed.old":            {"Delete the old token", "Excluir token antigo", "Eliminar token antiguo"},
		"renewed.later":          {"Later", "Depois", "Después"},
		"renewed.now":            {"Now", "Agora", "Ahora"},
		"keys.delete-old":        {"Delete Old Token", "Excluir token antigo", "Eliminar token antiguo"},
		"keys.pending":           {"Pending deletion - Old token", "Exclusão pendente - Token antigo", "Eliminación pendiente - Token antiguo"},
		"keys.delete":            {"Delete Key", "Excluir chave", "Eliminar clave"},
		"delete.submit":          {"Delete", "Excluir", "Eliminar"},
		"delete.understood":      {"I understand that this action cannot be undone", "Entendo que essa ação não pode ser desfeita", "Entiendo que esta acción no se puede deshacer"},
		"generated.copy":         {"Copy", "Copiar", "Copiar"},
		"generated.close":        {"Close", "Encerrar", "Cerrar"},
		"keys.export":            {"Export", "Exportar", "Exportar"},
		"external.add":           {"Add Key", "Adicionar chave", "Agregar clave"},
		"external.submit":        {"Add", "Adicionar", "Agregar"},
		"external.remove":        {"Remove", "Remover", "Remover"},
		"external.col-key":       {"Key/Owner", "Chave/Proprietário", "Clave/Propietario"},
		"external.col-added":     {"Added On", "Data de adição", "Agregado el"},
		"settings.submit":        {"Apply", "Aplicar", "Aplicar"},
		"settings.three-months":  {"3 months (recommended)", "3 meses (recomendado)", "3 meses (recomendado)"},
		"settings.six-months":    {"6 months", "6 meses", "6 meses"},
	} {
		for i, l := range Languages() {
			if got := T(With(context.Background(), l.Tag), id); got != want[i] {
				t.Errorf("%s: %s is %q, want %q", l.Tag, id, got, want[i])
			}
		}
	}
}

// otherWords are words for a thing that has another name in its language: the
// name, which may hold such a word, and the pattern of what must not be said.
var otherWords = map[string][][2]string{
	"pt-BR": {
		{"(?i)perfi(l|s) de acesso", "(?i)\\bperfi(l|s)\\b"},
		{"(?i)log de auditoria", "(?i)\\bauditoria\\b"},
		{"(?i)predefinid[oa]s?", "(?i)\\bintegrad[oa]s?\\b"},
		{"(?i)exibid[oa]s?", "(?i)\\bmostrad[oa]s?\\b"},
	},
	"es": {
		{"(?i)correo electrónico", "(?i)\\bcorreos?\\b"},
		{"(?i)registro de auditoría", "(?i)\\bauditoría\\b"},
		{"(?i)predefinid[oa]s?", "(?i)\\bintegrad[oa]s?\\b"},
		{"Status|status", "(?i)\\bestados?\\b"},
		{"(?i)volver a mostrar", "(?i)\\bmostrar de nuevo\\b"},
	},
}

func TestAThingHasOneNameInALanguage(t *testing.T) {
	for tag, names := range otherWords {
		texts, _ := catalogue(t, tag)
		for _, pair := range names {
			name, other := regexp.MustCompile(pair[0]), regexp.MustCompile(pair[1])
			said := 0
			for id, forms := range texts {
				for _, text := range forms {
					said += len(name.FindAllString(text, -1))
					if found := other.FindString(name.ReplaceAllString(text, "")); found != "" {
						t.Errorf("%s: %s says %q, want %s: %q", tag, id, found, pair[0], text)
					}
				}
			}
			if said == 0 {
				t.Errorf("%s: nothing is called %s", tag, pair[0])
			}
		}
	}
}

var quoted = regexp.MustCompile(`“([^”]*)”`)

// quotes are what a text has in quotation marks, without the plus of a button
// and without commands, which no language changes.
func quotes(text string) (found []string) {
	for _, match := range quoted.FindAllStringSubmatch(text, -1) {
		if label := strings.TrimPrefix(match[1], "+ "); !strings.HasPrefix(label, "latchkey ") {
			found = append(found, label)
		}
	}
	return found
}

// TestTheHelpQuotesLabelsAsThePagesHaveThem follows each quotation of the English
// help to the texts that it may be, and wants one of them in the other languages.
func TestTheHelpQuotesLabelsAsThePagesHaveThem(t *testing.T) {
	english, _ := catalogue(t, "en")
	labels := map[string][]string{}
	for id, forms := range english {
		if !strings.HasPrefix(id, "help.") {
			labels[forms[""]] = append(labels[forms[""]], id)
		}
	}
	followed := 0
	for _, l := range Languages() {
		texts, _ := catalogue(t, l.Tag)
		for id, forms := range english {
			if !strings.HasPrefix(id, "help.") {
				continue
			}
			want, got := quotes(forms[""]), quotes(texts[id][""])
			if len(got) != len(want) {
				t.Errorf("%s: %s quotes %q, want as many as %q", l.Tag, id, got, want)
			}
			for _, label := range want {
				followed++
				if !slices.ContainsFunc(labels[label], func(of string) bool { return slices.Contains(got, texts[of][""]) }) {
					t.Errorf("%s: %s does not quote %q as a page has it: %q", l.Tag, id, label, texts[id][""])
				}
			}
		}
	}
	if followed < 100 {
		t.Errorf("only %d quotations", followed)
	}
}

func TestPluralsFollowTheRulesOfEachLanguage(t *testing.T) {
	for tag, want := range map[string]map[int]string{
		"pt-BR": {0: "0 chave", 1: "1 chave", 2: "2 chaves", 1240: "1.240 chaves", 1000000: "1.000.000 de chaves", 1000001: "1.000.001 chaves"},
		"es":    {0: "0 claves", 1: "1 clave", 2: "2 claves", 1240: "1.240 claves", 1000000: "1.000.000 de claves", 1000001: "1.000.001 claves"},
	} {
		for n, text := range want {
			if got := N(With(context.Background(), tag), "keys.count", n); got != text {
				t.Errorf("%s, %d: %q, want %q", tag, n, got, text)
			}
		}
	}
}

func TestDatesFollowTheCustomOfEachLanguage(t *testing.T) {
	at := time.Date(2026, time.September, 12, 15, 4, 59, 0, time.UTC)
	for tag, want := range map[string][3]string{
		"en":    {"12 Sep 2026", "12 Sep", "12 Sep 2026, 15:04 UTC"},
		"pt-BR": {"12 de set. de 2026", "12 de set.", "12 de set. de 2026, 15:04 UTC"},
		"es":    {"12 sept. 2026", "12 sept.", "12 sept. 2026, 15:04 UTC"},
	} {
		ctx := With(context.Background(), tag)
		if got := [3]string{Day(ctx, at), ShortDay(ctx, at), Moment(ctx, at)}; got != want {
			t.Errorf("%s: %q, want %q", tag, got, want)
		}
	}
}

func TestTheBrowsersLanguagesAreMatched(t *testing.T) {
	for accepted, want := range map[string]string{
		"pt-BR,pt;q=0.9,en;q=0.8": "pt-BR", "pt": "pt-BR", "pt-PT": "pt-BR", "es-MX,es;q=0.9": "es", "es-419": "es", "en-GB": "en", "en-US,pt;q=0.5": "en",
		"de,es;q=0.3": "es", "de": "en", "": "en", "*": "en", "pt;q=0.1,es;q=0.9": "es", "!!": "en", "zh-Hant-TW, ja": "en", "es;q=0": "en",
	} {
		if got := Match(accepted); got != want {
			t.Errorf("%q: %q, want %q", accepted, got, want)
		}
	}
}
