//! Statistics of one map of a `.npy` file, in the definitions of LensTools.
//!
//! ```sh
//! cargo run -p shared --example statistics_of_a_map -- maps.npy 0.865
//! ```

use std::error::Error;

use shared::{
    ConvergenceMap,
    formats::npy,
    latent::latent,
    statistics::{MapStatistics, Statistic, StatisticsEdges, StatisticsPlan},
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let map = match (arguments.next(), arguments.next()) {
        (Some(file), Some(side_angle)) => {
            let maps = npy::read(&std::fs::read(file)?)?;
            let kappa = maps.values[..maps.rows * maps.columns].to_vec();
            ConvergenceMap::new(side_angle.parse()?, maps.rows, kappa)?
        }
        // Without a file: white noise.
        _ => ConvergenceMap::new(ConvergenceMap::PAPER_SIDE_ANGLE, 64, latent(1, 64 * 64))?,
    };
    let mut plan = StatisticsPlan::new(map.pixels(), map.side_angle(), &StatisticsEdges::default())?;
    let mut found = MapStatistics::default();
    plan.measure(&map, &mut found)?;
    println!("{} pixels of {:.2} arcmin, sigma {:.4}", map.pixels(), map.resolution(), found.sigma);
    for statistic in Statistic::ALL {
        let filled = found.of(statistic).iter().flatten().count();
        println!("{}: {filled} of {} bins have a value", statistic.label(), plan.middles(statistic).len());
    }
    Ok(())
}
