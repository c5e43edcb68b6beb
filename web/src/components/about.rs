//! What this is, and how good the network on this page is.

use leptos::prelude::*;
use shared::formats::weights::{Manifest, Origin};

use crate::{
    state::{Phase, State},
    views::View,
};

/// Short explanations, and the record of the weights.
#[component]
pub fn About() -> impl IntoView {
    let state = State::expect();
    let record = move || {
        state.phase.with(|phase| match phase {
            Phase::Ready(_, manifest) => Some(record(manifest)),
            _ => None,
        })
    };
    view! {
        <section class="about" aria-label="About">
            <details open=move || state.view.get() == View::Explore>
                <summary>"What am I looking at?"</summary>
                <p>
                    "Most matter in the universe is dark. Its gravity bends the light of distant galaxies, and from their "
                    "distorted shapes astronomers map the "<em>"convergence"</em>": where there is more matter than average "
                    "along our line of sight, and where there is less. Bright knots are clusters of galaxies; the dark "
                    "stretches between them are nearly empty."
                </p>
                <p>
                    "No telescope took these maps, and no simulation computed them. A generative network that has seen "
                    "simulated maps draws new ones from 64 random numbers; the seed fixes those numbers, so a seed is the same "
                    "map everywhere. A map takes a supercomputer hours to simulate, and this device a moment to draw."
                </p>
            </details>
            <details>
                <summary>"What does the curve say?"</summary>
                <p>
                    "The power spectrum tells how strong the structure is at each size: large patches on the left, fine grain "
                    "on the right. The band is where maps from the simulation lie, mean plus and minus one standard deviation. "
                    "A generator that has understood its subject draws curves that scatter about the band's middle."
                </p>
            </details>
            <details>
                <summary>"How was this network trained?"</summary>
                {record}
                <p>
                    "The networks and the procedure are those of M. Mustafa, D. Bard, W. Bhimji, Z. Lukić, R. Al-Rfou and "
                    "J. M. Kratochvil, "<cite>"CosmoGAN: creating high-fidelity weak lensing convergence maps using "
                    "Generative Adversarial Networks"</cite>", Computational Astrophysics and Cosmology 6, 1 (2019)."
                </p>
            </details>
        </section>
    }
}

fn record(manifest: &Manifest) -> impl IntoView + use<> {
    let text = match &manifest.origin {
        Origin::Trained(training) => {
            let before = training.started_from.as_ref().map(|it| format!(", after {} earlier ones", it.steps));
            format!(
                "Trained for {} steps of {} maps{} ({}, on {}) on {} maps of {:.2} degrees: {}.",
                training.step,
                training.batch_size,
                before.unwrap_or_default(),
                training.precision,
                training.device,
                training.maps,
                manifest.side_angle,
                training.data,
            )
        }
        Origin::Imported(import) => {
            format!(
                "Trained by others ({}) on maps of {:.2} degrees: {}.",
                import.source, manifest.side_angle, import.data
            )
        }
    };
    let rows: Vec<_> = manifest
        .spectrum
        .iter()
        .map(|band| {
            view! {
                <tr>
                    <th scope="row">{format!("{:.0}–{:.0}", band.ell_low, band.ell_high)}</th>
                    <td>{format!("{:.2}", band.mean_ratio)}</td>
                    <td>{format!("{:.2}", band.sigma_ratio)}</td>
                </tr>
            }
        })
        .collect();
    let table = (!rows.is_empty()).then(|| {
        view! {
            <table>
                <caption>"Power spectrum of its maps over that of the simulated ones; 1 is perfect."</caption>
                <thead>
                    <tr>
                        <th scope="col">"multipole l"</th>
                        <th scope="col">"mean"</th>
                        <th scope="col">"scatter"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        }
    });
    view! {
        <p>{text}</p>
        {table}
    }
}
