//! The force on the shape of excursion sets: boundary length and genus, the Minkowski functionals V1 and V2 (paper Eq. 12).

use anyhow::{Context, Result};
use tch::{Kind, Tensor, no_grad};

use super::{
    Aims, Force, Pull,
    field::Field,
    running::{Deviations, Memory},
    table::{Cells, Table},
};
use crate::training::measures::{FORCE_SHAPE, Measure};

/// Added to the squared gradient, in which the genus is divided; in (standard deviations / pixel)^2.
const LEAST_SLOPE: f64 = 2e-5;
/// Width of a soft bin's edge.
const EDGE_WIDTH: f64 = 0.1;
/// Values that the table covers.
const RANGE: [f64; 2] = [-4.0, 20.0];

/// Pulls boundary length and genus in bins of kappa from -2 to 3 standard deviations.
pub struct Shape {
    table: Table,
    /// Of both functionals, one after the other.
    deviations: Deviations,
}

/// Per pixel: |grad kappa|, and (2 kx ky kxy - kx^2 kyy - ky^2 kxx) / |grad kappa|^2, by central differences of a map that wraps.
fn integrands(maps: &Tensor) -> Result<[Tensor; 2]> {
    let shifted = |tensor: &Tensor, by: i64, axis: i64| tensor.f_roll([-by].as_slice(), [axis].as_slice());
    let first =
        |tensor: &Tensor, axis: i64| shifted(tensor, 1, axis)?.f_sub(&shifted(tensor, -1, axis)?)?.f_div_scalar(2.0);
    let second = |axis: i64| {
        let outer = shifted(maps, 2, axis)?.f_add(&shifted(maps, -2, axis)?)?;
        outer.f_sub(&maps.f_mul_scalar(2.0)?)?.f_div_scalar(4.0)
    };
    let (along, down) = (3, 2);
    let (kx, ky) = (first(maps, along)?, first(maps, down)?);
    let (kxx, kyy, kxy) = (second(along)?, second(down)?, first(&kx, down)?);
    let squared = kx.f_square()?.f_add(&ky.f_square()?)?.f_add_scalar(LEAST_SLOPE)?;
    let turning = kx.f_mul(&ky)?.f_mul(&kxy)?.f_mul_scalar(2.0)?;
    let turning = turning.f_sub(&kx.f_square()?.f_mul(&kyy)?)?.f_sub(&ky.f_square()?.f_mul(&kxx)?)?;
    Ok([squared.f_sqrt()?, turning.f_div(&squared)?])
}

impl Shape {
    /// Measures the data.
    ///
    /// # Errors
    /// When there are fewer than two maps, or the device fails.
    pub fn new(aims: &Aims, memory: &Memory) -> Result<Self> {
        let device = aims.chunks.first().context("there are no data maps")?.device();
        let edges: Vec<f64> = (0..=10).map(|edge| -2.0 + 0.5 * f64::from(edge)).collect();
        let table = Table::bins(RANGE, &edges, EDGE_WIDTH, device)?;
        let mut measured = Vec::new();
        for chunk in aims.chunks {
            measured.push(functionals(&table, &table.cells(chunk)?, &integrands(chunk)?)?);
        }
        let measured = Tensor::f_cat(&measured, 0)?;
        Ok(Self { table, deviations: Deviations::from_data(&measured, memory)? })
    }
}

/// Both functionals of each map in all bins, `[n, 2 bins]`.
fn functionals(table: &Table, cells: &Cells, integrands: &[Tensor; 2]) -> Result<Tensor> {
    let [boundary, genus] = integrands.each_ref().map(|integrand| table.means(cells, Some(integrand)));
    Ok(Tensor::f_cat(&[boundary?, genus?], 1)?)
}

impl Force for Shape {
    fn measure(&self) -> Measure {
        FORCE_SHAPE
    }

    fn pull(&mut self, field: &Field) -> Result<Pull> {
        let maps = field.maps();
        let cells = self.table.cells(maps)?;
        let integrands = integrands(maps)?;
        let measured = no_grad(|| functionals(&self.table, &cells, &integrands))?;
        let (factors, deviation) = self.deviations.take(&measured, field.count())?;
        let mut surrogate = deviation.f_zeros_like()?;
        for (first, integrand) in [0, self.table.functions()].into_iter().zip(&integrands) {
            // Both parts of the derivative: a pixel's integrand changes, and it moves to another bin.
            let own = factors.f_narrow(0, first, self.table.functions())?;
            let bins = self.table.values(&cells, &own, maps)?.f_mul(integrand)?;
            let moves = self.table.slopes(&cells, &own, maps)?.f_mul(&integrand.f_detach()?)?.f_mul(maps)?;
            surrogate = surrogate.f_add(&bins.f_add(&moves)?.f_mean(Kind::Float)?)?;
        }
        Ok(Pull { surrogate, deviation })
    }

    fn state(&self) -> Vec<(String, Tensor)> {
        self.deviations.named("shape").into()
    }
}
