#!/bin/sh
# Remakes the rpm fixtures next to this script with rpm's own tools (Debian: apt-get install rpm sqlite3 python3 zstd; made with rpm 4.18.0):
#   rpmdb.sqlite.zst  a database with the packages below, as rpm leaves it (WAL mode in its header)
#   empty.sqlite.zst  a database in which nothing was ever installed
#   small-pages.sqlite.zst  packages named after the length of their header, around every length at which a row is split
#     otherwise between its page and overflow pages; pages of 512 bytes, 12 of them reserved, free pages among them
#   headers.list  the same headers as `rpmdb --exportdb` writes them, for the NDB and Berkeley DB files that the tests compose
#   expected.tsv  what `rpm -qa` says: name epoch version release arch sourcerpm modularitylabel vendor license
#   files.tsv     what `rpm -ql` says: name, mode (octal, with the file type), path
# Times of build and installation are in the headers, so the databases differ from run to run; the two lists do not.
set -eu
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/suite.spec" <<'SPEC'
Name: fixture-suite
Epoch: 2
Version: 1.0
Release: 3.el9
Summary: A package with an epoch and a module
License: Apache-2.0 AND MIT
Vendor: imgguard tests
ModularityLabel: fixture:1:20240101000000:0badcafe
BuildArch: noarch
%description
A package with an epoch and a module.
%package -n libfixture
Epoch: 0
Version: 2.5.1
Release: 7%{?dist}
Summary: A subpackage whose version is not that of its source
%description -n libfixture
A subpackage whose version is not that of its source.
%package many
Summary: A header longer than a page
%description many
A header longer than a page.
%install
mkdir -p %{buildroot}/usr/bin %{buildroot}/usr/lib/fixture/nested %{buildroot}/usr/share/many
echo a >%{buildroot}/usr/bin/fixture
chmod 4755 %{buildroot}/usr/bin/fixture
ln -s fixture %{buildroot}/usr/bin/fixture-link
echo b >"%{buildroot}/usr/lib/fixture/nested/name with space"
for i in $(seq 100 179); do : >%{buildroot}/usr/share/many/file-$i; done
%files
/usr/bin/fixture
/usr/bin/fixture-link
%files -n libfixture
%dir /usr/lib/fixture
%dir /usr/lib/fixture/nested
"/usr/lib/fixture/nested/name with space"
%files many
%dir /
/usr/share/many
SPEC

cat >"$work/gpg-pubkey.spec" <<'SPEC'
Name: gpg-pubkey
Version: 0badcafe
Release: 12345678
Summary: Named as rpm names imported public keys
License: pubkey
BuildArch: noarch
%description
Named as rpm names imported public keys.
%files
SPEC

for spec in "$work"/*.spec; do
  rpmbuild --quiet -bb --define "_topdir $work/build" --define "_rpmdir $work/rpms" --define "_buildhost localhost" \
    --define "_build_id_links none" --define "__os_install_post %nil" "$spec"
done

db="$work/db"
rpm() { command rpm --define "_db_backend sqlite" --dbpath "$db" "$@"; }
rpmdb --define "_db_backend sqlite" --dbpath "$db" --initdb
zstd -q -19 -f "$db/rpmdb.sqlite" -o "$here/empty.sqlite.zst"
rpm -i --justdb --nodeps --noscripts "$work"/rpms/*/*.rpm
# A removed package leaves free pages behind.
rpm -e --justdb --nodeps fixture-suite-many
rpm -i --justdb --nodeps --noscripts "$work"/rpms/*/fixture-suite-many-*.rpm

rpm -qa --qf '%{NAME}\t%{EPOCH}\t%{VERSION}\t%{RELEASE}\t%{ARCH}\t%{SOURCERPM}\t%{MODULARITYLABEL}\t%{VENDOR}\t%{LICENSE}\n' | sort >"$here/expected.tsv"
rpm -qa --qf '[%{=NAME}\t%{FILEMODES:octal}\t%{FILENAMES}\n]' | sort >"$here/files.tsv"
rpmdb --define "_db_backend sqlite" --dbpath "$db" --exportdb >"$here/headers.list"

sqlite3 "$work/small-pages.sqlite" >"$work/answers" <<SQL
PRAGMA page_size = 512;
.filectrl reserve_bytes 12
CREATE TABLE spare (x BLOB);
CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL);
INSERT INTO spare VALUES (zeroblob(5000));
SQL
python3 - "$work/small-pages.sqlite" <<'PYTHON'
import sqlite3, struct, sys

def header(length):
    """A header of `length` bytes whose strings are at its very end."""
    name = b"n%d\0" % length
    values = [(1000, name), (1001, b"1\0"), (1002, b"2\0")]
    text = b"".join(value for _, value in values)
    filler = length - 8 - 16 * len(values) - len(text)
    index, offset = b"", filler
    for tag, value in values:
        index += struct.pack(">IIII", tag, 6, offset, 1)
        offset += len(value)
    return struct.pack(">II", len(values), offset) + index + bytes(filler) + text

db = sqlite3.connect(sys.argv[1])
for length in [*range(420, 580), *range(970, 1080)]:
    db.execute("INSERT INTO Packages VALUES (?, ?)", (1000 * length, header(length)))
db.execute("DROP TABLE spare")
db.commit()
PYTHON
zstd -q -19 -f "$db/rpmdb.sqlite" -o "$here/rpmdb.sqlite.zst"
zstd -q -19 -f "$work/small-pages.sqlite" -o "$here/small-pages.sqlite.zst"
