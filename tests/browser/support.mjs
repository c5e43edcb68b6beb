// What the page's tests share: the built page on a port of its own, Chromium, the native trainer, and readers for the
// files that the page and the trainer write. `cargo xtask test` sets the variables read here.
import { execFileSync } from "node:child_process";
import { createReadStream, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

function setting(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run these tests by \`cargo xtask test\``);
  return value;
}

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const screenshots = join(root, "tests/screenshots");
const modules = createRequire(join(setting("COSMOGAN_NODE_MODULES"), "..", "package.json"));
const { chromium } = modules("playwright-core");

/** Folder of the weights that the page ships. */
export const WEIGHTS = join(root, "public/weights");
/** The native trainer. */
export const TRAINER = setting("COSMOGAN_TRAINER");
/** Text of axe-core, which finds what shuts people out. */
export const AXE = readFileSync(join(setting("COSMOGAN_NODE_MODULES"), "axe-core/axe.min.js"), "utf8");

const MEDIA_TYPES = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".wasm": "application/wasm",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".webmanifest": "application/manifest+json",
};

/**
 * Serves the built page. `overrides` maps a path such as "/weights/manifest.json" to a function `(file) => Buffer | null`
 * that gets the path of the true file and returns what is served instead; null is answer 404. `folder` is the built page.
 */
export async function servePage(overrides = {}, folder = setting("COSMOGAN_PAGE")) {
  // As a header too, since the one in the page's head does not hold for its worker.
  const policy = readFileSync(join(folder, "index.html"), "utf8").match(/Content-Security-Policy" content="([^"]*)"/)[1];
  const server = createServer((request, response) => {
    const path = new URL(request.url, "http://localhost").pathname;
    const file = join(folder, normalize(path === "/" ? "/index.html" : path));
    const headers = { "Content-Security-Policy": policy, "Content-Type": MEDIA_TYPES[extname(file)] ?? "application/octet-stream" };
    if (overrides[path]) {
      const bytes = overrides[path](file);
      response.writeHead(bytes ? 200 : 404, headers).end(bytes ?? "not found");
    } else if (existsSync(file) && statSync(file).isFile()) {
      response.writeHead(200, { ...headers, "Content-Length": statSync(file).size });
      createReadStream(file).pipe(response);
    } else {
      response.writeHead(404).end("not found");
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { address: `http://127.0.0.1:${server.address().port}/`, close };
}

/** Chromium with a software WebGPU adapter, or with WebGPU switched off. */
export function launch({ webgpu }) {
  const graphics = webgpu
    ? ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan"]
    : ["--disable-gpu", "--disable-features=WebGPU,WebGPUService"];
  return chromium.launch({
    executablePath: setting("COSMOGAN_CHROMIUM"),
    args: ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update", ...graphics],
  });
}

/** Firefox, which Playwright drives only in a build of its own: Puppeteer drives any. */
export function launchFirefox() {
  return modules("puppeteer-core").launch({ browser: "firefox", executablePath: setting("COSMOGAN_FIREFOX"), headless: true });
}

/**
 * A page at a server's address plus `query`, and what went wrong or left the machine meanwhile: `troubles` holds errors of
 * the console and requests to other servers.
 */
export async function open(browser, server, query = "", options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: "dark", ...options });
  const page = await context.newPage();
  const troubles = [];
  page.on("console", (message) => message.type() === "error" && troubles.push(message.text()));
  page.on("pageerror", (error) => troubles.push(String(error)));
  context.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(server.address) && !url.startsWith("blob:") && !url.startsWith("data:")) troubles.push(url);
  });
  page.setDefaultTimeout(120_000);
  await page.goto(server.address + query);
  return { page, troubles, close: () => context.close() };
}

/** Waits until the page shows the map of a seed, at a place on the way to another one. */
export function shown(page, seed, place = 0) {
  return page.waitForSelector(`main[data-state=ready][data-busy=false][data-seed="${seed}"][data-place="${place}"]`);
}

/** A picture of the page in tests/screenshots. */
export function screenshot(page, name, options = {}) {
  mkdirSync(screenshots, { recursive: true });
  return page.screenshot({ path: join(screenshots, `${name}.png`), ...options });
}

/** Bytes of the file that a button of the page offers. */
export async function downloaded(page, testid) {
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByTestId(testid).click()]);
  return readFileSync(await download.path());
}

/** Runs the native trainer in a folder, with `inputs` (text or bytes by name) written to it first. */
export function trainerIn(folder, inputs, ...lines) {
  for (const [name, bytes] of Object.entries(inputs)) writeFileSync(join(folder, name), bytes);
  for (const line of lines) execFileSync(TRAINER, line, { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
}

/** Runs the native trainer in a folder that goes away, with `inputs` (text or bytes by name) in it, and returns the files that it was asked to write there. */
export function trainer(lines, files, inputs = {}) {
  const folder = mkdtempSync(join(tmpdir(), "cosmogan-"));
  try {
    trainerIn(folder, inputs, ...lines);
    return files.map((file) => readFileSync(join(folder, file)));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A .npy file of `count` maps of noise. */
export function noiseMaps(count, side) {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${count}, ${side}, ${side}), }`;
  const header = text.padEnd(Math.ceil((11 + text.length) / 64) * 64 - 11) + "\n";
  const start = Buffer.from([0x93, ...Buffer.from("NUMPY"), 1, 0, header.length & 255, header.length >> 8]);
  const values = Float32Array.from({ length: count * side * side }, () => 0.02 * (Math.random() - 0.5));
  return Buffer.concat([start, Buffer.from(header, "latin1"), Buffer.from(values.buffer)]);
}

/** Values of a little-endian float32 .npy file. */
export function npyValues(bytes) {
  const text = bytes.toString("latin1", 10, 10 + bytes.readUInt16LE(8));
  if (!text.includes("'<f4'")) throw new Error(`not float32: ${text}`);
  const data = bytes.subarray(10 + bytes.readUInt16LE(8));
  return Float32Array.from({ length: data.length / 4 }, (_, index) => data.readFloatLE(4 * index));
}

/** `[l, P(l)]` of the lines of a spectrum file that are not empty. */
export function csvSpectrum(bytes) {
  const lines = bytes.toString("utf8").trim().split("\n").slice(1);
  const rows = lines.map((line) => line.split(",")).filter((row) => row[1] !== "");
  return rows.map((row) => [Number(row[0]), Number(row[1])]);
}

/** Largest difference between two maps. */
export function largestDifference(a, b) {
  if (a.length !== b.length) throw new Error(`maps of ${a.length} and ${b.length} pixels`);
  return a.reduce((largest, value, index) => Math.max(largest, Math.abs(value - b[index])), 0);
}
