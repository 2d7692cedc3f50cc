//! The back end of [`avx_ifma`](super::avx_ifma) for tests on machines without AVX-IFMA: all of it
//! but the two multiply-adds, for which a model stands.

/// What the kernels are compiled with.
macro_rules! instructions {
    ($item:item) => {
        #[target_feature(enable = "avx2")]
        $item
    };
}

#[path = "alike.rs"]
mod alike;
#[path = "element.rs"]
mod element;
#[path = "engine.rs"]
mod engine;
#[path = "equation.rs"]
mod equation;
#[path = "fq.rs"]
mod fq;
#[path = "avx2_isa.rs"]
mod isa;
#[path = "jacobian.rs"]
mod jacobian;
#[path = "modelled_madd.rs"]
mod madd;
#[path = "multiply.rs"]
mod multiply;
#[path = "pairs.rs"]
mod pairs;
#[path = "transfer.rs"]
mod transfer;

pub(crate) use engine::Engine;
