import { jwtVerify } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "./cluster.ts";
import { originsOf, type Page, startPage } from "./page.ts";
import { freePort } from "./redis-process.ts";

const secret = "a secret of a cluster that is not there, longer than 32 bytes";
const at = (port: number) => ({ url: `http://127.0.0.1:${port}` });
const cluster = { apis: [at(1), at(2)], gateways: [at(3), at(4)], secret } as unknown as Cluster;
let page: Page;

beforeAll(async () => {
  page = await startPage(cluster, await freePort());
});
afterAll(() => page.close());

const get = (path: string) => fetch(new URL(path, page.url));
const signIn = (body: string, headers: Record<string, string> = {}) =>
  fetch(new URL("/dev/sign-in", page.url), { method: "POST", body, headers });

describe("the page of a cluster", () => {
  it("gets the addresses of all nodes", async () => {
    const [apis, gateways] = [cluster.apis.map(({ url }) => url), cluster.gateways.map(({ url }) => url)];
    expect(await (await get("/console.json")).json()).toEqual({ signInUrl: "/dev/sign-in", apis, gateways });
  });

  it("signs in any user, with the secret of the cluster", async () => {
    for (const headers of [{}, ...originsOf(Number(new URL(page.url).port)).map((origin) => ({ origin }))]) {
      const { token } = (await (await signIn('{"userId":"ada","name":"Ada"}', headers)).json()) as { token: string };
      const { payload } = await jwtVerify(token, new TextEncoder().encode(secret), { algorithms: ["HS256"] });
      expect(payload).toMatchObject({ sub: "ada", name: "Ada", exp: (payload.iat ?? 0) + 3600 });
    }
  });

  it.each([
    ["a page of another origin", '{"userId":"ada"}', { origin: "https://evil.example" }, 403],
    ["a page of no origin", '{"userId":"ada"}', { origin: "null" }, 403],
    ["an invalid user", '{"userId":"no user"}', {}, 400],
    ["an invalid body", "userId=ada", {}, 400],
  ])("signs in nothing for %s", async (_, body, headers, status) => {
    const response = await signIn(body, headers);
    expect(response.status).toBe(status);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
  });

  it.each(["/assets/..%2findex.html", "/assets/.", "/assets/none.js", "/package.json", "/dev/sign-in"])(
    "has nothing at %s",
    async (path) => {
      expect((await get(path)).status).toBe(404);
    },
  );
});
