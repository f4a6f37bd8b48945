// Package secret is the only place of Latchkey that handles secrets in the
// clear and the only one that imports crypto packages. This comment is the
// specification of what it writes and accepts; testdata/vectors.json holds the
// vectors.
//
// # Secrets
//
// Tokens, link secrets, session ids, setup codes and device cookies have one
// shape, so that one redaction rule and one scanner rule cover them all:
//
//	secret   = prefix body checksum            53 characters
//	prefix   = "lkt_" token | "lkl_" link | "lks_" session | "lku_" setup code | "lkd_" device
//	body     = 43 characters of the alphabet   43 * log2(62) = 256.03 bits
//	checksum = 6 characters of the alphabet
//	alphabet = 0-9 A-Z a-z, in this order      the value of a character is its place, 0 to 61
//
// The body comes from crypto/rand. A random byte of 248 or more is thrown away
// and any other gives the character at its remainder by 62, so that all
// characters are equally likely.
//
// The checksum is the CRC-32 (IEEE polynomial) of the ASCII of prefix and body,
// written in base 62, most significant digit first, padded on the left with "0"
// to six characters. It lets a scanner tell a leaked secret from noise and drops
// typing errors before the database is asked. It proves nothing: anyone can
// compute it.
//
// Parsing is strict. Nothing is trimmed, folded or repaired, every secret has
// exactly one spelling, and whatever differs from it gives [ErrMalformed].
//
// Only the SHA-256 digest of the whole text, prefix and checksum included, is
// ever stored. A slow hash would add nothing to 256 random bits and would let
// strangers burn the processor.
//
// Vectors:
//
//	lkt_000000000000000000000000000000000000000000021Giqy
//	lkt_zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz0EyGTl
//	lkt_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg3S93G3
//	lkl_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg2oVNmA
//
// The SHA-256 of the third is
// adb89950252aeb03b8f23cde0c381ac994a3c636e2a7ead143098306f7e2bef0.
//
// A [Value] prints, marshals and logs as its prefix, "…" and its last four
// characters. The text itself leaves it through [Value.Reveal] alone, so the
// places that show or send a secret are the callers of that one method.
// [Redact] is the second net, for text that others wrote.
//
// # Smaller random texts
//
//	form nonce   22 characters of the alphabet, 131 bits; [NewNonce]
//	key suffix   8 characters of Crockford's base 32 in upper case, not secret; [NewKeySuffix]
//	password     5 groups of 5 characters of Crockford's base 32 in lower case,
//	             joined by "-", 125 bits; [NewPassword]
//
// Crockford's base 32 is 0-9 and A-Z without I, L, O and U.
//
// # Passwords
//
// A password is hashed exactly as received, with no Unicode normalization: what
// was typed is what counts. The hash is Argon2id, version 19, with 19,456 KiB of
// memory, 2 passes, 1 lane, a salt of 16 random bytes and a key of 32 bytes. It
// is stored as
//
//	$argon2id$v=19$m=19456,t=2,p=1$<salt>$<key>
//
// with salt and key in standard base 64 without padding and every number in
// decimal without leading zeros. Hashes with other numbers are verified too and
// reported for rehashing when weaker, within these bounds: memory at most
// 128 MiB and at least 8 KiB a lane, 1 to 16 passes, 1 to 16 lanes, salt 8 to 64
// bytes, key 16 to 64 bytes. Outside of them the hash is refused before any work
// is done.
//
// A [Passwords] computes at most four hashes at a time and lets sixteen more
// callers wait for at most two seconds; the rest get [ErrBusy] at once, so that
// a flood of logins cannot take all memory and processors.
//
// [CheckPassword] holds the rules for new passwords.
package secret
