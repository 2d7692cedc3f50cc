//! The verifying keys of a closed ceremony, as the last file of each circuit has them. Who signs a
//! bundle without a whole verification holds it to these: the files are attested, and the keys in a
//! bundle are not.

use std::path::PathBuf;

use ceremony_core::format::bound_file::sha256_file;
use ceremony_core::format::zkey::Zkey;
use ceremony_core::keygen;
use ceremony_core::progress::Progress;
use zk_attest::digest::{CsHash, VkDigest, VkUncompressedDigest};
use zk_vk_guard::transcript::CheckedTranscript;

use crate::Ceremony;
use crate::chain::{Chain, Step};
use crate::document::ensure_of_folder;
use crate::error::{CeremonyError, at, broken};
use crate::folder::{Track, slashed};
use crate::verify::ensure_attested;

/// The last file of each circuit, by its name in the folder.
#[must_use]
pub fn last_files(ceremony: &Ceremony) -> Vec<String> {
    let root = ceremony.folder.root();
    last_steps(ceremony)
        .map(|(_, it)| slashed(it.path.strip_prefix(root).unwrap_or(&it.path)))
        .collect()
}

fn last_steps(ceremony: &Ceremony) -> impl Iterator<Item = (&Chain, &Step)> {
    let circuits = ceremony.chains().filter(|chain| chain.track != Track::Phase1);
    circuits.filter_map(|chain| Some((chain, chain.steps.last()?)))
}

/// Holds a transcript to what is signed in a folder, and its keys to the last file of each circuit,
/// which must be the attested one.
///
/// # Errors
/// When it tells something else, or a file is not here.
pub fn ensure_of_last_files(
    ceremony: &Ceremony,
    transcript: &CheckedTranscript,
    progress: &dyn Progress,
) -> Result<(), CeremonyError> {
    ensure_of_folder(ceremony, transcript)?;
    for (chain, step) in last_steps(ceremony) {
        let path: &PathBuf = &step.path;
        let mut file = ceremony.folder.open(path)?;
        ensure_attested(step, sha256_file(&mut file, progress).map_err(at(path))?)?;
        let mut zkey = Zkey::open(file).map_err(at(path))?;
        let key = keygen::verifying_key(&mut zkey).map_err(at(path))?;
        let bytes = keygen::verifying_key_bytes(&key).map_err(at(path))?;
        let told = chain.track.circuit().and_then(|name| transcript.transcript().circuit(name));
        let found = told.map(|it| (it.cs_hash, it.vk_sha256, it.vk_uncompressed_sha256));
        let expected = (
            CsHash(zkey.initial_key_hash().0),
            VkDigest::of(&bytes.compressed),
            VkUncompressedDigest::of(&bytes.uncompressed),
        );
        if found != Some(expected) {
            return Err(broken(
                path,
                "the transcript names another verifying key than the one of the last file",
                found.map_or_else(|| "no such circuit".into(), |(_, key, _)| key.to_string()),
                expected.1,
            ));
        }
    }
    Ok(())
}
