//! Networks from the command line: training, weights, maps, evaluation, right and wrong.
#![cfg(feature = "torch")]

mod support;

use std::path::Path;

use anyhow::{Result, ensure};
use shared::formats::npy;
use support::{folder_with_maps, interrupt, refuse, start, succeed, terminate, trainer};

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
    assert_eq!(generated.values[1024..2048], again.values);
    // libtorch computes the same map, to rounding.
    succeed(here, "generate --weights weights --seed 6 --out torch.npy --device torch-cpu")?;
    let torch = npy::read(&std::fs::read(here.join("torch.npy"))?)?;
    let difference = torch.values.iter().zip(&again.values).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(difference > 0.0 && difference < 1e-6, "{difference:e}");
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
    for file in ["minkowski", "peaks", "minima", "pdf", "correlation", "samples.npy", "first.npy"] {
        let bytes = std::fs::read(here.join(format!("reference/{file}.json")))?;
        let value: serde_json::Value = serde_json::from_slice(&bytes)?;
        ensure!(value["side_angle"].as_f64().is_some_and(|angle| (angle - 0.6).abs() < 1e-9), "{file}: {value}");
    }
    let table =
        |file: &str| -> Result<npy::NpyMaps> { Ok(npy::read(&std::fs::read(here.join("reference").join(file))?)?) };
    let (spectra, samples) = (table("spectra.npy")?, table("samples.npy")?);
    ensure!((spectra.maps, spectra.rows, spectra.columns) == (1, 10, 248), "{} spectra", spectra.rows);
    ensure!((samples.maps, samples.rows, table("first.npy")?.maps) == (12, 32, 1), "{}", samples.maps);
    refuse(here, "evaluate --weights weights --data crops.npy --control crops.npy --out r", "the same file")?;
    refuse(here, "evaluate --weights weights --data maps.npy --side-angle 0.9 --out r", "--size 32")
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
    // Its threads sleep while they wait, on cores that others may need.
    let environment = std::fs::read(format!("/proc/{}/environ", first.id()))?;
    ensure!(String::from_utf8_lossy(&environment).contains("GOMP_SPINCOUNT="), "libgomp has no waiting policy");
    refuse(here, long, "another program trains in run")?;
    refuse(here, &format!("{long} --resume"), "another program trains in run")?;
    terminate(&first)?;
    ensure!(first.wait()?.code() == Some(75));
    Ok(())
}

#[test]
fn a_run_is_not_overwritten() -> Result<()> {
    let folder = folder_with_maps()?;
    let here = folder.path();
    succeed(here, "maps --maps maps.npy --side-angle 1 --count 8 --size 32 --out crops.npy")?;
    succeed(here, "train --config small.toml --data crops.npy --out run --device cpu")?;
    refuse(here, "train --config small.toml --data crops.npy --out run --device cpu", "--resume")?;
    // A settings file of the user's in the folder that a run is to begin in.
    std::fs::create_dir(here.join("mine"))?;
    std::fs::write(here.join("mine/config.toml"), "steps = 9")?;
    refuse(here, "train --config small.toml --data crops.npy --out mine --device cpu", "not of a run")?;
    ensure!(std::fs::read(here.join("mine/config.toml"))? == b"steps = 9");
    succeed(here, "export --run run --out weights")?;
    refuse(here, "export --run run --out weights", "--force")?;
    succeed(here, "export --run run --out weights --force").map(drop)
}

#[test]
fn outputs_of_generate_are_what_their_names_say_or_refused() -> Result<()> {
    let folder = folder_with_maps()?;
    let here = folder.path();
    succeed(here, "maps --maps maps.npy --side-angle 0.9 --count 8 --size 32 --out x.npy")?;
    std::fs::write(here.join("y.npy.json"), "mine")?;
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
fn interrupted_training_and_evaluation_say_so_by_their_exit_code_and_go_on() -> Result<()> {
    let folder = folder_with_maps()?;
    let here = folder.path();
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
fn data_that_do_not_fit_are_explained() -> Result<()> {
    let folder = folder_with_maps()?;
    let here = folder.path();
    succeed(here, "maps --maps maps.npy --side-angle 0.9 --count 12 --size 32 --out crops.npy")?;
    succeed(here, "maps --maps maps.npy --side-angle 1.8 --count 12 --size 32 --out wide.npy")?;
    // Two files of other resolutions, and one that is no stack of maps.
    for (mixed, file) in [("mixed", "wide.npy"), ("list", "list.npy")] {
        std::fs::create_dir(here.join(mixed))?;
        for name in ["crops.npy", "crops.npy.json"] {
            std::fs::copy(here.join(name), here.join(mixed).join(name))?;
        }
        if file == "wide.npy" {
            std::fs::copy(here.join("wide.npy"), here.join("mixed/wide.npy"))?;
            std::fs::copy(here.join("wide.npy.json"), here.join("mixed/wide.npy.json"))?;
        } else {
            std::fs::write(here.join("list/list.npy"), npy::encode(1, 64, &[0.5; 64]))?;
        }
    }
    let train = "train --config small.toml --device cpu --out r --data";
    for (line, says) in [
        (format!("{train} mixed"), "use one resolution"),
        (format!("{train} list"), "list.npy"),
        (format!("{train} crops.npy --batch-size 13"), "set a smaller --batch-size"),
        (format!("{train} crops.npy --held-out-maps 12"), "held_out_maps"),
    ] {
        refuse(here, &line, says)?;
        ensure!(!here.join("r").exists(), "{line} left a folder behind");
    }
    // What the person says wins over the description, with a note.
    let told = trainer(here, &format!("{} crops.npy --side-angle 3", train.replace("--out r", "--out three")))?;
    ensure!(told.status.success() && String::from_utf8_lossy(&told.stderr).contains("--side-angle 3 is taken"));
    let told = succeed(here, &format!("{train} crops.npy"))?;
    ensure!(told.contains("note: the largest kappa") && told.contains("--kappa-scale 0.01"), "{told}");
    succeed(here, "export --run r --out weights")?;
    let told = succeed(here, &format!("{} wide.npy --start-from weights", train.replace("--out r", "--out wide")))?;
    ensure!(told.contains("another size"), "{told}");
    // What a resumed run would change is said, or refused; the run is as it was.
    let kept = std::fs::read(here.join("r/checkpoints/step-0000004.safetensors"))?;
    refuse(here, "train --resume --device cpu --out r --data wide.npy", "begun with maps of 0.6")?;
    for (from, to) in [("crops.npy", "aside.npy"), ("crops.npy.json", "aside.npy.json")] {
        std::fs::rename(here.join(from), here.join(to))?;
    }
    succeed(here, "maps --maps maps.npy --side-angle 0.9 --count 12 --size 32 --seed 2 --out crops.npy --force")?;
    refuse(here, "train --resume --device cpu --out r --data crops.npy", "not what this run was begun with")?;
    std::fs::rename(here.join("aside.npy"), here.join("crops.npy"))?;
    // A description that was left there is of the other maps.
    refuse(here, "train --resume --device cpu --out r --data crops.npy", "describes other maps")?;
    std::fs::rename(here.join("aside.npy.json"), here.join("crops.npy.json"))?;
    let mut older = std::fs::read_to_string(here.join("r/config.toml"))?;
    older.insert_str(0, "momentum = 0.9\n");
    std::fs::write(here.join("older.toml"), older)?;
    refuse(here, "train --config older.toml --device cpu --out q --data crops.npy", "of this version")?;
    ensure!(std::fs::read(here.join("r/checkpoints/step-0000004.safetensors"))? == kept);
    let told = succeed(here, "train --resume --device cpu --out r --data crops.npy --batch-size 6 --seed 3 --steps 6")?;
    ensure!(told.contains("batches of 6 with seed 3 instead of 4 with 1"), "{told}");
    Ok(())
}

#[test]
fn wrong_input_of_networks_is_explained() -> Result<()> {
    let folder = folder_with_maps()?;
    let here = folder.path();
    std::fs::create_dir(here.join("empty"))?;
    let mut nan = npy::encode_header(4, 32, 32);
    nan.extend((0..4 * 1024).flat_map(|_| f32::NAN.to_le_bytes()));
    std::fs::write(here.join("nan.npy"), nan)?;
    std::fs::write(here.join("wrong.toml"), "bach_size = 4\n")?;
    for (line, says) in [
        ("train --config wrong.toml --data maps.npy --out r", "bach_size"),
        ("train --data maps.npy --out r --side-angle 1", "48"),
        ("train --config small.toml --data nowhere.npy --out r", "nowhere.npy"),
        ("train --config small.toml --data nan.npy --side-angle 1 --out r --device cpu", "finite"),
        ("train --config small.toml --data maps.npy --out r --resume", "r"),
        ("train --config small.toml --data maps.npy --out r --device gpu", "cuda"),
        ("train --config small.toml --data maps.npy --out r --start-from nowhere", "nowhere"),
        ("generate --weights w --seed 5 --count 18446744073709551615 --out a.npy", "last seed"),
        ("generate --weights nowhere --out a.npy", "nowhere"),
        ("export --run empty --out w", "empty"),
        ("evaluate --weights nowhere --data maps.npy --out r", "nowhere"),
        ("train --config small.toml --data maps.npy --out r --from-step 3", "--resume"),
    ] {
        refuse(here, line, says)?;
    }
    assert!(!here.join("a.npy").exists(), "a refused command left its output behind");
    // A cause is said once.
    std::fs::write(here.join("manifest.json"), "not JSON")?;
    let output = trainer(here, "generate --weights manifest.json --out a.npy")?;
    let message = String::from_utf8(output.stderr)?;
    assert_eq!(message.matches("is no manifest of weights").count(), 1, "{message}");
    assert!(!message.contains("line 1 column"), "{message}");
    Ok(())
}
