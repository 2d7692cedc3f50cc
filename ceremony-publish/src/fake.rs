//! A store of a test's own: it writes down what it is asked, and answers as it is told.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use object_store::aws::AmazonS3Builder;

use crate::place::{Access, Place};

/// A request, with the names of its headers in small letters.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// Method and path, and what of the query is not about the signature.
    pub(crate) fn line(&self) -> String {
        let query =
            self.query.split('&').filter(|part| !part.is_empty() && !part.starts_with("X-"));
        let query: Vec<&str> = query.map(|part| part.trim_end_matches('=')).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{} {}{mark}{}", self.method, self.path, query.join("&"))
    }
}

/// Status, headers and body of an answer.
pub(crate) type Answer = (u16, Vec<(&'static str, String)>, Vec<u8>);

pub(crate) fn status(status: u16) -> Answer {
    (status, Vec::new(), Vec::new())
}

pub(crate) fn body(body: impl AsRef<[u8]>) -> Answer {
    (200, Vec::new(), body.as_ref().to_vec())
}

pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Fake {
    /// Answers until the test ends.
    pub(crate) fn start(answer: impl Fn(&Asked) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let known = asked.clone();
        std::thread::spawn(move || {
            for link in listener.incoming() {
                let _ = link.and_then(|link| one(&link, &known, &answer));
            }
        });
        Self { address, asked }
    }

    /// A place in it.
    pub(crate) fn place(&self, url: &str) -> Place {
        self.patient_place(url, Duration::ZERO)
    }

    /// The same, whose requests are tried again for so long.
    pub(crate) fn patient_place(&self, url: &str, patience: Duration) -> Place {
        let access = Access { ca: None, insecure_http: false, patience };
        let endpoint = format!("http://{}", self.address);
        let environment = move || {
            AmazonS3Builder::new()
                .with_endpoint(endpoint.clone())
                .with_region("us-east-1")
                .with_access_key_id("AKID")
                .with_secret_access_key("secret")
        };
        Place::open_with(url, &access, environment).unwrap()
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// What was asked, a line each.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked().iter().map(Asked::line).collect()
    }
}

fn one(
    mut link: &TcpStream,
    known: &Mutex<Vec<Asked>>,
    answer: &dyn Fn(&Asked) -> Answer,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(link);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let method = words.next().unwrap_or_default().to_owned();
    let target = words.next().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (path, query) = (path.to_owned(), query.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let asked = Asked { method, path, query, headers, body };
    known.lock().unwrap().push(asked.clone());
    let (status, headers, body) = answer(&asked);
    let mut text = format!("HTTP/1.1 {status} Said\r\nConnection: close\r\n");
    for (name, value) in &headers {
        text += &format!("{name}: {value}\r\n");
    }
    if !headers.iter().any(|(name, _)| *name == "content-length") {
        text += &format!("content-length: {}\r\n", body.len());
    }
    link.write_all(format!("{text}\r\n").as_bytes())?;
    if asked.method != "HEAD" {
        link.write_all(&body)?;
    }
    link.flush()
}
