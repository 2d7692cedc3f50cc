//! Assembly in a source: an assembler can put a file into a program by a directive of its own, of
//! which neither rustc's list of files nor the source shows anything else.

use proc_macro2::{TokenStream, TokenTree};

/// The macros of the toolchain that assemble their text.
pub(super) const ASSEMBLERS: [&str; 3] = ["asm", "global_asm", "naked_asm"];

/// Parts of what reads a file, or makes a directive out of parts: `.incbin`, `.include`, the
/// assembler's own macros and repetitions, and operands that become part of a directive.
const DIRECTIVES: [&str; 5] = [".inc", ".macro", ".altmacro", ".irp", ".{"];

/// Why a call of one of them may read a file: none if its text is there in full, and does not.
pub(super) fn reads_a_file(arguments: TokenStream) -> Option<&'static str> {
    let tokens: Vec<TokenTree> = arguments.into_iter().collect();
    if !matches!(tokens.first(), Some(TokenTree::Literal(_)) | None) {
        return Some("the text of the assembly is not a literal");
    }
    let is_mark = |token: &TokenTree| matches!(token, TokenTree::Punct(p) if p.as_char() == '!');
    let called = |pair: &[TokenTree]| matches!(pair[0], TokenTree::Ident(_)) && is_mark(&pair[1]);
    if tokens.windows(2).any(called) {
        return Some("a macro gives a part of the assembly");
    }
    let texts = tokens.iter().filter_map(|token| match token {
        TokenTree::Literal(literal) => Some(literal.to_string()),
        _ => None,
    });
    // Any other literal is a number, or the compiler refuses it.
    let mut texts = texts.filter_map(|text| syn::parse_str::<syn::LitStr>(&text).ok());
    let directive = |text: syn::LitStr| {
        let text = text.value().to_ascii_lowercase();
        DIRECTIVES.iter().any(|directive| text.contains(directive))
    };
    texts.any(directive).then_some("the assembly may include a file")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(arguments: &str) -> Option<&'static str> {
        reads_a_file(arguments.parse().unwrap())
    }

    #[test]
    fn assembly_that_may_read_a_file_is_told_from_assembly_that_does_not() {
        for text in [
            r#""hlt""#,
            r#""mov {0}, {1}", out(reg) x, in(reg) y, options(nostack)"#,
            r#""cli", "2: hlt", "jmp 2b""#,
            r##"r#".section ".text""#, options(att_syntax)"##,
            "",
        ] {
            assert_eq!(why(text), None, "{text}");
        }
        for text in [
            r#"".incbin \"zk/key.bin\"""#,
            r#""nop", ".INCLUDE \"x\"""#,
            r#""\x2eincbin 'x'""#,
            r##"r#".incbin "x""#"##,
            r#"".macro m a\n.\\a\\()bin 'x'\n.endm""#,
            r#"".{}", sym incbin"#,
            r#""nop", concat!(".in", "cbin")"#,
            r#"include_str!("x.s")"#,
            "$text",
        ] {
            assert!(why(text).is_some(), "{text}");
        }
    }
}
