//! Fields of the ssh protocols (RFC 4251, section 5): big-endian numbers, length-prefixed strings.

/// Reads fields, and never past the end.
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn number(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_be_bytes)
    }

    pub(super) fn string(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        self.take(usize::try_from(length).ok()?)
    }

    /// The unread bytes.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.0
    }
}

/// Bytes as a string field.
#[cfg(unix)]
pub(super) fn string(bytes: &[u8]) -> Vec<u8> {
    // Ours are at most a few thousand bytes long.
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), bytes].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_past_the_end_reads_nothing() {
        let mut fields = Fields::new(b"\0\0\0\x02abc");
        assert_eq!(fields.string(), Some(&b"ab"[..]));
        assert_eq!(fields.string(), None);
        assert_eq!(fields.rest(), b"c");
        assert_eq!(Fields::new(b"\xff\xff\xff\xffabc").string(), None);
        assert_eq!(Fields::new(b"\0\0\0").number(), None);
    }
}
