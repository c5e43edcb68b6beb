// The page in headless Chromium and Firefox, on the CPU and on a software WebGPU adapter: it draws the maps that the native trainer
// draws, measures what the native statistics measure, and says what is wrong when something is.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";

import {
  WEIGHTS, csvSpectrum, downloaded, launch, launchFirefox, largestDifference, noiseMaps, npyValues, open, screenshot,
  servePage, shown, trainer,
} from "./support.mjs";

/** Largest difference in kappa between a map of the page and of the native trainer. */
const TOLERANCE = 1e-3;

/** The page loads half-precision weights: so does the trainer here. */
function nativeMaps(seed, count = 1) {
  const generate = ["generate", "--weights", WEIGHTS, "--precision", "f16", "--device", "cpu", "--seed", `${seed}`];
  const lines = [[...generate, "--count", `${count}`, "--out", "maps.npy"], ["spectrum", "maps.npy", "--out", "p.csv"]];
  const [maps, spectrum] = trainer(lines, ["maps.npy", "p.csv"]);
  return { kappa: npyValues(maps), spectrum: csvSpectrum(spectrum) };
}

/** SHA-256 of a map's bits. */
const digest = (map) => createHash("sha256").update(Buffer.from(map.buffer, map.byteOffset, map.byteLength)).digest("hex");
const kappaOf = async (page) => npyValues(await downloaded(page, "download-npy"));
const spectrumOf = async (page) => csvSpectrum(await downloaded(page, "download-csv"));

function assertSameSpectrum(found, expected) {
  assert.deepEqual(found.map(([ell]) => ell), expected.map(([ell]) => ell));
  assert.ok(found.length > 100, `${found.length} modes`);
  const largest = Math.max(...expected.map(([, power]) => power));
  for (const [index, [ell, power]] of expected.entries()) {
    // Backends differ by rounding in kappa, which shows where a mode has next to no power.
    const difference = Math.abs(found[index][1] - power);
    assert.ok(difference <= 0.01 * power + 1e-7 * largest, `P(${ell}) is ${found[index][1]}, natively ${power}`);
  }
}

/** Reads the curve off the plot, through the numbers at its grid lines. */
async function drawnSpectrum(page) {
  return page.getByTestId("spectrum-plot").evaluate((svg) => {
    const numbers = [...svg.querySelectorAll("text.number")];
    const value = (text) => {
      const power = text.querySelector("tspan")?.textContent.replace("−", "-");
      return power === undefined ? Math.log10(Number(text.textContent.replace(",", ""))) : Number(power);
    };
    const axis = (texts, place) => {
      const marks = texts.map((text) => [Number(text.getAttribute(place)), value(text)]);
      const [[from, low], [to, high]] = [marks[0], marks.at(-1)];
      return (at) => 10 ** (low + ((at - from) / (to - from)) * (high - low));
    };
    const vertical = numbers.filter((text) => text.classList.contains("end"));
    const ell = axis(numbers.filter((text) => !text.classList.contains("end")), "x");
    // The numbers' baselines lie 5 below their lines.
    const height = axis(vertical, "y");
    const path = svg.querySelector("path.curve").getAttribute("d");
    const points = path.slice(1).split("L").map((point) => point.split(" ").map(Number));
    return points.map(([x, y]) => [ell(x), height(y + 5)]);
  });
}

describe("without WebGPU", () => {
  let browser, server;
  before(async () => {
    browser = await launch({ webgpu: false });
    server = await servePage();
  });
  after(async () => {
    await browser.close();
    await server.close();
  });

  test("draws the trainer's map, on the CPU, and nothing leaves the machine", async () => {
    const { page, troubles, close } = await open(browser, server, "?seed=42");
    await shown(page, 42);
    await page.getByTestId("device").filter({ hasText: /CPU.*no WebGPU|CPU.*found no GPU/ }).waitFor();
    assert.match(await page.getByTestId("time-per-map").textContent(), /\d+ ms a map/);
    const native = nativeMaps(42);
    assert.equal(digest(await kappaOf(page)), digest(native.kappa), "not the trainer's map to the last bit");
    assert.equal(await page.getByTestId("notice").count(), 0);
    await screenshot(page, "desktop");
    await close();
    assert.deepEqual(troubles, []);
    assert.ok(native.kappa.some((kappa) => kappa > 0.02), "the map is empty, so agreement would show nothing");
  });

  test("draws and measures the spectrum that the native statistics give", async () => {
    const { page, close } = await open(browser, server, "?seed=43");
    await shown(page, 43);
    const native = nativeMaps(43).spectrum;
    assertSameSpectrum(await spectrumOf(page), native);
    // Beyond the Nyquist multipole of the rows (180 degrees over a pixel) only corner modes are left: the plot ends there.
    const nyquist = (180 * 256) / 1.75;
    const compared = native.filter(([ell]) => ell < nyquist);
    assert.ok(compared.length > 100 && compared.length < native.length);
    const drawn = await drawnSpectrum(page);
    assert.equal(drawn.length, compared.length);
    const band = await page.locator("path.mean").first().getAttribute("d");
    assert.equal(band.split("L").length, compared.length, "the band of simulated maps ends with the curve");
    for (const [index, [ell, power]] of compared.entries()) {
      const expected = (ell * (ell + 1) * power) / (2 * Math.PI);
      assert.ok(Math.abs(drawn[index][0] / ell - 1) < 0.02, `l ${drawn[index][0]} is drawn for ${ell}`);
      assert.ok(Math.abs(drawn[index][1] / expected - 1) < 0.05, `l ${ell}: ${drawn[index][1]} is drawn for ${expected}`);
    }
    await close();
  });

  test("the slider morphs one seed's map into another's, and the spectrum with it", async () => {
    const { page, troubles, close } = await open(browser, server, "?seed=5&to=6&view=morph");
    await shown(page, 5);
    const [start, startSpectrum] = [await kappaOf(page), await page.locator("path.curve").first().getAttribute("d")];
    await page.getByTestId("slerp-slider").fill("0.5");
    await shown(page, 5, 0.5);
    const [middle, middleSpectrum] = [await kappaOf(page), await page.locator("path.curve").first().getAttribute("d")];
    await screenshot(page, "slerp");
    await page.getByTestId("slerp-slider").fill("1");
    await shown(page, 5, 1);
    const end = await kappaOf(page);
    const native = nativeMaps(5, 2).kappa;
    assert.ok(largestDifference(start, native.subarray(0, 65_536)) <= TOLERANCE);
    assert.ok(largestDifference(end, native.subarray(65_536)) <= TOLERANCE);
    assert.ok(largestDifference(middle, start) > 0.01 && largestDifference(middle, end) > 0.01);
    assert.notEqual(middleSpectrum, startSpectrum);
    await close();
    assert.deepEqual(troubles, []);
  });

  test("seeds: typed, stepped, drawn by lot, kept in the address, refused when they are none", async () => {
    const { page, close } = await open(browser, server, "?seed=10");
    await shown(page, 10);
    await page.getByTestId("next-map").click();
    await shown(page, 11);
    await page.getByTestId("seed-input").fill("1234567890123456789");
    await page.getByTestId("seed-input").press("Enter");
    await shown(page, "1234567890123456789");
    await page.waitForURL(/seed=1234567890123456789/);
    for (const wrong of ["-3", "dark matter", "99999999999999999999"]) {
      await page.getByTestId("seed-input").fill(wrong);
      await page.getByTestId("seed-input").press("Enter");
      await page.getByText("A seed is a whole number").waitFor();
    }
    await shown(page, "1234567890123456789");
    await page.getByTestId("new-map").click();
    await page.waitForFunction(() => {
      const main = document.querySelector("main");
      return main.dataset.busy === "false" && main.dataset.seed !== "1234567890123456789";
    });
    const kappa = await kappaOf(page);
    await page.waitForURL((url) => !url.href.includes("1234567890123456789"));
    await page.reload();
    await page.waitForSelector("main[data-state=ready][data-busy=false][data-seed]");
    assert.deepEqual(await kappaOf(page), kappa, "the address brings the same map back");
    await close();
  });

  test("the page answers while maps are drawn", async () => {
    const { page, close } = await open(browser, server, "?seed=1&view=statistics");
    await shown(page, 1);
    assert.equal(page.workers().length, 1);
    await page.getByTestId("ensemble").click();
    const frames = await page.evaluate(async () => {
      const maps = () => Number.parseInt(document.querySelector("[data-testid=generated-legend]")?.textContent ?? "0", 10);
      const start = performance.now();
      let [count, longest, last] = [0, 0, start];
      while (maps() < 20 && last - start < 60_000) {
        const now = await new Promise(requestAnimationFrame);
        longest = Math.max(longest, now - last);
        last = now;
        count += 1;
      }
      return { count, longest, total: last - start, maps: maps() };
    });
    assert.ok(frames.maps >= 20, JSON.stringify(frames));
    assert.ok(page.workers().length >= 2, "the ensemble has workers of its own");
    console.log(`# ${frames.count} frames while 20 maps were drawn, the longest ${frames.longest.toFixed(0)} ms`);
    // Drawing on the page's own thread would be frames as long as a map each, and no more of them than maps.
    assert.ok(frames.count >= 30 && frames.longest < 0.5 * frames.total, JSON.stringify(frames));
    await page.getByTestId("generated-legend").first().filter({ hasText: "64" }).waitFor();
    await page.waitForFunction(() => !document.querySelector("[data-testid=ensemble]").textContent.includes("stop"));
    for (let tries = 0; page.workers().length > 1 && tries < 50; tries += 1) await page.waitForTimeout(100);
    assert.equal(page.workers().length, 1, "workers of an ensemble that is complete go");
    await close();
  });

  test("many maps are drawn behind the one that is looked at, which overtakes them", async () => {
    const { page, troubles, close } = await open(browser, server, "?seed=1&view=statistics");
    await shown(page, 1);
    await page.getByTestId("ensemble").click();
    const told = (maps) => page.waitForFunction((least) => {
      const text = document.querySelector("[data-testid=generated-legend]")?.textContent ?? "";
      return Number.parseInt(text, 10) >= least;
    }, maps);
    await told(2);
    await page.getByTestId("next-map").click();
    await shown(page, 2);
    const maps = () => page.getByTestId("generated-legend").first().textContent().then((text) => Number.parseInt(text, 10));
    const before = await maps();
    assert.ok(before < 64, "the drawing waited for all of the ensemble");
    assert.match(await page.getByTestId("ensemble").textContent(), /of 64 maps · stop/);
    assert.ok((await page.locator("path.generated").first().getAttribute("d")).length > 100);
    await told(before + 1);
    await page.getByTestId("ensemble").click();
    await page.getByText("Remove the generated band").waitFor();
    const stopped = await maps();
    await page.getByTestId("next-map").click();
    await shown(page, 3);
    assert.equal(await maps(), stopped, "a cancelled ensemble goes on");
    await screenshot(page, "ensemble");
    await page.getByTestId("ensemble").click();
    assert.equal(await page.getByTestId("generated-legend").count(), 0);
    await close();
    assert.deepEqual(troubles, []);
  });

  test("a threshold marks what lies above it on the map, and the points on the curves", async () => {
    const { page, troubles, close } = await open(browser, server, "?seed=42&view=statistics");
    await shown(page, 42);
    const grey = () => page.getByTestId("map-canvas").evaluate((canvas) => {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      let count = 0;
      for (let place = 0; place < data.length; place += 4) count += data[place] === data[place + 1] && data[place] === data[place + 2];
      return count / (data.length / 4);
    });
    const kappa = await kappaOf(page);
    const mean = kappa.reduce((sum, value) => sum + value, 0) / kappa.length;
    const sigma = Math.sqrt(kappa.reduce((sum, value) => sum + (value - mean) ** 2, 0) / kappa.length);
    for (const nu of [0.5, 2]) {
      await page.getByTestId("threshold").fill(`${nu}`);
      const below = kappa.filter((value) => value < nu * sigma).length / kappa.length;
      await page.getByTestId("above").filter({ hasText: `${(100 * (1 - below)).toFixed(1)} %` }).waitFor();
      // Black, the lowest colour of the table, counts as grey too.
      assert.ok(Math.abs((await grey()) - below) < 0.02, `${await grey()} of the map is grey, ${below} lies below`);
    }
    // V0, read off the plot.
    await page.getByTestId("threshold").fill("1.1");
    const [dot, heights] = await page.getByTestId("v0-plot").evaluate((svg) => [
      Number(svg.querySelector("circle.marked").getAttribute("cy")),
      [...svg.querySelectorAll("text.number.end")].map((text) => [Number(text.textContent), Number(text.getAttribute("y")) - 5]),
    ]);
    const [[low, bottom], [high, top]] = [heights[0], heights.at(-1)];
    const read = low + ((dot - bottom) / (top - bottom)) * (high - low);
    const share = kappa.filter((value) => value >= 1.1 * sigma).length / kappa.length;
    assert.ok(Math.abs(read - share) < 0.01, `V0 reads ${read}, ${share} of the pixels lie above`);
    // A drag on a plot sets it too.
    await page.getByTestId("v1-plot").scrollIntoViewIfNeeded();
    const plot = await page.getByTestId("v1-plot").boundingBox();
    await page.mouse.move(plot.x + plot.width * 0.5, plot.y + plot.height / 2);
    await page.mouse.down();
    await page.mouse.move(plot.x + plot.width * 0.4, plot.y + plot.height / 2);
    await page.mouse.up();
    const dragged = Number(await page.getByTestId("threshold").inputValue());
    assert.ok(dragged > -1.5 && dragged < 0.5, `${dragged}`);
    await screenshot(page, "statistics", { fullPage: true });
    await page.getByTestId("threshold-off").click();
    assert.ok((await grey()) < 0.1);
    await close();
    assert.deepEqual(troubles, []);
  });

  test("maps, spectrum and pixel values pass by live while the slider plays", async () => {
    const { page, close } = await open(browser, server, "?seed=5&to=6&view=morph");
    await shown(page, 5);
    await page.getByTestId("play").click();
    const seen = await page.evaluate(async () => {
      const main = document.querySelector("main");
      const curves = () => [...document.querySelectorAll("path.curve")].map((path) => path.getAttribute("d")).join();
      const [start, places, drawn] = [performance.now(), new Set(), new Set()];
      while (performance.now() - start < 5000) {
        await new Promise(requestAnimationFrame);
        places.add(main.dataset.place);
        drawn.add(curves());
      }
      return { maps: places.size / 5, curves: drawn.size / 5 };
    });
    console.log(`# ${seen.maps.toFixed(0)} maps and ${seen.curves.toFixed(0)} pairs of curves a second`);
    // A timed goal has no place in a test; that it moves at all, and curves with maps, has.
    assert.ok(seen.maps > 1 && Math.abs(seen.curves - seen.maps) < 0.3 * seen.maps + 1, JSON.stringify(seen));
    await page.getByTestId("play").click();
    await page.waitForSelector("main[data-busy=false]");
    const rest = await page.locator("main").getAttribute("data-place");
    await page.waitForTimeout(300);
    assert.equal(await page.locator("main").getAttribute("data-place"), rest, "it goes on after the pause");
    await close();
  });

  test("the pad goes between four seeds, by pointer, by touch and by keys, and a link brings the point back", async () => {
    const { page, troubles, close } = await open(browser, server, "?seed=5&to=6&seed2=7&to2=8&u=1&view=morph", { hasTouch: true });
    await shown(page, 5);
    assert.ok(largestDifference(await kappaOf(page), nativeMaps(7).kappa) <= TOLERANCE, "the lower left corner is its seed's map");
    const pad = await page.getByTestId("pad").boundingBox();
    await page.mouse.move(pad.x + 0.25 * pad.width, pad.y + 0.5 * pad.height);
    await page.mouse.down();
    await page.mouse.move(pad.x + 0.5 * pad.width, pad.y + 0.25 * pad.height, { steps: 5 });
    await page.mouse.up();
    const near = (name, expected) => page.waitForURL((url) => Math.abs(Number(url.searchParams.get(name)) - expected) < 0.01);
    await Promise.all([near("t", 0.5), near("u", 0.25)]);
    await page.getByTestId("pad").press("ArrowDown");
    await near("u", 0.3);
    await page.touchscreen.tap(pad.x + 0.75 * pad.width, pad.y + 0.75 * pad.height);
    await Promise.all([near("t", 0.75), near("u", 0.75)]);
    await page.waitForSelector("main[data-busy=false]");
    const kappa = await kappaOf(page);
    await page.reload();
    await page.waitForSelector("main[data-state=ready][data-busy=false][data-seed='5']");
    assert.ok(largestDifference(await kappaOf(page), kappa) < 0.02, "the link brings the point back, to a thousandth of the pad");
    await screenshot(page, "morph");
    await close();
    assert.deepEqual(troubles, []);
  });

  test("keys, wheel and double click magnify the map; the value under the pointer stays that of the pixel", async () => {
    const { page, troubles, close } = await open(browser, server, "?seed=42");
    await shown(page, 42);
    const kappa = await kappaOf(page);
    const frame = page.getByTestId("map-frame");
    const factor = () => frame.getAttribute("data-zoom").then(Number);
    await frame.press("+");
    assert.equal(await factor(), 1.5);
    await frame.press("0");
    const box = await frame.boundingBox();
    const at = [0.25, 0.75];
    await page.mouse.move(box.x + at[0] * box.width, box.y + at[1] * box.height);
    const value = async () => Number((await page.locator(".readout").textContent()).match(/κ = (\S+)/)[1].replace("−", "-"));
    const before = await value();
    const pixel = kappa[Math.floor(at[1] * 256) * 256 + Math.floor(at[0] * 256)];
    assert.ok(Math.abs(before - pixel) < 1e-4 || Math.abs(before - pixel) < 0.01, `${before} under the pointer, the pixel is ${pixel}`);
    await page.mouse.dblclick(box.x + at[0] * box.width, box.y + at[1] * box.height);
    assert.equal(await factor(), 3);
    await page.mouse.move(box.x + at[0] * box.width + 0.5, box.y + at[1] * box.height);
    assert.ok(Math.abs((await value()) - before) < 0.01, "what was under the pointer stays there");
    await page.keyboard.down("Control");
    await page.mouse.wheel(0, -300);
    await page.keyboard.up("Control");
    await page.waitForFunction(() => Number(document.querySelector("[data-zoom]").dataset.zoom) > 4);
    await screenshot(page, "magnified");
    await page.getByTestId("whole-map").click();
    assert.equal(await factor(), 1);
    await close();
    assert.deepEqual(troubles, []);
  });

  test("stretch and range change the picture and the numbers of the colour bar; a wrong range is said", async () => {
    const { page, troubles, close } = await open(browser, server, "?seed=42");
    await shown(page, 42);
    const picture = () => page.getByTestId("map-canvas").evaluate((canvas) => canvas.toDataURL());
    const pictures = new Set([await picture()]);
    for (const stretch of ["sqrt", "log", "asinh"]) {
      await page.getByText(stretch, { exact: true }).click();
      pictures.add(await picture());
    }
    assert.equal(pictures.size, 4, "each stretch looks different");
    await page.getByText("linear", { exact: true }).click();
    await page.getByTestId("range-high").fill("0.1");
    await page.getByTestId("range-high").press("Enter");
    await page.getByTestId("colour-bar").filter({ hasText: "0.08" }).waitFor();
    await page.getByTestId("range-low").fill("0.2");
    await page.getByTestId("range-low").press("Enter");
    await page.getByText("The range goes from a smaller to a larger number").waitFor();
    await page.getByTestId("range-reset").click();
    assert.equal(await page.getByText("The range goes").count(), 0);
    await close();
    assert.deepEqual(troubles, []);
  });

  test("files to take away: FITS that the trainer reads, a picture, a plot as SVG and CSV", async () => {
    const { page, troubles, close } = await open(browser, server, "?seed=42");
    await shown(page, 42);
    const fits = await downloaded(page, "download-fits");
    const [seed, header] = [/SEED    = '42/, fits.toString("latin1", 0, 5760)];
    assert.match(header, seed);
    assert.match(header, /ANGLE   =/);
    const [maps] = trainer([["maps", "--maps", "map.fits", "--count", "1", "--seed", "1", "--out", "maps.npy"]], ["maps.npy"], { "map.fits": fits });
    const native = nativeMaps(42).kappa;
    assert.ok(largestDifference(npyValues(maps).subarray(0, 65_536).toSorted(), native.toSorted()) < 1e-6, "the trainer reads other pixels");
    assert.equal((await downloaded(page, "download-png")).toString("latin1", 1, 4), "PNG");
    const file = async (name) => {
      const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name }).click()]);
      return readFileSync(await download.path(), "utf8");
    };
    const svg = await file("Power spectrum as SVG");
    assert.match(svg, /^<svg[^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"[\s\S]*path class="curve"[\s\S]*<\/svg>\s*$/);
    assert.match(await file("Power spectrum as CSV"), /^series,ell,dimensionless_power,sigma\n"this map",300,/);
    await close();
    assert.deepEqual(troubles, []);
  });

  test("views have addresses, links and titles for keyboards", async () => {
    const { page, troubles, close } = await open(browser, server, "?seed=42");
    await shown(page, 42);
    for (const view of ["morph", "statistics", "explore"]) {
      await page.getByTestId(`view-${view}`).focus();
      await page.keyboard.press("Enter");
      await page.waitForSelector(`main[data-view=${view}]`);
      await page.waitForURL((url) => (url.searchParams.get("view") ?? "explore") === view);
      assert.equal(await page.locator("nav [aria-current=page]").textContent(), view[0].toUpperCase() + view.slice(1));
      await shown(page, 42);
    }
    await close();
    assert.deepEqual(troubles, []);
  });

  test("an ensemble has the same numbers however many workers draw it", async () => {
    const drawn = async (cores) => {
      const { page, troubles, close } = await open(browser, server, "?seed=1&view=statistics");
      await page.addInitScript((cores) => Object.defineProperty(Navigator.prototype, "hardwareConcurrency", { get: () => cores }), cores);
      await page.reload();
      await shown(page, 1);
      await page.getByTestId("ensemble").click();
      await page.getByTestId("generated-legend").first().waitFor();
      const workers = page.workers().length - 1;
      await page.waitForFunction(() => !document.querySelector("[data-testid=ensemble]").textContent.includes("stop"));
      const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Peaks as CSV" }).click()]);
      const lines = readFileSync(await download.path(), "utf8").split("\n").filter((line) => line.includes("generated"));
      const pace = await page.getByTestId("pace").textContent();
      await close();
      assert.deepEqual(troubles, []);
      return { workers, lines, pace };
    };
    const [one, three] = [await drawn(2), await drawn(4)];
    console.log(`# an ensemble of 64: ${one.pace} with one worker, ${three.pace} with three`);
    assert.deepEqual([one.workers, three.workers], [1, 3]);
    assert.ok(one.lines.length > 20 && one.lines[0].startsWith('"64 generated'), one.lines[0]);
    assert.deepEqual(three.lines, one.lines, "to the last digit");
  });

  for (const [name, width, height] of [
    ["phone", 360, 740], ["phone-sideways", 844, 390], ["tablet", 820, 1180], ["4k", 3840, 2160],
  ]) {
    test(`fits a screen ${width} pixels wide`, async () => {
      const { page, close } = await open(browser, server, "?seed=42", { viewport: { width, height } });
      await shown(page, 42);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(overflow, 0, "the page scrolls sideways");
      const canvas = await page.getByTestId("map-canvas").boundingBox();
      assert.ok(canvas.x >= 0 && canvas.x + canvas.width <= width && canvas.y < height / 2, JSON.stringify(canvas));
      assert.ok(canvas.height <= height, "the map is larger than the screen");
      const letters = await page.locator("text.number.end").first().boundingBox();
      assert.ok(letters.height >= 10, `the plot's numbers are ${letters.height} pixels high`);
      await screenshot(page, name, { fullPage: height < 800 });
      await close();
    });
  }

  test("a light theme", async () => {
    const { page, close } = await open(browser, server, "?seed=42", { colorScheme: "light" });
    await shown(page, 42);
    await screenshot(page, "light");
    await close();
  });
});

describe("when something is wrong", () => {
  let browser;
  before(async () => {
    browser = await launch({ webgpu: false });
  });
  after(() => browser.close());

  const weights = "/weights/generator-f16.safetensors";
  const flipped = (file) => {
    const bytes = readFileSync(file);
    bytes[bytes.length / 2 | 0] ^= 1;
    return bytes;
  };
  const cases = [
    ["corrupted weights", { [weights]: flipped }, /generator-f16\.safetensors is damaged.*SHA-256/],
    ["weights cut off", { [weights]: (file) => readFileSync(file).subarray(0, 1_000_000) }, /cut off/],
    ["weights too long", { [weights]: (file) => Buffer.concat([readFileSync(file), Buffer.alloc(9)]) }, /longer than/],
    ["missing weights", { [weights]: () => null }, /no generator-f16\.safetensors.*404/],
    ["a manifest that is none", { "/weights/manifest.json": () => Buffer.from("<html>") }, /manifest/],
    ["a missing program", { "/worker_bg.wasm": () => null }, /worker_bg\.wasm/],
  ];
  for (const [name, overrides, sentence] of cases) {
    test(name, async (t) => {
      const server = await servePage(overrides);
      t.after(server.close);
      const { page, close } = await open(browser, server, "?seed=42");
      t.after(close);
      await page.waitForSelector("main[data-state=failed]");
      assert.match(await page.getByTestId("notice").textContent(), sentence);
      assert.equal(await page.locator("main[data-seed]").count(), 0, "no map is shown");
      await screenshot(page, `wrong-${name.replaceAll(" ", "-")}`);
    });
  }

  for (const [name, overrides, sentence] of [
    ["a missing page program", { "/web_bg.wasm": () => null }, /web_bg\.wasm: the server answered 404/],
    ["a cut-off page program", { "/web_bg.wasm": (file) => readFileSync(file).subarray(0, 5000) }, /could not start/],
    ["a missing script", { "/web.js": () => null }, /could not start/],
  ]) {
    test(name, async (t) => {
      const server = await servePage(overrides);
      t.after(server.close);
      const { page, close } = await open(browser, server);
      t.after(close);
      assert.match(await page.getByTestId("notice").textContent(), sentence);
    });
  }

  test("a worker that dies is replaced, and the seed survives", async (t) => {
    let starts = 0;
    const dying = (file) => {
      starts += 1;
      return starts === 1 ? Buffer.from("throw new Error('no worker today')") : readFileSync(file);
    };
    const server = await servePage({ "/start/worker.js": dying });
    t.after(server.close);
    const { page, close } = await open(browser, server, "?seed=42");
    t.after(close);
    await shown(page, 42);
    assert.match(await page.getByTestId("notice").textContent(), /The program was started again/);
    await page.getByRole("button", { name: "Close this notice" }).click();
    assert.equal(await page.getByTestId("notice").count(), 0);
  });

  test("after a drawing that failed for good, a newer seed is drawn without being asked for again", async (t) => {
    // A worker that speaks the protocol, and fails the first drawing while the visitor moves on.
    const failing = () => Buffer.from(`
      const say = (response, ...more) => postMessage([JSON.stringify(response), ...more]);
      const manifest = await (await fetch(new URL("../weights/manifest.json", import.meta.url))).json();
      let jobs = 0;
      onmessage = ({ data: [text] }) => {
        const request = JSON.parse(text);
        if (request.type === "start") {
          say({ type: "ready", device: { kind: "cpu", name: "a test", remark: null, deviation: 0, milliseconds: 1 }, manifest });
        } else if (request.type === "submit") {
          jobs += 1;
          const job = (event, ...more) => say({ type: "job", id: request.id, event }, ...more);
          const portrait = { pixels: 256, side_angle: 1.75, sigma: 0.02, measured: [] };
          const drawn = { point: request.work.point, treatment: request.work.treatment, milliseconds: 1, portrait };
          if (jobs > 1) job({ event: "drawn", ...drawn }, new Float32Array(65_536));
          else setTimeout(() => job({ event: "failed", retry_on_cpu: false, sentence: "It cannot be drawn." }), 5000);
        }
      };
      say({ type: "hello" });`);
    const server = await servePage({ "/start/worker.js": failing });
    t.after(server.close);
    const { page, close } = await open(browser, server, "?seed=1");
    t.after(close);
    await page.waitForSelector("main[data-state=ready]");
    await page.getByTestId("next-map").click();
    assert.equal(await page.getByTestId("notice").count(), 0, "the visitor moved on too late for this test");
    await shown(page, 2);
    assert.match(await page.getByTestId("notice").textContent(), /It cannot be drawn/);
  });

  test("a manifest whose self-check anything passes is not used", async (t) => {
    const manifest = (file) => {
      const changed = JSON.parse(readFileSync(file, "utf8"));
      changed.self_check.pixels = [];
      return Buffer.from(JSON.stringify(changed));
    };
    const server = await servePage({ "/weights/manifest.json": manifest });
    t.after(server.close);
    const { page, close } = await open(browser, server, "?seed=1");
    t.after(close);
    await page.waitForSelector("main[data-state=failed]");
    assert.match(await page.getByTestId("notice").textContent(), /self_check/);
  });

  test("a page without the band of simulated maps still draws", async (t) => {
    const server = await servePage({ "/reference/power_spectrum.json": () => null });
    t.after(server.close);
    const { page, close } = await open(browser, server, "?seed=42");
    t.after(close);
    await shown(page, 42);
    assert.equal(await page.locator("path.curve").count(), 1);
  });
});

describe("in Firefox", () => {
  test("shows a map, and its worker draws the trainer's to the last bit", async (t) => {
    const server = await servePage();
    t.after(server.close);
    const browser = await launchFirefox();
    t.after(() => browser.close());
    const page = await browser.newPage();
    await page.goto(`${server.address}?seed=42`);
    await page.waitForSelector('main[data-state=ready][data-busy=false][data-seed="42"]', { timeout: 60_000 });
    const kappa = await page.evaluate(async () => {
      const worker = new Worker("start/worker.js", { type: "module" });
      const send = (request) => worker.postMessage([JSON.stringify(request)]);
      const weights = new URL("weights", location.href).href;
      return new Promise((resolve) => {
        worker.onmessage = ({ data: [text, kappa] }) => {
          const { type } = JSON.parse(text);
          if (type === "hello") send({ type: "start", weights, device: "a test" });
          if (type === "ready") send({ type: "submit", id: 1, work: { work: "draw", point: { seed: 42, to: 42, place: 0 }, statistics: [] } });
          if (type === "job") resolve(Array.from(kappa));
        };
      });
    });
    assert.equal(digest(Float32Array.from(kappa)), digest(nativeMaps(42).kappa));
  });

  test("every view opens and shows its map, and the opening drifts", async (t) => {
    const server = await servePage();
    t.after(server.close);
    const browser = await launchFirefox();
    t.after(() => browser.close());
    const page = await browser.newPage();
    const troubles = [];
    page.on("pageerror", (error) => troubles.push(String(error)));
    const sights = { explore: "map-canvas", morph: "slerp-slider", statistics: "threshold", compare: "other-canvas", learn: "lens-canvas" };
    for (const [view, sight] of Object.entries(sights)) {
      await page.goto(`${server.address}?seed=42&view=${view}`);
      await page.waitForSelector(`main[data-state=ready][data-busy=false][data-seed="42"][data-view=${view}]`, { timeout: 60_000 });
      await page.waitForSelector(`[data-testid=${sight}]`, { timeout: 60_000 });
    }
    await page.goto(server.address);
    await page.waitForSelector("[data-testid=opening][data-state=ready]", { timeout: 60_000 });
    await page.click("[data-testid=explore]");
    await page.waitForSelector("main[data-view=explore]");
    assert.deepEqual(troubles, []);
  });
});

describe("with a software WebGPU adapter", () => {
  let browser, server;
  before(async () => {
    browser = await launch({ webgpu: true });
    server = await servePage();
  });
  after(async () => {
    await browser.close();
    await server.close();
  });

  test("is left aside unasked, since the CPU is faster, and the page says so", async () => {
    const { page, close } = await open(browser, server, "?seed=42");
    await shown(page, 42);
    await page.getByTestId("device").filter({ hasText: /CPU.*WebGPU is software/ }).waitFor();
    await close();
  });

  test("a graphics processor is tried behind the first map, left aside where it is slower, and not tried again", async () => {
    const context = await browser.newContext();
    // The page takes the software adapter for a real one.
    await context.addInitScript(() => {
      navigator.gpu.requestAdapter = async () => ({ info: { vendor: "pretended", architecture: "graphics" } });
    });
    const page = await context.newPage();
    const fetched = [];
    page.on("request", (request) => fetched.push(new URL(request.url()).pathname));
    await page.goto(`${server.address}?seed=42`);
    await shown(page, 42);
    const kappa = await kappaOf(page);
    await page.getByTestId("device").filter({ hasText: /CPU.*pretended graphics is not used; it takes \d+ ms a map/ }).waitFor({ timeout: 120_000 });
    assert.ok(fetched.some((path) => path.endsWith("gpu_bg.wasm")));
    await page.getByTestId("next-map").click();
    await shown(page, 43);
    fetched.length = 0;
    await page.goto(`${server.address}?seed=42`);
    await shown(page, 42);
    await page.getByTestId("device").filter({ hasText: /CPU.*faster than pretended graphics when both were tried/ }).waitFor();
    assert.ok(!fetched.some((path) => path.endsWith("gpu_bg.wasm")), "its program is fetched again");
    assert.deepEqual(await kappaOf(page), kappa);
    await context.close();
  });

  test("a graphics processor that is faster takes over, and draws the same maps", async () => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    await context.addInitScript(() => {
      navigator.gpu.requestAdapter = async () => ({ info: { vendor: "pretended", architecture: "graphics" } });
      // The processor claims a minute for each map.
      window.Worker = class extends Worker {
        constructor(address, options) {
          super(address, options);
          if (String(address).includes("program=gpu")) return;
          this.addEventListener("message", ({ data }) => {
            data[0] = data[0].replace(/"milliseconds":[\d.e+-]+/g, '"milliseconds":60000.0');
          });
        }
      };
    });
    const page = await context.newPage();
    page.setDefaultTimeout(120_000);
    await page.goto(`${server.address}?seed=42`);
    await shown(page, 42);
    const first = await kappaOf(page);
    await page.getByTestId("device").filter({ hasText: /^pretended graphics/ }).waitFor();
    await page.getByTestId("next-map").click();
    await shown(page, 43);
    assert.ok(largestDifference(await kappaOf(page), nativeMaps(43).kappa) <= TOLERANCE);
    await page.getByTestId("previous-map").click();
    await shown(page, 42);
    const again = await kappaOf(page);
    assert.ok(largestDifference(again, first) <= TOLERANCE);
    assert.notDeepEqual(again, first, "the processor still draws: its bits differ from the graphics processor's");
    await context.close();
  });

  test("every view opens on it; what the device keeps to itself is said", async (t) => {
    const { page, troubles, close } = await open(browser, server, "?seed=42&device=webgpu");
    t.after(close);
    await shown(page, 42);
    for (const [view, sight] of [["compare", "other-canvas"], ["statistics", "threshold"], ["morph", "slerp-slider"], ["learn", "lens-canvas"]]) {
      await page.getByTestId(`view-${view}`).click();
      await page.getByTestId(sight).waitFor();
    }
    await page.getByText("The layers can be seen where the processor draws").waitFor();
    assert.deepEqual(troubles, []);
  });

  test("draws the trainer's map and spectrum when it is asked for", async () => {
    const { page, troubles, close } = await open(browser, server, "?seed=42&device=webgpu");
    await shown(page, 42);
    const device = await page.getByTestId("device").textContent();
    assert.match(device, /swiftshader/i);
    assert.doesNotMatch(device, /CPU/);
    const native = nativeMaps(42);
    const difference = largestDifference(await kappaOf(page), native.kappa);
    console.log(`# WebGPU: largest difference from the trainer ${difference.toExponential(1)} in kappa`);
    assert.ok(difference <= TOLERANCE, `${difference}`);
    assertSameSpectrum(await spectrumOf(page), native.spectrum);
    await screenshot(page, "webgpu");
    await close();
    assert.deepEqual(troubles, []);
  });

  // Sides that are no whole number of the kernel's tiles, channels that are none of its lanes.
  for (const network of [
    { map_side: 48, stages: 3, base_channels: 3, latent_size: 5 },
    { map_side: 104, stages: 2, base_channels: 1, latent_size: 3 },
  ]) {
    test(`draws the trainer's map with a network of ${JSON.stringify(network)}`, async (t) => {
      const sizes = Object.entries(network).map(([name, value]) => `${name} = ${value}\n`);
      const [manifest, weights, map] = trainer(
        [
          "train --data maps.npy --config sizes.toml --side-angle 1 --batch-size 2 --steps 2 --device cpu --out run".split(" "),
          ["export", "--run", "run", "--out", "weights"],
          ["generate", "--device", "cpu", "--precision", "f16", "--weights", "weights", "--seed", "42", "--count", "1", "--out", "map.npy"],
        ],
        ["weights/manifest.json", "weights/generator-f16.safetensors", "map.npy"],
        { "maps.npy": noiseMaps(40, network.map_side), "sizes.toml": `[network]\n${sizes.join("")}` },
      );
      const other = await servePage({ "/weights/manifest.json": () => manifest, "/weights/generator-f16.safetensors": () => weights });
      t.after(other.close);
      const { page, close } = await open(browser, other, "?seed=42&device=webgpu");
      await shown(page, 42);
      assert.match(await page.getByTestId("device").textContent(), /swiftshader/i);
      const [drawn, native] = [await kappaOf(page), npyValues(map)];
      const largest = native.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      assert.ok(largest > 0, "the trainer's map is empty");
      const difference = largestDifference(drawn, native) / largest;
      console.log(`# WebGPU, ${network.map_side} pixels: largest difference from the trainer ${difference.toExponential(1)} of the largest kappa`);
      assert.ok(difference <= 1e-4, `${difference}`);
      await close();
    });
  }

  test("a device that draws something else is found out by the self-check", async (t) => {
    // The known map of another seed: no device draws it for this one.
    const manifest = (file) => {
      const changed = JSON.parse(readFileSync(file, "utf8"));
      changed.self_check.seed += 1;
      return Buffer.from(JSON.stringify(changed));
    };
    const wrong = await servePage({ "/weights/manifest.json": manifest });
    t.after(wrong.close);
    const { page, close } = await open(browser, wrong, "?seed=42&device=webgpu");
    await page.waitForSelector("main[data-state=failed]");
    assert.match(await page.getByTestId("notice").textContent(), /No device here draws the known map/);
    await close();
  });
});
