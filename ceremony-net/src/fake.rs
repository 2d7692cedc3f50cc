//! A web server of a test's own: it writes down what it is asked, and answers as it is told.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::client::{Client, ClientOptions};

pub(crate) struct Fake {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    /// Answers until the test ends. Requests are counted from 0.
    pub(crate) fn start(
        mut answer: impl FnMut(usize, &mut TcpStream) -> io::Result<()> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let known = asked.clone();
        std::thread::spawn(move || {
            for (number, link) in listener.incoming().enumerate() {
                let Ok(mut link) = link else { continue };
                let lines = BufReader::new(&link).lines().map_while(Result::ok);
                let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
                known.lock().unwrap().push(head.join("\n").to_lowercase());
                // Whoever asked may have gone.
                let _ = answer(number, &mut link);
            }
        });
        Self { url, asked }
    }

    /// Who asks it, and again for so long.
    pub(crate) fn client(&self, patience: Duration) -> Client {
        let options =
            ClientOptions { url: self.url.clone(), ca: None, insecure_http: false, patience };
        Client::new(&options).unwrap()
    }

    /// The heads of the requests, in small letters.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// Begins an answer, whose body ends with the link unless a header says otherwise.
pub(crate) fn begin(link: &mut TcpStream, status: &str, headers: &str) -> io::Result<()> {
    write!(link, "HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n")
}

/// A whole answer.
pub(crate) fn whole(
    link: &mut TcpStream,
    status: &str,
    headers: &str,
    body: &[u8],
) -> io::Result<()> {
    begin(link, status, &format!("{headers}Content-Length: {}\r\n", body.len()))?;
    link.write_all(body)
}
