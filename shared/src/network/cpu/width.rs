//! How much is computed at once, found out at run time: the same program uses whatever vector registers there are.

/// Work that is compiled once for each kind of processor.
pub trait Work {
    /// What comes out of it.
    type Output;

    /// Does it, LANES numbers side by side. Has to be inlined, so that it is compiled for the
    /// processor.
    fn run<const LANES: usize>(self) -> Self::Output;
}

/// Does some work with the registers of this processor.
#[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
pub fn widest<W: Work>(work: W) -> W::Output {
    use pulp::Arch;
    match Arch::new() {
        Arch::V4(registers) => registers.vectorize(
            #[inline(always)]
            || work.run::<16>(),
        ),
        Arch::V3(registers) => registers.vectorize(
            #[inline(always)]
            || work.run::<8>(),
        ),
        _ => work.run::<4>(),
    }
}

/// Does some work with registers of four numbers, which every processor of this kind has.
#[cfg(not(any(target_arch = "x86_64", target_arch = "x86")))]
pub fn widest<W: Work>(work: W) -> W::Output {
    work.run::<4>()
}
