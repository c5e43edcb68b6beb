//! Ranges that parameters may have: one table for the help, for what the command line takes, and for its messages.

use std::str::FromStr;

/// A range, its ends included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// The least.
    pub low: f64,
    /// The largest.
    pub high: f64,
    /// As the help shows it.
    pub shown: &'static str,
    /// Why it ends there.
    pub because: &'static str,
}

const fn range(low: f64, high: f64, shown: &'static str, because: &'static str) -> Range {
    Range { low, high, shown, because }
}

const FITS: &str = "where the fits of transfer function and halofit hold";

/// Matter density.
pub const OMEGA_M: Range = range(0.05, 1.0, "0.05..1", FITS);
/// Baryon density.
pub const OMEGA_B: Range = range(0.001, 0.3, "0.001..0.3", FITS);
/// Dark-energy density.
pub const OMEGA_L: Range = range(0.0, 1.5, "0..1.5", "beyond it there was no beginning");
/// Hubble constant in 100 km/s/Mpc.
pub const HUBBLE: Range = range(0.3, 1.5, "0.3..1.5", "in 100 km/s/Mpc");
/// Slope of the primordial spectrum.
pub const N_S: Range = range(0.5, 1.5, "0.5..1.5", FITS);
/// Amplitude of fluctuations.
pub const SIGMA_8: Range = range(0.2, 2.0, "0.2..2", FITS);
/// Equation of state of dark energy.
pub const W0: Range = range(-2.0, -0.3, "-2..-0.3", FITS);
/// Its change.
pub const WA: Range = range(-2.0, 2.0, "-2..2", FITS);
/// Particles along a side.
pub const PARTICLES: Range = range(16.0, 1624.0, "16..1624", "their numbers are 32 bits wide");
/// Side of the box in Mpc/h.
pub const BOX_SIDE: Range = range(1.0, 10_000.0, "1..10000", "in Mpc/h");
/// Mesh nodes for each particle, along a side.
pub const MESH_FACTOR: Range = range(1.0, 4.0, "1..4", "more cost memory and resolve nothing");
/// Softening in mean distances between particles.
pub const SOFTENING: Range = range(0.001, 1.0, "0.001..1", "in mean distances between particles");
/// Width of clouds in mean distances between particles.
pub const CLOUD: Range = range(0.001, 10.0, "0.001..10", "in mean distances between particles");
/// Time steps.
pub const STEPS: Range = range(1.0, 10_000.0, "1..10000", "more change nothing");
/// Redshift of the start.
pub const START_REDSHIFT: Range = range(1.0, 200.0, "1..200", "radiation, which is left out, matters before");
/// Redshift of sources.
pub const SOURCE_REDSHIFT: Range = range(0.01, 20.0, "0.01..20", "nearer ones see nothing, and there are none farther");
/// Pixels along a side of a map.
pub const PIXELS: Range = range(16.0, 8192.0, "16..8192", "maps are kept in memory");
/// Side of a map in degrees.
pub const SIDE_ANGLE: Range = range(0.01, 10.0, "0.01..10", "over which the sky is flat");
/// Thickness of shells in Mpc/h.
pub const SHELL_THICKNESS: Range = range(0.1, 10_000.0, "0.1..10000", "in Mpc/h");
/// Maps of each box.
pub const MAPS: Range = range(1.0, 10_000.0, "1..10000", "a box has no more independent views");
/// Boxes of a campaign.
pub const BOXES: Range = range(1.0, 100_000.0, "1..100000", "more have no names");

impl Range {
    /// Whether a value lies in it.
    pub fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// A number of the command line.
    ///
    /// # Errors
    /// When it is none, or out of the range; says which is.
    pub fn parse<T: FromStr + Copy + Into<f64>>(&self, text: &str) -> Result<T, String> {
        let number = text.trim().parse::<T>().ok();
        number.filter(|&number| self.holds(number.into())).ok_or_else(|| self.refusal())
    }

    /// A whole number of the command line.
    ///
    /// # Errors
    /// When it is none, or out of the range; says which is.
    pub fn parse_count(&self, text: &str) -> Result<usize, String> {
        self.parse::<u32>(text)
            .map(|count| count as usize)
            .map_err(|refusal| refusal.replace("a number", "a whole number"))
    }

    /// What a number has to be.
    pub fn refusal(&self) -> String {
        format!("give a number from {} to {}: {}", self.low, self.high, self.because)
    }
}

/// The Hubble constant of the command line: people write 0.7 and 70.
///
/// # Errors
/// When it is neither.
pub fn hubble(text: &str) -> Result<f64, String> {
    let number: Option<f64> = text.trim().parse().ok();
    let hundredth = number.map(|number| number / 100.0).filter(|h| HUBBLE.holds(*h));
    match (number, hundredth) {
        (Some(h), _) if HUBBLE.holds(h) => Ok(h),
        (Some(number), Some(h)) => {
            eprintln!("note: --hubble {number} is taken as h = {h}, since it is in 100 km/s/Mpc");
            Ok(h)
        }
        _ => Err(HUBBLE.refusal()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_what_is_taken() {
        let all = [
            OMEGA_M,
            OMEGA_B,
            OMEGA_L,
            HUBBLE,
            N_S,
            SIGMA_8,
            W0,
            WA,
            PARTICLES,
            BOX_SIDE,
            MESH_FACTOR,
            SOFTENING,
            CLOUD,
            STEPS,
            START_REDSHIFT,
            SOURCE_REDSHIFT,
            PIXELS,
            SIDE_ANGLE,
            SHELL_THICKNESS,
            MAPS,
            BOXES,
        ];
        for range in all {
            assert_eq!(range.shown, format!("{}..{}", range.low, range.high));
            for end in [range.low, range.high] {
                assert_eq!(range.parse::<f64>(&end.to_string()), Ok(end));
            }
            for wrong in [range.low - 0.01, range.high + 0.01, f64::NAN, f64::INFINITY] {
                assert!(range.parse::<f64>(&wrong.to_string()).is_err(), "{range:?} takes {wrong}");
            }
            assert!(range.parse::<f64>("many").unwrap_err().contains(range.because));
        }
        assert!(PARTICLES.parse_count("-16").is_err() && PARTICLES.parse_count("16.5").is_err());
    }

    #[test]
    fn seventy_is_the_hubble_constant_too() {
        assert_eq!((hubble("0.7"), hubble("70")), (Ok(0.7), Ok(0.7)));
        for wrong in ["7", "0", "-70", "h", "nan"] {
            assert!(hubble(wrong).is_err(), "{wrong}");
        }
    }
}
