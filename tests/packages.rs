//! Updates of packages against what the package managers themselves leave behind: the same image, the same packages, once by the real tool and once by us, and every path compared.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise, and says what it skipped")]

#[macro_use]
#[path = "support/skip.rs"]
mod skip;

#[path = "packages/apk.rs"]
mod apk;
#[path = "packages/deb.rs"]
mod deb;
#[path = "packages/folder.rs"]
mod folder;
#[path = "packages/gpg.rs"]
mod gpg;
#[path = "packages/hostile.rs"]
mod hostile;
#[path = "packages/make.rs"]
mod make;
#[path = "packages/rpm.rs"]
mod rpm;
#[path = "packages/signed.rs"]
mod signed;
