//! PKCS#11: a key in a token (HSM, smart card, SoftHSM), used with the mechanism CKM_EDDSA without
//! parameters, which is plain Ed25519.
//!
//! Exactly one token, one private key and one public key must match the arguments. The PIN comes
//! from a prompt, a descriptor or a file, is given to the token once, and appears in no message.

use std::io::IsTerminal as _;
use std::path::Path;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::{Slot, TokenInfo};
use cryptoki::types::AuthPin;
use zeroize::Zeroizing;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::key::PublicKey;

use super::Backend;
use super::secret::{read_bounded, read_secret};
use crate::cli::signing::TokenArgs;
use crate::prompt;

/// Longest PIN in bytes: the longest that SoftHSM accepts, and far more than cards do.
const MAX_PIN_BYTES: usize = 255;

/// A key in a token, with a session that may use it.
pub(super) struct Token {
    label: String,
    session: Session,
    private: ObjectHandle,
    key: PublicKey,
}

impl Token {
    /// Logs in to the named token and finds the named key.
    pub(super) fn open(
        module: &Path,
        wanted: &TokenArgs,
        named: Option<PublicKey>,
    ) -> Result<Self, Diagnostic> {
        let TokenSession { session, shown, label, id } = TokenSession::open(module, wanted)?;
        let private = one_private_key(&session, wanted, id, &shown)?;
        let key = match named {
            Some(named) => named,
            None => public_key_of(&session, private, &shown)?,
        };
        Ok(Self { label, session, private, key })
    }
}

/// A session with a token that is logged in, and which key of it is meant.
pub(crate) struct TokenSession {
    pub(crate) session: Session,
    /// What messages call the token.
    pub(crate) shown: String,
    label: String,
    id: Option<Vec<u8>>,
}

impl TokenSession {
    /// Logs in to the named token. A key of it must be named.
    pub(crate) fn open(module: &Path, wanted: &TokenArgs) -> Result<Self, Diagnostic> {
        if wanted.key_label.is_none() && wanted.key_id.is_none() {
            return Err(Diagnostic::environment(
                "no-key-token-named",
                "no key of the token is named",
            )
            .hint("add --key-label LABEL or --key-id HEX"));
        }
        let library = load(module)?;
        let (slot, info) = one_token(&library, wanted)?;
        let label = info.label().escape_debug().to_string();
        let shown = format!("PKCS#11 token \"{label}\"");
        let id = wanted.key_id.as_deref().map(hex::decode).transpose().map_err(|e| {
            Diagnostic::environment("pin", e)
                .at("--key-id")
                .hint("give the key's id in hexadecimal, as `pkcs11-tool --list-objects` shows it")
        })?;
        let session =
            library.open_ro_session(slot).map_err(|e| fault(&shown, "opening a session", &e))?;
        if info.login_required() {
            log_in(&session, &info, wanted, &shown)?;
        }
        Ok(Self { session, shown, label, id })
    }

    /// The one key of a class and kind that the arguments name.
    pub(crate) fn one_key(
        &self,
        wanted: &TokenArgs,
        class: ObjectClass,
        kind: KeyType,
    ) -> Result<ObjectHandle, Diagnostic> {
        let mut template = vec![Attribute::Class(class), Attribute::KeyType(kind)];
        let label = wanted.key_label.as_ref();
        template.extend(label.map(|label| Attribute::Label(label.clone().into_bytes())));
        template.extend(self.id.clone().map(Attribute::Id));
        let found = self
            .session
            .find_objects(&template)
            .map_err(|e| fault(&self.shown, "looking for the key", &e))?;
        match found.as_slice() {
            [key] => Ok(*key),
            others => Err(Diagnostic::environment("pkcs11-key", "not one key of P-256 matches")
                .at(&self.shown)
                .found(format_args!("{} keys", others.len()))
                .expected("one, with its public half under the same label and id")
                .hint("name it with --key-label or --key-id")),
        }
    }
}

impl Backend for Token {
    fn public_key(&self) -> &PublicKey {
        &self.key
    }

    fn description(&self) -> String {
        format!("PKCS#11 token \"{}\"", self.label)
    }

    fn answer(&mut self, message: &[u8]) -> Result<Vec<u8>, Diagnostic> {
        may_sign(&self.session, self.private, &self.description())?;
        let plain = Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Ed25519));
        self.session.sign(&plain, self.private, message).map_err(|e| {
            fault(&self.description(), "signing", &e).hint(
                "the token must offer CKM_EDDSA for this key, and the key must be allowed to sign",
            )
        })
    }
}

pub(crate) fn fault(whose: &str, doing: &str, error: &Error) -> Diagnostic {
    Diagnostic::environment("pkcs11", format_args!("{doing} failed: {error}")).at(whose)
}

fn load(module: &Path) -> Result<Pkcs11, Diagnostic> {
    let shown = module.display().to_string();
    let unusable = |why: &str| {
        Diagnostic::environment("pkcs11-module", format_args!("not a PKCS#11 module: {why}"))
            .at(&shown)
            .hint(
                "name the module's file, for example /usr/lib/softhsm/libsofthsm2.so, or the one \
                 in your token's manual",
            )
    };
    // By its full path: a bare name would be searched for in the system's folders.
    let path = module.canonicalize().map_err(|e| unusable(&e.to_string()))?;
    if !path.is_file() {
        return Err(unusable("not a file"));
    }
    let library = Pkcs11::new(&path).map_err(|e| match e {
        Error::LibraryLoading(_) => unusable("not a library for this system"),
        Error::MissingSymbol(_) => unusable("a library without C_GetFunctionList"),
        other => unusable(&other.to_string()),
    })?;
    library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).map_err(|e| {
        fault(&shown, "starting the module", &e).hint(
            "check that the token's service runs and that its configuration is found (SoftHSM: \
             SOFTHSM2_CONF)",
        )
    })?;
    Ok(library)
}

fn one_token(library: &Pkcs11, wanted: &TokenArgs) -> Result<(Slot, TokenInfo), Diagnostic> {
    let slots = library
        .get_slots_with_initialized_token()
        .map_err(|e| fault("PKCS#11 module", "listing the tokens", &e))?;
    let tokens =
        slots.into_iter().filter_map(|slot| Some((slot, library.get_token_info(slot).ok()?)));
    let tokens: Vec<(Slot, TokenInfo)> = tokens.collect();
    let shown = |tokens: &[&(Slot, TokenInfo)]| {
        let all = tokens.iter().map(|(_, token)| {
            format!(
                "\"{}\" (serial {})",
                token.label().escape_debug(),
                token.serial_number().escape_debug()
            )
        });
        Some(all.collect::<Vec<_>>().join(", "))
            .filter(|all| !all.is_empty())
            .unwrap_or_else(|| "no token".into())
    };
    let matches = |(_, token): &&(Slot, TokenInfo)| {
        wanted.token_label.as_deref().is_none_or(|label| token.label() == label)
            && wanted.token_serial.as_deref().is_none_or(|serial| token.serial_number() == serial)
    };
    let matching: Vec<&(Slot, TokenInfo)> = tokens.iter().filter(matches).collect();
    match matching.as_slice() {
        [(slot, token)] => Ok((*slot, token.clone())),
        [] => Err(Diagnostic::environment("pkcs11-no-token", "no PKCS#11 token matches")
            .found(shown(&tokens.iter().collect::<Vec<_>>()))
            .hint("plug the token in, and name it with --token-label or --token-serial")),
        several => {
            Err(Diagnostic::environment("pkcs11-several-tokens", "several PKCS#11 tokens match")
                .found(shown(several))
                .expected("one")
                .hint("name one with --token-label or --token-serial"))
        }
    }
}

fn log_in(
    session: &Session,
    info: &TokenInfo,
    wanted: &TokenArgs,
    shown: &str,
) -> Result<(), Diagnostic> {
    if info.user_pin_locked() {
        return Err(Diagnostic::environment("pin-locked", "the PIN is locked")
            .at(shown)
            .hint("unlock it with the token's own tool and its SO PIN or PUK"));
    }
    let pin =
        if info.protected_authentication_path() { None } else { Some(read_pin(wanted, shown)?) };
    let pin = pin.map(|pin| AuthPin::new(Box::from(pin.as_str())));
    session.login(UserType::User, pin.as_ref()).map_err(|e| match e {
        Error::Pkcs11(RvError::PinIncorrect | RvError::PinLenRange | RvError::PinInvalid, _) => {
            Diagnostic::environment("wrong-pin", "wrong PIN")
                .at(shown)
                .hint("try again with the right PIN: tokens lock after a few wrong ones")
        }
        Error::Pkcs11(RvError::PinLocked, _) => {
            Diagnostic::environment("pin-locked", "the PIN is locked")
                .at(shown)
                .hint("unlock it with the token's own tool and its SO PIN or PUK")
        }
        other => fault(shown, "logging in", &other),
    })
}

/// The PIN, from the place that the arguments name; otherwise from a question on the terminal.
fn read_pin(wanted: &TokenArgs, shown: &str) -> Result<Zeroizing<String>, Diagnostic> {
    let unreadable = |why: &str| {
        Diagnostic::environment(
            "pin-could-not-read",
            format_args!("the PIN could not be read: {why}"),
        )
        .hint("give it with --pin-file FILE, --pin-fd N, or on a terminal")
    };
    let bytes = match (&wanted.pin_file, wanted.pin_fd) {
        (Some(path), _) => read_secret(path, MAX_PIN_BYTES + 1)?,
        (None, Some(descriptor)) => read_descriptor(descriptor)
            .map_err(|e| unreadable(&format!("descriptor {descriptor}: {e}")))?,
        (None, None) if std::io::stdin().is_terminal() => {
            let typed = prompt::hidden(&format!("PIN of {shown} (it is not shown): "));
            Zeroizing::new(typed.map_err(|e| unreadable(&e.to_string()))?.as_bytes().to_vec())
        }
        (None, None) => return Err(unreadable("there is no terminal to ask on")),
    };
    let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match std::str::from_utf8(line) {
        Ok(pin) if !pin.is_empty() && pin.len() <= MAX_PIN_BYTES && !pin.contains(['\n', '\0']) => {
            Ok(Zeroizing::new(pin.to_owned()))
        }
        _ => Err(unreadable(&format!("it is not one line of 1 to {MAX_PIN_BYTES} bytes of text"))),
    }
}

#[cfg(unix)]
fn read_descriptor(descriptor: u32) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let file = std::fs::File::open(format!("/dev/fd/{descriptor}"))?;
    read_bounded(file, MAX_PIN_BYTES + 1)?.ok_or_else(|| std::io::Error::other("too long"))
}

#[cfg(not(unix))]
fn read_descriptor(_: u32) -> std::io::Result<Zeroizing<Vec<u8>>> {
    Err(std::io::Error::other("this system has no descriptors"))
}

fn one_private_key(
    session: &Session,
    wanted: &TokenArgs,
    id: Option<Vec<u8>>,
    shown: &str,
) -> Result<ObjectHandle, Diagnostic> {
    let mut template =
        vec![Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::KeyType(KeyType::EC_EDWARDS)];
    template.extend(
        wanted.key_label.as_ref().map(|label| Attribute::Label(label.clone().into_bytes())),
    );
    template.extend(id.map(Attribute::Id));
    let found =
        session.find_objects(&template).map_err(|e| fault(shown, "looking for the key", &e))?;
    match found.as_slice() {
        [key] => Ok(*key),
        [] => {
            let any = session
                .find_objects(&template[..2])
                .map_err(|e| fault(shown, "looking for keys", &e))?;
            Err(Diagnostic::environment("no-ed25519-private-key", "no Ed25519 private key matches")
                .at(shown)
                .found(listed(session, &any))
                .hint("name one of these with --key-label or --key-id"))
        }
        several => {
            Err(Diagnostic::environment("pkcs11-several-keys", "several private keys match")
                .at(shown)
                .found(listed(session, several))
                .expected("one")
                .hint("name one with both --key-label and --key-id"))
        }
    }
}

/// Refuses a key that requires the PIN again inside each signature (CKA_ALWAYS_AUTHENTICATE).
/// [`Session::sign`] begins and ends a signature in one call; the calls that leave room for the PIN
/// sign in parts, which not every token supports for CKM_EDDSA.
fn may_sign(session: &Session, key: ObjectHandle, shown: &str) -> Result<(), Diagnostic> {
    let attributes =
        session.get_attributes(key, &[AttributeType::AlwaysAuthenticate]).unwrap_or_default();
    if !attributes.contains(&Attribute::AlwaysAuthenticate(true)) {
        return Ok(());
    }
    Err(Diagnostic::environment("pkcs11-pin-at-every-use", "the key asks for the PIN at every use")
        .at(shown)
        .found("CKA_ALWAYS_AUTHENTICATE")
        .expected("a key that signs whenever the session is logged in")
        .hint(
            "use a key with another PIN policy, or sign with the token's own tool through \
             --signer-cmd",
        ))
}

fn listed(session: &Session, keys: &[ObjectHandle]) -> String {
    let shown = |key: &ObjectHandle| {
        let (id, label) = id_and_label(session, *key);
        format!("\"{}\" (id {})", String::from_utf8_lossy(&label).escape_debug(), hex::encode(id))
    };
    let mut all: Vec<String> = keys.iter().map(shown).collect();
    all.sort();
    if all.is_empty() { "no Ed25519 private key".into() } else { all.join(", ") }
}

fn id_and_label(session: &Session, object: ObjectHandle) -> (Vec<u8>, Vec<u8>) {
    let (mut id, mut label) = (Vec::new(), Vec::new());
    for attribute in session
        .get_attributes(object, &[AttributeType::Id, AttributeType::Label])
        .unwrap_or_default()
    {
        match attribute {
            Attribute::Id(bytes) => id = bytes,
            Attribute::Label(bytes) => label = bytes,
            _ => {}
        }
    }
    (id, label)
}

/// The public key that the token stores with the private key, under the same id (or, without an id,
/// the same label).
fn public_key_of(
    session: &Session,
    private: ObjectHandle,
    shown: &str,
) -> Result<PublicKey, Diagnostic> {
    let (id, label) = id_and_label(session, private);
    let same = if id.is_empty() { Attribute::Label(label) } else { Attribute::Id(id) };
    let template =
        [Attribute::Class(ObjectClass::PUBLIC_KEY), Attribute::KeyType(KeyType::EC_EDWARDS), same];
    let objects = session
        .find_objects(&template)
        .map_err(|e| fault(shown, "looking for the public key", &e))?;
    let points = objects.iter().flat_map(|object| {
        session.get_attributes(*object, &[AttributeType::EcPoint]).unwrap_or_default()
    });
    let mut keys: Vec<PublicKey> = points
        .filter_map(|attribute| {
            if let Attribute::EcPoint(point) = attribute { point_bytes(&point) } else { None }
        })
        .filter_map(|bytes| PublicKey::from_bytes(&bytes).ok())
        .collect();
    keys.sort();
    keys.dedup();
    match keys.as_slice() {
        [key] => Ok(*key),
        found => Err(Diagnostic::environment(
            "public-key-belongs-private",
            "the public key that belongs to this private key is not known",
        )
        .at(shown)
        .found(format_args!("{} public keys with the private key's id", found.len()))
        .expected("one")
        .hint("add --public-key HEX|FILE")),
    }
}

/// The 32 bytes of a CKA_EC_POINT: a DER OCTET STRING in version 2.40 (and SoftHSM), bare in
/// version 3 and some tokens.
fn point_bytes(point: &[u8]) -> Option<[u8; 32]> {
    let bare = if point.len() == 34 { point.strip_prefix(&[0x04, 0x20])? } else { point };
    bare.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_read_bare_and_in_an_octet_string() {
        let key: Vec<u8> = (0..32).collect();
        assert_eq!(point_bytes(&key).unwrap()[..], key);
        assert_eq!(point_bytes(&[&[0x04, 0x20], &key[..]].concat()).unwrap()[..], key);
        for bad in [
            vec![],
            vec![0; 31],
            vec![0; 33],
            vec![0; 34],
            [&[0x04, 0x21], &key[..]].concat(),
            [&[0x04, 0x20], &key[..31]].concat(),
        ] {
            assert_eq!(point_bytes(&bad), None);
        }
    }
}
