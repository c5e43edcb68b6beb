// Starts a worker's program and tells the page how much of it is there. The messages are those of web/protocol.
//
// worker.js?program=worker&weights=weights   the program that draws on the processor, with the weights of a folder of the page
// worker.js?program=gpu&weights=weights      the one that draws on the graphics processor
// worker.js?program=worker                   with weights that the page sends
// worker.js?program=worker&posted            with the module that the page's first message holds, compiled already

const parameters = new URL(import.meta.url).searchParams;
const program = parameters.get("program") ?? "worker";
const send = (response, ...attachments) => postMessage([JSON.stringify(response), ...attachments]);

function fail(error) {
  const sentence = `The program that draws the maps could not go on (${error?.message ?? error}).`;
  send({ type: "failed", retry_on_cpu: true, sentence });
}

// A failure inside an asynchronous call of the program arrives here.
addEventListener("unhandledrejection", (event) => fail(event.reason));

/** Asks for the manifest and for the weights that it names while the program is fetched and compiled, which takes them from here. */
function beginWeights() {
  globalThis.begun = new Map();
  if (!parameters.has("weights")) return;
  const folder = new URL(`../${parameters.get("weights")}/`, import.meta.url);
  const begin = (name, options) => {
    const answer = fetch(folder + name, options);
    // Whoever takes it hears of its failure.
    answer.catch(() => {});
    return answer;
  };
  const manifest = begin("manifest.json", { cache: "no-cache" }).then(async (answer) => {
    try {
      const { generator } = await answer.clone().json();
      const { file, sha256 } = generator.find(({ precision }) => precision === "f16") ?? generator[0];
      const name = `${file}?${sha256.slice(0, 12)}`;
      begun.set(folder + name, begin(name));
    } catch {
      // The program reads the manifest too, and says what is wrong with it.
    }
    return answer;
  });
  manifest.catch(() => {});
  begun.set(`${folder}manifest.json`, manifest);
}

/** The program's module, with messages about how much of it is there. */
async function compiled() {
  const name = `${program}_bg.wasm`;
  const response = await fetch(new URL(`../${name}`, import.meta.url));
  if (!response.ok) throw new Error(`${name}: the server answered ${response.status}`);
  // A compressed answer's length does not count the bytes that arrive here; the page then shows bytes without a share.
  const total = response.headers.has("Content-Encoding") ? 0 : Number(response.headers.get("Content-Length") ?? 0);
  let loaded = 0;
  let shown = 0;
  const counted = new TransformStream({
    transform(chunk, controller) {
      loaded += chunk.byteLength;
      if (loaded - shown > 250_000) {
        shown = loaded;
        send({ type: "progress", stage: "program", loaded, total });
      }
      controller.enqueue(chunk);
    },
  });
  const headers = { "Content-Type": "application/wasm" };
  const module = await WebAssembly.compileStreaming(new Response(response.body.pipeThrough(counted), { headers }));
  send({ type: "program" }, module);
  return module;
}

/** The module that the page sends. */
const posted = () => new Promise((resolve) => addEventListener("message", ({ data }) => resolve(data[1]), { once: true }));

try {
  const module = parameters.has("posted") ? posted() : compiled();
  beginWeights();
  const { default: init } = await import(`../${program}.js`);
  await init({ module_or_path: await module });
} catch (error) {
  fail(error);
}
