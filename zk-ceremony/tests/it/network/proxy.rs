//! A network that misbehaves: a proxy between client and service that takes one request with each
//! connection, and does to it what a test says.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What is done to a request, or to its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// The link is cut after so many bytes of the request's body.
    CutRequest(usize),
    /// The link is cut after so many bytes of the answer, head and body.
    CutAnswer(usize),
    /// The request's body comes with one bit of this byte changed.
    FlipRequest(usize),
    /// The same, and nobody notices: the request's checksum is taken out.
    Spoil(usize),
    /// The answer's body comes with one bit of this byte changed.
    FlipAnswer(usize),
    /// The answer's body ends after so many bytes, and so it is said in its head.
    ShortenAnswer(usize),
    /// It takes so long before anything comes.
    Delay(Duration),
    /// So many bytes at a time, with a pause after each.
    Trickle(usize, Duration),
    /// The request comes twice; the client gets the second answer.
    Twice,
    /// The link is cut, and the request comes after the next one that is answered: out of order.
    Late,
    /// After so many bytes of the request's body, nothing goes over the link for so long.
    PauseRequest(usize, Duration),
    /// The same with the answer, head and body.
    PauseAnswer(usize, Duration),
    /// The request goes nowhere, and is answered with this status.
    Answer(u16),
    /// The request goes nowhere, and is answered with this text.
    Say(&'static str),
    /// Nothing goes on after so many bytes of the request's body, until they are released; then the
    /// link is cut.
    Hold(usize),
}

/// What a proxy does to a request, by its method and path.
type Plan = Box<dyn FnMut(&str, &str) -> Fault + Send>;

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    /// Requests that came, with what was done to them.
    pub(crate) seen: Arc<Mutex<Vec<(String, Fault)>>>,
    /// Where it leads.
    service: Arc<Mutex<SocketAddr>>,
    /// Those of them that had no session's token.
    pub(crate) unsigned: Arc<Mutex<Vec<String>>>,
    over: Arc<AtomicBool>,
    holding: Arc<AtomicUsize>,
    released: Arc<AtomicUsize>,
}

struct Shared {
    service: Arc<Mutex<SocketAddr>>,
    plan: Mutex<Plan>,
    seen: Arc<Mutex<Vec<(String, Fault)>>>,
    unsigned: Arc<Mutex<Vec<String>>>,
    /// Requests that come late.
    late: Mutex<Vec<Vec<u8>>>,
    over: Arc<AtomicBool>,
    holding: Arc<AtomicUsize>,
    released: Arc<AtomicUsize>,
}

impl Proxy {
    pub(crate) fn start(
        service: SocketAddr,
        plan: impl FnMut(&str, &str) -> Fault + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, over) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let (holding, released) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let service = Arc::new(Mutex::new(service));
        let shared = Arc::new(Shared {
            service: service.clone(),
            plan: Mutex::new(Box::new(plan)),
            seen: Arc::clone(&seen),
            unsigned: Arc::default(),
            late: Mutex::default(),
            over: over.clone(),
            holding: holding.clone(),
            released: released.clone(),
        });
        let unsigned = shared.unsigned.clone();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if shared.over.load(Ordering::SeqCst) {
                    break;
                }
                let (Ok(client), shared) = (client, shared.clone()) else { continue };
                // Broken links end here, as they would on the way.
                std::thread::spawn(move || {
                    let before = std::mem::take(&mut *shared.late.lock().unwrap());
                    let _ = pass(&shared, &client);
                    for request in before {
                        let _ = deliver(&shared, &request);
                    }
                });
            }
        });
        Self { address, seen, service, unsigned, over, holding, released }
    }

    /// How many requests something was done to.
    pub(crate) fn faults(&self) -> usize {
        self.seen.lock().unwrap().iter().filter(|(_, fault)| *fault != Fault::None).count()
    }

    /// Leads to another address from now on.
    pub(crate) fn lead_to(&self, service: SocketAddr) {
        *self.service.lock().unwrap() = service;
    }

    /// Whether a request is held back.
    pub(crate) fn is_holding(&self) -> bool {
        self.holding.load(Ordering::SeqCst) > self.released.load(Ordering::SeqCst)
    }

    /// Cuts the links of the requests that are held back.
    pub(crate) fn release(&self) {
        self.released.store(self.holding.load(Ordering::SeqCst), Ordering::SeqCst);
    }
}

impl Shared {
    fn leads_to(&self) -> SocketAddr {
        *self.service.lock().unwrap()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

/// The head of a message, whose lines end with CR and LF, and how long its body is.
fn head(from: &mut BufReader<TcpStream>) -> std::io::Result<(Vec<String>, Option<usize>)> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if from.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let length = |line: &String| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok()).flatten()
    };
    let length = lines.iter().find_map(length);
    Ok((lines, length))
}

/// Sends what comes late, and waits for an answer that nobody gets.
fn deliver(shared: &Shared, request: &[u8]) -> std::io::Result<()> {
    let mut service = TcpStream::connect(shared.leads_to())?;
    service.write_all(request)?;
    service.read_to_end(&mut Vec::new()).map(drop)
}

fn pass(shared: &Shared, client: &TcpStream) -> std::io::Result<()> {
    let mut from = BufReader::new(client.try_clone()?);
    let (mut lines, length) = head(&mut from)?;
    let mut body = vec![0; length.unwrap_or_default()];
    from.read_exact(&mut body)?;
    let mut words = lines[0].split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let fault = (shared.plan.lock().unwrap())(method, path);
    let is_head = method == "HEAD";
    shared.seen.lock().unwrap().push((format!("{method} {path}"), fault));
    if !lines.iter().any(|line| line.to_lowercase().starts_with("authorization:")) {
        shared.unsigned.lock().unwrap().push(format!("{method} {path}"));
    }
    lines.retain(|line| !line.to_lowercase().starts_with("connection:"));
    if matches!(fault, Fault::Spoil(_)) {
        lines.retain(|line| !line.to_lowercase().starts_with("upload-checksum:"));
    }
    lines.push("Connection: close".into());
    let ask = lines.join("\r\n") + "\r\n\r\n";
    match fault {
        Fault::FlipRequest(at) if !body.is_empty() => {
            let at = at % body.len();
            body[at] ^= 1;
        }
        Fault::Spoil(at) if !body.is_empty() => {
            let at = at % body.len();
            body[at] ^= 1;
        }
        Fault::Delay(time) => std::thread::sleep(time),
        Fault::Late => {
            let request = [ask.as_bytes(), &body].concat();
            shared.late.lock().unwrap().push(request);
            return client.shutdown(Shutdown::Both);
        }
        Fault::Twice => {
            let mut first = TcpStream::connect(shared.leads_to())?;
            first.write_all(ask.as_bytes())?;
            first.write_all(&body)?;
            first.read_to_end(&mut Vec::new())?;
        }
        _ => {}
    }
    let instead = match fault {
        Fault::Answer(status) => Some((format!("{status} No"), "")),
        Fault::Say(text) => Some(("200 OK".into(), text)),
        _ => None,
    };
    if let Some((status, text)) = instead {
        let length = text.len();
        let head = format!("Content-Length: {length}\r\nConnection: close\r\n\r\n{text}");
        (&mut &*client).write_all(format!("HTTP/1.1 {status}\r\n{head}").as_bytes())?;
        return client.shutdown(Shutdown::Both);
    }
    let mut service = TcpStream::connect(shared.leads_to())?;
    service.write_all(ask.as_bytes())?;
    match fault {
        Fault::CutRequest(most) if most < body.len() => {
            service.write_all(&body[..most])?;
            std::thread::sleep(Duration::from_millis(50)); // they arrive
            service.shutdown(Shutdown::Both)?;
            return client.shutdown(Shutdown::Both);
        }
        Fault::Hold(most) => {
            service.write_all(&body[..most.min(body.len())])?;
            std::thread::sleep(Duration::from_millis(50)); // they arrive
            let number = shared.holding.fetch_add(1, Ordering::SeqCst);
            while shared.released.load(Ordering::SeqCst) <= number
                && !shared.over.load(Ordering::SeqCst)
            {
                std::thread::sleep(Duration::from_millis(10));
            }
            service.shutdown(Shutdown::Both)?;
            return client.shutdown(Shutdown::Both);
        }
        Fault::PauseRequest(at, time) => {
            let at = at.min(body.len());
            service.write_all(&body[..at])?;
            std::thread::sleep(time);
            // The service may have given up: what is left goes nowhere then.
            let _ = service.write_all(&body[at..]);
        }
        Fault::Trickle(count, pause) => {
            for piece in body.chunks(count) {
                service.write_all(piece)?;
                std::thread::sleep(pause);
            }
        }
        _ => service.write_all(&body)?,
    }
    answer(fault, is_head, service, client)
}

fn answer(
    fault: Fault,
    is_head: bool,
    service: TcpStream,
    mut client: &TcpStream,
) -> std::io::Result<()> {
    let mut from = BufReader::new(service);
    let (mut lines, _) = head(&mut from)?;
    let mut body = Vec::new();
    if !is_head {
        from.read_to_end(&mut body)?;
    }
    match fault {
        Fault::FlipAnswer(at) if !body.is_empty() => {
            let at = at % body.len();
            body[at] ^= 1;
        }
        Fault::ShortenAnswer(most) if most < body.len() => {
            body.truncate(most);
            for line in &mut lines {
                if line.to_lowercase().starts_with("content-length:") {
                    *line = format!("Content-Length: {most}");
                }
            }
        }
        _ => {}
    }
    let mut bytes = (lines.join("\r\n") + "\r\n\r\n").into_bytes();
    bytes.extend(body);
    match fault {
        Fault::CutAnswer(most) => bytes.truncate(most),
        Fault::PauseAnswer(at, time) => {
            let at = at.min(bytes.len());
            client.write_all(&bytes[..at])?;
            std::thread::sleep(time);
            bytes.drain(..at);
        }
        Fault::Trickle(count, pause) => {
            for piece in bytes.chunks(count) {
                client.write_all(piece)?;
                std::thread::sleep(pause);
            }
            return client.shutdown(Shutdown::Both);
        }
        _ => {}
    }
    client.write_all(&bytes)?;
    client.shutdown(Shutdown::Both)
}
