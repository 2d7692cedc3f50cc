//! A search of another process's memory: whether secrets are left in what it can write to.
#![cfg(target_os = "linux")]

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// What is searched for, by name: each eight bytes of each value.
#[derive(Default)]
pub struct Needles(HashMap<[u8; 8], &'static str>);

impl Needles {
    /// Adds a value. Its last bytes, if fewer than eight, are not searched for.
    pub fn add(&mut self, name: &'static str, bytes: &[u8]) {
        bytes.chunks_exact(8).for_each(|piece| {
            self.0.insert(piece.try_into().unwrap(), name);
        });
    }

    /// The names of those that a process has in what it can write to.
    pub fn found_in(&self, process: u32) -> Vec<&'static str> {
        let maps = || std::fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
        let memory = File::open(format!("/proc/{process}/mem")).unwrap();
        let mut beginnings = vec![false; 1 << 16];
        self.0.keys().for_each(|needle| beginnings[beginning(needle)] = true);
        let mut found = Vec::new();
        let mut searched = 0;
        for line in maps().lines().filter(|line| line.split(' ').nth(1).unwrap().starts_with("rw"))
        {
            let (start, end) = line.split(' ').next().unwrap().split_once('-').unwrap();
            let address = |hex| u64::from_str_radix(hex, 16).unwrap();
            let mut bytes = vec![0; (address(end) - address(start)) as usize];
            if memory.read_exact_at(&mut bytes, address(start)).is_err() {
                // The system's own pages; or those of a thread that ended, which are no memory any
                // more.
                assert!(line.contains("[v") || !maps().contains(line), "not readable: {line}");
                continue;
            }
            searched += bytes.len();
            let matches = bytes.windows(8).enumerate().filter(|(_, w)| beginnings[beginning(w)]);
            for (at, window) in matches {
                if let Some(name) = self.0.get(window) {
                    found.push(*name);
                    eprintln!("{name} at +{at:#x} of {line}");
                }
            }
        }
        assert!(searched > 1 << 18, "{searched} bytes are not a process");
        found.sort_unstable();
        found.dedup();
        found
    }
}

fn beginning(window: &[u8]) -> usize {
    usize::from(u16::from_le_bytes([window[0], window[1]]))
}
