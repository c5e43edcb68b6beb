//! What a simulation will need, before it starts.

use std::fmt;

use anyhow::{Result, bail};

use crate::{
    nbody::{initial::InitialDensity, long_range::LongRange},
    parameters::Parameters,
    ray_tracing::RayTracing,
};

/// Bytes of memory and disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// Particles, their cells and what sorts them.
    pub particles: u64,
    /// Meshes.
    pub meshes: u64,
    /// Maps of a box, and the planes that threads fill.
    pub maps: u64,
    /// Memory at the peak.
    pub memory: u64,
    /// Disk for the maps of a box.
    pub disk: u64,
    /// Disk for a box that is not complete: its checkpoint, and its planes where they are kept.
    pub scratch: u64,
}

/// Memory of the program itself, with libtorch.
pub const PROGRAM: u64 = 150_000_000;

/// Bytes a particle: position and momentum, its cell's start, its place in the order and a scratch word to sort by.
pub const BYTES_PER_PARTICLE: u64 = 24 + 4 + 4 + 4;

impl Needs {
    /// Of boxes with these parameters, on this many threads.
    pub fn of(parameters: &Parameters, shells: usize, threads: usize) -> Self {
        let count = (parameters.particles as u64).pow(3);
        let particles = count * BYTES_PER_PARTICLE;
        let meshes = LongRange::bytes(parameters.mesh());
        let map = 4 * (parameters.pixels as u64).pow(2);
        let kept = map * (parameters.maps * parameters.source_redshifts.len()) as u64;
        // Each thread fills a plane, and one of twice the pixels; a ray is twelve numbers, and its plane's derivatives and their
        // transforms twice as many.
        let each = if parameters.ray_tracing == RayTracing::Born { 5 } else { 36 };
        let maps = kept + threads.min(parameters.maps) as u64 * each * map;
        let planes = if parameters.keeps_planes() { map * (parameters.maps * shells) as u64 } else { 0 };
        let files = if parameters.write_planes { 2 * planes } else { 0 };
        let start = count * 24 + InitialDensity::bytes(parameters.particles) + kept;
        Self {
            particles,
            meshes,
            maps,
            memory: PROGRAM + (particles + meshes + maps).max(start),
            disk: kept + files,
            scratch: count * 24 + kept + planes,
        }
    }

    /// Refuses what does not fit into the memory that is free; where that is not known, nothing is refused.
    ///
    /// # Errors
    /// When it does not fit, with advice.
    pub fn check(&self, available: Option<u64>) -> Result<()> {
        let Some(available) = available.filter(|available| *available < self.memory) else { return Ok(()) };
        bail!(
            "this needs {} of memory and {} are free: give fewer --particles (half as many along a side need an eighth), a \
             smaller --mesh-factor, or fewer --maps for each box",
            Bytes(self.memory),
            Bytes(available)
        )
    }
}

/// Bytes as people read them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bytes(pub u64);

impl fmt::Display for Bytes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0 as f64;
        if bytes >= 1e9 { write!(out, "{:.1} GB", bytes / 1e9) } else { write!(out, "{:.0} MB", bytes / 1e6) }
    }
}

/// Memory that is free for programs, where the system tells.
pub fn available_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("MemAvailable:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}
