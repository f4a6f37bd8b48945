package verifier

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"latchkey/keys"
)

// Identity is who an accepted request comes from.
type Identity struct {
	// KeyID is the key, and Account the slug of the guarded account.
	KeyID   keys.KeyID
	Account string
	// Roles are the slugs of the key's roles in the guarded account, sorted.
	Roles []string
	// Retiring says that the token is the old one of an open renewal.
	Retiring bool
}

type identityKey struct{}

// IdentityOf returns who the request that ctx belongs to comes from, and false when no Require let it in.
func IdentityOf(ctx context.Context) (Identity, bool) {
	identity, ok := ctx.Value(identityKey{}).(Identity)
	return identity, ok
}

// Require returns a middleware that lets in whoever may use a resource of the verifier's own account;
// empty, every valid credential of it is enough. Others get the answer of PathVerify. A request that is
// let in goes on without its credential and without headers that begin with X-Latchkey-, however they
// are spelt; IdentityOf knows who it comes from, and so do its headers, with IdentityHeaders. The
// request's query has no say.
func (h *Handler) Require(resource string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			verdict, from := h.judge(r, query{resource: resource})
			if verdict.Code != CodeValid {
				h.refuse(w, r, verdict.Code, refusalOf(verdict.Code, resource), from)
				return
			}
			next.ServeHTTP(w, h.admitted(r, verdict))
		})
	}
}

// admitted is the request that goes on. The one that came stays as it is.
func (h *Handler) admitted(r *http.Request, verdict Verdict) *http.Request {
	identity := Identity{KeyID: verdict.KeyID(), Account: verdict.Account(), Roles: slices.Clone(verdict.Roles()), Retiring: verdict.Retiring}
	on := r.WithContext(context.WithValue(r.Context(), identityKey{}, identity))
	on.Header = h.stripped(r.Header)
	if h.identity {
		identity.tell(on.Header)
	}
	return on
}

// stripped is a copy of a header without credentials and without what only we may say. An Authorization
// value that is not ours belongs to the application.
func (h *Handler) stripped(header http.Header) http.Header {
	kept := make(http.Header, len(header))
	for name, values := range header {
		switch {
		case name == h.keyHeader, name == h.tokenHeader, isIdentityHeader(name):
		case name == headerAuthorization && anyBearer(values):
		default:
			kept[name] = append([]string(nil), values...)
		}
	}
	return kept
}

// isIdentityHeader says whether a name is one of ours to an application, some of which take an
// underscore for a dash.
func isIdentityHeader(name string) bool {
	const prefix = "X-Latchkey-"
	return len(name) >= len(prefix) && strings.EqualFold(strings.ReplaceAll(name[:len(prefix)], "_", "-"), prefix)
}

func (i Identity) tell(header http.Header) {
	header.Set(headerKeyID, string(i.KeyID))
	header.Set(headerAccount, i.Account)
	header.Set(headerRoles, strings.Join(i.Roles, ","))
	header.Set(headerTokenState, valueCurrent[0])
	if i.Retiring {
		header.Set(headerTokenState, valueRetiring[0])
	}
}
