//! Why an artifact is not published, or not believed.

use crate::advisory::AdvisoryError;
use crate::advisory::store::delta::DeltaError;
use crate::sign::make::SignError;
use crate::source::SourceError;

/// Why an artifact is not published, or not believed. The store that was there is untouched.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// The repository could not be read or written.
    #[error(transparent)]
    Source(SourceError),
    /// What came does not have the digest or length that the manifest names, or is no manifest.
    #[error("what came was damaged or replaced on the way")]
    Damaged(#[source] SourceError),
    /// It is some other artifact, or an image.
    #[error("it is no {wanted}, but {found}")]
    Other {
        /// What it should be.
        wanted: &'static str,
        /// What it is.
        found: String,
    },
    /// It has only files of formats that are not ours.
    #[error("its file has format {found}, this program reads {supported}")]
    Format {
        /// Formats that it has.
        found: String,
        /// The one that we read.
        supported: u32,
    },
    /// No signature is accepted.
    #[error("it is not signed as demanded: {0}")]
    NotSigned(String),
    /// Its date is none, or lies ahead.
    #[error("its date `{0}` is none, or lies in the future")]
    Date(String),
    /// It is older than what was accepted before.
    #[error("it was published at {published}, and one of {known} was accepted before")]
    Older {
        /// Its date, RFC 3339.
        published: String,
        /// The newest date that was accepted, RFC 3339.
        known: String,
    },
    /// It is older than the user accepts.
    #[error("it was published {days} days ago, and at most {limit} are accepted")]
    TooOld {
        /// Its age.
        days: i32,
        /// The limit.
        limit: i32,
    },
    /// The terms of some of its sources forbid to hand it on.
    #[error("the terms of {0} do not allow to hand the store on")]
    Restricted(String),
    /// The store is no store, is damaged, or is a step back.
    #[error(transparent)]
    Store(AdvisoryError),
    /// The same of a file of another kind.
    #[error(transparent)]
    File(Box<dyn std::error::Error + Send + Sync>),
    /// No delta could be made.
    #[error("no delta could be made")]
    Delta(#[source] DeltaError),
    /// It could not be signed or stored.
    #[error(transparent)]
    Sign(SignError),
    /// What came is another file than the manifest says.
    #[error("its file is {found}, not {wanted} as it says")]
    OtherStore {
        /// Root digest that the manifest names.
        wanted: String,
        /// Root digest of what came.
        found: String,
    },
    /// A file beside the store could not be written.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// Which one.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl From<SourceError> for ArtifactError {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::DigestMismatch { .. } | SourceError::SizeMismatch { .. } => Self::Damaged(error),
            error if error.is_damage() => Self::Damaged(error),
            error => Self::Source(error),
        }
    }
}

impl From<AdvisoryError> for ArtifactError {
    fn from(error: AdvisoryError) -> Self {
        match error {
            AdvisoryError::Format { found, supported } => Self::Format { found: found.to_string(), supported },
            error => Self::Store(error),
        }
    }
}

impl From<SignError> for ArtifactError {
    fn from(error: SignError) -> Self {
        match error {
            SignError::Source(error) => error.into(),
            error => Self::Sign(error),
        }
    }
}

impl ArtifactError {
    /// What to do next, for people; none where the message says it all.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Source(error) => return error.hint(),
            Self::Damaged(_) | Self::OtherStore { .. } => {
                "run it again, or name another mirror with --from; if it stays so, tell whoever publishes it"
            }
            Self::Other { .. } => "name what `imgguard db push`, or `imgguard base push`, published",
            Self::Format { .. } => "use the release of imgguard that it was made for",
            Self::NotSigned(_) => "check that --key, or --identity and --issuer, is the publisher's",
            Self::Date(_) => "check this machine's clock; if it is right, tell whoever publishes the store",
            Self::Older { .. } => {
                "somebody may be serving an old one; if it was taken back for a reason that you know, add --accept-fewer"
            }
            Self::TooOld { .. } => "ask its publisher, take another mirror, or raise --max-age",
            Self::Restricted(_) => "make one without them: `imgguard db build --output FILE`",
            Self::Store(AdvisoryError::Fewer { .. } | AdvisoryError::Older { .. }) => {
                "a store that lost much may be cut; if you know that it is right, add --accept-fewer"
            }
            Self::Store(_) | Self::File(_) | Self::Delta(_) | Self::Sign(_) | Self::Write { .. } => return None,
        })
    }
}
