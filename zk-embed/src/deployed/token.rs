//! A source as tokens: names, numbers and signs, without comments and texts.

use zk_attest::error::{Code, Refusal, Result, is_plain};

/// What a source is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Name(&'a str),
    /// A number as it stands there: digits first, then whatever belongs to it.
    Number(&'a str),
    Other(char),
    /// The end of a statement or a block.
    End,
}

impl Token<'_> {
    /// Whether it is a number of 192 bits or more in decimal or hex, as coordinates are, and not
    /// one of the two moduli that every verifier has.
    pub(super) fn is_long(&self) -> bool {
        const MODULI: [&str; 2] = [
            "21888242871839275222246405745257275088696311157297823662689037894645226208583",
            "21888242871839275222246405745257275088548364400416034343698204186575808495617",
        ];
        matches!(self, Token::Number(digits) if digits.len() >= 50 && !MODULI.contains(digits))
    }
}

/// The tokens of a source.
pub(super) struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    /// Of a source without characters that make it look other than it is.
    pub(super) fn new(text: &'a str) -> Result<Self> {
        let hides = |c: char| !is_plain(c) && !matches!(c, '\t' | '\n' | '\r');
        match text.find(hides) {
            None => Ok(Self { rest: text }),
            Some(at) => Err(Refusal::new(
                Code::Text,
                "the source has a character that hides or reorders what follows it",
            )
            .found(format_args!("{:?} at byte {at}", text[at..].chars().next().unwrap_or(' ')))
            .hint("no tool writes such a source: look at it with an editor that shows it")),
        }
    }

    /// Takes what `belongs` says from the front.
    fn take(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// Goes on after a text that `quote` began; no text goes on in the next line.
    fn skip_text(&mut self, quote: char) -> Result<()> {
        let mut escaped = false;
        for (at, c) in self.rest.char_indices() {
            if matches!(c, '\n' | '\r') {
                break;
            }
            if c == quote && !escaped {
                self.rest = self.rest.get(at + 1..).unwrap_or_default();
                return Ok(());
            }
            escaped = c == '\\' && !escaped;
        }
        Err(unended("text"))
    }

    /// The next token; none at the end.
    pub(super) fn next_token(&mut self) -> Result<Option<Token<'a>>> {
        loop {
            if let Some(rest) = self.rest.strip_prefix("//") {
                // Both end a line for compilers.
                self.rest = rest.find(['\n', '\r']).map_or("", |end| &rest[end..]);
                continue;
            }
            if let Some(rest) = self.rest.strip_prefix("/*") {
                let (_, rest) = rest.split_once("*/").ok_or_else(|| unended("comment"))?;
                self.rest = rest;
                continue;
            }
            let Some(first) = self.rest.chars().next() else { return Ok(None) };
            if first.is_ascii_digit() {
                let belongs = |c: char| c.is_ascii_alphanumeric() || c == '_';
                return Ok(Some(Token::Number(self.take(belongs))));
            }
            if first.is_alphabetic() || first == '_' || first == '$' {
                let belongs = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
                return Ok(Some(Token::Name(self.take(belongs))));
            }
            self.rest = self.rest.get(first.len_utf8()..).unwrap_or_default();
            match first {
                '"' | '\'' => self.skip_text(first)?,
                ';' | '{' | '}' => return Ok(Some(Token::End)),
                white if white.is_whitespace() => {}
                other => return Ok(Some(Token::Other(other))),
            }
        }
    }
}

fn unended(what: &str) -> Refusal {
    Refusal::new(Code::Malformed, format_args!("a {what} in the source has no end"))
        .hint("give the whole source")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<Token<'_>> {
        let mut tokens = Tokens::new(text).unwrap();
        std::iter::from_fn(|| tokens.next_token().unwrap()).collect()
    }

    #[test]
    fn comments_and_texts_are_no_tokens() {
        let text = "a /* b 1 */ = 2; // c 3\n 'd \\' 4' \"e\" f[0x5] // 6\rg 1_000";
        let expected = [
            Token::Name("a"),
            Token::Other('='),
            Token::Number("2"),
            Token::End,
            Token::Name("f"),
            Token::Other('['),
            Token::Number("0x5"),
            Token::Other(']'),
            Token::Name("g"),
            Token::Number("1_000"),
        ];
        assert_eq!(tokens(text), expected);
    }

    #[test]
    fn what_hides_text_is_refused() {
        for text in ["a\u{202e}b", "a\u{0}b", "a\u{85}b", "a\u{2028}b", "a\u{b}b"] {
            assert_eq!(Tokens::new(text).err().unwrap().code(), Code::Text, "{text:?}");
        }
        for text in ["/* a", "'a", "\"a\nb\""] {
            let refusal = Tokens::new(text).unwrap().next_token().unwrap_err();
            assert_eq!(refusal.code(), Code::Malformed, "{text}");
        }
    }
}
