//! How two sets of maps are tested.

use serde::{Deserialize, Serialize};

/// How p-values are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestOptions {
    /// Permutations, and bootstraps, of each test.
    pub resamples: u32,
    /// Seed of both.
    pub seed: u64,
}
