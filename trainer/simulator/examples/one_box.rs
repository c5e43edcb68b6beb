//! One small box from its start to today, and the convergence maps that an observer sees of it.
//!
//! ```sh
//! cargo run --release -p simulator --example one_box
//! ```

use anyhow::Result;
use simulator::{
    evolution::Setting,
    nbody::{gravity::Gravity, initial::InitialDensity},
    parameters::Parameters,
};

fn main() -> Result<()> {
    let parameters = Parameters {
        particles: 16,
        box_side: 50.0,
        steps: 10,
        maps: 1,
        pixels: 64,
        side_angle: 0.5,
        ..Parameters::laptop()
    };
    parameters.validate()?;
    let density = InitialDensity { seed: 1, side: parameters.box_side, fixed_amplitude: false, inverted: false };
    let setting = Setting::new(parameters)?;
    let mut gravity = Gravity::new(&setting.parameters.resolution());
    let mut state = setting.begin(&density);
    while state.step < setting.parameters.steps {
        setting.advance(&mut state, &mut gravity, density.seed, None)?;
    }
    for (redshift, bins) in &state.power {
        let largest = bins.first().map_or(0.0, |bin| bin.power);
        println!("z = {redshift}: {} bins of P(k), {largest:.0} (Mpc/h)^3 at the longest waves", bins.len());
    }
    let kappa = &state.kappa[0][0];
    let sigma = (kappa.iter().map(|kappa| f64::from(*kappa).powi(2)).sum::<f64>() / kappa.len() as f64).sqrt();
    println!("a map of {} pixels with sigma(kappa) = {sigma:.4}", kappa.len());
    Ok(())
}
