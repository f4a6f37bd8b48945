package main

import (
	"net/url"
	"strings"
	"testing"
)

// hostile are names that would do something if a page took them for anything but text.
var hostile = []string{
	`"><img src=x onerror=alert(1)>`, `<script>alert(1)</script>`, `'><svg/onload=alert(1)>`, `</title><script>alert(1)</script>`,
	`<form action=//evil.test><button>`, `{{constructor.constructor('alert(1)')()}}`, `${alert(1)}`, `javascript:alert(1)`,
	`" autofocus onfocus=alert(1) x="`, `<a hx-get=/x hx-trigger=load>`, `<b hx-on:htmx:load=alert(1)>`, `</code></td></tr></table><iframe>`,
	`<template id=alarm><script>alert(1)</script></template>`, `&lt;img src=x onerror=alert(1)&gt;`, `<style>*{display:none}</style>`,
	`<base href=//evil.test/>`, `<meta http-equiv=refresh content=0>`, `<div id=flash hx-swap-oob=true>gone</div>`, `%3Cscript%3Ealert(1)%3C/script%3E`,
	`\"><script>alert(1)//`, `--><img src=x onerror=alert(1)>`, `]]><script>alert(1)</script>`,
}

func TestB40AHostileNameIsOnlyText(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	made := map[string]string{}
	for _, name := range hostile {
		made[name] = c.generate(name).id
	}
	b := c.tab()
	literally := func(where, selector, name string) {
		t.Helper()
		if got := look[string](b, `document.querySelector(`+js(selector)+`)?.textContent ?? "nothing"`); !strings.Contains(got, name) {
			t.Errorf("%s shows %q; want %q in it", where, got, name)
		}
	}
	for name, id := range made {
		literally("the list", row(id)+" th", name)
		if got := look[string](b, `document.querySelector(`+js(kebab(id))+`).ariaLabel`); got != "Actions for "+name {
			t.Errorf("the menu is called %q; want Actions for %q", got, name)
		}
	}
	for _, name := range hostile[:4] {
		id := made[name]
		b.asks(id, "Deactivate", "Deactivate key")
		literally("the dialog", "dialog", name)
		b.choose("dialog", "Deactivate")
		b.says("#flash", name+" is inactive.")
		b.open(pathKey(id, "edit"))
		if got := look[string](b, `document.querySelector("#name").value`); got != name {
			t.Errorf("the form holds %q; want %q", got, name)
		}
		b.fill("#name", name+strings.Repeat("x", 64))
		b.choose("main", "Save")
		b.says(".summary", "Use 64 characters or fewer")
		if got := look[string](b, `document.querySelector("#name").value`); !strings.HasPrefix(got, name) {
			t.Errorf("the form that came back holds %q; want %q first", got, name)
		}
		b.open(pathKey(id, "activate"))
		literally("the page to activate", "main", name)
		b.open(pathKey(id, "deactivate"))
		literally("the page to deactivate", "main", name)
		b.open(pathKey(id, "delete"))
		literally("the page to delete", "main", name)
		b.check("#understood", true)
		b.leads(func() { b.choose("main", "Delete") })
		b.says("#flash", name+" was deleted.")
	}
	b.open(pathNew)
	b.fill("#name", hostile[0])
	b.leads(func() { b.choose("main", "Generate") })
	literally("the result page", "main", hostile[0])
	for _, request := range b.requests() {
		_, path, _ := strings.Cut(request, " ")
		if u, err := url.Parse(path); err != nil || strings.HasSuffix(u.Path, "/x") {
			t.Errorf("a name made the browser ask for %s", request)
		}
	}
}
