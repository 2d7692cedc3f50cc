//! The attribute with which `bn254-batch` compiles one source for several instruction sets. It is
//! of no use to others.

use proc_macro::{Delimiter, Group, Ident, Punct, Spacing, Span, TokenStream, TokenTree};

/// Hands a function to the macro `instructions` that is in scope where it stands, as
/// `instructions! { fn ... }`: it says which instructions the function is compiled with.
///
/// An attribute may not be such a macro itself, and a macro around each function would hide them
/// from formatters.
///
/// ```
/// use bn254_batch_macros::kernel;
///
/// macro_rules! instructions {
///     ($item:item) => {
///         #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
///         $item
///     };
/// }
///
/// #[kernel]
/// fn sum(words: &[u64; 4]) -> u64 {
///     words.iter().sum()
/// }
/// ```
#[proc_macro_attribute]
pub fn kernel(_: TokenStream, item: TokenStream) -> TokenStream {
    let name = Ident::new("instructions", Span::call_site());
    let body = Group::new(Delimiter::Brace, item);
    let bang = Punct::new('!', Spacing::Alone);
    [TokenTree::Ident(name), TokenTree::Punct(bang), TokenTree::Group(body)].into_iter().collect()
}
