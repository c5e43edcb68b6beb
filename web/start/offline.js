// Keeps the page for use without a connection, where it was built for that (`cargo xtask dist`), and offers a new version when there is one.
const program = document.querySelector('meta[name="offline"]')?.content;

/** Asks the visitor before anything changes under their hands. */
function offer(worker) {
  const bar = document.createElement("div");
  bar.className = "notice new-version";
  bar.setAttribute("role", "status");
  bar.dataset.testid = "new-version";
  const words = document.createElement("p");
  words.textContent = "There is a new version of this page.";
  const take = document.createElement("button");
  take.type = "button";
  take.textContent = "Use it";
  take.addEventListener("click", () => {
    worker.postMessage("take over");
  });
  bar.append(words, take);
  document.body.append(bar);
}

if (program && "serviceWorker" in navigator) {
  // In every tab: none goes on with half of the old version.
  if (navigator.serviceWorker.controller) {
    navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
  }
  try {
    const registration = await navigator.serviceWorker.register(program);
    const watch = (worker) =>
      worker?.addEventListener("statechange", () => {
        // Without an older version there is nothing to choose.
        if (worker.state === "installed" && navigator.serviceWorker.controller) offer(worker);
      });
    if (registration.waiting && navigator.serviceWorker.controller) offer(registration.waiting);
    watch(registration.installing);
    registration.addEventListener("updatefound", () => watch(registration.installing));
  } catch (error) {
    // The page works without; addresses that are not secure have no service workers.
    console.info(`not kept for use without a connection: ${error.message}`);
  }
}
