/** `\S+` and the spaces around it share no character: a header of spaces costs no time. */
const BEARER = /^bearer +(\S+) *$/i;

/** The token of an `Authorization` header; undefined for another scheme, and without a header. */
export const bearerIn = (authorization: string | undefined): string | undefined =>
  BEARER.exec(authorization ?? "")?.[1];
