package main

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"latchkey/keys/secret"
)

// axeSum is the SHA-256 of axe.min.js as the npm package axe-core 4.14.1 has it.
const axeSum = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"

var axeFolder = filepath.Join("testdata", "axe")

func TestB38AxeIsTheFileThatWasPublished(t *testing.T) {
	if sum := secret.Sum([]byte(axeSource(t))); hex.EncodeToString(sum.Bytes()) != axeSum {
		t.Errorf("axe.min.js has the SHA-256 %x; want %s", sum.Bytes(), axeSum)
	}
	for _, name := range []string{"LICENSE", "LICENSE-3RD-PARTY.txt"} {
		if _, err := os.Stat(filepath.Join(axeFolder, name)); err != nil {
			t.Error(err)
		}
	}
}

func axeSource(t *testing.T) string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(axeFolder, "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}

// axe runs the default rules on what the tab shows and returns what they find, a line each.
func (b *tab) axe() []string {
	b.t.Helper()
	if !look[bool](b, `window.axe !== undefined`) {
		look[bool](b, axeSource(b.t)+`; true`)
	}
	return await[[]string](b, `axe.run(document, {resultTypes: ["violations"]}).then((r) => r.violations.map((v) =>
		v.id + ": " + v.help + ": " + v.nodes.map((n) => n.html.slice(0, 160) + " (" + n.failureSummary.replace(/\s+/g, " ").slice(0, 240) + ")").join("; ")))`)
}

// overflow returns what makes the page scroll sideways, or a menu or dialog stand out of the window.
func (b *tab) overflow() []string {
	b.t.Helper()
	return look[[]string](b, `(() => {
		const found = [], root = document.documentElement, name = (e) => e.outerHTML.slice(0, 120);
		if (root.scrollWidth > root.clientWidth) {
			found.push("the page is " + root.scrollWidth + " wide in a window of " + root.clientWidth);
			for (const e of document.querySelectorAll("body *")) {
				const r = e.getBoundingClientRect();
				if (r.width > 0 && r.right > root.clientWidth + .5 && !e.closest(".unseen")) found.push("it sticks out: " + name(e));
			}
		}
		for (const e of document.querySelectorAll("dialog[open], :popover-open")) {
			const r = e.getBoundingClientRect();
			if (e.scrollWidth > e.clientWidth || r.left < 0 || r.right > innerWidth || r.top < 0 || r.bottom > innerHeight) found.push("it does not fit: " + name(e) + JSON.stringify(r));
		}
		return found.slice(0, 6);
	})()`)
}

// unreachable returns the controls that are drawn but cannot be clicked, once scrolled to. With a menu
// or a dialog open these are its own.
func (b *tab) unreachable() []string {
	b.t.Helper()
	return look[[]string](b, `(() => {
		const found = [], root = document.querySelector("dialog[open]") ?? document.querySelector(":popover-open") ?? document.body;
		const drawn = root.querySelectorAll("a[href], button, input, select, summary, [tabindex='0']");
		for (const e of drawn) {
			if (!e.checkVisibility({visibilityProperty: true}) || e.disabled || e.type === "hidden" || e.closest(".skip, .unseen")) continue;
			e.scrollIntoView({block: "center", inline: "nearest", behavior: "instant"});
			const r = e.getClientRects()[0], x = (r.left + r.right) / 2, y = (r.top + r.bottom) / 2;
			const hit = document.elementFromPoint(x, y);
			if (r.left < 0 || r.right > innerWidth || !hit || !(e.contains(hit) || hit.closest("label")?.control === e))
				found.push(e.outerHTML.slice(0, 160) + " at " + Math.round(x) + "," + Math.round(y) + " under " + (hit?.outerHTML ?? "nothing").slice(0, 80));
		}
		scrollTo({top: 0, behavior: "instant"});
		return found;
	})()`)
}

// Each check must see what it looks for, or its silence means nothing.
func TestB38B39B40TheChecksSeeWhatIsWrong(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	b := newTab(t, c.url)
	b.open("/login")
	if found := b.axe(); len(found) > 0 {
		t.Errorf("axe finds on the sign-in page: %q", found)
	}
	b.screen(320, "light")
	if found := append(b.overflow(), b.unreachable()...); len(found) > 0 {
		t.Errorf("at 320 pixels the sign-in page has %q", found)
	}
	if found := b.complaints(); len(found) > 0 {
		t.Errorf("the sign-in page complains: %q", found)
	}

	look[bool](b, `(() => {
		const main = document.querySelector("main");
		main.append(Object.assign(new Image(), {src: document.querySelector("link[rel=icon]").href}));
		const pale = main.appendChild(document.createElement("p"));
		pale.textContent = "Too pale to read";
		pale.style.color = "#ccd";
		const wide = main.appendChild(document.createElement("div"));
		wide.textContent = "x";
		wide.style.width = "500px";
		const cover = main.appendChild(document.createElement("div"));
		cover.style.cssText = "position: fixed; inset: 0; z-index: 9";
		localStorage.setItem("kept", "lkt_" + "a".repeat(49));
		console.error("seeded");
		main.append(Object.assign(document.createElement("script"), {textContent: "window.ran = true"}));
		fetch("http://elsewhere.test/").catch(() => {});
		return true;
	})()`)
	var rules []string
	for _, found := range b.axe() {
		rule, _, _ := strings.Cut(found, ":")
		rules = append(rules, rule)
	}
	if got := strings.Join(rules, " "); got != "color-contrast image-alt" {
		t.Errorf("axe finds %q; want color-contrast image-alt", got)
	}
	if len(b.overflow()) == 0 || len(b.unreachable()) == 0 {
		t.Errorf("overflow %q, unreachable %q; want some of each", b.overflow(), b.unreachable())
	}
	if !secretForm.MatchString(b.storage()) {
		t.Error("the storage does not show what was put into it")
	}
	b.until("the policy kept the script from running", `!window.ran`)
	var heard string
	eventually(t, "the complaints about what was seeded", func() bool {
		heard += strings.Join(b.complaints(), "\n")
		for _, want := range []string{"seeded", "script-src", "elsewhere.test", "the policy was violated"} {
			if !strings.Contains(heard, want) {
				return false
			}
		}
		return true
	})
	b.open("/login")
	b.complaints()
}
