//! Progress bars with the time left, on the terminal alone.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar for `count` things of this kind, such as "maps".
pub fn bar(count: usize, of: &'static str) -> ProgressBar {
    let template = format!("{{msg:24}} {{bar:30}} {{pos}}/{{len}} {of}, {{per_sec}}, {{eta}} left");
    let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(count as u64).with_style(style)
}
