// The main story in a real browser: register, see the organization's incidents, invite a second person in another profile, be
// redirected on a dead session and come back, log out.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessibility, launch, picture, profile } from "./browser.js";

const PASSWORD = "demo-sensor-api-key";
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
  await page.waitForURL("**/incidents");
  assert.match(await page.locator("body").innerText(), new RegExp(organization));
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
  await page.waitForURL("**/incidents?severity=high");
});

test("a changed password ends the sessions elsewhere", async () => {
  const other = await profile(browser);
  await other.goto("/-/login");
  await signIn(other, admin, PASSWORD);
  await other.waitForURL("**/");
  await page.goto("/-/account");
  await page.getByLabel("Current password", { exact: true }).fill(PASSWORD);
  await page.getByLabel("New password", { exact: true }).fill("quartz-lantern-birch-19");
  await page.getByRole("button", { name: "Change password" }).click();
  await page.waitForURL("**/-/account");
  await page.goto("/incidents");
  assert.equal(new URL(page.url()).pathname, "/incidents");
  await other.goto("/incidents");
  assert.equal(new URL(other.url()).pathname, "/-/login");
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

test("a form of a foreign page changes nothing", async () => {
  const attacker = await profile(browser);
  await attacker.route("https://attacker.localhost/**", (route) =>
    route.fulfill({
      contentType: "text/html",
      body: `<form method="post" action="${process.env.BASE_URL ?? ""}/-/login"><input name="email" value="${guest}"><input name="password" value="lantern-birch-quartz-17"><input name="return" value="/"></form><script>document.forms[0].submit()</script>`,
    }),
  );
  await attacker.goto("https://attacker.localhost/");
  await attacker.waitForURL("**/-/login");
  assert.match(await attacker.locator("body").innerText(), /may not make it/);
  assert.equal((await attacker.context().cookies()).filter((cookie) => cookie.name.includes("tenantry")).length, 0);
  await attacker.context().close();
});

test("the pages work without JavaScript", async () => {
  const plain = await profile(browser, { javaScriptEnabled: false });
  await plain.goto("/-/login?return=/-/account");
  await signIn(plain, guest, "lantern-birch-quartz-17");
  await plain.waitForURL("**/-/account");
  await plain.context().close();
});
