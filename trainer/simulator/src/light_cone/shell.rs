//! Shells of the light cone, and the field of a map.

use shared::cosmology::Background;

/// A shell of the light cone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shell {
    /// Its number, from the source to the observer; what lies behind the source has the numbers after these, so that it changes
    /// nothing. Maps' views of the box follow from it.
    pub number: usize,
    /// Comoving distance of its near side in Mpc/h.
    pub near: f64,
    /// Comoving distance of its far side in Mpc/h.
    pub far: f64,
    /// Scale factor at its middle.
    pub scale_factor: f64,
}

impl Shell {
    /// Comoving distance of the middle in Mpc/h.
    pub fn distance(&self) -> f64 {
        f64::midpoint(self.near, self.far)
    }

    /// Shells of equal thickness, at most `thickness` Mpc/h, from the observer to `distance` and `beyond` more; the farthest, which
    /// the simulation reaches first, comes first.
    pub fn all(background: &Background, distance: f64, thickness: f64, beyond: usize) -> Vec<Self> {
        let count = (distance / thickness - 1e-9).ceil().max(1.0) as usize;
        let edge = |at: usize| distance * at as f64 / count as f64;
        let shell = |at: usize| Self {
            number: if at < count { count - 1 - at } else { at },
            near: edge(at),
            far: edge(at + 1),
            scale_factor: background.a_of_chi(f64::midpoint(edge(at), edge(at + 1))),
        };
        (0..count + beyond).rev().map(shell).collect()
    }
}

/// The pixels of a map, as the observer sees them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Field {
    /// Pixels along a side.
    pub pixels: usize,
    /// Side in degrees.
    pub side_angle: f64,
}

impl Field {
    /// The same pixels, and `margin` more on every side.
    #[must_use]
    pub fn widened(self, margin: usize) -> Self {
        let pixels = self.pixels + 2 * margin;
        Self { pixels, side_angle: self.side_angle * pixels as f64 / self.pixels as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::Cosmology;

    #[test]
    fn shells_fill_the_way_to_the_source() {
        let background = Background::new(&Cosmology::PAPER).unwrap();
        let shells = Shell::all(&background, 2370.0, 40.0, 0);
        assert_eq!((shells.len(), shells[0].far, shells[59].near), (60, 2370.0, 0.0));
        assert!(
            shells.windows(2).all(|pair| pair[0].near == pair[1].far && pair[0].scale_factor < pair[1].scale_factor)
        );
    }

    #[test]
    fn a_shell_behind_the_source_changes_no_other() {
        let background = Background::new(&Cosmology::PAPER).unwrap();
        let (alone, more) = (Shell::all(&background, 2370.0, 40.0, 0), Shell::all(&background, 2370.0, 40.0, 2));
        assert_eq!(more[2..], alone);
        let numbers: Vec<usize> = more.iter().map(|shell| shell.number).collect();
        assert_eq!((numbers[0], numbers[1], numbers[2], numbers[61]), (61, 60, 0, 59));
    }
}
