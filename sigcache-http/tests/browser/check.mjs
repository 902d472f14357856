// Drives a browser over the pages: node check.mjs CHROMIUM NODE_MODULES BASE FOLDER_FOR_PICTURES
//
// Prints a line "checked …" for each thing that held, and a line "FAILED …" for each that did not.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [chromium, packages, base, pictures] = process.argv.slice(2);
const require = createRequire(join(packages, "check.js"));
const { default: puppeteer } = await import(pathToFileURL(require.resolve("puppeteer-core")));
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const PAGES = [
  ["broken", "broken?state=not-good", 200],
  ["broken-all", "broken", 200],
  ["broken-second-page", "broken?state=fresh&page=2", 200],
  ["broken-nothing-found", "broken?q=nothing-has-this-name", 200],
  ["broken-resource", "broken/explain/tools/unsigned.tar", 200],
  ["broken-mirrored", "broken/explain/config/limits-of-requests-by-country-and-by-day-of-the-week.json", 200],
  ["broken-withheld", "broken/explain/prices/us.json", 200],
  ["broken-anchor", "broken/explain/trust-anchor.jwk", 200],
  ["unknown", "broken/explain/no/such/resource", 404],
    ["well", "well", 200],
  ["well-resource", "well/explain/flags.json", 200],
  ["down", "down", 200],
];
const WIDTHS = [["wide", 1280, 900], ["narrow", 320, 640]];

let failures = 0;
function check(holds, what, detail) {
  if (holds) {
    console.log(`checked ${what}`);
  } else {
    failures += 1;
    console.log(`FAILED ${what}: ${typeof detail === "string" ? detail : JSON.stringify(detail, null, 1)}`);
  }
}

const browser = await puppeteer.launch({
  executablePath: chromium,
  headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking"],
});

// A page that notes what it loads and what it complains about.
async function open(width, height, scripts) {
  const page = await browser.newPage();
  await page.setViewport({ width, height });
  await page.setJavaScriptEnabled(scripts);
  page.noted = { elsewhere: [], complaints: [] };
  page.on("request", (request) => {
    if (!request.url().startsWith(`${base}/`)) page.noted.elsewhere.push(request.url());
  });
  page.on("console", (message) => {
    // Which a browser asks the host for, whatever stands in a page; the host is not ours where the router is nested.
    if (!message.location().url?.endsWith("/favicon.ico")) page.noted.complaints.push(message.text());
  });
  page.on("pageerror", (error) => page.noted.complaints.push(String(error)));
  page.on("requestfailed", (request) => page.noted.complaints.push(`${request.url()} failed`));
  return page;
}

// What needs no script in the page: that it is there, fits, and loads nothing but its style.
async function look(name, path, status) {
  for (const [size, width, height] of WIDTHS) {
    const page = await open(width, height, false);
    const answer = await page.goto(`${base}/${path}`, { waitUntil: "load" });
    const seen = await page.evaluate(() => ({
      styles: document.styleSheets.length,
      colour: getComputedStyle(document.querySelector(".top")).backgroundColor,
      heading: document.querySelectorAll("h1").length,
      scripts: document.querySelectorAll("script").length,
      wide: document.documentElement.scrollWidth,
      // Whatever sticks out, also where it is cut off.
      out: [...document.querySelectorAll("main *")]
        .filter((one) => !one.closest("thead, svg, details:not([open])") && one.getBoundingClientRect().right > innerWidth + 1)
        .map((one) => one.outerHTML.slice(0, 100)),
    }));
    const told = `${name} (${size})`;
    const isWhole = answer.status() === status && seen.colour === "rgb(11, 12, 12)" && seen.heading === 1 && seen.scripts === 0;
    check(isWhole, `${told} is a whole page with its style`, { ...seen, status: answer.status() });
    check(seen.wide <= width && seen.out.length === 0, `${told} does not scroll sideways`, seen);
    check(page.noted.elsewhere.length === 0, `${told} loads nothing from elsewhere`, page.noted.elsewhere);
    const complaints = page.noted.complaints.filter((text) => !(status === 404 && text.includes("404")));
    check(complaints.length === 0, `${told} makes the browser complain of nothing`, complaints);
    const tall = await page.evaluate(() => document.documentElement.scrollHeight);
    const clip = { x: 0, y: 0, width, height: Math.min(tall, 2200) };
    await page.screenshot({ path: join(pictures, `${name}-${size}.png`), clip, captureBeyondViewport: true });
    await page.close();
  }
}

// axe, with everything unfolded; WCAG 2.1 at level AA, and what axe thinks best beside it.
async function accessible(name, path) {
  // Which is the same on a telephone but for the rows that become blocks.
  for (const [size, width, height] of /^broken(-resource)?$/.test(name) ? WIDTHS : WIDTHS.slice(0, 1)) {
    const page = await open(width, height, true);
    await page.goto(`${base}/${path}`, { waitUntil: "load" });
    await page.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = true)));
    await page.evaluate(axe);
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"];
    const found = await page.evaluate((values) => globalThis.axe.run(document, { runOnly: { type: "tag", values } }), tags);
    const short = found.violations.map((one) => ({
      id: one.id,
      help: one.help,
      nodes: one.nodes.slice(0, 3).map((node) => `${node.html.slice(0, 120)} ${node.failureSummary}`),
    }));
    check(short.length === 0, `${name} (${size}) has no barrier that axe knows`, short);
    if (found.passes.length < 10) check(false, `${name} (${size}) was looked at by axe`, found.passes.length);
    await page.close();
  }
}

// By keyboard alone: each link, field and button in turn, and each is seen to be the one.
async function keyboard(name, path, width, height) {
  const page = await open(width, height, true);
  await page.goto(`${base}/${path}`, { waitUntil: "load" });
  const reachable = await page.evaluate(
    () => [...document.querySelectorAll("a[href], button, summary, input:not([type=hidden])")].filter((one) => one.checkVisibility()).length,
  );
  let reached = 0;
  const unseen = [];
  for (; reached <= reachable; reached += 1) {
    await page.keyboard.press("Tab");
    const focus = await page.evaluate(() => {
      const one = document.activeElement;
      if (one === document.body || one === null) return null;
      const style = getComputedStyle(one);
      const place = one.getBoundingClientRect();
      const isMarked = style.boxShadow !== "none" || (style.outlineStyle !== "none" && style.outlineColor !== "rgba(0, 0, 0, 0)");
      const isInView = place.width > 0 && place.right > 0 && place.left < innerWidth && place.bottom > 0 && place.top < innerHeight;
      return { html: one.outerHTML.slice(0, 100), isSeen: isMarked && isInView };
    });
    if (focus === null) break;
    if (!focus.isSeen) unseen.push(focus.html);
  }
  check(unseen.length === 0, `${name}: the focus is seen at ${reached} places`, unseen);
  check(reached === reachable, `${name}: the keyboard reaches everything`, { reached, reachable });
  // The first place leads past everything that is the same on all pages.
  await page.goto(`${base}/${path}`, { waitUntil: "load" });
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  const skipped = await page.evaluate(() => ({ id: document.activeElement.id, where: location.href }));
  check(skipped.id === "main" && skipped.where === `${base}/${path}#main`, `${name}: the first link skips to the content`, skipped);
  await page.close();
}

// Every link of a page leads somewhere.
async function links(name, path) {
  const page = await open(1280, 900, true);
  await page.goto(`${base}/${path}`, { waitUntil: "load" });
  const targets = await page.evaluate(() => [...new Set([...document.querySelectorAll("a[href]")].map((one) => one.href.replace(/#.*/, "")))]);
  const dead = [];
  for (const target of targets) {
    const answer = await fetch(target, { headers: { accept: "text/html" } });
    await answer.arrayBuffer();
    // The health of what is broken is 503, and that is right, as it is for reports in a store that is down.
    const isRight = target.endsWith("/health") || (name === "down" && target.includes("/runs/"));
    if (!answer.ok && !isRight) dead.push(`${target}: ${answer.status}`);
  }
  check(targets.length > 3 && dead.length === 0, `${name}: none of ${targets.length} links is dead`, dead);
  await page.close();
}

// A person finds a resource with the form, without scripts, and opens it.
async function find() {
  const page = await open(320, 640, false);
  await page.goto(`${base}/broken`, { waitUntil: "load" });
  await page.type("#q", "Prices/");
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  const found = await page.evaluate(() => [...document.querySelectorAll("section[aria-labelledby=resources] tbody th a")].map((one) => one.textContent));
  check(found.length === 3 && found.every((name) => name.startsWith("prices/")), "the form finds", { found, where: page.url() });
  await Promise.all([page.waitForNavigation(), page.click("section[aria-labelledby=resources] tbody th a")]);
  check(page.url() === `${base}/broken/explain/${found[0]}`, "a row leads to its page", page.url());
  await page.close();
}

const started = Date.now();
const time = (what) => console.log(`${((Date.now() - started) / 1000).toFixed(1)} s: ${what}`);
try {
  for (const [name, path, status] of PAGES) await look(name, path, status);
  time("looked at");
  for (const [name, path] of PAGES) if (!/second|all/.test(name)) await accessible(name, path);
  time("barriers sought");
  await keyboard("broken", "broken?q=prices", 1280, 900);
  await keyboard("broken-resource on a telephone", "broken/explain/tools/unsigned.tar", 320, 640);
  time("tabbed through");
  for (const path of ["broken?state=not-good", "broken/explain/trust-anchor.jwk", "well", "down"]) await links(path, path);
  time("links followed");
  await find();
  const page = await open(1280, 900, false);
  await page.goto(`${base}/broken`, { waitUntil: "load" });
  await page.pdf({ path: join(pictures, "broken.pdf"), format: "A4" });
} finally {
  await browser.close();
}
process.exitCode = failures === 0 ? 0 : 1;
