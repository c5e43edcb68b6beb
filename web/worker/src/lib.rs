//! The page's Web Workers: they load the weights, draw maps and measure them, off the main thread. What draws is handed in.
//!
//! ```text
//! messages  what goes to and comes from the page
//! download  bytes from the server, with progress
//! loading   weights and device, up to the self-check
//! device    what draws, as the program hands it in
//! artist    the generator on a device
//! judge     the discriminator beside it
//! gauge     what treats and measures maps
//! jobs      what the page asks for, one kind a file
//! ```
//!
//! This package's own program draws on the processor; that of `web/gpu` through burn on WebGPU.

mod artist;
pub mod device;
mod download;
mod gauge;
mod jobs;
mod judge;
mod loading;
mod messages;

use std::rc::Rc;

use device::Open;
use jobs::Jobs;
use js_sys::Uint8Array;
use loading::Source;
pub use messages::Failure;
use protocol::{Request, Response};

/// Serves the page for as long as it lives, with the device that `open` opens.
pub fn serve(open: Open) {
    std::panic::set_hook(Box::new(|panic| {
        // The program cannot go on after a panic: the page must know, so that it starts a new worker.
        messages::send(&Response::Failed {
            retry_on_cpu: true,
            sentence: format!("The computation stopped unexpectedly ({panic})."),
        });
    }));
    let jobs: Rc<Jobs> = Rc::default();
    messages::listen(move |request, message| match request {
        Request::Start { weights, device } => {
            let jobs = Rc::clone(&jobs);
            let bytes = |place| Uint8Array::new(&message.get(place)).to_vec();
            let source = weights.map_or_else(|| Source::Visitor(bytes(1), bytes(2)), Source::Folder);
            wasm_bindgen_futures::spawn_local(async move {
                match loading::load(source, device, open).await {
                    Ok((ready, artist)) => {
                        messages::send(&ready);
                        jobs.begin(artist);
                    }
                    Err(failure) => messages::send(&failure.into_response()),
                }
            });
        }
        Request::Submit { id, work } => jobs.submit(id, work, message),
        Request::Cancel { id } => jobs.cancel(id),
    });
    messages::send(&Response::Hello);
}
