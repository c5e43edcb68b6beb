//! `trainer simulate`: convergence maps from an N-body simulation.

use std::{path::PathBuf, time::Instant};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use shared::Cosmology;
use simulator::{
    campaign::{Campaign, Shard, Watch},
    evolution::Setting,
    limits,
    needs::{Bytes, Needs, PROGRAM, available_memory},
    parameters::Parameters,
    ray_tracing::RayTracing,
};
use storage::runs::{Ending, Interruption};

use crate::progress::step_bar;

/// Simulate structure formation and write convergence maps of the paper's geometry.
///
/// Each box is an N-body simulation (2LPT, P3M) whose light cone is projected onto maps while it runs. OUT then holds
/// z1.000/box-0000.npy, ..., one folder a source redshift, from which `trainer maps --maps OUT/z1.000` cuts training maps,
/// and boxes/, with a manifest of each box. Ctrl-C saves and stops; the same command goes on, and boxes that are there are
/// not made again; the exit code is then 75. A campaign is split over machines with --shard: each job makes its own boxes of the same folder.
///
/// Examples:
///   trainer simulate --preset laptop --out simulated
///   trainer maps --maps simulated/z1.000 --count 20000 --out data/maps.npy
///   trainer simulate --preset paper --shard 3/45 --out /scratch/simulated
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub struct SimulateArguments {
    /// Where to start from; every option below changes one thing of it
    #[arg(long, value_enum, default_value_t = Preset::Laptop)]
    preset: Preset,
    /// Folder to write, or to go on with
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Number of boxes, of all jobs together
    #[arg(long, value_name = limits::BOXES.shown, value_parser = |text: &str| limits::BOXES.parse_count(text))]
    boxes: Option<usize>,
    /// Which boxes this job makes: number i of every n
    #[arg(long, value_name = "I/N", default_value = "1/1")]
    shard: Shard,
    /// Maps of each box
    #[arg(long, value_name = limits::MAPS.shown, value_parser = |text: &str| limits::MAPS.parse_count(text))]
    maps: Option<usize>,
    /// Seed of boxes and views; use another one for validation maps
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Threads, all cores by default; results do not depend on it
    #[arg(long)]
    threads: Option<usize>,
    /// Say what it takes, and do nothing
    #[arg(long)]
    plan: bool,
    #[command(flatten)]
    cosmology: CosmologyArguments,
    #[command(flatten)]
    numerics: NumericsArguments,
    #[command(flatten)]
    field: FieldArguments,
}

/// Cosmology.
#[derive(Args)]
#[command(next_help_heading = "Cosmology (the paper's by default)")]
struct CosmologyArguments {
    /// Matter density over the critical density, today
    #[arg(long, value_name = limits::OMEGA_M.shown, value_parser = |text: &str| limits::OMEGA_M.parse::<f64>(text))]
    omega_m: Option<f64>,
    /// Baryon density over the critical density, today
    #[arg(long, value_name = limits::OMEGA_B.shown, value_parser = |text: &str| limits::OMEGA_B.parse::<f64>(text))]
    omega_b: Option<f64>,
    /// Dark-energy density over the critical density, today; 1 - Omega_m, a flat universe, if only that is given
    #[arg(long, value_name = limits::OMEGA_L.shown, value_parser = |text: &str| limits::OMEGA_L.parse::<f64>(text))]
    omega_l: Option<f64>,
    /// Hubble constant in 100 km/s/Mpc
    #[arg(long, value_name = limits::HUBBLE.shown, value_parser = limits::hubble)]
    hubble: Option<f64>,
    /// Slope of the primordial power spectrum
    #[arg(long, value_name = limits::N_S.shown, value_parser = |text: &str| limits::N_S.parse::<f64>(text))]
    n_s: Option<f64>,
    /// Amplitude of linear fluctuations in spheres of 8 Mpc/h, today
    #[arg(long, value_name = limits::SIGMA_8.shown, value_parser = |text: &str| limits::SIGMA_8.parse::<f64>(text))]
    sigma_8: Option<f64>,
    /// Equation of state of dark energy today
    #[arg(long, allow_negative_numbers = true, value_name = limits::W0.shown, value_parser = |text: &str| limits::W0.parse::<f64>(text))]
    w0: Option<f64>,
    /// Change of the equation of state, as wa (1 - a)
    #[arg(long, allow_negative_numbers = true, value_name = limits::WA.shown, value_parser = |text: &str| limits::WA.parse::<f64>(text))]
    wa: Option<f64>,
}

/// Resolution.
#[derive(Args)]
#[command(next_help_heading = "Simulation")]
struct NumericsArguments {
    /// Particles along a side of the box
    #[arg(long, value_name = limits::PARTICLES.shown, value_parser = |text: &str| limits::PARTICLES.parse_count(text))]
    particles: Option<usize>,
    /// Side of the box in Mpc/h
    #[arg(long, value_name = limits::BOX_SIDE.shown, value_parser = |text: &str| limits::BOX_SIDE.parse::<f64>(text))]
    box_side: Option<f64>,
    /// Mesh nodes for each particle, along a side
    #[arg(long, value_name = limits::MESH_FACTOR.shown, value_parser = |text: &str| limits::MESH_FACTOR.parse_count(text))]
    mesh_factor: Option<usize>,
    /// Leave out the short-range force over pairs: faster, without small halos' cores
    #[arg(long)]
    mesh_only: bool,
    /// Softening of forces, in mean distances between particles
    #[arg(long, value_name = limits::SOFTENING.shown, value_parser = |text: &str| limits::SOFTENING.parse::<f64>(text))]
    softening: Option<f64>,
    /// Time steps
    #[arg(long, value_name = limits::STEPS.shown, value_parser = |text: &str| limits::STEPS.parse_count(text))]
    steps: Option<usize>,
    /// Redshift at which particles leave their lattice
    #[arg(long, value_name = limits::START_REDSHIFT.shown, value_parser = |text: &str| limits::START_REDSHIFT.parse::<f64>(text))]
    start_redshift: Option<f64>,
    /// Give every initial mode the amplitude of the power spectrum: means over few boxes are less noisy, their scatter is wrong
    #[arg(long)]
    fixed_amplitude: bool,
    /// Turn the phases of every other box by half a turn against those of the box before
    #[arg(long)]
    paired: bool,
}

/// Maps.
#[derive(Args)]
#[command(next_help_heading = "Maps")]
struct FieldArguments {
    /// Redshifts of the sources, such as 0.5,1,2
    #[arg(long, value_delimiter = ',', value_name = limits::SOURCE_REDSHIFT.shown, value_parser = |text: &str| limits::SOURCE_REDSHIFT.parse::<f64>(text))]
    source_redshifts: Option<Vec<f64>>,
    /// How light is followed
    #[arg(long, value_enum)]
    ray_tracing: Option<RayTracing>,
    /// Also write the lens planes of every map as potentials that LensTools reads, planes/box-0000-map-0000/plane-00.fits, ...
    #[arg(long)]
    write_planes: bool,
    /// Width of the clouds that particles are seen as, in mean distances between particles, where that is more than a pixel
    #[arg(long, value_name = limits::CLOUD.shown, value_parser = |text: &str| limits::CLOUD.parse::<f64>(text))]
    cloud: Option<f64>,
    /// Pixels along a side of a map
    #[arg(long, value_name = limits::PIXELS.shown, value_parser = |text: &str| limits::PIXELS.parse_count(text))]
    pixels: Option<usize>,
    /// Side of a map in degrees
    #[arg(long, value_name = limits::SIDE_ANGLE.shown, value_parser = |text: &str| limits::SIDE_ANGLE.parse::<f64>(text))]
    side_angle: Option<f64>,
    /// Thickness of the shells of the light cone in Mpc/h, at most
    #[arg(long, value_name = limits::SHELL_THICKNESS.shown, value_parser = |text: &str| limits::SHELL_THICKNESS.parse::<f64>(text))]
    shell_thickness: Option<f64>,
}

/// Sets of parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Preset {
    /// Minutes on four cores: enough maps to train a demonstration, less power on small scales
    Laptop,
    /// The paper's: 45 boxes of 512^3 particles in 240 Mpc/h, 1000 maps
    Paper,
}

/// Runs the command.
///
/// # Errors
/// When the parameters make no simulation, it does not fit the memory, or the folder cannot be written.
pub fn run(arguments: &SimulateArguments) -> Result<Ending> {
    let (parameters, boxes) = parameters(arguments)?;
    parameters.validate()?;
    let threads = arguments.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    if threads == 0 {
        bail!("--threads must be at least 1");
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().context("cannot start the threads")?;
    let setting = Setting::new(parameters)?;
    let needs = Needs::of(&setting.parameters, setting.shells().len(), threads);
    let campaign =
        Campaign { setting, seed: arguments.seed, boxes, shard: arguments.shard, out: arguments.out.clone() };
    describe(&campaign, &needs, threads);
    if arguments.plan {
        return Ok(Ending::Complete);
    }
    needs.check(available_memory())?;
    let interruption = Interruption::listen()?;
    let mut bars = Bars { boxes, bar: ProgressBar::hidden(), lines: None };
    let out = arguments.out.display();
    let ending = pool.install(|| campaign.run(&mut bars, &interruption))?;
    match ending {
        Ending::Complete => {
            crate::say!("{out}: complete; its maps are in {out}/z*, cut them with `trainer maps --maps {out}/z...`");
        }
        Ending::Interrupted => crate::say!("{out}: saved; the same command goes on"),
    }
    Ok(ending)
}

fn describe(campaign: &Campaign, needs: &Needs, threads: usize) {
    let parameters = &campaign.setting.parameters;
    let mine = campaign.numbers().count();
    crate::say!(
        "{mine} of {} boxes of {}^3 particles in {} Mpc/h, {} steps, {} maps each, {threads} threads",
        campaign.boxes,
        parameters.particles,
        parameters.box_side,
        parameters.steps,
        parameters.maps
    );
    let sources: Vec<String> = parameters.source_redshifts.iter().map(f64::to_string).collect();
    crate::say!(
        "maps of {} pixels and {} degrees, sources at z = {}, from z = {} on; {}",
        parameters.pixels,
        parameters.side_angle,
        sources.join(", "),
        parameters.start_redshift,
        words(&parameters.cosmology)
    );
    crate::say!(
        "memory {}: program {}, particles {}, meshes {}, maps {}; disk {}, and {} while a box is not complete",
        Bytes(needs.memory),
        Bytes(PROGRAM),
        Bytes(needs.particles),
        Bytes(needs.meshes),
        Bytes(needs.maps),
        Bytes(needs.disk * mine as u64),
        Bytes(needs.scratch)
    );
}

/// A cosmology in words.
fn words(cosmology: &Cosmology) -> String {
    let Cosmology { omega_m, omega_l, h, w0, wa, omega_b, sigma_8, n_s } = cosmology;
    let optional = |name: &str, value: &Option<f64>| value.map(|value| format!(", {name} {value}")).unwrap_or_default();
    format!(
        "Omega_m {omega_m}, Omega_L {omega_l}{}, h {h}{}{}, w0 {w0}, wa {wa}",
        optional("Omega_b", omega_b),
        optional("sigma_8", sigma_8),
        optional("n_s", n_s)
    )
}

/// The preset's parameters and number of boxes, with what the command line says.
fn parameters(arguments: &SimulateArguments) -> Result<(Parameters, usize)> {
    let (mut parameters, boxes) = match arguments.preset {
        Preset::Laptop => (Parameters::laptop(), 4),
        Preset::Paper => (Parameters::paper(), 45),
    };
    let SimulateArguments { cosmology, numerics, field, .. } = arguments;
    parameters.cosmology = with_arguments(parameters.cosmology, cosmology);
    set(&mut parameters.particles, numerics.particles);
    set(&mut parameters.box_side, numerics.box_side);
    set(&mut parameters.mesh_factor, numerics.mesh_factor);
    set(&mut parameters.softening, numerics.softening);
    set(&mut parameters.steps, numerics.steps);
    set(&mut parameters.start_redshift, numerics.start_redshift);
    if numerics.mesh_only {
        if numerics.softening.is_some() {
            bail!("--softening is of the pair force, which --mesh-only leaves out: give one of them");
        }
        parameters.pair_cutoff = None;
    }
    parameters.fixed_amplitude = numerics.fixed_amplitude;
    parameters.paired = numerics.paired;
    set(&mut parameters.source_redshifts, field.source_redshifts.clone());
    set(&mut parameters.ray_tracing, field.ray_tracing);
    parameters.write_planes = field.write_planes;
    set(&mut parameters.cloud, field.cloud);
    set(&mut parameters.pixels, field.pixels);
    set(&mut parameters.side_angle, field.side_angle);
    set(&mut parameters.shell_thickness, field.shell_thickness);
    set(&mut parameters.maps, arguments.maps);
    Ok((parameters, arguments.boxes.unwrap_or(boxes)))
}

fn set<T>(value: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *value = given;
    }
}

fn with_arguments(cosmology: Cosmology, given: &CosmologyArguments) -> Cosmology {
    let omega_m = given.omega_m.unwrap_or(cosmology.omega_m);
    Cosmology {
        omega_m,
        omega_l: given.omega_l.unwrap_or(1.0 - omega_m),
        h: given.hubble.unwrap_or(cosmology.h),
        w0: given.w0.unwrap_or(cosmology.w0),
        wa: given.wa.unwrap_or(cosmology.wa),
        omega_b: given.omega_b.or(cosmology.omega_b),
        sigma_8: given.sigma_8.or(cosmology.sigma_8),
        n_s: given.n_s.or(cosmology.n_s),
    }
}

/// A progress bar for each box; lines where there is no terminal, as in the log of a batch job.
struct Bars {
    boxes: usize,
    bar: ProgressBar,
    lines: Option<Lines>,
}

/// What lines need to tell how long it takes.
struct Lines {
    name: String,
    begun: Instant,
    first: usize,
    done: usize,
    steps: usize,
}

impl Watch for Bars {
    fn begin(&mut self, number: usize, step: usize, steps: usize) {
        let name = format!("box {} of {}", number + 1, self.boxes);
        self.bar = step_bar(steps);
        self.bar.set_message(name.clone());
        self.bar.set_position(step as u64);
        self.bar.reset_eta();
        self.lines =
            self.bar.is_hidden().then(|| Lines { name, begun: Instant::now(), first: step, done: step, steps });
    }

    fn step(&mut self) {
        self.bar.inc(1);
        let Some(lines) = &mut self.lines else { return };
        lines.done += 1;
        if lines.done.is_multiple_of((lines.steps / 10).max(1)) {
            let each = lines.begun.elapsed().as_secs_f64() / (lines.done - lines.first) as f64;
            let left = each * (lines.steps - lines.done) as f64 / 60.0;
            // Later steps take longer, since halos have grown.
            crate::say!("{}: step {} of {}, at least {left:.0} minutes left", lines.name, lines.done, lines.steps);
        }
    }

    fn end(&mut self, number: usize) {
        self.bar.finish();
        crate::say!("box {} of {} is complete", number + 1, self.boxes);
    }
}
