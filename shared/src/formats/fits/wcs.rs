//! How large a pixel is on the sky, from the header's world coordinates.
//!
//! FITS gives the step of a pixel along both axes as a matrix, `CDi_j`, or `PCi_j CDELTi`, in the units of `CUNITi` (Greisen &
//! Calabretta 2002, Eqs. 1 and 3; degrees where none is stated). Its columns are the steps themselves: their lengths are the
//! pixel's sides, however the frame is turned or mirrored.

use super::{FitsError, FitsHeader};

/// Largest difference of the two sides of a pixel, and of their angle from a right one, that counts as rounding.
const TOLERANCE: f64 = 1e-3;
/// Degrees from the reference point, or the equator, over which pixels keep their size.
const NEAR: f64 = 8.0;

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
    let side = f64::midpoint(width, height);
    check_projection(header, side)?;
    Ok(Some(side))
}

/// Checks that a pixel is as large at the middle of the map as at the reference point, where the header states its size: 1 % is lost
/// 8 degrees from the pole of a zenithal projection, and from the equator of another.
fn check_projection(header: &FitsHeader, side: f64) -> Result<(), FitsError> {
    let Some(name) = header.text("CTYPE1").filter(|name| is_sky(name)) else { return Ok(()) };
    let code = name.rsplit('-').next().unwrap_or_default().trim();
    let away = |axis: usize, pixels: usize| {
        header.number(&format!("CRPIX{axis}")).map_or(0.0, |place| side * (place - 0.5 * (pixels as f64 + 1.0)))
    };
    let from_reference = f64::hypot(away(1, header.columns), away(2, header.rows));
    let is_zenithal = matches!(code, "TAN" | "SIN" | "ARC" | "STG" | "ZEA" | "ZPN" | "TPV" | "TNX" | "SIP");
    let from_equator = if is_zenithal { 0.0 } else { header.number("CRVAL2").unwrap_or(0.0).abs() };
    let distance = from_reference.max(from_equator);
    if distance > NEAR { Err(FitsError::Projection { code: code.to_owned(), distance }) } else { Ok(()) }
}

/// Whether an axis is one of the sky.
fn is_sky(name: &str) -> bool {
    let axis = name.split('-').next().unwrap_or_default().trim().to_ascii_uppercase();
    axis == "RA" || axis == "DEC" || axis.ends_with("LON") || axis.ends_with("LAT")
}

/// Steps of the world coordinates in degrees, `[coordinate][pixel axis]`.
fn matrix(header: &FitsHeader) -> Option<[[f64; 2]; 2]> {
    let number = |name: &str, i: usize, j: usize| header.number(&format!("{name}{i}_{j}"));
    let unit = |i: usize| {
        let stated = header.text(&format!("CUNIT{i}")).map(str::to_owned);
        let stated = stated.or_else(|| header.unit_of_comment(&format!("CDELT{i}")));
        // Without a unit degrees are meant, on the sky.
        let is_other = header.text(&format!("CTYPE{i}")).is_some_and(|name| !is_sky(name));
        if stated.is_none() && is_other { None } else { degrees_in(stated.as_deref()) }
    };
    let units = [unit(1)?, unit(2)?];
    let of = |element: &dyn Fn(usize, usize) -> f64| {
        [[units[0] * element(1, 1), units[0] * element(1, 2)], [units[1] * element(2, 1), units[1] * element(2, 2)]]
    };
    let stated = |name: &str| (1..=2).any(|i| (1..=2).any(|j| number(name, i, j).is_some()));
    if stated("CD") {
        return Some(of(&|i, j| number("CD", i, j).unwrap_or(0.0)));
    }
    let first = header.number("CDELT1").or_else(|| stated("PC").then_some(1.0))?;
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
