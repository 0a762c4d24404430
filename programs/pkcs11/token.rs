//! A key in a token: found by its name, and used.

use std::path::PathBuf;

use anyhow::{Context as _, bail, ensure};
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::{Slot, TokenInfo};
use cryptoki::types::AuthPin;
use imgguard::sign::keys::PublicKey;
use imgguard::sign::keys::pkcs11::Uri;
use imgguard::sign::keys::public::KeyKind;
use sha2::Digest as _;

use crate::public;

/// Largest file with a PIN, in bytes.
const MAX_PIN_BYTES: usize = 1024;

const PINS: [&str; 2] = ["IMGGUARD_PKCS11_PIN", "COSIGN_PKCS11_PIN"];
const MODULE: &str = "COSIGN_PKCS11_MODULE_PATH";

/// A key pair in an open token.
pub(crate) struct Key {
    session: Session,
    private: ObjectHandle,
    // The session's calls go through the library; it must live as long.
    _library: Pkcs11,
}

/// Loads the module, logs in and finds the private key that is meant, which must be one.
pub(crate) fn open(uri: &Uri) -> anyhow::Result<Key> {
    let module = uri.module_path.clone().or_else(|| std::env::var_os(MODULE).map(PathBuf::from));
    let module = module.with_context(|| {
        format!("no module is named: add `?module-path=/…/lib….so` to the key's name, or set {MODULE}")
    })?;
    let library =
        Pkcs11::new(&module).with_context(|| format!("the module `{}` cannot be loaded", module.display()))?;
    library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).context("the module does not start")?;
    let (slot, info) = slot(&library, uri)?;
    let session = library.open_ro_session(slot).context("the token cannot be used")?;
    if info.login_required() {
        let pin = if info.protected_authentication_path() { None } else { Some(pin(uri)?) };
        session.login(UserType::User, pin.as_ref()).context("the token does not take the PIN")?;
    }
    let private = find(&session, uri, ObjectClass::PRIVATE_KEY)?;
    Ok(Key { session, private, _library: library })
}

/// The one token that the name fits.
fn slot(library: &Pkcs11, uri: &Uri) -> anyhow::Result<(Slot, TokenInfo)> {
    let mut fitting = Vec::new();
    for slot in library.get_slots_with_token().context("the module lists no tokens")? {
        let info = library.get_token_info(slot).context("a token says nothing of itself")?;
        let same =
            |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found.trim_end());
        let fits = same(&uri.token, info.label())
            && same(&uri.serial, info.serial_number())
            && same(&uri.model, info.model())
            && same(&uri.manufacturer, info.manufacturer_id())
            && uri.slot_id.is_none_or(|wanted| wanted == slot.id());
        if fits && info.token_initialized() {
            fitting.push((slot, info));
        }
    }
    ensure!(fitting.len() < 2, "{} tokens fit the key's name; add `token=LABEL` or `serial=…`", fitting.len());
    fitting.pop().context("no token fits the key's name")
}

fn pin(uri: &Uri) -> anyhow::Result<AuthPin> {
    let Some(path) = &uri.pin_source else {
        let found = PINS.iter().find_map(|name| std::env::var(name).ok());
        let found = found.with_context(|| {
            format!("no PIN was given: set {}, or add `?pin-source=file:/…` to the key's name", PINS[0])
        })?;
        return Ok(AuthPin::new(found.into()));
    };
    let bytes = std::fs::read(path).with_context(|| format!("the PIN in `{}` cannot be read", path.display()))?;
    ensure!(bytes.len() <= MAX_PIN_BYTES, "`{}` is too long for a PIN", path.display());
    let text = String::from_utf8(bytes).ok().with_context(|| format!("`{}` is no text", path.display()))?;
    Ok(AuthPin::new(text.trim_end_matches(['\r', '\n']).into()))
}

fn find(session: &Session, uri: &Uri, class: ObjectClass) -> anyhow::Result<ObjectHandle> {
    let mut template = vec![Attribute::Class(class)];
    template.extend(uri.object.as_ref().map(|label| Attribute::Label(label.clone().into_bytes())));
    template.extend(uri.id.as_ref().map(|id| Attribute::Id(id.clone())));
    let found = session.find_objects(&template).context("the token lists no keys")?;
    match found.as_slice() {
        [one] => Ok(*one),
        [] => bail!("no private key fits the key's name"),
        several => bail!("{} private keys fit the key's name; add `object=LABEL` or `id=…`", several.len()),
    }
}

impl Key {
    /// The public half: an object of its own with the same identifier or label.
    pub(crate) fn public_key(&self) -> anyhow::Result<PublicKey> {
        let wanted = [AttributeType::Id, AttributeType::Label];
        let attributes =
            self.session.get_attributes(self.private, &wanted).context("the key says nothing of itself")?;
        for attribute in attributes {
            let is_empty = matches!(&attribute, Attribute::Id(value) | Attribute::Label(value) if value.is_empty());
            if is_empty {
                continue;
            }
            let template = [Attribute::Class(ObjectClass::PUBLIC_KEY), attribute];
            if let [one] = self.session.find_objects(&template).context("the token lists no keys")?.as_slice() {
                return public::read(&self.session, *one);
            }
        }
        bail!("the token has no public key that belongs to the private one")
    }

    /// A signature over a message in the form that verifiers take.
    pub(crate) fn sign(&self, message: &[u8]) -> anyhow::Result<Vec<u8>> {
        let kind = self.public_key()?.kind();
        let sign = |mechanism: &Mechanism<'_>, data: &[u8]| {
            self.session.sign(mechanism, self.private, data).context("the token makes no signature")
        };
        // Hashed here: not every token does that itself.
        match kind {
            KeyKind::P256 => public::ecdsa(&sign(&Mechanism::Ecdsa, &sha2::Sha256::digest(message))?),
            KeyKind::P384 => public::ecdsa(&sign(&Mechanism::Ecdsa, &sha2::Sha384::digest(message))?),
            KeyKind::P521 => public::ecdsa(&sign(&Mechanism::Ecdsa, &sha2::Sha512::digest(message))?),
            KeyKind::Rsa => sign(&Mechanism::Sha256RsaPkcs, message),
            KeyKind::Ed25519 => sign(&Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Pure)), message),
        }
    }
}
