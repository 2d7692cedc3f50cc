//! Uploads, as tus 1.0 says it: a length, and an offset that only grows.
//!
//! An upload belongs to a chain of a turn and ends with it. Its bytes are on the disk; its offset
//! is how many of them there are. A part whose checksum does not fit is cut off again, so that what
//! a broken link made of it is sent once more.

use std::fs::{self, File};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use zk_attest::primitives::CircuitName;

use super::state_folder::StateFolder;

const MAX_DESCRIPTION_BYTES: usize = 4096;

/// What is kept of an upload next to its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    turn: String,
    circuit: Option<CircuitName>,
    length: u64,
    /// Bytes that came whole.
    #[serde(default)]
    offset: u64,
}

/// An upload.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) id: String,
    pub(crate) circuit: Option<CircuitName>,
    pub(crate) length: u64,
    pub(crate) offset: u64,
    /// Whether a request writes to it now.
    pub(crate) busy: bool,
    pub(crate) path: PathBuf,
}

impl Upload {
    /// Begins an upload of a chain of a turn.
    pub(crate) fn create(
        state: &StateFolder,
        turn: &str,
        circuit: Option<CircuitName>,
        length: u64,
    ) -> Result<Self, ceremony_folder::CeremonyError> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| {
            ceremony_folder::CeremonyError::from(ceremony_folder::output::OutputError {
                path: state.path("uploads"),
                fault: ceremony_folder::output::OutputFault::Io {
                    doing: "choosing a name",
                    error: io::Error::other(error.to_string()),
                },
            })
        })?;
        let id = hex::encode(random);
        let description =
            Description { turn: turn.into(), circuit: circuit.clone(), length, offset: 0 };
        let path = data_path(state, &id, circuit.as_ref());
        state.write(
            &format!("uploads/{id}.json"),
            &serde_json::to_vec(&description).unwrap_or_default(),
        )?;
        File::options().write(true).create_new(true).open(&path).map_err(|error| {
            ceremony_folder::output::OutputError {
                path: path.clone(),
                fault: ceremony_folder::output::OutputFault::Io { doing: "creating", error },
            }
        })?;
        Ok(Self { id, circuit, length, offset: 0, busy: false, path })
    }

    /// Notes how many bytes came, for the process after this one.
    pub(crate) fn note(&self, state: &StateFolder, turn: &str) {
        let description = Description {
            turn: turn.into(),
            circuit: self.circuit.clone(),
            length: self.length,
            offset: self.offset,
        };
        let bytes = serde_json::to_vec(&description).unwrap_or_default();
        // Without it the next process begins at an earlier offset, which costs time and nothing
        // else.
        let _ = state.write(&format!("uploads/{}.json", self.id), &bytes);
    }

    /// The uploads of a turn that a process before this one left. What belongs to no turn is
    /// removed.
    pub(crate) fn load(state: &StateFolder, turn: Option<&str>) -> Vec<Self> {
        let folder = state.path("uploads");
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        let mut uploads = Vec::new();
        let mut names: Vec<String> =
            entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        for name in &names {
            let Some(id) = name.strip_suffix(".json") else { continue };
            let read = state.read(&format!("uploads/{name}"), MAX_DESCRIPTION_BYTES);
            let description =
                read.ok().and_then(|bytes| serde_json::from_slice::<Description>(&bytes).ok());
            let Some(description) = description else { continue };
            let path = data_path(state, id, description.circuit.as_ref());
            let Ok(here) = fs::metadata(&path).map(|metadata| metadata.len()) else { continue };
            let offset = description.offset.min(here);
            if Some(description.turn.as_str()) == turn && offset <= description.length {
                let Description { circuit, length, .. } = description;
                uploads.push(Self { id: id.into(), circuit, length, offset, busy: false, path });
            }
        }
        for name in names {
            let id = name.split('.').next().unwrap_or_default();
            if !uploads.iter().any(|upload| upload.id == id) {
                let _ = fs::remove_file(folder.join(name));
            }
        }
        uploads
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.offset == self.length
    }

    /// Removes it.
    pub(crate) fn remove(&self, state: &StateFolder) {
        let _ = fs::remove_file(&self.path);
        state.remove(&format!("uploads/{}.json", self.id));
    }
}

fn data_path(state: &StateFolder, id: &str, circuit: Option<&CircuitName>) -> PathBuf {
    let ending = if circuit.is_some() { "zkey" } else { "ptau" };
    state.path(&format!("uploads/{id}.{ending}"))
}

/// Opens an upload's file for the part that begins at `offset`.
pub(crate) fn open_at(path: &std::path::Path, offset: u64) -> io::Result<File> {
    let mut file = File::options().write(true).open(path)?;
    // What a torn request left beyond the offset was never counted.
    file.set_len(offset)?;
    file.seek(SeekFrom::Start(offset))?;
    Ok(file)
}

/// Writes a piece.
pub(crate) fn write(mut file: File, bytes: &[u8]) -> io::Result<File> {
    file.write_all(bytes)?;
    Ok(file)
}
