//! A file that changes while it is being read.

use std::io::{Cursor, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// A file in which one byte changes when its length is asked for the `flip_at`-th time: digests
/// begin with that, and end with it where they are taken while the file is read.
pub struct Flipping {
    file: Cursor<Vec<u8>>,
    measured: Arc<AtomicU32>,
    flip_at: [u32; 2],
    byte: usize,
}

impl Flipping {
    pub fn new(bytes: &[u8], byte: usize, flip_at: u32) -> Self {
        Self::there_and_back(bytes, byte, flip_at..u32::MAX)
    }

    /// One that is as it was again from the end of the range on.
    pub fn there_and_back(bytes: &[u8], byte: usize, flipped: Range<u32>) -> Self {
        Self {
            file: Cursor::new(bytes.to_vec()),
            measured: Arc::default(),
            flip_at: [flipped.start, flipped.end],
            byte,
        }
    }

    /// A file that stays as it is.
    pub fn never(bytes: &[u8]) -> Self {
        Self::new(bytes, 0, u32::MAX)
    }

    /// How often its length was asked for.
    pub fn measured(&self) -> Arc<AtomicU32> {
        self.measured.clone()
    }
}

impl Read for Flipping {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        self.file.read(bytes)
    }
}

impl Seek for Flipping {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        if to == SeekFrom::End(0)
            && self.flip_at.contains(&(self.measured.fetch_add(1, Ordering::Relaxed) + 1))
        {
            self.file.get_mut()[self.byte] ^= 1;
        }
        self.file.seek(to)
    }
}

/// A file in which every byte is one thing when it is read for the first time and another from then
/// on.
pub struct Fickle {
    first: Vec<u8>,
    then: Vec<u8>,
    read: Vec<bool>,
    position: usize,
}

impl Fickle {
    /// Bytes that `then` lacks are zeros.
    pub fn new(first: &[u8], then: &[u8]) -> Self {
        let mut then = then.to_vec();
        then.resize(first.len(), 0);
        Self { first: first.to_vec(), then, read: vec![false; first.len()], position: 0 }
    }
}

impl Read for Fickle {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let count = bytes.len().min(self.first.len().saturating_sub(self.position));
        for out in &mut bytes[..count] {
            let read = std::mem::replace(&mut self.read[self.position], true);
            *out = if read { self.then[self.position] } else { self.first[self.position] };
            self.position += 1;
        }
        Ok(count)
    }
}

impl Seek for Fickle {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.position = match to {
            SeekFrom::Start(position) => position as usize,
            SeekFrom::End(offset) => self.first.len().checked_add_signed(offset as isize).unwrap(),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset as isize).unwrap(),
        };
        Ok(self.position as u64)
    }
}
