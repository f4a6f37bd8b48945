#!/bin/sh
# Copies what the pages need from npm into static/vendor, at exact versions,
# and checks each package against the SHA-256 written here. Run from the root of
# the repository. A build needs neither this script nor a network: its results
# are committed.
set -eu

out=static/vendor
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# fetch PACKAGE@VERSION SHA256 unpacks the package into $work/package.
fetch() {
	rm -rf "$work/package"
	file=$(cd "$work" && npm pack --silent "$1")
	echo "$2  $work/$file" | sha256sum --check --quiet || {
		echo "assets: $1 is not the package that was reviewed" >&2
		exit 1
	}
	tar -xzf "$work/$file" -C "$work"
}

mkdir -p "$out"

fetch htmx.org@2.0.11 165a2655073e9e6e55e307a7c74e8ebcdb76afb7701f9c16cfd106a13add408e
cp "$work/package/dist/htmx.min.js" "$out/htmx.min.js"
cp "$work/package/LICENSE" "$out/htmx.LICENSE"

fetch @fontsource-variable/inter@5.3.0 d26710dd38e7217484a1d47ee76c024977ec550548876f26d06ed1844af09a14
cp "$work/package/files/inter-latin-wght-normal.woff2" "$out/inter.woff2"
cp "$work/package/LICENSE" "$out/inter.LICENSE"

fetch @fontsource-variable/jetbrains-mono@5.3.0 996fe6368a480c9ce15d4de22a2682b7c40b403718fee2b15e7272f244fd993f
cp "$work/package/files/jetbrains-mono-latin-wght-normal.woff2" "$out/mono.woff2"
cp "$work/package/LICENSE" "$out/mono.LICENSE"

# The icons become one file of symbols: a page draws one with <use href="…#name">.
fetch lucide-static@1.62.0 386f9080c440d6f5049cefe3456ae8357f7a0c7f76e59670cd1cb83bc7050a44
cp "$work/package/LICENSE" "$out/icons.LICENSE"
{
	echo '<svg xmlns="http://www.w3.org/2000/svg">'
	for name in $(cat static/icons.txt); do
		printf '<symbol id="%s" viewBox="0 0 24 24">' "$name"
		sed -e '/^<!--/d' -e '/^<svg/,/^>/d' -e '/^<\/svg>/d' "$work/package/icons/$name.svg" | tr -d '\n' | sed -e 's/  *</</g' -e 's/  */ /g'
		echo '</symbol>'
	done
	echo '</svg>'
} >"$out/icons.svg"

go run static/pack.go
