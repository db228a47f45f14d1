// Why a link has ended: realtime/wire.py names those that the server sends.
export const AGED = 1001;
export const MALFORMED = 4400;
export const SESSION_ENDED = 4401;
export const TOO_SLOW = 4408;
export const TOO_MANY = 4429;

// What a browser says of a socket that broke; here of any link.
export const BROKEN = 1006;
// The page has come to need what this transport cannot carry.
export const OUTGROWN = -1;
// Another transport works that is better.
export const OUTDONE = -2;

const SERVERS = new Set([AGED, MALFORMED, SESSION_ENDED, TOO_SLOW, TOO_MANY]);

// Whatever the server says by a code has come through.
export function isServers(code) {
  return SERVERS.has(code);
}
