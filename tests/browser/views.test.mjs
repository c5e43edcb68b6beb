// What the page's views do: the opening, comparing, learning, links that bring everything back, files that are no maps, use without a
// connection, and `trainer view`.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";

import {
  AXE, TRAINER, WEIGHTS, downloaded, launch, noiseMaps, npyValues, open, screenshot, servePage, shown, trainerIn,
} from "./support.mjs";

const VIEWS = ["explore", "morph", "statistics", "compare", "learn"];
const SIZES = [[360, 800], [1280, 800], [2560, 1440]];

/** Pixels of a canvas as numbers. */
const pixels = (page, testid) =>
  page.getByTestId(testid).evaluate((canvas) => [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data]);
const changed = (a, b) => a.length !== b.length || a.some((value, index) => value !== b[index]);

/** Waits until a canvas shows something else than `before`, and returns it. */
async function repainted(page, testid, before) {
  for (let tries = 0; tries < 200; tries += 1) {
    const now = await pixels(page, testid);
    if (changed(now, before)) return now;
    await page.waitForTimeout(50);
  }
  return assert.fail(`${testid} stays as it is`);
}

/** Gives the page files, as if the visitor had chosen them. */
const choose = (page, files) =>
  page.getByTestId("choose-files").setInputFiles(files.map(([name, buffer]) => ({ name, mimeType: "application/octet-stream", buffer })));

/** A FITS header of these cards. */
const fits = (cards, data = Buffer.alloc(0)) => {
  const header = cards.map((card) => card.padEnd(80)).join("");
  const padded = Buffer.from(header.padEnd(Math.ceil(header.length / 2880) * 2880), "latin1");
  return Buffer.concat([padded, data, Buffer.alloc((2880 - (data.length % 2880)) % 2880)]);
};
const SQUARE = ["SIMPLE  =                    T", "BITPIX  =                  -32", "NAXIS   =                    2"];

/** A .npy file of any header. */
const npy = (dictionary, data = Buffer.alloc(0)) => {
  const text = `${dictionary}\n`;
  const start = Buffer.from([0x93, ...Buffer.from("NUMPY"), 1, 0, text.length & 255, text.length >> 8]);
  return Buffer.concat([start, Buffer.from(text, "latin1"), data]);
};
const shape = (text, descr = "<f4", order = "False") => `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${text}, }`;

/** Files that are no maps: none of them may be shown, and each has to be named. */
function hostileFiles() {
  const map = noiseMaps(1, 16);
  const zeros = Buffer.alloc(64);
  return [
    ["empty.npy", Buffer.alloc(0)],
    ["text.npy", Buffer.from("kappa = 0.1\n")],
    ["page.html", Buffer.from("<!doctype html><script>alert(1)</script>")],
    ["picture.png", Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10])],
    ["photo.jpg", Buffer.from([0xff, 0xd8, 0xff, 0xe0])],
    ["paper.pdf", Buffer.from("%PDF-1.7")],
    ["archive.npz", Buffer.from("PK\x03\x04....")],
    ["maps.fits.gz", Buffer.from([0x1f, 0x8b, 8, 0])],
    ["maps.h5", Buffer.from("\x89HDF\r\n\x1a\n", "latin1")],
    ["model.pkl", Buffer.from([0x80, 4, 0x95])],
    ["cut.npy", map.subarray(0, map.length - 5)],
    ["longer.npy", Buffer.concat([map, Buffer.from("more")])],
    ["magic.npy", map.subarray(0, 6)],
    ["header.npy", map.subarray(0, 40)],
    ["nan.npy", npy(shape("(2, 2)"), Buffer.from(new Float32Array(4).fill(NaN).buffer))],
    ["infinite.npy", npy(shape("(2, 2)"), Buffer.from(new Float32Array(4).fill(Infinity).buffer))],
    ["wide.npy", npy(shape("(4, 2)"), zeros.subarray(0, 32))],
    ["flat.npy", npy(shape("(16,)"), zeros)],
    ["four.npy", npy(shape("(1, 2, 2, 4)"), zeros)],
    ["none.npy", npy(shape("(0, 4, 4)"))],
    ["letters.npy", npy(shape("(4, 4)", "<U1"), zeros)],
    ["sky.npy", npy(shape("(49152,)"), Buffer.alloc(4 * 49152))],
    ["complex.npy", npy(shape("(2, 2)", "<c16"), zeros)],
    ["fortran.npy", npy(shape("(4, 4)", "<f4", "True"), zeros.subarray(0, 60))],
    ["huge.npy", npy(shape("(9999999999, 9999999999)"), zeros)],
    ["large.npy", npy(shape("(4096, 4096)"), zeros)],
    ["code.npy", npy("__import__('os').system('true')", zeros)],
    ["version.npy", Buffer.from([0x93, ...Buffer.from("NUMPY"), 9, 9, 0, 0])],
    ["cut.fits", fits([...SQUARE, "NAXIS1  =                   64", "NAXIS2  =                   64", "END"], zeros)],
    ["wide.fits", fits([...SQUARE, "NAXIS1  =                    8", "NAXIS2  =                    2", "END"], zeros)],
    ["negative.fits", fits([...SQUARE, "NAXIS1  =                   -4", "NAXIS2  =                    4", "END"], zeros)],
    ["endless.fits", fits(SQUARE)],
    ["short.fits", Buffer.from("SIMPLE")],
  ];
}

describe("views", () => {
  let browser, server;
  before(async () => {
    browser = await launch({ webgpu: false });
    server = await servePage();
  });
  after(async () => {
    await browser.close();
    await server.close();
  });
  const at = async (t, query, options) => {
    const opened = await open(browser, server, query, options);
    t.after(opened.close);
    return opened.page;
  };

  test("opens on a map that drifts, and becomes the instrument with the map that was on screen", async (t) => {
    const page = await at(t, "");
    await page.waitForSelector("[data-testid=opening][data-state=ready]");
    const canvas = "[data-testid=opening] canvas";
    const look = () => page.locator(canvas).evaluate((it) => [...it.getContext("2d").getImageData(0, 0, it.width, it.height).data]);
    await page.getByText("maps a second").waitFor();
    const before = await look();
    await page.waitForTimeout(1500);
    assert.ok(changed(before, await look()), "it drifts");
    await screenshot(page, "opening");
    await page.getByTestId("explore").click();
    const main = page.locator("main[data-view=explore][data-busy=false]");
    await main.waitFor();
    const place = Number(await main.getAttribute("data-place"));
    assert.ok(place > 0, `${place}`);
    await page.waitForTimeout(600);
    assert.equal(Number(await main.getAttribute("data-place")), place, "it rests");
  });

  test("nothing drifts where nothing is to move; Escape and the game's button leave the opening", async (t) => {
    const still = await at(t, "", { reducedMotion: "reduce" });
    await still.locator("main[data-view=explore][data-state=ready]").waitFor();
    assert.equal(await still.getByTestId("opening").count(), 0);
    const page = await at(t, "");
    await page.getByTestId("opening").waitFor();
    await page.keyboard.press("Escape");
    await page.locator("main[data-view=explore]").waitFor();
    const playing = await at(t, "");
    await playing.getByTestId("opening-play").click();
    await playing.getByTestId("game").waitFor();
    assert.equal(await playing.locator("main").getAttribute("data-view"), "learn");
  });

  test("the way back leads to the view and the seed before, and to the opening", async (t) => {
    const page = await at(t, "");
    await page.getByTestId("explore").click();
    await page.locator("main[data-view=explore][data-state=ready]").waitFor();
    await page.getByTestId("seed-input").fill("7");
    await page.getByTestId("seed-input").press("Enter");
    await shown(page, 7);
    await page.getByTestId("view-compare").click();
    await page.getByTestId("other-canvas").waitFor();
    await page.goBack();
    await page.locator("main[data-view=explore]").waitFor();
    await page.getByTestId("view-morph").click();
    await page.locator("main[data-view=morph]").waitFor();
    await page.goBack();
    await page.goBack();
    await page.locator("main[data-view=explore]:not([data-seed='7'])").waitFor();
    await page.goForward();
    await shown(page, 7);
    await page.goBack();
    await page.goBack();
    await page.getByTestId("opening").waitFor();
  });

  test("a simulated map is there to look at while the network loads", async (t) => {
    const held = await servePage({ "/start/worker.js": () => Buffer.from("") });
    t.after(held.close);
    const { page, close } = await open(browser, held, "?seed=5");
    t.after(close);
    await page.getByTestId("placeholder").waitFor();
    assert.ok(new Set(await pixels(page, "map-canvas")).size > 50, "it is painted");
  });

  for (const scheme of ["dark", "light"]) {
    test(`no view shuts anyone out, ${scheme}`, async (t) => {
      const page = await at(t, "?seed=5", { colorScheme: scheme });
      await shown(page, 5);
      for (const view of VIEWS) {
        await page.getByTestId(`view-${view}`).click();
        await page.locator(`main[data-view=${view}]`).waitFor();
        if (view === "compare") await page.getByTestId("other-canvas").waitFor();
        if (view === "learn") await page.getByTestId("game").waitFor();
        for (const [width, height] of SIZES) {
          await page.setViewportSize({ width, height });
          await page.waitForTimeout(300);
          const sideways = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          assert.ok(sideways <= 0, `${view} is ${sideways} pixels wider than ${width}`);
          await screenshot(page, `${view}-${scheme}-${width}`, { fullPage: width < 2000 });
        }
        await page.setViewportSize({ width: 1280, height: 800 });
        await page.evaluate(AXE);
        const { violations, passes } = await page.evaluate(() => globalThis.axe.run());
        assert.ok(passes.length > 15, `${passes.length} rules were looked at`);
        const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 120)).join(" | ")}`);
        assert.deepEqual(found, [], view);
      }
      const opening = await at(t, "", { colorScheme: scheme });
      await opening.waitForSelector("[data-testid=opening][data-state=ready]");
      await opening.evaluate(AXE);
      const { violations } = await opening.evaluate(() => globalThis.axe.run());
      assert.deepEqual(violations.map(({ id }) => id), [], "opening");
    });
  }

  test("every view opens by touch, and its controls answer to keys", async (t) => {
    const page = await at(t, "?seed=5", { hasTouch: true, viewport: { width: 360, height: 800 } });
    await shown(page, 5);
    for (const view of VIEWS) {
      await page.getByTestId(`view-${view}`).tap();
      await page.locator(`main[data-view=${view}]`).waitFor();
    }
    await page.getByTestId("scales").focus();
    const before = await pixels(page, "map-canvas");
    for (let presses = 0; presses < 5; presses += 1) await page.keyboard.press("ArrowRight");
    await repainted(page, "map-canvas", before);
    await page.getByTestId("view-compare").focus();
    await page.keyboard.press("Enter");
    await page.getByTestId("other-canvas").waitFor();
    const other = await pixels(page, "other-canvas");
    await page.getByRole("button", { name: "Right: next map" }).focus();
    await page.keyboard.press("Enter");
    await repainted(page, "other-canvas", other);
  });

  test("smoothing, noise, bands and peaks change the map and what is measured; they stand in its FITS file", async (t) => {
    const page = await at(t, "?seed=5");
    await shown(page, 5);
    const plain = npyValues(await downloaded(page, "download-npy"));
    const deviation = (values) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
    let picture = await pixels(page, "map-canvas");
    await page.getByTestId("smoothing").fill("2");
    picture = await repainted(page, "map-canvas", picture);
    const smoothed = npyValues(await downloaded(page, "download-npy"));
    assert.ok(deviation(smoothed) < 0.8 * deviation(plain), "smoothing takes from the scatter");
    await page.getByTestId("noise").check();
    picture = await repainted(page, "map-canvas", picture);
    await page.getByTestId("spectrum-band-0").fill("500");
    await page.getByTestId("spectrum-band-0").press("Enter");
    picture = await repainted(page, "map-canvas", picture);
    await page.getByTestId("spectrum-band-1").fill("3000");
    await page.getByTestId("spectrum-band-1").press("Enter");
    await repainted(page, "map-canvas", picture);
    const header = (await downloaded(page, "download-fits")).toString("latin1", 0, 5760);
    for (const keyword of ["NGAL", "SIGMAE", "SMOOTH", "ELLMIN", "ELLMAX"]) assert.match(header, new RegExp(`${keyword} *=`));
    await page.getByTestId("mark-peaks").check();
    await page.getByTestId("peaks").waitFor({ state: "attached" });
    assert.ok(Number(await page.getByTestId("peaks").getAttribute("data-count")) > 0);
    await page.getByTestId("spectrum-band-all").click();
    assert.equal(await page.getByTestId("spectrum-band-0").inputValue(), "");
  });

  test("four or sixteen maps at once, each of its own seed; one that is chosen is shown alone", async (t) => {
    const page = await at(t, "?seed=40");
    await shown(page, 40);
    await page.getByText("16 maps", { exact: true }).click();
    await page.locator("[data-testid=tile-15]:enabled").waitFor();
    const seeds = await page.locator(".tile span").allTextContents();
    assert.deepEqual(seeds, Array.from({ length: 16 }, (_, number) => `${40 + number}`));
    const picture = await page.getByTestId("tile-3").locator("canvas").evaluate((canvas) => canvas.toDataURL());
    await page.getByTestId("tile-3").click();
    await shown(page, 43);
    await page.waitForFunction((picture) => document.querySelector("[data-testid=map-canvas]")?.toDataURL() === picture, picture);
    await page.getByText("4 maps", { exact: true }).click();
    await page.locator("[data-testid=tile-3]:enabled").waitFor();
    await page.waitForFunction(() => location.search.includes("grid=4"));
  });

  test("a drag over the power spectrum leaves its part of the map", async (t) => {
    const page = await at(t, "?seed=5");
    await shown(page, 5);
    const before = await pixels(page, "map-canvas");
    const plot = await page.getByTestId("spectrum-plot").boundingBox();
    const y = plot.y + plot.height / 2;
    await page.mouse.move(plot.x + plot.width * 0.3, y);
    await page.mouse.down();
    await page.mouse.move(plot.x + plot.width * 0.5, y, { steps: 5 });
    await page.mouse.up();
    await repainted(page, "map-canvas", before);
    const [low, high] = [Number(await page.getByTestId("spectrum-band-0").inputValue()), Number(await page.getByTestId("spectrum-band-1").inputValue())];
    assert.ok(low > 300 && high > 1.5 * low, `${low} to ${high}`);
  });

  test("a map of the page, dropped on it again, is the same map", async (t) => {
    const page = await at(t, "?seed=5");
    await shown(page, 5);
    const [map, file] = [await downloaded(page, "download-npy"), await downloaded(page, "download-fits")];
    await page.getByTestId("view-compare").click();
    await page.getByTestId("other-canvas").waitFor();
    for (const [name, bytes] of [["seed-5.npy", map], ["seed-5.fits", file]]) {
      await choose(page, [[name, bytes]]);
      await page.locator("figcaption", { hasText: name }).waitFor();
      await page.waitForFunction(() => {
        const of = (name) => document.querySelector(`[data-testid=${name}]`)?.toDataURL();
        return of("map-canvas") === of("other-canvas");
      });
    }
    await page.getByText("difference", { exact: true }).click();
    await page.locator("figcaption", { hasText: "left − right" }).waitFor();
    await page.waitForFunction(() => {
      const canvas = document.querySelector("[data-testid=map-canvas]");
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return data.every((value, index) => index % 4 === 3 || value === 247);
    });
    await page.getByText("blink", { exact: true }).click();
    await page.locator("figcaption", { hasText: "seed-5.fits" }).waitFor();
  });

  test("files of many maps, of another size and angle, and several at once", async (t) => {
    const page = await at(t, "?seed=5&view=compare");
    await page.getByTestId("other-canvas").waitFor();
    await page.getByTestId("file-angle").fill("3");
    await page.getByTestId("file-angle").press("Enter");
    await choose(page, [["stack.npy", noiseMaps(30, 64)], ["one.npy", noiseMaps(1, 100)]]);
    await page.locator("figcaption", { hasText: "stack.npy, map 1 of 30 (3 degrees taken)" }).waitFor();
    const names = await page.locator("#right-map option").allTextContents();
    assert.equal(names.filter((name) => name.startsWith("stack.npy")).length, 24, "the first 24");
    assert.ok(names.some((name) => name.startsWith("one.npy")));
    assert.ok(await page.locator("label", { hasText: "difference" }).locator("input").isDisabled(), "maps of two sizes");
    // Of two of the visitor's maps, one stands in place of the generated one.
    await page.getByTestId("left-map").selectOption({ label: names.find((name) => name.startsWith("one.npy")) });
    await page.locator("figcaption", { hasText: "one.npy" }).waitFor();
    assert.equal((await pixels(page, "map-canvas")).length, 4 * 100 * 100);
    await screenshot(page, "compare-files");
  });

  test("a compressed map with pixels that have no value", async (t) => {
    const page = await at(t, "?seed=5");
    await shown(page, 5);
    const map = Buffer.from(await downloaded(page, "download-npy"));
    const side = Math.sqrt((map.length - 128) / 4);
    // A square of 40 pixels, NaN; a pixel as HEALPix fills it.
    for (let row = 100; row < 140; row += 1) {
      for (let column = 60; column < 100; column += 1) map.writeFloatLE(Number.NaN, 128 + 4 * (row * side + column));
    }
    map.writeFloatLE(-1.6375e30, 128 + 4 * (10 * side + 20));
    await page.getByTestId("view-compare").click();
    await page.getByTestId("other-canvas").waitFor();
    await choose(page, [["hole.npy.gz", gzipSync(map)]]);
    await page.locator("figcaption", { hasText: "hole.npy.gz" }).waitFor();
    await page.getByTestId("notice").filter({ hasText: "1600 pixels are NaN" }).filter({ hasText: "UNSEEN" }).waitFor();
    const painted = await pixels(page, "other-canvas");
    const colour = (row, column) => [...painted.slice(4 * (row * side + column), 4 * (row * side + column) + 3)];
    const masked = [112, 122, 112];
    for (const [row, column] of [[100, 60], [139, 99], [120, 80], [10, 20]]) assert.deepEqual(colour(row, column), masked);
    for (const [row, column] of [[99, 60], [140, 99], [10, 21], [0, 0]]) assert.notDeepEqual(colour(row, column), masked);
    await screenshot(page, "compare-masked");
  });

  test("files that are no maps are named, one by one and all together, and nothing of them is shown", async (t) => {
    const page = await at(t, "?seed=5&view=compare");
    await page.getByTestId("other-canvas").waitFor();
    const files = hostileFiles();
    assert.ok(files.length >= 30);
    const options = page.locator("#right-map option");
    const before = await options.count();
    for (const [name, bytes] of files) {
      await choose(page, [[name, bytes]]);
      const notice = page.getByTestId("notice").filter({ hasText: name });
      await notice.waitFor();
      assert.ok((await notice.textContent()).length > name.length + 15, `${name}: a reason`);
      await page.getByRole("button", { name: "Close this notice" }).click();
    }
    assert.equal(await options.count(), before, "no map came of them");
    await choose(page, [...files, ["good.npy", noiseMaps(1, 32)]]);
    await page.getByTestId("notice").filter({ hasText: `and ${files.length - 4} more` }).waitFor();
    await page.locator("figcaption", { hasText: "good.npy" }).waitFor();
    assert.equal(await page.locator("main").getAttribute("data-state"), "ready");
  });

  test("weights with their manifest draw; without it, cut off, or of others they are refused, and the page's own come back", async (t) => {
    const page = await at(t, "?seed=5&view=compare");
    await shown(page, 5);
    const picture = await pixels(page, "map-canvas");
    const manifest = readFileSync(join(WEIGHTS, "manifest.json"));
    const weights = readFileSync(join(WEIGHTS, "generator-f16.safetensors"));
    await choose(page, [["generator.safetensors", weights]]);
    await page.getByTestId("notice").filter({ hasText: "manifest" }).waitFor();
    await choose(page, [["generator.safetensors", weights], ["manifest.json", Buffer.from("{}")]]);
    await page.getByTestId("notice").filter({ hasText: "The network of before goes on" }).waitFor();
    await choose(page, [["generator.safetensors", weights], ["manifest.json", manifest]]);
    await page.getByTestId("view-explore").click();
    await page.getByTestId("weights").filter({ hasText: "generator.safetensors" }).waitFor();
    await shown(page, 5);
    assert.deepEqual(await pixels(page, "map-canvas"), picture, "the same weights, the same map");
    await chooseInCompare(page, [["generator.safetensors", weights.subarray(0, weights.length - 9)], ["manifest.json", manifest]]);
    await page.getByTestId("notice").filter({ hasText: "written together" }).waitFor();
    await page.getByTestId("view-explore").click();
    await page.getByTestId("page-weights").click();
    await shown(page, 5);
    assert.deepEqual(await pixels(page, "map-canvas"), picture);
  });

  test("the lens bends more, the layers are there, and the slider of sizes leaves with its view", async (t) => {
    const page = await at(t, "?seed=5&view=learn");
    await page.getByTestId("layers").locator("figure").nth(4).waitFor();
    const captions = await page.getByTestId("layers").locator("figcaption").allTextContents();
    assert.deepEqual(captions.map((text) => text.match(/\d+ × \d+/)[0]), ["16 × 16", "32 × 32", "64 × 64", "128 × 128", "256 × 256"]);
    const lens = await pixels(page, "lens-canvas");
    await page.getByTestId("lens-strength").fill("0");
    const unbent = await repainted(page, "lens-canvas", lens);
    await page.getByTestId("lens-strength").fill("20");
    await repainted(page, "lens-canvas", unbent);
    const map = await pixels(page, "map-canvas");
    await page.getByTestId("scales").fill("60");
    await repainted(page, "map-canvas", map);
    await page.getByTestId("view-explore").click();
    await page.waitForFunction(() => !location.search.includes("band"));
    await shown(page, 5);
  });

  test("twelve pairs, each with its answer, and a score that says what guessing gives", async (t) => {
    const page = await at(t, "?seed=5&view=learn");
    let right = 0;
    for (let pair = 1; pair <= 12; pair += 1) {
      await page.getByTestId("game-progress").filter({ hasText: `Pair ${pair} of 12` }).waitFor();
      await page.locator("[data-testid=candidate-0][aria-disabled=false]").click();
      if ((await page.getByTestId("game-verdict").textContent()).startsWith("Right")) right += 1;
      const told = await page.locator(".candidate figcaption").allTextContents();
      assert.equal(told.filter((text) => /^the network drew this one, seed \d+$/.test(text)).length, 1, told.join());
      assert.equal(told.filter((text) => text === "a simulation").length, 1);
      await page.getByTestId("game-next").click();
    }
    const result = await page.getByTestId("game-result").textContent();
    assert.ok(result.includes(`You found ${right} of 12`) && result.includes("of 100 games"), result);
    await page.getByTestId("game-again").click();
    await page.getByTestId("game-progress").filter({ hasText: "Pair 1 of 12" }).waitFor();
  });

  /** A discriminator of Table 2's sizes without batch normalisation, whose weights are small numbers of both signs, as safetensors. */
  function discriminator() {
    const shapes = { "fc.weight": [1, 512 * 16 * 16], "fc.bias": [1] };
    for (const [layer, inputs, outputs] of [[1, 1, 64], [2, 64, 128], [3, 128, 256], [4, 256, 512]]) {
      shapes[`conv${layer}.weight`] = [outputs, inputs, 5, 5];
      shapes[`conv${layer}.bias`] = [outputs];
    }
    const header = {};
    let bytes = 0;
    for (const [name, shape] of Object.entries(shapes)) {
      const length = 2 * shape.reduce((product, size) => product * size);
      header[name] = { dtype: "F16", shape, data_offsets: [bytes, bytes + length] };
      bytes += length;
    }
    const text = Buffer.from(JSON.stringify(header));
    const file = Buffer.alloc(8 + text.length + bytes);
    file.writeBigUInt64LE(BigInt(text.length), 0);
    text.copy(file, 8);
    let state = 1;
    for (let at = 8 + text.length; at < file.length; at += 2) {
      state = (state * 1103515245 + 12345) % 2147483648;
      // 2^-6 in half precision, and its negative.
      file.writeUInt16LE(state & 0x10000 ? 0x2400 : 0xa400, at);
    }
    return file;
  }

  test("a discriminator that comes with the weights plays along, and a damaged one is told", async (t) => {
    const judge = discriminator();
    const entry = {
      batch_norm: false, input_unit: 0.02, file: "discriminator-f16.safetensors", precision: "f16", bytes: judge.length,
      sha256: createHash("sha256").update(judge).digest("hex"),
    };
    const manifest = (file) => Buffer.from(JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), discriminator: entry }));
    const served = (bytes) => ({ "/weights/manifest.json": manifest, "/weights/discriminator-f16.safetensors": () => bytes });
    const playing = async (bytes) => {
      const server = await servePage(served(bytes));
      t.after(server.close);
      const opened = await open(browser, server, "?seed=5&view=learn");
      t.after(opened.close);
      return opened.page;
    };
    const page = await playing(judge);
    let found = 0;
    for (let pair = 1; pair <= 12; pair += 1) {
      await page.getByTestId("game-progress").filter({ hasText: `Pair ${pair} of 12` }).waitFor();
      await page.locator("[data-testid=candidate-0][aria-disabled=false]").click();
      const told = await page.getByTestId("game-judge").textContent();
      assert.match(told, /^The discriminator (tells them apart|takes them the wrong way round)\.$/);
      found += told.includes("apart") ? 1 : 0;
      if (pair === 1) await screenshot(page, "game-with-discriminator");
      await page.getByTestId("game-next").click();
    }
    const result = await page.getByTestId("game-result").textContent();
    assert.ok(result.includes(`The discriminator found ${found}.`), result);

    const broken = Buffer.from(judge);
    broken[broken.length - 1] ^= 1;
    const other = await playing(broken);
    await other.getByTestId("notice").filter({ hasText: "The discriminator was not used" }).waitFor();
    await other.locator("[data-testid=candidate-0][aria-disabled=false]").click();
    assert.equal(await other.getByTestId("game-judge").textContent(), "");
  });

  test("an ensemble is tested against simulated maps, pauses, and outlives a worker", async (t) => {
    const page = await at(t, "?seed=5&view=statistics");
    await shown(page, 5);
    const others = page.workers().length;
    await page.getByTestId("ensemble").click();
    await page.getByTestId("pause").click();
    const count = async () => Number((await page.getByTestId("ensemble").textContent()).match(/^\d+/)[0]);
    await page.waitForTimeout(1500);
    const paused = await count();
    await page.waitForTimeout(1500);
    assert.equal(await count(), paused, "nothing is drawn meanwhile");
    await page.getByTestId("pause").click();
    await page.waitForFunction((from) => Number(document.querySelector("[data-testid=ensemble]").textContent.match(/^\d+/)?.[0]) > from + 3, paused);
    assert.ok(page.workers().length > others, "a pool draws");
    await page.getByTestId("tests").waitFor();
    const words = await page.getByTestId("tests").textContent();
    assert.match(words, /64 generated maps against 512 simulated ones|32 generated maps against 512 simulated ones/);
    await page.getByText("Remove the generated band").waitFor();
    await page.getByTestId("tests").filter({ hasText: "64 generated maps against 512 simulated ones" }).waitFor();
    await page.getByText("Remove the generated band").click();
    assert.equal(await page.getByTestId("tests").count(), 0);
  });

  test("a worker of the pool that dies says so, and the map on screen is drawn on", async (t) => {
    const page = await at(t, "?seed=5&view=statistics");
    await shown(page, 5);
    const before = new Set(page.workers());
    await page.getByTestId("ensemble").click();
    await page.getByTestId("generated-legend").first().waitFor();
    for (const worker of page.workers().filter((worker) => !before.has(worker))) {
      await worker.evaluate(() => setTimeout(() => { throw new Error("killed by the test"); })).catch(() => {});
    }
    await page.getByTestId("notice").filter({ hasText: "No more maps are drawn for comparison" }).waitFor();
    await page.getByTestId("next-map").click();
    await shown(page, 6);
  });

  test("an embedded map is nothing but the map, with a way to the page", async (t) => {
    const page = await at(t, "?seed=5&embed&colours=viridis");
    await page.waitForSelector("[data-testid=embedded][data-state=ready]");
    assert.equal(await page.locator("header, nav, input, select").count(), 0);
    const link = await page.getByRole("link", { name: "CosmoGAN" }).getAttribute("href");
    assert.ok(link.includes("seed=5") && link.includes("colours=viridis") && !link.includes("embed"), link);
    assert.ok(page.url().includes("embed"), "the address stays");
  });

  test("a hundred links come back as they were", async (t) => {
    const page = await at(t, "?seed=1");
    let state = 12345;
    const random = () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
    const often = (share, text) => (random() < share ? text : "");
    for (let number = 0; number < 100; number += 1) {
      const seed = Math.floor(random() * 1e9);
      const arc = random() < 0.3 ? `&to=${Math.floor(random() * 1e6)}&t=${(random() * 0.98 + 0.01).toFixed(4)}` : "";
      const link = `?seed=${seed}${arc}`
        + often(0.2, arc ? `&seed2=${Math.floor(random() * 1e6)}&to2=${Math.floor(random() * 1e6)}&u=0.2500` : "")
        + often(0.6, `&view=${VIEWS[1 + Math.floor(random() * 3)]}`)
        + often(0.4, `&colours=${["inferno", "viridis", "paper-blues"][number % 3]}`)
        + often(0.4, `&stretch=${["sqrt", "log", "asinh"][number % 3]}`)
        + often(0.3, "&range=-0.01,0.05")
        + often(0.3, "&zoom=2.2500,0.1250,0.3750")
        + often(0.2, "&grid=4")
        + often(0.3, `&smooth=${(0.5 + random() * 4).toFixed(1)}`.replace(/\.0$/, ""))
        + often(0.3, "&noise=30,0.37,1")
        + often(0.3, "&band=500,4000")
        + often(0.3, "&peaks=3.5");
      const wanted = [...new URLSearchParams(link)].sort();
      await page.goto(server.address + link);
      await page.locator("main[data-view]").waitFor();
      // The page writes its address a while after it has begun.
      await page.waitForTimeout(350);
      assert.deepEqual([...new URLSearchParams(new URL(page.url()).search)].sort(), wanted, link);
    }
  });
});

/** The same from any view. */
async function chooseInCompare(page, files) {
  await page.getByTestId("view-compare").click();
  await choose(page, files);
}

describe("without a connection", () => {
  let browser;
  before(async () => {
    browser = await launch({ webgpu: false });
  });
  after(() => browser.close());

  test("the page is kept, draws without a server, and offers a new version when there is one", async (t) => {
    let version = (program) => program;
    const overrides = { "/sw.js": (file) => Buffer.from(version(readFileSync(file, "utf8"))) };
    const server = await servePage(overrides, process.env.COSMOGAN_DIST);
    const { page, close, troubles } = await open(browser, server, "?seed=5");
    t.after(close);
    await shown(page, 5);
    const picture = await pixels(page, "map-canvas");
    await page.evaluate(() => navigator.serviceWorker.ready);
    // A newer version appears beside the one that is kept.
    version = (program) => program.replace(/VERSION = "/, 'VERSION = "newer');
    await page.reload();
    await shown(page, 5);
    await page.getByTestId("new-version").waitFor();
    await page.getByRole("button", { name: "Use it" }).click();
    await page.waitForFunction(async () => (await caches.keys()).join().includes("newer") && (await caches.keys()).length === 1);
    await shown(page, 5);
    await server.close();
    await page.context().setOffline(true);
    await page.goto(`${server.address}?seed=6`);
    await shown(page, 6);
    await page.goto(`${server.address}?seed=5`);
    await shown(page, 5);
    assert.deepEqual(await pixels(page, "map-canvas"), picture);
    await page.getByTestId("view-compare").click();
    await page.getByTestId("other-canvas").waitFor();
    assert.deepEqual(troubles.filter((trouble) => !trouble.includes("ERR_INTERNET_DISCONNECTED") && !trouble.includes("sw.js")), []);
  });
});

describe("trainer view", () => {
  let browser;
  before(async () => {
    browser = await launch({ webgpu: false });
  });
  after(() => browser.close());

  /** Starts the program, and returns its address and how to end it. */
  async function view(...options) {
    const program = spawn(TRAINER, ["view", "--page", process.env.COSMOGAN_PAGE, "--port", "0", ...options]);
    const said = [];
    program.stderr.on("data", (data) => said.push(`${data}`));
    const address = await new Promise((resolve, reject) => {
      program.stdout.on("data", (data) => {
        said.push(`${data}`);
        const found = said.join("").match(/http:\/\/[^ ]+\//);
        if (found) resolve(found[0]);
      });
      program.on("exit", (code) => reject(new Error(`ended with ${code}: ${said.join("")}`)));
    });
    const end = () => new Promise((resolve) => {
      program.removeAllListeners("exit");
      program.on("exit", (code) => resolve(code));
      program.kill("SIGINT");
    });
    return { address, end };
  }

  test("serves the page on one's own weights, to this machine alone, and ends when it is told to", async (t) => {
    const { address, end } = await view("--weights", WEIGHTS);
    const { page, close, troubles } = await open(browser, { address }, "?seed=5");
    t.after(close);
    await shown(page, 5);
    assert.deepEqual(troubles, []);
    for (const path of ["../Cargo.toml", "%2e%2e/Cargo.toml", "weights/../../Cargo.toml", "etc/passwd", "weights/manifest.json/.."]) {
      const answer = await page.request.get(address + path).catch(() => null);
      assert.ok(!answer || answer.status() === 404 || (await answer.text()).startsWith("<!doctype"), path);
    }
    assert.equal((await page.request.post(address)).status(), 405);
    assert.equal(await end(), 0);
  });

  test("a run's checkpoints appear as they are written", async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "cosmogan-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const sizes = "[network]\nmap_side = 48\nstages = 3\nbase_channels = 3\nlatent_size = 5\n";
    trainerIn(folder, { "maps.npy": noiseMaps(40, 48), "sizes.toml": sizes });
    const train = (steps, ...more) => trainerIn(folder, {}, [
      "train", "--data", "maps.npy", "--config", "sizes.toml", "--side-angle", "1", "--batch-size", "2", "--steps", `${steps}`,
      "--device", "cpu", "--out", "run", ...more,
    ]);
    train(2);
    const { address, end } = await view("--weights", join(folder, "run"));
    const { page, close } = await open(browser, { address }, "?seed=5");
    t.after(close);
    t.after(end);
    await page.locator("main[data-state=ready]").waitFor();
    train(4, "--resume");
    await page.getByTestId("weights").filter({ hasText: "step 4" }).waitFor();
    await page.locator("label", { hasText: "step 4" }).locator("input:checked").waitFor({ state: "attached" });
    await shown(page, 5);
  });
});
