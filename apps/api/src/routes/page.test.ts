import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fakeApi } from "../api.fake.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "signalbox-page-"));
  await mkdir(join(folder, "dist/assets"), { recursive: true });
  await writeFile(join(folder, "dist/index.html"), "<title>the page</title>");
  await writeFile(join(folder, "dist/assets/index-a1b2.js"), "export {};");
  await writeFile(join(folder, "secret"), "not of the page");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const get = (path: string, page = join(folder, "dist")) => fakeApi({ page }).app.request(path);

describe("the page", () => {
  it("is served at /, asked for anew each time, and may run nothing but its own files", async () => {
    const response = await get("/");
    expect(await response.text()).toBe("<title>the page</title>");
    expect(response.headers.get("content-type")).toMatch(/^text\/html/);
    expect(response.headers.get("cache-control")).toBe("no-cache");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(response.headers.get("content-security-policy")).toMatch(/^default-src 'self';.*frame-ancestors 'none'/);
    expect(response.headers.get("content-security-policy")).not.toContain("unsafe");
  });

  it("has files that a browser keeps for ever", async () => {
    const response = await get("/assets/index-a1b2.js");
    expect(await response.text()).toBe("export {};");
    expect(response.headers.get("content-type")).toMatch(/^text\/javascript/);
    expect(response.headers.get("cache-control")).toContain("immutable");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
  });

  it.each([
    "/assets/index-0000.js",
    "/assets/",
    "/assets/..%2f..%2fsecret",
    "/assets/%2e%2e/%2e%2e/secret",
    "/index.html",
  ])("has no file at %s, and nobody keeps that", async (path) => {
    const response = await get(path);
    expect(response.status).toBe(404);
    expect(response.headers.get("cache-control")).toBeNull();
    expect(await response.json()).toMatchObject({ code: "not_found" });
  });

  it("is told that everything is where it came from", async () => {
    const response = await get("/console.json");
    expect(await response.json()).toEqual({ signInUrl: "/dev/sign-in", apis: [""], gateways: [""] });
  });

  it("says in a line how to make it while it is not built", async () => {
    const response = await get("/", join(folder, "nowhere"));
    expect(response.status).toBe(404);
    expect(await response.text()).toMatch(/^[^\n]*npm run build -w apps\/console[^\n]*\n$/);
  });

  it("is not there for a node that was handed none", async () => {
    for (const path of ["/", "/console.json"]) expect((await fakeApi().app.request(path)).status).toBe(404);
  });
});
