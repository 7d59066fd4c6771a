import { Problem } from "@signalbox/protocol/errors";
import { expect, test } from "vitest";
import { createHomeserver } from "./homeserver.ts";

interface Sent {
  readonly method: string;
  readonly url: string;
  readonly body: unknown;
  readonly token: string | null;
}

/** A homeserver with one answer to all requests, which are recorded. */
function answering(answer: () => Response | Promise<Response>) {
  const sent: Sent[] = [];
  const send: typeof fetch = async (url, init = {}) => {
    const body = typeof init.body === "string" ? (JSON.parse(init.body) as unknown) : undefined;
    const token = new Headers(init.headers).get("authorization");
    sent.push({
      method: init.method ?? "GET",
      url: String(url).replace("http://hs.example/_matrix/client/", ""),
      body,
      token,
    });
    return answer();
  };
  return { sent, homeserver: createHomeserver({ url: "http://hs.example/", asToken: "as-secret", fetch: send }) };
}

const json =
  (body: unknown, status = 200, headers = {}) =>
  () =>
    new Response(JSON.stringify(body), { status, headers });

test("a send goes out under its transaction id, as its user, with every id encoded", async () => {
  const { sent, homeserver } = answering(json({ event_id: "$new" }));
  const content = { msgtype: "m.text", body: "hi" };
  expect(await homeserver.send("@ada:hs", "!room/1:hs", "m.room.message", "t/1", content)).toBe("$new");
  const url = "v3/rooms/!room%2F1%3Ahs/send/m.room.message/t%2F1?user_id=%40ada%3Ahs";
  expect(sent).toEqual([{ method: "PUT", url, body: content, token: "Bearer as-secret" }]);
});

test("a call without a user acts as the bridge", async () => {
  const { sent, homeserver } = answering(json({ event_id: "$new" }));
  await homeserver.redact(null, "!r", "$e", "t1");
  expect(sent).toMatchObject([{ method: "PUT", url: "v3/rooms/!r/redact/%24e/t1", body: {} }]);
});

test("signals and reads use the paths of Matrix", async () => {
  const { sent, homeserver } = answering(json({ chunk: [{}], end: "t2", joined_rooms: ["!r", 7], user_id: "@bot:hs" }));
  await homeserver.typing("@a:hs", "!r", 4000);
  await homeserver.typing("@a:hs", "!r", 0);
  await homeserver.receipt("@a:hs", "!r", "$e", false);
  await homeserver.receipt("@a:hs", "!r", "$e", true);
  expect(await homeserver.messages(null, "!r", null, 100)).toEqual({ events: [{}], end: "t2" });
  await homeserver.messages("@a:hs", "!r", "t1", 100);
  await homeserver.event("@a:hs", "!r", "$e");
  expect(await homeserver.joinedRooms(null)).toEqual(["!r"]);
  await homeserver.register("_bridge_ada");
  expect(await homeserver.whoami()).toBe("@bot:hs");
  await homeserver.ping("signalbox");
  const user = "user_id=%40a%3Ahs";
  expect(sent.map(({ method, url, body }) => [method, url, body])).toEqual([
    ["PUT", `v3/rooms/!r/typing/%40a%3Ahs?${user}`, { typing: true, timeout: 4000 }],
    ["PUT", `v3/rooms/!r/typing/%40a%3Ahs?${user}`, { typing: false }],
    ["POST", `v3/rooms/!r/receipt/m.read/%24e?${user}`, {}],
    ["POST", `v3/rooms/!r/receipt/m.read.private/%24e?${user}`, {}],
    ["GET", "v3/rooms/!r/messages?dir=f&limit=100", undefined],
    ["GET", `v3/rooms/!r/messages?dir=f&limit=100&from=t1&${user}`, undefined],
    ["GET", `v3/rooms/!r/event/%24e?${user}`, undefined],
    ["GET", "v3/joined_rooms", undefined],
    ["POST", "v3/register", { type: "m.login.application_service", username: "_bridge_ada", inhibit_login: true }],
    ["GET", "v3/account/whoami", undefined],
    ["POST", "v1/appservice/signalbox/ping", {}],
  ]);
});

test.each([
  [403, {}, {}, { code: "forbidden" }],
  [404, {}, {}, { code: "not_found" }],
  [413, {}, {}, { code: "too_large" }],
  [429, { retry_after_ms: 1500.5 }, { "retry-after": "9" }, { code: "rate_limited", retryAfterMs: 1501 }],
  [429, {}, { "retry-after": "2" }, { code: "rate_limited", retryAfterMs: 2000 }],
  [429, {}, {}, { code: "rate_limited", retryAfterMs: 1000 }],
  [429, {}, { "retry-after": "Wed, 21 Oct 2015 07:28:00 GMT" }, { code: "rate_limited", retryAfterMs: 1000 }],
  [400, { errcode: "M_DUPLICATE_ANNOTATION" }, {}, { code: "unavailable" }],
  [401, {}, {}, { code: "unavailable" }],
  [502, {}, {}, { code: "unavailable" }],
  [200, [], {}, { code: "unavailable" }],
  [200, { event_id: 7 }, {}, { code: "unavailable" }],
])("an answer of %d with %j and %j is %j", async (status, body, headers, problem) => {
  const { homeserver } = answering(json(body, status, headers));
  await expect(homeserver.send("@a:hs", "!r", "m.room.message", "t", {})).rejects.toMatchObject(problem);
});

test.each<[string, () => Response | Promise<Response>]>([
  ["no server", () => Promise.reject(new TypeError("fetch failed"))],
  ["no answer in time", () => Promise.reject(new DOMException("as-secret", "TimeoutError"))],
  ["an answer that is no JSON", () => new Response("<html>")],
  ["an error that is no JSON", () => new Response("<html>", { status: 500 })],
])("%s is unavailable", async (_, answer) => {
  const { homeserver } = answering(answer);
  await expect(homeserver.whoami()).rejects.toMatchObject({ code: "unavailable" });
});

test("the registration of an existing user succeeds", async () => {
  const { homeserver } = answering(json({ errcode: "M_USER_IN_USE" }, 400));
  await homeserver.register("_bridge_ada");
});

test("no problem holds what was sent, nor the token", async () => {
  const words = "as-secret hello";
  for (const status of [400, 403, 404, 413, 429, 500]) {
    const { homeserver } = answering(json({ error: words, errcode: words }, status));
    const problem = await homeserver.send("@a:hs", "!r", "m", "t", { body: words }).catch((error: unknown) => error);
    expect(problem).toBeInstanceOf(Problem);
    expect(
      JSON.stringify(Object.getOwnPropertyNames(problem).map((key) => String((problem as never)[key]))),
    ).not.toMatch(/as-secret|hello/);
  }
});
