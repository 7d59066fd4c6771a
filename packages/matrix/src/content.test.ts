import { utf8Length } from "@signalbox/protocol/text";
import { expect, test } from "vitest";
import { clean, messageContentOf, nameAt } from "./content.ts";

const wellFormed = (text: string) => !/\p{Surrogate}/u.test(text);

test("text as long as may be stays as it is, and longer text is cut between two characters", () => {
  const contentOf = (body: string) => messageContentOf({ msgtype: "m.text", body }, false)?.content ?? "";
  expect(contentOf("x".repeat(32_768))).toHaveLength(32_768);
  expect(contentOf("x".repeat(32_769))).toHaveLength(32_768);
  expect(utf8Length(contentOf("€".repeat(20_000)))).toBe(32_766);
  const faces = contentOf("😀".repeat(10_000));
  expect([utf8Length(faces), wellFormed(faces)]).toEqual([32_768, true]);
  const shifted = contentOf(`x${"😀".repeat(10_000)}`);
  expect([utf8Length(shifted), wellFormed(shifted)]).toEqual([32_765, true]);
});

test("a character that cannot be stored becomes the replacement character, and counts as that", () => {
  expect(clean("a\0b\ud83dc", 100)).toBe("a\ufffdb\ufffdc");
  expect(clean("\0\0\0", 8)).toBe("\ufffd\ufffd");
});

test("a name is trimmed, and cut where a native one would be refused", () => {
  expect(nameAt({ name: "  Ada  " }, "name")).toBe("Ada");
  expect(nameAt({ name: "x".repeat(300) }, "name")).toHaveLength(200);
  expect(nameAt({ name: `${"x".repeat(199)}😀` }, "name")).toBe("x".repeat(199));
  expect([{ name: " " }, { name: 7 }, {}].map((content) => nameAt(content, "name"))).toEqual([null, null, null]);
});

test("a quotation without an answer leaves nothing, and one that runs into its answer leaves that", () => {
  const answer = (body: string) => messageContentOf({ msgtype: "m.text", body }, true)?.content;
  expect(answer("> <@ada:matrix.example> Hello")).toBe("");
  expect(answer("> <@ada:matrix.example> Hello\nHi")).toBe("Hi");
  expect(answer("> <@ada:matrix.example> Hello\n\n\nHi\n> there")).toBe("\nHi\n> there");
});
