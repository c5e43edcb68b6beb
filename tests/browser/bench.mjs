// Speed of a map in the browser, one table: the page's own inference, burn's CPU backend and onnxruntime-web, each in a worker of its
// own on one thread, in headless Chromium and Firefox. The contenders take turns; the table gives medians over the rounds.
//
// `cargo xtask bench web` sets the variables read here: the built page, burn's program, the ONNX model, the modules, the browsers.
import { createHash } from "node:crypto";
import { createReadStream, existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { brotliCompressSync, constants } from "node:zlib";
import { extname, join, normalize } from "node:path";

const setting = (name) => process.env[name] ?? fail(`${name} is not set: run this by \`cargo xtask bench web\``);
function fail(sentence) {
  throw new Error(sentence);
}

const modules = setting("COSMOGAN_NODE_MODULES");
const page = setting("COSMOGAN_PAGE");
const rounds = Number(process.env.COSMOGAN_ROUNDS ?? 10);
const puppeteer = createRequire(join(modules, "..", "package.json"))("puppeteer-core");
const version = (name) => JSON.parse(readFileSync(join(modules, name, "package.json"), "utf8")).version;

const MEDIA_TYPES = { ".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".mjs": "text/javascript", ".json": "application/json", ".wasm": "application/wasm" };
const FOLDERS = { page, flex: setting("COSMOGAN_FLEX"), burn: setting("COSMOGAN_BURN_KERNELS"), ort: join(modules, "onnxruntime-web/dist") };

/** Where a path of the benchmark's server lies. burn's folders hold its programs alone; the rest of them is the page's. */
function fileOf(path) {
  if (path === "/model.onnx") return setting("COSMOGAN_ONNX");
  const [, folder, ...rest] = path.split("/");
  const name = normalize(join(...rest, ""));
  const file = FOLDERS[folder] && join(FOLDERS[folder], name);
  return file && !existsSync(file) ? join(page, name) : file;
}

const server = createServer((request, response) => {
  const path = new URL(request.url, "http://localhost").pathname;
  if (path === "/") return response.writeHead(200, { "Content-Type": "text/html" }).end("<!doctype html><title>benchmark</title>");
  const file = fileOf(path);
  if (!file || !existsSync(file) || !statSync(file).isFile()) return response.writeHead(404).end();
  const headers = { "Content-Type": MEDIA_TYPES[extname(file)] ?? "application/octet-stream", "Content-Length": statSync(file).size };
  response.writeHead(200, { ...headers, "Cache-Control": "max-age=600" });
  createReadStream(file).pipe(response);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const address = `http://127.0.0.1:${server.address().port}`;

/** CPU time of all workers of browsers on this machine so far, in milliseconds. */
function workersCpu() {
  let ticks = 0;
  for (const process of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      for (const thread of readdirSync(`/proc/${process}/task`)) {
        const stat = readFileSync(`/proc/${process}/task/${thread}/stat`, "latin1");
        if (!/\((DedicatedWorker|DOM Worker)/.test(stat)) continue;
        const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        ticks += Number(fields[11]) + Number(fields[12]);
      }
    } catch {
      // It has ended.
    }
  }
  return ticks * 10;
}

/** Puts the contenders for processors or graphics into the page: `draw(name, maps)` is milliseconds of wall time in the worker. */
async function contenders(origin, graphics) {
  const ours = async (folder, program) => {
    const worker = new Worker(`${origin}/${folder}/start/worker.js?program=${program}`, { type: "module" });
    const waiting = new Map();
    let jobs = 0;
    const send = (request) => worker.postMessage([JSON.stringify(request)]);
    await new Promise((resolve, reject) => {
      worker.onerror = reject;
      worker.onmessage = ({ data: [text, kappa] }) => {
        const message = JSON.parse(text);
        if (message.type === "hello") send({ type: "start", weights: `${origin}/${folder}/weights`, device: "benchmark" });
        else if (message.type === "ready") resolve();
        else if (message.type === "failed") reject(new Error(message.sentence));
        else if (message.type === "job") waiting.get(message.id)({ milliseconds: message.event.milliseconds, kappa });
      };
    });
    const map = (seed) => new Promise((resolve) => {
      jobs += 1;
      waiting.set(jobs, resolve);
      send({ type: "submit", id: jobs, work: { work: "draw", point: { seed, to: seed, place: 0 }, statistics: [] } });
    });
    const draw = async (maps) => {
      let milliseconds = 0;
      for (let seed = 0; seed < maps; seed += 1) milliseconds += (await map(seed)).milliseconds;
      return milliseconds;
    };
    return { draw, map };
  };
  const onnxruntime = async () => {
    const code = `
      import * as ort from "${origin}/ort/${graphics ? "ort.webgpu" : "ort.wasm"}.min.mjs";
      ort.env.wasm.numThreads = 1;
      ort.env.wasm.wasmPaths = "${origin}/ort/";
      const session = await ort.InferenceSession.create("${origin}/model.onnx", { executionProviders: ["${graphics ? "webgpu" : "wasm"}"] });
      onmessage = async ({ data: maps }) => {
        const values = Float32Array.from({ length: 64 * maps }, () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random()));
        const start = performance.now();
        await session.run({ z: new ort.Tensor("float32", values, [maps, 64]) });
        postMessage(performance.now() - start);
      };
      postMessage("ready");`;
    const worker = new Worker(URL.createObjectURL(new Blob([code], { type: "text/javascript" })), { type: "module" });
    const answer = () => new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = reject;
    });
    await answer();
    return { draw: (maps) => { worker.postMessage(maps); return answer(); } };
  };
  const own = await ours("page", graphics ? "gpu" : "worker");
  const burn = await ours(graphics ? "burn" : "flex", "gpu");
  globalThis.all = { own, burn, onnxruntime: await onnxruntime() };
  globalThis.draw = (name, maps) => all[name].draw(maps);
  globalThis.bits = async (seeds) => {
    const maps = [];
    for (const seed of seeds) maps.push(Array.from((await all.own.map(seed)).kappa));
    return maps;
  };
}

/** Milliseconds from navigation to the first map on screen; the first is with an empty cache, the others with everything in it. */
async function firstMaps(browser) {
  const times = [];
  for (let load = 0; load < 6; load += 1) {
    const tab = await browser.newPage();
    await tab.goto(`${address}/page/index.html?seed=${load}`);
    times.push(await tab.evaluate(() => new Promise((resolve) => {
      const look = () => (document.querySelector("main[data-seed]") ? resolve(performance.now()) : requestAnimationFrame(look));
      look();
    })));
    await tab.close();
  }
  return { cold: times[0], warm: median(times.slice(1)) };
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const ONNXRUNTIME = `onnxruntime-web ${version("onnxruntime-web")}`;
const ON_PROCESSORS = { own: "this project", burn: "burn flex 0.22.1", onnxruntime: ONNXRUNTIME };
const ON_GRAPHICS = { own: "this project's kernel", burn: "burn webgpu 0.22.1", onnxruntime: ONNXRUNTIME };

/** Lets the contenders of `names` take turns in a new page. */
async function race(browser, browserName, names, batches) {
  const tab = await browser.newPage();
  await tab.goto(address);
  await tab.evaluate(contenders, address, names === ON_GRAPHICS);
  const rows = [];
  for (const maps of batches) {
    const times = Object.fromEntries(Object.keys(names).map((name) => [name, { wall: [], cpu: [] }]));
    for (let round = -1; round < rounds; round += 1) {
      for (const name of Object.keys(names)) {
        // burn alone would take most of the time.
        if (name === "burn" && (maps > 1 || names === ON_GRAPHICS) && round >= 2) continue;
        const before = workersCpu();
        const wall = await tab.evaluate((name, maps) => draw(name, maps), name, maps);
        // The first round warms up.
        if (round < 0) continue;
        times[name].wall.push(wall / maps);
        times[name].cpu.push((workersCpu() - before) / maps);
      }
    }
    const reference = median(times.onnxruntime.wall);
    for (const [name, { wall, cpu }] of Object.entries(times)) {
      const mean = cpu.reduce((sum, value) => sum + value, 0) / cpu.length;
      rows.push([browserName, names[name], maps, median(wall).toFixed(1), mean.toFixed(0), (median(wall) / reference).toFixed(3)]);
    }
  }
  return { tab, rows };
}

async function measure(browserName, options) {
  const browser = await puppeteer.launch({ headless: true, protocolTimeout: 600_000, ...options });
  const first = await firstMaps(browser);
  const { tab, rows } = await race(browser, browserName, ON_PROCESSORS, [1, 16]);
  const maps = await tab.evaluate((seeds) => bits(seeds), [0, 1, 2, 3]);
  await browser.close();
  return { browserName, first, rows, digest: createHash("sha256").update(Buffer.from(Float32Array.from(maps.flat()).buffer)).digest("hex") };
}

const results = [];
results.push(await measure("Chromium", { executablePath: setting("COSMOGAN_CHROMIUM"), args: ["--no-sandbox", "--disable-gpu"] }));
if (process.env.COSMOGAN_FIREFOX) results.push(await measure("Firefox", { browser: "firefox", executablePath: process.env.COSMOGAN_FIREFOX }));

/** The same on WebGPU, by the software adapter that comes with Chromium: CPU time is that of another process, and is not given. */
async function measureGraphics() {
  const args = ["--no-sandbox", "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan"];
  const browser = await puppeteer.launch({ headless: true, protocolTimeout: 600_000, executablePath: setting("COSMOGAN_CHROMIUM"), args });
  const { rows } = await race(browser, "Chromium, WebGPU in software", ON_GRAPHICS, [1]);
  await browser.close();
  return rows.map(([browserName, name, maps, wall, , ratio]) => [browserName, name, maps, wall, "-", ratio]);
}
const graphics = await measureGraphics();
server.close();

console.log("| browser | what draws | maps at once | ms a map (median) | CPU ms a map (mean) | of onnxruntime-web |");
console.log("|---|---|---|---|---|---|");
for (const { rows } of results) for (const row of rows) console.log(`| ${row.join(" | ")} |`);
for (const row of graphics) console.log(`| ${row.join(" | ")} |`);
for (const { browserName, first } of results) {
  console.log(`From navigation to the first map on screen, ${browserName}: ${first.cold.toFixed(0)} ms, with all files in the cache ${first.warm.toFixed(0)} ms`);
}
for (const { browserName, digest } of results) console.log(`SHA-256 of the maps of seeds 0 to 3, ${browserName}: ${digest}`);
console.log(`SHA-256 of the maps of seeds 0 to 3, trainer: ${setting("COSMOGAN_DIGEST")}`);

const compressed = (file) => brotliCompressSync(readFileSync(join(page, file)), { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).length;
const first = ["index.html", "web.js", "web_bg.wasm", "worker.js", "worker_bg.wasm", "start/page.js", "start/worker.js"];
const styles = readdirSync(page).filter((name) => name.endsWith(".css"));
console.log("\n| a first load fetches | bytes | brotli |\n|---|---|---|");
let total = 0;
for (const file of [...first, ...styles]) {
  total += compressed(file);
  console.log(`| ${file} | ${statSync(join(page, file)).size} | ${compressed(file)} |`);
}
console.log(`| all code | | ${total} |`);
console.log(`| gpu_bg.wasm, only with a graphics processor | ${statSync(join(page, "gpu_bg.wasm")).size} | ${compressed("gpu_bg.wasm")} |`);
