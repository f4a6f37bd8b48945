package main

import (
	"context"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"latchkey/keys"
	"latchkey/keys/verifier"
	"latchkey/web"
)

// pathVerification is above everything that is answered to programs that guard an API.
const pathVerification = "/v1/"

// newVerifier makes the verifier of an instance. From now on the store's changes wait for it.
func newVerifier(s settings, inst *instance, now func() time.Time, log *slog.Logger) *verifier.Verifier {
	v := verifier.New(inst.store, inst.store, verifier.Options{
		Now: now, SinceBoot: sinceBoot(), Log: log, Account: s.verify.account, MaxStaleness: s.verify.staleness,
	})
	inst.verifier.Store(v)
	return v
}

func verifyHandler(s settings, v *verifier.Verifier) http.Handler {
	return verifier.NewHandler(v, verifier.HandlerOptions{
		KeyHeader: s.verify.keyHeader, TokenHeader: s.verify.tokenHeader, IdentityHeaders: s.verify.identity,
		Proxies: s.proxies, TrustUnix: s.verify.trustUnix, RefusalsPerMinute: s.verify.refusals,
	})
}

// doorsOf says what answers on which listener: pages and verification on the main one, verification and
// health on that of verification.
func doorsOf(s settings, l listeners, v *verifier.Verifier, nodes *nodeList, pages http.Handler) []door {
	verify := verifyHandler(s, v)
	doors := []door{{l.main, either(isVerification, verify, pages), s.tls()}}
	if l.verify != nil {
		doors = append(doors, door{l.verify, either(isHealth, pages, verify), s.tls() && s.verify.socket == ""})
	}
	if l.metrics != nil {
		doors = append(doors, door{l.metrics, newMetrics(func() measures { return nodes.measure(v.Stats()) }), false})
	}
	return doors
}

// either asks one handler for the paths that are its own, and other for the rest.
func either(own func(path string) bool, one, other http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if own(r.URL.Path) {
			one.ServeHTTP(w, r)
		} else {
			other.ServeHTTP(w, r)
		}
	})
}

func isVerification(path string) bool { return strings.HasPrefix(path, pathVerification) }

func isHealth(path string) bool { return path == "/healthz" || path == "/livez" || path == "/readyz" }

// follow loads the verifier's index, and keeps it current and its counts written until ctx ends. What
// cannot be loaded is tried again by Run.
func follow(ctx context.Context, v *verifier.Verifier, log *slog.Logger) {
	err := v.Load(ctx)
	switch {
	case err == nil:
		stats := v.Stats()
		log.Info("verification index loaded", "keys", stats.Keys, "bytes", stats.Bytes)
		debug.FreeOSMemory() // which to load took, and to verify does not
	case ctx.Err() == nil:
		log.Error("the verification index could not be loaded", "error", err)
	}
	v.Run(ctx)
}

// health is what /healthz and /readyz tell about verification and about the nodes, of which this one has a name.
func health(stopping context.Context, v *verifier.Verifier, nodes *nodeList, name string) func() web.Health {
	return func() web.Health {
		stats := v.Stats()
		h := web.Health{
			Loaded: stats.Loaded, Current: stats.Current, Age: stats.Age, MaxStaleness: stats.Bound,
			Applied: stats.Mark, ClockOffset: stats.ClockOffset, Forks: stats.Forks, LostRevocations: stats.LostRevocations,
			UsageWaits: stats.FlushFailing, Reviews: stats.Reviews, Stopping: stopping.Err() != nil,
		}
		if nodes.store.Shared() {
			h.Node = name
			h.Nodes, h.NodesAge = nodes.last()
		}
		return h
	}
}

// warnOfAccount says that --verify-account names nobody. The account may still be created.
func warnOfAccount(ctx context.Context, s settings, inst *instance, log *slog.Logger) error {
	if s.verify.account == "" {
		return nil
	}
	accounts, err := inst.store.Accounts(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(accounts, func(a keys.Account) bool { return a.Slug == s.verify.account }) {
		log.Warn("--verify-account names no account: until there is one, every verification that names none is refused", "account", s.verify.account)
	}
	return nil
}
