//! The tar file of an archive, and what is said of it.

use std::path::Path;

use ceremony_core::progress::NoProgress;
use ceremony_folder::archive_check::Lists;
use ceremony_folder::archive_file;

/// What is read was read to its end, and what is accepted is within it. What is called whole is so
/// again, and stays so without the demand for a list; cut anywhere, it is refused.
pub fn archive(data: &[u8]) -> bool {
    let Ok(passed) = archive_file::read(data, &NoProgress) else { return false };
    assert_eq!(passed.length, data.len() as u64, "every byte was read");
    assert!(!passed.prefix.contains('/'), "one folder");
    let Ok(found) = passed.check.finish(Path::new("a.tar"), Lists::Needed) else { return false };
    assert!(found.index.is_some() || found.sums, "a list of the files");
    // A block for each header, and two at the end.
    let blocks = 512 * (found.files as u64 + 2);
    assert!(found.bytes + blocks <= data.len() as u64, "more bytes than came");
    assert!(found.steps <= found.files && found.evidence + found.strays <= found.files);
    let again = archive_file::read(data, &NoProgress).expect("it was read before");
    let again = again.check.finish(Path::new("b.tar"), Lists::WhereThere);
    assert_eq!(again.expect("it is whole").rules, found.rules);
    let cut = &data[..data.len() / 2];
    assert!(archive_file::read(cut, &NoProgress).is_err(), "half of it is no archive");
    true
}
