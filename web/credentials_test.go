package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// previews are programs that open links before people do, and one that looks like a person.
var previews = []string{
	"Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "Mozilla/5.0 (compatible; MSIE 10.0; Microsoft Outlook 16.0)",
	"facebookexternalhit/1.1", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15", "",
}

func TestQ08ALinkComesInPlaceOfTheTokenAndOnce(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	fields := url.Values{"name": {"Price feed"}, "roles": {"orders-viewer"}, "nonce": {secret.NewNonce()}, "handover": {"link"}}
	a := b.post(pathKeysGenerate(), fields)
	link := a.link()
	id := keys.KeyID(regexpFind(t, `appkey-acme-[0-9A-Z]{8}`, a.body))
	a.says("h1", "Key generated")
	a.says("main", "Price feed")
	a.says("#key", string(id))
	a.says("main", "The key is already active. It has no token until the link is opened.")
	a.says("main", "Copy the link before leaving. It cannot be shown again.")
	a.says("main", "Opens once. Expires 13 Sep 2026, 10:00 UTC (24 hours) if nobody opens it. This link is shown only now.")
	a.says("main", "Official links always start with http://latchkey.test/credentials/")
	if href, _ := a.Find("main .actions a").Attr("href"); href != pathKeys() || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("Close leads to %q, Cache-Control %q", href, a.header.Get("Cache-Control"))
	}
	if strings.Contains(a.body, "htmx") || strings.Contains(a.body, "hx-") {
		t.Error("htmx is on the page")
	}
	k.hasTokens(id)
	before := k.dump()
	again := b.post(pathKeysGenerate(), fields)
	again.leadsTo(pathKeyShow(id))
	if strings.Contains(again.body, link.secret) {
		t.Error("the link is shown again")
	}
	shown := b.get(pathKeyShow(id))
	shown.says("#flash", "The link was shown once and cannot be shown again. Discard it and renew the token to get another.")
	if href, _ := shown.Find("#flash a").Attr("href"); href != pathKeyDiscard(id, fromKey) {
		t.Errorf("Discard link leads to %q", href)
	}
	shown.showsNone(link.secret)
	if after := k.dump(); strings.Count(after, "\n") != strings.Count(before, "\n") {
		t.Errorf("the form made something again:\n%s", difference(before, after))
	}
	k.hasEvents(id, keys.ActionKeyGenerated, keys.ActionLinkCreated)
}

// Whoever asks for the page without pressing its button takes nothing.
func TestQ10BadInput17OnlyAPressOpensTheLink(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, link := b.generateByLink("Price feed", "orders-viewer")
	before := k.dump()
	page := ""
	for i := range 20 {
		bot := k.browser()
		bot.header.Set("User-Agent", previews[i%len(previews)])
		a := bot.get(link.path)
		a.is(http.StatusOK)
		if page == "" {
			page = a.body
		}
		if a.body != page {
			t.Fatal("the page differs")
		}
		head := bot.send(bot.request(http.MethodHead, link.path, nil))
		head.is(http.StatusOK)
	}
	k.unchangedSince(before, "looking")
	k.linkIs(link, "", "")
	k.clock.advance(3 * time.Minute)
	a := k.browser().opens(link)
	a.is(http.StatusOK)
	token := a.text("[data-secret]")
	if _, err := secret.Parse(secret.KindToken, token); err != nil || a.Find("[data-secret]").Length() != 1 {
		t.Fatalf("the answer shows %q", token)
	}
	a.says("h1", "Your token")
	a.says("main", "Price feed")
	a.says("main", "acme")
	a.says("#key", string(id))
	a.says("main", "This token will not be shown again.")
	a.says("#check", "curl -i")
	a.says("#check", "account=acme")
	if strings.Contains(a.body, link.secret) || strings.Contains(a.body, "htmx") || a.Find("form").Length() != 0 {
		t.Error("the answer has the link's secret, htmx or a form")
	}
	k.hasTokens(id, token)
	k.linkIs(link, "2026-09-12 10:03:00", "198.51.100.7")
	after := k.dump()
	k.clock.advance(time.Hour)
	for range 3 {
		late := k.browser().opens(link)
		late.is(http.StatusGone)
		late.says("h1", "This link was already used")
		late.says("main", "It was opened on 12 Sep 2026, 10:03 UTC. If that was not you, tell whoever sent it now.")
		late.says("main", "If that was not you, tell acme to deactivate the key now.")
		late.showsNone(token)
	}
	if got := k.dump(); got != after {
		t.Errorf("a second press changed something:\n%s", difference(after, got))
	}
	k.server.FlushRefusals(t.Context())
	k.tells(id, keys.ActionLinkReopened, 1)
	shown := k.signIn("ana@acme.example").get(pathKeyShow(id))
	shown.says("main", "The single-access link was opened on 12 Sep 2026, 10:03 UTC from 198.51.100.7: it made the token …"+token[len(token)-4:]+".")
	shown.says("section[aria-labelledby=history]", "Single-access link opened, token …"+token[len(token)-4:]+" handed over")
}

// linkIs asserts when, and from where, the row of a link says that it was opened; both are empty when it was not.
func (k *kit) linkIs(link sentLink, openedAt, openedIP string) {
	k.t.Helper()
	got := k.raw.Texts(`SELECT coalesce(CAST(opened_at AS TEXT), '') || ' ' || opened_ip FROM link WHERE id = $1`, strings.TrimPrefix(link.path, "/credentials/"))
	if len(got) == 1 && !strings.HasPrefix(got[0], " ") {
		micros, ip, _ := strings.Cut(got[0], " ")
		at, err := strconv.ParseInt(micros, 10, 64)
		must(k.t, err)
		got[0] = time.UnixMicro(at).UTC().Format(time.DateTime) + " " + ip
	}
	if want := openedAt + " " + openedIP; len(got) != 1 || got[0] != want {
		k.t.Errorf("the rows of the link say %q, not %q", got, want)
	}
}

// tells asserts how many events of an action there are about a key.
func (k *kit) tells(id keys.KeyID, action keys.Action, want int) {
	k.t.Helper()
	events, err := k.store.KeyEvents(k.t.Context(), k.signIn("ana@acme.example").actor(), id)
	must(k.t, err)
	got := 0
	for _, e := range events {
		if e.Action == action {
			got++
		}
	}
	if got != want {
		k.t.Errorf("%d events %s, not %d", got, action, want)
	}
}

func TestQ11ThePageOfALinkIsBare(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	_, link := b.generateByLink(`Price "feed"`)
	for name, reader := range map[string]*browser{"a stranger": k.browser(), "who is signed in": b} {
		a := reader.get(link.path)
		a.says("title", "A token is waiting - Latchkey")
		a.says("h1", "A token is waiting")
		a.says("main", "An API token was shared with you. It can be shown once. Be ready to store it in a secret manager.")
		a.says("main", "This page should be on latchkey.test. If the address differs, close it.")
		a.says("main form button", "Reveal token")
		if action, _ := a.Find("main form").Attr("action"); action != link.path {
			t.Errorf("%s: the form sends to %q", name, action)
		}
		a.hasOnlyTheFragmentScript()
		for _, trace := range []string{"hx-", "htmx", "og:", "property=", "twitter:", "acme", "appkey", "feed", "ana@", "lkl_"} {
			if strings.Contains(a.body, trace) {
				t.Errorf("%s: the page has %q", name, trace)
			}
		}
		if a.header.Get("Cache-Control") != "no-store" || a.header.Get("X-Robots-Tag") != "noindex, nofollow" || a.Find("main form input[name=secret][required]").Length() != 1 {
			t.Errorf("%s: headers %v", name, a.header)
		}
	}
}

// hasOnlyTheFragmentScript asserts that a page runs the script that takes the secret out of the address, and no
// other.
func (a answer) hasOnlyTheFragmentScript() {
	a.t.Helper()
	scripts := a.Find("script").Map(func(_ int, s *goquery.Selection) string { return s.AttrOr("src", "inline") })
	if len(scripts) != 1 || !strings.HasPrefix(scripts[0], "/static/link.") {
		a.t.Errorf("the scripts are %q", scripts)
	}
}

// The page says nothing of what became of the link: it is the same for one that was used or discarded.
func TestThePageOfALinkIsTheSameWhateverBecameOfIt(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	_, waiting := b.generateByLink("Waiting")
	_, used := b.generateByLink("Used")
	k.browser().opens(used).is(http.StatusOK)
	discarded, taken := b.generateByLink("Discarded")
	b.post(pathKeyDiscard(discarded, ""), nil).leadsTo(pathKeys())
	deleted, gone := b.generateByLink("Deleted")
	b.post(pathKeyDelete(deleted, ""), url.Values{"understood": {"on"}}).leadsTo(pathKeys())
	_, expired := b.generateByLink("Expired")
	want := strings.ReplaceAll(k.browser().get(waiting.path).body, waiting.path, "")
	k.clock.advance(25 * time.Hour)
	for name, link := range map[string]sentLink{"used": used, "discarded": taken, "of a deleted key": gone, "expired": expired} {
		a := k.browser().get(link.path)
		a.is(http.StatusOK)
		if got := strings.ReplaceAll(a.body, link.path, ""); got != want {
			t.Errorf("%s: the page differs", name)
		}
	}
}

func TestQ12BadInput18ALinkThatExpiredSaysSoAndMakesNoToken(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, link := b.generateByLink("Price feed")
	wrong := sentLink{link.path, secret.New(secret.KindLink).Reveal()}
	k.browser().opens(wrong).is(http.StatusNotFound)
	k.clock.advance(24*time.Hour + time.Second)
	k.browser().opens(wrong).is(http.StatusNotFound)
	a := k.browser().opens(link)
	a.is(http.StatusGone)
	a.says("h1", "This link expired")
	a.says("main", "It could be opened until 13 Sep 2026, 10:00 UTC. Ask for a new one.")
	if !strings.HasPrefix(a.text("title"), "Error: ") {
		t.Errorf("title %q", a.text("title"))
	}
	k.hasTokens(id)
	k.linkIs(link, "", "")
	if got := k.raw.Texts(`SELECT CAST(count(*) AS TEXT) FROM api_token`)[0]; got != "0" {
		t.Errorf("%s rows of tokens", got)
	}
	b = k.signIn("ana@acme.example")
	row := b.get(pathKeys())
	row.says("#row-"+string(id), "No token")
	b.get(pathKeyShow(id)).says("main", "The single-access link of 12 Sep 2026, 10:00 UTC expired on 13 Sep 2026, 10:00 UTC without being opened.")
	renewed := b.post(pathKeyRenew(id, ""), url.Values{"nonce": {secret.NewNonce()}})
	k.hasTokens(id, renewed.text("[data-secret]"))
}

func TestAnUnknownLinkAndAWrongSecretGetTheSamePage(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, link := b.generateByLink("Price feed")
	stranger := func(i string) *browser {
		s := k.browser()
		s.ip = "203.0.113." + i
		return s
	}
	wrong := secret.New(secret.KindLink).Reveal()
	unknown := stranger("1").post(pathCredential(secret.NewNonce()), url.Values{"secret": {wrong}})
	unknown.is(http.StatusNotFound)
	unknown.says("h1", "That link does not exist")
	reference := strings.ReplaceAll(unknown.body, unknown.header.Get("X-Request-Id"), "")
	for name, a := range map[string]answer{
		"a wrong secret":         stranger("2").post(link.path, url.Values{"secret": {wrong}}),
		"no secret":              stranger("3").post(link.path, nil),
		"a token":                stranger("4").post(link.path, url.Values{"secret": {secret.New(secret.KindToken).Reveal()}}),
		"the unknown page":       stranger("5").get(pathCredential(secret.NewNonce())),
		"an id that is none":     stranger("6").get(pathCredential("x")),
		"an id that is too long": stranger("7").get(link.path + "0"),
		"another link's secret":  stranger("8").post(pathCredential(secret.NewNonce()), url.Values{"secret": {link.secret}}),
	} {
		a.is(http.StatusNotFound)
		if strings.ReplaceAll(a.body, a.header.Get("X-Request-Id"), "") != reference {
			t.Errorf("%s gets another page", name)
		}
		if a.header.Get("X-Robots-Tag") == "" {
			t.Errorf("%s: robots may keep it", name)
		}
	}
	k.hasTokens(id)
	// A space or a # that was copied along does no harm.
	k.browser().post(link.path, url.Values{"secret": {" #" + link.secret + "\n"}}).is(http.StatusOK)
}

func TestWrongLinksAreLimitedForTheirAddressAlone(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, link := b.generateByLink("Price feed")
	guesser := k.browser()
	guesser.ip = "203.0.113.66"
	for i := range keys.WrongSecretsPerAddress + 3 {
		a := guesser.post(link.path, url.Values{"secret": {secret.New(secret.KindLink).Reveal()}})
		if i < keys.WrongSecretsPerAddress {
			a.is(http.StatusNotFound)
			continue
		}
		a.is(http.StatusTooManyRequests)
		a.says("h1", "Too many wrong links from this address")
		if a.header.Get("Retry-After") != "60" {
			t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
		}
	}
	guesser.get(link.path).is(http.StatusOK)
	guesser.opens(link).is(http.StatusOK)
	shown := b.get(pathKeyShow(id))
	shown.says("main .alert", "Somebody tried wrong secrets on the single-access link of this key: last on 12 Sep 2026, 10:00 UTC from 203.0.113.66.")
	shown.says("main .alert", "If it was not the person whom you sent it to, discard it and make another.")
}

func TestTheLinkOfAnInactiveKeyStaysValid(t *testing.T) {
	k := newKit(t)
	b := k.signIn("ana@acme.example")
	id, link := b.generateByLink("Price feed")
	b.post(pathKeyDeactivate(id, ""), nil).leadsTo(pathKeys())
	before := k.dump()
	a := k.browser().opens(link)
	a.is(http.StatusConflict)
	a.says("h1", "This key is not active now")
	a.says("main", "The link stays valid.")
	if after := k.dump(); after != before {
		t.Errorf("it changed something:\n%s", difference(before, after))
	}
	b.post(pathKeyActivate(id, ""), nil).leadsTo(pathKeys())
	k.browser().opens(link).is(http.StatusOK)
}

func TestALinkFromAnotherSiteIsRefused(t *testing.T) {
	k := newKit(t)
	_, link := k.signIn("ana@acme.example").generateByLink("Price feed")
	s := k.browser()
	r := s.request(http.MethodPost, link.path, strings.NewReader(url.Values{"secret": {link.secret}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	s.send(r).is(http.StatusForbidden)
	s.opens(link).is(http.StatusOK)
}
