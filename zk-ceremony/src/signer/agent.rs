//! ssh-agent: a plain Ed25519 signature over the message, by the agent protocol
//! (draft-ietf-sshm-ssh-agent, which is OpenSSH's PROTOCOL.agent).
//!
//! Makes two requests: the list of keys, which must contain the named key exactly once, and a
//! signature by that key. The agent is not trusted: its replies are bounded in size and time, and
//! [`super::Checked`] verifies the signature.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use zk_attest::diagnostic::Diagnostic;
use zk_attest::key::PublicKey;

use super::ssh_wire::{Fields, string};
use super::{Backend, within};

/// Longest reply in bytes: OpenSSH's own limit for a message of the protocol (AGENT_MAX_LEN in its
/// authfd.c).
const MAX_REPLY_BYTES: usize = 256 * 1024;

const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;

/// A key in an agent.
pub(super) struct Agent {
    socket: PathBuf,
    key: PublicKey,
    limit: Duration,
}

impl Agent {
    /// The agent of SSH_AUTH_SOCK, if it holds the key.
    pub(super) fn open(key: PublicKey, limit: Duration) -> Result<Self, Diagnostic> {
        let socket = std::env::var_os("SSH_AUTH_SOCK")
            .filter(|socket| !socket.is_empty())
            .ok_or_else(|| {
                Diagnostic::environment(
                    "no-ssh-agent-ssh",
                    "no ssh-agent: SSH_AUTH_SOCK is not set",
                )
                .hint("run `eval \"$(ssh-agent)\"` and `ssh-add KEY`, then try again")
            })?;
        let agent = Self { socket: socket.into(), key, limit };
        let reply = agent.ask(&[REQUEST_IDENTITIES])?;
        let keys = listed_keys(&reply).ok_or_else(|| {
            agent
                .fault("its answer is not a reply of an ssh-agent")
                .hint("check which program listens at SSH_AUTH_SOCK")
        })?;
        let wanted = key_blob(&key);
        match keys.iter().filter(|blob| **blob == wanted).count() {
            1 => Ok(agent),
            found => Err(agent
                .fault("the agent must have the named key exactly once")
                .found(format_args!("{found} times among {} keys", keys.len()))
                .expected(format_args!("ssh-ed25519 key {key}"))
                .hint("run `ssh-add KEYFILE`; `ssh-add -L` lists the agent's keys")),
        }
    }

    fn fault(&self, what: impl std::fmt::Display) -> Diagnostic {
        Diagnostic::environment("ssh-agent", what).at(self.description())
    }

    /// Sends one request and reads one reply, on a new connection.
    fn ask(&self, request: &[u8]) -> Result<Vec<u8>, Diagnostic> {
        let (socket, request) = (self.socket.clone(), string(request));
        let exchanged = within(self.limit, move || -> io::Result<Vec<u8>> {
            let mut agent = UnixStream::connect(socket)?;
            agent.write_all(&request)?;
            let mut length = [0; 4];
            agent.read_exact(&mut length)?;
            let length = u32::from_be_bytes(length) as usize;
            if length > MAX_REPLY_BYTES {
                return Err(io::Error::other(format!(
                    "it announces a reply of {length} bytes; at most {MAX_REPLY_BYTES} are read"
                )));
            }
            let mut reply = vec![0; length];
            agent.read_exact(&mut reply)?;
            Ok(reply)
        });
        let reply = exchanged.ok_or_else(|| {
            self.fault(format_args!("no answer within {} seconds", self.limit.as_secs())).hint(
                "check whether the agent waits for a confirmation, or allow more time with \
                 --signer-timeout SECONDS",
            )
        })?;
        let explained = |e: io::Error| match e.kind() {
            io::ErrorKind::UnexpectedEof => {
                self.fault("it closed the connection before its answer was complete")
            }
            _ => self.fault(e),
        };
        reply.map_err(|e| {
            explained(e)
                .hint("check that SSH_AUTH_SOCK names the socket of a running agent: `ssh-add -L`")
        })
    }
}

impl Backend for Agent {
    fn public_key(&self) -> &PublicKey {
        &self.key
    }

    fn description(&self) -> String {
        format!("ssh-agent at {}", self.socket.display())
    }

    fn answer(&mut self, message: &[u8]) -> Result<Vec<u8>, Diagnostic> {
        const NO_FLAGS: [u8; 4] = [0; 4];
        let request =
            [&[SIGN_REQUEST][..], &string(&key_blob(&self.key)), &string(message), &NO_FLAGS]
                .concat();
        let reply = self.ask(&request)?;
        signature(&reply).map(<[u8]>::to_vec).ok_or_else(|| {
            self.fault("it did not sign").hint(
                "unlock the agent (`ssh-add -X`), confirm the signature if it asks, or add the \
                 key again: `ssh-add KEYFILE`",
            )
        })
    }
}

/// An Ed25519 key as agents name it (RFC 8709, section 4).
fn key_blob(key: &PublicKey) -> Vec<u8> {
    [string(b"ssh-ed25519"), string(key.as_bytes())].concat()
}

/// The keys of an answer to [`REQUEST_IDENTITIES`].
fn listed_keys(reply: &[u8]) -> Option<Vec<&[u8]>> {
    let mut fields = Fields::new(reply.strip_prefix(&[IDENTITIES_ANSWER])?);
    let announced = fields.number()?;
    let mut keys = Vec::new();
    while !fields.rest().is_empty() {
        let (key, _comment) = (fields.string()?, fields.string()?);
        keys.push(key);
    }
    (u32::try_from(keys.len()) == Ok(announced)).then_some(keys)
}

/// The signature of an answer to [`SIGN_REQUEST`] (RFC 8709, section 6).
fn signature(reply: &[u8]) -> Option<&[u8]> {
    let mut outer = Fields::new(reply.strip_prefix(&[SIGN_RESPONSE])?);
    let mut inner = Fields::new(outer.string()?);
    let signature =
        inner.string().filter(|name| *name == b"ssh-ed25519").and_then(|_| inner.string())?;
    (outer.rest().is_empty() && inner.rest().is_empty()).then_some(signature)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identities(announced: u32, keys: &[&[u8]]) -> Vec<u8> {
        let listed = keys.iter().flat_map(|key| [string(key), string(b"comment")].concat());
        [IDENTITIES_ANSWER].into_iter().chain(announced.to_be_bytes()).chain(listed).collect()
    }

    #[test]
    fn a_list_is_read_whole_or_not_at_all() {
        let reply = identities(2, &[b"one", b"two"]);
        assert_eq!(listed_keys(&reply).unwrap(), [&b"one"[..], b"two"]);
        for end in 0..reply.len() {
            assert!(listed_keys(&reply[..end]).is_none(), "cut at {end}");
        }
        assert!(listed_keys(&identities(3, &[b"one", b"two"])).is_none());
        assert!(listed_keys(&identities(u32::MAX, &[])).is_none());
        assert!(listed_keys(&[5]).is_none());
    }

    #[test]
    fn a_signature_of_another_algorithm_or_with_trailing_bytes_is_refused() {
        let reply = |name: &[u8], more: &[u8]| {
            [&[SIGN_RESPONSE][..], &string(&[&string(name)[..], &string(&[7; 64]), more].concat())]
                .concat()
        };
        assert_eq!(signature(&reply(b"ssh-ed25519", b"")).unwrap(), [7; 64]);
        assert!(signature(&reply(b"ssh-rsa", b"")).is_none());
        assert!(signature(&reply(b"ssh-ed25519", b"x")).is_none());
        let good = reply(b"ssh-ed25519", b"");
        for end in 0..good.len() {
            assert!(signature(&good[..end]).is_none(), "cut at {end}");
        }
    }
}
