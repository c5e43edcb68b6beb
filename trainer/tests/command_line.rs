//! What a user types, right and wrong: right input gives files that the next command takes, wrong input a sentence that
//! says what to do and exit code 2, and nothing that was there before is lost.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use anyhow::{Context, Result, ensure};
use shared::formats::npy;
use tempfile::TempDir;

/// Runs `trainer` in a folder.
fn trainer(folder: &Path, line: &str) -> Result<Output> {
    Command::new(env!("CARGO_BIN_EXE_trainer"))
        .args(line.split_whitespace())
        .current_dir(folder)
        .output()
        .context("cannot start trainer")
}

fn succeed(folder: &Path, line: &str) -> Result<String> {
    let output = trainer(folder, line)?;
    ensure!(output.status.success(), "trainer {line}\n{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// Wrong input: exit code 2 and a message that holds `says`, no panic.
fn refuse(folder: &Path, line: &str, says: &str) -> Result<()> {
    let output = trainer(folder, line)?;
    let message = String::from_utf8(output.stderr)?;
    ensure!(output.status.code() == Some(2), "trainer {line}: {:?}\n{message}", output.status);
    ensure!(message.contains(says), "trainer {line}: expected \"{says}\" in\n{message}");
    ensure!(!message.contains("panicked"), "trainer {line}\n{message}");
    Ok(())
}

/// A folder with `maps.npy`: 24 maps of 48 x 48 pixels without a description.
fn folder_with_maps() -> Result<TempDir> {
    let folder = tempfile::tempdir()?;
    let kappa: Vec<f32> = (0..24 * 48 * 48).map(|pixel| 0.02 * ((pixel * 7919 % 1013) as f32 / 1013.0 - 0.5)).collect();
    let mut bytes = npy::encode_header(24, 48, 48);
    bytes.extend(kappa.iter().flat_map(|value| value.to_le_bytes()));
    std::fs::write(folder.path().join("maps.npy"), bytes)?;
    std::fs::write(
        folder.path().join("small.toml"),
        "steps = 4\nbatch_size = 4\nsample_every = 2\nsample_maps = 4\ncheckpoint_every = 2\n\
         [network]\nlatent_size = 8\nmap_side = 32\nbase_channels = 4\nstages = 3\nkappa_scale = 0.125\n",
    )?;
    Ok(folder)
}

#[test]
fn from_maps_to_generated_maps() -> Result<()> {
    let folder = folder_with_maps()?;
    let here = folder.path();
    succeed(here, "maps --maps maps.npy --side-angle 0.9 --count 12 --size 32 --out crops.npy")?;
    succeed(here, "train --config small.toml --data crops.npy --out run --device cpu")?;
    succeed(here, "train --data crops.npy --out run --device cpu --resume --steps 6")?;
    succeed(here, "export --run run --out weights --data crops.npy")?;
    succeed(here, "train --config small.toml --data crops.npy --out tuned --device cpu --start-from weights")?;
    succeed(here, "export --run tuned --step 4 --out tuned-weights")?;
    let text = succeed(here, "info tuned-weights")?;
    assert!(text.contains("4 steps of") && text.contains("begun from the generator"), "{text}");
    succeed(here, "generate --weights weights --count 3 --seed 5 --out generated.npy --device cpu")?;
    succeed(here, "generate --weights weights --seed 6 --out one.fits --device cpu")?;
    succeed(here, "generate --weights weights --count 2 --out many-fits --device cpu")?;
    let generated = npy::read(&std::fs::read(here.join("generated.npy"))?)?;
    assert_eq!((generated.maps, generated.rows, generated.columns), (3, 32, 32));
    assert_eq!(std::fs::read_dir(here.join("many-fits"))?.count(), 2);
    let spectrum = succeed(here, "spectrum generated.npy")?;
    assert_eq!(spectrum.lines().count(), 249, "{spectrum}");
    succeed(here, "spectrum many-fits --out spectrum.csv")?;
    let bins = std::fs::read_to_string(here.join("spectrum.csv"))?;
    assert!(bins.starts_with("ell,power_sr") && bins.contains("\n300,,,\n"), "a bin without modes is empty: {bins}");
    evaluated(here)?;
    for (file, says) in [
        ("crops.npy", "32"),
        ("one.fits", "0.6"),
        ("reference/power_spectrum.json", "P(l)"),
        ("weights", "step"),
        ("weights/manifest.json", "step"),
        ("weights/generator-f16.safetensors", "tensors"),
        ("run/checkpoints/step-0000006.safetensors", "step"),
        ("run/config.toml", "batch"),
    ] {
        let text = succeed(here, &format!("info {file}"))?;
        assert!(text.contains(says), "info {file}: {text}");
    }
    // The second map of a sequence is the first one of the next seed.
    succeed(here, "generate --weights weights --seed 6 --out again.npy --device cpu")?;
    let again = npy::read(&std::fs::read(here.join("again.npy"))?)?;
    let difference =
        generated.values[1024..2048].iter().zip(&again.values).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(difference < 1e-6, "{difference:e}");
    Ok(())
}

/// Evaluates `weights` on `crops.npy` twice: the second time from the finished parts.
fn evaluated(here: &Path) -> Result<()> {
    for (file, seed) in [("validation.npy", 5), ("auxiliary.npy", 6)] {
        succeed(
            here,
            &format!("maps --maps maps.npy --side-angle 0.9 --count 12 --size 32 --seed {seed} --out {file}"),
        )?;
    }
    let line = "evaluate --weights weights --data validation.npy --control auxiliary.npy --training crops.npy \
                --discriminator run/checkpoints/step-0000006.safetensors --out report --reference reference --quick \
                --count 10 --pair-maps 12 --resamples 99 --device cpu";
    let screen = succeed(here, line)?;
    ensure!(screen.contains("Quick") && screen.contains("control") && screen.contains("report.html"), "{screen}");
    let page = std::fs::read_to_string(here.join("report/report.html"))?;
    for heading in (1..=8).map(|figure| format!("Figure {figure}")).chain([
        "Quick version".into(),
        "one population".into(),
        "Beside the paper".into(),
    ]) {
        ensure!(page.contains(&heading), "{heading} is missing");
    }
    let inside = page.replace("http://www.w3.org/", "");
    ensure!(
        !inside.contains("http:") && !inside.contains("https:") && !inside.contains("<script"),
        "the page must be alone"
    );
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(here.join("report/report.json"))?)?;
    ensure!(report["birthday"]["spaces"].as_array().map(Vec::len) == Some(3), "{}", report["birthday"]);
    // Few maps of an untrained generator, and twelve of twelve crops of the same noise.
    let together = |of: &str| report[of]["statistics"][0]["ad"]["together"].as_f64();
    ensure!(together("comparison") == Some(0.01) && together("control").is_some_and(|p| p > 0.02), "{report}");
    ensure!(std::fs::read_dir(here.join("report/figures"))?.count() == 14);
    let kept = std::fs::metadata(here.join("report/parts/generated-tests.json"))?.modified()?;
    succeed(here, line)?;
    ensure!(std::fs::metadata(here.join("report/parts/generated-tests.json"))?.modified()? == kept, "made again");
    for file in ["minkowski", "peaks", "minima", "pdf", "correlation", "samples"] {
        let bytes = std::fs::read(here.join(format!("reference/{file}.json")))?;
        let value: serde_json::Value = serde_json::from_slice(&bytes)?;
        ensure!(value["side_angle"].as_f64().is_some_and(|angle| (angle - 0.6).abs() < 1e-9), "{file}: {value}");
    }
    refuse(here, "evaluate --weights weights --data crops.npy --control crops.npy --out r", "the same file")?;
    refuse(here, "evaluate --weights weights --data maps.npy --side-angle 0.9 --out r", "--size 32")
}

#[test]
fn statistics_and_comparisons_of_maps() -> Result<()> {
    let folder = folder_with_maps()?;
    let here = folder.path();
    succeed(here, "statistics --maps maps.npy --side-angle 0.9 --json s.json --csv tables")?;
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(here.join("s.json"))?)?;
    for (key, rows, columns) in [
        ("power_spectrum", 24, 248),
        ("two_point", 24, 12),
        ("bispectrum", 24, 8),
        ("v0", 24, 19),
        ("v1", 24, 19),
        ("v2", 24, 19),
        ("peaks", 24, 29),
        ("pdf", 24, 250),
        ("moments", 24, 9),
        ("correlation", 248, 248),
    ] {
        let shape = |value: &serde_json::Value| value.as_array().map(Vec::len);
        ensure!(shape(&json[key]) == Some(rows) && shape(&json[key][0]) == Some(columns), "{key}");
    }
    for (key, bins) in [("ell", 248), ("nu", 19), ("peak_nu", 29), ("pdf_kappa", 250)] {
        ensure!(json[key].as_array().map(Vec::len) == Some(bins), "{key}");
    }
    ensure!(json["power_spectrum"][0][0].is_null() && json["correlation"][0][0].is_null(), "an empty bin is null");
    let ensemble = std::fs::read_to_string(here.join("tables/ensemble.csv"))?;
    ensure!(ensemble.contains("\npower_spectrum,300,,\n") && ensemble.contains("\nv0,"), "{ensemble}");
    ensure!(std::fs::read_to_string(here.join("tables/moments.csv"))?.lines().count() == 25);
    refuse(here, "statistics --maps maps.npy --side-angle 0.9 --csv tables", "--force")?;

    let flat = npy::encode(32, 32, &[0.25; 1024]);
    std::fs::write(here.join("flat.npy"), &flat)?;
    let text = succeed(here, "statistics --maps flat.npy --side-angle 1 --json flat.json")?;
    ensure!(text.contains("1 maps are constant"), "{text}");
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(here.join("flat.json"))?)?;
    ensure!(json["v1"][0].as_array().is_some_and(|row| row.iter().all(serde_json::Value::is_null)), "{}", json["v1"]);

    let line =
        "compare --maps maps.npy --against maps.npy --control maps.npy --side-angle 0.9 --resamples 99 --json c.json";
    let table = succeed(here, line)?;
    ensure!(table.contains("P(l) KS") && table.contains("control"), "{table}");
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(here.join("c.json"))?)?;
    let bin = &json["comparison"]["statistics"][0]["bins"][9];
    ensure!(
        bin["values"][0] == 24
            && bin["ks"] == 0.0
            && bin["ks_p"] == 1.0
            && bin["mean_ratio"] == 1.0
            && bin["wasserstein"] == 0.0,
        "{bin}"
    );
    ensure!(json["comparison"]["statistics"][0]["bins"][0].is_null(), "an empty bin has no test");
    Ok(())
}

#[test]
fn a_reader_that_goes_away_is_no_error() -> Result<()> {
    let folder = folder_with_maps()?;
    let mut child = Command::new(env!("CARGO_BIN_EXE_trainer"))
        .args(["spectrum", "maps.npy", "--side-angle", "1"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    drop(child.stdout.take());
    let message = String::from_utf8(child.wait_with_output()?.stderr)?;
    ensure!(!message.contains("panicked"), "{message}");
    Ok(())
}

#[test]
fn nothing_is_overwritten_unasked() -> Result<()> {
    let folder = folder_with_maps()?;
    let before = std::fs::read(folder.path().join("maps.npy"))?;
    refuse(folder.path(), "maps --maps maps.npy --side-angle 1 --count 2 --size 32 --out maps.npy", "--force")?;
    assert_eq!(std::fs::read(folder.path().join("maps.npy"))?, before);
    succeed(folder.path(), "maps --maps maps.npy --side-angle 1 --count 8 --size 32 --out crops.npy")?;
    succeed(folder.path(), "train --config small.toml --data crops.npy --out run --device cpu")?;
    refuse(folder.path(), "train --config small.toml --data crops.npy --out run --device cpu", "--resume")
}

#[test]
fn files_beside_an_output_are_safe() -> Result<()> {
    let folder = folder_with_maps()?;
    let here = folder.path();
    // A document of the name that a description had in earlier versions is not touched.
    succeed(here, "statistics --maps maps.npy --side-angle 0.9 --json x.json")?;
    let before = std::fs::read(here.join("x.json"))?;
    succeed(here, "maps --maps maps.npy --side-angle 0.9 --count 8 --size 32 --out x.npy")?;
    ensure!(std::fs::read(here.join("x.json"))? == before, "x.json was overwritten");
    ensure!(here.join("x.npy.json").is_file(), "the description is missing");
    // What would become the description is asked for, too.
    std::fs::write(here.join("y.npy.json"), "mine")?;
    refuse(here, "maps --maps maps.npy --side-angle 0.9 --count 8 --size 32 --out y.npy", "y.npy.json")?;
    ensure!(std::fs::read(here.join("y.npy.json"))? == b"mine" && !here.join("y.npy").exists());
    succeed(here, "train --config small.toml --data x.npy --out run --device cpu")?;
    succeed(here, "export --run run --out weights")?;
    for (out, says) in [
        ("y.npy", "y.npy.json"),
        ("x.npy", "--force"),
        ("a.fits --count 2", "a FITS file holds one map"),
        ("a.npz", "cannot be written as .npz"),
        ("a.h5", "cannot be written as .h5"),
        ("a.png", "cannot be written as .png"),
    ] {
        refuse(here, &format!("generate --weights weights --device cpu --out {out}"), says)?;
    }
    ensure!(!here.join("a.fits").exists() && !here.join("a.npz").exists(), "a refused output was made");
    // Weights are named by their folder, their manifest, or one of their files.
    for (weights, out) in [("weights/manifest.json", "m"), ("weights/generator-f16.safetensors", "h.npy")] {
        succeed(here, &format!("generate --weights {weights} --device cpu --out {out}"))?;
    }
    let checkpoint = "run/checkpoints/step-0000004.safetensors";
    refuse(here, &format!("generate --weights {checkpoint} --device cpu --out c.npy"), "trainer export --run")
}

#[test]
fn a_description_of_another_array_is_refused() -> Result<()> {
    let folder = folder_with_maps()?;
    let here = folder.path();
    succeed(here, "maps --maps maps.npy --side-angle 0.9 --count 8 --size 32 --out s.npy")?;
    // As numpy.save over an older file: the array is new, the description is not.
    std::fs::write(here.join("s.npy"), npy::encode(16, 16, &[0.25; 2 * 256]))?;
    for line in ["spectrum s.npy", "info s.npy", "maps --maps s.npy --count 1 --size 8 --out a.npy"] {
        refuse(here, line, "s.npy.json describes 8 maps of 32 pixels")?;
    }
    let text = std::fs::read_to_string(here.join("s.npy.json"))?;
    std::fs::write(here.join("s.npy.json"), &text[..text.len() / 2])?;
    refuse(here, "spectrum s.npy", "is damaged")?;
    std::fs::remove_file(here.join("s.npy.json"))?;
    refuse(here, "spectrum s.npy", "--side-angle")?;
    succeed(here, "spectrum s.npy --side-angle 1").map(drop)
}

#[test]
fn an_interrupted_program_says_so_by_its_exit_code_and_goes_on() -> Result<()> {
    let folder = folder_with_maps()?;
    let here = folder.path();
    let simulate = "simulate --particles 32 --box-side 60 --mesh-factor 2 --steps 400 --boxes 1 --maps 2 --pixels 64 \
                    --side-angle 0.5 --threads 1 --out sim";
    interrupt(here, simulate, |line| line.contains("step 40 of 400"))?;
    ensure!(here.join("sim/boxes/box-0000.checkpoint").is_file(), "no checkpoint");
    succeed(here, "maps --maps maps.npy --side-angle 0.9 --count 12 --size 32 --out crops.npy")?;
    let long = "train --config small.toml --data crops.npy --out run --device cpu --steps 1000000";
    interrupt(here, long, |line| line.contains("power-spectrum distance"))?;
    ensure!(std::fs::read_dir(here.join("run/checkpoints"))?.count() > 0, "no checkpoint");
    succeed(here, "export --run run --out weights")?;
    succeed(here, "maps --maps maps.npy --side-angle 0.9 --count 12 --size 32 --seed 5 --out validation.npy")?;
    let evaluate = "evaluate --weights weights --data validation.npy --out report --quick --count 10 --pair-maps 100000 \
                    --resamples 99 --device cpu";
    let mut waiting = start(here, evaluate)?;
    while !here.join("report/parts/pair-maps.json").is_file() {
        ensure!(waiting.try_wait()?.is_none(), "the evaluation ended before it was interrupted");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    terminate(&waiting)?;
    ensure!(waiting.wait()?.code() == Some(75), "an interrupted evaluation must end with 75");
    succeed(here, &evaluate.replace("100000", "12")).map(drop)
}

#[test]
fn one_program_at_a_time_has_a_folder() -> Result<()> {
    let folder = folder_with_maps()?;
    let here = folder.path();
    succeed(here, "maps --maps maps.npy --side-angle 0.9 --count 12 --size 32 --out crops.npy")?;
    let long = "train --config small.toml --data crops.npy --out run --device cpu --steps 1000000";
    let mut first = start(here, long)?;
    while !here.join("run/log.jsonl").is_file() {
        ensure!(first.try_wait()?.is_none(), "the first trainer ended");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    refuse(here, long, "another program trains in run")?;
    refuse(here, &format!("{long} --resume"), "another program trains in run")?;
    terminate(&first)?;
    ensure!(first.wait()?.code() == Some(75));
    Ok(())
}

/// Starts a command that goes on; its standard error is thrown away.
fn start(folder: &Path, line: &str) -> Result<Child> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trainer"));
    command.args(line.split_whitespace()).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().context("cannot start trainer")
}

/// Asks a program to stop, as Ctrl-C and Slurm do.
fn terminate(child: &Child) -> Result<()> {
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status()?;
    ensure!(status.success(), "kill failed");
    Ok(())
}

/// Interrupts a command once it has printed a line that `told` wants: it ends with exit code 75.
fn interrupt(folder: &Path, line: &str, told: impl Fn(&str) -> bool) -> Result<()> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_trainer"))
        .args(line.split_whitespace())
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (sender, lines) = std::sync::mpsc::channel();
    let out = child.stdout.take().context("a pipe")?;
    let err = child.stderr.take().context("a pipe")?;
    let other = sender.clone();
    std::thread::spawn(move || BufReader::new(out).lines().map_while(Result::ok).try_for_each(|l| sender.send(l)));
    std::thread::spawn(move || BufReader::new(err).lines().map_while(Result::ok).try_for_each(|l| other.send(l)));
    let mut heard = String::new();
    loop {
        let line = lines.recv().with_context(|| format!("it ended without a word of what was waited for:\n{heard}"))?;
        if told(&line) {
            break;
        }
        heard += &line;
        heard.push('\n');
    }
    terminate(&child)?;
    let status = child.wait()?;
    ensure!(status.code() == Some(75), "trainer {line}: {status:?}");
    Ok(())
}

#[test]
fn wrong_input_is_explained() -> Result<()> {
    let folder = folder_with_maps()?;
    let here = folder.path();
    std::fs::create_dir(here.join("empty"))?;
    std::fs::write(here.join("text.npy"), "not an array")?;
    std::fs::write(here.join("integers.npy"), {
        let mut bytes = npy::encode(8, 8, &[0.0; 64]);
        let at = bytes.windows(3).position(|window| window == b"<f4").context("the header states <f4")?;
        bytes[at..at + 3].copy_from_slice(b"<i4");
        bytes
    })?;
    let mut nan = npy::encode_header(4, 32, 32);
    nan.extend((0..4 * 1024).flat_map(|_| f32::NAN.to_le_bytes()));
    std::fs::write(here.join("nan.npy"), nan)?;
    std::fs::write(here.join("oblong.npy"), npy::encode(4, 8, &[0.0; 32]))?;
    std::fs::write(here.join("one.npy"), npy::encode(48, 48, &[0.0; 48 * 48]))?;
    let mut small = npy::encode_header(2, 32, 32);
    small.extend([0; 2 * 1024 * 4]);
    std::fs::write(here.join("small.npy"), small)?;
    std::fs::create_dir(here.join("sizes"))?;
    std::fs::copy(here.join("one.npy"), here.join("sizes/a.npy"))?;
    std::fs::copy(here.join("small.npy"), here.join("sizes/b.npy"))?;
    let whole = std::fs::read(here.join("maps.npy"))?;
    std::fs::write(here.join("cut.npy"), &whole[..whole.len() - 7])?;
    std::fs::write(here.join("wrong.toml"), "bach_size = 4\n")?;
    std::fs::write(here.join("cut.fits"), "SIMPLE  =                    T")?;

    for (line, says) in [
        ("maps --planes nowhere --count 1 --out a.npy", "nowhere"),
        ("maps --planes empty --count 1 --out a.npy", "empty"),
        ("maps --maps maps.npy --count 1 --size 32 --out a.npy", "--side-angle"),
        ("maps --maps maps.npy --side-angle 1 --count 1 --size 64 --out a.npy", "48"),
        ("maps --maps maps.npy --side-angle 1 --count 0 --size 32 --out a.npy", "--count"),
        ("maps --maps maps.npy --side-angle 1 --count 1 --size 32 --out a.fits", ".npy"),
        ("maps --maps text.npy --side-angle 1 --count 1 --size 8 --out a.npy", "text.npy"),
        ("maps --maps integers.npy --side-angle 1 --count 1 --size 8 --out a.npy", "i4"),
        ("maps --maps cut.npy --side-angle 1 --count 1 --size 8 --out a.npy", "cut.npy"),
        ("maps --maps cut.fits --side-angle 1 --count 1 --size 8 --out a.npy", "cut.fits"),
        ("train --config wrong.toml --data maps.npy --out r", "bach_size"),
        ("train --data maps.npy --out r --side-angle 1", "48"),
        ("train --config small.toml --data nowhere.npy --out r", "nowhere.npy"),
        ("train --config small.toml --data nan.npy --side-angle 1 --out r --device cpu", "finite"),
        ("train --config small.toml --data maps.npy --out r --resume", "r"),
        ("train --config small.toml --data maps.npy --out r --device gpu", "cuda"),
        ("train --config small.toml --data maps.npy --out r --start-from nowhere", "nowhere"),
        ("spectrum maps.npy", "--side-angle"),
        ("spectrum maps.npy --side-angle=-1", "degrees"),
        ("generate --weights w --seed 5 --count 18446744073709551615 --out a.npy", "last seed"),
        ("spectrum maps.npy --side-angle 1 --out maps.npy", "--force"),
        ("generate --weights nowhere --out a.npy", "nowhere"),
        ("export --run empty --out w", "empty"),
        ("statistics --maps nan.npy --side-angle 1", "map 0"),
        ("statistics --maps oblong.npy --side-angle 1", "square"),
        ("statistics --maps sizes --side-angle 1", "resolution"),
        ("compare --maps maps.npy --against one.npy --side-angle 1", "B has 1 map"),
        ("compare --maps maps.npy --against small.npy --side-angle 1", "32 pixels"),
        ("compare --maps maps.npy --against maps.npy --side-angle 1 --resamples 0", "--resamples"),
        ("evaluate --weights nowhere --data maps.npy --out r", "nowhere"),
        ("info text.npy", "text.npy"),
        ("info nowhere", "nowhere"),
        ("bogus", "bogus"),
    ] {
        refuse(here, line, says)?;
    }
    assert!(!here.join("a.npy").exists() && !here.join("a.fits").exists(), "a refused command left its output behind");
    Ok(())
}

#[test]
fn corrupted_weights_are_named_and_not_used() -> Result<()> {
    let folder = folder_with_maps()?;
    let here = folder.path();
    succeed(here, "maps --maps maps.npy --side-angle 0.9 --count 8 --size 32 --out crops.npy")?;
    succeed(here, "train --config small.toml --data crops.npy --out run --device cpu")?;
    succeed(here, "export --run run --out weights --precision f32")?;
    let path = here.join("weights/generator-f32.safetensors");
    let mut bytes = std::fs::read(&path)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes)?;
    refuse(here, "generate --weights weights --out a.npy --device cpu", "SHA-256")?;
    std::fs::remove_file(&path)?;
    refuse(here, "generate --weights weights --out a.npy --device cpu", "generator-f32.safetensors")
}

#[test]
fn from_nothing_to_crops() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let here = folder.path();
    let small = "simulate --particles 16 --box-side 60 --mesh-factor 2 --steps 3 --boxes 1 --maps 2 --pixels 64 --side-angle 0.5 --out sim";
    let plan = succeed(here, &format!("{small} --plan"))?;
    ensure!(plan.contains("memory") && !here.join("sim").exists(), "{plan}");
    let told = succeed(here, &format!("{small} --write-planes --ray-tracing multi-plane"))?;
    ensure!(told.contains("step 1 of 3") && told.contains("complete"), "{told}");
    ensure!(here.join("sim/planes/box-0000-map-0001/plane-60.fits").is_file(), "a plane behind the source is missing");
    ensure!(here.join("sim/z1.000/box-0000.png").is_file(), "there is no sheet of maps");
    succeed(here, "maps --maps sim/z1.000 --count 4 --size 32 --out crops.npy")?;
    succeed(
        here,
        "maps --planes sim/planes/box-0000-map-0000 --count 2 --size 32 --ray-tracing multi-plane --out again.npy",
    )?;
    let table = succeed(here, "assess sim --json assessment.json")?;
    ensure!(table.contains("C_l / halofit") && here.join("assessment.json").is_file(), "{table}");
    refuse(here, small, "other parameters")?;
    refuse(here, "assess crops.npy", "trainer simulate --out")?;
    refuse(here, "simulate --out x --particles 15", "--particles must be even")?;
    refuse(here, "simulate --out x --preset paper --particles 1624", "give fewer --particles")?;
    refuse(here, "simulate --out x --preset paper --particles 1626", "between 16 and 1624")?;
    refuse(here, "simulate --out x --shard 3/2", "a shard is like 3/45")?;
    refuse(here, "simulate --out x --sigma-8 0", "sigma_8")?;
    refuse(here, "simulate --out x --box-side 20 --shell-thickness 20", "would repeat")?;
    refuse(here, "simulate --out x --omega-m 0.3 --omega-l 3", "universe")?;
    refuse(here, "simulate --out crops.npy --particles 16", "cannot create the folder")?;
    std::fs::write(here.join("sim/boxes/box-0000.json"), "{}")?;
    refuse(here, "assess sim", "no manifest of a box")
}
