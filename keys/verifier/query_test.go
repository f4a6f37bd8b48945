package verifier

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"latchkey/keys"
)

func TestQuery(t *testing.T) {
	for _, c := range []struct {
		raw  string
		want query
	}{
		{"", query{}},
		{"&&", query{}},
		{"resource=orders.read", query{resource: "orders.read"}},
		{"account=acme", query{account: "acme"}},
		{"account=acme&resource=orders.read", query{"acme", "orders.read"}},
		{"&resource=orders.read&&account=acme&", query{"acme", "orders.read"}},
		{"resource=orders%2Eread&acc%6Funt=acme", query{"acme", "orders.read"}},
		{"other=1&Resource=orders.read&resource%20=x&Account=acme", query{}},
		{"token=" + someToken + "&other=%20", query{}},

		{"resource", query{resource: nothing}},
		{"resource=", query{resource: nothing}},
		{"resource=orders.read&resource=orders.read", query{resource: nothing}},
		{"resource=orders.read&resource=", query{resource: nothing}},
		{"resource=&resource=orders.read", query{resource: nothing}},
		{"resource=orders.read&resource=x&resource=orders.read", query{resource: nothing}},
		{"resource=orders%2Eread&resource=orders.read", query{resource: nothing}},
		{"resource=Orders.read", query{resource: nothing}},
		{"resource=orders.read+", query{resource: nothing}},
		{"resource=orders.read,orders.write", query{resource: nothing}},
		{"resource=%zz", query{resource: nothing}},
		{"resource=orders.read;account=acme", query{resource: nothing}},
		{"resource=a%22b", query{resource: nothing}},
		{"resource=" + strings.Repeat("a", 65), query{resource: nothing}},
		{"resource=?", query{resource: nothing}},
		// Nobody knows what these ask for, so nobody gets it.
		{"re%zzsource=orders.read", query{resource: nothing}},
		{";resource=orders.read", query{resource: nothing}},
		{"account=acme&%", query{"acme", nothing}},

		{"account=", query{account: nothing}},
		{"account", query{account: nothing}},
		{"account=acme&account=acme", query{account: nothing}},
		{"account=ACME", query{account: nothing}},
		{"account=*", query{account: nothing}},
		{"account=%2A", query{account: nothing}},
		{"account=%zz", query{account: nothing}},
		{"account=ac", query{account: nothing}},
		{"account=" + strings.Repeat("a", 21), query{account: nothing}},
	} {
		if got := readQuery(c.raw); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.raw, got, c.want)
		}
	}
}

func TestQueryIsReadWithoutAnAllocation(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { _ = readQuery("account=acme&resource=orders.read") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Nothing is a text that no account and no resource can have.
func TestNothingIsNoSlug(t *testing.T) {
	if keys.IsResourceSlug(nothing) || keys.CheckAccountSlug(nothing) == nil || nothing == OwnAccount {
		t.Fatal("nothing is something")
	}
}

func TestSlugsAreThoseOfKeys(t *testing.T) {
	texts := []string{"", strings.Repeat("a", 64), strings.Repeat("a", 65), strings.Repeat("a", 20), strings.Repeat("a", 21), "ab", "abc", "orders.read\n"}
	for c := range 256 {
		b := string([]byte{byte(c)})
		texts = append(texts, b, b+"rders", "order"+b, "orders"+b+"read")
	}
	for _, text := range texts {
		checkSlugs(t, text)
	}
}

func checkSlugs(t *testing.T, text string) {
	t.Helper()
	if isResource(text) != keys.IsResourceSlug(text) {
		t.Errorf("%q is a resource: %v", text, isResource(text))
	}
	if isAccount(text) != (keys.CheckAccountSlug(text) == nil) {
		t.Errorf("%q is an account: %v", text, isAccount(text))
	}
}

var querySeeds = []string{
	"", "resource=orders.read", "account=acme&resource=orders.read", "resource=orders%2Eread", "resource=a&resource=b", "resource", "account=",
	"resource=%zz", "%zz=1", "a;b=c", "resource=a;b", "&&account=acme&", "x=1&y=+&resource=orders.read", "account=*", "re%73ource=a", "=&==&a==b",
}

// Whatever url.ParseQuery can read is understood as it does, and what it cannot read lets nobody in who
// would not come in otherwise.
func FuzzQuery(f *testing.F) {
	if len(querySeeds) == 0 {
		f.Fatal("no seeds")
	}
	for _, seed := range querySeeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got := readQuery(raw)
		values, err := url.ParseQuery(raw)
		if err != nil {
			// What it read in spite of the error is still what it means, or nothing.
			for name, one := range map[string]string{"resource": got.resource, "account": got.account} {
				if given := values[name]; one != nothing && !slices.Equal(given, []string{one}) && len(given)+len(one) != 0 {
					t.Errorf("%s is %q in %q, want %q", name, one, raw, given)
				}
			}
			return
		}
		want := query{account: slugOf(values["account"], isAccount), resource: slugOf(values["resource"], isResource)}
		if got != want {
			t.Errorf("%q: %+v, want %+v", raw, got, want)
		}
		for _, given := range append(values["account"], values["resource"]...) {
			checkSlugs(t, given)
		}
	})
}

func slugOf(values []string, isSlug func(string) bool) string {
	switch {
	case len(values) == 0:
		return ""
	case len(values) == 1 && isSlug(values[0]):
		return values[0]
	}
	return nothing
}
