package verifier

import (
	"encoding/json"
	"net/http"
	"strings"
)

// problem is a refusal as it is told over HTTP: its status, and a body of RFC 9457.
type problem struct {
	status int
	// code names the problem for programs; with dashes it is the end of the problem's type.
	code, title string
	// detail is a sentence about this case, or empty when the caller is told nothing more.
	detail string
	// challenge is the value of WWW-Authenticate, or empty for a problem that no other credentials mend.
	challenge string
}

const realm = `Bearer realm="latchkey"`

// The refusals of a verification. What an unknown token gets, a deleted one gets too, and one that
// belongs to another key or to another account: whoever guesses learns nothing.
var (
	problemMissing = problem{
		status: http.StatusUnauthorized, code: "no_credentials", title: "No API credential", challenge: realm,
	}
	problemMalformed = problem{
		status: http.StatusUnauthorized, code: "invalid_request", title: "Incomplete or ambiguous API credential",
		challenge: realm + `, error="invalid_request"`,
	}
	problemUnknown  = invalidToken("", "")
	problemInactive = invalidToken("inactive", "The key is inactive.")
	problemExpired  = invalidToken("expired", "The token has expired.")
	problemRotated  = invalidToken("rotated", "The token was replaced or taken back.")
	problemScope    = problem{
		status: http.StatusForbidden, code: "insufficient_scope", title: "The key may not do this",
		challenge: realm + `, error="insufficient_scope"`,
	}
	problemFlooded = problem{
		status: http.StatusTooManyRequests, code: "too_many_refusals", title: "Too many requests from this address were refused",
	}
	problemUnavailable = problem{
		status: http.StatusServiceUnavailable, code: "unavailable", title: "Credentials cannot be checked at the moment",
	}
)

// The refusals of a request that is none of a verification.
var (
	problemNotFound = problem{status: http.StatusNotFound, code: "not_found", title: "There is nothing here"}
	problemMethod   = problem{status: http.StatusMethodNotAllowed, code: "method_not_allowed", title: "This address takes POST"}
	problemTooLarge = problem{status: http.StatusRequestEntityTooLarge, code: "too_large", title: "The body is too large"}
	problemMedia    = problem{
		status: http.StatusUnsupportedMediaType, code: "unsupported_media_type", title: "The body is of another type",
		detail: "It must be application/x-www-form-urlencoded or application/json.",
	}
	problemBody = problem{
		status: http.StatusBadRequest, code: "invalid_body", title: "The body cannot be read",
		detail: "It must hold one token, at most one key and at most one resource, each of them a text.",
	}
)

// invalidToken is the refusal of a token. A reason is told to whoever holds the right secret only.
func invalidToken(reason, detail string) problem {
	p := problem{
		status: http.StatusUnauthorized, code: "invalid_token", title: "Invalid API credential", detail: detail,
		challenge: realm + `, error="invalid_token"`,
	}
	if reason != "" {
		p.challenge += `, error_description="` + reason + `"`
	}
	return p
}

// refusalOf is the refusal of a verdict. The resource is the one that was asked for.
func refusalOf(code Code, resource string) problem {
	switch code {
	case CodeMissing:
		return problemMissing
	case CodeMalformed:
		return problemMalformed
	case CodeUnknown, CodeDeleted:
		return problemUnknown
	case CodeInactive:
		return problemInactive
	case CodeExpired:
		return problemExpired
	case CodeRotated:
		return problemRotated
	case CodeForbidden:
		return lacking(resource)
	default:
		return problemUnavailable
	}
}

// lacking names the resource that is not granted. It is the only text of a request that an answer holds,
// and has the shape of a slug.
func lacking(resource string) problem {
	p := problemScope
	if isResource(resource) {
		p.challenge += `, scope="` + resource + `"`
		p.detail = "It lacks the permission " + resource + "."
	}
	return p
}

// Values of headers that all answers share. Nobody may change one in place.
var (
	valueNoStore     = []string{"no-store"}
	valueNoSniff     = []string{"nosniff"}
	valueNoSources   = []string{"default-src 'none'; frame-ancestors 'none'"}
	valueJSON        = []string{"application/json"}
	valueProblemJSON = []string{"application/problem+json"}
)

// problemText is the body of a problem.
type problemText struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Code      string `json:"code"`
	Detail    string `json:"detail,omitempty"`
	RequestID string `json:"request_id"`
}

// send answers with a problem.
func (p problem) send(w http.ResponseWriter, requestID string) {
	if p.challenge != "" {
		w.Header()["Www-Authenticate"] = []string{p.challenge}
	}
	sendJSON(w, p.status, valueProblemJSON, requestID, problemText{
		Type: "/problems/" + strings.ReplaceAll(p.code, "_", "-"), Title: p.title, Status: p.status, Code: p.code,
		Detail: p.detail, RequestID: requestID,
	})
}

// sendJSON answers with a body that nobody may keep, interpret or frame.
func sendJSON(w http.ResponseWriter, status int, contentType []string, requestID string, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // a struct of texts and numbers can always be written
	}
	h := w.Header()
	h["Cache-Control"], h["Content-Type"] = valueNoStore, contentType
	h["X-Content-Type-Options"], h["Content-Security-Policy"] = valueNoSniff, valueNoSources
	h[headerRequestID] = []string{requestID}
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // a caller that went away is nothing to act on
}
