//! The page's Web Worker: loads the weights, draws maps through burn on WebGPU or the CPU, and measures them.
//!
//! ```text
//! messages  what goes to and comes from the page
//! download  bytes from the server, with progress
//! loading   weights and device, up to the self-check
//! device    WebGPU where it is a real GPU, else the CPU
//! artist    the generator on a device, and what measures its maps
//! jobs      what the page asks for, one kind a file
//! ```

mod artist;
mod device;
mod download;
mod jobs;
mod loading;
mod messages;

use std::rc::Rc;

use jobs::Jobs;
use protocol::{Request, Response};

fn main() {
    std::panic::set_hook(Box::new(|panic| {
        // The program cannot go on after a panic: the page must know, so that it starts a new worker.
        messages::send(&Response::Failed {
            retry_on_cpu: true,
            sentence: format!("The computation stopped unexpectedly ({panic})."),
        });
    }));
    let jobs: Rc<Jobs> = Rc::default();
    messages::listen(move |request| match request {
        Request::Start { weights, device } => {
            let jobs = Rc::clone(&jobs);
            wasm_bindgen_futures::spawn_local(async move {
                match loading::load(&weights, device).await {
                    Ok((ready, artist)) => {
                        messages::send(&ready);
                        jobs.begin(artist);
                    }
                    Err(failure) => messages::send(&failure.into_response()),
                }
            });
        }
        Request::Submit { id, work } => jobs.submit(id, work),
        Request::Cancel { id } => jobs.cancel(id),
    });
    messages::send(&Response::Hello);
}
