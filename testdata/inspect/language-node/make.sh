#!/bin/sh
# Remakes the Node fixture next to this script with npm, without network (node, npm, python3, cpio; made with npm 11.19.1):
#   image/          a layout of three layers: applications that npm installed from packages packed here (nested, scoped, aliased, linked, in a workspace), one laid out as pnpm does
#                   with hard links into its store; then an upgrade, then a removal. Packages hold markers and test packages, which are not installed.
#   expected.N.tsv  what `npm ls --all` says after layer N: application, name, version
set -eu
export LC_ALL=C npm_config_offline=true npm_config_audit=false npm_config_fund=false npm_config_update_notifier=false npm_config_cache=/tmp/imgguard-fixture-npm-cache
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
root="$work/root"
trap 'rm -rf "$work" "$npm_config_cache"' EXIT
mkdir -p "$root" "$work/packages"

# package NAME VERSION DEPENDENCIES [BUNDLED]: packs a package with files that look like packages and are none.
package() {
  folder="$work/pack"
  rm -rf "$folder"
  mkdir -p "$folder/dist/esm" "$folder/test/fixtures/node_modules/fixture-of-a-test" "$folder/.hidden"
  printf '{"name":"%s","version":"%s","license":"MIT","dependencies":{%s}%s}' "$1" "$2" "$3" "${4:-}" >"$folder/package.json"
  echo '{"type":"module"}' >"$folder/dist/esm/package.json"
  echo '{"name":"fixture-of-a-test","version":"6.6.6"}' | tee "$folder/test/package.json" >"$folder/test/fixtures/node_modules/fixture-of-a-test/package.json"
  if [ -n "${4:-}" ]; then
    mkdir -p "$folder/node_modules/bundled"
    echo '{"name":"bundled","version":"0.0.7"}' >"$folder/node_modules/bundled/package.json"
  fi
  (cd "$work/packages" && npm pack --silent "$folder" >/dev/null)
}
tarball() { printf 'file:%s/packages/%s.tgz' "$work" "$1"; }

package leaf 1.0.0 ''
package leaf 2.0.0 ''
package @scope/tool 1.2.3-beta.1 "\"leaf\":\"$(tarball leaf-1.0.0)\""
package with-bundle 3.0.0 '"bundled":"0.0.7"' ',"bundledDependencies":["bundled"]'
package real-name 4.0.0 "\"leaf\":\"$(tarball leaf-1.0.0)\""
package gone 5.0.0 ''

app="$root/srv/app"
mkdir -p "$app/packages/member" "$root/srv/linked"
printf '{"name":"member","version":"0.1.0"}' >"$app/packages/member/package.json"
printf '{"name":"linked","version":"0.2.0"}' >"$root/srv/linked/package.json"
cat >"$app/package.json" <<JSON
{"name":"application","version":"9.9.9","workspaces":["packages/member"],"dependencies":{
 "leaf":"$(tarball leaf-2.0.0)","@scope/tool":"$(tarball scope-tool-1.2.3-beta.1)","with-bundle":"$(tarball with-bundle-3.0.0)",
 "alias":"$(tarball real-name-4.0.0)","gone":"$(tarball gone-5.0.0)","linked":"file:../linked"}}
JSON
(cd "$app" && npm install --silent)
# A project of which nothing was installed.
mkdir -p "$root/srv/sources"
printf '{"name":"sources","version":"1.1.1"}' >"$root/srv/sources/package.json"

# pnpm's layout: each package once below .pnpm, found through symlinks, its files hard links into a store whose names say nothing. Here the store comes first in the layer.
pnpm="$root/srv/pnpm"
store="$root/.store-of-pnpm/v10/files/0b"
mkdir -p "$pnpm/node_modules/.pnpm/leaf@1.0.0/node_modules/leaf" "$pnpm/node_modules/.pnpm/@scope+tool@1.0.0/node_modules/@scope/tool" "$store"
printf '{"name":"on-pnpm","version":"8.8.8","dependencies":{"@scope/tool":"1.0.0"}}' >"$pnpm/package.json"
printf '{"name":"leaf","version":"1.0.0"}' >"$store/adcafe"
printf '{"name":"@scope/tool","version":"1.0.0","dependencies":{"leaf":"1.0.0"}}' >"$store/adc0de"
ln "$store/adcafe" "$pnpm/node_modules/.pnpm/leaf@1.0.0/node_modules/leaf/package.json"
ln "$store/adc0de" "$pnpm/node_modules/.pnpm/@scope+tool@1.0.0/node_modules/@scope/tool/package.json"
mkdir "$pnpm/node_modules/@scope"
ln -s ../.pnpm/@scope+tool@1.0.0/node_modules/@scope/tool "$pnpm/node_modules/@scope/tool"
ln -s ../../../leaf@1.0.0/node_modules/leaf "$pnpm/node_modules/.pnpm/@scope+tool@1.0.0/node_modules/leaf"

list() {
  for place in app pnpm; do
    (cd "$root/srv/$place" && npm ls --all --json --long 2>/dev/null || true) | python3 -c '
import json, sys
def walk(tree):
    for key, node in tree.get("dependencies", {}).items():
        if "version" in node:
            print(sys.argv[1], node.get("name", key), node["version"], sep="\t")
        walk(node)
tree = json.load(sys.stdin)
print(sys.argv[1], tree["name"], tree["version"], sep="\t")
walk(tree)' "$place"
  done | sort -u
}
keep() {
  mkdir "$work/$1"
  (cd "$root" && find . -name package.json -o -type l -o -path './.store-of-pnpm/*') | (cd "$root" && cpio -pdm --quiet "$work/$1")
  # Where the packages were packed is nobody's business.
  find "$work/$1" -name package.json -links 1 -exec sed -i "s|$work|/packed|g" '{}' +
  list >"$here/expected.$1.tsv"
}
keep 1
(cd "$app" && npm install --silent "alias@$(tarball leaf-1.0.0)")
keep 2
(cd "$app" && npm uninstall --silent gone)
keep 3
python3 "$here/../layout.py" "$here/image" "amd64=$work/1,$work/2" "arm64=$work/1,$work/2,$work/3"
