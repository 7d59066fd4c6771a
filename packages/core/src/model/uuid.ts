/** A UUID v7 (RFC 9562): `at` in milliseconds, then 74 random bits. */
export function uuidv7(at: number): string {
  const time = Math.floor(at).toString(16).padStart(12, "0");
  const random = crypto.randomUUID();
  // A v4 has "4xxx" as its third group, and the same variant bits in the fourth as a v7: only the version changes.
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(15)}`;
}
