//! The evaluation on one screen.

use std::fmt::Write;

use super::results::{Results, cautions, counted_rows, p_text, verdicts};
use crate::evaluation::{comparison::LEVELS, pairs::ClosestPairs};

/// A screen of text.
pub fn screen(results: &Results) -> String {
    let mut text = String::new();
    for caution in cautions(results) {
        let _ = writeln!(text, "note: {caution}");
    }
    let _ = writeln!(text, "{}, SHA-256 {}", results.weights.words(), results.weights.sha256);
    let sets: Vec<String> = results.sets.iter().map(|set| format!("{} {}", set.maps, set.role)).collect();
    let _ = writeln!(text, "maps: {}\n", sets.join(", "));
    let levels: String = LEVELS.iter().map(|level| format!("{:>6}", format!(">{level}"))).collect();
    let _ = writeln!(text, "{:<34}{:>6}   {levels}{:>9}", "bootstrapped p-values", "tests", "apart*");
    for (group, test, whose, counted) in counted_rows(results) {
        let above: String = counted.above.iter().map(|count| format!("{count:>6}")).collect();
        let name = if whose == "generated" { format!("{group} {test}") } else { format!("  {whose}") };
        let _ = writeln!(text, "{name:<34}{:>6}   {above}{:>9}", counted.tests, counted.told_apart);
    }
    let _ = writeln!(text, "* permutation p of at most 0.05\n");
    let mut line = |name: &str, ours: String, control: Option<String>| {
        let control = control.map(|control| format!("   control {control}")).unwrap_or_default();
        let _ = writeln!(text, "{name:<42}{ours:>10}{control}");
    };
    let (ours, control) = (&results.comparison, results.control.as_ref());
    let pixels =
        |of: &crate::evaluation::comparison::Comparison| p_text(Some(of.pixels.p_permutation), of.options.resamples);
    line("pixel values: KS by permutation of maps", pixels(ours), control.map(pixels));
    line(
        "correlation of P(l): largest difference",
        format!("{:.3}", ours.correlation.largest),
        control.map(|c| format!("{:.3}", c.correlation.largest)),
    );
    let distance = |distance: Option<f64>| distance.map_or_else(|| "none".into(), |distance| format!("{distance:.4}"));
    line(
        "chi-squared distance of P(l)",
        distance(ours.spectrum_distance),
        control.map(|c| distance(c.spectrum_distance)),
    );
    for space in &results.birthday.spaces {
        let share = |found: &ClosestPairs| {
            found.closest_share().map_or_else(|| "all equal".into(), |share| format!("{share:.3}"))
        };
        line(&format!("closest pair of {} / median, {}", space.found.vectors, space.space), share(&space.found), None);
        line(&format!("  simulated, of {}", space.simulated.vectors), share(&space.simulated), None);
    }
    if let Some(distinct) = results.birthday.spaces.first().and_then(|space| space.distinct) {
        let number =
            distinct.estimate.map_or_else(|| format!("> {:.1e}", distinct.low), |estimate| format!("{estimate:.1e}"));
        line("distinct maps (birthday, 95 %)", number, None);
    }
    if let Some(speed) = results.generation.maps_per_second {
        line(&format!("maps a second, {}", results.generation.device), format!("{speed:.1}"), None);
    }
    let _ = writeln!(text, "\none population? Anderson-Darling, all bins together, by permutation of maps:");
    for verdict in verdicts(results) {
        let _ = writeln!(text, "  {verdict}");
    }
    text
}
