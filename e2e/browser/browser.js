// A Chromium of the system, profiles in it, and pictures of what it shows.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

export const base = process.env.BASE_URL ?? "https://tenantry.localhost:8443";
export const plain = process.env.PLAIN_URL ?? "http://localhost:8000";
const pictures = process.env.SCREENSHOTS;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Starts the browser, with nothing in it that calls home. */
export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-dev-shm-usage",
      "--disable-gpu",
      "--disable-quic",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
    ],
  });
}

/** A profile of its own: another person at another machine. */
export async function profile(browser, options = {}) {
  const context = await browser.newContext({ baseURL: base, ignoreHTTPSErrors: true, reducedMotion: "reduce", ...options });
  context.setDefaultTimeout(10_000);
  return context.newPage();
}

/** Takes pictures of the page as it is: light and dark, wide and narrow. */
export async function picture(page, name) {
  if (!pictures) return;
  mkdirSync(pictures, { recursive: true });
  const before = page.viewportSize();
  for (const [width, height, size] of [[1280, 800, "wide"], [390, 844, "narrow"]]) {
    for (const colorScheme of ["light", "dark"]) {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: join(pictures, `${name}-${size}-${colorScheme}.png`), fullPage: true });
    }
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize(before);
}

/** What axe finds against the page, in a line each; in both colour schemes. */
export async function accessibility(page) {
  const found = [];
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    const results = await page.evaluate(`(() => { ${axe}; return window.axe.run(); })()`);
    for (const { id, nodes } of results.violations) {
      found.push(`${colorScheme}: ${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
    }
  }
  await page.emulateMedia({ colorScheme: "light" });
  return found;
}
