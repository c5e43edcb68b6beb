//! Commands with a visible step, and what to run by hand when one fails.

use std::{
    ffi::{OsStr, OsString},
    io::{BufRead, BufReader, Write},
    process::{Command, ExitStatus, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

/// One command with the sentence that announces it.
pub struct Step {
    title: String,
    program: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(&'static str, OsString)>,
    by_hand: Option<String>,
}

impl Step {
    /// A step named `title` that runs `program`.
    pub fn new(title: impl Into<String>, program: impl AsRef<OsStr>) -> Self {
        Self {
            title: title.into(),
            program: program.as_ref().into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            by_hand: None,
        }
    }

    /// Adds one argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().into());
        self
    }

    /// Adds arguments.
    pub fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().into()));
        self
    }

    /// Sets a variable of the command's environment.
    pub fn env(mut self, name: &'static str, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name, value.as_ref().into()));
        self
    }

    /// Says `command` when the step fails, where the command line itself is not what a person would type.
    pub fn by_hand(mut self, command: impl Into<String>) -> Self {
        self.by_hand = Some(command.into());
        self
    }

    /// Announces the step, runs it with its output shown, and explains a failure.
    pub fn run(self, workspace: &Workspace) -> Result<()> {
        let start = self.announce();
        let status = self.command(workspace)?.status();
        tell_duration(start);
        self.explain(status)
    }

    /// As [`Step::run`], and hands each line of the standard output to `line` as it is shown. Says whether the command succeeded.
    pub fn run_reading(self, workspace: &Workspace, mut line: impl FnMut(&str)) -> Result<bool> {
        let start = self.announce();
        let mut child = self
            .command(workspace)?
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", self.program.display()))?;
        if let Some(output) = child.stdout.take() {
            let mut shown = std::io::stdout().lock();
            // Bytes, not lines of UTF-8: a test may print anything.
            for bytes in BufReader::new(output).split(b'\n') {
                let bytes = bytes.context("cannot read the command's output")?;
                shown.write_all(&bytes)?;
                shown.write_all(b"\n")?;
                line(&String::from_utf8_lossy(&bytes));
            }
        }
        let status = child.wait();
        tell_duration(start);
        match self.explain(status) {
            Ok(()) => Ok(true),
            Err(error) => {
                eprintln!("error: {error:#}");
                Ok(false)
            }
        }
    }

    /// Runs the command unseen and returns its standard output, or `None` where it is missing or fails.
    pub fn output(self, workspace: &Workspace) -> Option<String> {
        let output = self.command(workspace).ok()?.stderr(Stdio::null()).stdin(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn announce(&self) -> Instant {
        eprintln!("\n==> {}\n    $ {}", self.title, self.command_line());
        Instant::now()
    }

    fn command(&self, workspace: &Workspace) -> Result<Command> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env("PATH", workspace.search_path()?)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(workspace.root());
        Ok(command)
    }

    fn explain(&self, status: std::io::Result<ExitStatus>) -> Result<()> {
        let hint = self.by_hand.clone().unwrap_or_else(|| self.command_line());
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => bail!("\"{}\" failed ({status}). To try it by hand:\n    {hint}", self.title),
            Err(error) => {
                bail!("\"{}\" could not start: {error}. To try it by hand:\n    {hint}", self.title)
            }
        }
    }

    /// The command as a person would type it.
    fn command_line(&self) -> String {
        let variables = self.environment.iter().map(|(name, value)| format!("{name}={}", quoted(value)));
        let words = std::iter::once(&self.program).chain(&self.arguments).map(|word| quoted(word));
        variables.chain(words).collect::<Vec<_>>().join(" ")
    }
}

/// Says how long a step took, where that is worth knowing.
fn tell_duration(start: Instant) {
    let seconds = start.elapsed().as_secs();
    if seconds >= 10 {
        eprintln!("    took {} min {:02} s", seconds / 60, seconds % 60);
    }
}

/// A word of a shell command, in quotes where it needs them.
fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:@,+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_command_to_run_by_hand() -> Result<()> {
        let workspace = Workspace::find()?;
        let error = Step::new("Fail", "sh").args(["-c", "exit 3"]).env("A", "b c").run(&workspace).unwrap_err();
        assert!(error.to_string().contains("A='b c' sh -c 'exit 3'"), "{error}");
        let error = Step::new("Miss", "no-such-program").by_hand("apt-get install it").run(&workspace).unwrap_err();
        assert!(error.to_string().contains("apt-get install it"), "{error}");
        Ok(())
    }

    #[test]
    fn lines_are_read_and_the_status_told() -> Result<()> {
        let workspace = Workspace::find()?;
        let mut lines = Vec::new();
        let succeeded = Step::new("Print", "sh")
            .args(["-c", "echo one; printf '\\377two'; exit 1"])
            .run_reading(&workspace, |line| lines.push(line.to_owned()))?;
        assert!(!succeeded);
        assert_eq!(lines, ["one", "\u{fffd}two"]);
        Ok(())
    }
}
