//! What a program, library or script asks for when it is started. From these [`reach`](super::merge) works out what an image's command can load.

pub mod commands;

use serde::{Deserialize, Serialize};

use super::{FilePath, PathSet};

/// What one file of a layer asks for.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct LoadingFile {
    /// The file.
    pub path: FilePath,
    /// What it asks for.
    pub loading: Loading,
}

/// What a file asks for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Loading {
    /// An ELF program or library.
    Linked(Linkage),
    /// An executable script.
    Script(Script),
}

/// What an ELF program or library asks the dynamic loader for.
///
/// Source: System V ABI, chapter 5 "Dynamic Section"; ld.so(8).
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Linkage {
    /// The loader (`PT_INTERP`), `/lib64/ld-linux-x86-64.so.2`; none for libraries and static programs.
    pub interpreter: Option<String>,
    /// Libraries by their names (`DT_NEEDED`), `libc.so.6`.
    pub needed: Vec<String>,
    /// Folders to look in first (`DT_RUNPATH` and `DT_RPATH`); `$ORIGIN` stands for the file's own folder.
    pub search: Vec<String>,
}

/// What an executable script asks the kernel for, and what a shell script may start.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Script {
    /// The words of its first line behind `#!`: `/usr/bin/env`, `python3`.
    pub interpreter: Vec<String>,
    /// Of a shell script: the words that stand where commands do, sorted. Nothing else of its text is kept, which may hold secrets.
    pub commands: PathSet,
}

/// Names of the shells whose scripts are looked into.
const SHELLS: &[&str] = &["sh", "bash", "dash", "ash", "ksh", "mksh", "zsh"];

/// Whether a program of this name is a shell.
#[must_use]
pub fn is_shell(name: &str) -> bool {
    SHELLS.contains(&name)
}
