package web

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
)

// helpOf are the sections of the help, each with the screens that it explains. A section without one says what
// a reader must know for several.
var helpOf = map[string][]string{
	"basics": nil, "token": nil, "duration": nil,
	"generate":     {"/account/api-keys/generated/new"},
	"link":         {"/credentials/:lid", "/account/api-keys/generated/:id/link/discard"},
	"find":         {"/account/api-keys/generated"},
	"bulk":         {"/account/api-keys/generated/bulk"},
	"edit":         {"/account/api-keys/generated/:id/edit"},
	"deactivate":   {"/account/api-keys/generated/:id/deactivate", "/account/api-keys/generated/:id/activate"},
	"delete":       {"/account/api-keys/generated/:id/delete"},
	"renew":        {"/account/api-keys/generated/:id/renew", "/account/api-keys/generated/:id/renew/:rid"},
	"undo-renewal": {"/account/api-keys/generated/:id/renew/undo"},
	"old-token":    {"/account/api-keys/generated/:id/old-token/delete"},
	"usage":        {"/account/api-keys/generated/:id"},
	"protect":      {"/help/protect"},
	"external":     {"/account/api-keys/external", "/account/api-keys/external/new", "/account/api-keys/external/:id/edit", "/account/api-keys/external/:id/remove"},
	"export":       {"/account/api-keys/export.xlsx", "/account/api-keys/export.csv"},
	"settings":     {"/account/api-keys/settings"},
	"nodes":        nil,
	"roles":        {"/account/roles", "/account/roles/new", "/account/roles/permissions", "/account/roles/permissions/new", "/account/roles/:slug", "/account/roles/:slug/edit", "/account/roles/:slug/delete"},
	"users":        {"/account/users", "/account/users/invite", "/account/users/:uid/edit", "/account/users/:uid/deactivate", "/account/users/:uid/activate", "/account/users/:uid/reset", "/account/users/:uid/link/discard", "/password/:lid"},
	"audit":        {"/account/audit", "/account/audit/export.xlsx", "/account/audit/export.csv"},
	"password":     {"/account/password"},
	"preferences":  {"/account/preferences", "/account/sessions", "/account/sessions/end"},
	"review":       {"/account/api-keys/review"},
}

// unexplained are the routes that need no help: what leads on, what is a part of a screen, and what whoever
// sees it cannot yet have read the help for.
var unexplained = []string{"/", "/account/api-keys", "/account/api-keys/settings/preview", "/help", "/login", "/setup"}

func TestEveryScreenHasItsSectionOfTheHelp(t *testing.T) {
	k := newKit(t)
	a := k.browser().get(pathHelp())
	var sections, contents []string
	a.Find(".help-text section[id]").Each(func(_ int, s *goquery.Selection) {
		sections = append(sections, s.AttrOr("id", ""))
		if s.Find("h2").Length() != 1 || s.Find("p, li").Length() == 0 {
			t.Errorf("%q has no heading, or says nothing", s.AttrOr("id", ""))
		}
	})
	a.Find("nav.contents a").Each(func(_ int, s *goquery.Selection) {
		contents = append(contents, strings.TrimPrefix(s.AttrOr("href", ""), "#"))
	})
	if !slices.Equal(contents, sections) {
		t.Errorf("the contents lead to %q, the page has %q", contents, sections)
	}
	if want := slices.Sorted(maps.Keys(helpOf)); !slices.Equal(slices.Sorted(slices.Values(sections)), want) {
		t.Errorf("the page has %q, want %q", sections, want)
	}
	explained := slices.Clone(unexplained)
	for _, paths := range helpOf {
		explained = append(explained, paths...)
	}
	var screens []string
	for _, r := range k.server.routes() {
		if r.Kind == page || r.Kind == download {
			screens = append(screens, r.Path)
		}
	}
	slices.Sort(explained)
	slices.Sort(screens)
	if !slices.Equal(explained, screens) {
		t.Errorf("explained are %q,\nthere are %q", explained, screens)
	}
}

func TestTheHelpNamesWhatAnExportHas(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	help := folded(b.get(pathHelp()).Find("#export"))
	for _, query := range []string{"", "?sheet=external"} {
		path := pathKeysExport(formatCSV) + query
		if !strings.Contains(help, pathKeysExport(formatCSV)) || !strings.Contains(help, query) {
			t.Errorf("it does not say where %s is", path)
		}
		head, _, _ := strings.Cut(strings.TrimPrefix(b.get(path).body, utf8Mark), "\r\n")
		columns := strings.Split(strings.ReplaceAll(head, `"`, ""), ",")
		if len(columns) < 6 {
			t.Fatalf("%s has the columns %q", path, columns)
		}
		for _, column := range columns {
			if !strings.Contains(help, column) {
				t.Errorf("it does not name the column %s of %s", column, path)
			}
		}
	}
}

func TestTheHelpSaysWhatALinkIsAndWhatToDoWhenItWasOpened(t *testing.T) {
	a := newKit(t).browser().get(pathHelp())
	a.says("#link h2", "Hand a token over by link")
	a.says("#link", "opens once and expires after 24 hours")
	a.says("#link", "“This link was already used”")
	a.says("#link", "deactivate the key at once, then renew its token and delete the old one")
	a.says("#export", "apostrophe")
	a.says("#export", "written to the audit log")
}
