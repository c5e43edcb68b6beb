// Starts the worker's program and tells the page how much of it is there. The messages are those of web/protocol.
import init from "../worker.js";

const send = (response) => postMessage([JSON.stringify(response)]);

function fail(error) {
  const sentence = `The program that draws the maps could not go on (${error?.message ?? error}).`;
  send({ type: "failed", retry_on_cpu: true, sentence });
}

// A failure inside an asynchronous call of the program arrives here.
addEventListener("unhandledrejection", (event) => fail(event.reason));

try {
  const response = await fetch(new URL("../worker_bg.wasm", import.meta.url));
  if (!response.ok) throw new Error(`worker_bg.wasm: the server answered ${response.status}`);
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
  await init({ module_or_path: new Response(response.body.pipeThrough(counted), { headers }) });
} catch (error) {
  fail(error);
}
