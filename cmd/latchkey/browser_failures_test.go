package main

import (
	"database/sql"
	"net/http"
	"net/url"
	"path/filepath"
	"testing"
)

func walkFailures(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.generate("Stock levels")
	k, gone := c.generate("Order sync"), c.generate("Price feed")
	c.does(pathKey(gone.id, "delete"), url.Values{"understood": {"on"}})
	w := &walk{tab: c.tab()}
	defer w.done()
	w.excuseStatus(http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusConflict, http.StatusServiceUnavailable)

	w.page("a page that does not exist", "/nowhere")
	w.says("h1", "That page does not exist")
	w.focusOn("h1 that page does not exist")
	w.page("a key that is gone", pathKey(gone.id, "edit"))
	w.says("h1", "That key does not exist or was deleted")
	w.page("a page that is only posted to", "/logout")
	w.says("h1", "This page cannot be opened that way")

	w.open(pathKey(k.id, "edit"))
	version := look[string](w.tab, `document.querySelector("[name=version]").value`)
	c.does(pathKey(k.id, "edit"), url.Values{"name": {"Order mirror"}, "version": {version}, "active": {"on"}})
	w.choose("main", "Save")
	w.says("[role=alert]", "This key changed after the page was opened")
	w.state("an edit that came too late, in place")
	w.leads(func() { look[bool](w.tab, `(document.querySelector("#edit").submit(), true)`) })
	w.says("h1", "This key changed after the page was opened")
	w.state("an edit that came too late")

	w.open(pathList)
	c.broken(true)
	w.click(kebab(k.id))
	w.choose(menu(k.id), "Deactivate")
	w.choose("dialog", "Deactivate")
	w.says("[role=alert]", "This could not be done right now")
	w.state("a database that does not answer, in place")
	w.open(pathKey(k.id, "deactivate"))
	w.leads(func() { w.choose("main", "Deactivate") })
	w.says("h1", "This could not be done right now")
	w.state("a database that does not answer")
	c.broken(false)

	c.execute(`ALTER TABLE api_key RENAME TO gone`)
	w.page("a list that cannot be loaded", pathList+"?q=order&status=active")
	w.says("#results h2", "Keys could not be loaded")
	w.focusOn("h2 keys could not be loaded")
	w.mark()
	w.fill("#q", "stock")
	w.says("[role=alert]", "Keys could not be loaded")
	w.until("what was typed stays", `document.querySelector("#q").value === "stock" && document.querySelector("#status").value === "active"`)
	c.execute(`ALTER TABLE gone RENAME TO api_key`)
	w.press(keyEnter)
	w.rowsAre("Stock levels")
	w.says("#count", "1 key matches")
	w.stayed()

	// A page of no origin posts to ours, as one of another site would.
	w.open("data:text/html,<title>x</title><form method=post action=" + url.PathEscape(c.url+pathKey(k.id, "deactivate")) + "><button>Go</button></form>")
	w.complaints()
	w.leads(func() { w.click("button") })
	w.says("h1", "This request came from another site")
	w.state("a form from another site")
	w.open(pathList)
	w.says(row(k.id), "Active")
}

// broken makes every change of the database fail, or work again.
func (c *console) broken(broken bool) {
	c.t.Helper()
	statement := `DROP TRIGGER broken`
	if broken {
		statement = `CREATE TRIGGER broken BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no audit'); END`
	}
	c.execute(statement)
}

// execute has a statement done to the database of the console while it runs.
func (c *console) execute(statement string) {
	c.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(c.folder, databaseFile)+"?_pragma=busy_timeout(5000)")
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(c.t.Context(), statement); err != nil {
		c.t.Fatal(err)
	}
}
