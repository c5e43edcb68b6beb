//! What a user types, right and wrong: right input gives files that the next command takes, wrong input a sentence that
//! says what to do and exit code 2, and nothing that was there before is lost. None of this needs libtorch.

mod support;

use std::{
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use shared::formats::npy;
use support::{folder_with_maps, interrupt, refuse, succeed};

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
    ensure!(
        json["power_spectrum"][0][247].is_null() && json["correlation"][247][247].is_null(),
        "an empty bin is null"
    );
    let ensemble = std::fs::read_to_string(here.join("tables/ensemble.csv"))?;
    ensure!(ensemble.contains("\npower_spectrum,49700,,\n") && ensemble.contains("\nv0,"), "{ensemble}");
    ensure!(std::fs::read_to_string(here.join("tables/moments.csv"))?.lines().count() == 25);
    refuse(here, "statistics --maps maps.npy --side-angle 0.9 --csv tables", "--force")?;

    let flat = npy::encode(32, 32, &[0.25; 1024]);
    std::fs::write(here.join("flat.npy"), &flat)?;
    let text = succeed(here, "statistics --maps flat.npy --side-angle 1 --json flat.json")?;
    ensure!(text.contains("constant: 1 map"), "{text}");
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
    ensure!(json["comparison"]["statistics"][0]["bins"][247].is_null(), "an empty bin has no test");
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
    Ok(())
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
    Ok(())
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
fn an_interrupted_simulation_says_so_by_its_exit_code() -> Result<()> {
    let folder = folder_with_maps()?;
    let here = folder.path();
    let simulate = "simulate --particles 32 --box-side 60 --mesh-factor 2 --steps 400 --boxes 1 --maps 2 --pixels 64 \
                    --side-angle 0.5 --threads 1 --out sim";
    interrupt(here, simulate, |line| line.contains("step 40 of 400"))?;
    ensure!(here.join("sim/boxes/box-0000.checkpoint").is_file(), "no checkpoint");
    Ok(())
}

#[test]
fn wrong_input_is_explained() -> Result<()> {
    let folder = folder_with_maps()?;
    let here = folder.path();
    std::fs::create_dir(here.join("empty"))?;
    std::fs::write(here.join("text.npy"), "not an array")?;
    std::fs::write(here.join("complex.npy"), {
        let mut bytes = npy::encode(8, 8, &[0.0; 64]);
        let at = bytes.windows(3).position(|window| window == b"<f4").context("the header states <f4")?;
        bytes[at..at + 3].copy_from_slice(b"<c8");
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
    std::fs::write(here.join("cut.fits"), "SIMPLE  =                    T")?;

    for (line, says) in [
        ("maps --planes nowhere --count 1 --out a.npy", "nowhere"),
        ("maps --planes empty --count 1 --out a.npy", "empty"),
        ("maps --maps maps.npy --count 1 --size 32 --out a.npy", "--side-angle"),
        ("maps --maps maps.npy --side-angle 1 --count 1 --size 64 --out a.npy", "48"),
        ("maps --maps maps.npy --side-angle 1 --count 0 --size 32 --out a.npy", "--count"),
        ("maps --maps maps.npy --side-angle 1 --count 1 --size 32 --out a.fits", ".npy"),
        ("maps --maps text.npy --side-angle 1 --count 1 --size 8 --out a.npy", "text.npy"),
        ("maps --maps complex.npy --side-angle 1 --count 1 --size 8 --out a.npy", "complex"),
        ("maps --maps cut.npy --side-angle 1 --count 1 --size 8 --out a.npy", "cut.npy"),
        ("maps --maps cut.fits --side-angle 1 --count 1 --size 8 --out a.npy", "cut.fits"),
        ("spectrum maps.npy", "--side-angle"),
        ("spectrum maps.npy --side-angle=-1", "degrees"),
        ("spectrum maps.npy --side-angle 1 --out maps.npy", "--force"),
        ("statistics --maps nan.npy --side-angle 1", "--mask auto"),
        ("statistics --maps oblong.npy --side-angle 1", "square"),
        ("statistics --maps sizes --side-angle 1", "resolution"),
        ("compare --maps maps.npy --against one.npy --side-angle 1", "B has 1 map"),
        ("compare --maps maps.npy --against small.npy --side-angle 1", "32 pixels"),
        ("compare --maps maps.npy --against maps.npy --side-angle 1 --resamples 0", "--resamples"),
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
fn what_cannot_fit_and_what_is_no_weights_are_told_before_work_begins() -> Result<()> {
    let folder = folder_with_maps()?;
    let here = folder.path();
    let weights = Path::new(env!("CARGO_MANIFEST_DIR")).join("../public/weights");
    let weights = weights.display();
    let line = format!("generate --weights {weights} --count 4000000000000 --out big.npy");
    refuse(here, &line, "and its disk has")?;
    refuse(here, "maps --maps maps.npy --side-angle 1 --size 32 --count 4294967295 --out big.npy", "and its disk has")?;
    ensure!(!here.join("big.npy").exists());
    refuse(here, "generate --weights maps.npy --out x.npy", "maps.npy is no manifest of weights")?;
    refuse(here, &format!("generate --weights {weights}/index.json --out x.npy"), "is no manifest of weights")?;
    refuse(here, &format!("generate --weights {weights} --seed -1 --out x.npy"), "invalid value '-1' for '--seed")?;
    Ok(())
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
    refuse(here, "simulate --out x --particles 17", "--particles must be even")?;
    refuse(here, "simulate --out x --preset paper --particles 1624", "give fewer --particles")?;
    refuse(here, "simulate --out x --preset paper --particles 1626", "from 16 to 1624")?;
    refuse(here, "simulate --out x --hubble 7", "from 0.3 to 1.5")?;
    ensure!(
        succeed(here, "simulate --plan --out x --hubble 70")? == succeed(here, "simulate --plan --out x --hubble 0.7")?
    );
    refuse(here, "simulate --out x --shard 3/2", "a shard is like 3/45")?;
    refuse(here, "simulate --out x --sigma-8 0", "from 0.2 to 2")?;
    refuse(here, "simulate --out x --box-side 20 --shell-thickness 20", "would repeat")?;
    refuse(here, "simulate --out x --omega-m 0.3 --omega-l 3", "from 0 to 1.5")?;
    refuse(here, "simulate --out crops.npy --particles 16", "cannot create the folder")?;
    std::fs::write(here.join("sim/boxes/box-0000.json"), "{}")?;
    refuse(here, "assess sim", "no manifest of a box")
}

#[cfg(not(feature = "torch"))]
#[test]
fn commands_that_need_libtorch_say_what_they_lack() -> Result<()> {
    let folder = folder_with_maps()?;
    let weights = Path::new(env!("CARGO_MANIFEST_DIR")).join("../public/weights");
    let cuda = format!("generate --weights {} --device cuda --out a.npy", weights.display());
    for line in ["train --data maps.npy --out r", &cuda, "export --run r --out w", "evaluate"] {
        refuse(folder.path(), line, "built without libtorch")?;
    }
    succeed(folder.path(), "--help").map(drop)
}

/// Lines of a command's output, but for those that tell its speed or a difference of rounding alone.
fn shown(text: &str) -> String {
    let same_everywhere = |line: &&str| !line.contains(" threads") && !line.contains("Wasserstein");
    text.lines().filter(same_everywhere).map(|line| format!("{line}\n")).collect()
}

#[test]
fn tables_as_people_see_them() -> Result<()> {
    let folder = folder_with_maps()?;
    let here = folder.path();
    let compare = "compare --maps maps.npy --against maps.npy --control maps.npy --side-angle 0.9 --resamples 99";
    insta::assert_snapshot!("compare", shown(&succeed(here, compare)?));
    insta::assert_snapshot!("statistics", shown(&succeed(here, "statistics --maps maps.npy --side-angle 0.9")?));
    succeed(here, "maps --maps maps.npy --side-angle 0.9 --count 12 --size 32 --out crops.npy")?;
    insta::assert_snapshot!("info_of_maps", succeed(here, "info crops.npy")?);
    let plan = "simulate --preset paper --particles 256 --box-side 120 --maps 24 --threads 2 --out sim --plan";
    insta::assert_snapshot!("plan", succeed(here, plan)?);
    Ok(())
}
