//! Maps and lens planes as FITS.

use fitsio_pure::header::{Card, serialize_header};
use fitsio_pure::image::{serialize_image_f32, serialize_image_f64};
use fitsio_pure::value::Value;

use super::FitsError;
use crate::{ConvergenceMap, Cosmology};

/// What a written map says of itself beside its pixels.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FitsDescription {
    /// Cosmology of the simulation.
    pub cosmology: Option<Cosmology>,
    /// Redshift of the source plane.
    pub source_redshift: Option<f64>,
    /// Further keywords: name (at most 8 capital letters, digits, `-` or `_`), value, comment.
    pub keywords: Vec<(&'static str, Keyword, &'static str)>,
}

/// Value of a further keyword.
#[derive(Debug, Clone, PartialEq)]
pub enum Keyword {
    /// A whole number.
    Integer(i64),
    /// A number.
    Float(f64),
    /// A text; long ones go on over CONTINUE cards.
    Text(String),
}

/// Writes a map as FITS: float32 pixels, ANGLE, a tangential projection around (0, 0) and what `description` says.
///
/// # Errors
/// When a text or keyword of the description cannot stand in a header.
///
/// # Examples
/// ```
/// use shared::{ConvergenceMap, formats::fits::{self, FitsDescription, FitsImage}};
///
/// let map = ConvergenceMap::new(0.865, 2, vec![0.01, -0.02, 0.0, 0.3])?;
/// let bytes = fits::write(&map, &FitsDescription { source_redshift: Some(1.0), ..FitsDescription::default() })?;
/// let image = FitsImage::read(&bytes)?;
/// assert_eq!((image.side_angle()?, image.redshift()), (Some(0.865), Some(1.0)));
/// assert_eq!(image.into_map(None)?, map);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write(map: &ConvergenceMap, description: &FitsDescription) -> Result<Vec<u8>, FitsError> {
    write_pixels(map.side_angle(), map.pixels(), map.kappa(), description)
}

/// The same of `side` x `side` pixels of which some may be NaN: masked.
///
/// # Errors
/// As [`write()`], and when there are not that many pixels.
pub fn write_pixels(
    side_angle: f64,
    side: usize,
    kappa: &[f32],
    description: &FitsDescription,
) -> Result<Vec<u8>, FitsError> {
    if kappa.len() != side * side {
        let [expected, found] = [side * side, kappa.len()].map(|pixels| 4 * pixels as u64);
        return Err(FitsError::Length { expected, found });
    }
    let middle = f64::midpoint(side as f64, 1.0);
    let step = side_angle / side as f64;
    let text = |text: &str| Value::String(text.to_owned());
    let mut header = Header::default();
    header.add("SIMPLE", Value::Logical(true), "conforms to FITS standard")?;
    header.add("BITPIX", Value::Integer(-32), "float32")?;
    header.add("NAXIS", Value::Integer(2), "")?;
    header.add("NAXIS1", Value::Integer(side as i64), "columns")?;
    header.add("NAXIS2", Value::Integer(side as i64), "rows")?;
    header.add("ANGLE", Value::Float(side_angle), "side angle [deg]")?;
    header.add("BUNIT", text("kappa"), "convergence, dimensionless")?;
    if let Some(redshift) = description.source_redshift {
        header.add("REDSHIFT", Value::Float(redshift), "source plane")?;
    }
    if let Some(cosmology) = description.cosmology {
        header.add_cosmology(&cosmology)?;
    }
    for (axis, (name, sign)) in [("RA---TAN", -1.0), ("DEC--TAN", 1.0)].into_iter().enumerate() {
        let axis = axis + 1;
        header.add(&format!("CTYPE{axis}"), text(name), "")?;
        header.add(&format!("CRPIX{axis}"), Value::Float(middle), "")?;
        header.add(&format!("CRVAL{axis}"), Value::Float(0.0), "")?;
        header.add(&format!("CDELT{axis}"), Value::Float(sign * step), "")?;
        header.add(&format!("CUNIT{axis}"), text("deg"), "")?;
    }
    for (keyword, value, comment) in &description.keywords {
        let value = match value {
            Keyword::Integer(value) => Value::Integer(*value),
            Keyword::Float(value) => Value::Float(*value),
            Keyword::Text(value) => text(value),
        };
        header.add(keyword, value, comment)?;
    }
    let mut bytes = serialize_header(&header.cards)?;
    bytes.extend_from_slice(&serialize_image_f32(kappa));
    Ok(bytes)
}

/// A lens plane as LensTools' `PotentialPlane` holds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PotentialPlane<'a> {
    /// Pixels along a side.
    pub pixels: usize,
    /// Side in degrees.
    pub side_angle: f64,
    /// Lensing potential in square radians, row-major.
    pub potential: &'a [f64],
    /// Redshift.
    pub redshift: f64,
    /// Comoving distance in Mpc/h.
    pub distance: f64,
    /// Cosmology of the simulation.
    pub cosmology: Cosmology,
}

/// Writes a lens plane as FITS, float64 pixels and LensTools' keywords.
///
/// # Errors
/// When the potential does not have the pixels.
pub fn write_plane(plane: &PotentialPlane) -> Result<Vec<u8>, FitsError> {
    if plane.potential.len() != plane.pixels * plane.pixels {
        let [expected, found] = [plane.pixels * plane.pixels, plane.potential.len()].map(|pixels| 8 * pixels as u64);
        return Err(FitsError::Length { expected, found });
    }
    let mut header = Header::default();
    header.add("SIMPLE", Value::Logical(true), "conforms to FITS standard")?;
    header.add("BITPIX", Value::Integer(-64), "float64")?;
    header.add("NAXIS", Value::Integer(2), "")?;
    header.add("NAXIS1", Value::Integer(plane.pixels as i64), "columns")?;
    header.add("NAXIS2", Value::Integer(plane.pixels as i64), "rows")?;
    header.add_cosmology(&plane.cosmology)?;
    // LensTools wants the Hubble constant both ways.
    header.add("H0", Value::Float(100.0 * plane.cosmology.h), "Hubble constant in km/s/Mpc")?;
    header.add("Z", Value::Float(plane.redshift), "redshift of the lens plane")?;
    header.add("CHI", Value::Float(plane.distance), "comoving distance in Mpc/h")?;
    header.add("ANGLE", Value::Float(plane.side_angle), "side angle in degrees")?;
    header.add("NPART", Value::Float(0.0), "not counted")?;
    header.add("BUNIT", Value::String("rad2".to_owned()), "lensing potential")?;
    let mut bytes = serialize_header(&header.cards)?;
    bytes.extend_from_slice(&serialize_image_f64(plane.potential));
    Ok(bytes)
}

#[derive(Default)]
struct Header {
    cards: Vec<Card>,
}

impl Header {
    fn add_cosmology(&mut self, cosmology: &Cosmology) -> Result<(), FitsError> {
        self.add("OMEGA_M", Value::Float(cosmology.omega_m), "matter density")?;
        self.add("OMEGA_L", Value::Float(cosmology.omega_l), "dark-energy density")?;
        self.add("H", Value::Float(cosmology.h), "H0 in 100 km/s/Mpc")?;
        self.add("W0", Value::Float(cosmology.w0), "dark-energy equation of state")?;
        self.add("WA", Value::Float(cosmology.wa), "w(a) = W0 + WA (1 - a)")?;
        for (keyword, value) in [("OMEGA_B", cosmology.omega_b), ("SIGMA8", cosmology.sigma_8), ("NS", cosmology.n_s)] {
            if let Some(value) = value {
                self.add(keyword, Value::Float(value), "")?;
            }
        }
        Ok(())
    }

    fn add(&mut self, keyword: &str, value: Value, comment: &str) -> Result<(), FitsError> {
        if let Value::String(text) = &value
            && !text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        {
            return Err(FitsError::Text(text.clone()));
        }
        let mut card = Card::new(keyword, value)?;
        card.comment = (!comment.is_empty()).then(|| comment.to_owned());
        self.cards.push(card);
        Ok(())
    }
}
