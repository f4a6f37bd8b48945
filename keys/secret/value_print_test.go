package secret_test

import (
	"bytes"
	"database/sql/driver"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"html/template"
	"log"
	"log/slog"
	"strings"
	"testing"

	"latchkey/keys/secret"
)

const redacted = "lkt_…93G3"

// holder holds a value where fmt can and where it cannot call its methods.
type holder struct {
	Shown  secret.Value
	hidden secret.Value
	point  *secret.Value
	list   []secret.Value
	byName map[string]secret.Value
	any    any
}

type document struct{ V secret.Value }

func sampleValue(t *testing.T) secret.Value {
	t.Helper()
	v, err := secret.Parse(secret.KindToken, sampleToken)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// noLeak fails the test when any eight characters in a row of the sample's body
// are in text, plain or in another dress.
func noLeak(t *testing.T, what, text string) {
	t.Helper()
	body := sampleToken[4:49]
	for at := 0; at+8 <= len(body); at++ {
		part := []byte(body[at : at+8])
		for _, dress := range []string{
			string(part), hex.EncodeToString(part), fmt.Sprintf("% x", part), strings.Trim(fmt.Sprintf("%d", part), "[]"),
			base64.RawStdEncoding.EncodeToString(part[:6]),
		} {
			if strings.Contains(strings.ToLower(text), strings.ToLower(dress)) {
				t.Errorf("%s shows %q in %q", what, dress, text)
				return
			}
		}
	}
}

func TestEveryVerbPrintsTheRedactedForm(t *testing.T) {
	v := sampleValue(t)
	for _, verb := range []string{"%v", "%+v", "%s", "%x", "%X", "%d", "%o", "%b", "%c", "%U", "%t", "%e", "%100s", "%.60s"} {
		if got := fmt.Sprintf(verb, v); got != redacted {
			t.Errorf("%s prints %q", verb, got)
		}
	}
	if got, want := fmt.Sprintf("%q", v), `"`+redacted+`"`; got != want {
		t.Errorf("%%q prints %s, want %s", got, want)
	}
	if got, want := fmt.Sprintf("%#v", v), `secret.Value("`+redacted+`")`; got != want {
		t.Errorf("%%#v prints %s, want %s", got, want)
	}
	if v.String() != redacted || v.GoString() != `secret.Value("`+redacted+`")` {
		t.Errorf("String %q, GoString %q", v.String(), v.GoString())
	}
}

func TestPrintingWhatHoldsASecretDoesNotShowIt(t *testing.T) {
	v := sampleValue(t)
	h := holder{v, v, &v, []secret.Value{v}, map[string]secret.Value{"k": v}, v}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%c"} {
		for name, what := range map[string]any{"value": v, "pointer": &v, "struct": h, "struct pointer": &h} {
			noLeak(t, verb+" of "+name, fmt.Sprintf(verb, what))
		}
	}
	noLeak(t, "Sprint", fmt.Sprint(h, &h, v))
	noLeak(t, "Errorf", fmt.Errorf("cannot use %v: %w", v, errors.ErrUnsupported).Error())
}

func TestLogsShowTheRedactedForm(t *testing.T) {
	v := sampleValue(t)
	h := holder{v, v, &v, []secret.Value{v}, map[string]secret.Value{"k": v}, v}
	var out bytes.Buffer
	debug := &slog.HandlerOptions{Level: slog.LevelDebug}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, debug), slog.NewJSONHandler(&out, debug)} {
		out.Reset()
		slog.New(handler).With("a", v).Debug("m", "b", v, "c", &v, "d", h, "e", &h, slog.Group("g", "f", v), "l", []secret.Value{v})
		noLeak(t, "slog", out.String())
		if strings.Count(out.String(), redacted) < 3 {
			t.Errorf("the redacted form is missing in %s", out.String())
		}
	}
	out.Reset()
	log.New(&out, "", 0).Println(v, &v, h)
	noLeak(t, "log", out.String())
}

func TestEncodersGetTheRedactedFormOrAnError(t *testing.T) {
	v := sampleValue(t)
	h := holder{Shown: v, hidden: v}
	for _, what := range []any{v, &v, h, []secret.Value{v}, map[string]any{"k": v}} {
		out, err := json.Marshal(what)
		if err != nil || !strings.Contains(string(out), redacted) {
			t.Errorf("JSON is %s, %v", out, err)
		}
		noLeak(t, "JSON", string(out))
	}
	out, err := xml.Marshal(document{v})
	if err != nil || !strings.Contains(string(out), redacted) {
		t.Errorf("XML is %s, %v", out, err)
	}
	noLeak(t, "XML", string(out))
	var page strings.Builder
	if err := template.Must(template.New("").Parse("{{.}} {{printf \"%d\" .}}")).Execute(&page, v); err != nil {
		t.Error(err)
	}
	noLeak(t, "HTML template", page.String())
	var binary bytes.Buffer
	if err := gob.NewEncoder(&binary).Encode(v); err == nil {
		t.Error("gob encodes a secret")
	}
	if got, err := driver.DefaultParameterConverter.ConvertValue(v); err == nil {
		t.Errorf("a secret goes into SQL as %v", got)
	}
}

func TestTheRedactedFormIsNoWayBack(t *testing.T) {
	var v secret.Value
	//nolint:staticcheck // that nothing unmarshals into a Value is what is tested
	if err := json.Unmarshal([]byte(`"`+sampleToken+`"`), &v); err == nil || !v.IsZero() {
		t.Errorf("JSON made a secret: %v, %v", v, err)
	}
}
