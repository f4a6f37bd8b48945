package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

// linkOf is a link that waits, with its secret.
type linkOf struct {
	key          keys.KeyID
	path, secret string
}

// TestALinkIsNeverOpenedTwiceWhateverBreaks opens links while the server is killed, each a little later than
// the one before, and by clients that hang up after their POST. Then each link is opened twice more: no token
// is ever shown twice, the log has one opening for each, and the key's page tells the sender.
func TestALinkIsNeverOpenedTwiceWhateverBreaks(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: it starts a server for each link")
	}
	const kills, hangUps = 24, 8
	folder, _ := guarded(t, 1)
	links := linksThatWait(t, folder, kills+hangUps)
	first := make([]bool, len(links))
	for i, link := range links[:kills] {
		s := serveFolder(t, folder, "--log-level", "error")
		answer := make(chan string, 1)
		go func() { answer <- openOnce(s.url, link) }()
		<-time.After(time.Duration(i) * 400 * time.Microsecond)
		s.signal(syscall.SIGKILL)
		s.exitCode()
		first[i] = strings.Contains(<-answer, "lkt_")
	}
	s := serveFolder(t, folder, "--log-level", "error")
	for _, link := range links[kills:] {
		hangUp(t, s.url, link)
	}
	shown, lost := 0, 0
	for i, link := range links {
		second := strings.Contains(openOnce(s.url, link), "lkt_")
		if third := openOnce(s.url, link); strings.Contains(third, "lkt_") || !strings.Contains(third, "already used") {
			t.Errorf("link %d, opened again, answers %s", i, third)
		}
		if first[i] && second {
			t.Errorf("link %d showed its token twice", i)
		}
		switch {
		case first[i]:
			shown++
		case !second:
			lost++
		}
	}
	admin := newAdmin(t, s)
	for i, link := range links {
		if page := words(document(t, admin.get(pathList+"/"+string(link.key))), "main"); !strings.Contains(page, "The single-access link was opened on") {
			t.Errorf("the sender of link %d is not told: %s", i, page)
		}
	}
	s.stop()
	db := rawDB(t, folder)
	for i, link := range links {
		if n := column(t, db, `SELECT COUNT(*) FROM audit WHERE action = 'link.opened' AND object_id = '`+string(link.key)+`'`); n != "1" {
			t.Errorf("link %d was opened %s times, says the log", i, n)
		}
	}
	t.Logf("note: of %d links whose opening was broken, %d had shown the token and %d were used up unseen", len(links), shown, lost)
}

// linksThatWait makes keys, each with a link.
func linksThatWait(t *testing.T, folder string, n int) (links []linkOf) {
	t.Helper()
	inStore(t, folder, func(s *store.Store, by keys.Actor) {
		for i := range n {
			made, err := s.GenerateKey(t.Context(), by, store.NewKey{Name: fmt.Sprintf("By link %d", i), Nonce: secret.NewNonce(), ByLink: true})
			if err != nil {
				t.Fatal(err)
			}
			links = append(links, linkOf{made.Key.ID, "/credentials/" + made.Key.Link.ID, made.LinkSecret.Reveal()})
		}
	})
	return links
}

// openOnce is the answer to the POST that opens a link, as far as it came.
func openOnce(base string, link linkOf) string {
	answer, err := http.PostForm(base+link.path, url.Values{"secret": {link.secret}}) //nolint:noctx // the test's own server, which is killed meanwhile
	if err != nil {
		return err.Error()
	}
	defer func() { _ = answer.Body.Close() }()
	body, _ := io.ReadAll(answer.Body)
	return string(body)
}

// hangUp sends the POST that opens a link and waits for no answer.
func hangUp(t *testing.T, base string, link linkOf) {
	t.Helper()
	host := strings.TrimPrefix(base, "http://")
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"secret": {link.secret}}.Encode()
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", link.path, host, len(form), form)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
}
