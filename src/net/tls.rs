//! Whom to trust, and who we are: roots of the system, of `--ca` and of `certs.d`, and client certificates.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use super::NetError;

/// Largest file of certificates or keys. The bundle of all public roots has 220 KiB.
const MAX_PEM_BYTES: u64 = 4 << 20;

/// The certificates that servers are checked against.
pub(super) struct Trust {
    roots: RootCertStore,
}

impl Trust {
    /// The system's roots (`SSL_CERT_FILE` and `SSL_CERT_DIR` name others), bundled ones where the system has none, and those of `files`.
    ///
    /// # Errors
    /// When a file that was named cannot be used.
    pub(super) fn load(files: &[PathBuf]) -> Result<Self, NetError> {
        let mut roots = RootCertStore::empty();
        let system = rustls_native_certs::load_native_certs();
        let (usable, _) = roots.add_parsable_certificates(system.certs);
        if usable == 0 {
            // Who names a file means it: other roots than its own would be a surprise.
            if let (Some(file), Some(error)) = (std::env::var_os("SSL_CERT_FILE"), system.errors.first()) {
                return Err(NetError::Certificates { path: file.into(), detail: super::innermost(error) });
            }
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        for file in files {
            add(&mut roots, file)?;
        }
        Ok(Self { roots })
    }

    /// How to speak to a host whose folder in `certs.d` is `folder`. Without `check` anybody may answer, only the handshake's own signature is verified.
    ///
    /// # Errors
    /// When the folder's certificates or keys cannot be used.
    pub(super) fn client_config(&self, folder: Option<&Path>, check: bool) -> Result<ClientConfig, NetError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let files = folder.map(files_of).transpose()?.unwrap_or_default();
        let mut roots = self.roots.clone();
        for file in &files.authorities {
            add(&mut roots, file)?;
        }
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| NetError::Start(error.to_string()))?;
        let builder = if check {
            builder.with_root_certificates(roots)
        } else {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        };
        let Some((certificate, key)) = files.identity else { return Ok(builder.with_no_client_auth()) };
        let chain = certificates(&certificate)?;
        let unusable = |detail: String| NetError::Certificates { path: key.clone(), detail };
        let secret = PrivateKeyDer::from_pem_slice(&read(&key)?).map_err(|error| unusable(error.to_string()))?;
        builder.with_client_auth_cert(chain, secret).map_err(|error| unusable(error.to_string()))
    }
}

/// The files of a host's folder.
#[derive(Default)]
struct HostFiles {
    /// `*.crt`: trusted for this host.
    authorities: Vec<PathBuf>,
    /// The first `NAME.cert` with its `NAME.key`: who we are to this host.
    identity: Option<(PathBuf, PathBuf)>,
}

fn files_of(folder: &Path) -> Result<HostFiles, NetError> {
    let unreadable =
        |error: std::io::Error| NetError::Certificates { path: folder.to_owned(), detail: error.to_string() };
    let entries = std::fs::read_dir(folder).map_err(unreadable)?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    paths.sort();
    let has_extension = |path: &Path, wanted: &str| path.extension().is_some_and(|extension| extension == wanted);
    let certificate = paths.iter().find(|path| has_extension(path, "cert"));
    let identity = certificate.map(|certificate| (certificate.clone(), certificate.with_extension("key")));
    let authorities = paths.iter().filter(|path| has_extension(path, "crt")).cloned().collect();
    Ok(HostFiles { authorities, identity })
}

fn add(roots: &mut RootCertStore, file: &Path) -> Result<(), NetError> {
    for certificate in certificates(file)? {
        let unusable =
            |error: rustls::Error| NetError::Certificates { path: file.to_owned(), detail: error.to_string() };
        roots.add(certificate).map_err(unusable)?;
    }
    Ok(())
}

/// The certificates of a PEM file, at least one.
fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, NetError> {
    let unusable = |detail: String| NetError::Certificates { path: file.to_owned(), detail };
    let found = CertificateDer::pem_slice_iter(&read(file)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unusable(error.to_string()))?;
    if found.is_empty() { Err(unusable("there is no PEM certificate in it".into())) } else { Ok(found) }
}

fn read(file: &Path) -> Result<Vec<u8>, NetError> {
    use std::io::Read as _;
    let unusable = |detail: String| NetError::Certificates { path: file.to_owned(), detail };
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(file).map_err(|error| unusable(error.to_string()))?;
    opened.take(MAX_PEM_BYTES + 1).read_to_end(&mut bytes).map_err(|error| unusable(error.to_string()))?;
    if bytes.len() as u64 > MAX_PEM_BYTES {
        return Err(unusable(format!("it is larger than {MAX_PEM_BYTES} bytes")));
    }
    Ok(bytes)
}

/// Takes any certificate: `--insecure-tls`.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
