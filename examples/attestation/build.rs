//! Embeds the verifying key, if the feature asks for it and the trust policy approves it.
//!
//! The literal is the SHA-256 of zk/trust-policy.json: `cargo xtask policy pin
//! zk/trust-policy.json` prints it. Bundle and policy come from a rehearsal, made by `cargo xtask
//! ceremony`: the key protects nothing.

fn main() {
    zk_vk_guard::Guard::new(
        "zk/trust-policy.json",
        "24378d989f12274904aed1c6382e5c7e280910522b0dbd0064b4a94f505cb7f2",
    )
    .bundle("zk/bundle.json")
    .snippet("zk/verifying_key.rs")
    .arkworks()
    .allow_rehearsal() // An example is never released. A real crate leaves this line out.
    .run();
}
