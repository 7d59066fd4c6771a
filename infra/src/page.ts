/** Serves the console (apps/console) of a cluster: one page for all nodes, which signs in any user without proof. */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { extname, join } from "node:path";
import { Problem, problemBody } from "@signalbox/protocol/errors";
import { SignIn } from "@signalbox/protocol/http";
import { parse, parseJson } from "@signalbox/protocol/parse";
import { SignJWT } from "jose";
import type { Cluster } from "./cluster.ts";
import { PAGE } from "./page-build.ts";

const BODY_BYTES = 4096;
const JSON_TYPE = "application/json";
const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

interface Answer {
  readonly status?: number;
  readonly type: string;
  readonly body: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Page {
  readonly url: string;
  close(): Promise<void>;
}

/** The origins of the page on this port, for the `ALLOWED_ORIGINS` of its nodes. */
export const originsOf = (port: number): string[] => [`http://127.0.0.1:${port}`, `http://localhost:${port}`];

/** Serves the built page on loopback. Rejects when the port is taken. */
export async function startPage(cluster: Pick<Cluster, "apis" | "gateways" | "secret">, port: number): Promise<Page> {
  const origins = originsOf(port);
  const server = createServer((request, response) => {
    void answerTo(request, cluster, origins)
      .catch(problemOf)
      .then((answer) => send(response, answer));
  });
  await once(server.listen(port, "127.0.0.1"), "listening");
  return {
    url: `${origins[0]}/`,
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answerTo(
  request: IncomingMessage,
  cluster: Pick<Cluster, "apis" | "gateways" | "secret">,
  origins: readonly string[],
): Promise<Answer> {
  const path = (request.url ?? "/").replace(/\?.*$/, "");
  if (request.method === "POST" && path === "/dev/sign-in") return signIn(request, cluster.secret, origins);
  const apis = cluster.apis.map(({ url }) => url);
  const gateways = cluster.gateways.map(({ url }) => url);
  if (path === "/console.json")
    return { type: JSON_TYPE, body: JSON.stringify({ signInUrl: "/dev/sign-in", apis, gateways }) };
  if (path === "/") return index([...apis, ...gateways]);
  const [, asset] = /^\/assets\/([\w-][\w.-]*)$/.exec(path) ?? [];
  if (asset === undefined) throw new Problem("not_found", "there is no such page here");
  // Cached for ever: the name of a file holds the hash of its content.
  return file(join("assets", asset), { "Cache-Control": "public, max-age=31536000, immutable" });
}

/** The page with a policy: it loads its own files alone, and connects to the nodes alone. */
function index(nodes: readonly string[]): Promise<Answer> {
  const connectable = ["'self'", ...nodes, ...nodes.map((url) => url.replace(/^http/, "ws"))].join(" ");
  const policy = `default-src 'self'; connect-src ${connectable}; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
  return file("index.html", { "Content-Security-Policy": policy });
}

async function file(name: string, headers: Readonly<Record<string, string>>): Promise<Answer> {
  const body = await readFile(join(PAGE, name)).catch(() => {
    throw new Problem("not_found", "the page has no such file");
  });
  return { type: TYPES[extname(name)] ?? "application/octet-stream", body, headers };
}

/** Signs a token. It accepts JSON of any content type, which any page may post, so it checks the origin. */
async function signIn(request: IncomingMessage, secret: string, origins: readonly string[]): Promise<Answer> {
  const { origin } = request.headers;
  if (origin !== undefined && !origins.includes(origin))
    throw new Problem("forbidden", "a page of this origin gets no tokens here");
  const { userId, name } = parse(SignIn, parseJson(await textOf(request)));
  const token = await new SignJWT(name === undefined ? {} : { name })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(userId)
    .setIssuedAt()
    .setExpirationTime("1h")
    .sign(new TextEncoder().encode(secret));
  return { type: JSON_TYPE, body: JSON.stringify({ token }), headers: { "Cache-Control": "no-store" } };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > BODY_BYTES) throw new Problem("too_large", `a body holds at most ${BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function problemOf(error: unknown): Answer {
  const body = problemBody(error instanceof Problem ? error : new Problem("internal", "the page could not be served"));
  return { status: body.status, type: "application/problem+json", body: JSON.stringify(body) };
}

function send(response: ServerResponse, { status = 200, type, body, headers }: Answer): void {
  const fixed = { "Content-Type": type, "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff" };
  response.writeHead(status, { ...fixed, ...headers }).end(body);
}
