//! Components, one a file.
//!
//! ```text
//! map_view  colour_bar  status                 the map, what its colours mean, who drew it
//! seed_controls  interpolation  colours        which map, and how it looks
//! spectrum_plot  ensemble  downloads           what it measures, beside many others, and to take away
//! notice  about                                what went wrong, and what this is
//! ```

pub mod about;
pub mod colour_bar;
pub mod colours;
pub mod downloads;
pub mod ensemble;
pub mod interpolation;
pub mod map_view;
pub mod notice;
pub mod seed_controls;
pub mod spectrum_plot;
pub mod status;
