//! What a store said, as a person may read it: no query of an address (a signature or a token may
//! be in it), no page of XML.

use std::error::Error;
use std::fmt::Display;

use zk_attest::diagnostic::Diagnostic;

/// Characters of a store's own words at most.
const MAX_WORDS: usize = 300;

/// The cause of an error that an object store gave, in one line.
pub(crate) fn cause(error: &dyn Error) -> String {
    // The innermost says what happened; what is around it repeats it, with the address.
    let mut innermost = error;
    while let Some(inner) = innermost.source() {
        innermost = inner;
    }
    plain(&innermost.to_string())
}

/// A text of a store's, without what does not belong into a log.
pub(crate) fn plain(text: &str) -> String {
    let element = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(value, _)| value)
    };
    let said = match (element("Code"), element("Message")) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        _ => text.to_owned(),
    };
    let words = said.split_whitespace().map(|word| match word.split_once('?') {
        Some((before, _)) if before.contains("://") => format!("{before}?..."),
        _ => word.to_owned(),
    });
    let line = words.collect::<Vec<_>>().join(" ");
    let line = line.replace(|c: char| c.is_control(), " ");
    match line.char_indices().nth(MAX_WORDS) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

/// Whether the store says that this account may not. Of a list, the library says so in its text
/// only.
fn is_denied(error: &object_store::Error) -> bool {
    use object_store::Error::{PermissionDenied, Unauthenticated};
    let has_status = |error: &dyn Error| {
        let text = error.to_string();
        ["401 Unauthorized", "403 Forbidden"].iter().any(|status| text.contains(status))
    };
    let mut next: Option<&dyn Error> = Some(error);
    while let Some(inner) = next {
        if has_status(inner) {
            return true;
        }
        next = inner.source();
    }
    matches!(error, PermissionDenied { .. } | Unauthenticated { .. })
}

/// The store did not do what it was asked for.
pub(crate) fn store(doing: &str, object: impl Display, error: &object_store::Error) -> Diagnostic {
    let failed = Diagnostic::environment(
        "store",
        format_args!("{doing} in the store failed: {}", cause(error)),
    )
    .at(object);
    match error {
        _ if is_denied(error) => failed.hint(
            "the store does not let this account do that: check the credentials in the \
             environment, and what they are allowed to do",
        ),
        object_store::Error::NotFound { .. } => {
            failed.hint("check the name of the bucket: this command makes none")
        }
        _ => failed.hint("run the same command again: what is there stays, what is missing is put"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_that_may_not_is_told_so_of_a_list_as_well() {
        let of = |text: &str| {
            let source = Box::<dyn Error + Send + Sync>::from(text.to_owned());
            let error = object_store::Error::Generic { store: "Azure", source };
            store("listing", "az://a/b", &error).hint.unwrap_or_default()
        };
        for status in ["401 Unauthorized", "403 Forbidden"] {
            let hint = of(&format!("Server returned non-2xx status code: {status}: <Error/>"));
            assert!(hint.contains("check the credentials"), "{hint}");
        }
        assert!(of("Server returned non-2xx status code: 503: no").contains("again"));
        let source = || Box::<dyn Error + Send + Sync>::from("no".to_owned());
        for error in [
            object_store::Error::PermissionDenied { path: "a".into(), source: source() },
            object_store::Error::Unauthenticated { path: "a".into(), source: source() },
        ] {
            let hint = store("reading", "az://a/b", &error).hint.unwrap_or_default();
            assert!(hint.contains("check the credentials"), "{hint}");
        }
    }

    #[test]
    fn signatures_in_addresses_and_pages_of_xml_are_left_out() {
        let url = "error for https://bucket.example/a?X-Amz-Signature=aa&X-Amz-Credential=bb now";
        assert_eq!(plain(url), "error for https://bucket.example/a?... now");
        let xml = "<?xml version=\"1.0\"?><Error><Code>SignatureDoesNotMatch</Code><Message>It \
                   does not\nmatch.</Message><StringToSign>x</StringToSign></Error>";
        assert_eq!(plain(xml), "SignatureDoesNotMatch: It does not match.");
        assert_eq!(plain(&"long ".repeat(200)).len(), MAX_WORDS + 3);
        // What a terminal would obey.
        assert_eq!(plain("no\u{1b}[2J\u{7}such\u{9b}bucket"), "no [2J such bucket");
    }
}
