package verifier

import (
	"net/http"
	"strings"

	"latchkey/keys/secret"
)

// This file reads what a request presents. The rules are:
//
//   - A request presents one shape, the pair of headers or a Bearer token, with one value in each header.
//     Everything else is malformed. Whoever took the first of two values would take one that a proxy
//     in front, which took the last, never saw.
//   - An Authorization value is ours when it is a Bearer token with the prefix of our tokens. Any other
//     belongs to the application: beside a pair it is ignored, alone it counts as no credentials.
//   - Nothing is trimmed or repaired. A header of more than 128 bytes needs no rule of its own: no token
//     and no key is that long, so it is junk, and junk is not even hashed.
//   - The query, cookies and the body are never looked at.

const headerAuthorization = "Authorization"

// credentials is what a request presents: a token, and the key's id beside it unless it came as Bearer.
type credentials struct{ key, token string }

// credentials reads the headers of a request. When it returns false, the code says what is wrong.
func (h *Handler) credentials(header http.Header) (credentials, Code, bool) {
	keyValues, tokenValues := header[h.keyHeader], header[h.tokenHeader]
	if len(keyValues)+len(tokenValues) == 0 {
		return bearerCredentials(header[headerAuthorization])
	}
	if len(keyValues) != 1 || len(tokenValues) != 1 || anyBearer(header[headerAuthorization]) {
		return credentials{}, CodeMalformed, false
	}
	c := credentials{key: keyValues[0], token: tokenValues[0]}
	if c.key == "" || c.token == "" || isList(c.key) || isList(c.token) {
		return credentials{}, CodeMalformed, false
	}
	return c, CodeValid, true
}

func bearerCredentials(values []string) (credentials, Code, bool) {
	if !anyBearer(values) {
		return credentials{}, CodeMissing, false
	}
	token, _ := bearer(values[0])
	if len(values) != 1 || isList(token) {
		return credentials{}, CodeMalformed, false
	}
	return credentials{token: token}, CodeValid, true
}

// bearer returns what follows the scheme and one space in an Authorization value, and whether the value
// is ours. A further space stays in the token, which is junk then.
func bearer(value string) (token string, ours bool) {
	const scheme = "Bearer "
	if len(value) < len(scheme) || !strings.EqualFold(value[:len(scheme)], scheme) {
		return "", false
	}
	token = value[len(scheme):]
	return token, strings.HasPrefix(strings.TrimLeft(token, " "), string(secret.KindToken))
}

func anyBearer(values []string) bool {
	for _, value := range values {
		if _, ours := bearer(value); ours {
			return true
		}
	}
	return false
}

// isList says whether a value holds several, as a proxy writes them that joins equal headers.
func isList(value string) bool { return strings.IndexByte(value, ',') >= 0 }
