package main

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// verified runs latchkey audit verify of the real binary on a folder.
func verified(t *testing.T, folder string) (output string, failed bool) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), binary(t), "audit", "verify", "--data", folder).CombinedOutput()
	return string(out), err != nil
}

func TestAuditVerifyNamesTheDamage(t *testing.T) {
	tests := []struct {
		name   string
		damage []string
		words  []string
	}{
		{"changed field", []string{`UPDATE audit SET actor = 'mallory@evil.example' WHERE seq = 3`}, []string{"row 3 was changed: actor"}},
		{"deleted row", []string{`DELETE FROM audit WHERE seq = 3`}, []string{"row 3 is missing"}},
		{"two swapped rows", []string{
			`UPDATE audit SET seq = -3 WHERE seq = 3`, `UPDATE audit SET seq = 3 WHERE seq = 4`, `UPDATE audit SET seq = 4 WHERE seq = -3`,
		}, []string{"rows 3 and 4 were swapped"}},
		{"cut tail", []string{`DELETE FROM audit WHERE seq > (SELECT max(seq) - 2 FROM audit)`}, []string{"rows 5 to 6 are missing"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			folder := initialised(t)
			for range 4 {
				cli(t, "", "user", "unlock", "ana@acme.example", "--data", folder).ok(t)
			}
			if out, failed := verified(t, folder); failed || !strings.Contains(out, "whole") {
				t.Fatalf("an untouched audit log was called damaged: %s", out)
			}
			sqlDo(t, folder, tt.damage...)
			out, failed := verified(t, folder)
			if !failed {
				t.Errorf("the damage was not seen: %s", out)
			}
			for _, word := range tt.words {
				if !strings.Contains(out, word) {
					t.Errorf("the output does not name %q: %s", word, out)
				}
			}
		})
	}
}

// TestAuditVerifyChecksAKeptHead: what it prints can be given back to it, and what is no head is not
// taken for one that does not fit.
func TestAuditVerifyChecksAKeptHead(t *testing.T) {
	folder := initialised(t)
	out, failed := verified(t, folder)
	head := regexp.MustCompile(`(?m)^\d+:[0-9a-f]{64}$`).FindString(out)
	if failed || head == "" {
		t.Fatalf("no head: %s", out)
	}
	cli(t, "", "user", "unlock", "ana@acme.example", "--data", folder).ok(t)
	cli(t, "", "audit", "verify", "--data", folder, "--head", head).ok(t)
	forged := cli(t, "", "audit", "verify", "--data", folder, "--head", "2:"+strings.Repeat("0", 64))
	if forged.code == 0 || !strings.Contains(forged.stdout, "written anew") {
		t.Errorf("another head: exit code %d, %q", forged.code, forged.stdout)
	}
	for _, typo := range []string{head + ".", head[:len(head)-1], "5:abc", "x", ":", "0" + head[strings.Index(head, ":"):]} {
		cli(t, "", "audit", "verify", "--data", folder, "--head", typo).misused(t, "is not a head", "nothing was checked")
	}
}
