//! How arrays hold maps: which axes are maps, rows and columns.

/// Why an array of some shape is none of maps.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// A HEALPix map as one axis.
    #[error(
        "it holds one axis of {0} numbers, as a HEALPix map of the whole sky has (12 NSIDE^2); this program takes flat square maps: \
         project patches of it first, for example with healpy.gnomview(..., return_projected_map=True)"
    )]
    Healpix(usize),
    /// One axis that could be a square.
    #[error("it holds one axis of {length} numbers: reshape it, for example array.reshape({side}, {side})")]
    Flat {
        /// Length of the axis.
        length: usize,
        /// Its square root.
        side: usize,
    },
    /// Several channels.
    #[error("shape {shape:?} has {channels} channels: save the one that is convergence, array{index}")]
    Channels {
        /// The shape.
        shape: Vec<usize>,
        /// How many channels.
        channels: usize,
        /// How NumPy takes the first.
        index: &'static str,
    },
    /// None of the above.
    #[error("shape {0:?} is not an array of maps: use [H, W], [N, H, W], [N, 1, H, W] or [N, H, W, 1], none of them 0")]
    Other(Vec<usize>),
    /// More numbers than can be counted.
    #[error("shape {0:?} is larger than any memory")]
    TooLarge(Vec<usize>),
}

/// Number of maps, of rows and of columns of an array `[H, W]`, `[N, H, W]`, `[N, 1, H, W]` or `[N, H, W, 1]`; further axes of
/// length 1 are passed over.
///
/// # Errors
/// When these are no maps; it says what they look like.
///
/// # Examples
/// ```
/// use shared::formats::shape::maps_of;
///
/// assert_eq!(maps_of(&[20, 1, 256, 256])?, [20, 256, 256]);
/// assert!(maps_of(&[49_152]).unwrap_err().to_string().contains("HEALPix"));
/// # Ok::<(), shared::formats::shape::ShapeError>(())
/// ```
pub fn maps_of(shape: &[usize]) -> Result<[usize; 3], ShapeError> {
    let other = || ShapeError::Other(shape.to_vec());
    if shape.contains(&0) {
        return Err(other());
    }
    // Eight bytes a number, and room for a header.
    let numbers = shape.iter().try_fold(1_usize, |product, &axis| product.checked_mul(axis));
    if numbers.is_none_or(|numbers| numbers > isize::MAX as usize / 16) {
        return Err(ShapeError::TooLarge(shape.to_vec()));
    }
    let channels = |channels, index| ShapeError::Channels { shape: shape.to_vec(), channels, index };
    match *shape {
        [length] => Err(flat(length).unwrap_or_else(other)),
        [rows, columns] => Ok([1, rows, columns]),
        [rows, columns, 1] if rows == columns && rows > 4 => Ok([1, rows, columns]),
        [rows, columns, last @ 2..=4] if rows == columns && rows > 4 => Err(channels(last, "[..., 0]")),
        [maps, rows, columns] | [maps, 1, rows, columns] | [maps, rows, columns, 1] => Ok([maps, rows, columns]),
        [_, rows, columns, last] if rows == columns && last != columns => Err(channels(last, "[..., 0]")),
        [_, second, ..] if shape.len() == 4 => Err(channels(second, "[:, 0]")),
        _ if shape.len() > 4 && shape.contains(&1) => {
            // One axis of length 1 less, from the front, and once more.
            let mut shorter = shape.to_vec();
            let place = shorter.iter().position(|&axis| axis == 1).ok_or_else(other)?;
            shorter.remove(place);
            maps_of(&shorter).map_err(|_| other())
        }
        _ => Err(other()),
    }
}

/// What one axis may be.
fn flat(length: usize) -> Option<ShapeError> {
    let side = length.isqrt();
    let nside = (length / 12).isqrt();
    if length >= 48 && nside.is_power_of_two() && 12 * nside * nside == length {
        Some(ShapeError::Healpix(length))
    } else if side > 1 && side * side == length {
        Some(ShapeError::Flat { length, side })
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_hold_maps() {
        for (shape, maps) in [
            (&[4, 5][..], [1, 4, 5]),
            (&[3, 4, 4], [3, 4, 4]),
            (&[3, 4, 5], [3, 4, 5]),
            (&[3, 1, 4, 4], [3, 4, 4]),
            (&[3, 4, 4, 1], [3, 4, 4]),
            (&[8, 8, 1], [1, 8, 8]),
            (&[1, 8, 8], [1, 8, 8]),
            (&[1, 1, 8, 8], [1, 8, 8]),
            (&[1, 3, 1, 4, 4], [3, 4, 4]),
            (&[1, 1, 1, 1, 8, 8], [1, 8, 8]),
            (&[3, 4, 4, 1, 1], [3, 4, 4]),
            (&[1, 1], [1, 1, 1]),
        ] {
            assert_eq!(maps_of(shape), Ok(maps), "{shape:?}");
        }
    }

    #[test]
    fn what_else_an_array_is() {
        assert_eq!(maps_of(&[786_432]), Err(ShapeError::Healpix(786_432)));
        assert_eq!(maps_of(&[65_536]), Err(ShapeError::Flat { length: 65_536, side: 256 }));
        for shape in [&[][..], &[7], &[1], &[0, 4], &[2, 0, 4], &[2, 3, 4, 5, 6]] {
            assert!(matches!(maps_of(shape), Err(ShapeError::Other(_))), "{shape:?}");
        }
        for shape in [&[256, 256, 3][..], &[9, 256, 256, 3], &[9, 5, 256, 256]] {
            assert!(matches!(maps_of(shape), Err(ShapeError::Channels { .. })), "{shape:?}");
        }
        assert!(matches!(maps_of(&[1 << 40, 1 << 40]), Err(ShapeError::TooLarge(_))));
        assert!(matches!(maps_of(&[1 << 31, 1 << 30]), Err(ShapeError::TooLarge(_))));
    }
}
