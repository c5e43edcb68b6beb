//! What a network's update lowers: a list of named losses.

use anyhow::{Context, Result};
use tch::{Kind, Reduction, Tensor};

/// Losses of one network, whose sum its update lowers.
pub struct Losses {
    losses: Vec<(&'static str, Tensor)>,
}

impl Losses {
    /// These losses, each a number that depends on the network.
    pub fn new(losses: impl IntoIterator<Item = (&'static str, Tensor)>) -> Self {
        Self { losses: losses.into_iter().collect() }
    }

    /// Their sum.
    ///
    /// # Errors
    /// When there are none, or the device fails.
    pub fn total(&self) -> Result<Tensor> {
        let ((_, first), others) = self.losses.split_first().context("a network without a loss")?;
        let add =
            |sum: Tensor, (name, loss): &(&str, Tensor)| sum.f_add(loss).with_context(|| format!("the loss {name}"));
        others.iter().try_fold(first.shallow_clone(), add)
    }
}

/// Mean cross-entropy of logits with one label, in f32.
///
/// # Errors
/// When the device fails.
pub fn cross_entropy(logits: &Tensor, label: f64) -> Result<Tensor> {
    let logits = logits.f_to_kind(Kind::Float)?;
    let labels = logits.f_full_like(label)?;
    Ok(logits.f_binary_cross_entropy_with_logits::<Tensor>(&labels, None, None, Reduction::Mean)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_the_sum() {
        let losses = Losses::new([("a", Tensor::from(1.5_f32)), ("b", Tensor::from(2.0_f32))]);
        assert_eq!(f32::try_from(losses.total().unwrap()).unwrap(), 3.5);
        let of_maps =
            Losses::new([("a", Tensor::from_slice(&[1.5_f32, 2.0])), ("b", Tensor::from_slice(&[1.0_f32; 3]))]);
        assert!(format!("{:#}", of_maps.total().unwrap_err()).contains("the loss b"));
        assert!(Losses::new([]).total().is_err());
    }

    #[test]
    fn cross_entropy_by_its_definition() {
        let logits = Tensor::from_slice(&[0.3_f32, -1.2]);
        for label in [0.0_f64, 1.0] {
            let expected: f64 = [0.3_f64, -1.2]
                .iter()
                .map(|logit| {
                    let p = 1.0 / (1.0 + (-logit).exp());
                    -(label * p.ln() + (1.0 - label) * (1.0 - p).ln()) / 2.0
                })
                .sum();
            let found = f64::try_from(cross_entropy(&logits, label).unwrap()).unwrap();
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
    }
}
