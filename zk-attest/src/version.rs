//! The version of a document, which stands in its field `format` as `NAME/VERSION`.
//!
//! A reader knows one version. Another one is refused for being another, with what to do about it,
//! and not for whichever field differs first: writers put `format` before everything else.

use crate::error::{Code, Refusal, Result};

/// The version of all crates of this project, which are released together.
pub const OURS: &str = env!("CARGO_PKG_VERSION");

/// Refuses the `format` of a document unless it is the `expected` one. `renew` says how a document
/// of an older version is replaced.
pub fn ensure(found: &str, expected: &str, renew: &str) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    let parts = |text: &str| {
        let (name, version) = text.rsplit_once(['/', ':'])?;
        let version = version.trim_start_matches('v').parse::<u32>().ok()?;
        Some((name.to_owned(), version))
    };
    let refusal = match (parts(found), parts(expected)) {
        (Some((name, theirs)), Some((our_name, ours))) if name == our_name => {
            let refusal = Refusal::new(
                Code::FormatVersion,
                format_args!("version {theirs} of this format; zk-ceremony {OURS} reads {ours}"),
            );
            if theirs < ours { refusal.hint(renew) } else { refusal }
        }
        _ => Refusal::new(Code::Malformed, "this is another kind of document"),
    };
    Err(refusal.found(found).expected(expected))
}

/// Declares the type of a document's field `format`, which has one value.
#[macro_export]
macro_rules! document_format {
    ($(#[$doc:meta])* $name:ident, $variant:ident = $text:literal, $renew:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub enum $name {
            /// The version that is read and written.
            $variant,
        }

        impl TryFrom<String> for $name {
            type Error = $crate::error::Refusal;
            fn try_from(text: String) -> $crate::error::Result<Self> {
                $crate::json::validated($crate::version::ensure(&text, $text, $renew))?;
                Ok(Self::$variant)
            }
        }

        impl From<$name> for String {
            fn from(_: $name) -> Self {
                $text.into()
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_version_is_called_another_version_and_another_document_is_not() {
        let refused = |found: &str| ensure(found, "zk-thing/2", "make it again").unwrap_err();
        ensure("zk-thing/2", "zk-thing/2", "make it again").unwrap();
        let older = refused("zk-thing/1");
        assert_eq!((older.code(), older.hint_text()), (Code::FormatVersion, "make it again"));
        assert!(older.what().starts_with("version 1 of this format"), "{older}");
        let newer = refused("zk-thing/3");
        assert_eq!(newer.code(), Code::FormatVersion);
        assert!(newer.hint_text().contains("update"), "{newer}");
        for other in ["zk-other/1", "zk-thing", "zk-thing/x", ""] {
            assert_eq!(refused(other).code(), Code::Malformed, "{other}");
        }
        assert_eq!(ensure("urn:a:v1", "urn:a:v2", "x").unwrap_err().code(), Code::FormatVersion);
    }
}
