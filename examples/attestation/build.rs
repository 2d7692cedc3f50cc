//! Embeds the verifying key, if the feature asks for it and the trust policy approves it.
//!
//! The literal is the SHA-256 of zk/trust-policy.json: `cargo xtask policy pin
//! zk/trust-policy.json` prints it. Bundle and policy come from a rehearsal, made by `cargo xtask
//! ceremony`: the key protects nothing.

fn main() {
    zk_vk_guard::Guard::new(
        "zk/trust-policy.json",
        "8931d31a09c613665cd59f84364f900c5ce1df7c0da1bd006594ea87f04c1f6d",
    )
    .bundle("zk/bundle.json")
    .snippet("zk/verifying_key.rs")
    .arkworks()
    .allow_rehearsal() // An example is never released. A real crate leaves this line out.
    .run();
}
