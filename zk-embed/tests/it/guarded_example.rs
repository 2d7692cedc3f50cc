//! The example as a downstream crate: a copy of it, with keys of its own circuit, is built under
//! the guard with the feature on, and
//! 1. its test accepts real proofs with the embedded key and rejects wrong ones;
//! 2. the points that rustc computed are the key that arkworks parses, and `verify` decides as
//!    arkworks' verifier does;
//! 3. its library is `no_std`: it is linked into a `no_std`, `no_main` binary, which runs;
//! 4. an edit of its policy fails until it is pinned, and what a policy revokes no longer builds.
//!
//! The keys come from arkworks' own setup with gamma = 1 (the generator of G2, as in the ceremony)
//! from a seed that anyone can read.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ark_bn254::{Bn254, Fr, G1Projective, G2Projective};
use ark_ec::PrimeGroup;
use ark_ff::{One, UniformRand};
use ark_groth16::{Groth16, ProvingKey};
use ark_serialize::{CanonicalSerialize, Compress};
use ark_snark::SNARK;
use ark_std::rand::rngs::StdRng;
use ark_std::rand::{Rng, SeedableRng};
use attestation::circuit::{Attestation, Witness};
use kit::{Ceremony, time};
use testkit::paper as kit;
use zk_attest::digest::{PolicyDigest, TranscriptDigest};
use zk_attest::primitives::CeremonyKind;
use zk_embed::embed;
use zk_vk_guard::bundle::OnExpiry;
use zk_vk_guard::policy::{NamedKey, PolicyDocument};
use zk_vk_guard::snippet::Options;
use zk_vk_guard::verifying_key::EncodedVerifyingKey;

fn setup(rng: &mut StdRng) -> ProvingKey<Bn254> {
    let [alpha, beta, delta] = [(); 3].map(|()| Fr::rand(rng));
    let (g1, g2) = (G1Projective::generator(), G2Projective::generator());
    Groth16::<Bn254>::generate_parameters_with_qap(
        Attestation { witness: None },
        alpha,
        beta,
        Fr::one(),
        delta,
        g1,
        g2,
        rng,
    )
    .unwrap()
}

fn hex(value: &impl CanonicalSerialize) -> String {
    let mut bytes = Vec::new();
    value.serialize_compressed(&mut bytes).unwrap();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Lines "proof capsule program verdict": true claims, and four ways of being wrong.
fn proofs(key: &ProvingKey<Bn254>, rng: &mut StdRng) -> String {
    let mut lines = String::new();
    for _ in 0..10 {
        let witness = Witness {
            measurement: rng.r#gen(),
            level: rng.gen_range(3..=255),
            blinding: Fr::rand(rng),
        };
        let claim = witness.claim();
        let proof =
            Groth16::<Bn254>::prove(key, Attestation { witness: Some(witness) }, rng).unwrap();
        let mut mixed = proof.clone();
        mixed.c = mixed.a;
        for (proof, capsule, program, verdict) in [
            (&proof, claim.capsule, claim.program, true),
            (&proof, claim.program, claim.capsule, false),
            (&proof, claim.capsule + Fr::one(), claim.program, false),
            (&proof, claim.capsule, Fr::rand(rng), false),
            (&mixed, claim.capsule, claim.program, false),
        ] {
            lines += &format!("{} {} {} {verdict}\n", hex(proof), hex(&capsule), hex(&program));
        }
    }
    lines
}

/// Appended to the example's manifest: there it is not a member of this workspace, nothing unwinds,
/// and arithmetic is optimised.
const PROFILE: &str = r#"
[workspace]

[profile.dev]
panic = "abort"
opt-level = 2

[profile.dev.build-override]
opt-level = 0
"#;

const COMPARE: &str = r#"//! The constants against arkworks' parser and verifier, on the proofs of a file, and the cost of obtaining the key.
use ark_bn254::{Bn254, Fr};
use ark_groth16::{Groth16, Proof, VerifyingKey};
use ark_serialize::CanonicalDeserialize;
use attestation::verifying_keys::attestation as key;
use std::hint::black_box;
use std::time::Instant;

fn read<T: CanonicalDeserialize>(hex: &str) -> T {
    let bytes: Vec<u8> = (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect();
    T::deserialize_compressed(&bytes[..]).unwrap()
}

fn time<T>(what: &str, f: impl Fn() -> T) {
    let start = Instant::now();
    for _ in 0..200 {
        black_box(f());
    }
    eprintln!("{what}: {:.3} us", start.elapsed().as_secs_f64() * 5000.0);
}

fn main() {
    let parsed = VerifyingKey::<Bn254>::deserialize_compressed(&key::VK[..]).unwrap();
    assert_eq!(parsed, key::verifying_key());
    assert_eq!(parsed, VerifyingKey::<Bn254>::deserialize_uncompressed(&key::VK_UNCOMPRESSED[..]).unwrap());
    let prepared = ark_groth16::prepare_verifying_key(&parsed);
    for line in std::fs::read_to_string(std::env::args().nth(1).unwrap()).unwrap().lines() {
        let mut words = line.split(' ');
        let proof: Proof<Bn254> = read(words.next().unwrap());
        let inputs: [Fr; key::N_PUBLIC] = [read(words.next().unwrap()), read(words.next().unwrap())];
        assert_eq!(key::verify(&proof, &inputs), Groth16::<Bn254>::verify_proof(&prepared, &proof, &inputs).unwrap());
    }
    time("const key", key::verifying_key);
    time("parsed and validated, compressed", || VerifyingKey::<Bn254>::deserialize_compressed(black_box(&key::VK[..])).unwrap());
    time("parsed and validated, uncompressed", || VerifyingKey::<Bn254>::deserialize_uncompressed(black_box(&key::VK_UNCOMPRESSED[..])).unwrap());
}
"#;

const BARE: &str = r#"//! The library where there is neither `std` nor a `main`: an allocator, a panic handler, and a C entry point are all that it needs.
#![no_std]
#![no_main]

use core::alloc::{GlobalAlloc, Layout};

struct Bump;
static mut HEAP: [u8; 1 << 20] = [0; 1 << 20];
static USED: core::sync::atomic::AtomicUsize = core::sync::atomic::AtomicUsize::new(0);

unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let size = layout.size() + layout.align();
        let at = USED.fetch_add(size, core::sync::atomic::Ordering::Relaxed);
        if at + size > 1 << 20 {
            return core::ptr::null_mut();
        }
        let start = unsafe { (&raw mut HEAP).cast::<u8>().add(at) };
        unsafe { start.add(start.align_offset(layout.align())) }
    }
    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static ALLOCATOR: Bump = Bump;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

// The precompiled `alloc` names it in its unwind tables; nothing unwinds here.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

#[unsafe(no_mangle)]
extern "C" fn main(_: i32, _: *const *const u8) -> i32 {
    use attestation::verifying_keys::attestation as key;
    let infinity = ark_bn254::G1Affine::identity();
    let proof = ark_groth16::Proof { a: infinity, b: ark_bn254::G2Affine::identity(), c: infinity };
    let accepted = key::verify(&proof, &[ark_bn254::Fr::from(1u64), ark_bn254::Fr::from(2u64)]);
    i32::from(accepted || key::VK.len() != 328)
}
"#;

struct Embedding {
    dir: PathBuf,
}

impl Embedding {
    fn put(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if fs::read(&path).ok().as_deref() != Some(text.as_ref()) {
            fs::write(path, text).unwrap();
        }
    }

    fn cargo(&self, arguments: &[&str]) -> Output {
        let output = self.tried(arguments);
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        output
    }

    fn tried(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO"));
        command
            .current_dir(&self.dir)
            .args(arguments)
            .env("CARGO_TARGET_DIR", testkit::guarded_target(env!("CARGO_TARGET_TMPDIR")))
            .env("ATTESTATION_PROOFS", self.dir.join("proofs.txt"));
        testkit::cargo_of_a_user(&mut command).output().unwrap()
    }

    /// The life of a policy: an edit that is not pinned fails and says what to review; pinned, it
    /// builds, or fails for what it revokes.
    fn rotate(
        &self,
        policy: &PolicyDocument,
        transcript: TranscriptDigest,
        build: &dyn Fn(&PolicyDigest) -> String,
    ) {
        let outcome = |document: &PolicyDocument, pinned: bool| {
            let bytes = document.to_json();
            self.put("zk/trust-policy.json", &bytes);
            let pin =
                if pinned { PolicyDigest::of(&bytes) } else { PolicyDigest::of(&policy.to_json()) };
            self.put("build.rs", build(&pin));
            let output = self.tried(&["check", "--offline", "--features", "zk-vk-provisioned"]);
            (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
        };
        let release = |policy: &mut PolicyDocument, i: usize, name: &str| {
            policy.roles.release.keys[i] =
                NamedKey { name: kit::text(name), key: kit::public(name) };
        };
        // A release authority's third key, which has not signed, is replaced.
        let mut rotated = policy.clone();
        release(&mut rotated, 2, "release-9");
        let (built, said) = outcome(&rotated, false);
        assert!(
            !built
                && said.contains("[policy-pin]")
                && said.contains("was reviewed")
                && said.contains("policy pin zk/trust-policy.json"),
            "{said}"
        );
        let (built, said) = outcome(&rotated, true);
        assert!(built, "{said}");
        // One that has signed is replaced: the bundle needs another signature.
        let mut rotated = policy.clone();
        release(&mut rotated, 1, "release-9");
        let (built, said) = outcome(&rotated, true);
        assert!(!built && said.contains("[threshold-not-met]"), "{said}");
        let mut revoked = policy.clone();
        revoked.revoked_keys.push(policy.roles.release.keys[0].key);
        let (built, said) = outcome(&revoked, true);
        assert!(!built && said.contains("[threshold-not-met]"), "{said}");
        let mut revoked = policy.clone();
        revoked.revoked_transcripts.push(transcript);
        let (built, said) = outcome(&revoked, true);
        assert!(!built && said.contains("[transcript-revoked]"), "{said}");
        assert!(outcome(policy, true).0, "the first policy builds again");
    }
}

#[test]
fn the_example_builds_verifies_real_proofs_and_is_no_std() {
    let rng = &mut StdRng::seed_from_u64(2026);
    let key = setup(rng);
    let bytes = |mode: Compress| {
        let mut bytes = Vec::new();
        key.vk.serialize_with_mode(&mut bytes, mode).unwrap();
        bytes
    };
    let ceremony = Ceremony::new(CeremonyKind::Production);
    let parts = ceremony.parts_of_key(EncodedVerifyingKey {
        compressed: bytes(Compress::Yes),
        uncompressed: bytes(Compress::No),
    });
    let document = ceremony.policy();
    let policy = document.to_json();
    let embedded = embed(
        &parts.json(),
        &policy,
        Options { arkworks: true },
        &time(kit::NOW),
        OnExpiry::Refuse,
    )
    .unwrap();

    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/attestation");
    let read = |path: &str| fs::read_to_string(example.join(path)).unwrap();
    let project = Embedding { dir: Path::new(env!("CARGO_TARGET_TMPDIR")).join("attestation") };
    let guard = format!("{}/../zk-vk-guard", env!("CARGO_MANIFEST_DIR"));
    project.put("Cargo.toml", read("Cargo.toml").replace("../../zk-vk-guard", &guard) + PROFILE);
    let build = read("build.rs");
    let committed = PolicyDigest::of(read("zk/trust-policy.json").as_bytes()).to_string();
    assert!(build.contains(&committed), "the example pins the policy that is committed with it");
    let pinned = |pin: &PolicyDigest| build.replace(&committed, &pin.to_string());
    project.put("build.rs", pinned(&PolicyDigest::of(&policy)));
    for path in ["src/lib.rs", "src/circuit.rs", "tests/embedded_key.rs"] {
        project.put(path, read(path));
    }
    project.put("examples/compare.rs", COMPARE);
    project.put("examples/bare.rs", BARE);
    project.put("zk/trust-policy.json", &policy);
    project.put("zk/bundle.json", parts.json());
    project.put("zk/verifying_key.rs", &embedded.text);
    let proofs_file = project.dir.join("proofs.txt");
    project.put("proofs.txt", proofs(&key, rng));
    fs::copy(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock"),
        project.dir.join("Cargo.lock"),
    )
    .unwrap();
    project.cargo(&["update", "--workspace", "--offline"]);
    let feature = ["--offline", "--locked", "--features", "zk-vk-provisioned"];

    let tested = project.cargo(
        &[&["test", "--test", "embedded_key"], &feature[..], &["--", "--nocapture"]].concat(),
    );
    let shown = String::from_utf8_lossy(&tested.stdout).into_owned();
    assert!(shown.contains("10 accepted, 40 rejected"), "{shown}");

    let compared = project.cargo(
        &[&["run", "--example", "compare"], &feature[..], &["--", proofs_file.to_str().unwrap()]]
            .concat(),
    );
    eprintln!("{}", String::from_utf8_lossy(&compared.stderr));

    // With `std` anywhere in the library's tree, its panic handler would be the second one, and
    // this would not link.
    project.cargo(
        &[&["rustc", "--example", "bare"], &feature[..], &["--", "-C", "link-arg=-lc"]].concat(),
    );
    let status = Command::new(
        testkit::guarded_target(env!("CARGO_TARGET_TMPDIR")).join("debug/examples/bare"),
    )
    .status()
    .unwrap();
    assert!(status.success(), "{status}");

    project.rotate(&document, TranscriptDigest::of(&parts.transcript), &pinned);
}
