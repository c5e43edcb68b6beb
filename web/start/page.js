// Starts the page's program, and says so where that fails instead of staying empty.
const starting = document.getElementById("starting");

function fail(error) {
  console.error(error);
  const notice = document.createElement("p");
  notice.className = "start-failure";
  notice.setAttribute("role", "alert");
  notice.dataset.testid = "notice";
  const old = typeof WebAssembly === "undefined" || error instanceof WebAssembly.CompileError;
  notice.textContent = old
    ? "This page could not start: it needs a browser with WebAssembly SIMD (Chrome or Edge 97, Firefox 114, Safari 16.4, or newer)."
    : `This page could not start (${error?.message ?? error}). Please check the connection and reload it.`;
  starting.replaceWith(notice);
}

try {
  const { default: init } = await import("../web.js");
  const program = await fetch(new URL("../web_bg.wasm", import.meta.url));
  if (!program.ok) throw new Error(`web_bg.wasm: the server answered ${program.status}`);
  await init({ module_or_path: program });
  starting.remove();
  await import("./offline.js");
} catch (error) {
  fail(error);
}
