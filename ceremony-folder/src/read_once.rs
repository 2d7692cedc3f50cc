//! A store that reads each small file once.
//!
//! An audit looks at a document several times: for its signature, for the list of sums, for the
//! report, and in search of private keys. Behind [`ReadOnce`] all of these see the same bytes,
//! those of the first reading, and a file costs one.

use std::collections::{HashMap, HashSet};
use std::io::{self, Cursor, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::output::{Output, OutputError};
use crate::store::{Entry, Input, ReadError, Readers, Store};

/// Bytes of the largest file that is kept: of a transcript of the largest ceremony, or a key of a
/// small circuit.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Bytes that are kept of all files together.
const MAX_BYTES: u64 = 128 << 20;

/// See the module's documentation.
#[derive(Debug)]
pub struct ReadOnce<S> {
    store: S,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    files: HashMap<PathBuf, Arc<[u8]>>,
    bytes: u64,
    /// Names that were written through this store, which are read each time.
    written: HashSet<PathBuf>,
}

impl<S: Store> ReadOnce<S> {
    /// Over another store, of which nothing has been read.
    pub fn new(store: S) -> Self {
        Self { store, kept: Mutex::default() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self, path: &Path) {
        let mut kept = self.kept();
        if let Some(bytes) = kept.files.remove(path) {
            kept.bytes -= bytes.len() as u64;
        }
        kept.written.insert(path.into());
    }
}

impl<S: Store> Store for ReadOnce<S> {
    fn entries(&self, folder: &Path, limit: usize) -> io::Result<Vec<Entry>> {
        self.store.entries(folder, limit)
    }

    fn is_present(&self, path: &Path) -> bool {
        self.store.is_present(path)
    }

    fn open(&self, path: &Path) -> Result<Input, ReadError> {
        if let Some(bytes) = self.kept().files.get(path) {
            return Ok(Box::new(Cursor::new(bytes.clone())));
        }
        let mut file = self.store.open(path)?;
        let length = file.seek(io::SeekFrom::End(0))?;
        file.rewind()?;
        let fits = |kept: &Kept| {
            !kept.written.contains(path) && kept.bytes.saturating_add(length) <= MAX_BYTES
        };
        if length > MAX_FILE_BYTES || !fits(&self.kept()) {
            return Ok(file);
        }
        let mut bytes = Vec::with_capacity(length as usize);
        (&mut file).take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
        // It grew meanwhile: leave it to the reader to find that out.
        if bytes.len() as u64 != length {
            file.rewind()?;
            return Ok(file);
        }
        let bytes: Arc<[u8]> = bytes.into();
        let mut kept = self.kept();
        if fits(&kept) && kept.files.insert(path.into(), bytes.clone()).is_none() {
            kept.bytes += length;
        }
        Ok(Box::new(Cursor::new(bytes)))
    }

    fn create(&self, path: &Path, replace: bool, by: Readers) -> Result<Output, OutputError> {
        self.forget(path);
        self.store.create(path, replace, by)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), OutputError> {
        self.forget(from);
        self.forget(to);
        self.store.rename(from, to)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;

    use super::*;
    use crate::store::LocalDirectory;

    fn store() -> (tempfile::TempDir, ReadOnce<LocalDirectory>) {
        let folder = tempfile::tempdir().unwrap();
        let store = ReadOnce::new(LocalDirectory::new(folder.path()));
        (folder, store)
    }

    fn read(store: &impl Store, name: &str) -> Vec<u8> {
        store.read(Path::new(name), 4 << 20).unwrap()
    }

    #[test]
    fn a_small_file_is_read_once_and_a_large_one_each_time() {
        let (folder, store) = store();
        for (name, length, kept) in
            [("small", MAX_FILE_BYTES, true), ("large", MAX_FILE_BYTES + 1, false)]
        {
            let path = folder.path().join(name);
            fs::write(&path, vec![1; length as usize]).unwrap();
            assert!(read(&store, name) == vec![1; length as usize]);
            fs::write(&path, vec![2; length as usize]).unwrap();
            assert_eq!(read(&store, name)[0], if kept { 1 } else { 2 }, "{name}");
        }
        // From the start, whatever was read of it before.
        let mut twice =
            [store.open(Path::new("small")).unwrap(), store.open(Path::new("small")).unwrap()];
        for file in &mut twice {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).unwrap();
            assert_eq!(bytes.len() as u64, MAX_FILE_BYTES);
        }
    }

    #[test]
    fn what_is_written_through_the_store_is_read_as_it_is() {
        let (folder, store) = store();
        fs::write(folder.path().join("a"), b"old").unwrap();
        assert_eq!(read(&store, "a"), b"old");
        let mut output = store.create(Path::new("a"), true, Readers::Everyone).unwrap();
        output.write_all(b"new").unwrap();
        assert_eq!(read(&store, "a"), b"old", "it is not there yet");
        output.commit().unwrap();
        assert_eq!(read(&store, "a"), b"new");
        fs::write(folder.path().join("b"), b"b").unwrap();
        assert_eq!(read(&store, "b"), b"b");
        store.rename(Path::new("b"), Path::new("c")).unwrap();
        assert!(matches!(store.open(Path::new("b")), Err(ReadError::Io(_))));
        assert_eq!(read(&store, "c"), b"b");
    }

    #[test]
    fn no_more_is_kept_than_fits() {
        let (folder, store) = store();
        let most = MAX_BYTES / MAX_FILE_BYTES;
        for i in 0..=most {
            let path = folder.path().join(i.to_string());
            fs::File::create(&path).unwrap().set_len(MAX_FILE_BYTES).unwrap();
            read(&store, &i.to_string());
        }
        let kept = store.kept();
        assert_eq!((kept.bytes, kept.files.len() as u64), (MAX_BYTES, most));
    }

    #[test]
    fn what_cannot_be_read_is_not_kept() {
        let (folder, store) = store();
        assert!(matches!(store.open(Path::new("a")), Err(ReadError::Io(_))));
        fs::write(folder.path().join("a"), b"now").unwrap();
        assert_eq!(read(&store, "a"), b"now");
        let short = store.read(Path::new("a"), 2).unwrap_err();
        assert!(matches!(short, ReadError::TooLarge { limit: 2 }), "{short}");
    }
}
