#!/usr/bin/env python3
"""Whole-process benches of `imgguard scan`: CPU, wall and peak memory, as ratios to pure decompression of the same layers in the same run.

    cargo build --release
    python3 benches/scan.py                      # a generated image of 600 MB in three layers
    python3 benches/scan.py --megabytes 1500     # the size of the published claim
    python3 benches/scan.py --from /usr --from ~/.cargo/registry   # real files instead, one layer a folder
    python3 benches/scan.py --layers 1 --megabytes 500             # one layer: two threads share it

Rounds alternate between the commands, so a machine that slows down slows all of them. See benches/README.md.
"""

import argparse
import hashlib
import io
import json
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent


def words(generator, count):
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    return ["".join(generator.choices(letters, weights=range(26, 0, -1), k=generator.randint(2, 10))) for _ in range(count)]


def text_file(generator, vocabulary, size):
    """Source-like text: indented lines of words, numbers and punctuation; some assignments that a secret scan must look at."""
    lines, length = [], 0
    while length < size:
        indent = "    " * generator.randint(0, 4)
        body = " ".join(generator.choices(vocabulary, k=generator.randint(3, 12)))
        kind = generator.random()
        if kind < 0.05:
            line = f'{indent}{generator.choice(vocabulary)}_key = "{body[:20]}"'
        elif kind < 0.15:
            line = f"{indent}def {generator.choice(vocabulary)}({body.replace(' ', ', ')}):"
        elif kind < 0.2:
            line = f'{indent}# {body} https://{generator.choice(vocabulary)}.example/{generator.randint(0, 99999)}'
        else:
            line = f"{indent}{body};"
        lines.append(line)
        length += len(line) + 1
    return "\n".join(lines).encode()[:size]


def binary_file(generator, size):
    """Machine-code-like bytes: repeated short patterns between noise."""
    patterns = [generator.randbytes(generator.randint(2, 12)) for _ in range(600)]
    out = bytearray(b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\x3e\x00")
    while len(out) < size:
        out += b"".join(generator.choices(patterns, k=64))
        out += generator.randbytes(48)
    return bytes(out[:size])


def generated_layer(path, seed, megabytes):
    generator = random.Random(seed)
    vocabulary = words(generator, 6000)
    # A pool of distinct contents, cut differently for each file: as varied as real trees and quick to make.
    texts = [text_file(generator, vocabulary, 1 << 20) for _ in range(16)]
    binaries = [binary_file(generator, 2 << 20) for _ in range(12)]
    target, written, number, folders = megabytes * 1_000_000, 0, 0, set()
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        while written < target:
            is_text = generator.random() < 0.85
            pool = texts if is_text else binaries
            size = min(int(generator.paretovariate(1.1) * (3000 if is_text else 60_000)), 1_000_000 if is_text else 30_000_000)
            source = generator.choice(pool)
            start = generator.randrange(len(source))
            data = (source[start:] + source * (size // len(source) + 1))[:size]
            if not is_text:
                data = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\x3e\x00" + data[20:]
            info = tarfile.TarInfo(f"usr/lib/pkg{number % 200}/{'src' if is_text else 'bin'}/{number}{'.py' if is_text else '.so'}")
            info.size, info.mtime = len(data), 1_700_000_000.5
            # As builders write it: every folder before what is in it.
            for folder in reversed(pathlib.PurePath(info.name).parents[:-1]):
                if folder not in folders:
                    folders.add(folder)
                    entry = tarfile.TarInfo(str(folder))
                    entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                    tar.addfile(entry)
            tar.addfile(info, io.BytesIO(data))
            written += len(data) + 1536
            number += 1


def folder_layer(path, folder):
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        keep = lambda info: info if info.isreg() or info.isdir() or info.issym() else None
        # As builders write it: the folders above come first.
        for above in reversed(folder.resolve().parents[:-1]):
            tar.add(above, arcname=str(above).strip("/"), recursive=False)
        tar.add(folder, arcname=str(folder).strip("/") or "root", filter=keep)


def layout(folder, tars, compression):
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def blob(data):
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return {"digest": f"sha256:{digest}", "size": len(data)}

    layers, diff_ids = [], []
    for tar in tars:
        packed = folder / "packed"
        command = ["gzip", "-6nc"] if compression == "gzip" else ["zstd", "-3qc"]
        with open(tar, "rb") as source, open(packed, "wb") as target:
            subprocess.run(command, stdin=source, stdout=target, check=True)
        diff_ids.append("sha256:" + hashlib.file_digest(open(tar, "rb"), "sha256").hexdigest())
        digest = hashlib.file_digest(open(packed, "rb"), "sha256").hexdigest()
        layers.append({"mediaType": f"application/vnd.oci.image.layer.v1.tar+{compression}", "digest": f"sha256:{digest}", "size": packed.stat().st_size})
        packed.rename(blobs / digest)
        tar.unlink()
    config = {"os": "linux", "architecture": "amd64", "config": {"User": "10001"}, "rootfs": {"type": "layers", "diff_ids": diff_ids}}
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", **blob(json.dumps(config).encode())}
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": layers}
    entry = {"mediaType": manifest["mediaType"], **blob(json.dumps(manifest).encode()), "platform": {"os": "linux", "architecture": "amd64"}}
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    return [blobs / layer["digest"].split(":")[1] for layer in layers], sum((blobs / layer["digest"].split(":")[1]).stat().st_size for layer in layers)


def run(command):
    """CPU seconds, wall seconds and peak resident megabytes of one process."""
    start = os.times().elapsed
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        sys.exit(f"{command[0]} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime, os.times().elapsed - start, usage.ru_maxrss / 1000


def make(options, work, image):
    tars = []
    for number in range(len(options.folders) or options.layers):
        tar = work / f"{number}.tar"
        if options.folders:
            folder_layer(tar, pathlib.Path(options.folders[number]).expanduser())
        else:
            generated_layer(tar, number, options.megabytes // options.layers)
        tars.append(tar)
    shutil.rmtree(image, ignore_errors=True)
    layout(image, tars, options.compression)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=str(ROOT / "target/release/imgguard"))
    parser.add_argument("--megabytes", type=int, default=600)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--from", dest="folders", action="append", default=[])
    parser.add_argument("--compression", choices=["gzip", "zstd"], default="gzip")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", help="make the image in this folder and leave it there")
    options = parser.parse_args()
    work = pathlib.Path(options.keep or tempfile.mkdtemp(prefix="imgguard-bench-"))
    work.mkdir(parents=True, exist_ok=True)
    image = work / "image"
    if not (image / "index.json").exists():
        # In a process of its own: a child counts its parent's memory at the fork into its peak, so the measuring one must stay small.
        maker = os.fork()
        if maker == 0:
            make(options, work, image)
            os._exit(0)
        if os.waitpid(maker, 0)[1] != 0:
            sys.exit("the image could not be made")
    index = json.loads((image / "index.json").read_text())
    manifest = json.loads((image / "blobs/sha256" / index["manifests"][0]["digest"].split(":")[1]).read_text())
    blobs = [str(image / "blobs/sha256" / layer["digest"].split(":")[1]) for layer in manifest["layers"]]
    stored = sum(os.path.getsize(blob) for blob in blobs)
    tool = ["gzip", "-dc"] if manifest["layers"][0]["mediaType"].endswith("gzip") else ["zstd", "-dqc"]
    cache = work / "cache"
    scan = [options.binary, "scan", f"oci:{image}", "--offline", "--format", "json", "--no-progress"]
    commands = {
        " ".join(tool): tool + blobs,
        "scan": scan + ["--cache", "none"],
        "scan without secrets": scan + ["--cache", "none", "--no-secrets"],
        "scan again (cached)": scan + ["--cache", str(cache)],
    }
    run(commands["scan again (cached)"])
    results = {name: [] for name in commands}
    for _ in range(options.rounds):
        for name, command in commands.items():
            results[name].append(run(command))
    base = list(commands)[0]
    print(f"{len(blobs)} layers, {stored / 1e6:.0f} MB stored; {options.rounds} rounds, medians")
    print(f"{'':24}{'CPU s':>8}{'ratio':>8}{'wall s':>8}{'ratio':>8}{'peak MB':>9}")
    for name, rows in results.items():
        cpu, wall, peak = (statistics.median(row[i] for row in rows) for i in range(3))
        ratios = [statistics.median(row[i] / reference[i] for row, reference in zip(rows, results[base])) for i in range(2)]
        print(f"{name:24}{cpu:8.3f}{ratios[0]:8.2f}{wall:8.3f}{ratios[1]:8.2f}{peak:9.1f}")
    # What the secret stage adds: the difference of two scans, round by round.
    pairs = zip(results["scan"], results["scan without secrets"], results[base])
    rows = [(scan[0] - without[0], (scan[0] - without[0]) / reference[0], scan[2] - without[2]) for scan, without, reference in pairs]
    cpu, ratio, peak = (statistics.median(row[i] for row in rows) for i in range(3))
    print(f"{'secret stage':24}{cpu:8.3f}{ratio:8.2f}{'':16}{peak:9.1f}")
    if not options.keep:
        shutil.rmtree(work)


main()
