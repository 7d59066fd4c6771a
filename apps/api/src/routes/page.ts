import { join } from "node:path";
import { serveStatic } from "@hono/node-server/serve-static";
import { Hono, type MiddlewareHandler } from "hono";

/** Lets a browser run, show and request nothing but the page's own origin, which has the API and the sockets too. */
const POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const NOT_BUILT = "The page is not built yet: `npm run build -w apps/console` makes it.\n";
/** Addresses for the page: an empty URL is its own origin. */
const PLACES = { signInUrl: "/dev/sign-in", apis: [""], gateways: [""] };

export interface PageDeps {
  /** The folder of the built page; it need not be there yet. */
  readonly page: string;
}

/** The console, for a node that is API and gateway in one. */
export function pageRoutes({ page }: PageDeps): Hono {
  const app = new Hono();
  const index = serveStatic({ path: join(page, "index.html") });
  // As `root`, a folder that does not exist yet would cause a warning on the console.
  const asset = serveStatic({ rewriteRequestPath: (path) => join(page, path) });
  const checked = { "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff" };
  app.get("/", bringing({ ...checked, "Content-Security-Policy": POLICY }), index, (c) => c.text(NOT_BUILT, 404));
  app.get("/console.json", bringing(checked), (c) => c.json(PLACES));
  // A file's name holds the hash of its content.
  const kept = { ...checked, "Cache-Control": "public, max-age=31536000, immutable" };
  app.get("/assets/*", bringing(kept), asset, (c) => c.notFound());
  return app;
}

/** Adds headers to a success alone: a browser that keeps a 404 would not see the next build. */
const bringing =
  (headers: Readonly<Record<string, string>>): MiddlewareHandler =>
  async (c, next) => {
    await next();
    if (c.res.ok) for (const [name, value] of Object.entries(headers)) c.res.headers.set(name, value);
  };
