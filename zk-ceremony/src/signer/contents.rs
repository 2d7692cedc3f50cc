//! What a file that is not a key of ours may be. Only its kind is named, never what it says: it may
//! be a secret.

pub(super) use ceremony_folder::key_material::contains;
use ceremony_folder::key_material::marked_key;

/// Where the first PEM block begins whose `BEGIN` line ends with `label_end`, for example `PRIVATE
/// KEY-----`. What stands before it is skipped, as openssl does.
pub(super) fn block_start(bytes: &[u8], label_end: &[u8]) -> Option<usize> {
    let mut start = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b"-----BEGIN ") && line.trim_ascii_end().ends_with(label_end) {
            return Some(start);
        }
        start += line.len();
    }
    None
}

/// The kind of a file's contents.
pub(super) fn kind(bytes: &[u8]) -> &'static str {
    let starts = |prefix: &[u8]| bytes.trim_ascii_start().starts_with(prefix);
    let text = std::str::from_utf8(bytes)
        .is_ok_and(|text| text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t')));
    if bytes.is_empty() {
        "an empty file"
    } else if let Some(kind) = marked_key(bytes) {
        kind
    } else if starts(b"untrusted comment:") {
        "a minisign or signify file"
    } else if contains(bytes, b"-----BEGIN ") {
        "a PEM block of another kind"
    } else if starts(b"ssh-") || starts(b"ecdsa-") || starts(b"sk-") {
        "an ssh key of another algorithm"
    } else if starts(b"{") && text {
        "JSON"
    } else if text && bytes.trim_ascii().iter().all(u8::is_ascii_hexdigit) {
        "hex digits"
    } else if text {
        "text"
    } else if bytes.first() == Some(&0x30) {
        "DER"
    } else {
        "binary data"
    }
}
