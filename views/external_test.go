package views

import (
	"slices"
	"testing"

	"latchkey/views/ui"
)

func sampleTabs() []ui.Tab {
	return []ui.Tab{{Label: "Generated", URL: "/keys"}, {Label: "External", URL: "/external", Current: true}, {Label: "Settings", URL: "/settings"}}
}

// sampleExternal is a page of the External tab. Without edit its reader may only look.
func sampleExternal(edit bool) ExternalList {
	list := ExternalList{Shell: sampleShell("API Keys"), Tabs: sampleTabs(), Total: 40, NewerURL: "/external?before=x"}
	for _, row := range []ExternalRow{
		{ID: "appkey-globex-QKZWPD4T", Owner: "globex", Roles: []string{hostileName, "Two", "Three"}, Added: sampleTime(), Active: true},
		{ID: "appkey-initech-HTRMXA7C", Owner: "initech", Added: sampleTime()},
	} {
		if edit {
			row.RemoveURL = "/external/" + row.ID + "/remove"
		}
		if edit && row.Active {
			row.EditURL = "/external/" + row.ID + "/edit"
		}
		list.Rows = append(list.Rows, row)
	}
	if edit {
		list.AddURL = "/external/new"
	}
	return list
}

func sampleExternalAdd(problems ...ui.Problem) ExternalAdd {
	shell := sampleShell("Add external key")
	shell.Failed = len(problems) > 0
	return ExternalAdd{Shell: shell, URL: "/external/new", CancelURL: "/external", KeyID: hostileName, Owner: "globex", Roles: sampleRoles(9), Problems: problems}
}

func sampleExternalEdit(problems ...ui.Problem) ExternalEdit {
	return ExternalEdit{
		Shell: sampleShell("Edit external key"), URL: "/external/x/edit", CancelURL: "/external", KeyID: sampleKey, Owner: "globex",
		Version: 3, Roles: sampleRoles(9), Problems: problems,
	}
}

func sampleExternalRemove() ExternalRemove {
	return ExternalRemove{KeyConfirm{
		Shell: sampleShell("Remove key"), URL: "/external/x/remove", CancelURL: "/external", BackLabel: "External keys", KeyID: sampleKey, Name: "globex",
	}}
}

func TestExternalRowsOfferWhatTheReaderMayDo(t *testing.T) {
	rows := parse(t, ExternalListPage(sampleExternal(true))).Find("tbody tr")
	for i, want := range [][]string{{"Edit", "Remove"}, {"Remove"}} {
		if got := texts(rows.Eq(i).Find("ul.menu a")); !slices.Equal(got, want) {
			t.Errorf("row %d offers %q, want %q", i, got, want)
		}
	}
	if view := parse(t, ExternalListPage(sampleExternal(false))); view.Find("tbody button, a.primary, thead td").Length() != 0 {
		t.Error("who may only look is offered a change")
	}
}
