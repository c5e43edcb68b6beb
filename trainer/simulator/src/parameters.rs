//! Everything that decides what a simulation gives, but its seed's number.

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use shared::Cosmology;

use crate::{
    light_cone::Field,
    nbody::{gravity::Resolution, short_range::PairForce},
    ray_tracing::RayTracing,
};

/// Most particles along a side: their numbers are 32 bits wide.
pub const MOST_PARTICLES: usize = 1624;

/// Parameters of a box and of the maps that are made of it. Written to every manifest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parameters {
    /// Cosmology, complete.
    pub cosmology: Cosmology,
    /// Particles along a side of the box.
    pub particles: usize,
    /// Side of the box in Mpc/h.
    pub box_side: f64,
    /// Mesh nodes for each particle, along a side.
    pub mesh_factor: usize,
    /// Range of the pair force in mesh nodes; `None` for a particle-mesh simulation without it.
    pub pair_cutoff: Option<f64>,
    /// Softening of the pair force, in mean distances between particles.
    pub softening: f64,
    /// Width of the clouds that particles are seen as, in mean distances between particles, where that is more than a pixel.
    pub cloud: f64,
    /// Redshift at which particles are displaced from their lattice.
    pub start_redshift: f64,
    /// Time steps.
    pub steps: usize,
    /// Steps are equal in this power of the scale factor.
    pub step_exponent: f64,
    /// Thickness of the shells of the light cone, in Mpc/h, at most.
    pub shell_thickness: f64,
    /// Pixels along a side of a map.
    pub pixels: usize,
    /// Side of a map in degrees.
    pub side_angle: f64,
    /// Redshifts of the sources.
    pub source_redshifts: Vec<f64>,
    /// How light is followed through the planes.
    pub ray_tracing: RayTracing,
    /// Whether the planes of each map are written as LensTools reads them.
    pub write_planes: bool,
    /// Maps of each box.
    pub maps: usize,
    /// Redshifts at which the power spectrum of the particles is measured.
    pub power_redshifts: Vec<f64>,
    /// All initial modes have the amplitude of the power spectrum.
    pub fixed_amplitude: bool,
    /// Boxes 1, 3, 5, ... are the partners of 0, 2, 4, ..., with all initial phases turned by half a turn.
    pub paired: bool,
}

impl Parameters {
    /// The paper's simulations (Section 2.1): 45 boxes of these, 1000 maps in all.
    pub fn paper() -> Self {
        Self {
            cosmology: Cosmology { omega_b: Some(0.042), ..Cosmology::PAPER },
            particles: 512,
            box_side: 240.0,
            mesh_factor: 3,
            pair_cutoff: Some(4.2),
            softening: 0.1,
            cloud: 0.05,
            start_redshift: 19.0,
            steps: 250,
            step_exponent: 0.5,
            shell_thickness: 40.0,
            pixels: 1024,
            side_angle: 3.46,
            source_redshifts: vec![1.0],
            ray_tracing: RayTracing::Born,
            write_planes: false,
            maps: 23,
            power_redshifts: vec![1.0, 0.5, 0.0],
            fixed_amplitude: false,
            paired: false,
        }
    }

    /// A small simulation with the same chain: minutes on four cores.
    pub fn laptop() -> Self {
        Self { particles: 128, box_side: 80.0, softening: 0.2, steps: 120, maps: 24, ..Self::paper() }
    }

    /// Checks that a simulation can be made with these.
    ///
    /// # Errors
    /// When it cannot, with what to change.
    pub fn validate(&self) -> Result<()> {
        let even = |n: usize| n >= 16 && n.is_multiple_of(2) && n <= MOST_PARTICLES;
        ensure!(
            even(self.particles),
            "--particles must be even and between 16 and {MOST_PARTICLES}, got {}",
            self.particles
        );
        ensure!((1..=4).contains(&self.mesh_factor), "--mesh-factor must be between 1 and 4, got {}", self.mesh_factor);
        ensure!(
            self.box_side > 0.0 && self.box_side <= 1e4,
            "--box-side must be between 0 and 10,000 Mpc/h, got {}",
            self.box_side
        );
        ensure!(
            self.softening > 0.0 && self.softening <= 1.0,
            "--softening must be between 0 and 1 mean distances, got {}",
            self.softening
        );
        ensure!(
            self.cloud > 0.0 && self.cloud <= 10.0,
            "--cloud must be between 0 and 10 mean distances, got {}",
            self.cloud
        );
        ensure!((1..=10_000).contains(&self.steps), "--steps must be between 1 and 10,000, got {}", self.steps);
        ensure!(
            self.start_redshift >= 1.0 && self.start_redshift <= 200.0,
            "--start-redshift must be between 1 and 200, got {}",
            self.start_redshift
        );
        ensure!(!self.source_redshifts.is_empty(), "--source-redshifts needs at least one redshift");
        for (place, &redshift) in self.source_redshifts.iter().enumerate() {
            // Three digits name the folder of a source's maps.
            let same = |other: &f64| format!("{other:.3}") == format!("{redshift:.3}");
            ensure!(
                !self.source_redshifts[..place].iter().any(same),
                "--source-redshifts must differ in their first three decimals, got {redshift} twice"
            );
            ensure!(
                redshift >= 0.01 && redshift < self.start_redshift,
                "a source's redshift must be between 0.01 and --start-redshift {}, got {redshift}",
                self.start_redshift
            );
        }
        ensure!((16..=8192).contains(&self.pixels), "--pixels must be between 16 and 8192, got {}", self.pixels);
        ensure!(self.maps >= 1 && self.maps <= 10_000, "--maps must be between 1 and 10,000, got {}", self.maps);
        ensure!(
            self.side_angle > 0.0 && self.side_angle <= 10.0,
            "--side-angle must be between 0 and 10 degrees, over which the sky is flat, got {}",
            self.side_angle
        );
        ensure!(
            self.shell_thickness > 0.0 && self.shell_thickness <= self.box_side,
            "--shell-thickness must be at most the side of the box, {} Mpc/h, got {}",
            self.box_side,
            self.shell_thickness
        );
        Ok(())
    }

    /// Mesh nodes along a side.
    pub fn mesh(&self) -> usize {
        self.particles * self.mesh_factor
    }

    /// Mean distance between particles in Mpc/h.
    pub fn spacing(&self) -> f64 {
        self.box_side / self.particles as f64
    }

    /// How gravity is computed.
    pub fn resolution(&self) -> Resolution {
        let pairs = self.pair_cutoff.map(|cutoff| PairForce {
            cutoff: cutoff as f32,
            softening: (self.softening * self.mesh_factor as f64) as f32,
        });
        Resolution { mesh: self.mesh(), cells: self.particles, pairs }
    }

    /// Pixels of the planes outside of a map, on every side, where deflected light may pass. Without deflections none.
    pub fn plane_margin(&self) -> usize {
        if self.keeps_planes() { self.pixels / 16 } else { 0 }
    }

    /// Whether planes are kept until the box is complete.
    pub fn keeps_planes(&self) -> bool {
        self.write_planes || self.ray_tracing == RayTracing::MultiPlane
    }

    /// Pixels of a map.
    pub fn field(&self) -> Field {
        Field { pixels: self.pixels, side_angle: self.side_angle }
    }
}
