//! libtorch from PyPI's wheels, unpacked without pip's 2.5 GB of CUDA packages.
//!
//! The wheel of torch that PyPI serves is the CUDA one; its libtorch.so needs three small libraries of other wheels to load on
//! a machine without CUDA. With a full `pip install torch` instead, `LIBTORCH` names that torch, and nothing is fetched.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::system;
use crate::{process::Step, workspace::Workspace};

/// The torch that tch 0.24 binds.
const TORCH: &str = "2.11.0";
/// What libtorch_cpu.so and libc10.so of that wheel are linked with: a few megabytes each.
const COMPANIONS: [&str; 2] = ["nvidia-cuda-runtime==13.0.96", "nvidia-cuda-cupti==13.0.85"];
/// Pure Python that `import torch` asks for, and numpy and safetensors for the script of the tests.
const PYTHON_SIDE: [&str; 10] = [
    "filelock", "typing-extensions", "setuptools<82", "sympy", "mpmath", "networkx", "jinja2", "fsspec", "numpy<3", "safetensors",
];

/// Picks the members of the wheel that a program links with.
const UNPACK_LIBRARIES: &str = r#"
import glob, os, sys, zipfile
wheels, target = sys.argv[1:3]
libraries = ("libtorch.so", "libtorch_cpu.so", "libc10.so", "libshm.so")
def wanted(name):
    if name.startswith("torch/include/"): return True
    if name.startswith("torch/lib/"):
        base = os.path.basename(name)
        return base in libraries or base.startswith("libgomp") or base.startswith("libarm")
    return name.startswith("nvidia/") and "/lib/" in name
for path in sorted(glob.glob(os.path.join(wheels, "*.whl"))):
    with zipfile.ZipFile(path) as wheel:
        names = [name for name in wheel.namelist() if wanted(name) and not name.endswith("/")]
        print(f"    {os.path.basename(path)}: {len(names)} files", flush=True)
        for name in names: wheel.extract(name, target)
"#;

/// Installs libtorch, unless `LIBTORCH` names one already.
///
/// # Errors
/// When `LIBTORCH` names something else, or a step fails.
pub fn libtorch(workspace: &Workspace) -> Result<()> {
    system::compiler(workspace)?;
    let own = own_folder(workspace).join("torch");
    // Cargo sets LIBTORCH from .cargo/config.toml for the programs it runs, this one too.
    if let Some(folder) = std::env::var_os("LIBTORCH").map(|folder| workspace.root().join(folder))
        && folder != own
        && !is_same(&folder, &own)
    {
        if has_library(&folder) {
            return Ok(());
        }
        bail!("LIBTORCH names {}, which has no lib/libtorch.so; unset it to let this command fetch torch {TORCH}", folder.display());
    }
    let done = own_folder(workspace).join(format!("complete-{TORCH}"));
    if done.is_file() && has_library(&own) {
        return Ok(());
    }
    let wheels = download(workspace)?;
    Step::new("Unpack libtorch", "python3")
        .args(["-c", UNPACK_LIBRARIES])
        .args([&wheels, &own_folder(workspace)])
        .by_hand(format!("unzip the wheels in {} into {}", wheels.display(), own_folder(workspace).display()))
        .run(workspace)?;
    if !has_library(&own) {
        bail!("the wheel of torch {TORCH} holds no libtorch for this machine; set LIBTORCH to a folder with torch {TORCH}");
    }
    std::fs::write(&done, "").with_context(|| format!("cannot write {}", done.display()))
}

fn own_folder(workspace: &Workspace) -> PathBuf {
    workspace.tools().join("libtorch")
}

fn has_library(torch: &Path) -> bool {
    torch.join("lib/libtorch.so").is_file() && torch.join("include/torch").is_dir()
}

fn is_same(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// Downloads the wheels, once: pip leaves those that are there.
fn download(workspace: &Workspace) -> Result<PathBuf> {
    let wheels = workspace.tools().join("wheels");
    Step::new(format!("Download libtorch {TORCH} from PyPI (about 530 MB)"), "python3")
        .args(["-m", "pip", "download", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--dest"])
        .arg(&wheels)
        .arg(format!("torch=={TORCH}"))
        .args(COMPANIONS)
        .run(workspace)?;
    Ok(wheels)
}
