package storetest

import (
	"slices"
	"strings"

	"latchkey/keys"
	"latchkey/keys/secret"
	"latchkey/store"
)

// invoices is a resource that no account starts with.
var invoices = store.NewResource{Slug: "invoices.read", Product: "Billing", Name: "Read invoices", Description: "Look up invoices"}

var resourceCases = []testCase{
	{"resource/a new one is in the catalogue of its account alone, and is told of", func(b *bench) {
		by, foreign := b.newAccount("acme"), b.newAccount("other")
		numbers := b.raw.Texts(`SELECT number FROM role UNION ALL SELECT number FROM resource`)
		added, err := b.a.AddResource(b.Context(), by, store.NewResource{Slug: " invoices.read ", Product: " Billing", Name: "Read invoices ", Description: " Look up invoices "})
		b.must(err)
		catalogue, err := b.b.Resources(b.Context(), by)
		b.must(err)
		want := keys.Resource{Number: added.Number, Slug: "invoices.read", Product: "Billing", Name: "Read invoices", Description: "Look up invoices"}
		if added != want || catalogue[0] != want || slices.Contains(numbers, b.raw.Texts(`SELECT number FROM resource WHERE slug = 'invoices.read'`)[0]) {
			b.Fatalf("it is %+v, returned as %+v", catalogue[0], added)
		}
		others, err := b.b.Resources(b.Context(), foreign)
		b.must(err)
		if len(others) != len(catalogue)-1 || slices.ContainsFunc(others, func(r keys.Resource) bool { return r.Slug == want.Slug }) {
			b.Fatalf("the other account has %d, this one %d", len(others), len(catalogue))
		}
		row := b.raw.rows(`SELECT account_id, actor, object_kind, object_id, object, result, details FROM audit WHERE action = 'resource.added'`)[0]
		if event := []string{
			by.AccountID, by.Email, "resource", "invoices.read", "Read invoices", "ok",
			`{"description":"Look up invoices","name":"Read invoices","product":"Billing"}`,
		}; !slices.Equal(row, event) {
			b.Fatalf("the event is %q", row)
		}
		_, err = b.a.AddResource(b.Context(), foreign, invoices)
		b.must(err)
	}},
	{"resource/the catalogue stands by products, the console last", func(b *bench) {
		by := b.newAccount("acme")
		for _, r := range []store.NewResource{
			{Slug: "zones.read", Product: "aardvark", Name: "x"}, {Slug: "orders.cancel", Product: "oRDers", Name: "x"}, invoices,
		} {
			_, err := b.a.AddResource(b.Context(), by, r)
			b.must(err)
		}
		catalogue, err := b.b.Resources(b.Context(), by)
		b.must(err)
		var slugs, products []string
		for _, r := range catalogue {
			slugs = append(slugs, r.Slug)
			products = append(products, r.Product)
		}
		want := []string{
			"zones.read", "invoices.read", "catalog.read", "catalog.write", "inventory.read", "inventory.write", "logistics.read", "logistics.write",
			"orders.cancel", "orders.read", "orders.write", "pricing.read", "pricing.write",
		}
		for _, r := range keys.ConsoleResources() {
			want = append(want, r.Slug)
		}
		if !slices.Equal(slugs, want) {
			b.Fatalf("the order is %q", slugs)
		}
		if got := slices.Compact(products); !slices.Equal(got, []string{"aardvark", "Billing", "Catalog", "Inventory", "Logistics", "Orders", "Pricing", "Latchkey"}) {
			b.Fatalf("the products are %q", got)
		}
	}},
	{"resource/one that breaks a rule is refused, and changes nothing", func(b *bench) {
		by := b.newAccount("acme")
		before := b.raw.dump()
		for _, c := range []struct {
			change func(*store.NewResource)
			kind   keys.Kind
			reason keys.Reason
		}{
			{func(r *store.NewResource) { r.Slug = "" }, keys.KindInvalid, keys.ReasonResourceSlug},
			{func(r *store.NewResource) { r.Slug = "Invoices.read" }, keys.KindInvalid, keys.ReasonResourceSlug},
			{func(r *store.NewResource) { r.Slug = strings.Repeat("a", 65) }, keys.KindInvalid, keys.ReasonResourceSlug},
			{func(r *store.NewResource) { r.Slug = "latchkey.own" }, keys.KindInvalid, keys.ReasonResourceReserved},
			{func(r *store.NewResource) { r.Slug = "orders.read" }, keys.KindInvalid, keys.ReasonResourceTaken},
			{func(r *store.NewResource) { r.Product = "" }, keys.KindInvalid, keys.ReasonProductEmpty},
			{func(r *store.NewResource) { r.Product = "LATCHKEY" }, keys.KindInvalid, keys.ReasonProductReserved},
			{func(r *store.NewResource) { r.Name = "" }, keys.KindInvalid, keys.ReasonResourceNameEmpty},
			{func(r *store.NewResource) { r.Description = strings.Repeat("x", 201) }, keys.KindInvalid, keys.ReasonDescriptionLong},
			{func(r *store.NewResource) { r.Name = "a\x00b" }, keys.KindMalformed, keys.ReasonNotText},
			{func(r *store.NewResource) { r.Slug = "\xff" }, keys.KindMalformed, keys.ReasonNotText},
		} {
			in := invoices
			c.change(&in)
			_, err := b.a.AddResource(b.Context(), by, in)
			b.want(err, c.kind, c.reason)
		}
		_, err := b.a.AddResource(b.Context(), holding(by, keys.EditAPIKeys), invoices)
		b.want(err, keys.KindForbidden, keys.ReasonPermissionMissing)
		if b.raw.dump() != before {
			b.Fatal("a refusal changed the database")
		}
	}},
	{"resource/a role of everything has a new one at once, for users and in the feed; no other role has", func(b *bench) {
		by := b.newAccount("acme")
		b.newKey(by, "Everything", keys.RoleOwner)
		session := b.signIn(by, secret.Digest{})
		m := b.loadFeed(b.a)
		_, err := b.a.AddResource(b.Context(), by, invoices)
		b.must(err)
		c := b.followFeed(m.mark)
		if len(c.Accounts) != 1 || len(c.Keys) != 0 {
			b.Fatalf("the feed says %+v", c)
		}
		m.apply(c)
		b.wantModel(m)
		for _, role := range c.Accounts[0].Roles {
			if has := slices.Contains(role.Resources, "invoices.read"); has != (role.Slug == keys.RoleOwner) {
				b.Errorf("%s: has it: %v", role.Slug, has)
			}
		}
		signedIn, err := b.b.Session(b.Context(), session)
		b.must(err)
		if !signedIn.Actor.May("invoices.read") {
			b.Fatal("the owner lacks it")
		}
		b.editRole(by, "pricing-admin", "invoices.read")
		m.apply(b.followFeed(m.mark))
		b.wantModel(m)
	}},
	{"resource/a role that was made and one that was deleted reach the feed", func(b *bench) {
		by := b.newAccount("acme")
		m := b.loadFeed(b.a)
		_, err := b.a.CreateRole(b.Context(), by, store.NewRole{Name: "Accountant", Resources: []string{"orders.read"}})
		b.must(err)
		m.apply(b.followFeed(m.mark))
		b.wantModel(m)
		_, err = b.a.DeleteRole(b.Context(), by, "pricing-admin")
		b.must(err)
		m.apply(b.followFeed(m.mark))
		b.wantModel(m)
	}},
	{"resource/of 20 new ones of one slug one is added", func(b *bench) {
		by := b.newAccount("acme")
		results := make([]error, 20)
		b.race(20, func(i int, s *store.Store) { _, results[i] = s.AddResource(b.Context(), by, invoices) })
		winner := slices.Index(results, nil)
		for i, err := range results {
			if i != winner && keys.ReasonOf(err) != keys.ReasonResourceTaken {
				b.Fatalf("%v", results)
			}
		}
		if winner < 0 {
			b.Fatalf("%v", results)
		}
	}},
}
