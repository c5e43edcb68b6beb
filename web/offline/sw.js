// Keeps the page for use without a connection. `cargo xtask dist` fills in the version and the list of files with their checksums.
//
// Every file of a version is fetched under its checksum, so that no cache on the way gives another one, and checked. A version is kept
// whole or not at all, and a page only ever sees files of one version: a newer one waits until the visitor takes it.
const VERSION = "__VERSION__";
const FILES = __FILES__;
const KEPT = `cosmogan-${VERSION}`;

const hexadecimal = (bytes) => [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

async function keep(cache, old, path, checksum) {
  const address = `${path}?${checksum.slice(0, 12)}`;
  // What has not changed is there already.
  const there = await Promise.any(old.map((cache) => cache.match(address).then((found) => found ?? Promise.reject()))).catch(() => null);
  const answer = there ?? (await fetch(address));
  if (!answer.ok) throw new Error(`${path}: the server answered ${answer.status}`);
  const bytes = await answer.clone().arrayBuffer();
  if (hexadecimal(await crypto.subtle.digest("SHA-256", bytes)) !== checksum) throw new Error(`${path} is of another version`);
  await cache.put(address, answer);
}

async function install() {
  const names = (await caches.keys()).filter((name) => name.startsWith("cosmogan-") && name !== KEPT);
  const old = await Promise.all(names.map((name) => caches.open(name)));
  const cache = await caches.open(KEPT);
  for (const [path, checksum] of Object.entries(FILES)) await keep(cache, old, path, checksum);
}

async function removeOld() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("cosmogan-") && name !== KEPT).map((name) => caches.delete(name)));
}

async function answer(path) {
  const cache = await caches.open(KEPT);
  // A file that the browser threw away to make room comes from the server, under its checksum: the right one or none.
  const address = `${path}?${FILES[path].slice(0, 12)}`;
  return (await cache.match(address)) ?? fetch(address);
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
