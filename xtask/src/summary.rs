//! What passed, failed and was skipped, read from the output of the test runners.

use std::fmt;

/// Counts of tests.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// As the runners count, which is with the tests of Rust that skip themselves.
    reported_passed: u64,
    skipped_as_passed: u64,
    failed: u64,
    /// Why each skipped test was skipped.
    skipped: Vec<String>,
}

impl Summary {
    /// Takes one line of a test runner's output.
    pub fn read(&mut self, line: &str) {
        let line = line.trim();
        if let Some(counts) = line.strip_prefix("test result: ") {
            // "ok. 12 passed; 0 failed; 1 ignored; 0 measured; ..." of Rust's runner
            self.reported_passed += count_before(counts, "passed");
            self.failed += count_before(counts, "failed");
            let ignored = count_before(counts, "ignored");
            self.skipped.extend((0..ignored).map(|_| "marked #[ignore]".to_owned()));
        } else if let Some(count) = line.strip_prefix("# pass ") {
            // "# pass 5", "# fail 0", "# cancelled 0" of Node's runner in TAP
            self.reported_passed += count.parse().unwrap_or(0);
        } else if let Some(count) = line.strip_prefix("# fail ").or_else(|| line.strip_prefix("# cancelled ")) {
            self.failed += count.parse().unwrap_or(0);
        } else if let Some(at) = line.find("skipped: ") {
            // What a test prints when it lacks something; Rust's runner counts it as passed, Node's does not.
            self.skipped.push(line[at + "skipped: ".len()..].to_owned());
            self.skipped_as_passed += u64::from(!line.starts_with('#'));
        }
    }

    /// Counts a runner that did not end well although no test of it failed: it did not compile, or crashed.
    pub fn fail(&mut self) {
        self.failed += 1;
    }

    fn passed(&self) -> u64 {
        self.reported_passed.saturating_sub(self.skipped_as_passed)
    }

    /// How many failed so far.
    pub fn failed(&self) -> u64 {
        self.failed
    }

    /// Whether tests ran and none failed.
    pub fn is_success(&self) -> bool {
        self.failed == 0 && self.passed() > 0
    }
}

/// The number in front of a word of "12 passed; 0 failed".
fn count_before(text: &str, word: &str) -> u64 {
    let mut previous = "";
    for token in text.split([' ', ';']).filter(|token| !token.is_empty()) {
        if token == word {
            return previous.parse().unwrap_or(0);
        }
        previous = token;
    }
    0
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for reason in &self.skipped {
            writeln!(f, "skipped: {reason}")?;
        }
        write!(f, "{} passed, {} failed, {} skipped", self.passed(), self.failed, self.skipped.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_the_runners_up() {
        let mut summary = Summary::default();
        for line in [
            "running 3 tests",
            "golden: skipped: ../shared/golden is not there",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "# pass 4",
            "# fail 1",
        ] {
            summary.read(line);
        }
        assert!(!summary.is_success());
        assert_eq!(
            summary.to_string(),
            "skipped: ../shared/golden is not there\nskipped: marked #[ignore]\n7 passed, 3 failed, 2 skipped"
        );
    }

    #[test]
    fn no_test_is_no_success() {
        assert!(!Summary::default().is_success());
    }
}
