//! Private keys that say so themselves, in every form that people keep them in.

/// The kind of a private key that says so itself.
#[must_use]
pub fn marked_key(bytes: &[u8]) -> Option<&'static str> {
    if has_private_block(bytes) {
        Some("a private key in a block of text")
    } else if contains(bytes, b"openssh-key-v1\0") {
        Some("an OpenSSH private key")
    } else if contains(bytes, b"AGE-SECRET-KEY-") {
        Some("an age private key")
    } else if contains(bytes, b"PuTTY-User-Key-File-") {
        Some("a PuTTY private key")
    } else if has_secret_comment(bytes.trim_ascii()) {
        Some(SECRET_COMMENT)
    } else if is_json_web_key(bytes) {
        Some(JSON_WEB_KEY)
    } else {
        None
    }
}

/// Whether `bytes` has `part` anywhere.
#[must_use]
pub fn contains(bytes: &[u8], part: &[u8]) -> bool {
    let Some(first) = part.first() else { return true };
    let mut left = bytes;
    while let Some(at) = left.iter().position(|byte| byte == first) {
        if left[at..].starts_with(part) {
            return true;
        }
        left = &left[at + 1..];
    }
    false
}

/// A line with BEGIN and then PRIVATE KEY, as PEM, OpenSSH, SSH2 and OpenPGP have it.
fn has_private_block(bytes: &[u8]) -> bool {
    bytes.split(|byte| matches!(byte, b'\n' | b'\r')).any(|line| {
        let begin = line.windows(5).position(|window| window == b"BEGIN");
        begin.is_some_and(|begin| contains(&line[begin..], b"PRIVATE KEY"))
    })
}

/// The kind of a private key that begins a line, or the file.
#[must_use]
pub fn line_with_key(bytes: &[u8]) -> Option<&'static str> {
    let lines = bytes.split(|byte| matches!(byte, b'\n' | b'\r')).map(<[u8]>::trim_ascii_start);
    let begins = |line: &[u8]| {
        [&b"-"[..], b"BEGIN", b"AGE-SECRET-KEY-", b"PuTTY-User-Key-File-", b"openssh-key-v1\0"]
            .iter()
            .any(|mark| line.starts_with(mark))
    };
    let in_a_line = lines.filter(|line| begins(line)).find_map(marked_key);
    in_a_line.or_else(|| is_json_web_key(bytes).then_some(JSON_WEB_KEY)).or_else(|| {
        let secret = has_secret_comment(bytes.trim_ascii());
        secret.then_some(SECRET_COMMENT)
    })
}

const JSON_WEB_KEY: &str = "a private JSON Web Key";
const SECRET_COMMENT: &str = "a minisign or signify private key";

/// In a text that JSON quotes, a quotation mark has a backslash before it.
fn is_json_web_key(bytes: &[u8]) -> bool {
    contains(bytes, b"\"kty\"") && contains(bytes, b"\"d\"")
}

fn has_secret_comment(trimmed: &[u8]) -> bool {
    trimmed.starts_with(b"untrusted comment:") && contains(first_line(trimmed), b"secret key")
}

fn first_line(text: &[u8]) -> &[u8] {
    text.split(|byte| *byte == b'\n').next().unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_about_keys_inside_a_line_are_no_key_and_a_key_begins_one() {
        let quoted = [
            r#"{"participant": "AGE-SECRET-KEY-1x"}"#,
            r#"{"keyid": "-----BEGIN PRIVATE KEY-----"}"#,
            r#"{"participant": "BEGIN", "machine": "PRIVATE KEY"}"#,
            r#"  "destruction": "PuTTY-User-Key-File- openssh-key-v1","#,
            r#"{"machine": "\"kty\" \"d\""}"#,
            "<td>AGE-SECRET-KEY-1x</td>\n<td>untrusted comment: secret key</td>",
        ];
        for text in quoted {
            assert_eq!(line_with_key(text.as_bytes()), None, "{text}");
        }
        let keys = [
            "# created\nAGE-SECRET-KEY-1x",
            "text\r\n  -----BEGIN OPENSSH PRIVATE KEY-----\nb3B\n",
            "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----",
            "PuTTY-User-Key-File-3: ssh-ed25519",
            "untrusted comment: minisign encrypted secret key\nRWQ",
            r#"{"kty": "OKP", "d": "x"}"#,
        ];
        for text in keys {
            assert!(line_with_key(text.as_bytes()).is_some(), "{text}");
            assert!(marked_key(text.as_bytes()).is_some(), "{text}");
        }
    }
}
