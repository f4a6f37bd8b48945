// Package deploy holds what puts Latchkey to work beside other programs: for each proxy a complete
// configuration that asks the verifier about every request. The files are ready to be read and run as they
// stand, with example values; Recipes fills in those of an installation.
package deploy

// Place is where an installation is, and what is guarded there.
type Place struct {
	// Verifier is where a proxy reaches the verifier: unix:/PATH, http://HOST:PORT or https://HOST[:PORT].
	Verifier string
	// Account is the slug of the account whose API is guarded, and Resource that of the permission which a
	// request needs.
	Account, Resource string
	// KeyHeader and TokenHeader are the names of the headers that carry the pair.
	KeyHeader, TokenHeader string
}

// Recipe is the configuration of one proxy.
type Recipe struct {
	// Name is the proxy's name, such as nginx. Slug is the same in lower case, and the name of its folder.
	Name, Slug string
	// File is the path of the file below deploy/, such as nginx/latchkey.conf.
	File string
	// Text is the whole file.
	Text string
}

// Recipes returns the recipe of every proxy, filled in for a place, in the order in which pages show them.
func Recipes(Place) []Recipe { return nil }
