//! Compiles the C++ shim against the libtorch that torch-sys found, and lets the program find that libtorch at run time.

use std::path::PathBuf;

fn main() {
    for source in ["shim.cpp", "group.cpp", "guarded.h", "gloo"] {
        println!("cargo:rerun-if-changed=src/torch/{source}");
    }
    if std::env::var_os("CARGO_FEATURE_PAGE").is_some() {
        embed_page();
    }
    if std::env::var_os("CARGO_FEATURE_TORCH").is_none() {
        return;
    }
    let Some(library) = std::env::var_os("DEP_TCH_LIBTORCH_LIB").map(PathBuf::from) else {
        panic!("torch-sys did not say where libtorch is: run `cargo xtask test` once, or set LIBTORCH to a torch 2.11");
    };
    let include = library.join("../include");
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .warnings(false)
        .include(&include)
        .include(include.join("torch/csrc/api/include"))
        // What the wheel leaves out of the headers of Gloo.
        .include("src/torch")
        .files(["src/torch/shim.cpp", "src/torch/group.cpp"])
        .compile("cosmogan_shim");
    // RUNPATH, not RPATH: LD_LIBRARY_PATH then points the same program at another torch 2.11, such as one with CUDA.
    println!("cargo:rustc-link-arg=-Wl,--enable-new-dtags,-rpath,{}", library.display());
    println!("cargo:rustc-link-lib=dl");
    // For the tests crate, which links libtorch through this library.
    println!("cargo:libtorch_lib={}", library.display());
}

/// Writes a list of the built page's files, with their bytes, for `viewer/page.rs`.
fn embed_page() {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
    let page = manifest.join("../web/dist");
    println!("cargo:rerun-if-changed={}", page.display());
    assert!(page.join("index.html").is_file(), "feature `page` needs the built page: run `cargo xtask build` first");
    let (mut files, mut folders) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(below) = folders.pop() {
        for entry in std::fs::read_dir(page.join(&below)).into_iter().flatten().flatten() {
            let name = below.join(entry.file_name());
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            if entry.path().is_dir() && !hidden && *name != *"weights" {
                folders.push(name);
            } else if entry.path().is_file() && !hidden {
                files.push((name.to_string_lossy().replace('\\', "/"), entry.path()));
            }
        }
    }
    files.sort();
    let entries: Vec<String> = files
        .iter()
        .map(|(name, path)| format!("({name:?}, include_bytes!({:?}).as_slice())", path.display().to_string()))
        .collect();
    let out = std::env::var_os("OUT_DIR").map(PathBuf::from).unwrap_or_default();
    std::fs::write(out.join("page.rs"), format!("&[{}]", entries.join(", "))).expect("OUT_DIR can be written");
}
