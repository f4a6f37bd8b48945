package verifier_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/keys/verifier"
	"latchkey/store"
)

// A service keeps a verifier over the installation's database and guards its own handlers with it.
func ExampleHandler_Require() {
	ctx := context.Background()
	db, token, end := exampleStore(ctx)
	defer end()

	v := verifier.New(db, db, verifier.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err := v.Load(ctx); err != nil {
		panic(err)
	}
	// A service runs v.Run until it ends, to follow the changes that admins make.

	orders := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, _ := verifier.IdentityOf(r.Context())
		_, _ = fmt.Fprintln(w, "orders for a key of", caller.Account, "with the roles", caller.Roles)
	})
	guard := verifier.NewHandler(v, verifier.HandlerOptions{RefusalsPerMinute: verifier.DefaultRefusalsPerMinute})
	mux := http.NewServeMux()
	mux.Handle("GET /orders", guard.Require("orders.read")(orders))
	mux.Handle("POST /orders", guard.Require("orders.write")(orders))

	for _, call := range []struct{ method, token string }{{"GET", token}, {"POST", token}, {"GET", "lkt_guessed"}} {
		r := httptest.NewRequest(call.method, "/orders", nil)
		r.Header.Set("Authorization", "Bearer "+call.token)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		if w.Code == http.StatusOK {
			fmt.Print(w.Code, " ", w.Body.String())
			continue
		}
		fmt.Println(w.Code, w.Header().Get("WWW-Authenticate"))
	}
	// Output:
	// 200 orders for a key of acme with the roles [orders-viewer]
	// 403 Bearer realm="latchkey", error="insufficient_scope", scope="orders.write"
	// 401 Bearer realm="latchkey", error="invalid_token"
}

// exampleStore is a database with one account and one key, whose token it returns, until end is called.
func exampleStore(ctx context.Context) (db *store.Store, token string, end func()) {
	folder, err := os.MkdirTemp("", "latchkey-example-")
	if err != nil {
		panic(err)
	}
	db, err = store.Open(ctx, filepath.Join(folder, "latchkey.db"), store.Options{Now: time.Now})
	if err != nil {
		panic(err)
	}
	account, _, err := db.CreateAccount(ctx, keys.Command("example"), store.NewAccount{
		Slug: "acme", Zone: "UTC", Email: "ana@acme.example", PasswordPHC: "$argon2id$v=19$m=19456,t=2,p=1$of-an-example$of-an-example",
	})
	if err != nil {
		panic(err)
	}
	made, err := db.GenerateKey(ctx, keys.Command("example").In(account), store.NewKey{
		Name: "a shop", Roles: []string{"orders-viewer"}, Nonce: secret.NewNonce(),
	})
	if err != nil {
		panic(err)
	}
	return db, made.Token.Reveal(), func() {
		_ = db.Close()
		_ = os.RemoveAll(folder)
	}
}
