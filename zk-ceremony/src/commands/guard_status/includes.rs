//! What an `include!`, `include_str!`, `include_bytes!` or `#[path]` leads to.

use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};

use super::tokens::{is_punct, plain, string};

/// The three macros that read a file.
pub(super) const INCLUDES: [&str; 3] = ["include", "include_str", "include_bytes"];
/// The one form in which the guard's file is included.
pub(super) const INCLUDE: &str = "include!(concat!(env!(\"OUT_DIR\"), \"/verifying_key.rs\"));";

/// What is read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Below OUT_DIR: the rest of the path.
    OutDir(String),
    File(PathBuf),
    /// Not a literal.
    Unknown,
}

/// Of a macro's arguments, in a file of this folder.
pub(super) fn place(arguments: TokenStream, folder: &Path, package: &Path) -> Place {
    match evaluate(arguments, package) {
        Some((true, rest)) => Place::OutDir(rest),
        Some((false, text)) => Place::File(folder.join(text)),
        None => Place::Unknown,
    }
}

/// A literal, `env!` of one of cargo's two folders, or a `concat!` of these: whether it begins with
/// OUT_DIR, and the text (after it).
fn evaluate(arguments: TokenStream, package: &Path) -> Option<(bool, String)> {
    let tokens: Vec<TokenTree> = arguments.into_iter().collect();
    let mut parts = tokens.split(|token| is_punct(Some(token), ','));
    let first = parts.next()?;
    if parts.any(|part| !part.is_empty()) {
        return None;
    }
    match first {
        [literal] => Some((false, string(Some(literal))?)),
        [name, bang, TokenTree::Group(inner)] if is_punct(Some(bang), '!') => match name {
            TokenTree::Ident(name) if plain(name) == "env" => {
                let (_, variable) = evaluate(inner.stream(), package)?;
                match variable.as_str() {
                    "OUT_DIR" => Some((true, String::new())),
                    "CARGO_MANIFEST_DIR" => Some((false, package.display().to_string())),
                    _ => None,
                }
            }
            TokenTree::Ident(name) if plain(name) == "concat" => {
                concatenate(inner.stream(), package)
            }
            _ => None,
        },
        _ => None,
    }
}

fn concatenate(arguments: TokenStream, package: &Path) -> Option<(bool, String)> {
    let tokens: Vec<TokenTree> = arguments.into_iter().collect();
    let (mut in_out_dir, mut text) = (false, String::new());
    for (at, part) in
        tokens.split(|token| is_punct(Some(token), ',')).filter(|part| !part.is_empty()).enumerate()
    {
        let (starts_in_out_dir, more) = evaluate(part.iter().cloned().collect(), package)?;
        if starts_in_out_dir && at > 0 {
            return None;
        }
        in_out_dir |= starts_in_out_dir;
        text += &more;
    }
    Some((in_out_dir, text))
}
