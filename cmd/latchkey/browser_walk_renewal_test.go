package main

import (
	"database/sql"
	"errors"
	"net/http"
	"path/filepath"
	"testing"
	"time"
)

const pathSettings = "/account/api-keys/settings"

func walkRenewal(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	k := c.generate("Order sync", "orders-manager", "catalog-viewer")
	w := &walk{tab: c.tab()}
	defer w.done()

	w.page("the key's page", pathList+"/"+k.id)
	w.click("#more")
	w.state("the key's page, menu open")
	w.page("renew, step 1", pathKey(k.id, "renew"))
	w.leads(func() { w.choose("main", "Renew Token") })
	w.says("h1", "The new token is ready")
	w.state("renew, step 2 with the token")
	step2 := look[string](w.tab, `new URL(document.querySelector("main form").action).pathname`)
	w.page("renew, step 2 without the token", step2)
	w.showsNoToken()
	look[bool](w.tab, `(document.querySelector("main form").noValidate = true)`)
	w.leads(func() { w.choose("main", "Complete") })
	w.says(".summary", "Select at least one option")
	w.state("renew, step 2 with a problem")
	w.check("#old-later", true)
	w.leads(func() { w.choose("main", "Complete") })
	w.says("#flash", "Token renewed. The old token still works.")
	w.says("tbody", "Pending deletion - Old token")
	w.state("list with an open renewal")
	w.click(kebab(k.id))
	w.state("menu of a key with two tokens")
	w.choose(menu(k.id), "Undo Renewal")
	w.says("dialog[open] h2", "Undo renewal")
	w.state("dialog to undo")
	w.choose("dialog", "Cancel")
	w.click(kebab(k.id))
	w.choose(menu(k.id), "Delete Old Token")
	w.says("dialog[open] h2", "Delete old token")
	w.state("dialog to delete the old token")
	w.choose("dialog", "Cancel")
	w.page("the key's page in a renewal", pathList+"/"+k.id)
	w.page("undo", pathKey(k.id, "renew/undo"))
	w.page("delete the old token", pathKey(k.id, "old-token/delete"))
	w.excuseStatus(http.StatusConflict)
	w.page("renew during a renewal", pathKey(k.id, "renew"))

	w.page("settings", pathSettings)
	w.check("#duration-custom", true)
	w.fill("#days", "1")
	w.leads(func() { w.choose("main", "Apply") })
	w.state("settings with a problem")
	c.ageTokens(40)
	w.open(pathSettings)
	w.check("#duration-custom", true)
	w.fill("#days", "30")
	w.leads(func() { w.choose("main", "Apply") })
	w.says("h1", "Apply settings?")
	w.state("settings that stop keys")
	w.choose("main", "Apply")
	w.says("#flash", "Settings applied.")
	w.state("settings after a change")
	w.page("the page of a key whose tokens are expired", pathList+"/"+k.id)

	w.page("protect an API", "/help/protect")
	for _, proxy := range []string{"nginx", "Caddy", "Traefik", "Envoy"} {
		w.choose("main", proxy)
	}
	w.state("protect an API, with a configuration")
	w.page("no review is open", "/account/api-keys/review")
	c.putUnderReview()
	w.page("the list under review", pathList)
	w.page("review of the keys", "/account/api-keys/review")
}

// putUnderReview does to every account what a restore without an audit log does.
func (c *console) putUnderReview() {
	c.t.Helper()
	sqlExec(c.t, rawDB(c.t, c.folder), `UPDATE account SET review_since = 1700000000000000`)
}

// ageTokens makes every token of the installation so many days older.
func (c *console) ageTokens(days int64) {
	c.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(c.folder, databaseFile)+"?_pragma=busy_timeout(5000)")
	if err == nil {
		_, err = db.ExecContext(c.t.Context(), `UPDATE api_token SET created_at = created_at - $1`, days*24*time.Hour.Microseconds())
		err = errors.Join(err, db.Close())
	}
	if err != nil {
		c.t.Fatal(err)
	}
}
