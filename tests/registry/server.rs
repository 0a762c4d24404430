//! A server that does what a test wants: real sockets, one thread a connection, every request remembered.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use imgguard::digest::Digest;
use serde_json::Value;

use crate::world::{Built, Layout, layer};
use imgguard::secret::template::fill;

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Path and query, or the whole URL where we are a proxy.
    pub(crate) path: String,
    /// By lower-case name.
    pub(crate) headers: BTreeMap<String, String>,
    /// As text, for what is one.
    pub(crate) body: String,
    pub(crate) bytes: Vec<u8>,
    /// How often this path was asked for before.
    pub(crate) before: usize,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// Path and query, also where the whole URL was sent.
    pub(crate) fn local_path(&self) -> &str {
        self.path.strip_prefix("http://").map_or(&*self.path, |rest| &rest[rest.find('/').unwrap()..])
    }
}

/// How the body of an answer is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body {
    /// With its length.
    Whole,
    /// In chunks, so that its length is not told.
    Chunked,
    /// The connection ends after this many bytes, though the length said more.
    Cut(usize),
    /// After this many bytes nothing comes, until the client is gone.
    Stalled(usize),
}

/// What the server says.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) send: Body,
}

impl Answer {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), send: Body::Whole }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn sent(mut self, send: Body) -> Self {
        self.send = send;
        self
    }

    /// To be repeated at once.
    pub(crate) fn later(status: u16) -> Self {
        Self::new(status, "").with("Retry-After", "0")
    }
}

type Handler = dyn Fn(&Asked) -> Answer + Send + Sync;

/// A listening server. Its threads end with the test's process.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    /// Told when a client left a stalled answer.
    pub(crate) left: Receiver<()>,
}

impl Server {
    pub(crate) fn start(handler: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (sender, left) = channel();
        let shared: (Arc<Handler>, _) = (Arc::new(handler), asked.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let ((handler, asked), left) = (shared.clone(), sender.clone());
                std::thread::spawn(move || serve(&stream, &*handler, &asked, &left));
            }
        });
        Self { address, asked, left }
    }

    /// Everything that was asked.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// What was asked for paths that contain `part`.
    pub(crate) fn asked_for(&self, part: &str) -> Vec<Asked> {
        self.asked().into_iter().filter(|asked| asked.path.contains(part)).collect()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn image(&self) -> String {
        format!("{}/app:1", self.address)
    }
}

fn serve(stream: &TcpStream, handler: &Handler, asked: &Mutex<Vec<Asked>>, left: &Sender<()>) {
    let mut reader = BufReader::new(stream);
    while let Some(mut request) = read(&mut reader) {
        let answer = {
            let mut asked = asked.lock().unwrap();
            request.before = asked.iter().filter(|known| known.path == request.path).count();
            asked.push(request.clone());
            drop(asked);
            handler(&request)
        };
        if write(stream, &answer).is_none() {
            break;
        }
        if let Body::Stalled(_) = answer.send {
            // Ends when the client closes the connection.
            let _ = reader.read_to_end(&mut Vec::new());
            let _ = left.send(());
            break;
        }
    }
}

/// The next request; none at the connection's end, or when it is not HTTP.
fn read(reader: &mut BufReader<&TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let mut body = vec![0; headers.get("content-length").map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).ok()?;
    let text = String::from_utf8_lossy(&body).into_owned();
    Some(Asked { method, path, headers, body: text, bytes: body, before: 0 })
}

/// Sends an answer; none when the connection is over.
fn write(mut stream: &TcpStream, answer: &Answer) -> Option<()> {
    let mut head = format!("HTTP/1.1 {} x\r\n", answer.status);
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    match answer.send {
        Body::Chunked => head.push_str("Transfer-Encoding: chunked\r\n\r\n"),
        _ => head.push_str(&format!("Content-Length: {}\r\n\r\n", answer.body.len())),
    }
    stream.write_all(head.as_bytes()).ok()?;
    match answer.send {
        Body::Whole => stream.write_all(&answer.body).ok(),
        Body::Chunked => {
            for chunk in answer.body.chunks(10_000) {
                stream.write_all(format!("{:x}\r\n", chunk.len()).as_bytes()).ok()?;
                stream.write_all(chunk).ok()?;
                stream.write_all(b"\r\n").ok()?;
            }
            stream.write_all(b"0\r\n\r\n").ok()
        }
        Body::Stalled(length) => stream.write_all(&answer.body[..length]).ok(),
        Body::Cut(length) => {
            let _ = stream.write_all(&answer.body[..length]);
            None
        }
    }
}

/// What a registry holds: one image under `app:1`.
#[derive(Clone)]
pub(crate) struct Stored {
    /// Content and media type by digest.
    blobs: BTreeMap<String, (String, Vec<u8>)>,
    /// Digest of the manifest.
    pub(crate) manifest: String,
    /// Digest of the configuration.
    pub(crate) config: String,
    /// Digest of the only layer.
    pub(crate) layer: String,
}

impl Stored {
    /// An image of one layer of about 1.5 MB, so that bodies can break in the middle.
    pub(crate) fn new() -> Self {
        let noise: String = (0..40_000u32).map(|n| format!("{} ", Digest::sha256(&n.to_le_bytes()).hex())).collect();
        let files = [("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n"), ("srv/noise", &noise[..1_500_000])];
        Self::of(&files)
    }

    /// An image with a leaked key, of a kind that needs no checksum.
    pub(crate) fn with_secret() -> Self {
        let key = fill("sk-ant-api03-{base64url:93}AA", 1).text;
        Self::of(&[("srv/key.txt", &format!("key: '{key}'\n"))])
    }

    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let layout = Layout::of(&[Built::new(vec![layer(files)])]);
        let index: Value = serde_json::from_slice(&fs::read(layout.path().join("index.json")).unwrap()).unwrap();
        let digest = |value: &Value| value["digest"].as_str().unwrap().to_owned();
        let manifest = digest(&index["manifests"][0]);
        let document = layout.document(&manifest);
        let (config, layer) = (digest(&document["config"]), digest(&document["layers"][0]));
        let media_type = |digest: &String| match *digest == manifest {
            true => "application/vnd.oci.image.manifest.v1+json",
            false => "application/octet-stream",
        };
        let content = |digest: &String| fs::read(layout.blob_path(digest)).unwrap();
        let blobs = [&manifest, &config, &layer]
            .map(|digest| (digest.clone(), (media_type(digest).to_owned(), content(digest))))
            .into();
        Self { blobs, manifest, config, layer }
    }

    pub(crate) fn bytes(&self, digest: &str) -> &[u8] {
        &self.blobs[digest].1
    }

    /// What a registry that does everything right says.
    pub(crate) fn answer(&self, asked: &Asked) -> Answer {
        let path = asked.local_path();
        let name = path.rsplit('/').next().unwrap();
        if path == "/v2/" {
            return Answer::new(200, "{}");
        }
        let digest = if path == "/v2/app/manifests/1" { &self.manifest } else { name };
        let Some((media_type, bytes)) = self.blobs.get(digest).filter(|_| path.starts_with("/v2/app/")) else {
            return Answer::new(404, r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#);
        };
        let range = asked.header("range").map(|range| range.strip_prefix("bytes=").unwrap().trim_end_matches('-'));
        match range.map(|first| first.parse::<usize>().unwrap()) {
            Some(first) => Answer::new(206, &bytes[first..])
                .with("Content-Range", format!("bytes {first}-{}/{}", bytes.len() - 1, bytes.len())),
            None => Answer::new(200, bytes.clone()).with("Content-Type", media_type),
        }
    }

    /// A server that does everything right, but for what `wrong` answers instead.
    pub(crate) fn serve(&self, wrong: impl Fn(&Asked, &Self) -> Option<Answer> + Send + Sync + 'static) -> Server {
        let stored = self.clone();
        Server::start(move |asked| wrong(asked, &stored).unwrap_or_else(|| stored.answer(asked)))
    }
}
