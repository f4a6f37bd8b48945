package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"latchkey/keys/secret"
	"latchkey/store/storetest"
)

func TestARollingRestartFailsNoRequest(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: 20,000 requests through nginx")
	}
	const clients, enough = 64, 20_000
	cluster := storetest.NewCluster(t)
	all := newDatabase(t, cluster.URL("postgres"), 1)
	b := balance(t, cluster.URL("postgres"))
	var answered, posts, again, failed atomic.Int64
	var over atomic.Bool
	var work sync.WaitGroup
	transport := &http.Transport{MaxIdleConnsPerHost: clients}
	defer transport.CloseIdleConnections()
	send := func(method, path, body string) (int, error) {
		r, err := http.NewRequestWithContext(t.Context(), method, b.url+path, strings.NewReader(body))
		if err != nil {
			return 0, err
		}
		r.Header = all[0].bearer()
		if method == http.MethodPost {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		address, _ := url.Parse(b.url)
		for _, cookie := range b.admin.http.Jar.Cookies(address) {
			r.AddCookie(cookie)
		}
		answer, err := transport.RoundTrip(r)
		if err != nil {
			return 0, err
		}
		defer func() { _ = answer.Body.Close() }()
		_, err = io.Copy(io.Discard, answer.Body)
		return answer.StatusCode, err
	}
	fails := func(what string, status int, err error) {
		failed.Add(1)
		t.Errorf("%s answered %d, %v", what, status, err)
	}
	for i := range clients {
		work.Go(func() {
			for n := 0; !over.Load(); n++ {
				answered.Add(1)
				switch (i + n) % 100 {
				case 0:
					form := url.Values{"name": {"Rolled"}, "nonce": {secret.NewNonce()}}.Encode()
					status, err := send(http.MethodPost, pathNew, form)
					if err != nil || status != http.StatusOK {
						again.Add(1)
						if status, err = send(http.MethodPost, pathNew, form); status == http.StatusSeeOther {
							status = http.StatusOK // it was done the first time, and is shown once
						}
					}
					if posts.Add(1); err != nil || status != http.StatusOK {
						fails("a form, sent twice,", status, err)
					}
				case 1:
					if status, err := send(http.MethodGet, pathList, ""); err != nil || status != http.StatusOK {
						fails("the list", status, err)
					}
				default:
					if status, err := send(http.MethodGet, "/v1/verify", ""); err != nil || status != http.StatusNoContent {
						fails("a verification", status, err)
					}
				}
			}
		})
	}
	rounds := 0
	for ; rounds < 2 || answered.Load() < enough; rounds++ {
		for _, n := range b.nodes {
			n.stop()
			n.start()
		}
	}
	over.Store(true)
	work.Wait()
	made := cluster.Text("postgres", `SELECT count(*)::text FROM api_key WHERE name = 'Rolled'`)
	t.Logf("note: rolling restart of 2 nodes under %d clients through nginx, %d rounds: %d requests, %d failed; %d forms, %d of them sent again, %s keys made",
		clients, rounds, answered.Load(), failed.Load(), posts.Load(), again.Load(), made)
	if made != fmt.Sprint(posts.Load()) {
		t.Errorf("%d forms were answered, and %s keys made", posts.Load(), made)
	}
}
