//! CosmoGAN's page: maps drawn on the visitor's own device.
//!
//! ```text
//! app            composes the page
//! state          what is shown, as signals
//! address        what is on screen in the page's address, so that a link reproduces it
//! workers        the Web Workers that compute: jobs, time limits, a fresh start, which device
//! reference      statistics of simulated maps, from public/reference
//! views          what stands beside the map, one a folder
//! components     what views are made of, one a file
//! plot           plots
//! download       files for the visitor
//! clock          milliseconds
//! ```

#![allow(clippy::large_types_passed_by_value, reason = "the state is a bundle of handles, copied like one of them")]

mod address;
mod app;
mod clock;
mod components;
mod download;
mod plot;
mod reference;
mod state;
mod views;
mod workers;

fn main() {
    console_error_panic_hook::set_once();
    leptos::mount::mount_to_body(app::App);
}
