//! Everything that decides what a simulation gives, but its seed's number.

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use shared::Cosmology;

use crate::{
    light_cone::Field,
    limits::{self, Range},
    nbody::{gravity::Resolution, short_range::PairForce},
    ray_tracing::RayTracing,
};

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
        let within = |option: &str, value: f64, range: Range| {
            ensure!(range.holds(value), "--{option} is {value}: {}", range.refusal());
            Ok(())
        };
        within("particles", self.particles as f64, limits::PARTICLES)?;
        ensure!(self.particles.is_multiple_of(2), "--particles must be even, got {}", self.particles);
        within("mesh-factor", self.mesh_factor as f64, limits::MESH_FACTOR)?;
        within("box-side", self.box_side, limits::BOX_SIDE)?;
        within("softening", self.softening, limits::SOFTENING)?;
        within("cloud", self.cloud, limits::CLOUD)?;
        within("steps", self.steps as f64, limits::STEPS)?;
        within("start-redshift", self.start_redshift, limits::START_REDSHIFT)?;
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
        within("pixels", self.pixels as f64, limits::PIXELS)?;
        within("maps", self.maps as f64, limits::MAPS)?;
        within("side-angle", self.side_angle, limits::SIDE_ANGLE)?;
        within("shell-thickness", self.shell_thickness, limits::SHELL_THICKNESS)?;
        ensure!(
            self.shell_thickness <= self.box_side,
            "a box of {} Mpc/h (--box-side) cannot be cut into shells of {} Mpc/h: give a wider box, or a smaller --shell-thickness",
            self.box_side,
            self.shell_thickness
        );
        let cosmology = &self.cosmology;
        within("omega-m", cosmology.omega_m, limits::OMEGA_M)?;
        within("omega-l", cosmology.omega_l, limits::OMEGA_L)?;
        within("hubble", cosmology.h, limits::HUBBLE)?;
        within("w0", cosmology.w0, limits::W0)?;
        within("wa", cosmology.wa, limits::WA)?;
        let optional = [
            ("omega-b", cosmology.omega_b, limits::OMEGA_B),
            ("sigma-8", cosmology.sigma_8, limits::SIGMA_8),
            ("n-s", cosmology.n_s, limits::N_S),
        ];
        for (option, value, range) in optional {
            if let Some(value) = value {
                within(option, value, range)?;
            }
        }
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
