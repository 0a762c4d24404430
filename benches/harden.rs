//! One big layer rewritten: `cargo bench --bench harden -- [TAR]`. Prints CPU times of this process, and fails where the limit is passed.
//!
//! What is rewritten: a tar file of the user's, else 300 MB made here, half text and half noise. What it is compared with, in the same run and on the same bytes: inflating and deflating the layer alone,
//! by the same libraries at the same level.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints, and stops at the first surprise")]

use std::io::{Cursor, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use imgguard::digest::Digest;
use imgguard::facts::FilePath;
use imgguard::harden::rewrite::rewrite_layer;
use imgguard::harden::{LayerEdits, Packing, Stage};
use imgguard::layer::inflate::Compression;
use imgguard::source::{Layer, Place};

/// Most CPU time of a rewrite, as a multiple of inflating and deflating alone.
const LIMIT: f64 = 1.3;

const ROUNDS: usize = 3;

/// CPU time of this process, user and system.
fn cpu() -> Duration {
    rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime).try_into().unwrap()
}

/// The least time of several rounds.
fn least(mut work: impl FnMut()) -> Duration {
    let round = |_| {
        let start = cpu();
        work();
        cpu() - start
    };
    (0..ROUNDS).map(round).min().unwrap()
}

/// Files of 200 kB; every second one has words, the others nothing that repeats.
fn made() -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut state = 1_u64;
    for number in 0..1500_u32 {
        let mut content = Vec::with_capacity(200_000);
        while content.len() < 200_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            if number % 2 == 0 {
                content.extend_from_slice(format!("word{} of {number}\n", state >> 52).as_bytes());
            } else {
                content.extend_from_slice(&state.to_le_bytes());
            }
        }
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, format!("srv/{number}"), content.as_slice()).unwrap();
    }
    builder.into_inner().unwrap()
}

fn deflate(tar: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(tar).unwrap();
    encoder.finish().unwrap()
}

fn main() {
    let named = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let tar = named.map_or_else(made, |path| std::fs::read(path).unwrap());
    let stored: Arc<[u8]> = deflate(&tar).into();
    let layer = Layer {
        digest: Some(Digest::sha256(&stored)),
        size: stored.len() as u64,
        media_type: "application/vnd.oci.image.layer.v1.tar+gzip".into(),
        diff_id: Some(Digest::sha256(&tar)),
        place: Place::Digest,
    };
    let alone = least(|| {
        let mut plain = Vec::with_capacity(tar.len());
        flate2::read::GzDecoder::new(&stored[..]).read_to_end(&mut plain).unwrap();
        deflate(&plain);
    });
    let stage = Stage::new().unwrap();
    let rewrite = least(|| {
        let mut edits = LayerEdits { drop: [FilePath::new(b"srv/7")].into(), ..LayerEdits::default() };
        let reader = Box::new(Cursor::new(stored.clone()));
        rewrite_layer(reader, &layer, &mut edits, &stage, Packing::usual(Compression::Gzip)).unwrap();
    });
    let ratio = rewrite.as_secs_f64() / alone.as_secs_f64();
    println!("{} MB of tar, {} MB stored", tar.len() >> 20, stored.len() >> 20);
    println!("inflating and deflating alone {alone:.2?}, rewriting {rewrite:.2?}: {ratio:.2} (limit {LIMIT})");
    assert!(ratio <= LIMIT, "rewriting costs too much");
}
