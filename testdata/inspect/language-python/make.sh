#!/bin/sh
# Remakes the Python fixture next to this script with pip and setuptools, without network (python3 with venv; made with Python 3.11, pip 23.2.1, setuptools 65.5.0):
#   image/          a layout of three layers with the metadata of: a virtual environment, a folder of `pip install --target`, a folder of eggs, projects installed for editing
#                   in both ways; then an upgrade, then a removal. Remains, copies inside packages and unpacked sources are there too, which pip does not list.
#   expected.N.tsv  what `pip list` says after layer N: folder, name, version
set -eu
export LC_ALL=C PIP_NO_INDEX=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1 PIP_ROOT_USER_ACTION=ignore
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The path is part of what pip writes, and must be the same each time.
root=/tmp/imgguard-fixture-python
rm -rf "$root"
mkdir -p "$root" "$work/wheels"

# wheel NAME VERSION [FILE…]: a wheel with a module and, at the paths given, metadata of another distribution.
wheel() {
  python3 - "$work/wheels" "$@" <<'PYTHON'
import re, sys, zipfile
out, name, version, *extra = sys.argv[1:]
stem = re.sub(r"[-_.]+", "_", name)
info = f"{stem}-{version}.dist-info"
files = {f"{stem.lower()}.py": "", f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
         f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nLicense: MIT\n\nName: not-this\nVersion: 0\n"}
files |= {path: "Metadata-Version: 2.1\nName: copied\nVersion: 0.1\n" for path in extra}
record = f"{info}/RECORD"
with zipfile.ZipFile(f"{out}/{stem}-{version}-py3-none-any.whl", "w") as archive:
    for path, text in files.items():
        archive.writestr(path, text)
    archive.writestr(record, "".join(f"{path},,\n" for path in [*files, record]))
PYTHON
}
wheel Fixture.App_Name 1.0
wheel fixture-dep 1.0
wheel fixture-dep 2.0.post1
wheel fixture-gone 1!3.0
wheel fixture-vendors 1.0 fixture_vendors_/_vendor/copied-0.1.dist-info/METADATA tests_of_it/data/copied-0.1.egg/EGG-INFO/PKG-INFO

python3 -m venv "$root/venv"
export PIP_FIND_LINKS="$work/wheels"
pip="$root/venv/bin/pip -q"
$pip install 'fixture.app-name' 'fixture-dep==1.0' fixture-gone fixture-vendors 2>"$work/log"
site=$(echo "$root"/venv/lib/python3*/site-packages)

# Installed for editing: by metadata in the environment (PEP 660), and by an egg-link.
mkdir -p "$root/src/modern" "$root/src/legacy"
printf '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n[project]\nname = "modern"\nversion = "0.9"\n' >"$root/src/modern/pyproject.toml"
cat >"$root/src/modern/backend.py" <<'PYTHON'
import zipfile
def build_editable(folder, config_settings=None, metadata_directory=None):
    name = "modern-0.9-py3-none-any.whl"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as archive:
        for path, text in {"modern.pth": "/src/modern\n", "modern-0.9.dist-info/METADATA": "Metadata-Version: 2.1\nName: modern\nVersion: 0.9\n",
                           "modern-0.9.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n", "modern-0.9.dist-info/RECORD": ""}.items():
            archive.writestr(path, text)
    return name
build_wheel = build_editable
PYTHON
$pip install --no-build-isolation -e "$root/src/modern" 2>>"$work/log"
printf 'from setuptools import setup\nsetup(name="legacy", version="3.1", py_modules=[])\n' >"$root/src/legacy/setup.py"
(cd "$root/src/legacy" && "$root/venv/bin/python" setup.py -q develop 2>>"$work/log")
# Sources that were unpacked and built, but not installed.
mkdir -p "$root/src/unpacked"
sed 's/legacy/unpacked/' "$root/src/legacy/setup.py" >"$root/src/unpacked/setup.py"
(cd "$root/src/unpacked" && "$root/venv/bin/python" setup.py -q egg_info 2>>"$work/log")
# Eggs as a folder and as distutils wrote them.
eggs="$root/usr/lib/python3/dist-packages"
mkdir -p "$eggs"
sed 's/legacy/installed-egg/' "$root/src/legacy/setup.py" >"$work/setup.py"
(cd "$work" && "$root/venv/bin/python" setup.py -q install --single-version-externally-managed --install-lib "$eggs" --record "$work/record" 2>>"$work/log")
printf 'Metadata-Version: 1.0\nName: flat\nVersion: 1.16.0\n' >"$eggs/flat-1.16.0.egg-info"
# What an interrupted pip leaves.
mkdir "$site/~ixture_old-1.0.dist-info"
printf 'Metadata-Version: 2.1\nName: fixture-old\nVersion: 1.0\n' >"$site/~ixture_old-1.0.dist-info/METADATA"
mkdir "$root/deps"
$pip install --target "$root/deps" fixture-dep 2>>"$work/log"

# pip's environment has the links; the other folders are asked for by path.
list() {
  { "$root/venv/bin/pip" list --format json 2>/dev/null; "$root/venv/bin/pip" list --format json --path "$root/deps" 2>/dev/null
    "$root/venv/bin/pip" list --format json --path "$eggs" 2>/dev/null; } |
    python3 -c '
import json, sys
for line, place in zip(sys.stdin, sys.argv[1:]):
    for row in json.loads(line):
        if row["name"] not in ("pip", "setuptools"):
            print(place, row["name"], row["version"], sep="\t")' "${site#"$root"}" /deps "${eggs#"$root"}" | sort
}
# Only what says something of packages is kept, without pip and setuptools themselves (their metadata is others' text), with the paths that it will have in the image.
keep() {
  mkdir "$work/$1"
  (cd "$root" && find . -name METADATA -o -name PKG-INFO -o -name '*.egg-info' -type f -o -name '*.egg-link' -o -name setup.py -o -name pyproject.toml |
      grep -v '/pip-\|/setuptools-') |
    (cd "$root" && cpio -pdm --quiet "$work/$1")
  find "$work/$1" -name '*.egg-link' -exec sed -i "s|$root||" '{}' +
  list >"$here/expected.$1.tsv"
}
keep 1
$pip install -U fixture-dep 2>>"$work/log"
keep 2
$pip uninstall -y fixture-gone 2>>"$work/log"
keep 3
python3 "$here/../layout.py" "$here/image" "amd64=$work/1,$work/2,$work/3"
rm -rf "$root"
