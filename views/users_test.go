package views

import (
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"latchkey/views/ui"
)

const sampleUserSecret = "lkl_0000sample0000000000000000000000000000000000000000"

// sampleUsers is every state of a user: the reader, one who is new, and one who is inactive with a hostile name.
func sampleUsers() UsersList {
	return UsersList{
		Shell: sampleShell("Users"), InviteURL: "/users/invite",
		Rows: []UserRow{
			{ID: "1", Email: "ana@acme.example", You: true, Roles: []string{"Owner"}, SignedIn: sampleTime(), State: "Active", On: true, Menu: &UserMenu{EditURL: "/users/1/edit"}},
			{
				ID: "2", Email: "bo@acme.example", State: "Invited", Chips: []ui.Chip{{Tone: "info", Icon: "clock", Text: "Link not opened yet, 23 h left"}},
				Note: Sentence{Text: "Link opened 3 minutes ago from 203.0.113.7", Times: []ui.Time{sampleAgo()}},
				Menu: &UserMenu{EditURL: "/users/2/edit", DeactivateURL: "/users/2/deactivate", ResetURL: "/users/2/reset", ResetLabel: "New invitation link", DiscardURL: "/users/2/link/discard"},
			},
			{ID: "3", Email: hostileName, Roles: []string{hostileName, "b", "c"}, State: "Inactive", Menu: &UserMenu{ActivateURL: "/users/3/activate"}},
			{ID: "4", Email: "eve@acme.example", State: "Active", On: true},
		},
	}
}

func sampleInvite(problems ...ui.Problem) UsersInvite {
	return UsersInvite{Shell: sampleShell("Invite user"), URL: "/users/invite", CancelURL: "/users", Nonce: "nonce", Email: hostileName, Roles: sampleRoles(9), Problems: problems}
}

func sampleUserEdit(problems ...ui.Problem) UsersEdit {
	return UsersEdit{Shell: sampleShell("Edit roles"), URL: "/users/1/edit", CancelURL: "/users", Email: hostileName, Version: 3, Roles: sampleRoles(3), Problems: problems}
}

func sampleUserConfirm(nonce string, problems ...ui.Problem) UserConfirm {
	return UserConfirm{Shell: sampleShell("Users"), URL: "/users/1/x", CancelURL: "/users", Email: hostileName, Nonce: nonce, Problems: problems}
}

func sampleUserLink(invitation bool) UserLink {
	return UserLink{
		Shell: sampleShell("User invited"), Email: hostileName, Link: "https://keys.example/password/x#" + sampleUserSecret, Prefix: "https://keys.example/password/",
		CloseURL: "/users", Expires: Sentence{Text: "Opens once. Expires 12 Sep 2026.", Times: []ui.Time{sampleTime()}}, Invitation: invitation,
	}
}

func TestAUsersNameStandsApart(t *testing.T) {
	pages := map[string]string{
		"list": render(t, UsersListPage(sampleUsers())), "edit": render(t, UsersEditPage(sampleUserEdit())),
		"deactivate": render(t, UsersDeactivatePage(sampleUserConfirm(""))), "link": render(t, UserLinkPage(sampleUserLink(true))),
	}
	for name, page := range pages {
		doc, err := goquery.NewDocumentFromReader(strings.NewReader(page))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(doc.Find("main bdi").Text(), hostileName) {
			t.Errorf("%s: the name can reorder what is around it", name)
		}
	}
}

func TestTheDangerOfAUsersMenuComesLast(t *testing.T) {
	doc := parse(t, UsersListPage(sampleUsers()))
	items := doc.Find("#menu-2 > li")
	if red := doc.Find("#menu-2 > li.red"); red.Length() != 1 || items.Last().Get(0) != red.Get(0) || items.Length() != 4 {
		t.Errorf("%d items, %d red", items.Length(), red.Length())
	}
	if doc.Find("#row-4 .menu, #kebab-4").Length() != 0 || doc.Find("#row-4 > td").Length() != 4 {
		t.Error("a user with whom nothing can be done has a menu, or the row has another shape")
	}
}
