//! The back ends, and the one in use.

use std::fmt;
use std::sync::OnceLock;

#[cfg(target_arch = "x86_64")]
use crate::portable::Adx;
use crate::portable::Portable;
#[cfg(target_arch = "x86_64")]
use crate::vector;

/// Runs `$body` with `$engine` bound to the kernels.
macro_rules! with_kernels {
    ($arith:expr, $engine:ident => $body:expr) => {
        match $arith.0 {
            $crate::backend::Available::Portable($engine) => $body,
            #[cfg(target_arch = "x86_64")]
            $crate::backend::Available::Adx($engine) => $body,
            #[cfg(target_arch = "x86_64")]
            $crate::backend::Available::AvxIfma($engine) => $body,
            #[cfg(target_arch = "x86_64")]
            $crate::backend::Available::Ifma($engine) => $body,
            #[cfg(all(test, target_arch = "x86_64"))]
            $crate::backend::Available::Modelled($engine) => $body,
        }
    };
}
pub(crate) use with_kernels;

/// The instructions that operations run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instructions {
    /// Any machine.
    Portable,
    /// x86-64 with BMI2 and ADX (Intel since Broadwell, AMD since Zen).
    Adx,
    /// x86-64 with AVX-512 IFMA (Intel since Ice Lake, AMD since Zen 4).
    Ifma,
    /// x86-64 with AVX-IFMA, the same on half as long vectors (Intel since Sierra Forest, Arrow
    /// Lake and Lunar Lake).
    AvxIfma,
}

impl Instructions {
    /// All there are, the fastest first.
    pub const ALL: [Self; 4] = [Self::Ifma, Self::AvxIfma, Self::Adx, Self::Portable];
}

impl fmt::Display for Instructions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Portable => "portable",
            Self::Adx => "adx",
            Self::Ifma => "avx512-ifma",
            Self::AvxIfma => "avx-ifma",
        })
    }
}

/// A back end that this machine can run, and the operations on it. The functions of the crate are
/// those of the chosen one.
#[derive(Clone, Copy, Debug)]
pub struct Backend(pub(crate) Available);

#[derive(Clone, Copy, Debug)]
pub(crate) enum Available {
    Portable(Portable),
    #[cfg(target_arch = "x86_64")]
    Adx(Adx),
    #[cfg(target_arch = "x86_64")]
    AvxIfma(vector::avx_ifma::Engine),
    #[cfg(target_arch = "x86_64")]
    Ifma(vector::avx512::Engine),
    /// AVX-IFMA without its multiply-adds.
    #[cfg(all(test, target_arch = "x86_64"))]
    Modelled(vector::avx2_modelled::Engine),
}

static CHOSEN: OnceLock<Backend> = OnceLock::new();

/// Chooses the portable back end for the whole process. `false` if another one is already in use.
pub fn force_portable() -> bool {
    CHOSEN.get_or_init(Backend::portable).backend() == Instructions::Portable
}

/// The back end in use.
#[must_use]
pub fn backend() -> Instructions {
    chosen().backend()
}

pub(crate) fn chosen() -> Backend {
    *CHOSEN.get_or_init(Backend::fastest)
}

impl Backend {
    /// `None` where this machine lacks the instructions.
    #[must_use]
    pub fn new(backend: Instructions) -> Option<Self> {
        match backend {
            Instructions::Portable => Some(Self::portable()),
            #[cfg(target_arch = "x86_64")]
            Instructions::Adx => Adx::detect().map(|adx| Self(Available::Adx(adx))),
            #[cfg(target_arch = "x86_64")]
            Instructions::AvxIfma => {
                vector::avx_ifma::Engine::detect().map(|ifma| Self(Available::AvxIfma(ifma)))
            }
            #[cfg(target_arch = "x86_64")]
            Instructions::Ifma => {
                vector::avx512::Engine::detect().map(|ifma| Self(Available::Ifma(ifma)))
            }
            #[cfg(not(target_arch = "x86_64"))]
            Instructions::Adx | Instructions::AvxIfma | Instructions::Ifma => None,
        }
    }

    /// All that this machine can run, the fastest first and the portable one last.
    pub fn all() -> impl Iterator<Item = Self> {
        Instructions::ALL.into_iter().filter_map(Self::new)
    }

    /// [`Self::all`], and the one on vectors with a model of what the machine lacks, so that it is
    /// tested everywhere.
    #[cfg(test)]
    pub(crate) fn all_and_modelled() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let modelled = vector::avx2_modelled::Engine::detect().map(Available::Modelled);
        #[cfg(not(target_arch = "x86_64"))]
        let modelled: Option<Available> = None;
        Self::all().chain(modelled.map(Self))
    }

    /// Whether it is the one with the model.
    #[cfg(test)]
    pub(crate) fn is_modelled(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        return matches!(self.0, Available::Modelled(_));
        #[cfg(not(target_arch = "x86_64"))]
        false
    }

    /// What operations run on if nobody chooses.
    #[must_use]
    pub fn fastest() -> Self {
        Self::all().next().unwrap_or(Self::portable())
    }

    fn portable() -> Self {
        Self(Available::Portable(Portable::new()))
    }

    /// Which one this is.
    #[must_use]
    pub fn backend(self) -> Instructions {
        match self.0 {
            Available::Portable(_) => Instructions::Portable,
            #[cfg(target_arch = "x86_64")]
            Available::Adx(_) => Instructions::Adx,
            #[cfg(target_arch = "x86_64")]
            Available::AvxIfma(_) => Instructions::AvxIfma,
            #[cfg(target_arch = "x86_64")]
            Available::Ifma(_) => Instructions::Ifma,
            #[cfg(all(test, target_arch = "x86_64"))]
            Available::Modelled(_) => Instructions::AvxIfma,
        }
    }
}
