//! A body that is read while it is sent, so that no more of it than a few pieces is in memory.

use std::io::Read;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout_at};

/// Bytes of a piece.
const PIECE: usize = 256 << 10;

/// Pieces that wait for the connection.
const WAITING: usize = 4;

/// Opens a content at its beginning.
type Open = dyn Fn() -> std::io::Result<Box<dyn Read + Send>> + Send + Sync;

/// A content of known length that can be opened as often as it must be sent.
#[derive(Clone)]
pub struct Stream {
    length: u64,
    open: Arc<Open>,
}

impl Stream {
    /// `open` is called on a thread of its own, once for each time that the content is sent, and must give `length` bytes. An error of the reader ends the request and is told as it is.
    pub fn new(length: u64, open: impl Fn() -> std::io::Result<Box<dyn Read + Send>> + Send + Sync + 'static) -> Self {
        Self { length, open: Arc::new(open) }
    }

    /// Begins to read.
    pub(super) fn start(&self) -> (reqwest::Body, Watch) {
        let (pieces, receiver) = mpsc::channel(WAITING);
        let (taken, at) = watch::channel(Some(Instant::now()));
        let failed = Arc::new(Mutex::new(None));
        let (open, failure) = (self.open.clone(), failed.clone());
        std::thread::spawn(move || {
            if let Err(error) = feed(open.as_ref(), &pieces) {
                *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                // The receiver may be gone; then nobody asks.
                let _ = pieces.blocking_send(Err(std::io::ErrorKind::Other.into()));
            }
        });
        (reqwest::Body::wrap(Pieces { receiver, left: self.length, taken }), Watch { at, failed })
    }
}

fn feed(open: &Open, pieces: &mpsc::Sender<std::io::Result<Bytes>>) -> std::io::Result<()> {
    let mut reader = open()?;
    loop {
        let mut piece = Vec::with_capacity(PIECE);
        reader.by_ref().take(PIECE as u64).read_to_end(&mut piece)?;
        if piece.is_empty() || pieces.blocking_send(Ok(piece.into())).is_err() {
            return Ok(());
        }
    }
}

/// What happens to a body that is being sent.
pub(super) struct Watch {
    /// When the connection last got something; none while it waits for the reader.
    at: watch::Receiver<Option<Instant>>,
    failed: Arc<Mutex<Option<std::io::Error>>>,
}

impl Watch {
    /// Why the content could not be read to its end, if so.
    pub(super) fn failure(&self) -> Option<std::io::Error> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Ends when the server was silent for so long: it takes nothing, or has everything and gives no answer. A reader that takes its time has limits of its own.
    pub(super) async fn stalled(&mut self, after: Duration) {
        loop {
            let since = *self.at.borrow_and_update();
            let changed = match since {
                Some(since) => match timeout_at(since + after, self.at.changed()).await {
                    Ok(changed) => changed,
                    Err(_) => return,
                },
                None => self.at.changed().await,
            };
            if changed.is_err() {
                return sleep(after).await;
            }
        }
    }
}

/// The body as the HTTP client takes it.
struct Pieces {
    receiver: mpsc::Receiver<std::io::Result<Bytes>>,
    left: u64,
    taken: watch::Sender<Option<Instant>>,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<std::io::Result<Frame<Bytes>>>> {
        let next = self.receiver.poll_recv(context);
        self.taken.send_replace(next.is_ready().then(Instant::now));
        let next = std::task::ready!(next);
        Poll::Ready(next.map(|piece| {
            let piece = piece?;
            self.left = self.left.checked_sub(piece.len() as u64).ok_or(std::io::ErrorKind::InvalidData)?;
            Ok(Frame::data(piece))
        }))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
