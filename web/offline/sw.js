// Keeps the page for use without a connection. `cargo xtask dist` fills in the version and the list of files with their checksums.
//
// Every file of a version is fetched under its checksum, so that no cache on the way gives another one, and checked. A version is kept
// whole or not at all, and a page only ever sees files of one version: a newer one waits until the visitor takes it.
const VERSION = "__VERSION__";
const FILES = __FILES__;
// Caches are those of an address's host, which other installations of this page may share.
const OURS = `cosmogan ${registration.scope} `;
const KEPT = OURS + VERSION;

const hexadecimal = (bytes) => [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const addressOf = (path) => `${path}?${FILES[path].slice(0, 12)}`;

/** A file from the server, if it is the one that is meant. */
async function fetched(path) {
  const answer = await fetch(addressOf(path));
  if (!answer.ok) throw new Error(`${path}: the server answered ${answer.status}`);
  const bytes = await answer.arrayBuffer();
  if (hexadecimal(await crypto.subtle.digest("SHA-256", bytes)) !== FILES[path]) throw new Error(`${path} is of another version`);
  // Made anew: browsers open no page from an answer that was led elsewhere, as hosts lead index.html to its folder.
  return new Response(bytes, { headers: { "Content-Type": answer.headers.get("Content-Type") ?? "", "Content-Security-Policy": answer.headers.get("Content-Security-Policy") ?? "" } });
}

async function install() {
  const names = (await caches.keys()).filter((name) => name.startsWith(OURS) && name !== KEPT);
  const old = await Promise.all(names.map((name) => caches.open(name)));
  const cache = await caches.open(KEPT);
  for (const path of Object.keys(FILES)) {
    // What has not changed is there already.
    const found = await Promise.all(old.map((cache) => cache.match(addressOf(path))));
    await cache.put(addressOf(path), found.find(Boolean) ?? (await fetched(path)));
  }
}

async function removeOld() {
  const names = (await caches.keys()).filter((name) => name.startsWith(OURS) && name !== KEPT);
  await Promise.all(names.map((name) => caches.delete(name)));
}

/** A file of this version; one that the browser threw away to make room comes from the server, the right one or none. */
async function answer(path) {
  const cache = await caches.open(KEPT);
  return (await cache.match(addressOf(path))) ?? fetched(path);
}

addEventListener("install", (event) => event.waitUntil(install()));
addEventListener("activate", (event) => event.waitUntil(removeOld()));
addEventListener("message", (event) => {
  if (event.data === "take over") skipWaiting();
});
addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  const scope = new URL(registration.scope);
  const asked = new URL(url);
  if (method !== "GET" || asked.origin !== scope.origin || !asked.pathname.startsWith(scope.pathname)) return;
  const path = asked.pathname.slice(scope.pathname.length) || "index.html";
  if (Object.hasOwn(FILES, path)) event.respondWith(answer(path));
});
