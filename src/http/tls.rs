//! TLS before HTTP: certificate and key from files, and who may connect from another. The files are read again when they change, so that
//! a certificate is renewed without a restart.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use tokio_rustls::rustls::{self, RootCertStore, ServerConfig};

use crate::clock::Stopwatch;

/// How long files are taken for what they were.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, and those between it and one that clients know, in PEM.
    pub certificate: PathBuf,
    /// Its key, in PEM.
    pub key: PathBuf,
    /// Clients must show a certificate that one of these has signed. Without it they need none.
    pub client_ca: Option<PathBuf>,
}

/// Why HTTP cannot be served over TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{path} cannot be read: {source}; the user that runs creditd must be able to")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{path} holds no {what} in PEM: {why}")]
    Pem {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        what: &'static str,
        /// What was found.
        why: String,
    },
    /// The files do not belong together.
    #[error("the certificate {certificate} cannot be used with its key: {source}")]
    Pair {
        /// The certificate.
        certificate: PathBuf,
        /// What is wrong.
        source: rustls::Error,
    },
    /// The certificates that sign those of clients cannot be used.
    #[error("{path} cannot tell clients: {source}")]
    Clients {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: VerifierBuilderError,
    },
}

/// TLS as it is in force.
pub struct Tls {
    files: TlsFiles,
    now: Mutex<InForce>,
}

struct InForce {
    config: Arc<ServerConfig>,
    stamps: Vec<Stamp>,
    looked: Stopwatch,
}

/// What tells one state of a file from the next.
type Stamp = Option<(u64, u64, i64, i64)>;

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Tls").field(&self.files).finish()
    }
}

impl Tls {
    /// TLS with these files.
    ///
    /// # Errors
    /// [`TlsError`], which names the file.
    pub fn load(files: TlsFiles) -> Result<Tls, TlsError> {
        let stamps = files.stamps();
        let config = files.read()?;
        Ok(Tls { files, now: Mutex::new(InForce { config, stamps, looked: Stopwatch::start() }) })
    }

    /// Reads the files again. Where one cannot be used, what was in force stays.
    ///
    /// # Errors
    /// [`TlsError`], which names the file.
    pub fn reload(&self) -> Result<(), TlsError> {
        let stamps = self.files.stamps();
        let read = self.files.read();
        let mut now = self.now.lock();
        // Said once, and not read again before a file is another one.
        now.stamps = stamps;
        now.config = read?;
        tracing::info!(certificate = %self.files.certificate.display(), "the certificate was read");
        Ok(())
    }

    /// What a connection that comes now is held to.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        if self.is_another()
            && let Err(error) = self.reload()
        {
            tracing::error!(%error, "the certificate of before stays in force");
        }
        TlsAcceptor::from(Arc::clone(&self.now.lock().config))
    }

    fn is_another(&self) -> bool {
        let mut now = self.now.lock();
        if now.looked.elapsed() < LOOK_AGAIN_AFTER {
            return false;
        }
        now.looked = Stopwatch::start();
        now.stamps != self.files.stamps()
    }
}

impl TlsFiles {
    fn stamps(&self) -> Vec<Stamp> {
        let stamp = |path: &PathBuf| {
            let told = fs::metadata(path).ok()?;
            Some((told.ino(), told.len(), told.mtime(), told.mtime_nsec()))
        };
        [Some(&self.certificate), Some(&self.key), self.client_ca.as_ref()]
            .into_iter()
            .flatten()
            .map(stamp)
            .collect()
    }

    fn read(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let chain = certificates(&self.certificate)?;
        let key = text(&self.key)?;
        let key = PrivateKeyDer::from_pem_slice(&key).map_err(no("key", &self.key))?;
        let pair = |source| TlsError::Pair { certificate: self.certificate.clone(), source };
        let config =
            ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
        let config = config.map_err(pair)?;
        let config = match &self.client_ca {
            None => config.with_no_client_auth(),
            Some(path) => config.with_client_cert_verifier(clients(path, provider)?),
        };
        let mut config = config.with_single_cert(chain, key).map_err(pair)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

fn clients(
    path: &Path,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn rustls::server::danger::ClientCertVerifier>, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        let wrong = |error: rustls::Error| TlsError::Pem {
            path: path.to_owned(),
            what: "certificate of an authority",
            why: error.to_string(),
        };
        roots.add(certificate).map_err(wrong)?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|source| TlsError::Clients { path: path.to_owned(), source })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = text(path)?;
    let all: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&text).collect();
    let all = all.map_err(no("certificate", path))?;
    if all.is_empty() {
        return Err(no("certificate", path)(pem::Error::NoItemsFound));
    }
    Ok(all)
}

fn text(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Io { path: path.to_owned(), source })
}

fn no(what: &'static str, path: &Path) -> impl FnOnce(pem::Error) -> TlsError {
    move |error| TlsError::Pem { path: path.to_owned(), what, why: error.to_string() }
}
