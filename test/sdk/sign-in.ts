/** An application's own sign-in endpoint: `signIn` posts its credentials there. */
import { createServer } from "node:http";
import { listenOn } from "../support/loopback.ts";
import { sign } from "../support/tokens.ts";

export interface SignIn {
  readonly url: string;
  close(): void;
}

/** Signs any user id in with the password "open sesame". */
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
  const url = await listenOn(server);
  return { url: `${url}/sign-in`, close: () => server.close() };
}
