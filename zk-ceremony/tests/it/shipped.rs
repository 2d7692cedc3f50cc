//! What the file of the program holds.
#![cfg(target_os = "linux")]

use std::path::Path;

use crate::kit::Folder;
use crate::kit::people::peer;

#[test]
fn the_program_holds_no_path_of_its_checkout() {
    let folder = Folder::new();
    let built = env!("CARGO_BIN_EXE_zk-ceremony");
    // Debug information names the checkout; releases keep it in a file of its own, with mapped
    // paths.
    peer(&folder, "objcopy", &["--strip-all", built, "stripped"]);
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let path = checkout.to_str().unwrap().as_bytes();
    let bytes = folder.read("stripped");
    let found = bytes.windows(path.len()).position(|window| window == path);
    let shown = found.map(|at| String::from_utf8_lossy(&bytes[at..][..200]).into_owned());
    assert_eq!(shown, None, "two people who build the program elsewhere get different files");
}
