//! Rust source as tokens: enough to find includes, also inside the arguments of other macros, which
//! a syntax tree does not open.
//!
//! Identifiers compare without `r#`: to the compiler `r#include` and `include` are one name.

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use syn::ext::IdentExt as _;

/// Characters of a source that a finding quotes at most.
const MAX_QUOTED: usize = 60;

/// Calls `see` with every run of sibling tokens: the file, then the contents of each pair of
/// delimiters. Without recursion, because sources can be nested deeper than a stack.
pub(super) fn each_level(tokens: TokenStream, see: &mut impl FnMut(&[TokenTree])) {
    let mut waiting = vec![tokens];
    while let Some(tokens) = waiting.pop() {
        let level: Vec<TokenTree> = tokens.into_iter().collect();
        see(&level);
        waiting.extend(level.iter().rev().filter_map(|token| match token {
            TokenTree::Group(group) => Some(group.stream()),
            _ => None,
        }));
    }
}

/// Number of tokens, at any depth.
pub(super) fn count(tokens: TokenStream) -> usize {
    let mut count = 0;
    each_level(tokens, &mut |level| count += level.len());
    count
}

/// An identifier without `r#`.
pub(super) fn plain(ident: &Ident) -> String {
    ident.unraw().to_string()
}

/// The token's identifier without `r#`, if it is one.
pub(super) fn name(token: Option<&TokenTree>) -> Option<String> {
    match token {
        Some(TokenTree::Ident(ident)) => Some(plain(ident)),
        _ => None,
    }
}

pub(super) fn is_ident(token: Option<&TokenTree>, word: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(ident)) if *ident == word || plain(ident) == word)
}

pub(super) fn is_punct(token: Option<&TokenTree>, c: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == c)
}

pub(super) fn group(token: Option<&TokenTree>, delimiter: Delimiter) -> Option<TokenStream> {
    match token {
        Some(TokenTree::Group(group)) if group.delimiter() == delimiter => Some(group.stream()),
        _ => None,
    }
}

/// The value of a string literal.
pub(super) fn string(token: Option<&TokenTree>) -> Option<String> {
    match token? {
        TokenTree::Literal(literal) => {
            syn::parse_str::<syn::LitStr>(&literal.to_string()).ok().map(|literal| literal.value())
        }
        // What a macro has passed on.
        TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
            let inner: Vec<TokenTree> = group.stream().into_iter().collect();
            if inner.len() == 1 { string(inner.first()) } else { None }
        }
        _ => None,
    }
}

/// Every identifier, at any depth.
pub(super) fn names(tokens: TokenStream) -> Vec<String> {
    let mut found = Vec::new();
    each_level(tokens, &mut |level| {
        found.extend(level.iter().filter_map(|token| name(Some(token))))
    });
    found
}

/// The line, from one.
pub(super) fn line(span: Span) -> usize {
    span.start().line
}

/// The source at this place, on one line and short.
pub(super) fn quoted(span: Span) -> String {
    let source = span.source_text().unwrap_or_default();
    let words = source.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut shown: String =
        words.chars().take(MAX_QUOTED).map(|c| if c.is_control() { '?' } else { c }).collect();
    if words.chars().count() > MAX_QUOTED {
        shown += "...";
    }
    shown
}
