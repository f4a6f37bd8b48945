package verifier

import (
	"net/http"
	"strings"
)

// PathAuthz answers like PathVerify, whatever follows it, for proxies that append to the address of their
// question what the client asked for. A client decides what is in there, so the query is not looked at:
// account and resource are named in headers that the proxy sets.
const PathAuthz = "/v1/authz"

// The headers in which a proxy names the account and the resource of a question at PathAuthz. They are
// read as the parameters account and resource of PathVerify are. The proxy must not pass on those of a client.
const (
	HeaderWantAccount  = "X-Latchkey-Want-Account"
	HeaderWantResource = "X-Latchkey-Want-Resource"
)

// isAuthz says whether a path is PathAuthz or below it.
func isAuthz(path string) bool {
	rest, found := strings.CutPrefix(path, PathAuthz)
	return found && (rest == "" || rest[0] == '/')
}

// wanted is what the headers of a question ask for.
func wanted(header http.Header) query {
	return query{
		account:  wantedSlug(header[HeaderWantAccount], isAccount),
		resource: wantedSlug(header[HeaderWantResource], isResource),
	}
}

// wantedSlug is the one value of a header, empty when there is none, and nothing when there are several or
// it cannot be a slug.
func wantedSlug(values []string, isSlug func(string) bool) string {
	if len(values) == 0 {
		return ""
	}
	if len(values) > 1 || !isSlug(values[0]) {
		return nothing
	}
	return values[0]
}
