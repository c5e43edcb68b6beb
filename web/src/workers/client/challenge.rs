//! The graphics processor's try: whether there is one, and whether it draws faster than the processor.

use leptos::prelude::*;
use protocol::{DeviceReport, Response};
use shared::formats::weights::Manifest;

use super::{LOADING_LIMIT, WorkerClient};
use crate::{
    address::DevicePreference,
    state::Phase,
    workers::{
        graphics::{self, Adapter},
        limit::Limit,
        link::{Heard, Link, Program},
    },
};

impl WorkerClient {
    /// Finds out whether there is a graphics processor to draw on, or why not.
    pub(super) async fn look_for_graphics(&self, preference: DevicePreference) {
        let adapter = graphics::adapter().await;
        if preference == DevicePreference::WebGpu {
            match adapter {
                Ok(adapter) => {
                    let mut inner = self.inner.borrow_mut();
                    (inner.on_graphics, inner.device) = (true, adapter.name);
                }
                Err(reason) => self.inner.borrow_mut().remark = Some(reason),
            }
            return self.spawn();
        }
        match adapter {
            Err(reason) => self.remark(reason),
            Ok(Adapter { name, software: true }) => {
                self.remark(format!("this browser's WebGPU is software ({name}), which is slower"));
            }
            Ok(Adapter { name, .. }) if graphics::was_slower(&name) => {
                self.remark(format!("it was faster than {name} when both were tried"));
            }
            Ok(adapter) => {
                self.inner.borrow_mut().untried = Some(adapter);
                self.challenge();
            }
        }
    }

    /// Says why the graphics processor does not draw.
    fn remark(&self, clause: String) {
        self.state.phase.update(|phase| {
            if let Phase::Ready(device, _) = phase {
                device.remark = Some(clause.clone());
            }
        });
        self.inner.borrow_mut().remark = Some(clause);
    }

    /// Starts the worker for a graphics processor, once the first map is there.
    pub(super) fn challenge(&self) {
        if self.state.shown.with_untracked(Option::is_none) {
            return;
        }
        let Some(adapter) = self.inner.borrow_mut().untried.take() else { return };
        let client = self.clone();
        let hear = move |heard| client.hear_challenger(heard);
        let open = |weights: &_| Link::open(&Program::Gpu, weights, hear);
        let Some(link) = self.state.weights.with_untracked(open) else { return };
        self.inner.borrow_mut().challenger = Some((link, adapter));
        self.limit_challenger();
    }

    /// Starts the time limit of the graphics processor's try anew.
    fn limit_challenger(&self) {
        let client = self.clone();
        let limit = Limit::start(LOADING_LIMIT, move || client.refuse_challenger("it did not answer in time"));
        self.inner.borrow_mut().challenger_limit = Some(limit);
    }

    fn hear_challenger(&self, heard: Heard) {
        let tried = self.inner.borrow().challenger.is_some();
        let response = match heard {
            Heard::Response(response, _) if tried => *response,
            // It has won, and draws.
            Heard::Response(response, message) => return self.receive(*response, &message),
            Heard::Died if tried => return self.refuse_challenger("its program stopped"),
            Heard::Died => return self.recover("The program that draws the maps stopped."),
        };
        self.limit_challenger();
        match response {
            Response::Hello => {
                if let Some((link, adapter)) = &self.inner.borrow().challenger {
                    self.state.weights.with_untracked(|weights| link.start(&adapter.name, weights));
                }
            }
            Response::Ready { device, manifest } => self.judge_challenger(device, manifest),
            Response::Failed { retry_on_cpu, sentence } => {
                web_sys::console::warn_1(&format!("graphics processor: {sentence}").into());
                let device = self.inner.borrow().challenger.as_ref().map(|(_, adapter)| adapter.name.clone());
                if let Some(name) = device.filter(|_| retry_on_cpu) {
                    graphics::remember(&name, true);
                }
                self.refuse_challenger("it failed when it was tried");
            }
            Response::Program | Response::Progress(_) | Response::Job { .. } => {}
        }
    }

    fn refuse_challenger(&self, why: &str) {
        let challenger = {
            let mut inner = self.inner.borrow_mut();
            inner.challenger_limit = None;
            inner.challenger.take()
        };
        if let Some((_, adapter)) = challenger {
            self.remark(format!("{} is not used; {why}", adapter.name));
        }
    }

    /// Lets the faster of both draw from now on.
    fn judge_challenger(&self, device: DeviceReport, manifest: Box<Manifest>) {
        // The newest map rather than one of the start, when the browser had not compiled for speed yet.
        let newest = self.state.shown.with_untracked(|shown| shown.as_ref().map(|shown| shown.milliseconds));
        let own = self.state.phase.with_untracked(|phase| match phase {
            Phase::Ready(device, _) => {
                Some(newest.map_or(device.milliseconds, |newest| newest.min(device.milliseconds)))
            }
            _ => None,
        });
        let Some(own) = own else { return self.refuse_challenger("the page is starting again") };
        let slower = device.milliseconds >= own;
        // Beside an ensemble both are slow, and not alike.
        if !self.state.gathering.get_untracked() {
            graphics::remember(&device.name, slower);
        }
        if slower {
            return self.refuse_challenger(&format!("it takes {:.0} ms a map", device.milliseconds));
        }
        let old = {
            let mut inner = self.inner.borrow_mut();
            inner.challenger_limit = None;
            let Some((link, adapter)) = inner.challenger.take() else { return };
            (inner.on_graphics, inner.device, inner.remark) = (true, adapter.name, None);
            // What was asked of the old worker is asked of the new one.
            inner.drawing = None;
            inner.link.replace(link)
        };
        drop(old);
        self.state.phase.set(Phase::Ready(device, manifest));
        self.limit_work();
        self.draw();
        self.ask_again();
    }
}
