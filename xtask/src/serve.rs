//! The built page at <http://127.0.0.1:8080/>, for this machine only.

use std::path::{Component, Path, PathBuf};

use anyhow::{Result, anyhow};
use clap::Args;
use tiny_http::{Header, Method, Request, Response, Server};

/// Options of `cargo xtask run`.
#[derive(Args)]
pub struct RunArguments {
    /// Port on 127.0.0.1
    #[arg(long, default_value_t = 8080)]
    pub port: u16,
}

/// Serves a folder until the program is stopped.
///
/// # Errors
/// When the port is taken.
pub fn serve(folder: &Path, port: u16) -> Result<()> {
    let server = Server::http(("127.0.0.1", port)).map_err(|error| {
        let other = port.checked_add(1).unwrap_or(8080);
        anyhow!("cannot serve at port {port} ({error}); choose another: cargo xtask run --port {other}")
    })?;
    eprintln!("\n==> The page is at http://127.0.0.1:{port}/   (Ctrl-C stops)");
    for request in server.incoming_requests() {
        // A visitor who goes away in the middle of an answer is no error of the server.
        let _ = answer(folder, request);
    }
    Ok(())
}

fn answer(folder: &Path, request: Request) -> std::io::Result<()> {
    if !matches!(request.method(), Method::Get | Method::Head) {
        return request.respond(Response::from_string("only GET and HEAD\n").with_status_code(405));
    }
    let found = locate(folder, request.url()).and_then(|path| Some((std::fs::File::open(&path).ok()?, path)));
    let Some((file, path)) = found else {
        return request.respond(Response::from_string("not found\n").with_status_code(404));
    };
    let mut response = Response::from_file(file);
    // The page is rebuilt while it is looked at: the browser asks anew every time.
    let policy = policy(folder);
    let headers =
        [("Content-Type", media_type(&path)), ("Cache-Control", "no-cache"), ("Content-Security-Policy", &policy)];
    for (name, value) in headers {
        if let Ok(header) = Header::from_bytes(name, value) {
            response.add_header(header);
        }
    }
    request.respond(response)
}

/// The page's own Content-Security-Policy: stated in its head, where it does not hold for its worker.
fn policy(folder: &Path) -> String {
    let page = std::fs::read_to_string(folder.join("index.html")).unwrap_or_default();
    let stated = page.split_once("Content-Security-Policy\" content=\"").and_then(|(_, rest)| rest.split_once('"'));
    stated.map_or_else(|| "default-src 'self'".to_owned(), |(policy, _)| policy.to_owned())
}

/// The file that an address means; `None` where it is none, or lies outside the folder.
fn locate(folder: &Path, url: &str) -> Option<PathBuf> {
    let path = url.split(['?', '#']).next()?.trim_start_matches('/');
    let path = Path::new(if path.is_empty() { "index.html" } else { path });
    if !path.components().all(|component| matches!(component, Component::Normal(_))) {
        return None;
    }
    let path = folder.join(path);
    path.is_file().then_some(path)
}

fn media_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("webmanifest") => "application/manifest+json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_the_folder_and_nothing_else() -> Result<()> {
        let outside = tempfile::tempdir()?;
        let folder = outside.path().join("page");
        std::fs::create_dir_all(folder.join("start"))?;
        for file in ["page/index.html", "page/start/page.js", "secret"] {
            std::fs::write(outside.path().join(file), "")?;
        }
        assert_eq!(locate(&folder, "/?seed=5"), Some(folder.join("index.html")));
        assert_eq!(locate(&folder, "/start/page.js"), Some(folder.join("start/page.js")));
        for url in ["/../secret", "/start/../../secret", "//../secret", "/start", "/none", "/%2e%2e/secret"] {
            assert_eq!(locate(&folder, url), None, "{url}");
        }
        Ok(())
    }

    #[test]
    fn the_policy_is_the_pages_own() {
        let policy = policy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../web"));
        assert!(policy.starts_with("default-src 'self'; script-src") && policy.ends_with("'none'"), "{policy}");
    }

    #[test]
    fn a_taken_port_is_explained() -> Result<()> {
        let taken = std::net::TcpListener::bind(("127.0.0.1", 0))?;
        let port = taken.local_addr()?.port();
        let error = serve(Path::new("."), port).unwrap_err().to_string();
        assert!(error.contains("--port"), "{error}");
        Ok(())
    }
}
