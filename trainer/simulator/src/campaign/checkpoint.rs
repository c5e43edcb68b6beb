//! The file from which an interrupted box goes on.

use std::{
    fs::File,
    io::{BufReader, Read, Write},
    path::Path,
};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use storage::runs::AtomicFile;

use crate::{
    evolution::State,
    nbody::{particles::Particles, power::PowerBin},
};

/// Says what the file is, and in which form.
const MAGIC: &[u8; 16] = b"cosmogan box  1\n";

/// Everything of a state but its long arrays.
#[derive(Serialize, Deserialize)]
struct Header {
    /// What the box is made with; a checkpoint of anything else is not used.
    made_with: String,
    step: usize,
    particles: usize,
    /// Maps, sources, pixels of a map.
    kappa: [usize; 3],
    power: Vec<(f64, Vec<PowerBin>)>,
}

/// Writes a state, whole or not at all.
///
/// # Errors
/// When the disk is full, or the folder cannot be written.
pub fn write(path: &Path, state: &State, made_with: &str) -> Result<()> {
    let header = Header {
        made_with: made_with.to_owned(),
        step: state.step,
        particles: state.particles.len(),
        kappa: [
            state.kappa.len(),
            state.kappa.first().map_or(0, Vec::len),
            state.kappa.first().and_then(|map| map.first()).map_or(0, Vec::len),
        ],
        power: state.power.clone(),
    };
    let written = || -> Result<()> {
        let header = serde_json::to_vec(&header)?;
        let mut out = Sum { inner: AtomicFile::create(path)?, sum: 0 };
        out.write_all(MAGIC)?;
        out.write_all(&(header.len() as u64).to_le_bytes())?;
        out.write_all(&header)?;
        for positions in &state.particles.positions {
            out.write_all(bytemuck::cast_slice(positions))?;
        }
        for momenta in &state.particles.momenta {
            out.write_all(bytemuck::cast_slice(momenta))?;
        }
        for kappa in state.kappa.iter().flatten() {
            out.write_all(bytemuck::cast_slice(kappa))?;
        }
        let sum = out.sum;
        out.write_all(&sum.to_le_bytes())?;
        out.inner.finish()
    };
    written().with_context(|| format!("cannot write the checkpoint {}: is the disk full?", path.display()))
}

/// Reads a state; `None` where there is no file.
///
/// # Errors
/// When the file is damaged, or of a box that is made with something else.
pub fn read(path: &Path, made_with: &str) -> Result<Option<State>> {
    if !path.is_file() {
        return Ok(None);
    }
    let damaged = || format!("{} is damaged: delete it, and its box begins anew", path.display());
    let length = path.metadata()?.len();
    let mut input = Sum { inner: BufReader::with_capacity(1 << 20, File::open(path)?), sum: 0 };
    let mut magic = [0; 16];
    let mut header = [0; 8];
    input.read_exact(&mut magic).with_context(damaged)?;
    input.read_exact(&mut header).with_context(damaged)?;
    let header_length = u64::from_le_bytes(header);
    if &magic != MAGIC || header_length > length {
        bail!("{}", damaged());
    }
    let mut header = vec![0; header_length as usize];
    input.read_exact(&mut header).with_context(damaged)?;
    let header: Header = serde_json::from_slice(&header).with_context(damaged)?;
    if header.made_with != made_with {
        bail!(
            "{} is of a box with other parameters or of another version: delete it, or choose another --out",
            path.display()
        );
    }
    let [maps, sources, pixels] = header.kappa;
    // The sizes are the file's own claim: nothing is allocated that it could not hold.
    let values = header.particles as u64 * 6 + (maps * sources * pixels) as u64;
    if length != 16 + 8 + header_length + 4 * values + 4 {
        bail!("{}", damaged());
    }
    let mut state = State { step: header.step, power: header.power, ..State::default() };
    let mut particles = Particles::default();
    for positions in &mut particles.positions {
        *positions = read_values(&mut input, header.particles).with_context(damaged)?;
    }
    for momenta in &mut particles.momenta {
        *momenta = read_values(&mut input, header.particles).with_context(damaged)?;
    }
    state.particles = particles;
    for _ in 0..maps {
        let map: std::io::Result<Vec<Vec<f32>>> = (0..sources).map(|_| read_values(&mut input, pixels)).collect();
        state.kappa.push(map.with_context(damaged)?);
    }
    let (sum, mut stated) = (input.sum, [0; 4]);
    input.read_exact(&mut stated).with_context(damaged)?;
    if u32::from_le_bytes(stated) != sum {
        bail!("{}", damaged());
    }
    Ok(Some(state))
}

fn read_values<T: bytemuck::Pod>(input: &mut impl Read, count: usize) -> std::io::Result<Vec<T>> {
    let mut values = vec![T::zeroed(); count];
    input.read_exact(bytemuck::cast_slice_mut(&mut values))?;
    Ok(values)
}

/// Passes bytes on and keeps their CRC-32C.
struct Sum<T> {
    inner: T,
    sum: u32,
}

impl<T: Write> Write for Sum<T> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.sum = crc32c::crc32c_append(self.sum, &bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

impl<T: Read> Read for Sum<T> {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(bytes)?;
        self.sum = crc32c::crc32c_append(self.sum, &bytes[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> State {
        State {
            step: 7,
            particles: Particles {
                positions: [vec![1, 2], vec![3, 4], vec![5, u32::MAX]],
                momenta: [vec![0.5, -1.0], vec![2.0, 3.0], vec![4.0, 5.0]],
            },
            kappa: vec![vec![vec![1.0, 2.0, 3.0, 4.0]; 2]; 3],
            power: vec![(1.0, vec![PowerBin { k: 0.5, power: 100.0, modes: 12 }])],
        }
    }

    #[test]
    fn a_state_returns_and_damage_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("box.checkpoint");
        assert_eq!(read(&path, "this").unwrap(), None);
        write(&path, &state(), "this").unwrap();
        assert_eq!(read(&path, "this").unwrap(), Some(state()));
        assert!(read(&path, "that").unwrap_err().to_string().contains("other parameters"));
        let bytes = std::fs::read(&path).unwrap();
        for at in [0, 20, 30, bytes.len() - 30] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 16;
            std::fs::write(&path, damaged).unwrap();
            let error = format!("{:#}", read(&path, "this").unwrap_err());
            assert!(error.contains("damaged") || error.contains("other parameters"), "{at}: {error}");
        }
        std::fs::write(&path, &bytes[..bytes.len() - 9]).unwrap();
        assert!(read(&path, "this").unwrap_err().to_string().contains("damaged"));
    }
}
