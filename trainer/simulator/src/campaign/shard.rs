//! Which boxes of a campaign a job makes.

/// Which boxes of a campaign a job makes: number `index` of every `of`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Place of this job, from 1.
    pub index: usize,
    /// Number of jobs.
    pub of: usize,
}

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
        match parts {
            Some((index, of)) if index >= 1 && index <= of => Ok(Self { index, of }),
            _ => Err(format!("a shard is like 3/45: this job's number, from 1, and the number of jobs; got {text}")),
        }
    }
}
