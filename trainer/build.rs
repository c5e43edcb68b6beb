//! Compiles the C++ shim against the libtorch that torch-sys found, and lets the program find that libtorch at run time.

use std::path::PathBuf;

fn main() {
    for source in ["shim.cpp", "group.cpp", "guarded.h", "gloo"] {
        println!("cargo:rerun-if-changed=src/torch/{source}");
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
