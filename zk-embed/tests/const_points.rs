//! The const path, in a crate of its own: points that rustc computed are the key that arkworks parses, `verify` decides as arkworks' verifier
//! does on real proofs, and the library is `no_std`: it is linked into a `no_std`, `no_main` binary. Cost of obtaining the key is printed.

#[path = "../../zk-vk-guard/tests/kit/mod.rs"]
mod kit;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ark_bn254::{Bn254, Fr, G1Projective, G2Projective};
use ark_ec::PrimeGroup;
use ark_ff::{One, UniformRand};
use ark_groth16::{Groth16, ProvingKey};
use ark_relations::gr1cs::{ConstraintSynthesizer, ConstraintSystemRef, SynthesisError, Variable};
use ark_serialize::{CanonicalSerialize, Compress};
use ark_snark::SNARK;
use ark_std::rand::{SeedableRng, rngs::StdRng};
use kit::{Ceremony, time};
use zk_embed::embed;
use zk_vk_guard::bundle::OnExpiry;
use zk_vk_guard::digest::PolicyDigest;
use zk_vk_guard::names::Kind;
use zk_vk_guard::snippet::Options;
use zk_vk_guard::verifying_key::KeyForms;

/// a b = c and a + b = d, with c and d public.
#[derive(Clone, Copy)]
struct SumAndProduct(Option<[Fr; 2]>);

impl ConstraintSynthesizer<Fr> for SumAndProduct {
    fn generate_constraints(self, cs: ConstraintSystemRef<Fr>) -> Result<(), SynthesisError> {
        let value = |f: fn([Fr; 2]) -> Fr| self.0.map(f).ok_or(SynthesisError::AssignmentMissing);
        let c = cs.new_input_variable(|| value(|[a, b]| a * b))?;
        let d = cs.new_input_variable(|| value(|[a, b]| a + b))?;
        let a = cs.new_witness_variable(|| value(|[a, _]| a))?;
        let b = cs.new_witness_variable(|| value(|[_, b]| b))?;
        let lc = |variables: &[Variable]| variables.iter().fold(ark_relations::lc!(), |sum, v| sum + *v);
        cs.enforce_r1cs_constraint(|| lc(&[a]), || lc(&[b]), || lc(&[c]))?;
        cs.enforce_r1cs_constraint(|| lc(&[a, b]), || lc(&[Variable::One]), || lc(&[d]))
    }
}

fn setup(rng: &mut StdRng) -> ProvingKey<Bn254> {
    let [alpha, beta, delta] = [(); 3].map(|()| Fr::rand(rng));
    Groth16::<Bn254>::generate_parameters_with_qap(
        SumAndProduct(None),
        alpha,
        beta,
        Fr::one(),
        delta,
        G1Projective::generator(),
        G2Projective::generator(),
        rng,
    )
    .unwrap()
}

fn hex(value: &impl CanonicalSerialize) -> String {
    let mut bytes = Vec::new();
    value.serialize_compressed(&mut bytes).unwrap();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const MANIFEST: &str = r#"[package]
name = "embedded"
version = "0.0.0"
edition = "2024"
publish = false

[features]
zk-vk-provisioned = []

[dependencies]
ark-bn254 = { version = "0.6", default-features = false, features = ["curve"] }
ark-ec = { version = "0.6", default-features = false }
ark-ff = { version = "0.6", default-features = false }
ark-groth16 = { version = "0.6", default-features = false }
ark-serialize = { version = "0.6", default-features = false }

[build-dependencies]
zk-vk-guard = { path = "GUARD" }

[[bin]]
name = "bare"
path = "src/bare.rs"
test = false

[workspace]

[profile.dev]
panic = "abort"
opt-level = 2

[profile.dev.build-override]
opt-level = 0
"#;

const LIB: &str = r#"//! A verifier that embeds its key.
#![no_std]
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs)]

#[cfg(feature = "zk-vk-provisioned")]
include!(concat!(env!("OUT_DIR"), "/verifying_key.rs"));
#[cfg(feature = "zk-vk-provisioned")]
const _: () = verifying_keys::attestation::assert_pinned("PINNED");

/// Whether this build embeds approved verifying keys.
pub const PROVISIONED: bool = cfg!(feature = "zk-vk-provisioned");
"#;

const MAIN: &str = r#"//! Reads "proof input input" lines, and says of each whether it verifies.
use ark_bn254::{Bn254, Fr};
use ark_groth16::{Groth16, Proof, VerifyingKey};
use ark_serialize::CanonicalDeserialize;
use embedded::verifying_keys::attestation;
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
    let parsed = VerifyingKey::<Bn254>::deserialize_compressed(&attestation::VK[..]).unwrap();
    assert_eq!(parsed, attestation::verifying_key());
    assert_eq!(parsed, VerifyingKey::<Bn254>::deserialize_uncompressed(&attestation::VK_UNCOMPRESSED[..]).unwrap());
    let prepared = ark_groth16::prepare_verifying_key(&parsed);
    for line in std::fs::read_to_string("proofs.txt").unwrap().lines() {
        let mut words = line.split(' ');
        let proof: Proof<Bn254> = read(words.next().unwrap());
        let inputs: [Fr; attestation::N_PUBLIC] = [read(words.next().unwrap()), read(words.next().unwrap())];
        let ours = attestation::verify(&proof, &inputs);
        assert_eq!(ours, Groth16::<Bn254>::verify_proof(&prepared, &proof, &inputs).unwrap());
        println!("{ours}");
    }
    time("const key", attestation::verifying_key);
    time("parsed and validated, compressed", || VerifyingKey::<Bn254>::deserialize_compressed(black_box(&attestation::VK[..])).unwrap());
    time("parsed and validated, uncompressed", || VerifyingKey::<Bn254>::deserialize_uncompressed(black_box(&attestation::VK_UNCOMPRESSED[..])).unwrap());
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
    use embedded::verifying_keys::attestation;
    let infinity = ark_bn254::G1Affine::identity();
    let proof = ark_groth16::Proof { a: infinity, b: ark_bn254::G2Affine::identity(), c: infinity };
    let accepted = attestation::verify(&proof, &[ark_bn254::Fr::from(1u64), ark_bn254::Fr::from(2u64)]);
    i32::from(accepted || attestation::VK.len() != 328)
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
        let mut command = Command::new(env!("CARGO"));
        command
            .current_dir(&self.dir)
            .args(arguments)
            .env("CARGO_TARGET_DIR", self.dir.with_file_name("embedded-target"))
            .env_remove("RUSTFLAGS");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }
}

#[test]
fn the_const_path_decides_as_the_parsed_key_does() {
    let rng = &mut StdRng::seed_from_u64(2026);
    let key = setup(rng);
    let bytes = |mode: Compress| {
        let mut bytes = Vec::new();
        key.vk.serialize_with_mode(&mut bytes, mode).unwrap();
        bytes
    };
    let ceremony = Ceremony::new(Kind::Production);
    let parts = ceremony.parts_of_key(KeyForms { compressed: bytes(Compress::Yes), uncompressed: bytes(Compress::No) });
    let policy = ceremony.policy().to_json();
    let embedded = embed(&parts.json(), &policy, Options { arkworks: true }, &time(kit::NOW), OnExpiry::Refuse).unwrap();

    let mut lines = String::new();
    let mut expected = String::new();
    for _ in 0..20 {
        let [a, b] = [(); 2].map(|()| Fr::rand(rng));
        let proof = Groth16::<Bn254>::prove(&key, SumAndProduct(Some([a, b])), rng).unwrap();
        let mut mixed = proof.clone();
        mixed.c = mixed.a;
        let (c, d) = (a * b, a + b);
        for (proof, inputs, good) in [
            (&proof, [c, d], true),
            (&proof, [d, c], false),
            (&proof, [c, d + Fr::one()], false),
            (&proof, [Fr::one() - Fr::one(), d], false),
            (&mixed, [c, d], false),
        ] {
            lines += &format!("{} {} {}\n", hex(proof), hex(&inputs[0]), hex(&inputs[1]));
            expected += &format!("{good}\n");
        }
    }

    let project = Embedding { dir: Path::new(env!("CARGO_TARGET_TMPDIR")).join("embedded") };
    project.put("Cargo.toml", MANIFEST.replace("GUARD", &format!("{}/../zk-vk-guard", env!("CARGO_MANIFEST_DIR"))));
    let pin = PolicyDigest::of(&policy);
    project.put(
        "build.rs",
        format!(
            "//! Guards the key.\nfn main() {{\n    zk_vk_guard::Guard::new(\"zk/trust-policy.json\", \"{pin}\").arkworks().run();\n}}\n"
        ),
    );
    project.put("src/lib.rs", LIB.replace("PINNED", &parts.provenance().circuits[0].vk_sha256.to_string()));
    project.put("src/main.rs", MAIN);
    project.put("src/bare.rs", BARE);
    project.put("zk/trust-policy.json", &policy);
    project.put("zk/bundle.json", parts.json());
    project.put("zk/verifying_key.rs", &embedded.text);
    project.put("proofs.txt", &lines);
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock"), project.dir.join("Cargo.lock")).unwrap();
    project.cargo(&["update", "--workspace", "--offline"]);
    let feature = ["--offline", "--locked", "--features", "zk-vk-provisioned"];
    let output = project.cargo(&[&["run", "--bin", "embedded"], &feature[..]].concat());
    eprintln!("{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);

    // no_std, by linking: with `std` anywhere in the library's tree, its panic handler would be the second one. Then the binary is run.
    project.cargo(&[&["rustc", "--bin", "bare"], &feature[..], &["--", "-C", "link-arg=-lc"]].concat());
    let status = Command::new(project.dir.with_file_name("embedded-target").join("debug/bare")).status().unwrap();
    assert!(status.success(), "{status}");
}
