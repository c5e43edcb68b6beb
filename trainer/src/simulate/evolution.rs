//! One box, from its initial conditions to today, and what is seen of it on the way.

use anyhow::Result;
use rayon::prelude::*;

use super::{
    cosmology::{Background, Growth, LinearPower},
    dynamics::{Schedule, drift, kick},
    gravity::Gravity,
    initial::{InitialDensity, StartingGrowth},
    light_cone::{LightCone, Shell},
    parameters::Parameters,
    particles::Particles,
    power::PowerBin,
};

/// What a simulation is made with, the same for all its boxes.
pub struct Setting {
    /// What was asked for.
    pub parameters: Parameters,
    background: Background,
    growth: Growth,
    power: LinearPower,
    schedule: Schedule,
    /// What happens while particles drift, by scale factor.
    events: Vec<Event>,
    /// Comoving distance of each source in Mpc/h.
    sources: Vec<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Event {
    scale_factor: f64,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum What {
    /// A shell of the light cone, with its number.
    Shell(usize, Shell),
    /// A power spectrum, at this redshift.
    Power(f64),
}

/// A box on its way, all of what a checkpoint holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    /// Steps that are done.
    pub step: usize,
    /// Particles; their momenta belong to the middle of the last step.
    pub particles: Particles,
    /// Convergence so far, `[map][source][pixel]`.
    pub kappa: Vec<Vec<Vec<f32>>>,
    /// Power spectra so far, with their redshifts.
    pub power: Vec<(f64, Vec<PowerBin>)>,
}

impl Setting {
    /// Prepares what all boxes share.
    ///
    /// # Errors
    /// When the cosmology is not complete, or makes no universe.
    pub fn new(parameters: Parameters) -> Result<Self> {
        let cosmology = &parameters.cosmology;
        let (background, growth) = (Background::new(cosmology)?, Growth::new(cosmology)?);
        let power = LinearPower::new(cosmology, super::cosmology::Wiggles::With)?;
        let distance = |redshift: &f64| background.chi(1.0 / (1.0 + redshift));
        let sources: Vec<f64> = parameters.source_redshifts.iter().map(distance).collect();
        let farthest = sources.iter().copied().fold(0.0, f64::max);
        let shells = Shell::all(&background, farthest, parameters.shell_thickness);
        let shells = shells.into_iter().enumerate();
        let mut events: Vec<Event> =
            shells.map(|(at, shell)| Event { scale_factor: shell.scale_factor, what: What::Shell(at, shell) }).collect();
        let power_at = |&redshift: &f64| Event { scale_factor: 1.0 / (1.0 + redshift), what: What::Power(redshift) };
        events.extend(parameters.power_redshifts.iter().map(power_at));
        events.sort_by(|a, b| a.scale_factor.total_cmp(&b.scale_factor));
        let schedule = Schedule::new(1.0 / (1.0 + parameters.start_redshift), 1.0, parameters.steps, parameters.step_exponent);
        Ok(Self { parameters, background, growth, power, schedule, events, sources })
    }

    /// A box at its start.
    pub fn begin(&self, density: &InitialDensity) -> State {
        let parameters = &self.parameters;
        let (a, growth) = (self.schedule.edge(0), &self.growth);
        let start = StartingGrowth {
            growth: [growth.d1(a), growth.d2(a)],
            momentum: [growth.momentum_1(a), growth.momentum_2(a)],
        };
        let particles = density.particles(parameters.particles, &|k| self.power.at(k, 1.0), &start);
        let map = vec![vec![0.0; parameters.pixels.pow(2)]; self.sources.len()];
        State { step: 0, particles, kappa: vec![map; parameters.maps], power: Vec::new() }
    }

    /// Number of shells of the light cone.
    pub fn shells(&self) -> usize {
        self.events.iter().filter(|event| matches!(event.what, What::Shell(..))).count()
    }

    /// One step further.
    pub fn advance(&self, state: &mut State, gravity: &mut Gravity, seed: u64) {
        let step = state.step;
        kick(&mut state.particles, gravity, &self.growth, &self.schedule, step);
        let (mut a, end, middle) = (self.schedule.edge(step), self.schedule.edge(step + 1), self.schedule.middle(step));
        let within = |event: &&Event| event.scale_factor > a && event.scale_factor <= end;
        let events: Vec<&Event> = self.events.iter().filter(within).collect();
        for event in events {
            drift(&mut state.particles, &self.growth, middle, a, event.scale_factor);
            a = event.scale_factor;
            match &event.what {
                What::Shell(number, shell) => self.see(state, *number, shell, seed),
                What::Power(redshift) => {
                    let bins = gravity.power(&mut state.particles, self.parameters.box_side);
                    state.power.push((*redshift, bins));
                }
            }
        }
        drift(&mut state.particles, &self.growth, middle, a, end);
        state.step += 1;
    }

    /// Adds a shell to every map.
    fn see(&self, state: &mut State, number: usize, shell: &Shell, seed: u64) {
        let cone = LightCone {
            background: &self.background,
            cosmology: self.parameters.cosmology,
            side: self.parameters.box_side,
            field: self.parameters.field(),
            cloud: self.parameters.resolved_scale(),
            seed,
        };
        let particles = &state.particles;
        state.kappa.par_iter_mut().enumerate().for_each(|(map, kappa)| {
            let plane = cone.plane(particles, shell, number, map);
            for (kappa, &source) in kappa.iter_mut().zip(&self.sources) {
                let weight = 0.5 * self.background.transverse(source - shell.distance()).max(0.0) / self.background.transverse(source);
                for (kappa, plane) in kappa.iter_mut().zip(&plane) {
                    *kappa += weight as f32 * plane;
                }
            }
        });
    }
}
