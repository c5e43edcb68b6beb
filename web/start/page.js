// Starts the page's program. Without WebAssembly it says so instead of staying empty.
import init from "../web.js";

init({ module_or_path: new URL("../web_bg.wasm", import.meta.url) }).catch((error) => {
  console.error(error);
  const notice = document.createElement("p");
  notice.className = "start-failure";
  notice.setAttribute("role", "alert");
  notice.dataset.testid = "notice";
  notice.textContent =
    "This page could not start: it needs a browser with WebAssembly SIMD (Chrome or Edge 91, Firefox 89, Safari 16.4, or newer).";
  document.body.append(notice);
});
