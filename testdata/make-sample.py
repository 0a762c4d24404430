#!/usr/bin/env python3
"""Makes the sample image of the README: testdata/sample, an OCI layout for linux/amd64 and linux/arm64/v8.

Every byte is made here; no file comes from anywhere else. Package records name real packages and versions so that real advisories match, the secrets are made up.
Running it again gives the same bytes: python3 testdata/make-sample.py
"""

import base64
import gzip
import hashlib
import io
import json
import pathlib
import shutil
import struct
import tarfile

OUT = pathlib.Path(__file__).resolve().parent / "sample"


def made_up(seed: str, length: int) -> bytes:
    """Bytes that look random and are the same each time."""
    out = b""
    while len(out) < length:
        out += hashlib.sha256(f"{seed}{len(out)}".encode()).digest()
    return out[:length]


def base62(seed: str, length: int) -> str:
    letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    return "".join(letters[byte % 62] for byte in made_up(seed, length))


def ed25519_key(seed: str) -> str:
    """RFC 8410: PKCS#8 with a made-up seed as the key."""
    der = bytes.fromhex("302e020100300506032b657004220420") + made_up(seed, 32)
    return "-----BEGIN PRIVATE KEY-----\n" + base64.b64encode(der).decode() + "\n-----END PRIVATE KEY-----\n"


def github_token(seed: str) -> str:
    """The classic form: 30 characters and their CRC-32 in base 62."""
    import zlib

    body = base62(seed, 30)
    letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    crc, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        crc, digit = divmod(crc, 62)
        digits = letters[digit] + digits
    return "ghp_" + body + digits


def go_program(machine: int) -> bytes:
    """An ELF file with a writable segment that holds nothing but Go build information (inline form, Go 1.18 and later)."""
    modules = (
        "path\texample.org/hello\nmod\texample.org/hello\tv0.3.0\t\n"
        "dep\tgolang.org/x/net\tv0.7.0\th1:made-up=\ndep\tgolang.org/x/text\tv0.14.0\th1:made-up=\n"
    )
    framed = made_up("start", 16) + modules.encode() + made_up("end", 16)

    def text(value: bytes) -> bytes:
        length, out = len(value), b""
        while True:
            length, low = length >> 7, length & 127
            out += bytes([low | (128 if length else 0)])
            if not length:
                return out + value

    info = b"\xff Go buildinf:" + bytes([8, 2]) + bytes(16) + text(b"go1.20.4") + text(framed)
    header = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    header += struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, 0x400000, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 6, 128, 0x400080, 0x400080, len(info), len(info), 16)
    return header + segment + bytes(128 - len(header) - len(segment)) + info


def deb(name, version, arch, source=None, section="libs"):
    lines = [f"Package: {name}", "Status: install ok installed", f"Section: {section}", f"Architecture: {arch}"]
    if source:
        lines.append(f"Source: {source}")
    return "\n".join(lines + [f"Version: {version}", "Maintainer: Debian Example <example@lists.debian.org>", "Description: a record of the sample image"])


def layer(entries) -> bytes:
    """A tar of (path, content or None for a folder, mode)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, content, mode in entries:
            info = tarfile.TarInfo(path)
            info.mode, info.mtime = mode, 0
            if content is None:
                info.type = tarfile.DIRTYPE
                tar.addfile(info)
            elif isinstance(content, tuple):
                info.type, info.linkname = tarfile.SYMTYPE, content[0]
                tar.addfile(info)
            else:
                data = content if isinstance(content, bytes) else content.encode()
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def blob(data: bytes) -> dict:
    digest = hashlib.sha256(data).hexdigest()
    path = OUT / "blobs" / "sha256" / digest
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return {"digest": f"sha256:{digest}", "size": len(data)}


def dumps(value) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True).encode()


def platform(arch: str, variant: str, machine: int) -> dict:
    debs = [
        deb("base-files", "12.4+deb12u2", arch, section="admin"),
        deb("libc6", "2.36-9+deb12u3", arch, "glibc"),
        deb("libssl3", "3.0.9-1", arch, "openssl"),
        deb("openssl", "3.0.9-1", arch, section="utils"),
        deb("zlib1g", "1:1.2.13.dfsg-1", arch, "zlib (1:1.2.13.dfsg-1)"),
        deb("python3-six", "1.16.0-4", "all", "six", "python"),
    ]
    base = [
        ("etc", None, 0o755),
        ("etc/os-release", ("../usr/lib/os-release",), 0o777),
        ("usr/lib/os-release", 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nID=debian\n', 0o644),
        ("etc/passwd", "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n", 0o644),
        ("etc/group", "root:x:0:\nnogroup:x:65534:\n", 0o644),
        ("etc/shadow", "root:*:19700:0:99999:7:::\nnobody:*:19700:0:99999:7:::\n", 0o640),
        ("var/lib/dpkg/status", "\n\n".join(debs) + "\n", 0o644),
        ("var/lib/dpkg/info/python3-six.list", "/.\n/usr\n/usr/lib/python3/dist-packages/six-1.16.0.egg-info\n", 0o644),
        ("usr/lib/python3/dist-packages/six-1.16.0.egg-info", "Metadata-Version: 1.2\nName: six\nVersion: 1.16.0\n", 0o644),
        ("usr/bin/passwd-helper", b"\x7fELF made up\n", 0o4755),
    ]
    # The arm64 build was forgotten when Django was updated.
    django = "4.2.1" if arch == "arm64" else "4.2.16"
    app = [
        ("srv/app/.env", f"DEBUG=1\nGITHUB_TOKEN={github_token('env')}\n", 0o644),
        ("srv/app/deploy.key", ed25519_key("deploy"), 0o600),
        ("usr/local/bin/hello", go_program(machine), 0o755),
        (f"usr/local/lib/python3.11/site-packages/Django-{django}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: Django\nVersion: {django}\nLicense: BSD-3-Clause\n", 0o644),
        ("usr/local/lib/python3.11/site-packages/requests-2.28.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: requests\nVersion: 2.28.0\nLicense: Apache 2.0\n", 0o644),
        ("srv/app/package.json", '{"name": "sample-app", "version": "1.0.0"}\n', 0o644),
        ("srv/app/node_modules/lodash/package.json", '{"name": "lodash", "version": "4.17.20", "license": "MIT"}\n', 0o644),
        ("srv/app/node_modules/@scope/tool/package.json", '{"name": "@scope/tool", "version": "0.1.0", "license": "MIT"}\n', 0o644),
    ]
    clean = [("srv/app/.wh..env", "", 0o644)]
    tars = [layer(base), layer(app), layer(clean)]
    layers = []
    for index, tar in enumerate(tars):
        if index == 2:
            layers.append({"mediaType": "application/vnd.oci.image.layer.v1.tar", **blob(tar)})
        else:
            layers.append({"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", **blob(gzip.compress(tar, 9, mtime=0))})
    config = {
        "architecture": arch,
        "os": "linux",
        "created": "2026-11-01T00:00:00Z",
        "config": {
            "User": "",
            "Env": ["PATH=/usr/local/bin:/usr/bin:/bin", "DATABASE_PASSWORD=" + base62("database", 16)],
            "Cmd": ["hello"],
            "Labels": {"org.opencontainers.image.title": "imgguard sample"},
        },
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(tar).hexdigest() for tar in tars]},
        "history": [
            {"created_by": "ADD rootfs.tar.gz / # made up"},
            {"created_by": "ENV DATABASE_PASSWORD", "empty_layer": True},
            {"created_by": "COPY . /srv/app"},
            {"created_by": "RUN rm /srv/app/.env"},
            {"created_by": 'CMD ["hello"]', "empty_layer": True},
        ],
    }
    if variant:
        config["variant"] = variant
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **blob(dumps(config))},
        "layers": layers,
    }
    where = {"architecture": arch, "os": "linux"}
    if variant:
        where["variant"] = variant
    return {"mediaType": "application/vnd.oci.image.manifest.v1+json", **blob(dumps(manifest)), "platform": where}


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    index = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [platform("amd64", "", 62), platform("arm64", "v8", 183)],
    }
    root = {"mediaType": "application/vnd.oci.image.index.v1+json", **blob(dumps(index)), "annotations": {"org.opencontainers.image.ref.name": "latest"}}
    (OUT / "oci-layout").write_bytes(b'{"imageLayoutVersion": "1.0.0"}')
    (OUT / "index.json").write_bytes(dumps({"schemaVersion": 2, "manifests": [root]}))


main()
