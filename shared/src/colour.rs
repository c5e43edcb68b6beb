//! Colours of kappa, for the page, the report and sample sheets: tables of anchors, a logarithmic stretch, and the range that
//! they span.

/// A table of colours from low to high kappa.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColourMap {
    /// matplotlib's inferno (CC0): perceptually uniform, bright where matter is dense.
    #[default]
    Inferno,
    /// matplotlib's viridis (CC0): perceptually uniform, safe for colour-blind eyes.
    Viridis,
    /// `ColorBrewer`'s Blues (Apache-2.0), as the paper's Figure 1: dark where matter is dense.
    Blues,
    /// Night to ember, this project's own: lightness rises throughout, and structure stands out of the dark.
    Ember,
}

const INFERNO: [u32; 10] =
    [0x00_0004, 0x1b_0c41, 0x4a_0c6b, 0x78_1c6d, 0xa5_2c60, 0xcf_4446, 0xed_6925, 0xfb_9b06, 0xf7_d13d, 0xfc_ffa4];
const VIRIDIS: [u32; 10] =
    [0x44_0154, 0x48_2878, 0x3e_4989, 0x31_688e, 0x26_828e, 0x1f_9e89, 0x35_b779, 0x6e_ce58, 0xb5_de2b, 0xfd_e725];
const BLUES: [u32; 9] =
    [0xf7_fbff, 0xde_ebf7, 0xc6_dbef, 0x9e_cae1, 0x6b_aed6, 0x42_92c6, 0x21_71b5, 0x08_519c, 0x08_306b];

const EMBER: [u32; 8] = [0x06_0816, 0x14_143a, 0x2e_286e, 0x58_3c96, 0xa0_5496, 0xe4_786e, 0xfa_b45a, 0xff_ecbe];

impl ColourMap {
    /// All of them, in the order of the page.
    pub const ALL: [Self; 4] = [Self::Ember, Self::Inferno, Self::Viridis, Self::Blues];

    /// Name on the page.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inferno => "Inferno",
            Self::Viridis => "Viridis",
            Self::Blues => "Paper blues",
            Self::Ember => "Ember",
        }
    }

    fn anchors(self) -> &'static [u32] {
        match self {
            Self::Inferno => &INFERNO,
            Self::Viridis => &VIRIDIS,
            Self::Blues => &BLUES,
            Self::Ember => &EMBER,
        }
    }

    /// Red, green, blue at a share of the range, 0 to 1.
    pub fn colour(self, share: f32) -> [u8; 3] {
        let anchors = self.anchors();
        let place = share.clamp(0.0, 1.0) * (anchors.len() - 1) as f32;
        let lower = (place as usize).min(anchors.len() - 2);
        let part = place - lower as f32;
        let channel = |anchor: u32, shift: u32| (anchor >> shift & 0xff) as f32;
        [16, 8, 0].map(|shift| {
            let (a, b) = (channel(anchors[lower], shift), channel(anchors[lower + 1], shift));
            (a + (b - a) * part).round() as u8
        })
    }

    /// The table as a CSS gradient, for previews and the colour bar; its stops follow the table evenly.
    pub fn gradient(self, direction: &str) -> String {
        let stops: Vec<String> = self.anchors().iter().map(|anchor| format!("#{anchor:06x}")).collect();
        format!("linear-gradient({direction}, {})", stops.join(", "))
    }
}

/// How kappa is spread over a table of colours: what a person can tell apart, in the voids or in the clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stretch {
    /// Evenly.
    #[default]
    Linear,
    /// The square root of the share.
    SquareRoot,
    /// log10(1 + 9 share).
    Logarithmic,
    /// asinh(10 share) / asinh(10): more of the table for low values than the logarithm's.
    Asinh,
}

impl Stretch {
    /// All of them, in the order of the page.
    pub const ALL: [Self; 4] = [Self::Linear, Self::SquareRoot, Self::Logarithmic, Self::Asinh];

    /// Name on the page.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::SquareRoot => "sqrt",
            Self::Logarithmic => "log",
            Self::Asinh => "asinh",
        }
    }

    /// Where in the table, 0 to 1, a value of kappa lies.
    pub fn place(self, kappa: f32, (low, high): (f32, f32)) -> f32 {
        let share = ((kappa - low) / (high - low)).clamp(0.0, 1.0);
        match self {
            Self::Linear => share,
            Self::SquareRoot => share.sqrt(),
            Self::Logarithmic => (1.0 + 9.0 * share).log10(),
            Self::Asinh => (10.0 * share).asinh() / 10_f32.asinh(),
        }
    }

    /// Kappa at a place in the table: the inverse of [`Stretch::place`], for the colour bar's numbers.
    pub fn kappa(self, place: f32, (low, high): (f32, f32)) -> f32 {
        let share = match self {
            Self::Linear => place,
            Self::SquareRoot => place * place,
            Self::Logarithmic => (10_f32.powf(place) - 1.0) / 9.0,
            Self::Asinh => (place * 10_f32.asinh()).sinh() / 10.0,
        };
        low + (high - low) * share
    }
}

/// Pixels as red, green, blue, alpha.
///
/// # Examples
/// ```
/// use shared::colour::{ColourMap, paint};
///
/// let painted = paint(&[0.0, 0.3], (0.0, 0.3), ColourMap::Blues);
/// assert!(painted[0] > painted[4], "dense matter is dark in the paper's colours");
/// ```
pub fn paint(kappa: &[f32], range: (f32, f32), colours: ColourMap) -> Vec<u8> {
    paint_stretched(kappa, range, Stretch::Logarithmic, colours)
}

/// Colour of pixels without a value, which no table of colours holds.
pub const MASKED: [u8; 3] = [112, 122, 112];

/// [`paint`] with another stretch; pixels that are NaN have no value and are [`MASKED`].
pub fn paint_stretched(kappa: &[f32], range: (f32, f32), stretch: Stretch, colours: ColourMap) -> Vec<u8> {
    // Steps of the table over kappa and of the colours over the table: the stretch is computed for neither pixel nor colour twice,
    // and 4096 steps of kappa are finer than 8 bits a channel can show.
    const STEPS: f32 = 4095.0;
    let (low, high) = range;
    let colour = |step: u16| colours.colour(stretch.place(low + (high - low) * f32::from(step) / STEPS, range));
    let table: Vec<[u8; 3]> = (0..=STEPS as u16).map(colour).collect();
    let step = |&kappa: &f32| {
        if kappa.is_nan() {
            MASKED
        } else {
            table[(((kappa - low) / (high - low)).clamp(0.0, 1.0) * STEPS).round() as usize]
        }
    };
    kappa.iter().map(step).flat_map(|[red, green, blue]| [red, green, blue, 255]).collect()
}

/// The colours of [`paint_difference`] as a CSS gradient.
pub const DIFFERENCE_GRADIENT: &str = "linear-gradient(to right, #053061, #f7f7f7, #67001f)";

/// Pixels of a difference, RGBA: white where it is 0, red where it is positive and blue where negative, in full at `most`
/// (`ColorBrewer`'s `RdBu`, Apache-2.0).
pub fn paint_difference(difference: &[f32], most: f32) -> Vec<u8> {
    const ENDS: [[f32; 3]; 3] = [[5.0, 48.0, 97.0], [247.0, 247.0, 247.0], [103.0, 0.0, 31.0]];
    let pixel = |&difference: &f32| {
        if difference.is_nan() {
            return [MASKED[0], MASKED[1], MASKED[2], 255];
        }
        let share = (difference / most).clamp(-1.0, 1.0);
        let end = if share < 0.0 { ENDS[0] } else { ENDS[2] };
        let channel = |at: usize| (ENDS[1][at] + (end[at] - ENDS[1][at]) * share.abs()).round() as u8;
        [channel(0), channel(1), channel(2), 255]
    };
    difference.iter().flat_map(pixel).collect()
}

/// Takes the colour out of pixels whose kappa lies below a threshold, so that the excursion set stands out.
pub fn dim_below(pixels: &mut [u8], kappa: &[f32], threshold: f32) {
    for (pixel, &kappa) in pixels.chunks_exact_mut(4).zip(kappa) {
        if kappa < threshold {
            let grey = (u16::from(pixel[0]) * 2 + u16::from(pixel[1]) * 5 + u16::from(pixel[2])) / 8;
            // Between a third of its own grey and a dark ground: shapes below stay visible.
            pixel[..3].fill((24 + grey * 2 / 5) as u8);
        }
    }
}

/// Shares of pixels below and above the range that a map's colours span.
pub const RANGE_SHARES: [f64; 2] = [0.005, 0.998];

/// The values below which these shares of all values lie, as a range for colours: never empty, 0 to 1 where there are no
/// values.
pub fn range_of(values: impl Iterator<Item = f32>, shares: [f64; 2]) -> (f32, f32) {
    let mut sorted: Vec<f32> = values.filter(|value| !value.is_nan()).collect();
    sorted.sort_unstable_by(f32::total_cmp);
    let at = |share: f64| sorted.get((share * sorted.len().saturating_sub(1) as f64) as usize).copied();
    match (at(shares[0]), at(shares[1])) {
        (Some(low), Some(high)) if high > low => (low, high),
        (Some(low), _) => (low, low + 1e-3),
        _ => (0.0, 1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_without_a_value_have_a_colour_of_their_own() {
        let kappa = [f32::NAN, 0.0, 0.1];
        assert_eq!(range_of(kappa.into_iter(), [0.0, 1.0]), (0.0, 0.1));
        for colours in ColourMap::ALL {
            let painted = paint_stretched(&kappa, (0.0, 0.1), Stretch::Linear, colours);
            assert_eq!(painted[..3], MASKED);
            let table = (0..=255).map(|step| colours.colour(step as f32 / 255.0));
            assert!(table.into_iter().all(|colour| colour != MASKED), "{}", colours.name());
        }
        assert_eq!(paint_difference(&kappa, 0.1)[..3], MASKED);
    }

    #[test]
    fn tables_begin_and_end_with_their_anchors() {
        for colours in ColourMap::ALL {
            let ends = [colours.anchors()[0], colours.anchors()[colours.anchors().len() - 1]];
            let bytes = ends.map(|anchor| [16, 8, 0].map(|shift| (anchor >> shift) as u8));
            assert_eq!([colours.colour(0.0), colours.colour(1.0)], bytes, "{}", colours.name());
            assert_eq!(colours.colour(-3.0), colours.colour(0.0));
        }
    }

    #[test]
    fn the_own_table_grows_lighter_throughout() {
        let lightness = |step: u16| {
            let linear =
                ColourMap::Ember.colour(f32::from(step) / 200.0).map(|byte| (f32::from(byte) / 255.0).powf(2.2));
            0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        };
        assert!((1..=200).all(|step| lightness(step) >= lightness(step - 1)));
    }

    #[test]
    fn stretch_and_unstretch_are_inverse() {
        let range = (-0.02, 0.3);
        for stretch in Stretch::ALL {
            let mut last = -1.0;
            for step in 0..=50 {
                let kappa = -0.02 + 0.32 * step as f32 / 50.0;
                let place = stretch.place(kappa, range);
                assert!((stretch.kappa(place, range) - kappa).abs() < 1e-6, "{} at {kappa}", stretch.name());
                assert!(place > last, "{} rises", stretch.name());
                last = place;
            }
            assert_eq!((stretch.place(-9.0, range), stretch.place(9.0, range)), (0.0, 1.0));
        }
    }

    #[test]
    fn only_what_lies_below_a_threshold_loses_its_colour() {
        let kappa = [0.0, 0.1, 0.2];
        let whole = paint(&kappa, (0.0, 0.3), ColourMap::Inferno);
        let mut dimmed = whole.clone();
        dim_below(&mut dimmed, &kappa, 0.1);
        assert_eq!(dimmed[4..], whole[4..]);
        assert!(dimmed[0] == dimmed[1] && dimmed[1] == dimmed[2] && dimmed[3] == 255);
    }

    #[test]
    fn a_difference_is_white_where_there_is_none() {
        let painted = paint_difference(&[-3.0, 0.0, 2.0], 2.0);
        assert_eq!(painted, [5, 48, 97, 255, 247, 247, 247, 255, 103, 0, 31, 255]);
    }

    #[test]
    fn a_range_is_never_empty() {
        assert_eq!(range_of((0..=1000).map(|i| i as f32), [0.01, 0.9]), (10.0, 900.0));
        assert_eq!(range_of([2.0, 2.0].into_iter(), RANGE_SHARES), (2.0, 2.001));
        assert_eq!(range_of(std::iter::empty(), RANGE_SHARES), (0.0, 1.0));
    }

    #[test]
    fn pixels_are_painted_with_the_table() {
        let painted = paint(&[0.0, 1.0], (0.0, 1.0), ColourMap::Blues);
        assert_eq!(painted, [0xf7, 0xfb, 0xff, 255, 0x08, 0x30, 0x6b, 255]);
    }
}
