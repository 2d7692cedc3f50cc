//! Space for what a computation needs for a while and does not fit in memory.

use std::fmt;
use std::io::{Read, Seek, Write};

/// An empty temporary file, or anything that serves as one.
pub trait Scratch: Read + Write + Seek + Send + fmt::Debug {}

impl<T: Read + Write + Seek + Send + fmt::Debug> Scratch for T {}

/// Any of them, which borrows nothing.
pub type ScratchFile = dyn Scratch;
