/** UTF-8 as a one-byte ("latin1") string: as cheap to join as a string, and written to a socket without another encoding. */
export type Bytes = string;

/** Text as UTF-8 bytes, held as a one-byte string. */
export const toBytes = (text: string): Bytes => Buffer.from(text, "utf8").toString("latin1");

/** The text behind UTF-8 bytes held as a one-byte string. */
export const toText = (bytes: Bytes): string => Buffer.from(bytes, "latin1").toString("utf8");
