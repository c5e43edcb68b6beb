//! The header of an image: its keywords, and where and how its pixels lie in the file.

use fitsio_pure::hdu::{Hdu, HduInfo, parse_fits_headers};
use fitsio_pure::header::Card;
use fitsio_pure::value::Value;

use super::{FitsError, wcs};
use crate::{
    Cosmology,
    formats::{
        choose::{ChooseError, Part, choose},
        element::Element,
        layout::Layout,
        shape::{ShapeError, maps_of},
        source::Source,
    },
};

/// An image without its pixels.
#[derive(Debug, Clone)]
pub struct FitsHeader {
    /// EXTNAME; `PRIMARY` for a first image without a name.
    pub name: String,
    /// Place of its unit in the file, counted from 0.
    pub number: usize,
    /// Rows (NAXIS2).
    pub rows: usize,
    /// Columns (NAXIS1).
    pub columns: usize,
    /// Number of maps: 1, or planes of a cube.
    pub maps: usize,
    element: Element,
    hdu: Hdu,
    /// Keywords of the first unit, which hold for the others too.
    inherited: Vec<Card>,
}

impl FitsHeader {
    /// Reads the header of the image that is meant: the one asked for by name or number, or the one that is convergence as far as
    /// names tell. The second value says what was passed over.
    ///
    /// # Errors
    /// When the file is not FITS, holds no image of maps, or is cut off; when several images could be meant.
    pub fn read(source: &(impl Source + ?Sized), asked: Option<&str>) -> Result<(Self, Option<String>), FitsError> {
        let length = usize::try_from(source.length()).unwrap_or(usize::MAX);
        let mut failed = Ok(());
        let file = parse_fits_headers(length, |offset, buffer| {
            if failed.is_ok() {
                failed = source.read_at(offset as u64, buffer);
            }
            Ok(())
        });
        failed?;
        let file = match file {
            Ok(file) => file,
            // A unit that is cut off is told with its numbers.
            Err(error) => return Err(FitsError::Malformed(error)),
        };
        let inherited = file.hdus.first().map(|first| first.cards.clone()).unwrap_or_default();
        let mut images: Vec<(Part, Option<Self>)> = Vec::new();
        let mut last_error = None;
        for (number, hdu) in file.hdus.into_iter().enumerate() {
            let name = text(&hdu.cards, "EXTNAME").map(str::trim).filter(|name| !name.is_empty());
            let name =
                name.map_or_else(|| if number == 0 { "PRIMARY".into() } else { format!("{number}") }, str::to_owned);
            if let Some(healpix) = healpix(&hdu) {
                return Err(FitsError::Healpix(healpix));
            }
            let Some((bitpix, axes)) = pixels(&hdu.info) else { continue };
            // The fastest axis comes first here, last elsewhere.
            let shape: Vec<usize> = axes.iter().rev().copied().collect();
            let element = Element::of_bitpix(bitpix);
            let looks = element.map_or_else(|| format!("BITPIX {bitpix}"), Element::name);
            let looks = format!("{shape:?}, {looks}");
            let found = match (maps_of(&shape), element) {
                (Ok([maps, rows, columns]), Some(element)) => {
                    let inherited = inherited.clone();
                    Some(Self { name: name.clone(), number, rows, columns, maps, element, hdu, inherited })
                }
                (Err(error), _) => {
                    last_error = Some(error);
                    None
                }
                (Ok(_), None) => None,
            };
            images.push((Part { name, number: Some(number), holds_maps: found.is_some(), looks }, found));
        }
        let parts: Vec<Part> = images.iter().map(|(part, _)| part.clone()).collect();
        let (place, note) = match choose(&parts, asked) {
            Ok(chosen) => chosen,
            Err(ChooseError::None(_)) if parts.len() == 1 && last_error.is_some() => {
                return Err(last_error.unwrap_or(ShapeError::Other(Vec::new())).into());
            }
            Err(ChooseError::None(there)) => return Err(FitsError::NoImage(there)),
            Err(error) => return Err(error.into()),
        };
        let (part, header) = images.swap_remove(place);
        let header = header.ok_or_else(|| FitsError::NoImage(format!("{} ({})", part.name, part.looks)))?;
        let third = header.text("CTYPE3").map(|name| name.trim().to_ascii_uppercase()).unwrap_or_default();
        if header.maps > 1
            && ["STOKES", "FREQ", "WAVE", "VELO", "VRAD", "ENER"].iter().any(|other| third.starts_with(other))
        {
            return Err(FitsError::Planes(third));
        }
        let found = source.length().saturating_sub(header.hdu.data_start as u64);
        let expected = header.hdu.data_len as u64;
        if found < expected {
            return Err(FitsError::Length { expected, found });
        }
        Ok((header, note))
    }

    /// Where the pixels lie; of tile-compressed images, where they would lie unpacked, from 0 on.
    pub fn layout(&self) -> Layout {
        let offset = if self.is_packed() { 0 } else { self.hdu.data_start as u64 };
        Layout {
            scale: self.own_number("BSCALE").unwrap_or(1.0),
            zero: self.own_number("BZERO").unwrap_or(0.0),
            blank: match value(&self.hdu.cards, "BLANK") {
                Some(Value::Integer(blank)) => Some(*blank),
                _ => None,
            },
            ..Layout::plain(offset, self.element, [self.maps, self.rows, self.columns])
        }
    }

    /// Whether the pixels are compressed in tiles (`.fz`).
    pub fn is_packed(&self) -> bool {
        matches!(self.hdu.info, HduInfo::CompressedImage { .. })
    }

    pub(super) fn hdu(&self) -> &Hdu {
        &self.hdu
    }

    /// Type of the pixels.
    pub fn element(&self) -> Element {
        self.element
    }

    /// Value of a keyword that holds a number, of this unit or the file's first.
    pub fn number(&self, keyword: &str) -> Option<f64> {
        number(self.value(keyword)?)
    }

    /// The same of this unit alone.
    fn own_number(&self, keyword: &str) -> Option<f64> {
        number(value(&self.hdu.cards, keyword)?)
    }

    /// Value of a keyword that holds a text, of this unit or the file's first.
    pub fn text(&self, keyword: &str) -> Option<&str> {
        match self.value(keyword)? {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The unit that a keyword's comment states in brackets, as FITS recommends: `[arcmin]`.
    pub fn unit_of_comment(&self, keyword: &str) -> Option<String> {
        let of = |cards: &[Card]| {
            cards.iter().find(|card| card.keyword_str() == keyword).and_then(|card| card.comment.clone())
        };
        let comment = of(&self.hdu.cards).or_else(|| of(&self.inherited))?;
        let unit = comment.split_once('[')?.1.split_once(']')?.0.trim().to_owned();
        wcs::degrees_in(Some(&unit)).map(|_| unit)
    }

    fn value(&self, keyword: &str) -> Option<&Value> {
        value(&self.hdu.cards, keyword).or_else(|| value(&self.inherited, keyword))
    }

    /// Side of the map in degrees (of its rows): LensTools' ANGLE, or the columns times the side of a pixel by the world
    /// coordinates. `None` where the file states neither.
    ///
    /// # Errors
    /// When the two contradict each other, ANGLE is no angle of a flat map, or pixels are not square.
    pub fn side_angle(&self) -> Result<Option<f64>, FitsError> {
        let by_wcs = wcs::pixel_side(self)?.map(|side| side * self.columns as f64).filter(|side| *side <= 180.0);
        let Some(angle) = self.number("ANGLE") else { return Ok(by_wcs) };
        let angle = angle * self.unit_of_comment("ANGLE").and_then(|unit| wcs::degrees_in(Some(&unit))).unwrap_or(1.0);
        let is_side = |angle: f64| angle.is_finite() && angle > 0.0 && angle <= 180.0;
        if is_side(angle) && by_wcs.is_none_or(|side| (angle / side - 1.0).abs() < 0.01) {
            return Ok(Some(angle));
        }
        // In arcminutes, arcseconds or radians, perhaps.
        let others = [("arcminutes", 60.0), ("arcseconds", 3600.0), ("radians", 1.0_f64.to_radians())];
        let meant = others.iter().find(|(_, per_degree)| {
            let side = angle / per_degree;
            by_wcs.map_or(!is_side(angle) && is_side(side), |by_wcs| (side / by_wcs - 1.0).abs() < 0.01)
        });
        Err(FitsError::Angle {
            angle,
            by_wcs: by_wcs.map_or_else(String::new, |side| format!(", its world coordinates {side:.6} degrees")),
            meant: meant.map_or_else(String::new, |(unit, _)| format!(" (ANGLE looks like {unit})")),
        })
    }

    /// Redshift of the source plane (REDSHIFT) or of a lens plane (Z).
    pub fn redshift(&self) -> Option<f64> {
        self.number("REDSHIFT").or_else(|| self.number("Z"))
    }

    /// Comoving distance of a LensTools lens plane in Mpc/h (CHI).
    pub fn comoving_distance(&self) -> Option<f64> {
        self.number("CHI")
    }

    /// Cosmology, where the file states at least `OMEGA_M`; what else is missing is taken as flat, w = -1, h = 0.7.
    pub fn cosmology(&self) -> Option<Cosmology> {
        let omega_m = self.number("OMEGA_M")?;
        // Files write the Hubble constant as H or HUBBLE = 0.72, as H0 = 72, and H0 = 0.72 occurs too.
        let hubble = self.number("H").or_else(|| self.number("HUBBLE")).or_else(|| self.number("H0")).unwrap_or(0.7);
        Some(Cosmology {
            omega_m,
            omega_l: self.number("OMEGA_L").unwrap_or(1.0 - omega_m),
            h: if hubble > 1.5 { hubble / 100.0 } else { hubble },
            w0: self.number("W0").unwrap_or(-1.0),
            wa: self.number("WA").unwrap_or(0.0),
            omega_b: self.number("OMEGA_B"),
            sigma_8: self.number("SIGMA8"),
            n_s: self.number("NS"),
        })
    }
}

/// BITPIX and axes of a unit with pixels.
fn pixels(info: &HduInfo) -> Option<(i64, &[usize])> {
    match info {
        HduInfo::Primary { bitpix, naxes } | HduInfo::Image { bitpix, naxes } if !naxes.is_empty() => {
            Some((*bitpix, naxes))
        }
        HduInfo::CompressedImage { zbitpix, znaxes, .. } if !znaxes.is_empty() => Some((*zbitpix, znaxes)),
        _ => None,
    }
}

/// NSIDE of a HEALPix table.
fn healpix(hdu: &Hdu) -> Option<String> {
    let is_healpix = text(&hdu.cards, "PIXTYPE").is_some_and(|kind| kind.trim().eq_ignore_ascii_case("HEALPIX"));
    is_healpix.then(|| {
        value(&hdu.cards, "NSIDE").and_then(number).map_or_else(String::new, |nside| format!(" of NSIDE {nside}"))
    })
}

fn value<'a>(cards: &'a [Card], keyword: &str) -> Option<&'a Value> {
    cards.iter().find(|card| card.keyword_str() == keyword)?.value.as_ref()
}

fn text<'a>(cards: &'a [Card], keyword: &str) -> Option<&'a str> {
    match value(cards, keyword)? {
        Value::String(text) => Some(text),
        _ => None,
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(value) => Some(*value as f64),
        Value::Float(value) => Some(*value),
        _ => None,
    }
}
