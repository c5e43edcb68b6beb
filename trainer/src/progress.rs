//! How far long work is: a bar on a terminal, a line now and then in the log of a batch job.

use std::{
    fmt,
    io::{self, Write},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

/// A line is printed when another tenth is done and this long has passed since the last one ...
const LEAST_PAUSE: Duration = Duration::from_secs(10);
/// ... or when this long has passed.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// So many things in words: "1 map", "2 maps".
pub fn counted(count: usize, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

/// Prints a line of what happens, as `println!` does: that nobody reads it any more, or that it cannot be written, ends no work.
#[macro_export]
macro_rules! say {
    ($($line:tt)*) => { $crate::progress::say(format_args!($($line)*)) };
}

/// See [`say!`].
pub fn say(line: fmt::Arguments) {
    let _ = writeln!(io::stdout().lock(), "{line}");
}

/// Whether this process shows no progress at all.
static SILENT: AtomicBool = AtomicBool::new(false);

/// Shows no progress from now on: where this library is part of another program.
pub fn be_silent() {
    SILENT.store(true, Ordering::Relaxed);
}

/// Progress of one kind of work. On a terminal it is a bar; elsewhere lines go to the standard error, which leaves tables on the
/// standard output alone.
pub struct Bar {
    indicator: ProgressBar,
    /// Where there is no terminal.
    lines: Option<Mutex<Pace>>,
    of: &'static str,
}

/// The bar of a box of a simulation, whose command prints lines of its own where there is no terminal.
pub fn step_bar(steps: usize) -> ProgressBar {
    let template = "{msg} {bar:30} {pos}/{len} steps, {per_sec}, {eta} left";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(steps as u64).with_style(style)
}

/// When lines are due.
struct Pace {
    begun: Instant,
    /// Where the work began this time.
    first: u64,
    printed: Instant,
    printed_at: u64,
}

impl Bar {
    /// Progress over `count` things of this kind, such as "maps".
    pub fn new(count: usize, of: &'static str) -> Self {
        let template = format!("{{msg}}{{bar:30}} {{pos}}/{{len}} {of}, {{per_sec}}, {{eta}} left");
        Self::with_template(count as u64, 0, of, &template)
    }

    /// Progress over the steps of a run, of which some are done.
    pub fn of_steps(steps: u64, done: u64) -> Self {
        Self::with_template(steps, done, "steps", "{prefix}{bar:30} step {pos}/{len}, {eta} left  {msg}")
    }

    /// Shows nothing: of several processes one speaks for all.
    pub fn silent() -> Self {
        Self { indicator: ProgressBar::hidden(), lines: None, of: "" }
    }

    fn with_template(count: u64, done: u64, of: &'static str, template: &str) -> Self {
        if SILENT.load(Ordering::Relaxed) {
            return Self::silent();
        }
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(count).with_style(style);
        bar.set_position(done);
        bar.reset_eta();
        let lines = bar.is_hidden().then(|| Mutex::new(Pace::begin(Instant::now(), done)));
        Self { indicator: bar, lines, of }
    }

    /// Names the work.
    #[must_use]
    pub fn with_message(self, message: impl Into<String>) -> Self {
        self.indicator.set_message(format!("{}  ", message.into()));
        self
    }

    /// Says something of the work's state, such as losses.
    pub fn set_message(&self, message: String) {
        self.indicator.set_message(message);
    }

    /// Names the part of the work that begins.
    pub fn set_prefix(&self, prefix: &str) {
        self.indicator.set_prefix(format!("{prefix}  "));
    }

    /// Counts `more` things as done.
    pub fn inc(&self, more: u64) {
        self.indicator.inc(more);
        self.tell();
    }

    /// Says how many things are done.
    pub fn set_position(&self, done: u64) {
        self.indicator.set_position(done);
        self.tell();
    }

    /// Prints a line beside the bar.
    pub fn println(&self, line: &str) {
        match &self.lines {
            Some(_) => eprintln!("{line}"),
            None => self.indicator.println(line),
        }
    }

    /// Leaves the bar as it is at the end.
    pub fn finish(&self) {
        self.indicator.finish();
    }

    /// Removes the bar.
    pub fn finish_and_clear(&self) {
        self.indicator.finish_and_clear();
    }

    /// Leaves the bar where it stands.
    pub fn abandon(&self) {
        self.indicator.abandon();
    }

    fn tell(&self) {
        let Some(lines) = &self.lines else { return };
        let (done, count) = (self.indicator.position(), self.indicator.length().unwrap_or(0));
        let mut pace = lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(left) = pace.due(Instant::now(), done, count) {
            let (prefix, message) = (self.indicator.prefix(), self.indicator.message());
            let words: Vec<&str> =
                [prefix.trim(), message.trim()].into_iter().filter(|word| !word.is_empty()).collect();
            eprintln!("{done} of {count} {}, about {} left  {}", self.of, duration(left), words.join("  "));
        }
    }
}

impl Pace {
    fn begin(now: Instant, done: u64) -> Self {
        Self { begun: now, first: done, printed: now, printed_at: done }
    }

    /// The time left, where a line is due.
    fn due(&mut self, now: Instant, done: u64, count: u64) -> Option<Duration> {
        let pause = now - self.printed;
        let tenth = count.max(1).div_ceil(10);
        let another = done / tenth > self.printed_at / tenth;
        if done <= self.printed_at || !(pause >= LONGEST_PAUSE || (another && pause >= LEAST_PAUSE)) {
            return None;
        }
        (self.printed, self.printed_at) = (now, done);
        let each = (now - self.begun).as_secs_f64() / (done - self.first) as f64;
        Some(Duration::from_secs_f64(each * count.saturating_sub(done) as f64))
    }
}

/// Hours and minutes, or seconds.
fn duration(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..=119 => format!("{seconds} s"),
        seconds @ 120..=7199 => format!("{} min", seconds / 60),
        seconds => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_at_tenths_but_neither_too_often_nor_too_rarely() {
        let begun = Instant::now();
        let mut pace = Pace::begin(begun, 0);
        let mut at = |seconds: u64, done: u64| pace.due(begun + Duration::from_secs(seconds), done, 1000);
        assert_eq!(at(5, 150), None, "too early");
        assert_eq!(at(20, 200), Some(Duration::from_secs(80)));
        assert_eq!(at(35, 250), None, "not another tenth yet");
        assert_eq!(at(40, 400), Some(Duration::from_mins(1)));
        assert_eq!(at(99, 401), None);
        assert!(at(101, 401).is_some(), "a minute without a line");
        assert_eq!(at(300, 401), None, "nothing is done");
    }

    #[test]
    fn a_resumed_run_tells_its_own_speed() {
        let begun = Instant::now();
        let mut pace = Pace::begin(begun, 900);
        assert_eq!(pace.due(begun + Duration::from_mins(1), 950, 1000), Some(Duration::from_mins(1)));
    }

    #[test]
    fn durations_for_people() {
        let show = |seconds| duration(Duration::from_secs(seconds));
        assert_eq!((show(119), show(150), show(7260)), ("119 s".into(), "2 min".into(), "2 h 01 min".into()));
    }
}
