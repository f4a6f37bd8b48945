package views

import (
	"fmt"
	"maps"
	"strings"

	"github.com/a-h/templ"

	"latchkey/views/ui"
)

// What the samples are made of. The hostile name would break out of a page that
// does not escape it.
const (
	sampleKey   = "appkey-acme-QKZWPD4T"
	sampleToken = "lkt_0000sample0000000000000000000000000000000000000000"
	sampleCheck = `curl -i -H "X-Key: appkey-acme-QKZWPD4T" -H "X-Token: $API_TOKEN" 'https://keys.example/v1/verify?account=acme'`
	sampleName  = "Order sync"
	hostileName = `<img src=x onerror=alert(1)> "quoted" & 'so on'`
)

func sampleShell(title string) Shell {
	return Shell{
		Title: title, Version: "1.2.3", HomeURL: "/", HelpURL: "/help",
		Viewer: &Viewer{Account: "acme", Email: "ana@acme.example", Initial: "A", APIKeysURL: "/keys", RolesURL: "/roles", UsersURL: "/users", AuditURL: "/audit", PreferencesURL: "/preferences", PasswordURL: "/password", LogoutURL: "/logout"},
	}
}

func sampleGate(title string) Shell {
	s := sampleShell(title)
	s.Viewer = nil
	s.Languages = Languages{URL: "/language", Next: "/login", Choices: sampleLanguages()}
	return s
}

func sampleRoles(n int) []RoleChoice {
	roles := make([]RoleChoice, n)
	for i := range roles {
		roles[i] = RoleChoice{Slug: fmt.Sprintf("role-%d", i), Name: fmt.Sprintf("Role %d", i), Description: fmt.Sprintf("What role %d allows", i)}
	}
	roles[0].Broad = true
	roles[1].Checked = true
	return roles
}

// sampleURL is as long as the real ones are.
func sampleURL(id, verb string) string {
	return "/account/api-keys/generated/" + id + "/" + verb + "?list=after%3D0123456789abcdef0123456789abcdef"
}

// sampleRow is an active or inactive key with every item that its menu can have.
func sampleRow(id, name string, active bool) KeyRow {
	row := KeyRow{
		ID: id, Name: name, Pick: true, URL: "/account/api-keys/generated/" + id, Active: active, Durations: []KeyDuration{{Left: "62 days left"}},
		Roles:   []string{"Orders viewer"},
		Created: ui.Time{Datetime: "2026-09-12T15:04:00Z", Title: "12 Sep 2026, 15:04 UTC", Text: "12 Sep 2026"},
		Menu:    &KeyMenu{EditURL: sampleURL(id, "edit"), RenewURL: sampleURL(id, "renew"), DeleteURL: sampleURL(id, "delete")},
	}
	if active {
		row.Menu.DeactivateURL = sampleURL(id, "deactivate")
	} else {
		row.Menu.ActivateURL = sampleURL(id, "activate")
	}
	return row
}

// samplePending is a key whose renewal is open.
func samplePending() KeyRow {
	row := sampleRow(sampleKey, sampleName, true)
	row.Pending = true
	row.Durations = []KeyDuration{
		{Label: "New token", Left: "91 days left"},
		{Label: "Old token", Left: "9 days left", Chips: []ui.Chip{{Tone: "info", Icon: "clock", Text: "Renew soon"}}},
	}
	row.Menu.RenewURL = ""
	row.Menu.UndoURL, row.Menu.DeleteOldURL = sampleURL(sampleKey, "renew/undo"), sampleURL(sampleKey, "old-token/delete")
	return row
}

func sampleRenewed(token string, problems ...ui.Problem) KeysRenewed {
	return KeysRenewed{
		Shell: sampleShell("The new token is ready"), URL: "/keys/x/renew/7", KeyURL: "/keys/x", KeyID: sampleKey, Name: sampleName,
		Token: token, Check: sampleCheck, Problems: problems,
	}
}

func sampleTokenConfirm(title, url string) KeyTokenConfirm {
	return KeyTokenConfirm{
		KeyConfirm: KeyConfirm{
			Shell: sampleShell(title), URL: url, CancelURL: "/keys", BackLabel: "API Keys", KeyID: sampleKey, Name: sampleName, LastUse: sampleUse(),
		}, Since: sampleTime(),
	}
}

func sampleTime() ui.Time {
	return ui.Time{Datetime: "2026-09-12T15:04:00Z", Title: "12 Sep 2026, 15:04 UTC", Text: "12 Sep 2026"}
}

// sampleAgo is a moment that is said as the time that has passed since.
func sampleAgo() ui.Time {
	return ui.Time{Datetime: "2026-09-12T15:01:00Z", Title: "12 Sep 2026, 15:01 UTC", Text: "3 minutes ago"}
}

func sampleUse() Sentence {
	return Sentence{Text: "Last used 3 minutes ago from 203.0.113.7.", Times: []ui.Time{sampleAgo()}}
}

func sampleShow() KeyShow {
	return KeyShow{
		Shell: sampleShell(sampleName), ID: sampleKey, Name: sampleName, BackURL: "/keys", CreatedBy: "ana@acme.example", Active: true,
		Created: sampleTime(), EditURL: "/keys/x/edit", Menu: samplePending().Menu,
		Alarm:   Sentence{Text: "A token that was replaced is still presented: last on 12 Sep 2026.", Times: []ui.Time{sampleTime()}},
		Renewal: &KeyShowRenewal{Heading: "Keep the old token", Text: Sentence{Text: "It was used 3 minutes ago.", Times: []ui.Time{sampleAgo()}}},
		Tokens: []KeyShowToken{
			{Which: "Current", Hint: "x7Qd", Left: "91 days left", Created: sampleTime()},
			{
				Which: "Old", Hint: "p0Lm", Left: "9 days left", Created: sampleTime(), Chips: []ui.Chip{{Tone: "info", Icon: "clock", Text: "Renew soon"}},
				Used: sampleAgo(), From: "203.0.113.7",
			},
		},
		Usage: sampleUsage(),
		Roles: []KeyShowRole{{Name: "Orders viewer", Description: "Look up orders"}},
		QuickStart: []ui.Snippet{
			{ID: "qs-curl", Group: "qs", Label: "curl", Hint: "Paste it into a shell.", Code: sampleCheck, Copy: "Copy"},
			{ID: "qs-go", Group: "qs", Label: "Go", Hint: "Save it as main.go.", Code: "func main() {\n\tprintln(\"<&>\")\n}\n", Copy: "Copy"},
		},
		History: []KeyShowEvent{{At: sampleTime(), Text: "Key generated", By: "ana@acme.example", From: "192.0.2.17"}}, HistoryURL: "/audit?target=x",
	}
}

// sampleUsage is three days, the second without a request.
func sampleUsage() KeyUsage {
	day := func(n int, accepted, refused int) UsageDay {
		text := fmt.Sprintf("%d Nov", n)
		return UsageDay{
			Day:   ui.Time{Datetime: fmt.Sprintf("2026-11-%d", n), Title: text + " 2026", Text: text + " 2026"},
			Short: text, Accepted: accepted, Refused: refused,
		}
	}
	return KeyUsage{Days: []UsageDay{day(10, 1144, 0), day(11, 0, 0), day(12, 84, 12)}, Most: 0}
}

func sampleSettings(editable bool, problems ...ui.Problem) Settings {
	return Settings{
		Shell: sampleShell("Settings"), Tabs: []ui.Tab{{Label: "Generated", URL: "/keys"}, {Label: "Settings", URL: "/settings", Current: true}},
		URL: "/settings", PreviewURL: "/settings/preview", Preview: "With these values 2 keys are expired.", Version: 3, Choice: "custom", Days: "90",
		Enforce: true, Zone: "UTC", Zones: []string{"UTC", "Europe/Lisbon"}, Problems: problems, Editable: editable,
		DurationText: "Tokens are valid for 90 days", EnforceText: "On", Nodes: Nodes{Embedded: !editable},
	}
}

// sampleNodes is the tab of an installation with nodes.
func sampleNodes(rows ...NodeRow) Settings {
	m := sampleSettings(true)
	m.Nodes = Nodes{Confirmed: Confirmed{Text: "Change 1,042 is confirmed on 2 of 3 nodes."}, AgainURL: "/settings?at=1#nodes", Rows: rows}
	return m
}

// sampleConfirmed is the page of a key whose last change every node has.
func sampleConfirmed() KeyShow {
	m := sampleShow()
	m.Confirmed = &Confirmed{Everywhere: true, Text: "Confirmed on 3 of 3 nodes", URL: "/settings#nodes"}
	return m
}

func sampleSettingsConfirm() SettingsConfirm {
	return SettingsConfirm{
		Shell: sampleShell("Apply settings?"), URL: "/settings", CancelURL: "/settings", Count: 27, More: 26,
		Fields: []HiddenField{{Name: "zone", Value: "UTC"}},
		Keys:   []SettingsKey{{ID: sampleKey, Name: sampleName, URL: "/keys/x", Active: true, Created: sampleTime()}},
	}
}

func sampleList(rows ...KeyRow) KeysList {
	return KeysList{
		Shell: sampleShell("API Keys"), Tabs: []ui.Tab{{Label: "Generated", URL: "/keys", Current: true}},
		GenerateURL: "/keys/new", Exports: KeysExports{CSVURL: "/keys/export.csv", XLSXURL: "/keys/export.xlsx"}, Rows: rows, None: len(rows) == 0, Count: KeysCount{Total: 1240}, NextURL: "/keys?after=x", ClearURL: "/keys",
		Bulk: &KeysBulkBar{URL: "/keys/bulk", ExportURL: "/export"}, Find: sampleFind(""),
		Sorts: KeysSorts{
			Name: ui.Sort{URL: "/keys?sort=name"}, Duration: ui.Sort{URL: "/keys?sort=duration"}, Created: ui.Sort{URL: "/keys?dir=asc", Direction: "descending"},
			Status: ui.Sort{URL: "/keys?sort=status"},
		},
	}
}

func sampleFind(text string) KeysFind {
	any := ui.Option{Label: "Any"}
	return KeysFind{
		URL: "/keys", Text: text, MaxText: 100, Filtered: text != "",
		Choices: []ui.Choices{
			{Name: "status", Label: "Status", Options: []ui.Option{any, {Value: "active", Label: "Active"}, {Value: "inactive", Label: "Inactive"}}},
			{Name: "role", Label: "Role", Chosen: "r", Options: []ui.Option{any, {Value: "r", Label: hostileName}}},
			{Name: "token_state", Label: "Token", Options: []ui.Option{any}},
		},
	}
}

// sampleFiltered is a list in which somebody searches for something hostile, in another order.
func sampleFiltered(rows ...KeyRow) KeysList {
	m := sampleList(rows...)
	m.None, m.Find, m.Count = false, sampleFind(hostileName), KeysCount{Total: len(rows), Filtered: true}
	m.Find.Order = []HiddenField{{Name: "sort", Value: "name"}, {Name: "dir", Value: "desc"}}
	m.Sorts.Created.Direction, m.Sorts.Name.Direction = "", "ascending"
	m.Bulk.List = "q=x&sort=name"
	return m
}

func sampleBulk(action string, problems ...ui.Problem) KeysBulk {
	return KeysBulk{
		KeyConfirm: KeyConfirm{Shell: sampleShell("Delete keys"), URL: "/keys/bulk", CancelURL: "/keys?q=x", BackLabel: "API Keys", Problems: problems},
		Heading:    "Delete 12 keys", Text: "They stop working.", Submit: "Delete", Action: action, IDs: []string{sampleKey, "appkey-acme-HTRMXA7C"},
		Keys: []KeysBulkKey{{ID: sampleKey, Name: hostileName, Active: true}, {ID: "appkey-acme-HTRMXA7C", Name: sampleName}},
		More: "and 10 more", Gone: "1 was deleted.", Refused: "1 holds more.", Danger: true, Understood: action == "delete",
	}
}

// fullList is a page as full as the list's pages get.
func fullList() KeysList {
	var rows []KeyRow
	for i := range 25 {
		row := sampleRow(fmt.Sprintf("appkey-northwind-QKZW%04d", i), "Integration of the warehouse "+strings.Repeat("x", i%8), i%4 != 0)
		row.Roles = []string{"Orders viewer", "Pricing administrator", "Catalog editor", "Inventory sync"}
		row.Durations[0].Chips = []ui.Chip{{Tone: "info", Icon: "clock", Text: "Renew soon"}}
		rows = append(rows, row)
	}
	return sampleList(rows...)
}

func sampleGenerate(problems ...ui.Problem) KeysGenerate {
	return KeysGenerate{
		Shell: sampleShell("Generate key"), URL: "/keys/new", CancelURL: "/keys", Nonce: "nonce", DurationLine: "Tokens are valid for 3 months",
		Roles: sampleRoles(9), Problems: problems,
	}
}

func sampleGenerated() KeysGenerated {
	return KeysGenerated{Shell: sampleShell("Key generated"), Name: sampleName, KeyID: sampleKey, Token: sampleToken, Check: sampleCheck, CloseURL: "/keys", NoRole: true, NameTwin: true}
}

func sampleEdit(active bool, problems ...ui.Problem) KeysEdit {
	return KeysEdit{
		Shell: sampleShell("Edit key"), URL: "/keys/x/edit", CancelURL: "/keys?after=x", BackLabel: "API Keys", KeyID: sampleKey, Name: sampleName,
		Version: 7, Roles: sampleRoles(4), Active: active, LastUse: sampleUse(), Problems: problems,
	}
}

func sampleDeactivate() KeyConfirm {
	return KeyConfirm{
		Shell: sampleShell("Deactivate key"), URL: "/keys/x/deactivate", CancelURL: "/keys", BackLabel: "API Keys", KeyID: sampleKey, Name: sampleName,
		LastUse: sampleUse(),
	}
}

func sampleDelete(problems ...ui.Problem) KeyDelete {
	return KeyDelete{KeyConfirm: KeyConfirm{
		Shell: sampleShell("Delete key"), URL: "/keys/x/delete", CancelURL: "/keys", BackLabel: "API Keys", KeyID: sampleKey, Name: sampleName,
		LastUse: sampleUse(), Problems: problems,
	}}
}

// sampleDeleteUsed is the same for a key that is in use.
func sampleDeleteUsed() KeyDelete {
	m := sampleDelete()
	m.Used = Sentence{Text: "This key was used 3 minutes ago. Deactivate it first.", Times: []ui.Time{sampleAgo()}}
	m.DeactivateURL = "/keys/x/deactivate"
	return m
}

// samplePages is every page, in the states that differ in their markup.
func samplePages() map[string]templ.Component {
	failed := sampleShell("Generate key")
	failed.Failed = true
	generateFailed := sampleGenerate(ui.Problem{Field: "name", Text: "Enter a key identification"}, ui.Problem{Field: "roles", Text: "Choose fewer roles"})
	generateFailed.Shell, generateFailed.NameTwin, generateFailed.Name = failed, true, hostileName

	insecure := sampleGate("Log in")
	insecure.Insecure = true

	flash := sampleList(sampleRow(sampleKey, sampleName, true), sampleRow("appkey-acme-HTRMXA7C", hostileName, false))
	flash.Shell.Flash = &ui.Flash{Tone: "success", Text: "Order sync is inactive.", Action: &ui.Action{Label: "Activate", URL: "/keys/x/activate", Post: true}}
	linkFlash := sampleShell("Help")
	linkFlash.Flash = &ui.Flash{Tone: "info", Text: "No changes to save.", Action: &ui.Action{Label: "Look", URL: "/keys"}}

	viewOnly := sampleList(sampleRow(sampleKey, sampleName, true))
	viewOnly.GenerateURL, viewOnly.Rows[0].Menu, viewOnly.NextURL, viewOnly.Bulk, viewOnly.Rows[0].Pick = "", nil, "", nil, false

	empty := sampleList()
	emptyView := sampleList()
	emptyView.GenerateURL = ""

	setup := Setup{Shell: sampleGate("Set up"), URL: "/setup", Languages: sampleLanguages(), Zones: []string{"Europe/Berlin", "UTC"}}
	setupFailed := setup
	setupFailed.Problems = []ui.Problem{
		{Field: "code", Text: "Check the setup code"},
		{Field: "account", Text: "Too short"},
		{Field: "email", Text: "Not an email"},
		{Field: "password", Text: "Too short"},
		{Field: "zone", Text: "Unknown"},
	}
	renewedUsed := sampleRenewed("")
	renewedUsed.OldUsed = Sentence{Text: "The old token was used 3 minutes ago.", Times: []ui.Time{sampleAgo()}}
	safe := sampleShow()
	safe.Renewal.Safe, safe.Alarm, safe.Usage = true, Sentence{}, KeyUsage{}
	pages := map[string]templ.Component{
		"setup":              SetupPage(setup),
		"setup failed":       SetupPage(setupFailed),
		"login":              LoginPage(Login{Shell: sampleGate("Log in"), URL: "/login", Next: "/keys", Notice: "Your session ended. Log in to continue."}),
		"login failed":       LoginPage(Login{Shell: insecure, URL: "/login", Email: "ana@acme.example", Problem: "Email or password is incorrect"}),
		"password":           AccountPasswordPage(AccountPassword{Shell: sampleShell("Change password"), URL: "/password", CancelURL: "/", Problems: []ui.Problem{{Field: "current", Text: "Not your password"}}}),
		"list":               KeysListPage(flash),
		"list full":          KeysListPage(fullList()),
		"list view only":     KeysListPage(viewOnly),
		"list empty":         KeysListPage(empty),
		"list empty view":    KeysListPage(emptyView),
		"list filtered":      KeysListPage(sampleFiltered(sampleRow(sampleKey, hostileName, true))),
		"list no match":      KeysListPage(sampleFiltered()),
		"bulk deactivate":    KeysBulkPage(sampleBulk("deactivate")),
		"bulk delete":        KeysBulkPage(sampleBulk("delete", ui.Problem{Field: "understood", Text: "Check this option to delete the key"})),
		"generate":           KeysGeneratePage(sampleGenerate()),
		"generate failed":    KeysGeneratePage(generateFailed),
		"generated":          KeysGeneratedPage(sampleGenerated()),
		"edit":               KeysEditPage(sampleEdit(true)),
		"edit inactive":      KeysEditPage(sampleEdit(false, ui.Problem{Field: "name", Text: "Enter a key identification"})),
		"deactivate":         KeysDeactivatePage(sampleDeactivate()),
		"activate":           KeysActivatePage(KeyConfirm{Shell: sampleShell("Activate key"), URL: "/keys/x/activate", CancelURL: "/keys", BackLabel: "API Keys", KeyID: sampleKey, Name: sampleName}),
		"delete":             KeysDeletePage(sampleDelete()),
		"delete used":        KeysDeletePage(sampleDeleteUsed()),
		"delete failed":      KeysDeletePage(sampleDelete(ui.Problem{Field: "understood", Text: "Check this option to delete the key"})),
		"list renewing":      KeysListPage(sampleList(samplePending())),
		"renew":              KeysRenewPage(KeysRenew{Shell: sampleShell("Renew token"), URL: "/keys/x/renew", CancelURL: "/keys", BackLabel: "API Keys", KeyID: sampleKey, Name: sampleName, Nonce: "nonce", Inactive: true}),
		"renewed":            KeysRenewedPage(sampleRenewed(sampleToken)),
		"renewed shown":      KeysRenewedPage(sampleRenewed("")),
		"renewed used":       KeysRenewedPage(renewedUsed),
		"renewed failed":     KeysRenewedPage(sampleRenewed("", ui.Problem{Field: "old", Text: "Select at least one option"})),
		"undo":               KeysUndoPage(sampleTokenConfirm("Undo renewal", "/keys/x/renew/undo")),
		"delete old":         KeysDeleteOldPage(sampleTokenConfirm("Delete old token", "/keys/x/old-token/delete")),
		"show":               KeysShowPage(sampleShow()),
		"show safe":          KeysShowPage(safe),
		"show bare":          KeysShowPage(KeyShow{Shell: sampleShell(sampleName), ID: sampleKey, Name: sampleName, BackURL: "/keys", Created: sampleTime()}),
		"settings":           SettingsPage(sampleSettings(true)),
		"settings failed":    SettingsPage(sampleSettings(true, ui.Problem{Field: "days", Text: "Enter a number of days from 7 to 730"})),
		"settings text":      SettingsPage(sampleSettings(false)),
		"settings apply":     SettingsConfirmPage(sampleSettingsConfirm()),
		"help":               HelpPage(Help{Shell: linkFlash}),
		"failure":            FailurePage(Failure{Shell: sampleShell("Not found"), Heading: "That page does not exist.", Text: "Text.", RequestID: "r1", BackURL: "/keys", BackLabel: "Back"}),
		"failure bare":       FailurePage(Failure{Shell: sampleGate("Not found"), Heading: "That page does not exist."}),
		"list external":      ExternalListPage(sampleExternal(true)),
		"list external view": ExternalListPage(sampleExternal(false)),
		"list not loaded": KeysNotLoadedPage(KeysNotLoaded{
			Failure: Failure{Shell: sampleShell("Not loaded"), Heading: "Keys could not be loaded", Text: "Text.", RequestID: "r1", BackURL: "/keys", BackLabel: "Try again"},
			Tabs:    sampleTabs(), Find: sampleFind(hostileName), ClearURL: "/keys",
		}),
		"list external empty": ExternalListPage(ExternalList{Shell: sampleShell("API Keys"), Tabs: sampleTabs(), AddURL: "/external/new"}),
		"list external none":  ExternalListPage(ExternalList{Shell: sampleShell("API Keys"), Tabs: sampleTabs()}),
		"external add":        ExternalAddPage(sampleExternalAdd()),
		"external failed":     ExternalAddPage(sampleExternalAdd(ui.Problem{Field: "key", Text: "This key was already added"}, ui.Problem{Field: "owner", Text: "Enter it"}, ui.Problem{Field: "roles", Text: "Choose again"})),
		"external edit":       ExternalEditPage(sampleExternalEdit()),
		"external remove":     ExternalRemovePage(sampleExternalRemove()),
		"users":               UsersListPage(sampleUsers()),
		"users invite":        UsersInvitePage(sampleInvite(ui.Problem{Field: "email", Text: "Enter an email"}, ui.Problem{Field: "roles", Text: "Choose again"})),
		"users edit":          UsersEditPage(sampleUserEdit()),
		"users failed":        UsersEditPage(sampleUserEdit(ui.Problem{Field: "roles", Text: "At least one active administrator is needed"})),
		"user deactivate":     UsersDeactivatePage(sampleUserConfirm("", ui.Problem{Text: "At least one active administrator is needed"})),
		"user activate":       UsersActivatePage(UserActivate{UserConfirm: sampleUserConfirm("")}),
		"user waiting":        UsersActivatePage(UserActivate{UserConfirm: sampleUserConfirm(""), Waiting: true}),
		"user reset":          UsersResetPage(UserReset{UserConfirm: sampleUserConfirm("nonce"), Open: true}),
		"user relink":         UsersResetPage(UserReset{UserConfirm: sampleUserConfirm("nonce"), Invitation: true}),
		"user discard":        UsersDiscardPage(sampleUserConfirm("")),
		"user invited":        UserLinkPage(sampleUserLink(true)),
		"user link":           UserLinkPage(sampleUserLink(false)),
		"password link":       PasswordLinkPage(PasswordLink{Shell: sampleGate("Set your password"), URL: "/password/x", Host: "keys.example"}),
		"password weak":       PasswordLinkPage(PasswordLink{Shell: sampleGate("Set your password"), URL: "/password/x", Host: "keys.example", Secret: sampleUserSecret, Problems: []ui.Problem{{Field: "password", Text: "Too short"}, {Field: "repeat", Text: "Not the same"}}}),
	}
	pages["settings nodes"] = SettingsPage(sampleNodes(
		NodeRow{Name: "node-1", Version: "v1", Newest: "1,042", Here: true, Proof: sampleAgo(), State: ui.Chip{Tone: "success", Icon: "circle-check", Text: "Current"}},
		NodeRow{Name: hostileName, Version: hostileName, Newest: "1,041", Proof: sampleAgo(), State: ui.Chip{Tone: "danger", Icon: "circle-x", Text: "Cut off"}}))
	pages["settings no node"] = SettingsPage(sampleNodes())
	pages["show confirmed"] = KeysShowPage(sampleConfirmed())
	pages["audit"] = AuditPage(sampleAudit())
	pages["audit empty"] = AuditPage(Audit{Shell: sampleShell("Audit log"), URL: "/audit", Zone: "UTC", Filtered: true})
	pages["preferences"] = AccountPreferencesPage(samplePreferences())
	pages["preferences failed"] = AccountPreferencesPage(samplePreferences(
		ui.Problem{Field: "language", Text: "Unknown"}, ui.Problem{Field: "zone", Text: "Unknown"}, ui.Problem{Field: "theme", Text: "Unknown"}))
	pages["sessions"] = AccountSessionsPage(sampleSessions())
	pages["sessions end"] = AccountSessionsEndPage(AccountSessionsEnd{Shell: sampleShell("Sign out everywhere"), URL: "/sessions/end", CancelURL: "/sessions"})
	maps.Copy(pages, linkPages())
	maps.Copy(pages, sampleRolePages())
	return pages
}

// sampleFragments is every answer that is not a page.
func sampleFragments() map[string]templ.Component {
	flash := ui.Flash{Tone: "success", Text: "Done."}
	return map[string]templ.Component{
		"row swap":          KeysRowSwap(sampleRow(sampleKey, hostileName, false), flash),
		"row gone":          KeysRowGone(KeysGone{Count: KeysCount{Total: 1}, Flash: flash}),
		"results":           KeysListResults(sampleFiltered(sampleRow(sampleKey, hostileName, false))),
		"results none":      KeysListResults(sampleFiltered()),
		"external row gone": ExternalRowGone(ExternalGone{Total: 2, Flash: flash}),
		"external add form": ExternalAddForm(sampleExternalAdd(ui.Problem{Field: "key", Text: "This key was already added"})),
		"external form":     ExternalEditForm(sampleExternalEdit(ui.Problem{Field: "roles", Text: "Choose again"})),
		"external dialog":   ExternalRemoveDialog(sampleExternalRemove()),
		"edit form":         KeysEditForm(sampleEdit(true, ui.Problem{Field: "name", Text: "Enter a key identification"})),
		"deactivate dialog": KeysDeactivateDialog(sampleDeactivate()),
		"undo dialog":       KeysUndoDialog(sampleTokenConfirm("Undo renewal", "/keys/x/renew/undo")),
		"delete old dialog": KeysDeleteOldDialog(sampleTokenConfirm("Delete old token", "/keys/x/old-token/delete")),
		"discard dialog":    KeysLinkDiscardDialog(sampleTokenConfirm("Discard link", "/keys/x/link/discard")),
		"delete dialog":     KeysDeleteDialog(sampleDelete(ui.Problem{Field: "understood", Text: "Check this option to delete the key"})),
	}
}
