//! One box, from its initial conditions to today, and what is seen of it on the way.

use anyhow::{Result, bail, ensure};
use rayon::prelude::*;

use shared::cosmology::{Background, PlaneDistance};

use crate::{
    cosmology::{Growth, LinearPower, Wiggles},
    light_cone::{Field, LightCone, Shell},
    nbody::{
        dynamics::{Schedule, drift, kick},
        gravity::Gravity,
        initial::{InitialDensity, StartingGrowth},
        particles::Particles,
        power::PowerBin,
    },
    parameters::Parameters,
    planes::PlaneStore,
    ray_tracing::{RayTracing, multi_plane::MultiPlane, square::inner},
};

/// Pixels along a side of the crops that networks are trained on, in which nothing may repeat.
pub const CROP: usize = 256;

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
    /// Where each source lies.
    sources: Vec<PlaneDistance>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Event {
    scale_factor: f64,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum What {
    /// A shell of the light cone.
    Shell(Shell),
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
        let power = LinearPower::new(cosmology, Wiggles::With)?;
        let distance = |redshift: &f64| background.chi_of_redshift(*redshift);
        let farthest = parameters.source_redshifts.iter().map(distance).fold(0.0, f64::max);
        check_width(&parameters, background.transverse(farthest))?;
        let sources = parameters.source_redshifts.iter().map(|z| background.plane_distance(distance(z))).collect();
        // LensTools wants a plane behind the source.
        let beyond = usize::from(parameters.write_planes);
        let shells = Shell::all(&background, farthest, parameters.shell_thickness, beyond);
        let mut events: Vec<Event> = shells
            .into_iter()
            .map(|shell| Event { scale_factor: shell.scale_factor, what: What::Shell(shell) })
            .collect();
        let power_at = |&redshift: &f64| Event { scale_factor: 1.0 / (1.0 + redshift), what: What::Power(redshift) };
        events.extend(parameters.power_redshifts.iter().map(power_at));
        events.sort_by(|a, b| a.scale_factor.total_cmp(&b.scale_factor));
        let first = 1.0 / events[0].scale_factor - 1.0;
        ensure!(
            first < parameters.start_redshift,
            "the simulation is looked at from redshift {first:.3} on and must start before: give a higher --start-redshift \
             than {}",
            parameters.start_redshift
        );
        let schedule =
            Schedule::new(1.0 / (1.0 + parameters.start_redshift), 1.0, parameters.steps, parameters.step_exponent);
        // Whatever is not met on the way would be missing without a word.
        if let Some(event) = events.iter().find(|event| event.scale_factor > schedule.edge(schedule.steps())) {
            bail!("nothing can be seen at redshift {:.3}: the simulation ends today", 1.0 / event.scale_factor - 1.0);
        }
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

    /// Shells of the light cone, from the far end to the observer.
    pub fn shells(&self) -> Vec<Shell> {
        let shell = |event: &Event| match event.what {
            What::Shell(shell) => Some(shell),
            What::Power(_) => None,
        };
        self.events.iter().filter_map(shell).collect()
    }

    /// The field of the planes: that of the maps, wider where rays are deflected.
    pub fn plane_field(&self) -> Field {
        self.parameters.field().widened(self.parameters.plane_margin())
    }

    /// One step further. Planes are kept in `planes`, if there is such, and added to the Born projection.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn advance(
        &self,
        state: &mut State,
        gravity: &mut Gravity,
        seed: u64,
        planes: Option<&PlaneStore>,
    ) -> Result<()> {
        let step = state.step;
        kick(&mut state.particles, gravity, &self.growth, &self.schedule, step);
        let (mut a, end, middle) = (self.schedule.edge(step), self.schedule.edge(step + 1), self.schedule.middle(step));
        let within = |event: &&Event| event.scale_factor > a && event.scale_factor <= end;
        let events: Vec<&Event> = self.events.iter().filter(within).collect();
        for event in events {
            drift(&mut state.particles, &self.growth, middle, a, event.scale_factor);
            a = event.scale_factor;
            match &event.what {
                What::Shell(shell) => self.see(state, shell, seed, planes)?,
                What::Power(redshift) => {
                    let bins = gravity.power(&mut state.particles, self.parameters.box_side);
                    state.power.push((*redshift, bins));
                }
            }
        }
        drift(&mut state.particles, &self.growth, middle, a, end);
        state.step += 1;
        Ok(())
    }

    /// Looks at a shell, for every map.
    fn see(&self, state: &mut State, shell: &Shell, seed: u64, planes: Option<&PlaneStore>) -> Result<()> {
        let cone = LightCone {
            background: &self.background,
            cosmology: self.parameters.cosmology,
            side: self.parameters.box_side,
            field: self.plane_field(),
            cloud: self.parameters.cloud * self.parameters.spacing(),
            seed,
        };
        let distance = self.background.plane_distance(shell.distance());
        let particles = &state.particles;
        let born = self.parameters.ray_tracing == RayTracing::Born;
        state.kappa.par_iter_mut().enumerate().try_for_each(|(map, kappa)| {
            let plane = cone.plane(particles, shell, map);
            if let Some(planes) = planes {
                planes.write(shell.number, map, &plane)?;
            }
            if born {
                let plane = inner(&plane, self.parameters.pixels, self.parameters.plane_margin());
                for (kappa, source) in kappa.iter_mut().zip(&self.sources) {
                    let weight = 0.5 * distance.efficiency(source) as f32;
                    for (kappa, plane) in kappa.iter_mut().zip(plane.clone()) {
                        *kappa += weight * plane;
                    }
                }
            }
            Ok(())
        })
    }

    /// Traces rays through the planes of a complete box, where the maps are not the Born projection.
    ///
    /// # Errors
    /// When the planes cannot be read.
    pub fn trace(&self, state: &mut State, planes: &PlaneStore) -> Result<()> {
        let (field, shells) = (self.plane_field(), self.shells());
        state.kappa.par_iter_mut().enumerate().try_for_each(|(map, kappa)| {
            let mut rays = MultiPlane::new(field.pixels, field.side_angle);
            let mut behind: Vec<usize> = (0..self.sources.len()).collect();
            for shell in shells.iter().rev() {
                let distance = self.background.plane_distance(shell.distance());
                behind.retain(|&source| {
                    let passed = distance.efficiency(&self.sources[source]) == 0.0;
                    if passed {
                        kappa[source] = self.convergence(&rays, source);
                    }
                    !passed
                });
                if !behind.is_empty() {
                    rays.cross(&planes.read(shell.number, map)?, &distance);
                }
            }
            for source in behind {
                kappa[source] = self.convergence(&rays, source);
            }
            Ok(())
        })
    }

    fn convergence(&self, rays: &MultiPlane, source: usize) -> Vec<f32> {
        let kappa = rays.convergence(&self.sources[source]);
        inner(&kappa, self.parameters.pixels, self.parameters.plane_margin()).collect()
    }
}

/// Crops in which a periodic box would repeat are refused.
fn check_width(parameters: &Parameters, distance: f64) -> Result<()> {
    let crop = parameters.side_angle * CROP.min(parameters.pixels) as f64 / parameters.pixels as f64;
    let width = crop.to_radians() * distance;
    ensure!(
        width <= parameters.box_side,
        "{} is {width:.0} Mpc/h wide at the farthest source, and the box, {} Mpc/h, would repeat in it: \
         give a wider --box-side, a smaller --side-angle or a nearer source",
        if parameters.pixels > CROP {
            format!("a crop of {CROP} pixels")
        } else {
            format!("a map of {} degrees", parameters.side_angle)
        },
        parameters.box_side
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_asked_for_is_met_once_in_any_number_of_steps() {
        let mut setting = Setting::new(Parameters { box_side: 60.0, side_angle: 1.0, ..Parameters::laptop() }).unwrap();
        assert!(setting.events.iter().any(|event| event.what == What::Power(0.0)));
        for steps in 1..=400 {
            setting.schedule = Schedule::new(0.05, 1.0, steps, setting.parameters.step_exponent);
            for event in &setting.events {
                let within = |step: &usize| {
                    let (a, end) = (setting.schedule.edge(*step), setting.schedule.edge(step + 1));
                    event.scale_factor > a && event.scale_factor <= end
                };
                assert_eq!((0..steps).filter(within).count(), 1, "{steps} steps: {event:?}");
            }
        }
    }

    #[test]
    fn what_would_never_be_met_is_refused() {
        let parameters = Parameters { box_side: 60.0, side_angle: 1.0, ..Parameters::laptop() };
        let refused = |power: f64| {
            let parameters = Parameters { power_redshifts: vec![power], ..parameters.clone() };
            Setting::new(parameters).err().unwrap().to_string()
        };
        assert!(refused(-0.1).contains("the simulation ends today"), "{}", refused(-0.1));
        assert!(refused(30.0).contains("--start-redshift"), "{}", refused(30.0));
    }
}
