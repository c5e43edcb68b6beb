//! The report as one HTML page: no scripts, no network, everything inside.

use std::fmt::Write;

use base64::{Engine, prelude::BASE64_STANDARD};

use shared::statistics::{Statistic, two_sample::joint::Test};

use super::{
    figures::{Content, Figure},
    results::{Counted, MINKOWSKI, Results, cautions, count, counted_rows, p_text, verdicts},
};
use crate::{
    evaluation::{
        comparison::{Comparison, LEVELS, PValueSummary},
        novelty::PairsInSpace,
        pairs::ClosestPairs,
    },
    figures::page::{beginning, escaped},
};

/// The page.
pub fn html(results: &Results, figures: &[Figure]) -> String {
    let mut page = beginning("CosmoGAN evaluation");
    let weights = &results.weights;
    let _ = writeln!(
        page,
        "<p>{}, maps of {} pixels and {} degrees. SHA-256 <code>{}</code></p>",
        weights.words(),
        weights.pixels,
        weights.side_angle,
        weights.sha256
    );
    for caution in cautions(results) {
        let _ = writeln!(page, "<p class=\"caution\">{}</p>", escaped(&caution));
    }
    page += "<h2>Are generated and simulated maps one population?</h2>\n<p>p-values for the hypothesis that they are: the Anderson-Darling tests of all \
             bins of a statistic together, by permutation of whole maps; and the bins whose own permutation p-value is at most 0.05.</p>\n<ul>\n";
    for verdict in verdicts(results) {
        let _ = writeln!(page, "<li>{}</li>", escaped(&verdict));
    }
    page += "</ul>\n";
    page += &beside_the_paper(results);
    page += "<h2>The maps</h2>\n";
    let rows = results.sets.iter().map(|set| vec![set.role.clone(), set.maps.to_string(), set.source.clone()]);
    page += &table(&["set", "maps", "source"], &rows.collect::<Vec<_>>());
    page += "<h2>Figures</h2>\n";
    for figure in figures {
        page += &figure_element(figure);
    }
    page += &p_value_table(results);
    page += &bands(results);
    page += &novelty(results);
    page += &method(results);
    page
}

fn method(results: &Results) -> String {
    let options = results.comparison.options;
    format!(
        "<h2>How it was measured</h2>\n<p>Power spectra, Minkowski functionals and peaks in LensTools' definitions. P(l) at those of the \
         paper's 248 multipoles that the maps have modes for, below the Nyquist multipole of their rows: beyond it only the corners of \
         Fourier space have modes. Kolmogorov-Smirnov and Anderson-Darling tests as in SciPy. \"Bootstrapped\" p-values are the \
         paper's: both samples are redrawn from the two together, with replacement ({} times, seed {}). Permutations ({0}) move whole \
         maps between the sets, so that what is said of all bins together holds although bins of one map depend on each other. \
         The density of pixel values has 250 bins, \
         from -0.1 to 0.4 as the paper's for networks that draw the paper's kappa, over the maps' own range otherwise. Independent \
         sets of one population have p-values spread evenly over 0 to 1, one in a hundred above 0.99: that is why each \
         number stands beside the control's.</p>\n\
         <p>Version {}, {:.0} seconds since the last start, {}. Every number is in <code>report.json</code>.</p>\n</body>\n</html>\n",
        options.resamples,
        options.seed,
        escaped(&results.version),
        results.seconds,
        escaped(&results.generation.device)
    )
}

/// The paper's quoted numbers, ours and the control's.
fn beside_the_paper(results: &Results) -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let control = results.control.as_ref();
    let mut row = |name: &str, paper: &str, of: &dyn Fn(&Comparison) -> String| {
        let theirs = control.map_or_else(|| "none".into(), of);
        rows.push(vec![name.into(), paper.into(), of(&results.comparison), theirs]);
    };
    row("pixel values: KS p of the densities' bins (Fig. 2)", "> 0.999", &|of| {
        format!("{:.4}", of.pixels.p_of_densities)
    });
    row("pixel values: KS p by permutation of maps", "", &|of| {
        p_text(Some(of.pixels.p_permutation), of.options.resamples)
    });
    let spectrum = [Statistic::PowerSpectrum];
    let counted = |of: &Comparison, statistics: &[_], test, level: usize| {
        let counted = count(of, statistics, test);
        format!("{} of {}", counted.above[level], counted.tests)
    };
    let (ks, ad) = (Test::KolmogorovSmirnov, Test::AndersonDarling);
    for (name, test, level, paper) in [
        ("P(l) modes with KS p > 0.99", ks, 0, "236 of 248"),
        ("P(l) modes with KS p > 0.95", ks, 1, "246 of 248"),
        ("P(l) modes with KS p > 0.8", ks, 3, "248 of 248"),
        ("P(l) modes with AD p > 0.99", ad, 0, "205 of 248"),
        ("P(l) modes with AD p > 0.95", ad, 1, "231 of 248"),
        ("P(l) modes with AD p > 0.8", ad, 3, "248 of 248"),
    ] {
        row(name, paper, &|of| counted(of, &spectrum, test, level));
    }
    for (name, test, level, paper) in [
        ("Minkowski thresholds with KS p > 0.95", ks, 1, "40 of 57"),
        ("Minkowski thresholds with KS p > 0.9", ks, 2, "47 of 57"),
        ("Minkowski thresholds with KS p > 0.6", ks, 4, "57 of 57"),
        ("Minkowski thresholds with AD p > 0.95", ad, 1, "32 of 57"),
        ("Minkowski thresholds with AD p > 0.9", ad, 2, "38 of 57"),
        ("Minkowski thresholds with AD p > 0.6", ad, 4, "57 of 57"),
    ] {
        row(name, paper, &|of| counted(of, &MINKOWSKI, test, level));
    }
    row("correlation of P(l): largest difference (Fig. 4)", "0.10 (control 0.07)", &|of| {
        format!("{:.3}", of.correlation.largest)
    });
    row("chi-squared distance of P(l) histograms", "", &|of| {
        of.spectrum_distance.map_or_else(String::new, |d| format!("{d:.4}"))
    });
    if let Some(speed) = results.generation.maps_per_second {
        rows.push(vec![
            format!("1024 maps ({})", results.generation.device),
            "15 s (Titan X)".into(),
            format!("{:.1} s", 1024.0 / speed),
            String::new(),
        ]);
    }
    if let Some(distinct) = results.birthday.spaces.first().and_then(|space| space.distinct) {
        rows.push(vec![
            "distinct maps (birthday)".into(),
            "\u{226b} 10\u{2079}".into(),
            distinct_text(&distinct),
            String::new(),
        ]);
    }
    "<h2>Beside the paper</h2>\n".to_owned() + &table(&["", "paper", "generated", "control"], &rows)
}

fn distinct_text(distinct: &shared::statistics::birthday::DistinctMaps) -> String {
    match (distinct.estimate, distinct.high) {
        (Some(estimate), Some(high)) => format!("{estimate:.1e} ({:.1e} to {high:.1e}, 95 %)", distinct.low),
        _ => format!("> {:.1e} (95 %)", distinct.low),
    }
}

fn p_value_table(results: &Results) -> String {
    let row = |(group, test, whose, counted): (&str, &str, &str, Counted)| {
        let mut row = vec![format!("{group}, {test}, {whose}"), counted.tests.to_string()];
        row.extend(counted.above.iter().map(ToString::to_string));
        row.push(counted.told_apart.to_string());
        row
    };
    let rows: Vec<_> = counted_rows(results).into_iter().map(row).collect();
    let levels: Vec<String> = LEVELS.iter().map(|level| format!("p > {level}")).collect();
    let mut heads = vec!["bootstrapped p-values", "tests"];
    heads.extend(levels.iter().map(String::as_str));
    heads.push("permutation p at most 0.05");
    let mut text = "<h2>p-values</h2>\n".to_owned() + &table(&heads, &rows);
    let mut rows = Vec::new();
    for (place, of) in results.comparison.statistics.iter().enumerate() {
        let theirs = results.control.as_ref().and_then(|control| control.statistics.get(place));
        let uniform = |summary: &PValueSummary| {
            let resamples = results.comparison.options.resamples;
            summary
                .uniformity
                .map_or_else(|| "none".into(), |(d, p)| format!("{d:.3} ({})", p_text(Some(p), resamples)))
        };
        let none = || "none".to_owned();
        rows.push(vec![
            of.statistic.label().to_owned(),
            uniform(&of.ks),
            theirs.map_or_else(none, |theirs| uniform(&theirs.ks)),
            uniform(&of.ad),
            theirs.map_or_else(none, |theirs| uniform(&theirs.ad)),
        ]);
    }
    text += "<p>Are the permutation p-values spread evenly? Their Kolmogorov-Smirnov distance from the uniform distribution, and the share \
             of permutations with one as large:</p>\n";
    text + &table(&["statistic", "KS, generated", "KS, control", "AD, generated", "AD, control"], &rows)
}

fn bands(results: &Results) -> String {
    let ratio = |of: Option<&Comparison>, place: usize| {
        let band = of.and_then(|of| of.bands.get(place));
        band.map_or_else(String::new, |band| format!("{:.3} ({:.3})", band.mean_ratio, band.sigma_ratio))
    };
    let row = |(place, band): (usize, &shared::statistics::SpectrumBand)| {
        vec![
            format!("{} to {}", band.ell_low, band.ell_high),
            ratio(Some(&results.comparison), place),
            ratio(results.control.as_ref(), place),
        ]
    };
    let rows: Vec<_> = results.comparison.bands.iter().enumerate().map(row).collect();
    "<h2>P(l) over the validation maps'</h2>\n<p>Ratio of means, and of standard deviations over maps in brackets.</p>\n".to_owned()
        + &table(&["l", "generated", "control"], &rows)
}

fn novelty(results: &Results) -> String {
    let mut text = "<h2>Novelty</h2>\n".to_owned();
    if let Some(nearest) = &results.nearest {
        let distances = |pairs: &[crate::evaluation::pairs::Pair]| {
            pairs.iter().map(|pair| format!("{:.3}", pair.distance)).collect::<Vec<_>>().join(", ")
        };
        let _ = writeln!(
            text,
            "<p>Nearest of {} training maps to {} generated ones: pixel distances {}; distances in ln P(l) {}.</p>",
            nearest.training_maps,
            nearest.seeds.len(),
            distances(&nearest.by_pixels),
            distances(&nearest.by_spectrum)
        );
    } else {
        text += "<p>No training maps were given (<code>--training</code>), so the nearest of them were not looked for.</p>\n";
    }
    let steps: Vec<String> = results.interpolations.largest_step.iter().map(|step| format!("{step:.2}")).collect();
    let _ = writeln!(
        text,
        "<p>Interpolation: the largest step between neighbouring frames is {} of the distance between the ends.</p>",
        steps.join(", ")
    );
    let row = |whose: &str, space: &PairsInSpace, found: &ClosestPairs, distinct: String| {
        let nearest = found.closest.first().map_or(0.0, |pair| pair.distance);
        vec![
            format!("{}, {whose}", space.space),
            found.vectors.to_string(),
            format!("{nearest:.4}"),
            format!("{:.4}", found.median_distance),
            found.closest_share().map_or_else(|| "all equal".into(), |share| format!("{share:.3}")),
            found.equal_pairs.to_string(),
            distinct,
        ]
    };
    let birthday = &results.birthday;
    let mut rows: Vec<Vec<String>> = Vec::new();
    for space in &birthday.spaces {
        rows.push(row(
            "generated",
            space,
            &space.found,
            space.distinct.as_ref().map_or_else(String::new, distinct_text),
        ));
        rows.push(row("simulated", space, &space.simulated, String::new()));
    }
    text += "<p>Birthday test: all pairs of many maps are compared; two are the same where they are no further apart than a tenth of the median \
             distance of simulated maps. The number of equal pairs tells how many different maps the generator can draw. Without any, the \
             bound is set by the number of maps alone. The more pairs, the closer the closest: compare sets of one size.</p>\n";
    text +=
        &table(&["space", "maps", "closest pair", "median", "closest / median", "equal pairs", "distinct maps"], &rows);
    if !birthday.spaces.iter().any(|space| space.space.contains("features")) {
        text += "<p>The space of the discriminator's features was left out: no <code>--discriminator</code> was given.</p>\n";
    }
    if let (Some(simulated), Some(generated)) = (results.diversity.simulated, results.diversity.generated) {
        let _ = writeln!(
            text,
            "<p>Mean multi-scale structural similarity (MS-SSIM) over {} pairs: {:.4} &plusmn; {:.4} among generated maps, {:.4} &plusmn; {:.4} \
             among simulated ones. A generator that draws few kinds of maps has the larger one.</p>",
            generated.pairs, generated.mean, generated.standard_error, simulated.mean, simulated.standard_error
        );
    }
    text
}

fn figure_element(figure: &Figure) -> String {
    let content = match &figure.content {
        Content::Svg(svg) => svg.clone(),
        Content::Png(png) => {
            format!(
                "<img alt=\"{}\" src=\"data:image/png;base64,{}\">",
                escaped(&figure.caption),
                BASE64_STANDARD.encode(png)
            )
        }
    };
    format!(
        "<figure>\n<div class=\"scroll\">{content}</div>\n<figcaption><strong>{}.</strong> {}</figcaption>\n</figure>\n",
        escaped(&figure.title),
        escaped(&figure.caption)
    )
}

fn table(heads: &[&str], rows: &[Vec<String>]) -> String {
    // Sentences begin at the left, numbers end at the right.
    let cells = |tag: &str, cells: &mut dyn Iterator<Item = &str>| {
        let class = |cell: &str| if cell.len() > 40 { " class=\"words\"" } else { "" };
        cells.map(|cell| format!("<{tag}{}>{}</{tag}>", class(cell), escaped(cell))).collect::<String>()
    };
    let head = cells("th", &mut heads.iter().copied());
    let body: String =
        rows.iter().map(|row| format!("<tr>{}</tr>\n", cells("td", &mut row.iter().map(String::as_str)))).collect();
    format!("<div class=\"scroll\"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table></div>\n")
}

/// Text as HTML.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        let page = table(&["<script>"], &[vec!["a & \"b\"".into()]]);
        assert!(page.contains("&lt;script&gt;") && page.contains("a &amp; &quot;b&quot;"), "{page}");
        let figure =
            Figure { file: "a.png", title: "A".into(), caption: "x < y".into(), content: Content::Png(vec![1]) };
        assert!(figure_element(&figure).contains("alt=\"x &lt; y\" src=\"data:image/png;base64,AQ==\""));
    }
}

#[cfg(test)]
mod snapshots {
    use super::*;
    use crate::evaluation::{
        comparison::compare,
        diversity::Similarity,
        fixtures::noise,
        novelty::{Birthday, Interpolations, NearestTrainingMaps},
        options::TestOptions,
        pairs::Pair,
        report::results::{Diversity, GenerationSpeed, SetSummary, WeightsSummary},
    };
    use shared::statistics::birthday::distinct_maps;

    /// An evaluation of noise whose numbers do not depend on a machine.
    fn results() -> Results {
        let options = TestOptions { resamples: 99, seed: 1 };
        let compared =
            |seed, amplitude| compare(&noise(seed, 24, amplitude), &noise(1, 24, 0.05), ["A", "B"], options).unwrap();
        let pair = |first, second, distance| Pair { first, second, distance };
        let found = |vectors, distance| ClosestPairs {
            vectors,
            closest: vec![pair(1, 5, distance)],
            median_distance: 2.0,
            equal_pairs: 0,
            exact: true,
        };
        let similar = |mean| Some(Similarity { pairs: 12, mean, standard_error: 0.01 });
        Results {
            version: "0.0.0".into(),
            quick: true,
            inputs: String::new(),
            warnings: Vec::new(),
            weights: WeightsSummary {
                sha256: "ab".repeat(32),
                steps: Some(3),
                batch_size: Some(4),
                data: "noise <of> tests".into(),
                side_angle: 1.0,
                pixels: 16,
                trained_toward: Vec::new(),
            },
            sets: vec![SetSummary { role: "generated".into(), maps: 24, source: "seeds 0 to 23 & no more".into() }],
            levels: LEVELS,
            comparison: compared(2, 0.06),
            control: Some(compared(3, 0.05)),
            generation: GenerationSpeed { maps_per_second: Some(64.0), device: "a device".into() },
            nearest: Some(NearestTrainingMaps {
                training_maps: 7,
                seeds: vec![0, 1],
                by_pixels: vec![pair(0, 3, 1.25), pair(1, 2, 1.5)],
                by_spectrum: vec![pair(0, 4, 0.5), pair(1, 6, 0.75)],
            }),
            interpolations: Interpolations { seeds: vec![[0, 1]], largest_step: vec![0.25] },
            birthday: Birthday {
                first_seed: 24,
                spaces: vec![PairsInSpace {
                    space: "pixels".into(),
                    found: found(1000, 1.0),
                    simulated: found(24, 1.5),
                    distinct: distinct_maps(1000, 0),
                }],
            },
            diversity: Diversity { simulated: similar(0.25), generated: similar(0.375) },
            seconds: 12.0,
        }
    }

    #[test]
    fn the_report_as_people_see_it() {
        let svg = Content::Svg("<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>".into());
        let figure = Figure { file: "a.svg", title: "Figure 0".into(), caption: "Nothing.".into(), content: svg };
        let page = html(&results(), &[figure]);
        // The style sheet is a file of its own.
        let body = page.split_once("</style>").map_or(page.as_str(), |(_, body)| body);
        insta::assert_snapshot!("report", body);
    }

    #[test]
    fn the_evaluation_on_one_screen() {
        insta::assert_snapshot!("screen", crate::evaluation::report::summary::screen(&results()));
    }
}
