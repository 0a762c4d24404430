#!/usr/bin/env python3
"""Makes an OCI layout from states of a folder: layout.py OUT ARCHITECTURE=STATE,STATE,… …

Each state becomes a layer that holds what it has more, other or less (whiteouts) than the one before. The bytes depend on names, modes and content only: times and
owners are left out, so that a fixture that is made again from the same files is the same fixture.
"""

import gzip
import hashlib
import io
import json
import os
import pathlib
import shutil
import stat
import sys
import tarfile

MEDIA = "application/vnd.oci.image."


def entries(root):
    """Relative path to (mode, content or link target, a number that other names of the same file have too)."""
    found = {}
    for folder, folders, files in os.walk(root):
        for name in sorted(folders + files):
            path = pathlib.Path(folder, name)
            info = path.lstat()
            if stat.S_ISLNK(info.st_mode):
                value = os.readlink(path)
            elif stat.S_ISREG(info.st_mode):
                value = path.read_bytes()
            else:
                value = None
            found[str(path.relative_to(root))] = (info.st_mode, value, info.st_ino if info.st_nlink > 1 else 0)
    return found


def layer(before, after):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(before.keys() - after.keys()):
            if not any(str(parent) in before.keys() - after.keys() for parent in pathlib.PurePath(path).parents):
                folder, name = os.path.split(path)
                tar.addfile(tarfile.TarInfo(os.path.join(folder, ".wh." + name)))
        first = {}
        for path, (mode, value, inode) in sorted(after.items()):
            if path in before and before[path][:2] == (mode, value):
                continue
            info = tarfile.TarInfo(path)
            info.mode = stat.S_IMODE(mode)
            if stat.S_ISDIR(mode):
                info.type = tarfile.DIRTYPE
                tar.addfile(info)
            elif stat.S_ISLNK(mode):
                info.type, info.linkname = tarfile.SYMTYPE, value
                tar.addfile(info)
            elif inode and inode in first:
                info.type, info.linkname = tarfile.LNKTYPE, first[inode]
                tar.addfile(info)
            elif value is not None:
                first[inode] = path
                info.size = len(value)
                tar.addfile(info, io.BytesIO(value))
    return out.getvalue()


class Layout:
    def __init__(self, out):
        self.out = pathlib.Path(out)
        shutil.rmtree(self.out, ignore_errors=True)
        (self.out / "blobs/sha256").mkdir(parents=True)
        (self.out / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')

    def blob(self, data, media):
        digest = hashlib.sha256(data).hexdigest()
        (self.out / "blobs/sha256" / digest).write_bytes(data)
        return {"mediaType": MEDIA + media, "digest": "sha256:" + digest, "size": len(data)}

    def platform(self, architecture, states):
        before, layers, diff_ids = {}, [], []
        for state in states:
            after = entries(state)
            tar, before = layer(before, after), after
            diff_ids.append("sha256:" + hashlib.sha256(tar).hexdigest())
            layers.append(self.blob(gzip.compress(tar, 9, mtime=0), "layer.v1.tar+gzip"))
        config = {"architecture": architecture, "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": diff_ids}}
        config = self.blob(json.dumps(config).encode(), "config.v1+json")
        manifest = {"schemaVersion": 2, "mediaType": MEDIA + "manifest.v1+json", "config": config, "layers": layers}
        platform = {"architecture": architecture, "os": "linux"}
        return self.blob(json.dumps(manifest).encode(), "manifest.v1+json") | {"platform": platform}


def main():
    layout = Layout(sys.argv[1])
    manifests = [layout.platform(name, states.split(",")) for name, states in (word.split("=") for word in sys.argv[2:])]
    index = {"schemaVersion": 2, "mediaType": MEDIA + "index.v1+json", "manifests": manifests}
    (layout.out / "index.json").write_text(json.dumps(index, indent=1))


main()
