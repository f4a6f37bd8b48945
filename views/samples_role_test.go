package views

import (
	"github.com/a-h/templ"

	"latchkey/views/ui"
)

func samplePermissions() []PermissionGroup {
	return []PermissionGroup{
		{ID: "product-1", Product: hostileName, Permissions: []Permission{
			{Slug: "orders.read", Name: hostileName, Description: hostileName, Checked: true},
			{Slug: "orders:write", Name: "Write orders"},
		}},
		{ID: "product-2", Product: "Latchkey", Console: true, Permissions: []Permission{
			{Slug: "latchkey.keys.view", Name: "View API Keys", Description: "View, search, filter, sort and export API keys"},
		}},
	}
}

func sampleRoleTabs() []ui.Tab {
	return []ui.Tab{{Label: "Roles", URL: "/roles", Current: true}, {Label: "Permissions", URL: "/permissions"}}
}

func sampleHolders() RoleHolders {
	return RoleHolders{
		KeyCount: 3, External: 2, UserCount: 4, KeysURL: "/keys?role=x", UsersURL: "/users",
		Keys:  []RoleKey{{ID: sampleKey, Name: hostileName, URL: "/keys/x"}, {ID: "appkey-acme-HTRMXA7C", Name: sampleName}},
		Users: []string{"ana@acme.example"},
	}
}

func sampleRoleForm(slug string, problems ...ui.Problem) RoleForm {
	return RoleForm{
		Shell: sampleShell("Edit role"), URL: "/roles/x/edit", CancelURL: "/roles", BackLabel: "Roles", Slug: slug, Name: hostileName, Description: hostileName,
		Version: 7, Groups: samplePermissions(), AddURL: "/permissions/new", Withheld: true, Problems: problems,
	}
}

func sampleRoleList() RoleList {
	return RoleList{Shell: sampleShell("Roles"), Tabs: sampleRoleTabs(), CreateURL: "/roles/new", Rows: []RoleRow{
		{
			Slug: "orders-viewer", Name: hostileName, Description: hostileName, URL: "/roles/x", Permissions: []string{"One", hostileName, "Three"},
			Broad: true, Keys: 3, External: 1, Users: 2, KeysURL: "/keys?role=x",
			Menu: RoleMenu{EditURL: "/roles/x/edit", DuplicateURL: "/roles/new?from=x", DeleteURL: "/roles/x/delete"},
		},
		{Slug: "owner", Name: "Owner", URL: "/roles/owner", Everything: true, Broad: true, BuiltIn: true, Menu: RoleMenu{ViewURL: "/roles/owner"}},
		{Slug: "bare", Name: "Bare", URL: "/roles/bare", Menu: RoleMenu{ViewURL: "/roles/bare"}},
	}}
}

// sampleRolePages is every page of the roles and of the catalogue.
func sampleRolePages() map[string]templ.Component {
	applies := sampleRoleForm("orders-viewer")
	applies.Applies = "Changes apply immediately to 3 keys."
	failed := sampleRoleForm("", ui.Problem{Field: "name", Text: "Enter a name"}, ui.Problem{Field: "description", Text: "Too long"}, ui.Problem{Field: "resources", Text: "Unknown"})
	ask := RoleDelete{Shell: sampleShell("Delete role"), URL: "/roles/x/delete", CancelURL: "/roles", BackLabel: "Roles", Name: hostileName}
	used := ask
	used.InUse, used.Holders = "This role is used by 3 keys.", sampleHolders()
	add := ResourceAdd{Shell: sampleShell("Add permission"), URL: "/permissions/new", CancelURL: "/permissions", BackLabel: "Permissions"}
	addFailed := add
	addFailed.Slug, addFailed.Product, addFailed.Name, addFailed.Description = hostileName, hostileName, hostileName, hostileName
	addFailed.Problems = []ui.Problem{{Field: "slug", Text: "Taken"}, {Field: "product", Text: "Empty"}, {Field: "name", Text: "Empty"}, {Field: "description", Text: "Long"}}
	return map[string]templ.Component{
		"roles":       RoleListPage(sampleRoleList()),
		"role":        RoleFormPage(applies),
		"role failed": RoleFormPage(failed),
		"role show": RoleShowPage(RoleShow{
			Shell: sampleShell(hostileName), BackURL: "/roles", Slug: "orders-viewer", Name: hostileName, Description: hostileName, Broad: true,
			Beyond: "You cannot change this role.", EditURL: "/roles/x/edit", DuplicateURL: "/roles/new?from=x", DeleteURL: "/roles/x/delete",
			Groups: samplePermissions(), Holders: sampleHolders(),
		}),
		"role show built-in": RoleShowPage(RoleShow{Shell: sampleShell("Owner"), BackURL: "/roles", Slug: "owner", Name: "Owner", BuiltIn: true, Everything: true}),
		"role delete":        RoleDeletePage(ask),
		"role delete in use": RoleDeletePage(used),
		"permissions":        ResourceListPage(ResourceList{Shell: sampleShell("Permissions"), Tabs: sampleRoleTabs(), AddURL: "/permissions/new", Groups: samplePermissions()}),
		"permission":         ResourceAddPage(add),
		"permission failed":  ResourceAddPage(addFailed),
	}
}
