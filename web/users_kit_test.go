package web

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/net/html"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

var (
	secretInText = regexp.MustCompile(`lk[a-z]_[0-9A-Za-z]{49}`)
	linkInText   = regexp.MustCompile(`http://latchkey\.test/password/([0-9A-Za-z]{22})#(lkl_[0-9A-Za-z]{49})`)
)

// newPassword is one that is set with a link.
const newPassword = "nine amber ferries wait for fog"

// invited is a user who was invited: their number, and the parts of their link.
type invited struct {
	number              int64
	email, link, secret string
}

// invite invites a further user through the store, without the form.
func (b *browser) invite(roles ...string) invited {
	k := b.kit
	k.t.Helper()
	k.signIns++
	email := k.guest + strconv.Itoa(k.signIns) + "@acme.example"
	made, err := k.store.InviteUser(k.t.Context(), b.actor(), store.InviteUser{Email: email, Roles: roles, Nonce: secret.NewNonce()})
	must(k.t, err)
	k.invited = invited{number: made.User.Number, email: email, link: made.Link.ID, secret: made.Secret.Reveal()}
	return k.invited
}

// userFieldsOf is a form about a user that the route accepts.
func (b *browser) userFieldsOf(r route, id keys.KeyID) url.Values {
	b.kit.t.Helper()
	switch {
	case r.Path == pathUsersInvite():
		b.kit.signIns++
		return url.Values{"email": {b.kit.guest + strconv.Itoa(b.kit.signIns) + "@acme.example"}, "roles": {"orders-viewer"}, "nonce": {secret.NewNonce()}}
	case strings.HasSuffix(r.Path, "/edit"):
		version := "1"
		if opened := b.get(b.kit.fill(r.Path, id)); opened.status == http.StatusOK {
			version, _ = opened.Find("input[name=version]").Attr("value")
		}
		return url.Values{"roles": {"orders-viewer"}, "version": {version}}
	case strings.HasSuffix(r.Path, "/reset"):
		return url.Values{"nonce": {secret.NewNonce()}}
	case strings.HasPrefix(r.Path, "/password/"):
		return passwordForm(b.kit.invited.secret, newPassword)
	}
	return url.Values{}
}

// passwordForm is the form of a link's page.
func passwordForm(secret, password string) url.Values {
	return url.Values{"secret": {secret}, "password": {password}, "repeat": {password}}
}

// inviteByForm invites a user through the form and returns what its answer shows.
func (b *browser) inviteByForm(email string, roles ...string) invited {
	b.kit.t.Helper()
	a := b.post(pathUsersInvite(), url.Values{"email": {email}, "roles": roles, "nonce": {secret.NewNonce()}})
	a.is(http.StatusOK)
	return b.kit.linkShown(a, email)
}

// linkShown is the link that an answer shows.
func (k *kit) linkShown(a answer, email string) invited {
	k.t.Helper()
	found := linkInText.FindStringSubmatch(a.text("[data-secret]"))
	if found == nil {
		k.t.Fatalf("no link but %q", a.text("[data-secret]"))
	}
	return invited{number: k.userNumber(email), email: email, link: found[1], secret: found[2]}
}

// userNumber is the number of the user with an email.
func (k *kit) userNumber(email string) int64 {
	k.t.Helper()
	number, err := strconv.ParseInt(k.raw.Texts(`SELECT number FROM app_user WHERE email = $1`, email)[0], 10, 64)
	must(k.t, err)
	return number
}

// eventsOfUser are the actions and results of a user's events, the oldest first.
func (k *kit) eventsOfUser(email string) []string {
	k.t.Helper()
	return k.raw.Texts(`SELECT action || ' ' || result FROM audit WHERE object_kind = 'user' AND object = $1 ORDER BY seq`, email)
}

// userCell is the text of a column of a user's row in the list, or of the whole row for "".
func (k *kit) userCell(a answer, email, column string) string {
	k.t.Helper()
	row := "#row-" + strconv.FormatInt(k.userNumber(email), 10)
	if a.Find(row).Length() != 1 {
		k.t.Fatalf("%s has %d rows", email, a.Find(row).Length())
	}
	if column != "" {
		row += ` [data-l="` + column + `"]`
	}
	var parts []string
	for _, node := range a.Find(row).Nodes {
		for part := range node.Descendants() {
			if part.Type == html.TextNode {
				parts = append(parts, strings.Fields(part.Data)...)
			}
		}
	}
	return strings.Join(parts, " ")
}
