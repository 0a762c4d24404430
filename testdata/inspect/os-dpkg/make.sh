#!/bin/sh
# Remakes the dpkg fixture next to this script with dpkg's own tools (Debian: dpkg, python3; made with dpkg 1.21.22):
#   image/        a layout for linux/amd64 of three layers: packages in every state; some upgraded, one purged; the database moved behind a symlink
#   expected.N.tsv  what `dpkg-query -W` says after layer N: package version arch source source-version state
#   owners.tsv    what `dpkg-query -S` says after the last layer: path, package
set -eu
export LC_ALL=C DPKG_COLORS=never
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root="$work/root"
mkdir -p "$root/var/lib/dpkg" "$root/etc" "$work/debs"
touch "$root/var/lib/dpkg/status"

# deb NAME VERSION ARCH [FIELD…]: a package with one file of its own; scripts are taken from $work/scripts.
deb() {
  name=$1 version=$2 arch=$3
  shift 3
  tree="$work/tree"
  rm -rf "$tree"
  mkdir -p "$tree/DEBIAN" "$tree/usr/share/$name" "$tree/usr/lib/$arch"
  echo "$name $version" >"$tree/usr/share/$name/about-$arch"
  [ ! -d "$work/extra" ] || cp -a "$work/extra/." "$tree/"
  {
    printf 'Package: %s\nVersion: %s\nArchitecture: %s\nMaintainer: Fixtures <fixtures@example.org>\n' "$name" "$version" "$arch"
    for field; do printf '%s\n' "$field"; done
    printf 'Description: made for tests\n Its second line has: a colon.\n .\n  And an empty one before.\n'
  } >"$tree/DEBIAN/control"
  [ ! -d "$work/scripts" ] || cp "$work/scripts/"* "$tree/DEBIAN/"
  dpkg-deb --root-owner-group -Zgzip --build "$tree" "$work/debs/$name-$version-$arch.deb" >/dev/null
  rm -rf "$work/extra" "$work/scripts"
}
dpkg() { command dpkg --root="$root" --force-not-root,script-chrootless,bad-path,architecture "$@" >/dev/null 2>&1; }
list() {
  dpkg-query --admindir="$root/var/lib/dpkg" -W -f '${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\t${db:Status-Status}\n' | sort
}
script() { mkdir -p "$work/scripts" && printf '#!/bin/sh\n%s\n' "$2" >"$work/scripts/$1" && chmod 755 "$work/scripts/$1"; }

printf 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nPRETTY_NAME="Debian GNU/Linux 12 (fixture)"\n' >"$root/etc/os-release"
dpkg --add-architecture i386

mkdir -p "$work/extra/usr/lib/python3/dist-packages/owned-1.0.dist-info" "$work/extra/bin"
printf 'Metadata-Version: 2.1\nName: owned\nVersion: 1.0\n' >"$work/extra/usr/lib/python3/dist-packages/owned-1.0.dist-info/METADATA"
deb fixture-base 1:2.0-1 all 'Source: fixture-src (1:2.0-0.1)'
for arch in amd64 i386; do deb libfixture 1.0-1+b2 $arch 'Multi-Arch: same' 'Source: libfixture (1.0-1)'; done
mkdir -p "$work/extra/etc"
echo conf >"$work/extra/etc/fixture.conf"
mkdir -p "$work/scripts"
echo /etc/fixture.conf >"$work/scripts/conffiles"
deb fixture-conf 0.9 all
script postinst 'exit 1'
deb fixture-broken 1.0 all
script preinst 'exit 1'
script postrm 'exit 1'
deb fixture-half 1.0 all
deb fixture-held 3.0~rc1-1 all
deb fixture-unpacked 1.0 all
deb fixture-old 1.0 all
deb fixture-old 1.1 all 'source: other-source'
deb fixture-gone 1.0 all
mkdir -p "$work/scripts"
echo 'interest fixture-trigger' >"$work/scripts/triggers"
deb fixture-trigger 1.0 all
mkdir -p "$work/scripts"
echo 'activate fixture-trigger' >"$work/scripts/triggers"
deb fixture-triggering 1.0 all
mkdir -p "$work/extra/usr/bin"
echo first >"$work/extra/usr/bin/diverted"
deb fixture-first 1.0 all
mkdir -p "$work/extra/usr/bin"
echo second >"$work/extra/usr/bin/diverted"
deb fixture-second 1.0 all

debs="$work/debs"
dpkg -i "$debs"/fixture-base-* "$debs"/libfixture-* "$debs"/fixture-conf-* "$debs"/fixture-held-* "$debs"/fixture-old-1.0-* "$debs"/fixture-gone-* "$debs"/fixture-trigger-*
dpkg -r fixture-conf
dpkg -i "$debs"/fixture-broken-* || true
dpkg -i "$debs"/fixture-half-* || true
dpkg --unpack "$debs"/fixture-unpacked-*
dpkg --no-triggers -i "$debs"/fixture-triggering-*
echo fixture-held hold | dpkg --set-selections
dpkg -i "$debs"/fixture-first-*
dpkg-divert --root="$root" --package fixture-second --divert /usr/bin/diverted.first --rename /usr/bin/diverted >/dev/null
dpkg -i "$debs"/fixture-second-*
rm -f "$root"/var/lib/dpkg/lock* "$root"/var/lib/dpkg/triggers/Lock
list >"$here/expected.1.tsv"
cp -a "$root" "$work/1"

dpkg -i "$debs"/fixture-old-1.1-*
list >"$here/expected.2.tsv"
cp -a "$root" "$work/2"

dpkg -P fixture-gone
list >"$here/expected.3.tsv"
dpkg-query --admindir="$root/var/lib/dpkg" -S '*' | grep -v ' by \| from ' |
  sed -n 's/^\([^,]*\)\(, .*\)\{0,1\}: \(.*\)$/\3\t\1/p' | while IFS="$(printf '\t')" read -r path package; do
  [ ! -f "$root$path" ] || printf '%s\t%s\n' "$path" "${package%%:*}"
done | sort >"$here/owners.tsv"
mkdir "$root/opt"
mv "$root/var/lib/dpkg" "$root/opt/packages"
ln -s ../../opt/packages "$root/var/lib/dpkg"
cp -a "$root" "$work/3"

for state in 1 2 3; do rm -f "$work/$state"/var/lib/dpkg/*-old "$work/$state"/opt/packages/*-old "$work/$state"/var/log/*; done
python3 "$here/../layout.py" "$here/image" "amd64=$work/1,$work/2,$work/3"
