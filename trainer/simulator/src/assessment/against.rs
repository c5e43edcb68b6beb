//! Maps of other simulations that the campaign's are compared with.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use shared::Cosmology;

use super::{maps, moments::PooledMoments, smoothing::Smoothing};
use storage::maps::MapArchive;

use crate::parameters::Parameters;

/// Parameters of two cosmologies that differ by less than this are the same: files round them.
const SAME: f64 = 1e-3;

/// Maps of another simulation, of the campaign's cosmology and of one of its source redshifts. Their pixels and their side may
/// be others; what they leave unsaid is not checked.
pub struct Against {
    archive: MapArchive,
    /// Which of the campaign's source redshifts they belong to.
    pub source_redshift: f64,
}

impl Against {
    /// Looks at a file or folder of maps and checks that they can be compared with a campaign of these parameters.
    /// `side_angle` in degrees is the side of its maps, for files that do not state it.
    ///
    /// # Errors
    /// When the maps cannot be read or smoothed, or are of another cosmology or source redshift.
    pub fn open(path: &Path, side_angle: Option<f64>, parameters: &Parameters) -> Result<Self> {
        let shown = path.display();
        ensure!(path.exists(), "--against {shown}: it is not there, give a file of maps, or a folder of them");
        let archive =
            MapArchive::open(path, side_angle).context("--against takes a file of maps, or a folder of them")?;
        let source_redshift = check(&archive, parameters).with_context(|| format!("--against {shown}"))?;
        Ok(Self { archive, source_redshift })
    }

    /// Number of maps.
    pub fn maps(&self) -> usize {
        self.archive.maps()
    }

    /// The maps in words.
    pub fn source(&self) -> String {
        self.archive.origin().source.clone().unwrap_or_else(|| "not described".into())
    }

    /// Pools the smoothed pixels of all maps. `tick` is called after each map.
    ///
    /// # Errors
    /// When a map is not readable or not finite.
    pub fn measure(&self, tick: &(impl Fn() + Sync)) -> Result<PooledMoments> {
        maps::pool_smoothed(&self.archive, tick).context("--against")
    }
}

/// The source redshift, after all that can be wrong.
fn check(archive: &MapArchive, parameters: &Parameters) -> Result<f64> {
    let pixels = archive.one_size()?;
    let side_angle = archive.side_angle(pixels);
    ensure!(Smoothing::new(pixels, side_angle).is_some(), maps::too_small(pixels, side_angle));
    if let Some(theirs) = archive.origin().cosmology {
        same_cosmology(&theirs, &parameters.cosmology)?;
    }
    let ours = &parameters.source_redshifts;
    match (archive.origin().source_redshift, ours.as_slice()) {
        (Some(theirs), _) => match ours.iter().find(|ours| (*ours - theirs).abs() <= SAME) {
            Some(&redshift) => Ok(redshift),
            None => bail!("its sources are at z = {theirs}, the campaign's at {ours:?}: give maps of the same sources"),
        },
        (None, &[redshift]) => Ok(redshift),
        (None, _) => bail!(
            "it does not say which of the campaign's source redshifts {ours:?} it belongs to: state source_redshift in the \
             .json beside it"
        ),
    }
}

fn same_cosmology(theirs: &Cosmology, ours: &Cosmology) -> Result<()> {
    let both = |a: Option<f64>, b: Option<f64>| a.zip(b).unwrap_or((0.0, 0.0));
    // Neither h nor the baryons, which matter little at a given sigma_8: LensTools' planes state a rounded h, and no baryons.
    let parameters = [
        ("Omega_m", (theirs.omega_m, ours.omega_m)),
        ("Omega_L", (theirs.omega_l, ours.omega_l)),
        ("w0", (theirs.w0, ours.w0)),
        ("wa", (theirs.wa, ours.wa)),
        ("sigma_8", both(theirs.sigma_8, ours.sigma_8)),
        ("n_s", both(theirs.n_s, ours.n_s)),
    ];
    for (name, (theirs, ours)) in parameters {
        ensure!(
            (theirs - ours).abs() <= SAME,
            "its cosmology has {name} = {theirs}, the campaign's {ours}: give maps of the same cosmology"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::latent::latent;
    use storage::maps::{MapWriter, MapsDescription};

    fn write(path: &Path, side_angle: f64, source_redshift: Option<f64>, cosmology: Option<Cosmology>) -> Result<()> {
        let mut writer = MapWriter::create(path, 32)?;
        writer.write(&latent(1, 32 * 32))?;
        writer.finish(Some(&MapsDescription {
            source: "elsewhere".into(),
            maps: 1,
            pixels: 32,
            side_angle,
            seed: None,
            source_redshift,
            cosmology,
            ..MapsDescription::default()
        }))
    }

    #[test]
    fn maps_that_belong_together() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("other.npy");
        let parameters = Parameters { source_redshifts: vec![0.5, 1.0], ..Parameters::laptop() };
        let open = || {
            let opened = Against::open(&path, None, &parameters);
            opened.map_or_else(|error| format!("{error:#}"), |against| against.source_redshift.to_string())
        };
        assert!(open().contains("it is not there"), "{}", open());
        write(&path, 0.5, Some(1.0), Some(Cosmology::PAPER))?;
        assert_eq!(open(), "1");
        write(&path, 0.5, None, None)?;
        assert!(open().contains("state source_redshift"), "{}", open());
        write(&path, 0.5, Some(2.0), None)?;
        assert!(open().contains("its sources are at z = 2"), "{}", open());
        write(&path, 0.5, Some(1.0), Some(Cosmology { sigma_8: Some(0.9), ..Cosmology::PAPER }))?;
        assert!(open().contains("sigma_8 = 0.9, the campaign's 0.798"), "{}", open());
        write(&path, 3.0, Some(1.0), None)?;
        assert!(open().contains("too coarse"), "{}", open());
        Ok(())
    }
}
