//! Rust source as tokens: enough to find includes, also inside the arguments of other macros, which
//! a syntax tree does not open.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

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

pub(super) fn is_ident(token: Option<&TokenTree>, name: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(ident)) if ident == name)
}

pub(super) fn is_punct(token: Option<&TokenTree>, c: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == c)
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

/// Whether any of these words stands in the tokens, at any depth.
pub(super) fn mentions(tokens: TokenStream, words: &[&str]) -> bool {
    let mut found = false;
    each_level(tokens, &mut |level| {
        found |= level.iter().any(|token| words.iter().any(|word| is_ident(Some(token), word)))
    });
    found
}

/// Every string literal, at any depth.
pub(super) fn strings(tokens: TokenStream) -> Vec<String> {
    let mut found = Vec::new();
    each_level(tokens, &mut |level| {
        found.extend(level.iter().filter_map(|token| string(Some(token))))
    });
    found
}
