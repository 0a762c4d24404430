//! GnuPG with a home of its own.

use std::process::Command;

use tempfile::TempDir;

/// Its home.
pub(crate) struct Gpg(pub(crate) TempDir);

impl Gpg {
    pub(crate) fn new() -> Option<Self> {
        if Command::new("gpg").arg("--version").output().is_err() {
            skipped!("gpg is absent, so nothing is signed with it");
            return None;
        }
        Some(Self(tempfile::tempdir().unwrap()))
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Vec<u8> {
        let mut command = Command::new("gpg");
        command.env("GNUPGHOME", self.0.path()).args(["--batch", "--quiet", "--yes", "--pinentry-mode", "loopback"]);
        let output = command.args(["--passphrase", ""]).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// A key of this name and kind, valid for so long (`0` is for ever).
    pub(crate) fn key(&self, name: &str, algorithm: &str, expires: &str) {
        self.run(&["--quick-generate-key", name, algorithm, "sign", expires]);
    }

    /// Its public half, armored or not.
    pub(crate) fn public(&self, name: &str, is_armored: bool) -> Vec<u8> {
        if is_armored { self.run(&["--armor", "--export", name]) } else { self.run(&["--export", name]) }
    }
}

impl Drop for Gpg {
    fn drop(&mut self) {
        let mut command = Command::new("gpgconf");
        drop(command.env("GNUPGHOME", self.0.path()).args(["--kill", "all"]).output());
    }
}
