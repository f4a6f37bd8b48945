package web

import (
	"slices"

	"github.com/labstack/echo/v4"

	"latchkey/keys"
	"latchkey/store"
	"latchkey/views"
	"latchkey/views/ui"
)

// findForm is the form by which the list is searched and filtered, with what is looked for now.
func findForm(c echo.Context, roles []keys.Role, from list) views.KeysFind {
	ask := from.ask()
	find := views.KeysFind{URL: pathKeys(), Text: ask.Text, MaxText: keys.MaxSearch, Filtered: from.filtered()}
	find.Choices = []ui.Choices{
		choices(c, paramStatus, "find.status", listStatuses, string(ask.Status), func(status string) string { return t(c, "find.status-"+status) }),
		roleChoicesOf(c, roles, ask.Role),
		choices(c, paramTokens, "find.tokens", listTokens, string(ask.Tokens), func(state string) string { return sayTokens(c, store.TokenState(state)) }),
	}
	for _, name := range []string{paramSort, paramDir} {
		if value := from.values().Get(name); value != "" {
			find.Order = append(find.Order, views.HiddenField{Name: name, Value: value})
		}
	}
	return find
}

// choices are the options of one filter. The first of them sets none.
func choices(c echo.Context, name, labelID string, values []string, chosen string, say func(string) string) ui.Choices {
	all := ui.Choices{Name: name, Label: t(c, labelID), Chosen: chosen, Options: []ui.Option{{Label: t(c, "find.any")}}}
	for _, value := range values {
		all.Options = append(all.Options, ui.Option{Value: value, Label: say(value)})
	}
	return all
}

// roleChoicesOf are the account's roles. One that does not exist any more stays among them while it is
// looked for.
func roleChoicesOf(c echo.Context, roles []keys.Role, chosen string) ui.Choices {
	names := map[string]string{}
	var slugs []string
	for _, role := range roles {
		slugs = append(slugs, role.Slug)
		names[role.Slug] = sayRole(c, role).Name
	}
	if chosen != "" && !slices.Contains(slugs, chosen) {
		slugs = append(slugs, chosen)
		names[chosen] = chosen
	}
	return choices(c, paramRole, "find.role", slugs, chosen, func(slug string) string { return names[slug] })
}

// sayTokens names a state of tokens as the chips of the table do.
func sayTokens(c echo.Context, state store.TokenState) string {
	if state == store.TokenExpired && !currentViewer(c).account.EnforceExpiry {
		return t(c, "chip.outdated")
	}
	return t(c, "find.tokens-"+string(state))
}

// sorts are the links in the heads of the columns that the list can be ordered by.
func sorts(from list) views.KeysSorts {
	link := func(sort store.KeySort) ui.Sort {
		one := ui.Sort{URL: from.sorted(sort).path()}
		if from.sort() == sort {
			one.Direction = map[string]string{dirUp: "ascending", dirDown: "descending"}[from.dir()]
		}
		return one
	}
	return views.KeysSorts{Name: link(store.SortName), Duration: link(store.SortDuration), Created: link(store.SortCreated), Status: link(store.SortStatus)}
}
