//! Answers requests: files by their exact names, and nothing else. No path of a request is ever joined to one of this machine.

use std::{borrow::Cow, io::Cursor, sync::Arc};

use anyhow::{Result, anyhow};
use tiny_http::{Header, Method, Request, Response, Server};

use super::{page::Files, shelf::Shelf};

/// Threads that answer: a page asks for several files at once.
const THREADS: usize = 4;

/// In place of a program that keeps the page: at this address one may have been kept that shows other weights, and it is to go.
const FORGET: &str = r#"
addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil((async () => {
  const names = (await caches.keys()).filter((name) => name.startsWith("cosmogan"));
  await Promise.all(names.map((name) => caches.delete(name)));
  await registration.unregister();
  for (const page of await clients.matchAll()) page.navigate(page.url);
})()));
"#;

/// What is served.
pub struct Library {
    /// The page.
    pub page: Files,
    /// Statistics of simulated maps; those of the page where there are none.
    pub reference: Option<Files>,
    /// Weights.
    pub shelf: Shelf,
    /// The policy that the page states for itself: as a header it holds for its workers too.
    policy: String,
    /// Names by which this machine may be called; `None` for any.
    hosts: Option<[String; 4]>,
}

impl Library {
    /// Puts together what is served. On a loopback address only its own names are answered to, so that no other page reaches it under a
    /// name of its own.
    pub fn new(page: Files, reference: Option<Files>, shelf: Shelf, address: &str) -> Self {
        let index = page.get("index.html").map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default();
        let stated =
            index.split_once("Content-Security-Policy\" content=\"").and_then(|(_, rest)| rest.split_once('"'));
        let policy = stated.map_or_else(|| "default-src 'self'".to_owned(), |(policy, _)| policy.to_owned());
        let is_loopback = address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        let names = ["localhost", "127.0.0.1", "[::1]", address];
        let hosts = is_loopback.then(|| names.map(str::to_owned));
        Self { page, reference, shelf, policy, hosts }
    }

    /// The bytes that an address means.
    pub fn find(&self, url: &str) -> Option<Cow<'_, [u8]>> {
        let path = url.split(['?', '#']).next()?.strip_prefix('/')?;
        if path == "sw.js" {
            return Some(Cow::Borrowed(FORGET.as_bytes()));
        }
        if let Some(name) = path.strip_prefix("weights/") {
            return self.shelf.find(name).map(|bytes| Cow::Owned(Arc::unwrap_or_clone(bytes)));
        }
        if let (Some(name), Some(reference)) = (path.strip_prefix("reference/"), &self.reference) {
            return reference.get(name).map(|bytes| Cow::Borrowed(&**bytes));
        }
        self.page.get(if path.is_empty() { "index.html" } else { path }).map(|bytes| Cow::Borrowed(&**bytes))
    }

    /// Whether a request calls this machine by one of its names; tunnels call it by that of their near end.
    fn is_meant(&self, host: Option<&str>) -> bool {
        let Some(hosts) = &self.hosts else { return true };
        host.is_some_and(|host| {
            let name = host.rsplit_once(':').map_or(host, |(name, port)| if port.ends_with(']') { host } else { name });
            hosts.iter().any(|known| known == name)
        })
    }

    fn answer(&self, request: Request) -> std::io::Result<()> {
        let host =
            request.headers().iter().find(|header| header.field.equiv("Host")).map(|header| header.value.to_string());
        let refused = |status: u16, text: &str| Response::from_string(format!("{text}\n")).with_status_code(status);
        if !self.is_meant(host.as_deref()) {
            return request.respond(refused(403, "this machine has another name"));
        }
        if !matches!(request.method(), Method::Get | Method::Head) {
            return request.respond(refused(405, "only GET and HEAD"));
        }
        let Some(bytes) = self.find(request.url()) else { return request.respond(refused(404, "not found")) };
        let length = bytes.len();
        let mut response = Response::new(200.into(), Vec::new(), Cursor::new(bytes), Some(length), None);
        let headers = [
            ("Content-Type", media_type(request.url())),
            ("Cache-Control", "no-cache"),
            ("Content-Security-Policy", &self.policy),
            ("X-Content-Type-Options", "nosniff"),
        ];
        for (name, value) in headers {
            if let Ok(header) = Header::from_bytes(name, value) {
                response.add_header(header);
            }
        }
        request.respond(response)
    }
}

/// Opens a port.
///
/// # Errors
/// When it is taken, or the address is none of this machine's.
pub fn open(address: &str, port: u16) -> Result<Server> {
    let host = if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
    Server::http(format!("{host}:{port}")).map_err(|error| {
        anyhow!(
            "cannot serve at {address}, port {port} ({error}): choose another by --port, such as {}",
            port.checked_add(1).unwrap_or(8080)
        )
    })
}

/// Answers requests until `ended` says so.
pub fn serve(server: &Server, library: &Library, ended: impl Fn() -> bool + Sync) {
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while !ended() {
                    if let Ok(Some(request)) = server.recv_timeout(std::time::Duration::from_millis(200)) {
                        // A visitor who goes away in the middle of an answer is no error of the server.
                        let _ = library.answer(request);
                    }
                }
            });
        }
    });
}

fn media_type(url: &str) -> &'static str {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    match path.rsplit('.').next() {
        _ if path == "/" => "text/html; charset=utf-8",
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;
    use crate::viewer::shelf::Volume;

    fn library(address: &str) -> Library {
        let file = |name: &str| (name.to_owned(), Cow::Owned(name.as_bytes().to_vec()));
        let page = [file("index.html"), file("start/page.js"), file("reference/pdf.json")].into();
        let shelf = Shelf::default();
        let files = vec![("manifest.json".to_owned(), Arc::new(b"{}".to_vec()))];
        shelf.add(Volume { title: "mine".into(), folder: "mine".into(), files });
        Library::new(page, Some([file("power_spectrum.json")].into()), shelf, address)
    }

    #[test]
    fn files_by_their_exact_names_and_nothing_else() {
        let library = library("127.0.0.1");
        for (url, found) in [
            ("/", "index.html"),
            ("/?seed=5", "index.html"),
            ("/start/page.js", "start/page.js"),
            ("/reference/power_spectrum.json", "power_spectrum.json"),
            ("/weights/manifest.json?1", "{}"),
            ("/weights/mine/manifest.json", "{}"),
        ] {
            assert_eq!(library.find(url).as_deref(), Some(found.as_bytes()), "{url}");
        }
        for url in [
            "/../index.html",
            "/start/../index.html",
            "//etc/passwd",
            "/etc/passwd",
            "/%2e%2e/secret",
            "/..%2fsecret",
            "/start",
            "/start/",
            "/weights/../index.html",
            "/weights/",
            "/weights",
            "/weights/mine",
            "/weights/mine/../mine/manifest.json",
            "/reference/pdf.json",
            "/reference/../index.html",
            "/reference",
            "\\..\\secret",
            "/\0",
            "http://elsewhere/index.html",
            "",
            "/index.html/",
            "/./index.html",
        ] {
            assert_eq!(library.find(url), None, "{url}");
        }
    }

    #[test]
    fn a_loopback_address_is_called_by_its_own_names() {
        let here = library("127.0.0.1");
        for host in ["localhost:8080", "127.0.0.1:8080", "127.0.0.1", "localhost:9999", "[::1]:8080", "[::1]"] {
            assert!(here.is_meant(Some(host)), "{host}");
        }
        assert!(!here.is_meant(Some("attacker.example:8080")) && !here.is_meant(None));
        assert!(library("0.0.0.0").is_meant(Some("node17.cluster:8080")));
    }

    #[test]
    fn answers_over_a_socket_with_the_right_headers() {
        let server = open("127.0.0.1", 0).unwrap();
        let port = server.server_addr().to_ip().unwrap().port();
        let library = library("127.0.0.1");
        let ended = std::sync::atomic::AtomicBool::new(false);
        let ask = |request: String| {
            let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        };
        let asked = |method: &str, path: &str, host: &str| {
            ask(format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"))
        };
        std::thread::scope(|scope| {
            scope.spawn(|| serve(&server, &library, || ended.load(std::sync::atomic::Ordering::Relaxed)));
            let page = asked("GET", "/start/page.js", "localhost");
            assert!(
                page.starts_with("HTTP/1.1 200") && page.contains("text/javascript") && page.ends_with("start/page.js"),
                "{page}"
            );
            assert!(page.contains("Content-Security-Policy: default-src 'self'"), "{page}");
            assert!(asked("GET", "/../../../../etc/passwd", "localhost").starts_with("HTTP/1.1 404"));
            assert!(asked("POST", "/", "localhost").starts_with("HTTP/1.1 405"));
            assert!(asked("DELETE", "/weights/manifest.json", "localhost").starts_with("HTTP/1.1 405"));
            assert!(asked("GET", "/", "attacker.example").starts_with("HTTP/1.1 403"));
            ended.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        assert!(open("127.0.0.1", port).is_err_and(|error| error.to_string().contains("--port")));
    }
}
