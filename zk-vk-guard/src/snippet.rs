//! The snippet: the Rust source that embeds the verifying keys of a verified bundle.
//!
//! [`text`] depends only on a [`VerifiedBundle`] and [`Options`], and is the only author of that
//! text: `zk-embed` writes it into the project, and the guard makes it again in every build and
//! compares byte for byte. An edited constant, an extra item, a twin under `#[cfg]`, another
//! formatting or other options all give the same refusal. (The printer's version is pinned in
//! Cargo.toml: it is part of the canonical form.)
//!
//! The text is one module, `verifying_keys`, that needs neither `std` nor (without
//! [`Options::arkworks`]) any crate:
//!
//! ```text
//! verifying_keys::CIRCUITS, by_program_hash(..)          the registry, sorted by program hash
//! verifying_keys::<circuit>::{VK, VK_UNCOMPRESSED, VK_SHA256, ..., assert_pinned("<hex>")}
//! ```
//!
//! rustc itself recomputes the SHA-256 of the key bytes while it compiles them.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::quote;

use crate::bundle::VerifiedBundle;
use crate::verifying_key::VerifyingKeyBytes;
use zk_attest::error::{Code, Refusal, Result, USUAL_BUNDLE, USUAL_POLICY, USUAL_SNIPPET};
use zk_attest::primitives::CeremonyKind;
use zk_attest::statement::CircuitProvenance;

/// Bytes of a snippet at most: the keys of a full bundle, in hex, and the code around them.
pub const MAX_SNIPPET_BYTES: usize = 2 * 1024 * 1024;

/// SHA-256's initial state (FIPS 180-4, section 5.3.3).
const SHA256_H: [u32; 8] = [
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];
/// SHA-256's round constants (FIPS 180-4, section 4.2.2).
#[rustfmt::skip]
const SHA256_K: [u32; 64] = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
];

/// What the text contains beyond bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `const` arkworks points and a `verify` that takes exactly the right number of public inputs.
    /// The including crate then depends on ark-bn254, ark-ec, ark-ff and ark-groth16.
    pub arkworks: bool,
}

/// The canonical text.
pub fn text(bundle: &VerifiedBundle, options: Options) -> Result<String> {
    let provenance = bundle.provenance();
    let file: syn::File = syn::parse2(module(bundle, options)).map_err(|error| {
        Refusal::new(
            Code::Environment,
            format_args!("the snippet's tokens are not valid Rust: {error}"),
        )
        .hint("report this as a defect of zk-vk-guard")
    })?;
    let circuits: Vec<&str> =
        provenance.circuits.iter().map(|circuit| circuit.name.as_str()).collect();
    let header = format!(
        "// Verifying keys of ceremony {} ({}), serial {}: {}.\n\
         // Written by zk-embed. Do not edit: every build compares this file, byte for byte, with the \
         text that the approved bundle gives.\n\
         // To make it again: {}\n\n",
        provenance.ceremony,
        provenance.kind,
        provenance.serial,
        circuits.join(", "),
        command(options),
    );
    Ok(header + &prettyplease::unparse(&file))
}

/// The command that writes the text, with the usual paths.
#[must_use]
pub fn command(options: Options) -> String {
    let arkworks = if options.arkworks { " --arkworks" } else { "" };
    format!(
        "zk-embed --bundle {USUAL_BUNDLE} --policy {USUAL_POLICY} --out {USUAL_SNIPPET}{arkworks}"
    )
}

/// The serial that a committed snippet states, if there is one, so that an import never silently
/// goes back to an older one.
///
/// It is found among the tokens: a parser of the whole language would recurse as deep as a hostile
/// text is nested.
#[must_use]
pub fn serial_of(text: &str) -> Option<u64> {
    let top: Vec<TokenTree> = text.parse::<TokenStream>().ok()?.into_iter().collect();
    let module = top.windows(3).find_map(|tokens| match tokens {
        [TokenTree::Ident(keyword), TokenTree::Ident(name), TokenTree::Group(body)]
            if keyword == "mod" && name == "verifying_keys" =>
        {
            Some(body)
        }
        _ => None,
    })?;
    let items: Vec<TokenTree> = module.stream().into_iter().collect();
    // const SERIAL : u64 = 7 ;
    let literal = items.windows(7).find_map(|tokens| match tokens {
        [
            TokenTree::Ident(keyword),
            TokenTree::Ident(name),
            _,
            _,
            _,
            TokenTree::Literal(value),
            TokenTree::Punct(end),
        ] if keyword == "const" && name == "SERIAL" && end.as_char() == ';' => {
            Some(value.to_string())
        }
        _ => None,
    })?;
    syn::parse_str::<syn::LitInt>(&literal).ok()?.base10_parse().ok()
}

fn module(bundle: &VerifiedBundle, options: Options) -> TokenStream {
    let provenance = bundle.provenance();
    let (ceremony, serial, curve) =
        (provenance.ceremony.as_str(), provenance.serial, provenance.curve.as_str());
    let production = provenance.kind == CeremonyKind::Production;
    let (transcript, statement) =
        (bundle.transcript().digest().to_string(), bundle.statement_digest().to_string());
    let mut circuits: Vec<_> = bundle.circuits().collect();
    let modules = circuits.iter().map(|(circuit, key)| circuit_module(circuit, key, options));
    let modules: TokenStream = modules.collect();
    circuits.sort_by_key(|(circuit, _)| circuit.program_hash);
    let count = circuits.len();
    let entries = circuits.iter().map(|(circuit, _)| {
        let module = module_name(circuit);
        quote! { #module::CIRCUIT }
    });
    let helpers = helpers();
    let arkworks = options.arkworks.then(arkworks_helpers);
    quote! {
        #[doc = " Verifying keys that the pinned trust policy approves."]
        #[allow(dead_code, unreachable_pub, long_running_const_eval, clippy::all, clippy::pedantic, clippy::nursery)]
        pub mod verifying_keys {
            #[doc = " Id of the ceremony."]
            pub const CEREMONY_ID: &str = #ceremony;
            #[doc = " Whether the ceremony was a real one. The keys of a rehearsal protect nothing."]
            pub const PRODUCTION: bool = #production;
            #[doc = " Serial of the bundle."]
            pub const SERIAL: u64 = #serial;
            #[doc = " The curve."]
            pub const CURVE: &str = #curve;
            #[doc = " SHA-256 of the ceremony's transcript."]
            pub const TRANSCRIPT_SHA256: [u8; 32] = unhex(#transcript);
            #[doc = " SHA-256 of the signed statement."]
            pub const STATEMENT_SHA256: [u8; 32] = unhex(#statement);

            #[doc = " One circuit of the bundle."]
            #[derive(Clone, Copy, Debug)]
            pub struct Circuit {
                #[doc = " Name."]
                pub name: &'static str,
                #[doc = " What the key is looked up by."]
                pub program_hash: [u8; 32],
                #[doc = " SHA-256 of the .r1cs file."]
                pub circuit_sha256: [u8; 32],
                #[doc = " Number of public inputs."]
                pub n_public: usize,
                #[doc = " SHA-256 of the verifying key."]
                pub vk_sha256: [u8; 32],
                #[doc = " The verifying key, canonical compressed."]
                pub vk: &'static [u8],
                #[doc = " The verifying key, canonical uncompressed."]
                pub vk_uncompressed: &'static [u8],
            }

            #[doc = " All circuits, sorted by program hash."]
            pub const CIRCUITS: [Circuit; #count] = [#(#entries),*];

            #[doc = " The circuit that proves a program."]
            pub fn by_program_hash(program_hash: &[u8; 32]) -> Option<&'static Circuit> {
                const SORTED: &[Circuit] = &CIRCUITS;
                SORTED.binary_search_by(|circuit| circuit.program_hash.cmp(program_hash)).ok().map(|at| &SORTED[at])
            }

            #modules
            #helpers
            #arkworks
        }
    }
}

fn module_name(circuit: &CircuitProvenance) -> Ident {
    Ident::new(&circuit.name.module(), Span::call_site())
}

fn circuit_module(
    circuit: &CircuitProvenance,
    key: &VerifyingKeyBytes,
    options: Options,
) -> TokenStream {
    let (module, name, program_id) =
        (module_name(circuit), circuit.name.as_str(), circuit.program_id.as_str());
    let doc = format!(" Circuit {name}.");
    let inputs = key.public_inputs() as usize;
    let (length, length_uncompressed) = (key.compressed().len(), key.uncompressed().len());
    let [vk, vk_uncompressed] = [key.compressed(), key.uncompressed()].map(hex::encode);
    let (vk_sha256, vk_uncompressed_sha256) =
        (circuit.vk_sha256.to_string(), circuit.vk_uncompressed_sha256.to_string());
    let (circuit_sha256, program_hash) =
        (circuit.circuit_sha256.to_string(), circuit.program_hash.to_string());
    let arkworks = options.arkworks.then(arkworks_items);
    quote! {
        #[doc = #doc]
        pub mod #module {
            use super::{sha256, same, unhex};
            pub use super::{CEREMONY_ID, CURVE, PRODUCTION, SERIAL, STATEMENT_SHA256, TRANSCRIPT_SHA256};

            #[doc = " Name."]
            pub const NAME: &str = #name;
            #[doc = " The program, as the project calls it."]
            pub const PROGRAM_ID: &str = #program_id;
            #[doc = " What the key is looked up by."]
            pub const PROGRAM_HASH: [u8; 32] = unhex(#program_hash);
            #[doc = " SHA-256 of the .r1cs file."]
            pub const CIRCUIT_SHA256: [u8; 32] = unhex(#circuit_sha256);
            #[doc = " Number of public inputs."]
            pub const N_PUBLIC: usize = #inputs;
            #[doc = " SHA-256 of `VK`."]
            pub const VK_SHA256: [u8; 32] = unhex(#vk_sha256);
            #[doc = " SHA-256 of `VK_UNCOMPRESSED`."]
            pub const VK_UNCOMPRESSED_SHA256: [u8; 32] = unhex(#vk_uncompressed_sha256);
            #[doc = " The verifying key, canonical compressed."]
            pub const VK: [u8; #length] = unhex(#vk);
            #[doc = " The verifying key, canonical uncompressed."]
            pub const VK_UNCOMPRESSED: [u8; #length_uncompressed] = unhex(#vk_uncompressed);

            const _: () = assert!(same(&sha256(&VK), &VK_SHA256), "VK is not what VK_SHA256 says");
            const _: () = assert!(same(&sha256(&VK_UNCOMPRESSED), &VK_UNCOMPRESSED_SHA256), "VK_UNCOMPRESSED is not what VK_UNCOMPRESSED_SHA256 says");

            #[doc = " Fails the build unless `VK_SHA256` is this hex: `const _: () = assert_pinned(\"...\");`"]
            pub const fn assert_pinned(vk_sha256: &str) {
                assert!(vk_sha256.len() == 64, "a SHA-256 has 64 hex digits");
                assert!(same(&unhex(vk_sha256), &VK_SHA256), "the embedded verifying key is not the pinned one");
            }

            #[doc = " This circuit's entry of the registry."]
            pub const CIRCUIT: super::Circuit = super::Circuit {
                name: NAME,
                program_hash: PROGRAM_HASH,
                circuit_sha256: CIRCUIT_SHA256,
                n_public: N_PUBLIC,
                vk_sha256: VK_SHA256,
                vk: &VK,
                vk_uncompressed: &VK_UNCOMPRESSED,
            };

            #arkworks
        }
    }
}

/// Constant functions: hex, comparison, and SHA-256 (FIPS 180-4).
fn helpers() -> TokenStream {
    let (h, k) = (SHA256_H, SHA256_K);
    quote! {
        const fn unhex<const N: usize>(text: &str) -> [u8; N] {
            const fn digit(c: u8) -> u8 {
                match c {
                    b'0'..=b'9' => c - b'0',
                    b'a'..=b'f' => c - b'a' + 10,
                    _ => panic!("not a lower-case hex digit"),
                }
            }
            let text = text.as_bytes();
            assert!(text.len() == 2 * N, "hex of another length");
            let mut bytes = [0; N];
            let mut i = 0;
            while i < N {
                bytes[i] = digit(text[2 * i]) << 4 | digit(text[2 * i + 1]);
                i += 1;
            }
            bytes
        }

        const fn same(a: &[u8; 32], b: &[u8; 32]) -> bool {
            let mut i = 0;
            while i < 32 {
                if a[i] != b[i] {
                    return false;
                }
                i += 1;
            }
            true
        }

        const fn sha256(message: &[u8]) -> [u8; 32] {
            const K: [u32; 64] = [#(#k),*];
            const fn padded(message: &[u8], at: usize, length: usize) -> u32 {
                if at < message.len() {
                    message[at] as u32
                } else if at == message.len() {
                    0x80
                } else if at + 8 >= length {
                    ((message.len() as u64 * 8) >> (8 * (length - 1 - at)) & 0xff) as u32
                } else {
                    0
                }
            }
            let length = (message.len() + 9).div_ceil(64) * 64;
            let mut state: [u32; 8] = [#(#h),*];
            let mut block = 0;
            while block < length {
                let mut w = [0u32; 64];
                let mut i = 0;
                while i < 64 {
                    w[i] = if i < 16 {
                        let at = block + 4 * i;
                        padded(message, at, length) << 24
                            | padded(message, at + 1, length) << 16
                            | padded(message, at + 2, length) << 8
                            | padded(message, at + 3, length)
                    } else {
                        let (x, y) = (w[i - 15], w[i - 2]);
                        let s0 = x.rotate_right(7) ^ x.rotate_right(18) ^ x >> 3;
                        let s1 = y.rotate_right(17) ^ y.rotate_right(19) ^ y >> 10;
                        w[i - 16].wrapping_add(s0).wrapping_add(w[i - 7]).wrapping_add(s1)
                    };
                    i += 1;
                }
                let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = state;
                let mut i = 0;
                while i < 64 {
                    let s1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
                    let t1 = h.wrapping_add(s1).wrapping_add(e & f ^ !e & g).wrapping_add(K[i]).wrapping_add(w[i]);
                    let s0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
                    let t2 = s0.wrapping_add(a & b ^ a & c ^ b & c);
                    (h, g, f, e, d, c, b, a) = (g, f, e, d.wrapping_add(t1), c, b, a, t1.wrapping_add(t2));
                    i += 1;
                }
                let round = [a, b, c, d, e, f, g, h];
                let mut i = 0;
                while i < 8 {
                    state[i] = state[i].wrapping_add(round[i]);
                    i += 1;
                }
                block += 64;
            }
            let mut digest = [0; 32];
            let mut i = 0;
            while i < 32 {
                digest[i] = (state[i / 4] >> (24 - 8 * (i % 4)) & 0xff) as u8;
                i += 1;
            }
            digest
        }
    }
}

/// Per circuit: the points, and a verification that cannot be called with another number of inputs.
fn arkworks_items() -> TokenStream {
    quote! {
        #[doc = " alpha, in G1."]
        pub const ALPHA_G1: ::ark_bn254::G1Affine = super::g1(&VK_UNCOMPRESSED, 0);
        #[doc = " beta, in G2."]
        pub const BETA_G2: ::ark_bn254::G2Affine = super::g2(&VK_UNCOMPRESSED, 64);
        #[doc = " gamma, in G2."]
        pub const GAMMA_G2: ::ark_bn254::G2Affine = super::g2(&VK_UNCOMPRESSED, 192);
        #[doc = " delta, in G2."]
        pub const DELTA_G2: ::ark_bn254::G2Affine = super::g2(&VK_UNCOMPRESSED, 320);
        #[doc = " The input points: one for the constant one, then one for each public input."]
        pub const GAMMA_ABC_G1: [::ark_bn254::G1Affine; N_PUBLIC + 1] = super::g1_array(&VK_UNCOMPRESSED, 456);

        #[doc = " The key as arkworks has it, made of the constants: nothing is parsed or validated at run time."]
        pub fn verifying_key() -> ::ark_groth16::VerifyingKey<::ark_bn254::Bn254> {
            ::ark_groth16::VerifyingKey {
                alpha_g1: ALPHA_G1,
                beta_g2: BETA_G2,
                gamma_g2: GAMMA_G2,
                delta_g2: DELTA_G2,
                gamma_abc_g1: GAMMA_ABC_G1.into(),
            }
        }

        #[doc = " Whether the proof holds for exactly these public inputs. The proof's points must come from arkworks' checked deserialization."]
        #[must_use]
        pub fn verify(proof: &::ark_groth16::Proof<::ark_bn254::Bn254>, public_inputs: &[::ark_bn254::Fr; N_PUBLIC]) -> bool {
            super::holds(proof, ALPHA_G1, [BETA_G2, GAMMA_G2, DELTA_G2], &GAMMA_ABC_G1, public_inputs)
        }
    }
}

/// Points out of canonical uncompressed bytes, in constant context, and the Groth16 equation.
fn arkworks_helpers() -> TokenStream {
    quote! {
        const fn fq(bytes: &[u8], at: usize, last: bool) -> ::ark_bn254::Fq {
            let mut limbs = [0u64; 4];
            let mut i = 0;
            while i < 32 {
                let byte = if last && i == 31 { bytes[at + i] & 0x3f } else { bytes[at + i] };
                limbs[i / 8] |= (byte as u64) << (8 * (i % 8));
                i += 1;
            }
            ::ark_bn254::Fq::new(::ark_ff::BigInt(limbs))
        }

        const fn g1(bytes: &[u8], at: usize) -> ::ark_bn254::G1Affine {
            ::ark_bn254::G1Affine::new_unchecked(fq(bytes, at, false), fq(bytes, at + 32, true))
        }

        const fn g2(bytes: &[u8], at: usize) -> ::ark_bn254::G2Affine {
            ::ark_bn254::G2Affine::new_unchecked(
                ::ark_bn254::Fq2::new(fq(bytes, at, false), fq(bytes, at + 32, false)),
                ::ark_bn254::Fq2::new(fq(bytes, at + 64, false), fq(bytes, at + 96, true)),
            )
        }

        const fn g1_array<const N: usize>(bytes: &[u8], at: usize) -> [::ark_bn254::G1Affine; N] {
            let mut points = [::ark_bn254::G1Affine::identity(); N];
            let mut i = 0;
            while i < N {
                points[i] = g1(bytes, at + 64 * i);
                i += 1;
            }
            points
        }

        #[doc = " e(A, B) = e(alpha, beta) e(IC_0 + sum of x_i IC_i, gamma) e(C, delta), as one product of four pairings."]
        fn holds(
            proof: &::ark_groth16::Proof<::ark_bn254::Bn254>,
            alpha: ::ark_bn254::G1Affine,
            [beta, gamma, delta]: [::ark_bn254::G2Affine; 3],
            ic: &[::ark_bn254::G1Affine],
            public_inputs: &[::ark_bn254::Fr],
        ) -> bool {
            let mut inputs = ::ark_bn254::G1Projective::from(ic[0]);
            for (point, input) in ic[1..].iter().zip(public_inputs) {
                inputs += *point * *input;
            }
            let product = <::ark_bn254::Bn254 as ::ark_ec::pairing::Pairing>::multi_pairing(
                [proof.a, -alpha, (-inputs).into(), -proof.c],
                [proof.b, beta, gamma, delta],
            );
            product.0 == <::ark_bn254::Fq12 as ::ark_ff::Field>::ONE
        }
    }
}
