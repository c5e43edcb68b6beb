//! Components, one a file.
//!
//! ```text
//! map_view  magnifier  zoom          the map, and which part of it is seen
//! map_grid                           several maps at once
//! colour_bar  status                 what its colours mean, who drew it
//! seed_controls  appearance  survey  which map, how it looks, and as a survey sees it
//! statistic_plot  downloads          what it measures, and to take away
//! notice  about  weights_chooser     what went wrong, what this is, and which network draws
//! opening                            the first seconds
//! choice  pointer                    a radio button, where a pointer is
//! ```

pub mod about;
pub mod appearance;
pub mod choice;
pub mod colour_bar;
pub mod downloads;
mod magnifier;
pub mod map_grid;
pub mod map_view;
pub mod notice;
pub mod opening;
pub mod pointer;
pub mod seed_controls;
pub mod statistic_plot;
pub mod status;
pub mod survey;
pub mod weights_chooser;
pub mod zoom;
