/** The slots of Redis Cluster: the CRC16 (XMODEM) of a key's hash tag, modulo 16384. */

export const SLOTS = 16_384;

const CRC = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  return crc;
});

/** The slot of a key or channel with a name in ASCII. */
export function slotOf(name: string): number {
  const open = name.indexOf("{");
  const close = name.indexOf("}", open + 1);
  const tagged = open >= 0 && close > open + 1;
  let crc = 0;
  for (let index = tagged ? open + 1 : 0, end = tagged ? close : name.length; index < end; index++) {
    crc = ((crc << 8) & 0xffff) ^ (CRC[(crc >> 8) ^ name.charCodeAt(index)] ?? 0);
  }
  return crc & (SLOTS - 1);
}
