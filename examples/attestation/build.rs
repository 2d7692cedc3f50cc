//! Embeds the verifying key, if the feature asks for it and the trust policy approves it.
//!
//! The literal is the SHA-256 of zk/trust-policy.json. All zeros is no policy's: until the first bundle is approved and its policy pinned here, this crate
//! builds without a key only.

fn main() {
    zk_vk_guard::Guard::new("zk/trust-policy.json", "0000000000000000000000000000000000000000000000000000000000000000")
        .bundle("zk/bundle.json")
        .snippet("zk/verifying_key.rs")
        .arkworks()
        .allow_rehearsal() // An example is never released. A real crate leaves this line out.
        .run();
}
