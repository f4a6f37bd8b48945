package web

import (
	"net/http"
	"net/url"
	"strings"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// sentLink is a single-access link as its sender got it: the page that it leads to, and its secret.
type sentLink struct{ path, secret string }

// link is the link that an answer shows. It must show one, and no token.
func (a answer) link() sentLink {
	a.t.Helper()
	a.is(http.StatusOK)
	secrets := a.Find("[data-secret]")
	u, err := url.Parse(strings.TrimSpace(secrets.Text()))
	must(a.t, err)
	if secrets.Length() != 1 || u.Scheme+"://"+u.Host != "http://latchkey.test" || !strings.HasPrefix(u.Path, "/credentials/") ||
		!strings.HasPrefix(u.Fragment, "lkl_") || u.RawQuery != "" || strings.Contains(a.body, "lkt_") {
		a.t.Fatalf("the page shows %d secrets: %q", secrets.Length(), secrets.Text())
	}
	return sentLink{path: u.Path, secret: u.Fragment}
}

// generateByLink makes a key with a link through the form.
func (b *browser) generateByLink(name string, roles ...string) (keys.KeyID, sentLink) {
	b.kit.t.Helper()
	a := b.post(pathKeysGenerate(), url.Values{"name": {name}, "roles": roles, "nonce": {secret.NewNonce()}, "handover": {"link"}})
	link := a.link()
	id := keys.KeyID(regexpFind(b.kit.t, `appkey-[a-z0-9]+-[0-9A-Z]{8}`, a.body))
	b.kit.links[id] = link
	return id, link
}

// renewByLink renews a key with a link through the form.
func (b *browser) renewByLink(id keys.KeyID) sentLink {
	b.kit.t.Helper()
	link := b.post(pathKeyRenew(id, ""), url.Values{"nonce": {secret.NewNonce()}, "handover": {"link"}}).link()
	b.kit.links[id] = link
	return link
}

// opens presses the button on the page of a link.
func (b *browser) opens(link sentLink) answer {
	b.kit.t.Helper()
	return b.post(link.path, url.Values{"secret": {link.secret}})
}
