/**
 * The back end of an application: it knows its users, signs their tokens, and makes a room for them over REST.
 * Run `npm start`, then in another terminal, with the secret that the node made for itself:
 *
 *     JWT_SECRET=$(cat data/jwt-secret) npm run backend -w examples
 *
 * SDKs sign in here with `createClient({ url, authUrl: "http://127.0.0.1:3000/sign-in" })`, or by hand:
 *
 *     curl http://127.0.0.1:3000/sign-in -d '{"userId": "alice", "password": "wonderland"}'
 *
 * SIGNALBOX_URL says where the node is, if not on http://127.0.0.1:8080; PORT is where this server listens.
 */
import { createServer } from "node:http";
import { SignJWT } from "jose";

const { JWT_SECRET = "", SIGNALBOX_URL = "http://127.0.0.1:8080", PORT = "3000" } = process.env;
const secret = new TextEncoder().encode(JWT_SECRET);
const say = (line) => process.stdout.write(`${line}\n`);

/** Stands for a table of users, whose passwords would be hashed. */
const PEOPLE = new Map([
  ["alice", { name: "Alice", password: "wonderland" }],
  ["bob", { name: "Bob", password: "builder" }],
]);

/** A token for an hour. With the role `service` it may act for everyone, and never leaves this process. */
function sign(userId, claims) {
  const token = new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).setSubject(userId);
  return token.setIssuedAt().setExpirationTime("1h").sign(secret);
}

async function post(path, body) {
  const headers = { Authorization: `Bearer ${await sign("backend", { roles: ["service"] })}` };
  const response = await fetch(SIGNALBOX_URL + path, { method: "POST", headers, body: JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok) throw new Error(`POST ${path} answered ${answer.code}: ${answer.detail}`);
  return answer.data;
}

/** Takes `{"userId", "password"}`, and answers with a token when the password is right. */
async function signIn(request) {
  let text = "";
  for await (const chunk of request) if (text.length < 10_000) text += chunk;
  const { userId, password } = JSON.parse(text);
  const person = PEOPLE.get(userId);
  if (person === undefined || person.password !== password) throw new Error("the password is wrong");
  return { token: await sign(userId, { name: person.name }) };
}

const server = createServer(async (request, response) => {
  const answer = await signIn(request).catch(() => ({ code: "forbidden" }));
  response.writeHead("token" in answer ? 200 : 403, { "Content-Type": "application/json" });
  response.end(JSON.stringify(answer));
});

const room = await post("/v1/rooms", { name: "Welcome", members: [...PEOPLE.keys()] });
say(`The room "Welcome" is ${room.id}`);
server.listen(Number(PORT), "127.0.0.1", () => say(`Sign in at http://127.0.0.1:${server.address().port}/sign-in`));
