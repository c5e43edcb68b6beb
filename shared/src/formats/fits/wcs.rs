//! How large a pixel is on the sky, from the header's world coordinates.
//!
//! FITS gives the step of a pixel along both axes as a matrix, `CDi_j`, or `PCi_j CDELTi`, in the units of `CUNITi` (Greisen &
//! Calabretta 2002, Eqs. 1 and 3; degrees where none is stated). Its columns are the steps themselves: their lengths are the
//! pixel's sides, however the frame is turned or mirrored.

use super::{FitsError, FitsHeader};

/// Largest difference of the two sides of a pixel, and of their angle from a right one, that counts as rounding.
const TOLERANCE: f64 = 1e-3;

/// The side of a pixel in degrees; `None` where the header states no world coordinates on the sky.
///
/// # Errors
/// When pixels are not square.
pub fn pixel_side(header: &FitsHeader) -> Result<Option<f64>, FitsError> {
    let Some(matrix) = matrix(header) else { return Ok(None) };
    let length = |axis: usize| f64::hypot(matrix[0][axis], matrix[1][axis]);
    let (width, height) = (length(0), length(1));
    if !(width > 0.0 && height > 0.0 && width.is_finite() && height.is_finite()) {
        return Ok(None);
    }
    let dot = matrix[0][0] * matrix[0][1] + matrix[1][0] * matrix[1][1];
    if (width / height - 1.0).abs() > TOLERANCE || (dot / (width * height)).abs() > TOLERANCE {
        return Err(FitsError::Pixels { width: 60.0 * width, height: 60.0 * height });
    }
    Ok(Some(f64::midpoint(width, height)))
}

/// Steps of the world coordinates in degrees, `[coordinate][pixel axis]`.
fn matrix(header: &FitsHeader) -> Option<[[f64; 2]; 2]> {
    let number = |name: &str, i: usize, j: usize| header.number(&format!("{name}{i}_{j}"));
    let unit = |i: usize| degrees_in(header.text(&format!("CUNIT{i}")));
    let units = [unit(1)?, unit(2)?];
    let of = |element: &dyn Fn(usize, usize) -> f64| {
        [[units[0] * element(1, 1), units[0] * element(1, 2)], [units[1] * element(2, 1), units[1] * element(2, 2)]]
    };
    let stated = |name: &str| (1..=2).any(|i| (1..=2).any(|j| number(name, i, j).is_some()));
    if stated("CD") {
        return Some(of(&|i, j| number("CD", i, j).unwrap_or(0.0)));
    }
    let first = header.number("CDELT1")?;
    let second = header.number("CDELT2").unwrap_or(first);
    let says_nothing = first == 1.0 && second == 1.0 && !stated("PC") && header.text("CTYPE1").is_none();
    if says_nothing {
        // What programs write that know of no sky: one pixel is one pixel.
        return None;
    }
    let step = |i: usize| if i == 1 { first } else { second };
    Some(of(&|i, j| step(i) * number("PC", i, j).unwrap_or(f64::from(u8::from(i == j)))))
}

/// Degrees in a unit of angles; `None` for units of something else.
pub fn degrees_in(unit: Option<&str>) -> Option<f64> {
    let Some(unit) = unit.map(|unit| unit.trim().to_ascii_lowercase()).filter(|unit| !unit.is_empty()) else {
        return Some(1.0);
    };
    match unit.as_str() {
        "deg" | "degree" | "degrees" => Some(1.0),
        "arcmin" | "amin" | "arcminute" | "arcminutes" => Some(1.0 / 60.0),
        "arcsec" | "asec" | "arcsecond" | "arcseconds" => Some(1.0 / 3600.0),
        "mas" => Some(1.0 / 3.6e6),
        "rad" | "radian" | "radians" => Some(1.0_f64.to_degrees()),
        _ => None,
    }
}
