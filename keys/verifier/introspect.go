package verifier

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"latchkey/keys"
)

// maxIntrospectBody is how long a body may be.
const maxIntrospectBody = 4 << 10

// serveIntrospect tells a key that holds keys.IntrospectTokens what a token is in its own account: that of one
// of the account's keys, or of a key of another account that it gave roles to. Asking
// is no use of the asked token, but one of the caller's.
func (h *Handler) serveIntrospect(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		problemMethod.send(w, h.newRequestID())
		return
	}
	caller, from := h.judgeCaller(r)
	if caller.Code != CodeValid {
		h.refuse(w, r, caller.Code, callerRefusal(caller.Code), from)
		return
	}
	asked, wrong := readAsked(w, r)
	if wrong != nil {
		wrong.send(w, h.newRequestID())
		return
	}
	asked.Account = caller.Account()
	verdict := h.verifier.Ask(asked)
	if verdict.Code == CodeUnavailable {
		h.refuse(w, r, verdict.Code, problemUnavailable, from)
		return
	}
	sendJSON(w, http.StatusOK, valueJSON, h.newRequestID(), introspectionOf(verdict))
}

// judgeCaller verifies who asks. A pair would be read as what is asked about, so it is no credential here.
func (h *Handler) judgeCaller(r *http.Request) (Verdict, client) {
	from := h.clients.of(r)
	presented, code, ok := h.credentials(r.Header)
	if ok && presented.key != "" {
		code, ok = CodeMissing, false
	}
	if !ok {
		return h.missed(code), from
	}
	return h.verify(presented, query{account: OwnAccount, resource: keys.IntrospectTokens}, from), from
}

// callerRefusal is the refusal of who asks. It does not name the resource: it is always the same.
func callerRefusal(code Code) problem {
	p := refusalOf(code, "")
	if code == CodeMalformed {
		p.status = http.StatusBadRequest
	}
	return p
}

// readAsked reads the body: which token it is about, and whether it belongs to a key and may use a
// resource.
func readAsked(w http.ResponseWriter, r *http.Request) (Request, *problem) {
	read, known := bodyReaders[mediaType(r.Header)]
	if !known {
		return Request{}, &problemMedia
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxIntrospectBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return Request{}, &problemTooLarge
	}
	if err != nil {
		return Request{}, &problemBody
	}
	fields, err := read(string(body))
	if err != nil {
		return Request{}, &problemBody
	}
	asked, ok := fields.request()
	if !ok {
		return Request{}, &problemBody
	}
	return asked, nil
}

var bodyReaders = map[string]func(body string) (fields, error){
	"application/x-www-form-urlencoded": formFields,
	"application/json":                  jsonFields,
}

func mediaType(header http.Header) string {
	t, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return t
}

// fields are the values of a body by their names. Names that are not known are none of our business.
type fields map[string][]string

const (
	fieldToken    = "token"
	fieldKey      = "key"
	fieldResource = "resource"
)

func isField(name string) bool {
	return name == fieldToken || name == fieldKey || name == fieldResource
}

// request is what is asked. A key or a token that is there has a text; a resource that cannot be one is
// granted to nobody.
func (f fields) request() (Request, bool) {
	tokens, ids, resources := f[fieldToken], f[fieldKey], f[fieldResource]
	if len(tokens) != 1 || len(ids) > 1 || len(resources) > 1 || tokens[0] == "" {
		return Request{}, false
	}
	asked := Request{Token: tokens[0]}
	if len(ids) == 1 {
		if asked.Key = ids[0]; asked.Key == "" {
			return Request{}, false
		}
	}
	if len(resources) == 1 {
		if asked.Resource = resources[0]; !isResource(asked.Resource) {
			asked.Resource = nothing
		}
	}
	return asked, true
}

func formFields(body string) (fields, error) {
	values, err := url.ParseQuery(body)
	return fields(values), err
}

var errNotFields = errors.New("not an object of texts")

// jsonFields reads an object by its members, because encoding/json would take the last one of a name that
// comes twice, and names in any case.
func jsonFields(body string) (fields, error) {
	decoder := json.NewDecoder(strings.NewReader(body))
	if first, err := decoder.Token(); err != nil || first != json.Delim('{') {
		return nil, errNotFields
	}
	f := fields{}
	for decoder.More() {
		if err := f.readMember(decoder); err != nil {
			return nil, err
		}
	}
	if _, err := decoder.Token(); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errNotFields
	}
	return f, nil
}

func (f fields) readMember(decoder *json.Decoder) error {
	name, err := decoder.Token()
	if err != nil {
		return err
	}
	var value any
	if err := decoder.Decode(&value); err != nil {
		return err
	}
	member, _ := name.(string)
	if !isField(member) {
		return nil
	}
	text, ok := value.(string)
	if !ok {
		return errNotFields
	}
	f[member] = append(f[member], text)
	return nil
}

// introspection is the answer about a token. Of one that is not known there is nothing to tell but that.
type introspection struct {
	Active bool   `json:"active"`
	Code   string `json:"code"`
	*introduced
}

// introduced is what there is to tell about a token that is known.
type introduced struct {
	Key       keys.KeyID `json:"key"`
	Account   string     `json:"account"`
	Roles     []string   `json:"roles"`
	Resources []string   `json:"resources"`
	// ExpiresAt and TokenState are null for a token that has ended, and ExpiresAt for one that does not
	// expire.
	ExpiresAt  *time.Time `json:"expires_at"`
	TokenState *string    `json:"token_state"`
}

func introspectionOf(verdict Verdict) introspection {
	told := introspection{Active: verdict.Code == CodeValid, Code: verdict.Code.String()}
	if verdict.Code == CodeUnknown {
		return told
	}
	told.introduced = &introduced{
		Key: verdict.KeyID(), Account: verdict.Account(),
		Roles: orEmpty(verdict.Roles()), Resources: orEmpty(verdict.Resources()),
	}
	if verdict.Code == CodeRotated || verdict.Code == CodeDeleted {
		return told
	}
	if expiry, ends := verdict.Expiry(); ends {
		expiry = expiry.UTC()
		told.ExpiresAt = &expiry
	}
	state := valueCurrent[0]
	if verdict.Retiring {
		state = valueRetiring[0]
	}
	told.TokenState = &state
	return told
}

// orEmpty is a list that JSON writes as one, also when there is nothing in it.
func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
