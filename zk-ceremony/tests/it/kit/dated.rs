//! Lists of files with a date of the test's choice.

use ceremony_folder::Ceremony;
use ceremony_folder::index::{IndexClaim, Indexed};
use serde_json::json;
use zk_attest::digest::FileDigest;
use zk_attest::primitives::Timestamp;
use zk_attest::signer::sign_envelope;
use zk_attest::statement::{Statement, Subject};

use super::ceremony::{KeyFile, World};

/// The bytes of an index that the coordinator signed and dated so many seconds ahead.
pub fn index_of(world: &World, ceremony: &Ceremony, files: &[Indexed], ahead: u64) -> Vec<u8> {
    let mut signer = KeyFile::of(world, "coordinator", "key.pem");
    let predicate = IndexClaim {
        ceremony: ceremony.config.document().id.clone(),
        ceremony_toml_sha256: ceremony.config.digest(),
        key: signer.key,
        time: Timestamp::from_unix(Timestamp::now().unix() + ahead),
    };
    let digest = FileDigest::of(&serde_json::to_vec(files).unwrap());
    let subject = vec![Subject::new("files", digest.as_bytes()).unwrap()];
    let mut envelope = Statement { subject, predicate }.to_envelope().unwrap();
    sign_envelope(&mut signer, &mut envelope).unwrap();
    let index = serde_json::to_string(&json!({ "envelope": envelope, "files": files })).unwrap();
    format!("{index}\n").into_bytes()
}
