//! The page on a user's own weights: `trainer view`.
//!
//! ```text
//! page     the files of the page, in this program or in a folder
//! shelf    weights to choose from, as the page finds them under weights/
//! run      those of a run's checkpoints, as they are written
//! server   answers requests: files by their exact names, and nothing else
//! ```

pub mod page;
#[cfg(feature = "torch")]
pub mod run;
pub mod server;
pub mod shelf;
