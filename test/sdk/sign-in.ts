/** An application's own sign-in endpoint: what `signIn` posts its credentials to. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { sign } from "../support/tokens.ts";

export interface SignIn {
  readonly url: string;
  close(): void;
}

/** Lets in whoever knows the password "open sesame", as the user that they say. */
export async function startSignIn(): Promise<SignIn> {
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const { userId, password } = JSON.parse(body) as { userId: string; password: string };
    const known = request.method === "POST" && password === "open sesame";
    response.writeHead(known ? 200 : 403, {
      "content-type": known ? "application/json" : "application/problem+json",
    });
    const problem = { type: "about:blank", title: "Forbidden", status: 403, detail: "no such user", code: "forbidden" };
    response.end(JSON.stringify(known ? { token: await sign({ sub: userId }) } : problem));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/sign-in`,
    close: () => server.close(),
  };
}
