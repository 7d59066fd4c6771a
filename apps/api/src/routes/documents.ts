import { Hono } from "hono";
import { createAsyncApi } from "../docs/asyncapi.ts";
import * as docs from "../docs/documents.ts";
import { openapiOf } from "../docs/openapi.ts";
import { pageOf } from "../docs/page/page.ts";

const JSON_HEADERS = { "Content-Type": "application/json" };

/** `/openapi.json`, `/asyncapi.json` and `/docs`. Each is built at its first request, and kept. */
export function documentRoutes(app: Hono): Hono {
  const openapi = once(() => openapiOf(app));
  const asyncapi = once(async () => createAsyncApi());
  const texts = {
    openapi: once(async () => JSON.stringify(await openapi())),
    asyncapi: once(async () => JSON.stringify(await asyncapi())),
  };
  const page = once(async () => pageOf(await openapi(), await asyncapi()));
  return new Hono()
    .get("/openapi.json", docs.openapi, async (c) => c.body(await texts.openapi(), 200, JSON_HEADERS))
    .get("/asyncapi.json", docs.asyncapi, async (c) => c.body(await texts.asyncapi(), 200, JSON_HEADERS))
    .get("/docs", docs.page, async (c) => {
      const { body, headers } = await page();
      return c.body(body, 200, headers);
    });
}

/** Calls `make` once. After a failure, the next call tries again. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}
