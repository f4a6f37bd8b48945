package secret_test

import (
	"bytes"
	"encoding/hex"
	"testing"

	"latchkey/keys/secret"
)

func TestSumIsSHA256(t *testing.T) {
	for content, want := range map[string]string{ // FIPS 180-4 examples
		"":    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"abc": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
	} {
		if got := hex.EncodeToString(secret.Sum([]byte(content)).Bytes()); got != want {
			t.Errorf("Sum(%q) = %s, want %s", content, got, want)
		}
	}
}

func TestDigestIsThatOfTheWholeText(t *testing.T) {
	v := secret.New(secret.KindSession)
	if !v.Digest().Equal(secret.Sum([]byte(v.Reveal()))) {
		t.Error("the digest is not that of the text")
	}
}

func TestDigestsAreEqualWhenEveryByteIs(t *testing.T) {
	d := secret.Sum([]byte("abc"))
	if !d.Equal(secret.Sum([]byte("abc"))) {
		t.Error("the same digest is not equal")
	}
	for at := range d {
		other := d
		other[at] ^= 1
		if d.Equal(other) {
			t.Errorf("equal although byte %d differs", at)
		}
	}
}

func TestDigestOfTakesExactly32Bytes(t *testing.T) {
	d := secret.Sum([]byte("abc"))
	back, err := secret.DigestOf(d.Bytes())
	if err != nil || !back.Equal(d) {
		t.Errorf("DigestOf = %x, %v; want %x", back, err, d)
	}
	for n := range 80 {
		if _, err := secret.DigestOf(make([]byte, n)); (err == nil) != (n == 32) {
			t.Errorf("DigestOf of %d bytes: %v", n, err)
		}
	}
	if _, err := secret.DigestOf(nil); err == nil {
		t.Error("DigestOf(nil) gives a digest")
	}
}

func TestBytesBelongToTheCaller(t *testing.T) {
	d := secret.Sum([]byte("abc"))
	b := d.Bytes()
	b[0] ^= 0xff
	if bytes.Equal(b, d.Bytes()) {
		t.Error("changing the bytes changed the digest")
	}
}
