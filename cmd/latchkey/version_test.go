package main

import (
	"os/exec"
	"regexp"
	"testing"
)

func TestVersionOfTheRealBinary(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), binary(t), "version").CombinedOutput()
	if err != nil || !regexp.MustCompile(`^latchkey v0\.0\.0-test \(go1\.\d+\S*\)\n$`).Match(out) {
		t.Errorf("latchkey version printed %q, %v", out, err)
	}
}

func TestVersionWithoutALinkerFlag(t *testing.T) {
	if out := cli(t, "", "version").ok(t).stdout; !regexp.MustCompile(`^latchkey \S+ \(go1\.\d+\S*\)\n$`).MatchString(out) {
		t.Errorf("latchkey version printed %q", out)
	}
}
