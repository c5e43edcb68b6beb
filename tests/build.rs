//! Lets the tests find the libtorch that the trainer was linked with.

fn main() {
    if let Ok(library) = std::env::var("DEP_COSMOGAN_SHIM_LIBTORCH_LIB") {
        println!("cargo:rustc-link-arg=-Wl,--enable-new-dtags,-rpath,{library}");
    }
}
