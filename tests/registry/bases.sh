#!/bin/sh
# Makes two states of Debian 12 for tests/registry/bases.rs: as the release was last published, and with all updates since. Needs mmdebstrap and the network.
set -eu
folder=${1:?usage: bases.sh FOLDER}
packages=openssl,libssl3,libgnutls30
mkdir -p "$folder"
mmdebstrap --variant=minbase --include="$packages" bookworm "$folder/old.tar" "deb http://deb.debian.org/debian bookworm main"
mmdebstrap --variant=minbase --include="$packages" bookworm "$folder/new.tar" "deb http://deb.debian.org/debian bookworm main" \
    "deb http://deb.debian.org/debian bookworm-updates main" "deb http://deb.debian.org/debian-security bookworm-security main"
