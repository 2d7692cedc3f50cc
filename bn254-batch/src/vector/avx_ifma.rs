//! AVX-IFMA: four lanes.

/// What the kernels are compiled with.
macro_rules! instructions {
    ($item:item) => {
        #[target_feature(enable = "avx2,avxifma")]
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
#[path = "avx_ifma_madd.rs"]
mod madd;
#[path = "multiply.rs"]
mod multiply;
#[path = "pairs.rs"]
mod pairs;
#[path = "transfer.rs"]
mod transfer;

pub(crate) use engine::Engine;
