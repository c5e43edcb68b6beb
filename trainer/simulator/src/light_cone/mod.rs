//! From particles to lens planes: shells of the light cone, seen from the observer.
//!
//! A shell of the light cone is filled when the simulation is as old as its middle. Each map sees every shell from another side:
//! the box is turned by one of the 48 symmetries of the cube and shifted at random, so that shells of one box are nearly
//! independent and a map's structures do not repeat along the line of sight.
//!
//! ```text
//! shell        shells from the observer to the source, and the field of a map
//! orientation  how a map sees the box in one shell
//! deposit      particles -> the mass of a shell on the field
//! ```

mod deposit;
mod orientation;
mod shell;

pub use deposit::LightCone;
pub use shell::{Field, Shell};
