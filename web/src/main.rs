//! CosmoGAN's page: maps drawn on the visitor's own device.
//!
//! ```text
//! app            composes the page
//! state          what is shown, as signals
//! address        the point of latent space in the page's address, so that a link reproduces it
//! workers        the Web Workers that compute: jobs, time limits, a fresh start, which device
//! reference      band of the simulated maps, from public/reference
//! components     one a file
//! download       files for the visitor
//! ```

mod address;
mod app;
mod components;
mod download;
mod reference;
mod state;
mod workers;

fn main() {
    console_error_panic_hook::set_once();
    leptos::mount::mount_to_body(app::App);
}
