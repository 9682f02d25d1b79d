// The main story in a real browser: register, see the organization's incidents, invite a second person in another profile, be
// redirected on a dead session and come back, log out.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessibility, base, launch, picture, plain, profile } from "./browser.js";

const PASSWORD = "demo-sensor-api-key";
const CHANGED = "quartz-lantern-birch-19";
const run = Date.now().toString(36);
const organization = `Northern Lights ${run}`;
const admin = `admin-${run}@northernlights.example`;
const guest = `guest-${run}@northernlights.example`;

let browser;
let page;
let guestPage;

before(async () => {
  browser = await launch();
  page = await profile(browser);
});

after(() => browser?.close());

async function signIn(on, email, password) {
  await on.getByLabel("E-mail address").fill(email);
  await on.getByLabel("Password", { exact: true }).fill(password);
  await on.getByRole("button", { name: "Sign in" }).click();
}

test("a visitor without a session is sent to the login page and told where they will come back to", async () => {
  await page.goto("/incidents");
  assert.equal(new URL(page.url()).pathname, "/-/login");
  assert.equal(new URL(page.url()).searchParams.get("return"), "/incidents");
  await picture(page, "login");
  assert.deepEqual(await accessibility(page), []);
});

test("a wrong password says so and keeps the address", async () => {
  await signIn(page, admin, "not-the-password-at-all");
  const alert = page.getByRole("alert");
  assert.match(await alert.innerText(), /The e-mail address or the password is wrong/);
  assert.equal(await page.getByLabel("E-mail address").inputValue(), admin);
  await picture(page, "login-wrong");
  assert.deepEqual(await accessibility(page), []);
});

test("a weak password is refused with what to do", async () => {
  await page.goto("/-/register?return=/incidents");
  await page.getByLabel("Organization name").fill(organization);
  await page.getByLabel("Your name").fill("Ada <b>Admin</b>");
  await page.getByLabel("E-mail address").fill(admin);
  await page.getByLabel("Password", { exact: true }).fill("short");
  await page.getByRole("button", { name: "Create organization" }).click();
  assert.match(await page.getByRole("alert").innerText(), /use at least 12/);
  assert.equal(await page.getByLabel("Organization name").inputValue(), organization);
  await picture(page, "register");
  assert.deepEqual(await accessibility(page), []);
});

test("registering signs in and leads on to the application", async () => {
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Create organization" }).click();
  await page.waitForURL(({ pathname }) => pathname === "/incidents");
  assert.match(await page.locator("body").innerText(), new RegExp(organization));
  assert.deepEqual(await accessibility(page), []);
  await picture(page, "incidents");
});

test("scripts of the page cannot read the session, and the cookies are confined", async () => {
  assert.equal(await page.evaluate(() => document.cookie), "");
  const cookies = await page.context().cookies();
  const ours = cookies.filter((cookie) => cookie.name.includes("tenantry"));
  assert.deepEqual(
    ours.map(({ name, path, secure, httpOnly, sameSite }) => ({ name, path, secure, httpOnly, sameSite })).sort((a, b) => a.path.localeCompare(b.path)),
    [
      { name: "__Host-tenantry", path: "/", secure: true, httpOnly: true, sameSite: "Lax" },
      { name: "__Secure-tenantry-refresh", path: "/api/auth", secure: true, httpOnly: true, sameSite: "Lax" },
    ],
  );
});

test("the account page shows who I am, and names are text", async () => {
  await page.goto("/-/account");
  const text = await page.locator("main").innerText();
  assert.ok(text.includes(organization) && text.includes(admin) && text.includes("admin"));
  assert.ok(text.includes("Ada <b>Admin</b>"));
  assert.deepEqual(await accessibility(page), []);
  await picture(page, "account");
});

test("an invited person joins in another profile and sees the same organization", async () => {
  await page.getByLabel("E-mail address").fill(guest);
  await page.getByLabel("Name", { exact: true }).fill("Grace Guest");
  await page.getByLabel("Role").selectOption("analyst");
  await page.getByRole("button", { name: "Create invitation" }).click();
  const url = await page.getByLabel(`Invitation link for ${guest}`).inputValue();
  assert.match(url, /\/-\/accept-invite#/);
  await picture(page, "invited");

  guestPage = await profile(browser);
  await guestPage.goto(url);
  assert.equal(new URL(guestPage.url()).hash, "", "the secret leaves the address bar");
  await picture(guestPage, "accept-invite");
  assert.deepEqual(await accessibility(guestPage), []);
  await guestPage.getByLabel("New password", { exact: true }).fill("lantern-birch-quartz-17");
  await guestPage.getByRole("button", { name: "Join" }).click();
  await guestPage.waitForURL("**/");
  assert.match(await guestPage.locator("body").innerText(), new RegExp(organization));

  const again = await profile(browser);
  await again.goto(url);
  await again.getByLabel("New password", { exact: true }).fill("lantern-birch-quartz-18");
  await again.getByRole("button", { name: "Join" }).click();
  assert.match(await again.getByRole("alert").innerText(), /cannot be used/);
  await again.context().close();
});

test("a link that cannot be read by a script can be pasted", async () => {
  const pasting = await profile(browser, { javaScriptEnabled: false });
  await pasting.goto("/-/accept-invite#tni1_whatever");
  await pasting.getByLabel("Invitation code").fill("tni1_whatever");
  await pasting.getByLabel("New password", { exact: true }).fill("lantern-birch-quartz-18");
  await pasting.getByRole("button", { name: "Join" }).click();
  assert.match(await pasting.getByRole("alert").innerText(), /cannot be used/);
  await picture(pasting, "accept-invite-refused");
  await pasting.context().close();
});

test("a member who does not administer has no invitations", async () => {
  await guestPage.goto("/-/account");
  assert.equal(await guestPage.getByRole("button", { name: "Create invitation" }).count(), 0);
});

test("an expired access token is refreshed on the way, without a login", async () => {
  const context = page.context();
  const [access] = (await context.cookies()).filter((cookie) => cookie.name === "__Host-tenantry");
  await context.addCookies([{ ...access, value: "not.a.token" }]);
  await page.goto("/incidents");
  assert.equal(new URL(page.url()).pathname, "/incidents");
  assert.match(await page.locator("body").innerText(), new RegExp(organization));
});

test("a dead session leads to the login page and back to where it was", async () => {
  await page.context().clearCookies();
  await page.goto("/incidents?severity=high");
  assert.equal(new URL(page.url()).pathname, "/-/login");
  await signIn(page, admin, PASSWORD);
  await page.waitForURL(({ pathname, search }) => pathname + search === "/incidents?severity=high");
});

test("a changed password ends the sessions elsewhere", async () => {
  const other = await profile(browser);
  await other.goto("/-/login");
  await signIn(other, admin, PASSWORD);
  await other.waitForURL("**/");
  await page.goto("/-/account");
  await page.getByLabel("Current password", { exact: true }).fill(PASSWORD);
  await page.getByLabel("New password", { exact: true }).fill(CHANGED);
  await page.getByRole("button", { name: "Change password" }).click();
  await page.waitForURL("**/-/account?done=password");
  assert.match(await page.getByRole("status").first().innerText(), /has been changed/);
  await picture(page, "password-changed");
  await page.goto("/incidents");
  assert.equal(new URL(page.url()).pathname, "/incidents");
  await other.goto("/incidents?status=open");
  assert.equal(new URL(other.url()).pathname, "/-/login");
  await signIn(other, admin, CHANGED);
  await other.waitForURL(({ pathname, search }) => pathname + search === "/incidents?status=open");
  await other.context().close();
});

test("logging out ends the session, also for who kept its cookies", async () => {
  const kept = await page.context().cookies();
  await page.goto("/-/account");
  await page.getByRole("button", { name: "Log out" }).click();
  await page.waitForURL("**/-/login");
  assert.equal((await page.context().cookies()).filter((cookie) => cookie.name.includes("tenantry")).length, 0);
  await page.context().addCookies(kept);
  await page.goto("/incidents");
  assert.equal(new URL(page.url()).pathname, "/-/login");
});

test("everything is reached by keyboard, in the order it is read", async () => {
  const keys = await profile(browser);
  await keys.goto("/-/login?return=/-/account");
  const focused = () => keys.evaluate(() => document.activeElement.id || document.activeElement.textContent.trim());
  assert.equal(await focused(), "email", "the first field waits for typing");
  await keys.keyboard.type(guest);
  await keys.keyboard.press("Tab");
  assert.equal(await focused(), "password");
  await keys.keyboard.type("lantern-birch-quartz-17");
  await keys.keyboard.press("Tab");
  assert.equal(await focused(), "Show");
  await keys.keyboard.press("Space");
  assert.equal(await keys.locator("#password").getAttribute("type"), "text");
  await keys.keyboard.press("Tab");
  assert.equal(await focused(), "Sign in");
  await keys.keyboard.press("Enter");
  await keys.waitForURL(({ pathname }) => pathname === "/-/account");
  await keys.keyboard.press("Tab");
  assert.equal(await focused(), "Skip to the content");
  const link = await keys.locator(".skip").boundingBox();
  assert.ok(link.x >= 0 && link.y >= 0, "the skip link shows when it has the focus");
  await keys.keyboard.press("Enter");
  assert.equal(await focused(), "main");
  await keys.context().close();
});

test("a message takes the focus, so that it is heard", async () => {
  const wrong = await profile(browser);
  await wrong.goto("/-/login");
  await signIn(wrong, guest, "not-the-password-at-all");
  await wrong.getByRole("alert").waitFor();
  assert.equal(await wrong.evaluate(() => document.activeElement.getAttribute("role")), "alert");
  assert.match(await wrong.title(), /^Error: /);
  await wrong.context().close();
});

test("nothing is wider than a small screen, with text at twice its size", async () => {
  for (const [on, path] of [[page, "/-/login"], [page, "/-/register"], [page, "/-/accept-invite"], [guestPage, "/-/account"], [guestPage, "/incidents"]]) {
    await on.setViewportSize({ width: 320, height: 640 });
    await on.goto(path);
    await on.evaluate(() => { document.documentElement.style.fontSize = "200%"; });
    const [scroll, width] = await on.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    assert.ok(scroll <= width, `${path}: ${scroll} in ${width}`);
    await on.setViewportSize({ width: 1280, height: 720 });
  }
});

test("the plaintext listener shows no login page: it leads to TLS", async () => {
  const bare = await profile(browser);
  await bare.goto(`${plain}/-/login?return=/incidents`);
  assert.equal(new URL(bare.url()).origin, new URL(base).origin);
  assert.equal(new URL(bare.url()).pathname, "/-/login");
  await bare.context().close();
});

test("a form of a foreign page changes nothing", async () => {
  const attacker = await profile(browser);
  await attacker.route("https://attacker.localhost/**", (route) =>
    route.fulfill({
      contentType: "text/html",
      body: `<form method="post" action="${base}/-/login"><input name="email" value="${guest}"><input name="password" value="lantern-birch-quartz-17"><input name="return" value="/"></form><script>document.forms[0].submit()</script>`,
    }),
  );
  await attacker.goto("https://attacker.localhost/");
  await attacker.waitForURL("**/-/login");
  assert.match(await attacker.locator("body").innerText(), /may not make it/);
  await picture(attacker, "refused");
  assert.equal((await attacker.context().cookies()).filter((cookie) => cookie.name.includes("tenantry")).length, 0);
  await attacker.context().close();
});

test("the pages work without JavaScript", async () => {
  const bare = await profile(browser, { javaScriptEnabled: false });
  await bare.goto("/-/login?return=/-/account");
  await signIn(bare, guest, "lantern-birch-quartz-17");
  await bare.waitForURL(({ pathname }) => pathname === "/-/account");
  assert.match(await bare.locator("h1").innerText(), new RegExp(organization));
  await bare.context().close();
});
