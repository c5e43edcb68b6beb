//! One of several choices: a radio button that looks like what it chooses.

use leptos::prelude::*;

/// A choice; `class` says whether it is a swatch or a chip.
#[component]
pub fn Choice(
    class: &'static str,
    group: &'static str,
    #[prop(into)] chosen: Signal<bool>,
    choose: impl Fn() + 'static,
    #[prop(optional, into)] disabled: Signal<bool>,
    children: Children,
) -> impl IntoView {
    view! {
        <label class=format!("choice {class}")>
            <input
                type="radio"
                name=group
                disabled=move || disabled.get()
                prop:checked=move || chosen.get()
                on:change=move |_| choose()
            />
            {children()}
        </label>
    }
}
