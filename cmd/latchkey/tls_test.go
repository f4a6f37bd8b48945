package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// certificate writes a certificate for 127.0.0.1 that signs itself, and its key.
func certificate(t *testing.T) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "latchkey test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	certFile, keyFile = filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: cert}, keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	parsed, err := x509.ParseCertificate(cert)
	if err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AddCert(parsed)
	return certFile, keyFile, pool
}

func TestServeSpeaksHTTPSWithACertificate(t *testing.T) {
	certFile, keyFile, pool := certificate(t)
	p := start(t, "serve", "--listen", "127.0.0.1:0", "--data", initialised(t), "--tls-cert", certFile, "--tls-key", keyFile)
	address := p.line(`is served on (https://127\.0\.0\.1:\d+)$`)
	b := newBrowser(t, address)
	b.http.Transport = &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	b.signIn("ana@acme.example", goodPassword)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/login", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := b.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if hsts := answer.Header.Get("Strict-Transport-Security"); !strings.HasPrefix(hsts, "max-age=") {
		t.Errorf("Strict-Transport-Security is %q; want it set over https", hsts)
	}
	p.stop()
}

// TestTheVerifyListenerSpeaksHTTPSAsTheMainOneDoes, but for a socket, which does not leave the machine.
func TestTheVerifyListenerSpeaksHTTPSAsTheMainOneDoes(t *testing.T) {
	certFile, keyFile, pool := certificate(t)
	folder, all := guarded(t, 1)
	p := start(t, "serve", "--listen", "127.0.0.1:0", "--data", folder, "--tls-cert", certFile, "--tls-key", keyFile, "--verify-listen", "127.0.0.1:0")
	for range 2 {
		c := newCaller(t, strings.TrimSuffix(p.line(`^Tokens are verified at (https://127\.0\.0\.1:\d+/v1/verify)$`), "/v1/verify"))
		c.http.Transport = &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
		eventually(t, "the index is loaded", func() bool { return c.get("/readyz", nil).status == http.StatusOK })
		c.get("/v1/verify", all[0].pair()).is(t, http.StatusNoContent)
	}
	p.stop()
	path := socketPath(t)
	p = start(t, "serve", "--listen", "127.0.0.1:0", "--data", folder, "--tls-cert", certFile, "--tls-key", keyFile, "--verify-listen", "unix:"+path)
	p.line(`^Tokens are verified on (unix:\S+)$`)
	c := newSocketCaller(t, path)
	eventually(t, "the index is loaded", func() bool { return c.get("/readyz", nil).status == http.StatusOK })
	c.get("/v1/verify", all[0].pair()).is(t, http.StatusNoContent)
	p.stop()
}
