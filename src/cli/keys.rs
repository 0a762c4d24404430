//! `generate-key-pair`, `import-key-pair`, and how keys and their passwords are read.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::args::Global;
use super::exit::Ending;
use super::sign_args::{GenerateArgs, ImportArgs, PublicKeyArgs};
use super::sources::read_file;
use super::{Failed, notice};
use crate::sign::author::{Author, By};
use crate::sign::keys::pkcs11::Uri;
use crate::sign::keys::program::{self, Held};
use crate::sign::keys::{KeyError, MAX_KEY_BYTES, PrivateKey, PublicKey, Signer, file, private};

/// Variables that may hold a key's password, the first that is set counts.
const PASSWORDS: [&str; 2] = ["IMGGUARD_KEY_PASSWORD", "COSIGN_PASSWORD"];

/// The program that holds keys in tokens.
const PKCS11: &str = "imgguard-pkcs11";

/// `generate-key-pair`.
pub(super) fn generate(arguments: &GenerateArgs, global: &Global) -> Result<Ending, Failed> {
    let pkcs8 = private::generate().map_err(|error| Failed::new(Ending::Incomplete, error))?;
    write(&pkcs8, &arguments.output_prefix, global)
}

/// `import-key-pair`.
pub(super) fn import(arguments: &ImportArgs, global: &Global) -> Result<Ending, Failed> {
    let pem = Zeroizing::new(read_file(&arguments.key, MAX_KEY_BYTES, "key")?);
    let pkcs8 = private::import(&pem).map_err(|error| unusable(&arguments.key, error))?;
    write(&pkcs8, &arguments.output_prefix, global)
}

/// The private key of a `cosign.key`.
pub(super) fn open_private(path: &Path) -> Result<PrivateKey, Failed> {
    let pem = Zeroizing::new(read_file(path, MAX_KEY_BYTES, "key")?);
    let password = password()?;
    file::open(&pem, password.as_bytes()).map_err(|error| unusable(path, error))
}

/// Whoever signs with a key that is kept here or elsewhere.
pub(super) fn open_signer(key: &str) -> Result<Box<dyn Signer>, Failed> {
    if key.starts_with("pkcs11:") {
        // Looked at first, so that a mistake is told before a program is started.
        Uri::parse(key).map_err(|error| {
            Failed::new(Ending::Usage, anyhow::anyhow!("the key's name cannot be used: {error}"))
                .hint("write pkcs11:token=LABEL;object=LABEL?module-path=/…/lib….so (RFC 7512)")
        })?;
        return held(&beside(PKCS11), key);
    }
    match program::named(key) {
        Some((program, name)) => held(&program, name),
        None => Ok(Box::new(open_private(Path::new(key))?)),
    }
}

fn held(program: &Path, key: &str) -> Result<Box<dyn Signer>, Failed> {
    let held = Held::open(program, key).map_err(|error| {
        let failed = Failed::new(Ending::Usage, anyhow::Error::new(error).context("the key cannot be used"));
        failed.hint(format!(
            "`{}` must be in PATH; docs/signing.md says where such programs come from",
            program.display()
        ))
    })?;
    Ok(Box::new(held))
}

/// A program of ours: beside this one, else in `PATH`.
fn beside(name: &str) -> PathBuf {
    let own = std::env::current_exe().ok().and_then(|own| Some(own.parent()?.join(name)));
    own.filter(|path| path.is_file()).unwrap_or_else(|| PathBuf::from(name))
}

/// `public-key`.
pub(super) fn public_key(arguments: &PublicKeyArgs) -> Result<Ending, Failed> {
    let signer = open_signer(&arguments.key)?;
    let written = std::io::stdout().lock().write_all(signer.public_key().to_pem().as_bytes());
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failed::new(Ending::Incomplete, error)),
        _ => Ok(Ending::Pass),
    }
}

/// Signs with a key alone.
pub(super) fn author(key: &PrivateKey) -> Result<Author<'_>, Failed> {
    Author::new(By::Key(key), None, None).map_err(|error| Failed::new(Ending::Incomplete, anyhow::anyhow!(error)))
}

/// A trusted public key.
pub(super) fn open_public(path: &Path) -> Result<PublicKey, Failed> {
    PublicKey::from_pem(&read_file(path, MAX_KEY_BYTES, "key")?).map_err(|error| unusable(path, error))
}

fn unusable(path: &Path, error: KeyError) -> Failed {
    let hint = match &error {
        KeyError::Password => Some("check IMGGUARD_KEY_PASSWORD or COSIGN_PASSWORD; an empty password is one, too"),
        KeyError::Format { wanted: "cosign.key", .. } => {
            Some("make one of it with `imgguard import-key-pair --key FILE`")
        }
        KeyError::Format { wanted: "PEM public key", .. } => {
            Some("--key takes the public key here, such as cosign.pub")
        }
        _ => None,
    };
    let error = anyhow::Error::new(error).context(format!("the key `{}` cannot be used", path.display()));
    let failed = Failed::new(Ending::Usage, error);
    match hint {
        Some(hint) => failed.hint(hint),
        None => failed,
    }
}

/// The password of a key; it may be empty, but it must be given.
fn password() -> Result<Zeroizing<String>, Failed> {
    let found = PASSWORDS.iter().find_map(|name| std::env::var(name).ok());
    found.map(Zeroizing::new).ok_or_else(|| {
        Failed::new(Ending::Usage, anyhow::anyhow!("no password for the key was given"))
            .hint("set IMGGUARD_KEY_PASSWORD or COSIGN_PASSWORD; empty for a key without password")
    })
}

/// Writes both files. Neither may be there: a key that is overwritten is lost.
fn write(pkcs8: &[u8], prefix: &Path, global: &Global) -> Result<Ending, Failed> {
    let password = password()?;
    let (pem, key) = file::seal(pkcs8, password.as_bytes()).map_err(|error| Failed::new(Ending::Incomplete, error))?;
    let named = |extension: &str| {
        let mut name = prefix.as_os_str().to_owned();
        name.push(extension);
        PathBuf::from(name)
    };
    let (private, public) = (named(".key"), named(".pub"));
    if public.exists() {
        return Err(there(&public));
    }
    create(&private, 0o600, pem.as_bytes())?;
    create(&public, 0o644, key.public_key().to_pem().as_bytes())?;
    notice(global, &format!("{} ({}), {}", private.display(), key.public_key().kind().name(), public.display()));
    Ok(Ending::Pass)
}

fn create(path: &Path, mode: u32, content: &[u8]) -> Result<(), Failed> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let written = opened.and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()));
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => there(path),
        _ => {
            let context = format!("`{}` could not be written", path.display());
            Failed::new(Ending::Incomplete, anyhow::Error::new(error).context(context))
        }
    })
}

fn there(path: &Path) -> Failed {
    Failed::new(
        Ending::Usage,
        anyhow::anyhow!("`{}` is there already, and a key that is overwritten is lost", path.display()),
    )
    .hint("move it away, or choose another --output-prefix")
}
