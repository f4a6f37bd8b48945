package verifier

import (
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
)

// The paths that a Handler answers.
const (
	PathVerify     = "/v1/verify"
	PathIntrospect = "/v1/introspect"
)

// The headers that say who came in, as net/http spells them.
const (
	headerKeyID      = "X-Latchkey-Key-Id"
	headerAccount    = "X-Latchkey-Account"
	headerRoles      = "X-Latchkey-Roles"
	headerTokenState = "X-Latchkey-Token-State"
	headerRequestID  = "X-Request-Id"
)

var (
	valueCurrent  = []string{"current"}
	valueRetiring = []string{"retiring"}
)

// HandlerOptions say how requests are read and answered. The zero value is fit for use without a proxy.
type HandlerOptions struct {
	// KeyHeader and TokenHeader are the names of the headers that carry the pair. Empty, they are
	// keys.DefaultKeyHeader and keys.DefaultTokenHeader.
	KeyHeader, TokenHeader string
	// IdentityHeaders says that the answer to an accepted request tells which key, account and roles it
	// has, and its own id. Without them such an answer has no header of ours at all, which is faster.
	IdentityHeaders bool
	// Proxies are the only peers whose X-Forwarded-For is believed.
	Proxies []netip.Prefix
	// TrustUnix says that the peers of a Unix socket are proxies.
	TrustUnix bool
	// RefusalsPerMinute is how many verifications of one client address are refused in a minute before
	// the answer to more of them is 429. A right key never gets that. 0 means no limit.
	RefusalsPerMinute int
}

// Handler answers verifications over HTTP. It is safe for concurrent use.
type Handler struct {
	verifier *Verifier
	now      func() time.Time
	log      *slog.Logger
	// keyHeader and tokenHeader are as net/http spells them.
	keyHeader, tokenHeader string
	identity               bool
	clients                clients
	flood                  flood
	// A request's id is run, which no other process has, and its number.
	run      string
	requests atomic.Uint64
}

// NewHandler returns a handler that asks v.
func NewHandler(v *Verifier, o HandlerOptions) *Handler {
	return &Handler{
		verifier: v, now: v.options.Now, log: v.options.Log,
		keyHeader:   http.CanonicalHeaderKey(orElse(o.KeyHeader, keys.DefaultKeyHeader)),
		tokenHeader: http.CanonicalHeaderKey(orElse(o.TokenHeader, keys.DefaultTokenHeader)),
		identity:    o.IdentityHeaders, clients: newClients(o.Proxies, o.TrustUnix),
		flood: flood{limit: o.RefusalsPerMinute}, run: secret.NewNonce()[:runLength],
	}
}

// ServeHTTP answers PathVerify and PathAuthz, whatever the method, and POST PathIntrospect.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case PathVerify:
		h.serveVerify(w, r, readQuery(r.URL.RawQuery))
	case PathIntrospect:
		h.serveIntrospect(w, r)
	default:
		if isAuthz(r.URL.Path) {
			h.serveVerify(w, r, wanted(r.Header))
			return
		}
		problemNotFound.send(w, h.newRequestID())
	}
}

// serveVerify answers 204 or a refusal. It does not read the body.
func (h *Handler) serveVerify(w http.ResponseWriter, r *http.Request, q query) {
	verdict, from := h.judge(r, q)
	if verdict.Code != CodeValid {
		h.refuse(w, r, verdict.Code, refusalOf(verdict.Code, q.resource), from)
		return
	}
	if h.identity {
		h.introduce(w.Header(), verdict)
	}
	w.WriteHeader(http.StatusNoContent)
}

// judge verifies what a request presents, and says where it comes from, too.
func (h *Handler) judge(r *http.Request, q query) (Verdict, client) {
	from := h.clients.of(r)
	presented, code, ok := h.credentials(r.Header)
	if !ok {
		return h.missed(code), from
	}
	return h.verify(presented, q, from), from
}

// missed is the verdict on a request without credentials that could be verified. While there is no index
// nothing is verified, not even that.
func (h *Handler) missed(code Code) Verdict {
	if !h.verifier.State().Loaded {
		return Verdict{Code: CodeUnavailable}
	}
	return h.verifier.missed(code)
}

func (h *Handler) verify(presented credentials, q query, from client) Verdict {
	start := h.now()
	var a answer
	request := Request{Token: presented.token, Key: presented.key, Account: q.account, Resource: q.resource}
	h.verifier.verifyAt(start, &request, from.addr, &a)
	h.verifier.observe(h.now().Sub(start))
	return a.Verdict
}

// introduce says in headers who comes in. All of them are there each time, so that a proxy which copies
// them replaces what the caller sent under their names. The values that many requests have in common
// are shared, so nobody may change one in place.
func (h *Handler) introduce(header http.Header, verdict Verdict) {
	var text [maxKeyID + requestIDLength]byte
	id := verdict.key.appendID(text[:0], verdict.owner)
	both := string(h.appendRequestID(id))
	own := &[2]string{both[:len(id)], both[len(id):]}
	header["Cache-Control"] = valueNoStore
	header[headerKeyID], header[headerRequestID] = own[0:1:1], own[1:2:2]
	header[headerAccount], header[headerRoles] = verdict.guarded.header, verdict.roles.header
	header[headerTokenState] = valueCurrent
	if verdict.Retiring {
		header[headerTokenState] = valueRetiring
	}
}

// refuse answers with a problem, or with 429 when the client's address had too many refusals.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, code Code, p problem, from client) {
	id := h.newRequestID()
	if p.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	} else if h.flooded(from) {
		w.Header().Set("Retry-After", strconv.Itoa(minuteRest(h.now())))
		p = problemFlooded
	}
	h.logRefusal(r, id, code, p.status, from)
	p.send(w, id)
}

// flooded counts a refusal, and says whether there were too many from the address in this minute. The
// address of a proxy that does not say who its clients are stands for all of them, and is not limited.
func (h *Handler) flooded(from client) bool {
	if from.proxied && h.clients.trust(from.addr) {
		return false
	}
	count := h.flood.refused(from.addr, h.now())
	if h.flood.limit <= 0 || count <= h.flood.limit {
		return false
	}
	h.verifier.flooded()
	if count == h.flood.limit+1 {
		h.verifier.reportFlood(from.addr)
	}
	return true
}

// logRefusal logs what was refused. Nothing that the caller presented is in it but the path that a
// proxy was asked for, which decides nothing.
func (h *Handler) logRefusal(r *http.Request, id string, code Code, status int, from client) {
	ctx := r.Context()
	if !h.log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	ip := ""
	if from.addr.IsValid() {
		ip = from.addr.String()
	}
	h.log.DebugContext(ctx, "verification refused",
		"id", id, "verdict", code.String(), "status", status, "ip", ip, "path", forwardedPath(r.Header, from.proxied))
}

// maxLoggedPath is how much of a path is logged.
const maxLoggedPath = 256

// forwardedPath is the path that a proxy was asked for, as far as it may stand in a log: without the
// query, which can hold secrets, and in printable ASCII.
func forwardedPath(header http.Header, proxied bool) string {
	if !proxied {
		return ""
	}
	uri := orElse(header.Get("X-Original-Uri"), header.Get("X-Forwarded-Uri"))
	path, err := url.PathUnescape(beforeAny(uri, "?#"))
	if err != nil || !strings.HasPrefix(path, "/") {
		return ""
	}
	path = strings.Map(printable, secret.Redact(beforeAny(path, "?#")))
	return path[:min(len(path), maxLoggedPath)]
}

func printable(c rune) rune {
	if c < ' ' || c > '~' {
		return '.'
	}
	return c
}

// beforeAny is the text before the first of some characters.
func beforeAny(text, characters string) string {
	if i := strings.IndexAny(text, characters); i >= 0 {
		return text[:i]
	}
	return text
}

// The parts of a request's id. All ids are of one length, so that equal answers are.
const (
	runLength       = 12
	numberLength    = 12
	requestIDLength = runLength + 1 + numberLength
)

func (h *Handler) appendRequestID(to []byte) []byte {
	to = append(append(to, h.run...), '-')
	number := h.requests.Add(1)
	for digit := numberLength - 1; digit >= 0; digit-- {
		to = append(to, "0123456789abcdef"[number>>(4*digit)&15])
	}
	return to
}

func (h *Handler) newRequestID() string {
	var text [requestIDLength]byte
	return string(h.appendRequestID(text[:0]))
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
