//! Verifying keys as bytes: what arkworks writes is accepted, and every way in which bytes can lie
//! without arithmetic is refused.

use ark_bn254::{G1Affine, G2Affine};
use ark_ec::AffineRepr;
use testkit::paper::Vk;
use zk_attest::error::Code;
use zk_vk_guard::verifying_key::{EncodedVerifyingKey, MAX_PUBLIC_INPUTS, VerifyingKeyBytes};

#[track_caller]
fn refused(code: Code, forms: &EncodedVerifyingKey, inputs: u32) {
    let refusal = VerifyingKeyBytes::check(forms, inputs).expect_err("this must be refused");
    assert_eq!(refusal.code(), code, "{refusal}");
}

#[track_caller]
fn corrupted(code: Code, edit: impl FnOnce(&mut EncodedVerifyingKey)) {
    let mut forms = Vk::new("key", 2).forms();
    edit(&mut forms);
    refused(code, &forms, 2);
}

#[test]
fn keys_as_arkworks_writes_them_are_accepted() {
    for i in 0..40 {
        let forms = Vk::new(&format!("key {i}"), i % 5).forms();
        let key = VerifyingKeyBytes::check(&forms, i % 5).unwrap();
        assert_eq!(
            (key.compressed(), key.uncompressed()),
            (&forms.compressed[..], &forms.uncompressed[..])
        );
    }
}

#[test]
fn a_truncated_or_over_long_key_is_refused() {
    for (compressed, uncompressed) in [(-1, 0), (1, 0), (0, -1), (0, 1), (-32, -64), (32, 64)] {
        corrupted(Code::KeyLength, |forms| {
            let resized = |bytes: &mut Vec<u8>, by: i64| {
                bytes.resize(usize::try_from(bytes.len() as i64 + by).unwrap(), 0)
            };
            resized(&mut forms.compressed, compressed);
            resized(&mut forms.uncompressed, uncompressed);
        });
    }
    corrupted(Code::KeyLength, |forms| forms.compressed.clear());
    refused(Code::KeyLength, &Vk::new("key", 2).forms(), 3);
    refused(Code::KeyLength, &Vk::new("key", 2).forms(), MAX_PUBLIC_INPUTS);
    refused(Code::TooLarge, &Vk::new("key", 2).forms(), MAX_PUBLIC_INPUTS + 1);
    refused(Code::TooLarge, &Vk::new("key", 2).forms(), u32::MAX);
}

#[test]
fn a_wrong_count_is_refused() {
    corrupted(Code::KeyLength, |forms| forms.compressed[224] = 2);
    corrupted(Code::KeyLength, |forms| forms.compressed[231] = 1);
    corrupted(Code::KeyLength, |forms| forms.uncompressed[448] = 4);
}

#[test]
fn a_point_at_infinity_is_refused_wherever_it_stands() {
    let vk = || Vk::new("key", 2);
    let edits: [fn(&mut Vk); 6] = [
        |vk| vk.alpha = G1Affine::zero(),
        |vk| vk.beta = G2Affine::zero(),
        |vk| vk.gamma = G2Affine::zero(),
        |vk| vk.delta = G2Affine::zero(),
        |vk| vk.ic[0] = G1Affine::zero(),
        |vk| vk.ic[2] = G1Affine::zero(),
    ];
    for edit in edits {
        let mut vk = vk();
        edit(&mut vk);
        refused(Code::KeyDegenerate, &vk.forms(), 2);
    }
    corrupted(Code::KeyDegenerate, |forms| forms.compressed[31] |= 0x40);
    corrupted(Code::KeyDegenerate, |forms| forms.uncompressed[63] |= 0x40);
}

#[test]
fn gamma_is_the_generator_and_nothing_else_is() {
    let edits: [fn(&mut Vk); 10] = [
        |vk| vk.gamma = vk.beta,
        |vk| vk.gamma = -vk.gamma,
        |vk| vk.delta = vk.gamma,
        |vk| vk.delta = -vk.gamma,
        |vk| vk.delta = vk.beta,
        |vk| vk.delta = -vk.beta,
        |vk| vk.beta = vk.gamma,
        |vk| vk.beta = -vk.gamma,
        |vk| vk.alpha = G1Affine::generator(),
        |vk| vk.alpha = -G1Affine::generator(),
    ];
    for (i, edit) in edits.into_iter().enumerate() {
        let mut vk = Vk::new("key", 2);
        edit(&mut vk);
        let refusal = VerifyingKeyBytes::check(&vk.forms(), 2).unwrap_err();
        assert_eq!(refusal.code(), Code::KeyDegenerate, "edit {i}: {refusal}");
    }
}

#[test]
fn two_input_points_that_are_equal_or_opposite_are_refused() {
    for (i, j) in [(0, 1), (0, 2), (1, 2)] {
        let mut vk = Vk::new("key", 2);
        vk.ic[j] = vk.ic[i];
        refused(Code::KeyDegenerate, &vk.forms(), 2);
        // Then adding the same to both inputs changes nothing.
        vk.ic[j] = -vk.ic[i];
        refused(Code::KeyDegenerate, &vk.forms(), 2);
    }
}

/// q, little-endian.
const Q: [u8; 32] = [
    0x47, 0xfd, 0x7c, 0xd8, 0x16, 0x8c, 0x20, 0x3c, 0x8d, 0xca, 0x71, 0x68, 0x91, 0x6a, 0x81, 0x97,
    0x5d, 0x58, 0x81, 0x81, 0xb6, 0x45, 0x50, 0xb8, 0x29, 0xa0, 0x31, 0xe1, 0x72, 0x4e, 0x64, 0x30,
];

#[test]
fn a_coordinate_of_q_or_above_is_refused() {
    for at in [0, 32, 64, 160, 232] {
        corrupted(Code::KeyEncoding, |forms| forms.compressed[at..at + 32].copy_from_slice(&Q));
    }
    for at in [0, 32, 64, 448 + 8] {
        corrupted(Code::KeyEncoding, |forms| forms.uncompressed[at..at + 32].copy_from_slice(&Q));
    }
    // Flags anywhere but in a point's last byte are part of a coordinate, and make it too large.
    corrupted(Code::KeyEncoding, |forms| forms.compressed[32 + 31] |= 0x80);
    corrupted(Code::KeyEncoding, |forms| forms.uncompressed[31] |= 0x80);
}

#[test]
fn compressed_and_uncompressed_form_are_one_key() {
    let other = Vk::new("another", 2).forms();
    corrupted(Code::KeyFormsDisagree, |forms| forms.compressed.clone_from(&other.compressed));
    corrupted(Code::KeyFormsDisagree, |forms| forms.uncompressed.clone_from(&other.uncompressed));
    for at in [31, 95, 223, 232 + 31, 232 + 95] {
        corrupted(Code::KeyFormsDisagree, |forms| forms.compressed[at] ^= 0x80);
    }
    for at in [63, 191, 447, 456 + 63] {
        corrupted(Code::KeyEncoding, |forms| forms.uncompressed[at] ^= 0x80);
    }
    // Both flags turned: the sign is then that of no y in sight.
    corrupted(Code::KeyEncoding, |forms| {
        forms.compressed[31] ^= 0x80;
        forms.uncompressed[63] ^= 0x80;
    });
}
