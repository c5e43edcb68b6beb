//! The page's Web Worker: loads the weights, draws maps through burn on WebGPU or the CPU, and measures them.
//!
//! ```text
//! messages  what goes to and comes from the page
//! download  bytes from the server, with progress
//! loading   weights and device, up to the self-check
//! device    WebGPU where it is a real GPU, else the CPU
//! drawing   a view -> a map and its power spectrum
//! ```

mod device;
mod download;
mod drawing;
mod loading;
mod messages;

use std::{cell::RefCell, rc::Rc};

use drawing::Artist;
use protocol::{Request, Response};

fn main() {
    std::panic::set_hook(Box::new(|panic| {
        // The program cannot go on after a panic: the page must know, so that it starts a new worker.
        messages::send(&Response::Failed {
            id: None,
            retry_on_cpu: true,
            sentence: format!("The computation stopped unexpectedly ({panic})."),
        });
    }));
    let artist: Rc<RefCell<Option<Artist>>> = Rc::default();
    messages::listen(move |request| {
        let artist = Rc::clone(&artist);
        wasm_bindgen_futures::spawn_local(async move {
            match request {
                Request::Start { weights, device } => match loading::load(&weights, device).await {
                    Ok((ready, loaded)) => {
                        artist.replace(Some(loaded));
                        messages::send(&ready);
                    }
                    Err(failure) => messages::send(&failure.into_response(None)),
                },
                Request::Draw { id, view } => {
                    // The page asks for one map at a time; the artist is away only while it draws.
                    let Some(mut busy) = artist.take() else {
                        return messages::send(&Response::Failed {
                            id: Some(id),
                            retry_on_cpu: false,
                            sentence: "The generator is not loaded yet.".into(),
                        });
                    };
                    match busy.draw(id, view).await {
                        Ok((drawn, kappa)) => messages::send_map(&Response::Drawn(drawn), &kappa),
                        Err(failure) => messages::send(&failure.into_response(Some(id))),
                    }
                    artist.replace(Some(busy));
                }
            }
        });
    });
    messages::send(&Response::Hello);
}
