//! Which of several images or arrays of a file is the map.

/// One image or array of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What it is called.
    pub name: String,
    /// Under which number it can be asked for, where there are numbers.
    pub number: Option<usize>,
    /// Whether it holds maps, as far as shape and type tell.
    pub holds_maps: bool,
    /// Shape and type in words.
    pub looks: String,
}

/// Why none was chosen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChooseError {
    /// There is none of that name.
    #[error("there is no {asked:?} in it; it holds {there}")]
    NoSuch {
        /// The name that was asked for.
        asked: String,
        /// What there is.
        there: String,
    },
    /// Several could be meant.
    #[error("it holds {there}: say which by writing its name behind the file's, as in {example}")]
    Several {
        /// What there is.
        there: String,
        /// How to say which.
        example: String,
    },
    /// There is nothing to choose from.
    #[error("it holds no maps but {0}")]
    None(String),
}

/// Names of maps of convergence, as people give them.
const MAPS: [&str; 6] = ["kappa", "convergence", "maps", "map", "kappa_map", "kappa_maps"];
/// Names of what lies beside maps.
const BESIDE: [&str; 18] = [
    "weight", "wht", "weights", "mask", "masks", "noise", "error", "err", "sigma", "var", "variance", "ivar", "rms",
    "exposure", "exp", "coverage", "dq", "count",
];

/// Names of fields that are no convergence.
const OTHERS: [&str; 14] = [
    "gamma",
    "gamma1",
    "gamma2",
    "shear",
    "shear1",
    "shear2",
    "psi",
    "potential",
    "delta",
    "e1",
    "e2",
    "deflection",
    "alpha1",
    "alpha2",
];

/// Whether a name says that this lies beside maps of convergence: a mask, a weight, noise, or another field.
pub fn is_beside_maps(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let mut words = name.split(|c: char| !c.is_ascii_alphanumeric());
    words.any(|word| BESIDE.contains(&word) || OTHERS.contains(&word))
}

/// The part that is meant: the one that is asked for by name or number; else the only one that holds maps; else the only one
/// named as maps of convergence are; else the only one that is not named as a weight, mask or noise. The second value says what
/// was passed over.
///
/// # Errors
/// When none is asked for and several could be meant, or the one asked for is not there.
///
/// # Examples
/// ```
/// use shared::formats::choose::{Part, choose};
///
/// let part = |name: &str| Part { name: name.into(), number: None, holds_maps: true, looks: "[256, 256]".into() };
/// let parts = [part("WEIGHT"), part("KAPPA")];
/// assert_eq!(choose(&parts, None).map(|(place, _)| place), Ok(1));
/// assert_eq!(choose(&parts, Some("weight")).map(|(place, _)| place), Ok(0));
/// assert!(choose(&[part("a"), part("b")], None).is_err());
/// ```
pub fn choose(parts: &[Part], asked: Option<&str>) -> Result<(usize, Option<String>), ChooseError> {
    if let Some(asked) = asked {
        let is_named = |part: &&Part| part.name.trim_matches('/').eq_ignore_ascii_case(asked.trim_matches('/'));
        let mut of_that_name = parts.iter().filter(is_named);
        if let (Some(first), Some(_)) = (of_that_name.next(), of_that_name.next()) {
            let example = first.number.map_or_else(String::new, |number| format!("FILE[{number}], by its number"));
            return Err(ChooseError::Several { there: format!("several parts of the name {}", first.name), example });
        }
        let by_name = parts.iter().position(|part| is_named(&part));
        let number = asked.parse::<usize>().ok();
        let by_number = || number.and_then(|number| parts.iter().position(|part| part.number == Some(number)));
        let place = by_name.or_else(by_number);
        return place
            .map(|place| (place, None))
            .ok_or_else(|| ChooseError::NoSuch { asked: asked.to_owned(), there: list(parts) });
    }
    let of = |keep: &dyn Fn(&Part) -> bool| -> Vec<usize> {
        (0..parts.len()).filter(|&place| parts[place].holds_maps && keep(&parts[place])).collect()
    };
    let named = |part: &Part, names: &[&str]| {
        let last = part.name.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        names.contains(&last.as_str())
    };
    let all = of(&|_| true);
    match all[..] {
        [] => return Err(ChooseError::None(list(parts))),
        [only] => {
            let name = &parts[only].name;
            let note = is_beside_maps(name).then(|| format!("what it holds is named {name}: is it convergence?"));
            return Ok((only, note));
        }
        _ => {}
    }
    for candidates in [of(&|part| named(part, &MAPS)), of(&|part| !named(part, &BESIDE))] {
        if let [only] = candidates[..] {
            let others: Vec<Part> =
                all.iter().filter(|&&place| place != only).map(|&place| parts[place].clone()).collect();
            let note = format!("of several, {} is read; passed over: {}", parts[only].name, list(&others));
            return Ok((only, Some(note)));
        }
    }
    let example = all.first().map_or_else(String::new, |&first| format!("FILE[{}]", parts[first].name));
    let candidates: Vec<Part> = all.iter().map(|&place| parts[place].clone()).collect();
    Err(ChooseError::Several { there: list(&candidates), example })
}

/// Names with shapes, the first few.
fn list(parts: &[Part]) -> String {
    const MOST: usize = 8;
    let mut names: Vec<String> =
        parts.iter().take(MOST).map(|part| format!("{} ({})", part.name, part.looks)).collect();
    if parts.len() > MOST {
        names.push(format!("{} more", parts.len() - MOST));
    }
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: &str, number: usize, holds_maps: bool) -> Part {
        Part { name: name.into(), number: Some(number), holds_maps, looks: "[4, 4]".into() }
    }

    #[test]
    fn what_is_asked_for_wins() {
        let parts = [part("PRIMARY", 0, false), part("WEIGHT", 1, true), part("E", 2, true), part("B", 3, true)];
        for (asked, place) in [("weight", 1), ("2", 2), ("0", 0)] {
            assert_eq!(choose(&parts, Some(asked)), Ok((place, None)), "{asked}");
        }
        let twice = [part("KAPPA", 1, true), part("KAPPA", 2, true)];
        let error = choose(&twice, Some("kappa")).unwrap_err().to_string();
        assert!(error.contains("FILE[1]") && choose(&twice, Some("2")) == Ok((1, None)), "{error}");
        let shear = choose(&[part("GAMMA1", 1, true)], None).unwrap();
        assert!(shear.1.unwrap().contains("is it convergence?"));
        let error = choose(&parts, Some("KAPPA")).unwrap_err().to_string();
        assert!(error.contains("KAPPA") && error.contains("WEIGHT (["), "{error}");
    }

    #[test]
    fn a_guess_is_told_and_two_are_none() {
        let parts = [part("WEIGHT", 1, true), part("SCI", 2, true)];
        let (place, note) = choose(&parts, None).unwrap();
        assert!(place == 1 && note.unwrap().contains("passed over: WEIGHT"));
        let parts = [part("E", 1, true), part("B", 2, true), part("table", 3, false)];
        let error = choose(&parts, None).unwrap_err().to_string();
        assert!(error.contains("FILE[E]") && !error.contains("table"), "{error}");
        assert_eq!(choose(&parts[2..], None), Err(ChooseError::None("table ([4, 4])".into())));
        assert_eq!(choose(&[], None), Err(ChooseError::None("nothing".into())));
        assert_eq!(choose(&[part("group/kappa", 0, true), part("group/ra", 1, true)], None).unwrap().0, 0);
    }
}
